"""What the embedded teacher reads in a section's tables, bold lead-ins, lists and sentences: facts that templates can
ask for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from wukong_pipe.corpus.split import MAX_CHARS
from wukong_pipe.corpus.units import Unit, terms, units
from wukong_pipe.embedded.questions import BLANK, JOINED, JOINED_TWO, TEMPLATES
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.records import Lang, Section

REVERSE_EVERY = 4
"""Of this many rows that could be asked for from the answer's side, one is: each takes the place of another pair."""

COMPARE_EVERY = 5
"""Of this many rows two are also asked for together, in the place of another pair."""

_NOT_BEFORE_IS = "既也就还都正不却仍总便更又只才曾原本而或但若"
_ZH_VAGUE = re.compile(r"(?:这|那|该|此|其|它|他|她|当年|另|两者|二者|前者|后者)")
_ZH_ATTRIBUTE = re.compile(
    rf"(?P<e>(?:《[^》]+》|[^，；：、《》]){{1,20}})的(?P<a>[^，；：、的]{{2,10}})(?<![{_NOT_BEFORE_IS}])是"
    r"(?P<v>[^，；]{1,30})"
)
_ZH_IS = re.compile(
    rf"(?P<e>(?:《[^》]+》|[^，；：、的《》]{{2,16}}?))(?<![{_NOT_BEFORE_IS}])就?是(?P<v>[^，；]{{2,40}})"
)
_EN_ATTRIBUTE = re.compile(
    r"(?:The|Its) (?P<a>[a-z][a-z -]{2,24}) of (?P<e>[^,;:]{2,40}?) (?:is|was|were|are) (?P<v>[^,;]{1,60})"
)
_EN_IS = re.compile(r"(?P<e>[^,;:]{2,40}?) (?:is|was) (?P<v>(?:a|an|the) [^,;]{2,80})")
_EN_VAGUE = re.compile(r"(?:It|This|That|There|These|Those|He|She|They|Here|One)\b")
_ZH_MEASURE = "分钟|小时|[个件种颗名位条段张处级套场座类只部次款项步天岁米家回]"
_DATE_OR_NUMBER = re.compile(
    r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2} [A-Z][a-z]+ \d{4}|\d{1,2}:\d{2}"
    rf"|\d+(?:[,.]\d+)*(?:\s?[%％]|[万亿]?(?:{_ZH_MEASURE})|[万亿]|\s?(?:[mb]illion|km|kg|m)\b)?"
)

_ZH_LAST = re.compile(rf".*[的是在于把被将为用与和向从让使会能以并](?P<v>[{CJK}]{{2,12}})")
_ZH_COUNT = r"(?<![第零一二两三四五六七八九十百千万\dA-Za-z.])"
_ZH_TEN = "[两二三四五六七八九]|十"
# In Chinese the question word stands where its answer does: what a pattern matches is replaced by the words beside
# it, and its group v is the answer.
_ZH_WHEN = (
    (re.compile(r"(?P<v>\d{4}年\d{1,2}月\d{1,2}日)"), "哪一天"),
    (re.compile(r"(?P<v>\d{4}年\d{1,2}月)(?!\d)"), "哪年哪月"),
    (re.compile(r"(?P<v>\d{4}年)(?![版代\d])"), "哪一年"),
)
_ZH_ASKS = (
    (re.compile(r"^(?:[^，]+，)*?(?P<v>[^，]+)，(?P<s>[^，]{1,12}?)(?:因此|因而|所以)(?P<e>[^，]+)$"), "{s}为什么{e}"),
    (re.compile(r"^因为(?P<v>[^，]+)，(?:所以)?(?P<e>.+)$"), "为什么{e}"),
    *_ZH_WHEN,
    (
        re.compile(
            r"(?P<p>分为|主要有|使用)(?P<v>[^，]{0,80}?[、和与][^，]{0,80}?)(?P<n>[两三四五六七八九十]+[^，、两三四五六七八九十]{1,3})(?=，|$)"
        ),
        "{p}哪{n}",
    ),
    (re.compile(r"(?P<p>包括|主要有|分为)(?P<v>[^，]+?[、和与][^，]+)(?=，|$)"), "{p}哪些"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>\d+(?:\.\d+)?[万亿]?(?P<n>{_ZH_MEASURE}|元|人))"), "多少{n}"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>\d+[万亿])(?=，|$)"), "多少"),
    (re.compile(rf"(?!^){_ZH_COUNT}(?P<v>(?:{_ZH_TEN})(?P<n>{_ZH_MEASURE}))"), "几{n}"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>[二三四五六七八九]?十[一二三四五六七八九]?(?P<n>{_ZH_MEASURE}))"), "多少{n}"),
    (
        re.compile(
            r"(?P<p>位于|来自|取自|发生在|藏在|守在|显示在|坐落在|坐落于|出生于|生于)(?P<v>[^，、的]{2,12})(?<![后前时])(?=，|$)"
        ),
        "{p}哪里",
    ),
    (re.compile(r"通过(?P<v>[^，]{2,16}?)来(?P<r>[^，]+)"), "怎样{r}"),
    (re.compile(r"通过(?P<v>[^，]{2,16}?)(?P<r>获得|得到|取得|前往|进入)"), "怎样{r}"),
    (re.compile(r"(?P<p>用来|用于)(?P<v>[^，]{2,30})(?=，|$)"), "{p}做什么"),
    (re.compile(r"(?P<p>名叫|叫做|叫作|称为|称作|合称|又称|简称)(?P<v>[^，]{2,16})(?=，|$)"), "{p}什么"),
    (
        re.compile(
            r"由(?P<v>[^，]{1,10}?)(?P<r>开启|掉落|制作|开发|担任|演唱|扮演|设计|发行|出版|创作|提供|建造|主持|撰写|管理|负责|栽培)"
        ),
        "由谁{r}",
    ),
    (re.compile(r"(?P<p>消耗)(?P<v>[^，]{2,3})(?=，|$)"), "{p}什么"),
    (re.compile(r"(?P<p>需要|获得|得到|擅长|掉落)(?P<v>(?:(?![才在再可消])[^，]){2,12})(?=，|$)"), "{p}什么"),
)

_EN_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_EN_DATE = re.compile(rf",? (?:on|in|at) (?P<v>(?:\d{{1,2}}:\d{{2}} on )?(?:(?:\d{{1,2}} )?{_EN_MONTH} )?\d{{4}})\b")
_EN_COUNT = (
    r"(?:\d[\d,]*(?:\.\d+)?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?"
    r"|(?:four|six|seven|eight|nine)teen|thirteen|fifteen|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_EN_NO_NAME = "(?:The|An?|In|On|At|Its?|This|That|These|Those|Each|[A-Z][a-z]+s)"
_EN_NAME = r"[A-Z][\w.-]*(?: (?:of |the )?[A-Z][\w.-]*)*"
_EN_DID = (
    "[a-z]+ed|built|made|took|flew|held|gave|led|won|wrote|found|put|began|became|hit|met|left|had|was|were|is|are"
)
# In English it does so only as in a quiz (Eagle carried how many astronauts?), or the sentence is turned into a cleft.
_EN_ASKS = (
    (re.compile(r"^(?P<e>.+?),? because (?P<v>[^,]+)$"), "why was it that {e}"),
    (re.compile(r"^Because (?P<v>[^,]+), (?P<e>.+)$"), "why was it that {e}"),
    (re.compile(r"^(?P<e>.+) so that (?P<v>.+)$"), "for what purpose was it that {e}"),
    (
        re.compile(rf"^(?P<p>(?:(?:About|Roughly|Over|Nearly|Almost|More than) )?)(?P<v>(?i:{_EN_COUNT}))(?= [a-z])"),
        "{p}how many",
    ),
    (
        re.compile(
            rf"(?<=[a-z,] )(?P<v>{_EN_COUNT})(?= (?:(?!and|or|to|in)[a-z-]+ ){{0,2}}[a-z]+s\b| (?:km|kg|m|kN|MN|psi)\b)"
        ),
        "how many",
    ),
    (re.compile(rf"(?<=[a-z] )by (?P<v>{_EN_NAME})(?=$|,)"), "by whom"),
    (re.compile(rf"(?P<p>called|named|known as) (?P<v>(?:the )?{_EN_NAME})(?=$|,)"), "{p} what"),
    (re.compile(rf"^(?!{_EN_NO_NAME} )(?P<v>{_EN_NAME})(?= (?:{_EN_DID})\b)"), "who or what"),
)

_PART_OF_MORE = re.compile(r"(?:[A-Z][\w.-]{0,60}|between \S+ and) $|[、和与][^，]{1,6}$")
"""Before a number: it is part of a name (Apollo 11), of a range, or counts what was just listed."""
_GOES_ON = re.compile(r"(?<![时后前中里])，.*|, (?:and|but|while) .*")
_EN_SMALL = frozenset({"the", "a", "an", "about", "nearly", "over", "more"})

_NO_SENTENCE = re.compile(r"^\[[ xX]\]\s|!\[|\$\$|\$[^$\d\s][^$]*\$|\\[(\[]")
"""A task box, an image or maths: no template makes a question of such words."""

MAX_COMPARED = 30
"""Characters of a cell that is compared with another."""
_SEVERAL = re.compile(r"[、，；。,;/]|\band\b|[和与及或]")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ZH_DIGITS = "一二三四五六七八九十"
_NUMBERED = re.compile(r"(\d{1,9})[.)][ \t]+$")
_ZH_LISTED = re.compile(r"(?:下表|下列|以下)(?:列出|列举|给出)了?(?P<x>[^，]+)")
_ZH_OF = re.compile(r"(?P<x>.{2,}?)的[^的]{2,4}")
_EN_LISTED = re.compile(
    r"(?:The following|This|The) (?:table|list) (?:lists|gives|shows|names) (?P<x>.+?)(?:, with .+)?"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What one template family can ask of one unit.

    {"family": "attribute", "slots": {"e": "出云棍", "a": "来源"}, "answer": "石敢当", "units": [{…}]}
    """

    family: str
    slots: tuple[tuple[str, str], ...]
    answer: str
    units: tuple[Unit, ...]
    """What carries the answer: one unit, but for a list and for rows that are compared."""

    def question(self, lang: Lang, template: int) -> str:
        return TEMPLATES[lang][self.family][template].format(**dict(self.slots))


@lru_cache(maxsize=1024)
def facts(section: Section) -> tuple[Fact, ...]:
    """What the templates can ask of a section, in its order; each base question once."""
    seen: set[str] = set()
    found = []
    said = units(section)
    turned = [*_turned(said), *_compared(said, section.lang)]
    for i, unit in enumerate(said):
        own = [*_facts(unit, section), *_listed(said, i, section), *(fact for fact in turned if fact.units[0] is unit)]
        for fact in own:
            question = normalise(fact.question(section.lang, 0))
            if fact.answer and question not in seen:
                seen.add(question)
                found.append(fact)
    return tuple(found)


def _facts(unit: Unit, section: Section) -> Iterator[Fact]:
    if unit.kind == "row":
        for name, cell in zip(unit.header[1:], unit.cells[1:], strict=False):
            if unit.cells[0] and name and cell and normalise(cell) not in normalise(unit.cells[0]):
                yield Fact("attribute", (("e", unit.cells[0]), ("a", _common(name))), cell, (unit,))
        return
    words = unit.words.strip().rstrip("。.！!；;")
    if not unit.facts or _NO_SENTENCE.search(unit.text):
        return
    if unit.lead and words:
        yield Fact("define", (("e", unit.lead),), words, (unit,))
        return
    yield from _sentence(words, unit, section)


def _common(name: str) -> str:
    """A table's heading as it stands inside a sentence: “Birth year” becomes “birth year”, “ID” stays."""
    return name[0].lower() + name[1:] if name[1:] and name[1:].islower() else name


def _turned(said: Sequence[Unit]) -> list[Fact]:
    """Table rows asked for by a value that no other row of the section holds, of every few rows one."""
    rows = [unit for unit in said if unit.kind == "row"]
    uses = Counter(normalise(cell) for row in rows for cell in set(row.cells))
    found = []
    for row in rows:
        for name, cell in zip(row.header[1:], row.cells[1:], strict=False):
            own, value = normalise(row.cells[0]), normalise(cell)
            # The pair takes the place of another cell's: a row of two columns has none to give.
            if len(row.header) < 3 or not (own and value and name and row.header[0]) or uses[own] > 1:
                continue
            if uses[value] == 1 and own not in value and value not in own:
                slots = (("a", _common(name)), ("v", cell), ("k", _common(row.header[0])))
                found.append(Fact("reverse", slots, row.cells[0], (row,)))
                break
    return found[::REVERSE_EVERY]


def _compared(said: Sequence[Unit], lang: Lang) -> list[Fact]:
    """Neighbouring rows of a table asked for together, by a column in which they differ, of every few rows two."""
    all_rows = [unit for unit in said if unit.kind == "row"]
    uses = Counter(normalise(row.cells[0]) for row in all_rows)
    rows = [row for row in all_rows if len(row.header) > 2]
    found: list[Fact] = []
    for one, other in islice(pairwise(rows), COMPARE_EVERY // 2, None, COMPARE_EVERY):
        names = one.cells[0], other.cells[0]
        if one.header != other.header or not all(map(_is_single, names)) or any(uses[normalise(n)] > 1 for n in names):
            continue
        columns = list(zip(one.header, one.cells, other.cells, strict=False))[1:]
        turn = len(found) % len(columns)
        for name, value, beside in columns[turn:] + columns[:turn]:
            told = normalise("".join(names))
            if one.header.count(name) > 1 or not (name and _is_single(value) and _is_single(beside)):
                continue
            if normalise(value) != normalise(beside) and normalise(value) not in told and normalise(beside) not in told:
                slots = (("e", names[0]), ("f", names[1]), ("a", _common(name)), ("v", value), ("w", beside))
                found.append(Fact("compare", slots, JOINED_TWO[lang].join([value, beside]), (one, other)))
                break
    return found


def _is_single(cell: str) -> bool:
    """Whether a cell is one short name or value, that can stand in a row of them without being torn."""
    return bool(normalise(cell)) and len(cell) <= MAX_COMPARED and not _SEVERAL.search(cell)


def _listed(said: Sequence[Unit], at: int, section: Section) -> Iterator[Fact]:
    """What a sentence announces: the names of all rows of the table, or items of the list, that follow it."""
    words = said[at].words.strip().rstrip("。.：:")
    match = (_ZH_LISTED if section.lang == "zh" else _EN_LISTED).fullmatch(words)
    if said[at].facts or not match:
        return
    last = at + 1
    while last < len(said) and said[last].kind != "sentence" and said[last].kind == said[at + 1].kind:
        last += 1
    members = said[at + 1 : last]
    names = [unit.cells[0] if unit.kind == "row" else unit.lead for unit in members]
    # At the end of a long section the table may go on in the next.
    if len(names) < 2 or not all(names) or (last == len(said) and len(section.text) > MAX_CHARS // 2):
        return
    what = match["x"]
    if section.lang == "zh":
        what = _whole_list(what, members[0].header[0] if members[0].header else "")
    if what:
        yield Fact("list", (("x", _placed(what, section)),), JOINED[section.lang].join(names), (said[at], *members))


def _whole_list(what: str, header: str) -> str:
    """What a Chinese announcement lists, "" where that is not the table's first column or only a part of all there are.

    主要的葫芦 → 主要的葫芦；常用丹药的功效 → 常用丹药；部分成就的达成条件 → ""
    """
    if what.startswith(("部分", "一些", "若干")):
        return ""
    of = _ZH_OF.fullmatch(what)
    return next((words for words in (what, of["x"] if of else "") if header and words.endswith(header)), "")


def _placed(words: str, section: Section) -> str:
    """Words that stand alone: with the document's title where they name nothing."""
    if _names(words, section):
        return words
    return f"《{_title(section)}》里{words}" if section.lang == "zh" else f"{words} in “{_title(section)}”"


def _names(words: str, section: Section) -> bool:
    return bool(quoted(words) or latin_names(words)) or any(len(name) > 1 and name in words for name in terms(section))


def _title(section: Section) -> str:
    return section.heading_path[0].strip('《》“”"')


def _sentence(words: str, unit: Unit, section: Section) -> Iterator[Fact]:
    """One fact of a sentence: an attribute, a definition, a question word in place of a part, or else a gap."""
    chinese = section.lang == "zh"
    vague = (_ZH_VAGUE if chinese else _EN_VAGUE).match(words)
    patterns = (_ZH_ATTRIBUTE, _ZH_IS) if chinese else (_EN_ATTRIBUTE, _EN_IS)
    # What a Chinese sentence says first is complete; an English comma may stand anywhere.
    clause = words.partition("，")[0] if chinese else words
    attribute = patterns[0].fullmatch(clause)
    definition = patterns[1].fullmatch(clause)
    if attribute and not vague:
        yield Fact("attribute", (("e", attribute["e"]), ("a", attribute["a"])), attribute["v"], (unit,))
    elif definition and not vague:
        yield Fact("define", (("e", definition["e"]),), definition["v"], (unit,))
    elif not vague and (asked := _asked(words, section, dated=True)):
        yield Fact("ask", (("q", asked[0]),), asked[1], (unit,))
    elif step := _step(unit, section):
        yield Fact("attribute", (("e", section.heading_path[-1]), ("a", step)), words, (unit,))
    elif not vague and (asked := _asked(words, section)):
        yield Fact("ask", (("q", asked[0]),), asked[1], (unit,))
    elif gap := _gap(words, section):
        start, end = gap
        yield Fact("cloze", (("s", words[:start] + BLANK + words[end:]),), words[start:end], (unit,))


def _asked(words: str, section: Section, *, dated: bool = False) -> tuple[str, str] | None:
    """(question without its mark, answer): a sentence with a question word in place of one part of it.

    Args:
        dated: ask for a date only.
    """
    if section.lang == "en":
        found = list(_EN_DATE.finditer(words))
        if len(found) == 1:
            rest = words[: found[0].start()] + words[found[0].end() :]
            return f"when was it that {_inside(rest, section)}", found[0]["v"]
    rules = (_ZH_WHEN if dated else _ZH_ASKS) if section.lang == "zh" else () if dated else _EN_ASKS
    for pattern, question in rules:
        for match in pattern.finditer(words):
            if words.count(match["v"]) != 1 or _PART_OF_MORE.search(words[: match.start()]):
                continue
            groups = {name: part or "" for name, part in match.groupdict().items()}
            if section.lang == "en" and "e" in groups:
                groups["e"] = _inside(groups["e"], section)
            # What a sentence goes on to say about something else is no part of the question.
            rest = _GOES_ON.sub("", words[match.end() :])
            text = words[: match.start()] + question.format(**groups) + rest
            return (_about(text, section) if section.lang == "zh" else _inside(text, section)), match["v"]
    return None


def _about(words: str, section: Section) -> str:
    """A Chinese question that stands alone: with the document's title where it names nothing."""
    return words if _names(words, section) else f"关于《{_title(section)}》，{words}"


def _inside(words: str, section: Section) -> str:
    """An English sentence as it stands behind other words: small at its start, unless that is a name."""
    first = words.split(" ", 1)[0]
    small = first.lower()
    said_small = re.search(rf"(?<![\w-]){re.escape(small)}(?![\w-])", section.text)
    named = first in section.title or latin_names(f"{first} x")
    return small + words[len(first) :] if small in _EN_SMALL or (said_small and not named) else words


def _step(unit: Unit, section: Section) -> str:
    """Which step of the section's only numbered list an item is, in words; "" for any other unit."""
    if unit.kind != "item" or len(section.heading_path) < 2:
        return ""
    numbered = [_NUMBERED.search(section.text, 0, other.start) for other in units(section) if other.kind == "item"]
    own = _NUMBERED.search(section.text, 0, unit.start)
    if not own or sum(int(match[1]) == int(own[1]) for match in numbered if match) > 1:
        return ""
    number = int(own[1])
    if str(number) in numbers(unit.words):
        return ""  # Asking for step 2 would state that 2.
    if section.lang == "zh":
        return f"第{_ZH_DIGITS[number - 1]}步" if 0 < number <= len(_ZH_DIGITS) else ""
    return f"{_ORDINALS[number - 1]} step" if 0 < number <= len(_ORDINALS) else ""


def _could_be_asked(part: str) -> bool:
    """Whether a part of a sentence is whole: it begins with a word and closes what it opens, no more."""
    return bool(part.strip()) and part[0] not in "、，；：》」』”" and part.count("《") == part.count("》")


def _gap(words: str, section: Section) -> tuple[int, int] | None:
    """The part of a sentence to ask for: a date or number, a name the section marks, a quoted term, else its end."""
    candidates = [match.span() for match in _DATE_OR_NUMBER.finditer(words)]
    names = (terms(section) | quoted(words) | latin_names(words)) - {section.heading_path[0]}
    for name in sorted(names, key=lambda term: (-len(term), term)):
        # Not at the start: there stands what the sentence is about.
        at = words.find(name, 1)
        if at > 0:
            candidates.append((at, at + len(name)))
    tail = re.search(rf"[^，；：,;:]+$|(?<=[{CJK}])[^，]{{2,12}}$", words)
    if tail and tail.start() > 0:
        candidates.append((tail.start() + len(tail.group()) - len(tail.group().lstrip()), tail.end()))
    if last := _ZH_LAST.fullmatch(words):
        candidates.append(last.span("v"))
    if words and " " in words:
        candidates.append((words.rindex(" ") + 1, len(words)))
    elif len(words) > 6:
        candidates += [(len(words) - length, len(words)) for length in (4, 3)]
    # What stands elsewhere in the sentence too would be given away by it.
    return next(
        (
            (start, end)
            for start, end in candidates
            if words[:start].strip() and _could_be_asked(words[start:end]) and words.count(words[start:end]) == 1
        ),
        None,
    )
