"""The language of questions without the facts: what the embedded student is pre-trained on."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from wukong_pipe.embedded.questions import BLANK, JOINED, JOINED_TWO, TEMPLATES, form_of
from wukong_pipe.language.chinese import CJK
from wukong_pipe.records import Lang

MADE_UP_FACTS = 300
"""So few invented facts that each comes back in many wordings during pre-training."""

QUESTION_WORDS: dict[Lang, tuple[str, ...]] = {
    "zh": ("哪一天", "哪一年", "多少个", "几个", "哪里", "什么", "怎样", "由谁", "为什么", "哪些"),
    "en": ("when was it that", "how many", "who or what", "by whom", "why was it that", "what"),
}
"""What an invented question of the ask family asks with."""


def made_up_pairs(lang: Lang, texts: Sequence[str], seed: int, facts: int = MADE_UP_FACTS) -> Iterator[tuple[str, str]]:
    """Questions and answers about invented things, endlessly, to pre-train the embedded student on.

    Names, attributes and answers are strung together at random from the characters (words, in English) of
    `texts`. There are only `facts` of them, each asked in turn in all wordings of its family, of the families that
    `texts` hold questions of (of all, where they hold none), and as in real text one thing has a description and
    several attributes. So the student learns what a pre-trained model knows, that a question's wording does not
    change its answer but what it asks for does, and none of the facts of `texts`.
    """
    rng = random.Random(seed)
    pattern = rf"[{CJK}]" if lang == "zh" else r"\S+"
    pieces = sorted({piece for text in texts for piece in re.findall(pattern, text)})
    if not pieces:
        return
    families = {form.split("/")[1] for form in map(form_of, texts) if form} or set(TEMPLATES[lang])
    world = list(islice((fact for fact in _made_up_facts(rng, pieces, lang) if fact[0] in families), facts))
    while True:
        rng.shuffle(world)
        for family, slots, reply in world:
            yield rng.choice(TEMPLATES[lang][family]).format(**slots), reply


def _made_up_facts(rng: random.Random, pieces: Sequence[str], lang: Lang) -> Iterator[tuple[str, dict[str, str], str]]:
    """(family, slots, answer) of invented facts, endlessly: of each thing one of every family, and two attributes."""

    joiner = "" if lang == "zh" else " "

    def invented(low: int, high: int) -> str:
        return joiner.join(rng.choices(pieces, k=rng.randint(low, high)))

    attributes = [invented(1, 3) for _ in range(12)]
    kinds = [invented(1, 2) for _ in range(6)]
    while True:
        name = invented(2, 4)
        yield "define", {"e": name}, invented(2, 8)
        for attribute in rng.sample(attributes, 2):
            value = invented(1, 6)
            yield "attribute", {"e": name, "a": attribute}, value
        yield "reverse", {"a": attribute, "v": value, "k": rng.choice(kinds)}, name
        yield "cloze", {"s": joiner.join([name, invented(1, 4), BLANK, invented(0, 4)]).strip()}, invented(1, 4)
        values = {"v": invented(1, 3), "w": invented(1, 3)}
        slots = {"e": name, "f": invented(2, 4), "a": attribute, **values}
        yield "compare", slots, JOINED_TWO[lang].join(values.values())
        asked = rng.choice(QUESTION_WORDS[lang])
        yield "ask", {"q": joiner.join([name, invented(1, 4), asked, invented(0, 3)]).strip()}, invented(1, 4)
        yield "list", {"x": joiner.join([name, invented(1, 2)])}, JOINED[lang].join(invented(1, 3) for _ in range(3))
