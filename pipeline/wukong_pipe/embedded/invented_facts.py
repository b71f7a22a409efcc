"""Invented facts, to pre-train the embedded student on the language of questions without the facts of a corpus."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from wukong_pipe.embedded.questions import GAP, JOINED, JOINED_TWO, form_of, templates
from wukong_pipe.language.chinese import CJK
from wukong_pipe.records import Lang

INVENTED_FACTS = 300
"""So few that each invented fact comes back in many wordings during pre-training."""

QUESTION_WORDS: dict[Lang, tuple[str, ...]] = {
    "zh": ("哪一天", "哪一年", "多少个", "几个", "哪里", "什么", "怎样", "由谁", "为什么", "哪些"),
    "en": ("when was it that", "how many", "who or what", "by whom", "why was it that", "what"),
}
"""The question words of invented questions of the family `ask`."""


def invented_pairs(
    lang: Lang, texts: Sequence[str], seed: int, facts: int = INVENTED_FACTS
) -> Iterator[tuple[str, str]]:
    """Questions and answers about invented things, without end, to pre-train the embedded student on.

    ("能告诉我石云对应的出吗？", "敢棍当")

    Names, attributes and answers are random strings of the characters (words, in English) of `texts`. There are only
    `facts` facts, and each is asked in all wordings of its family in turn. As in real text, one thing has a
    description and several attributes. So the student learns what a pre-trained model knows: the wording of a question
    does not change its answer, what it asks for does. It learns none of the facts of `texts`.

    Args:
        texts: questions and answers of the data. Only families of templates that ask some of them are used; all
            families, where none does.
    """
    rng = random.Random(seed)
    pattern = rf"[{CJK}]" if lang == "zh" else r"\S+"
    pieces = sorted({piece for text in texts for piece in re.findall(pattern, text)})
    if not pieces:
        return
    families = {form.split("/")[1] for form in map(form_of, texts) if form} or set(templates(lang))
    world = list(islice((fact for fact in _invented_facts(rng, pieces, lang) if fact[0] in families), facts))
    while True:
        rng.shuffle(world)
        for family, slots, answer in world:
            yield rng.choice(templates(lang)[family]).format(**slots), answer


def _invented_facts(rng: random.Random, pieces: Sequence[str], lang: Lang) -> Iterator[tuple[str, dict[str, str], str]]:
    """(family, slots, answer) of invented facts, without end: of each thing one of every family, and two attributes."""
    joiner = "" if lang == "zh" else " "

    def invented(low: int, high: int) -> str:
        return joiner.join(rng.choices(pieces, k=rng.randint(low, high)))

    attributes = [invented(1, 3) for _ in range(12)]
    kinds = [invented(1, 2) for _ in range(6)]
    while True:
        thing = invented(2, 4)
        yield "define", {"thing": thing}, invented(2, 8)
        for attribute in rng.sample(attributes, 2):
            value = invented(1, 6)
            yield "attribute", {"thing": thing, "attribute": attribute}, value
        yield "reverse", {"attribute": attribute, "value": value, "kind": rng.choice(kinds)}, thing
        gapped = joiner.join([thing, invented(1, 4), GAP, invented(0, 4)]).strip()
        yield "cloze", {"gapped": gapped}, invented(1, 4)
        values = {"value": invented(1, 3), "other_value": invented(1, 3)}
        slots = {"thing": thing, "other": invented(2, 4), "attribute": attribute, **values}
        yield "compare", slots, JOINED_TWO[lang].join(values.values())
        question_word = rng.choice(QUESTION_WORDS[lang])
        question = joiner.join([thing, invented(1, 4), question_word, invented(0, 3)]).strip()
        yield "ask", {"question": question}, invented(1, 4)
        group = joiner.join([thing, invented(1, 2)])
        yield "list", {"group": group}, JOINED[lang].join(invented(1, 3) for _ in range(3))
