"""The fact of a sentence: an attribute, a definition, a part asked for by a question word, a step, or else a gap.

出云棍的来源是石敢当。 → attribute: 出云棍, 来源 → 石敢当
石庚在2018年立项。 → ask: 石庚在哪一年立项 → 2018年
石庚既是妖，也是仙。 → cloze: 石庚既是妖，____ → 也是仙
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from wukong_pipe.corpus.units import Unit, terms, units
from wukong_pipe.embedded.question_rules import EN_DATE, EN_RULES, ZH_DATE_RULES, ZH_MEASURE, ZH_RULES, Rule
from wukong_pipe.embedded.questions import GAP, Fact
from wukong_pipe.embedded.titles import titled_question
from wukong_pipe.language.chinese import CJK
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.language.numerals import numbers
from wukong_pipe.records import Section

# 也是, 不是 and such do not say what a thing is; 就是 does.
_NOT_BEFORE_IS = "既也就还都正不却仍总便更又只才曾原本而或但若"
_ZH_ATTRIBUTE = re.compile(
    rf"(?P<thing>(?:《[^》]+》|[^，；：、《》]){{1,20}})的(?P<attribute>[^，；：、的]{{2,10}})(?<![{_NOT_BEFORE_IS}])是"
    r"(?P<answer>[^，；]{1,30})"
)
_ZH_IS = re.compile(
    rf"(?P<thing>《[^》]+》|[^，；：、的《》]{{2,16}}?)(?<![{_NOT_BEFORE_IS}])就?是(?P<answer>[^，；]{{2,40}})"
)
_EN_ATTRIBUTE = re.compile(
    r"(?:The|Its) (?P<attribute>[a-z][a-z -]{2,24}) of (?P<thing>[^,;:]{2,40}?) (?:is|was|were|are)"
    r" (?P<answer>[^,;]{1,60})"
)
_EN_IS = re.compile(r"(?P<thing>[^,;:]{2,40}?) (?:is|was) (?P<answer>(?:a|an|the) [^,;]{2,80})")
# A sentence that begins so speaks of something before it, and makes no question alone.
_ZH_VAGUE = re.compile(r"(?:这|那|该|此|其|它|他|她|当年|另|两者|二者|前者|后者)")
_EN_VAGUE = re.compile(r"(?:It|This|That|There|These|Those|He|She|They|Here|One)\b")

_PART_OF_MORE = re.compile(r"(?:[A-Z][\w.-]{0,60}|between \S+ and) $|[、和与][^，]{1,6}$")
"""Before a number: it is part of a name (Apollo 11), of a range, or counts what was just listed."""
_PART_OF_A_WORD = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9]", re.ASCII)
"""The character before a part and its first one: it would tear a name (bf16, SHA-256)."""
_GOES_ON = re.compile(r"(?<![时后前中里])，.*|, (?:and|but|while) .*")
_EN_SMALL = frozenset({"the", "a", "an", "about", "nearly", "over", "more"})

_EN_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_STEPS = {
    "zh": [f"第{digit}步" for digit in "一二三四五六七八九十"],
    "en": [f"{ordinal} step" for ordinal in _EN_ORDINALS.split()],
}
_NUMBERED = re.compile(r"(\d{1,9})[.)][ \t]+$")

_DATE_OR_NUMBER = re.compile(
    r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2} [A-Z][a-z]+ \d{4}|\d{1,2}:\d{2}"
    rf"|\d+(?:[,.]\d+)*(?:\s?[%％]|[万亿]?(?:{ZH_MEASURE})|[万亿]|\s?(?:[mb]illion|km|kg|m)\b)?"
)
_LAST_CLAUSE = re.compile(rf"[^，；：,;:]+$|(?<=[{CJK}])[^，]{{2,12}}$")
_ZH_LAST_WORDS = re.compile(rf".*[的是在于把被将为用与和向从让使会能以并](?P<words>[{CJK}]{{2,12}})")


def sentence_fact(words: str, unit: Unit, section: Section) -> Fact | None:
    """What can be asked of a sentence, None where nothing can.

    Args:
        words: the sentence's words without the mark at its end.
    """
    vague = (_ZH_VAGUE if section.lang == "zh" else _EN_VAGUE).match(words)
    if not vague and (fact := _attribute_or_definition(words, unit, section)):
        return fact
    # A date makes a better question than the place of a step, and the step a better one than any other part.
    if not vague and (question := _date_question(words, section)):
        return Fact("ask", (("question", question[0]),), question[1], (unit,))
    if step := _step(unit, section):
        return Fact("attribute", (("thing", section.heading_path[-1]), ("attribute", step)), words, (unit,))
    rules = ZH_RULES if section.lang == "zh" else EN_RULES
    if not vague and (question := _question(words, section, rules)):
        return Fact("ask", (("question", question[0]),), question[1], (unit,))
    return next((_gapped(words, gap, unit) for gap in _gaps(words, section)), None)


def further_facts(words: str, unit: Unit, section: Section, first: Fact) -> Iterator[Fact]:
    """What else a long sentence is asked for, so that it has as many pairs as it is worth."""
    parts = (gap for gap in _gaps(words, section) if not _share(words[slice(*gap)], first.answer))
    for gap in islice(parts, unit.facts - 1):
        yield _gapped(words, gap, unit)


def _share(one: str, other: str) -> bool:
    """Whether one answer is a part of the other."""
    return one in other or other in one


def _gapped(words: str, gap: tuple[int, int], unit: Unit) -> Fact:
    start, end = gap
    return Fact("cloze", (("gapped", words[:start] + GAP + words[end:]),), words[start:end], (unit,))


def _attribute_or_definition(words: str, unit: Unit, section: Section) -> Fact | None:
    """The attribute or the definition that a sentence states: “… is …”."""
    if section.lang == "zh":
        # What a Chinese sentence says first is complete; an English comma may stand anywhere.
        words = words.partition("，")[0]
        attribute, definition = _ZH_ATTRIBUTE.fullmatch(words), _ZH_IS.fullmatch(words)
    else:
        attribute, definition = _EN_ATTRIBUTE.fullmatch(words), _EN_IS.fullmatch(words)
    if attribute:
        slots = (("thing", attribute["thing"]), ("attribute", attribute["attribute"]))
        return Fact("attribute", slots, attribute["answer"], (unit,))
    return Fact("define", (("thing", definition["thing"]),), definition["answer"], (unit,)) if definition else None


def _date_question(words: str, section: Section) -> tuple[str, str] | None:
    """(question without its mark, answer): a sentence asked for its only date."""
    if section.lang == "zh":
        return _question(words, section, ZH_DATE_RULES)
    dates = list(EN_DATE.finditer(words))
    if len(dates) != 1:
        return None
    rest = words[: dates[0].start()] + words[dates[0].end() :]
    return f"when was it that {_lower_start(rest, section)}", dates[0]["answer"]


def _question(words: str, section: Section, rules: tuple[Rule, ...]) -> tuple[str, str] | None:
    """(question without its mark, answer): a sentence with a question word in place of one part of it."""
    chinese = section.lang == "zh"
    for pattern, replacement in rules:
        for match in pattern.finditer(words):
            # An answer that stands elsewhere in the sentence too would be given away by it.
            if words.count(match["answer"]) != 1 or _PART_OF_MORE.search(words[: match.start()]):
                continue
            groups = {name: part or "" for name, part in match.groupdict().items()}
            if not chinese and "clause" in groups:
                groups["clause"] = _lower_start(groups["clause"], section)
            # What a sentence goes on to say about something else is no part of the question.
            rest = _GOES_ON.sub("", words[match.end() :])
            text = words[: match.start()] + replacement.format(**groups) + rest
            return (titled_question if chinese else _lower_start)(text, section), match["answer"]
    return None


def _lower_start(words: str, section: Section) -> str:
    """An English sentence as it stands behind other words: small at its start, unless that is a name."""
    first = words.split(" ", 1)[0]
    small = first.lower()
    small_in_source = re.search(rf"(?<![\w-]){re.escape(small)}(?![\w-])", section.text)
    is_name = first in section.title or latin_names(f"{first} x")
    return small + words[len(first) :] if small in _EN_SMALL or (small_in_source and not is_name) else words


def _step(unit: Unit, section: Section) -> str:
    """Which step of the section's only numbered list an item is, in words; "" for any other unit."""
    if unit.kind != "item" or len(section.heading_path) < 2:
        return ""
    of_items = [_NUMBERED.search(section.text, 0, other.start) for other in units(section) if other.kind == "item"]
    own = _NUMBERED.search(section.text, 0, unit.start)
    if not own or sum(int(match[1]) == int(own[1]) for match in of_items if match) > 1:
        return ""
    number, names = int(own[1]), _STEPS[section.lang]
    if str(number) in numbers(unit.words):
        return ""  # A question for step 2 would give that 2 away.
    return names[number - 1] if 0 < number <= len(names) else ""


def _gaps(words: str, section: Section) -> Iterator[tuple[int, int]]:
    """Spans of a sentence to ask for, none in another: a date or number, a name the section marks, a quoted term, else
    its end."""
    taken: list[tuple[int, int]] = []
    for start, end in _gap_candidates(words, section):
        part = words[start:end]
        # A part that stands elsewhere in the sentence too would be given away by it.
        if (
            not words[:start].strip()
            or not _is_whole(part)
            or words.count(part) != 1
            or _PART_OF_A_WORD.search(words[max(0, start - 1) : start + 1])
        ):
            continue
        if all(end <= begin or last <= start for begin, last in taken):
            taken.append((start, end))
            yield start, end


def _gap_candidates(words: str, section: Section) -> Iterator[tuple[int, int]]:
    """Spans of a sentence that might be asked for, the most telling first."""
    yield from (match.span() for match in _DATE_OR_NUMBER.finditer(words))
    names = (terms(section) | quoted(words) | latin_names(words)) - {section.heading_path[0]}
    for name in sorted(names, key=lambda term: (-len(term), term)):
        # Not at the start: there stands what the sentence is about.
        at = words.find(name, 1)
        if at > 0:
            yield at, at + len(name)
    clause = _LAST_CLAUSE.search(words)
    if clause and clause.start() > 0:
        yield clause.start() + len(clause.group()) - len(clause.group().lstrip()), clause.end()
    if last := _ZH_LAST_WORDS.fullmatch(words):
        yield last.span("words")
    if " " in words:
        yield words.rindex(" ") + 1, len(words)
    elif len(words) > 6:
        yield from ((len(words) - length, len(words)) for length in (4, 3))


def _is_whole(part: str) -> bool:
    """Whether a part of a sentence begins with a word and closes what it opens, no more."""
    return bool(part.strip()) and part[0] not in "、，；：》」』”" and part.count("《") == part.count("》")
