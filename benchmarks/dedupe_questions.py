"""Questions as a build has them, with copies and twins planted among them, and what of them a method removes."""

from __future__ import annotations

import random
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from wukong_pipe.spilled import Spilled

THRESHOLD = 0.85
"""A planted copy that is so alike to its original is to be found."""
PLANTED = 0.05
"""Share of the questions that are planted near-duplicates, and as many that are planted twins."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its answer, the pair it words, and the question it was made from where it was planted."""

    text: str
    answer: str
    pair: str
    name: str
    """The name that it asks about."""
    kind: Literal["wording", "edited", "twin"] = "wording"
    of: int = -1


SYLLABLES = [a + b + c for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ai", "ou") for c in "lmnrs"]
PLAIN = [
    "Old",
    "Northern",
    "Heavy",
    "Quiet",
    "Second",
    "Upper",
    "Copper",
    "Narrow",
    "Hidden",
    "Winter",
    "Stone",
    "River",
]
# The common characters of GB 2312, in the order of their sounds.
CHARACTERS = "".join(bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF))
ATTRIBUTES = {
    "zh": [
        "材料",
        "重量",
        "来历",
        "主人",
        "等级",
        "价格",
        "用途",
        "产地",
        "颜色",
        "长度",
        "弱点",
        "奖励",
        "掉落",
        "位置",
    ],
    "en": ["material", "weight", "origin", "owner", "level", "price", "use", "length", "colour", "weak point", "crew"],
}
SENTENCES = {
    "zh": (
        "{e}在第{n}回里守着{o}，打败之后可以得到____。",
        "传说{e}曾经在{o}修行{n}年，后来被____收服。",
        "从{o}出发向北走{n}步，就能看到{e}留下的____。",
        "{e}最多可以携带{n}个{o}，超出的部分会变成____。",
        "据《{o}志》第{n}卷记载，{e}原本是____的坐骑。",
    ),
    "en": (
        "{e} guards the gate of {o} in chapter {n} and leaves ____ when it is beaten.",
        "After {n} years {e} left {o} and was never again seen by ____.",
        "The crew of {e} carried {n} kilograms of equipment to {o} and returned with ____.",
        "{e} and {o} are {n} miles apart, and the road between them is held by ____.",
    ),
}


def questions(count: int, seed: int = 0) -> tuple[list[Question], frozenset[str]]:
    """Questions in Chinese and English in the wordings of the embedded teacher's templates, and the names in them.

    A tenth is planted, each copy under another pair with the answer of its original: half are edited in 2 to 10 % of
    the characters, half are twins that differ in a number or a name alone.
    """
    mixed, names = questions_in([], count, seed)
    return [*mixed], names


def questions_in(
    found: list[Question] | Spilled[Question], count: int, seed: int = 0
) -> tuple[Sequence[Question], frozenset[str]]:
    """The same, of which an empty list takes the questions themselves."""
    from wukong_pipe.spilled import made

    rng = random.Random(seed)
    planted = int(count * PLANTED)
    originals = count - 2 * planted
    names = set[str]()
    for question in _wordings(rng, originals):
        found.append(question)
        names.add(question.name)
    by_lang = {lang: sorted(name for name in names if name.isascii() == (lang == "en")) for lang in ("zh", "en")}
    for n in range(planted):
        original = found[of := rng.randrange(originals)]
        text = edited(original.text, original.name, rng)
        found.append(Question(text, original.answer, f"edited {n}", original.name, "edited", of))
    for n in range(planted):
        original = found[of := rng.randrange(originals)]
        text = twin(original.text, original.name, by_lang, rng)
        found.append(Question(text, original.answer, f"twin {n}", original.name, "twin", of))
    order = array("I", range(count))
    rng.shuffle(order)
    places = array("I", bytes(4 * count))
    for new, old in enumerate(order):
        places[old] = new

    def placed(at: int) -> Question:
        one = found[order[at]]
        return replace(one, of=places[one.of]) if one.of >= 0 else one

    return made(count, placed), frozenset(names)


def _wordings(rng: random.Random, count: int) -> Iterator[Question]:
    from wukong_pipe.embedded.questions import templates

    made = 0
    while True:
        lang: Literal["zh", "en"] = rng.choice(("zh", "en"))
        name, other = invented(lang, rng), invented(lang, rng)
        facts: list[tuple[str, dict[str, str]]] = [("define", {"thing": name})]
        facts += [("attribute", {"thing": name, "attribute": a}) for a in rng.sample(ATTRIBUTES[lang], 3)]
        sentence = rng.choice(SENTENCES[lang]).format(e=name, o=other, n=rng.randint(2, 200))
        facts.append(("cloze", {"gapped": sentence}))
        for family, slots in facts:
            common = str(rng.randint(1, 99)) if rng.random() < 0.8 else {"zh": "是", "en": "Yes"}[lang]
            answer = invented(lang, rng) if rng.random() < 0.6 else common
            for template in rng.sample(templates(lang)[family], 15):
                if made == count:
                    return
                yield Question(template.format(**slots), answer, f"{name} {family} {slots.get('attribute', '')}", name)
                made += 1


def invented(lang: Literal["zh", "en"], rng: random.Random) -> str:
    """A name of nothing: two to five Chinese characters, or one or two made-up words behind a plain one."""
    if lang == "zh":
        return "".join(rng.choices(CHARACTERS, k=rng.randint(2, 5)))
    made = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))).title() for _ in range(rng.randint(1, 2))]
    return " ".join([*rng.sample(PLAIN, rng.randint(0, 1)), *made])


def edited(text: str, name: str, rng: random.Random) -> str:
    """`text` with 2 to 10 % of its characters replaced, left out or doubled; at least one, but no key fact's."""
    facts = re.compile(rf"{re.escape(name)}|“[^”]*”|《[^》]*》|[A-Z]\w*|\d+")
    spans = [match.span() for match in facts.finditer(text)]
    places = [i for i, char in enumerate(text) if char.isalpha() and not any(start <= i < end for start, end in spans)]
    chars = list(text)
    for i in rng.sample(places, min(len(places), max(1, round(len(chars) * rng.uniform(0.02, 0.1))))):
        chars[i] = rng.choice(("", chars[i] * 2, chars[rng.choice(places)]))
    return "".join(chars)


def twin(text: str, name: str, by_lang: dict[str, list[str]], rng: random.Random) -> str:
    """`text` with another number, or another name, and nothing else changed."""
    numbers = list(re.finditer(r"\d+", text))
    if numbers:
        match = rng.choice(numbers)
        return f"{text[: match.start()]}{int(match.group()) + rng.randint(1, 9)}{text[match.end() :]}"
    assert name in text, f"{text} holds neither a number nor {name}"
    pool = by_lang["en" if name.isascii() else "zh"]
    return text.replace(name, rng.choice([other for other in rng.choices(pool, k=9) if other != name]), 1)


# --- what is made of them ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What was rightly and wrongly removed."""

    found: int = 0
    planted: int = 0
    twins_lost: int = 0
    twins: int = 0
    others: int = 0

    @property
    def found_of_planted(self) -> str:
        return f"{self.found / max(1, self.planted):.3f} of {self.planted:,}"


def judged(made: Sequence[Question], removed: Iterable[int]) -> Tally:
    """What of the questions was removed. An exact repeat of another one, which chance makes too, is nobody's merit or
    fault."""
    from wukong_pipe.language.similarity import similarity

    gone, copied, repeated = bytearray(len(made)), bytearray(len(made)), _repeated(made)
    for i in removed:
        gone[i] = True
    for one in made:
        if one.kind == "edited":
            copied[one.of] = True
    tally = Tally()
    for i, one in enumerate(made):
        if repeated[i]:
            continue
        if one.kind == "wording":
            tally.others += gone[i] and not copied[i]
        elif one.kind == "twin":
            tally.twins += 1
            tally.twins_lost += gone[i]
        elif similarity(one.text, made[one.of].text) >= THRESHOLD:
            tally.planted += 1
            # Of an original and its copy either may be the one that stays.
            tally.found += gone[i] or gone[one.of]
    return tally


def _repeated(made: Sequence[Question]) -> bytearray:
    """Of each question, whether another one has its normal form."""
    from wukong_pipe.ids import IdIndex
    from wukong_pipe.language.hashing import number
    from wukong_pipe.language.normal_form import normalise

    repeated = bytearray(len(made))
    for i, first in enumerate(IdIndex(number(normalise(one.text)) for one in made).firsts().tolist()):
        if i != first:
            repeated[i] = repeated[first] = True
    return repeated
