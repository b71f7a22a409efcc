"""The embedded teacher: pairs and paraphrases by template, from tables, bold lead-ins, lists and sentences.

It needs no key and no network, is deterministic and works on any Markdown, Chinese or English. It is a baseline
and a way to try the whole path, not a language model: the manifest says so. It answers the same requests as a
real teacher, in the same JSON, through the same journal and checks.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from wukong_pipe.records import Lang, Section
from wukong_pipe.teacher import BaseQATask, ParaphraseTask, Request
from wukong_pipe.text import CJK, digest, latin_names, normalise, quoted
from wukong_pipe.units import Unit, terms, units

# The first template of a family asks the base question; the others are its paraphrases. They are kept far apart
# in wording, so that holding one out says something: see `form_of`.
TEMPLATES: dict[Lang, dict[str, tuple[str, ...]]] = {
    "zh": {
        "attribute": (
            "{e}的{a}是什么？",
            "说到{e}，它的{a}该怎么回答？",
            "关于{e}，{a}这一项写的是哪个？",
            "能告诉我{e}对应的{a}吗？",
            "{a}这一栏里，{e}填的是什么内容？",
            "查一下{e}：{a}是哪一个？",
            "就{a}而言，{e}属于哪种情况？",
            "谁知道{e}有怎样的{a}？",
            "我想了解{e}，请问{a}是？",
            "资料上给{e}记的{a}是哪个？",
            "要填{e}的{a}，应当写什么？",
            "如果有人问起{e}的{a}，正确答案是什么？",
            "{e}——{a}为何？",
            "请问，{a}方面{e}是怎么记载的？",
            "单看{a}，{e}具体是什么情况？",
            "请说出{e}那一行的{a}，是什么呢？",
            "有谁能讲讲{a}吗，对象是{e}？",
        ),
        "define": (
            "{e}是什么？",
            "能介绍一下{e}吗？",
            "请问怎样理解{e}？",
            "{e}指的是怎样的内容？",
            "说说看，{e}究竟是怎么回事？",
            "关于{e}，资料里是如何描述的？",
            "我刚听说{e}，谁来解释？",
            "提到{e}时，应该知道哪一点？",
            "如果要给{e}写一句说明，该写什么？",
            "{e}有什么值得一提的？",
            "怎么用一句话概括{e}？",
            "词条“{e}”下面写了什么？",
            "对{e}该有怎样的认识？",
            "想弄清楚{e}，答案在哪一句？",
            "有人问{e}，该怎么回答？",
            "请讲讲{e}，它的要点是什么？",
            "{e}这个说法对应着什么解释？",
        ),
        "cloze": (
            "“{s}”这句话的空白处应填什么？",
            "请补全：“{s}”，横线上是什么？",
            "下面这句缺了一处：“{s}”，缺的是什么？",
            "“{s}”——横线处的内容是哪个？",
            "读“{s}”，空缺的部分该写什么？",
            "如果把“{s}”补充完整，要填进哪个内容？",
            "“{s}”里省略掉的是什么？",
            "填空：“{s}”，答案是？",
            "“{s}”一句中，被隐去的是哪个？",
            "谁能把“{s}”补齐，横线代表什么？",
            "考一考：“{s}”，空格里是什么？",
            "原句是“{s}”，请问横线原来写着什么？",
            "要让“{s}”成立，横线上应是什么？",
            "“{s}”，这里的横线替换了什么？",
            "请问“{s}”的空当对应什么？",
            "这句“{s}”少了一截，少的是什么？",
            "把“{s}”念完整，横线处读作什么？",
        ),
    },
    "en": {
        "attribute": (
            "What is the {a} of {e}?",
            "When it comes to {e}, which {a} is given?",
            "Could you tell me the {a} for {e}?",
            "Under {a}, what stands beside {e}?",
            "Look up {e}: which {a} belongs to it?",
            "As far as the {a} goes, what applies to {e}?",
            "Who knows which {a} {e} had?",
            "I need one detail on {e}, namely its {a}. What is it?",
            "{e} is listed with what {a}?",
            "If someone asks about the {a} of {e}, how should I answer?",
            "In the column “{a}”, what is written for {e}?",
            "Please name the {a} that goes with {e}, what would it be?",
            "How do the records fill in {a} in the case of {e}?",
            "{e} and its {a}: what do we know?",
            "Regarding {a}, what can be said of {e}?",
            "Can anyone remind me what {e} has as {a}?",
            "For the entry {e}, the {a} reads how?",
        ),
        "define": (
            "What is {e}?",
            "Could you describe {e} for me?",
            "How would you explain {e} in a sentence?",
            "I have just come across {e}; what should I know about it?",
            "What is said on the subject of {e}?",
            "Who can tell me more about {e}?",
            "In short, how is {e} characterised?",
            "If asked to define {e}, which words fit?",
            "Which description belongs to {e}?",
            "What comes under the entry “{e}”?",
            "Please say what {e} stands for, will you?",
            "What makes {e} worth mentioning?",
            "How should one understand {e}?",
            "Can you sum up {e} briefly?",
            "Someone mentioned {e}. What did they mean?",
            "What is there to learn regarding {e}?",
            "How do the notes present {e}?",
        ),
        "cloze": (
            "Which words fill the gap in “{s}”?",
            "Complete the sentence “{s}”: what goes in the blank?",
            "Something is missing from “{s}”. What is it?",
            "“{s}” - what stands where the line is?",
            "Reading “{s}”, what was left out?",
            "To finish “{s}”, what has to be written on the line?",
            "What did the line in “{s}” replace?",
            "Fill in: “{s}”, and the answer is?",
            "In “{s}”, which part has been hidden?",
            "Who can complete “{s}”, and with what?",
            "Quick quiz: “{s}”, what is blanked?",
            "The original of “{s}” had what in place of the line?",
            "For “{s}” to be right, what must be inserted?",
            "“{s}”: what does the blank stand for?",
            "What would make “{s}” whole again?",
            "One piece of “{s}” is gone; which one?",
            "Say “{s}” aloud with the blank filled: what do you put there?",
        ),
    },
}

_BLANK = "____"
_ZH_ATTRIBUTE = re.compile(r"(?P<e>[^，；：、]{2,20})的(?P<a>[^，；：、的]{2,8})是(?P<v>[^，；]{1,30})")
_ZH_IS = re.compile(r"(?P<e>[^，；：、的]{2,16})是(?P<v>[^，；]{2,30})")
_EN_ATTRIBUTE = re.compile(
    r"(?:The|Its) (?P<a>[a-z][a-z -]{2,24}) of (?P<e>[^,;:]{2,40}?) (?:is|was|were|are) (?P<v>[^,;]{1,60})"
)
_EN_IS = re.compile(r"(?P<e>[^,;:]{2,40}?) (?:is|was) (?P<v>(?:a|an|the) [^,;]{2,80})")
_EN_VAGUE = re.compile(r"(?:It|This|That|There|These|Those|He|She|They|Here|One)\b")
_DATE_OR_NUMBER = re.compile(
    r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2} [A-Z][a-z]+ \d{4}|\d{1,2}:\d{2}"
    rf"|\d+(?:[,.]\d+)*(?:\s?[%％]|[万亿]?[{CJK}]|\s?(?:[mb]illion|km|kg|m)\b)?"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What one template family can ask of one unit.

    {"family": "attribute", "slots": {"e": "出云棍", "a": "来源"}, "answer": "石敢当", "unit": …}
    """

    family: str
    slots: tuple[tuple[str, str], ...]
    answer: str
    unit: Unit

    def question(self, lang: Lang, template: int) -> str:
        return TEMPLATES[lang][self.family][template].format(**dict(self.slots))


@lru_cache(maxsize=1)
def teacher_id() -> str:
    """Model id of the embedded teacher: it carries the hash of its code, so a changed template is a new teacher."""
    return f"offline@{digest(Path(__file__).read_text('utf-8'))[:8]}"


def answer(request: Request, attempt: int) -> str:
    """The embedded teacher's reply to a request, as the JSON text a language model would have sent.

    It says all it has to say at once: a later `attempt` could only repeat what the checks refused, so it is empty.
    """
    task = request.task
    if isinstance(task, ParaphraseTask):
        return json.dumps({"questions": [] if attempt else paraphrases(task)}, ensure_ascii=False)
    pairs = [
        {"question": fact.question(task.section.lang, 0), "answer": fact.answer, "evidence": [fact.unit.text]}
        for fact in ([] if attempt else _chosen(task))
    ]
    return json.dumps({"pairs": pairs}, ensure_ascii=False)


def _chosen(task: BaseQATask) -> list[Fact]:
    """As many facts as asked for, those with short exact answers first, in the order of the source."""
    covered = {normalise(question) for question in task.covered}
    known = [fact for fact in facts(task.section) if normalise(fact.question(task.section.lang, 0)) not in covered]
    order = {"attribute": 0, "define": 1, "cloze": 2}
    ranked = sorted(range(len(known)), key=lambda i: (order[known[i].family], i))
    return [known[i] for i in sorted(ranked[: task.quota])]


def paraphrases(task: ParaphraseTask) -> list[str]:
    """Other wordings of a question this teacher asked; none where it did not ask it.

    The templates are taken from an offset that depends on the question, so that a dataset of few variants a
    question still holds all of them.
    """
    lang = task.section.lang
    fact = next((fact for fact in facts(task.section) if fact.question(lang, 0) == task.question), None)
    if fact is None:
        return []
    count = len(TEMPLATES[lang][fact.family]) - 1
    offset = int(digest(task.question), 16) % count
    wordings = (fact.question(lang, 1 + (offset + i) % count) for i in range(count))
    covered = {normalise(question) for question in task.covered}
    return [wording for wording in wordings if normalise(wording) not in covered][: task.count]


@lru_cache(maxsize=4096)
def facts(section: Section) -> tuple[Fact, ...]:
    """What the templates can ask of a section, in its order; each base question once."""
    seen: set[str] = set()
    found = []
    for unit in units(section):
        for fact in _facts(unit, section):
            question = normalise(fact.question(section.lang, 0))
            if fact.answer and question not in seen:
                seen.add(question)
                found.append(fact)
    return tuple(found)


def _facts(unit: Unit, section: Section) -> Iterator[Fact]:
    if unit.kind == "row":
        for name, cell in zip(unit.header[1:], unit.cells[1:], strict=False):
            if unit.cells[0] and name and cell:
                yield Fact("attribute", (("e", unit.cells[0]), ("a", name)), cell, unit)
        return
    words = unit.words.strip().rstrip("。.！!；;")
    if not unit.facts:
        return
    if unit.lead and words:
        yield Fact("define", (("e", unit.lead),), words, unit)
        return
    yield from _sentence(words, unit, section)


def _sentence(words: str, unit: Unit, section: Section) -> Iterator[Fact]:
    """One fact of a sentence: an attribute, a definition, or else the sentence with a gap."""
    chinese = section.lang == "zh"
    vague = not chinese and _EN_VAGUE.match(words)
    patterns = (_ZH_ATTRIBUTE, _ZH_IS) if chinese else (_EN_ATTRIBUTE, _EN_IS)
    attribute = patterns[0].fullmatch(words)
    definition = patterns[1].fullmatch(words)
    if attribute and not vague:
        yield Fact("attribute", (("e", attribute["e"]), ("a", attribute["a"])), attribute["v"], unit)
    elif definition and not vague:
        yield Fact("define", (("e", definition["e"]),), definition["v"], unit)
    elif gap := _gap(words, section):
        start, end = gap
        yield Fact("cloze", (("s", words[:start] + _BLANK + words[end:]),), words[start:end], unit)


def _gap(words: str, section: Section) -> tuple[int, int] | None:
    """The part of a sentence to ask for: a date or number, a name the section marks, a quoted term, else its end."""
    candidates = [match.span() for match in _DATE_OR_NUMBER.finditer(words)]
    for name in sorted(terms(section) | quoted(words) | latin_names(words), key=lambda term: (-len(term), term)):
        # Not at the start: there stands what the sentence is about.
        at = words.find(name, 1)
        if at > 0:
            candidates.append((at, at + len(name)))
    tail = re.search(rf"[^，；：,;:]+$|(?<=[{CJK}])[^，]{{2,12}}$", words)
    if tail and tail.start() > 0:
        candidates.append((tail.start() + len(tail.group()) - len(tail.group().lstrip()), tail.end()))
    if words and " " in words:
        candidates.append((words.rindex(" ") + 1, len(words)))
    elif len(words) > 6:
        candidates.append((len(words) - 4, len(words)))
    # What stands elsewhere in the sentence too would be given away by it.
    return next(
        (
            (start, end)
            for start, end in candidates
            if words[:start].strip() and words[start:end].strip() and words.count(words[start:end]) == 1
        ),
        None,
    )


# --- the forms of questions ----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[int, str, re.Pattern[str]], ...]:
    """(literal length, name, pattern) of every template, the most literal first: it is the most telling match."""
    found = []
    for lang, families in TEMPLATES.items():
        for family, templates in families.items():
            for i, template in enumerate(templates):
                literal = re.split(r"\{(\w)\}", template)
                pattern = "".join(
                    re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(literal)
                )
                found.append((sum(map(len, literal[::2])), f"{lang}/{family}/{i}", re.compile(pattern)))
    return tuple(sorted(found, key=lambda entry: (-entry[0], entry[1])))


@lru_cache(maxsize=65536)
def form_of(question: str) -> str:
    """Name of the template a question was made with, "" for a question of another teacher.

    Two wordings that differ only in the thing asked about have one form. Where questions come from templates, a
    held-out wording whose form training rows use tests less than one whose form none of them uses.
    """
    return next((name for _, name, pattern in _patterns() if pattern.fullmatch(question)), "")


# --- the language of questions, without the facts --------------------------------------------------------------


MADE_UP_FACTS = 300
"""So few invented facts that each comes back in many wordings during pre-training."""


def made_up_pairs(lang: Lang, texts: Sequence[str], seed: int, facts: int = MADE_UP_FACTS) -> Iterator[tuple[str, str]]:
    """Questions and answers about invented things, endlessly, to pre-train the embedded student on.

    Names, attributes and answers are strung together at random from the characters (words, in English) of
    `texts`. There are only `facts` of them, each asked in the wordings of all templates in turn, and as in real
    text one thing has a description and several attributes. So the student learns what a pre-trained model knows,
    that a question's wording does not change its answer but what it asks for does, and none of the facts of `texts`.
    """
    rng = random.Random(seed)
    pattern = rf"[{CJK}]" if lang == "zh" else r"\S+"
    pieces = sorted({piece for text in texts for piece in re.findall(pattern, text)})
    if not pieces:
        return
    world = list(islice(_made_up_facts(rng, pieces, "" if lang == "zh" else " "), facts))
    while True:
        rng.shuffle(world)
        for family, slots, reply in world:
            yield rng.choice(TEMPLATES[lang][family]).format(**slots), reply


def _made_up_facts(rng: random.Random, pieces: Sequence[str], joiner: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """(family, slots, answer) of invented facts, endlessly: of each thing a description, two attributes and a gap."""

    def invented(low: int, high: int) -> str:
        return joiner.join(rng.choices(pieces, k=rng.randint(low, high)))

    attributes = [invented(1, 3) for _ in range(12)]
    while True:
        name = invented(2, 4)
        yield "define", {"e": name}, invented(2, 8)
        for attribute in rng.sample(attributes, 2):
            yield "attribute", {"e": name, "a": attribute}, invented(1, 6)
        yield "cloze", {"s": joiner.join([name, invented(1, 4), _BLANK, invented(0, 4)]).strip()}, invented(1, 4)
