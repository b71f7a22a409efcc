"""Facts of tables and lists: a cell, a row asked for by its value, two rows compared, all names of a table.

| 武器   | 来源   |
| 出云棍 | 石敢当 |    → the attribute 来源 of 出云棍 is 石敢当
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from wukong_pipe.corpus.split import MAX_CHARS
from wukong_pipe.corpus.units import Unit
from wukong_pipe.embedded.questions import JOINED, JOINED_TWO, Fact
from wukong_pipe.embedded.titles import titled_group
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Lang, Section

REVERSE_EVERY = 4
"""Of this many rows that could be asked for by a value, one is: each takes the place of another pair."""
COMPARE_EVERY = 5
"""Of this many rows, two are also asked for together, in the place of another pair."""
MAX_COMPARED = 30
"""Characters of a cell that is compared with another."""

_SEVERAL = re.compile(r"[、，；。,;/]|\band\b|[和与及或]")
_ZH_LISTED = re.compile(r"(?:下表|下列|以下)(?:列出|列举|给出)了?(?P<group>[^，]+)")
_EN_LISTED = re.compile(
    r"(?:The following|This|The) (?:table|list) (?:lists|gives|shows|names) (?P<group>.+?)(?:, with .+)?"
)
_ZH_ATTRIBUTE_OF = re.compile(r"(?P<group>.{2,}?)的[^的]{2,4}")


def cell_facts(row: Unit) -> Iterator[Fact]:
    """Each cell of a row as an attribute of what the row's first cell names."""
    thing = row.cells[0]
    for name, cell in zip(row.header[1:], row.cells[1:], strict=False):
        if thing and name and cell and normalise(cell) not in normalise(thing):
            yield Fact("attribute", (("thing", thing), ("attribute", _lower_initial(name))), cell, (row,))


def _lower_initial(name: str) -> str:
    """A table's heading as it stands inside a sentence: “Birth year” becomes “birth year”, “ID” stays."""
    return name[0].lower() + name[1:] if name[1:] and name[1:].islower() else name


def reverse_facts(units: Sequence[Unit]) -> list[Fact]:
    """Table rows asked for by a value that no other row of the section holds; one of every `REVERSE_EVERY`."""
    rows = [unit for unit in units if unit.kind == "row"]
    uses = Counter(normalise(cell) for row in rows for cell in set(row.cells))
    facts = []
    for row in rows:
        for name, cell in zip(row.header[1:], row.cells[1:], strict=False):
            thing, value = normalise(row.cells[0]), normalise(cell)
            # The pair takes the place of another cell's: a row of two columns has none to give.
            if len(row.header) < 3 or not (thing and value and name and row.header[0]) or uses[thing] > 1:
                continue
            if uses[value] == 1 and thing not in value and value not in thing:
                slots = (("attribute", _lower_initial(name)), ("value", cell), ("kind", _lower_initial(row.header[0])))
                facts.append(Fact("reverse", slots, row.cells[0], (row,)))
                break
    return facts[::REVERSE_EVERY]


def comparison_facts(units: Sequence[Unit], lang: Lang) -> list[Fact]:
    """Neighbouring rows asked for together, by a column in which they differ; two of every `COMPARE_EVERY` rows."""
    rows = [unit for unit in units if unit.kind == "row"]
    uses = Counter(normalise(row.cells[0]) for row in rows)
    wide = [row for row in rows if len(row.header) > 2]
    facts: list[Fact] = []
    for one, other in islice(pairwise(wide), COMPARE_EVERY // 2, None, COMPARE_EVERY):
        names = one.cells[0], other.cells[0]
        if one.header != other.header or any(not _is_single(name) or uses[normalise(name)] > 1 for name in names):
            continue
        # Each comparison starts at another column, or all of them would ask for the first.
        if fact := _comparison(one, other, lang, first=len(facts)):
            facts.append(fact)
    return facts


def _comparison(one: Unit, other: Unit, lang: Lang, first: int) -> Fact | None:
    columns = list(zip(one.header, one.cells, other.cells, strict=False))[1:]
    turn = first % len(columns)
    names = normalise(one.cells[0] + other.cells[0])
    for name, value, other_value in columns[turn:] + columns[:turn]:
        normal, other_normal = normalise(value), normalise(other_value)
        if one.header.count(name) > 1 or not (name and _is_single(value) and _is_single(other_value)):
            continue
        if normal != other_normal and normal not in names and other_normal not in names:
            things = (("thing", one.cells[0]), ("other", other.cells[0]), ("attribute", _lower_initial(name)))
            slots = (*things, ("value", value), ("other_value", other_value))
            return Fact("compare", slots, JOINED_TWO[lang].join([value, other_value]), (one, other))
    return None


def _is_single(cell: str) -> bool:
    """Whether a cell is one short name or value, so that a list of two cells still shows which is which."""
    return bool(normalise(cell)) and len(cell) <= MAX_COMPARED and not _SEVERAL.search(cell)


def list_facts(units: Sequence[Unit], at: int, section: Section) -> Iterator[Fact]:
    """What the sentence at place `at` announces: the names of all rows of the table, or items of the list, after it."""
    words = units[at].words.strip().rstrip("。.：:")
    match = (_ZH_LISTED if section.lang == "zh" else _EN_LISTED).fullmatch(words)
    if units[at].facts or not match:
        return
    end = at + 1
    while end < len(units) and units[end].kind != "sentence" and units[end].kind == units[at + 1].kind:
        end += 1
    members = units[at + 1 : end]
    names = [unit.cells[0] if unit.kind == "row" else unit.lead for unit in members]
    # At the end of a long section the table may go on in the next.
    if len(names) < 2 or not all(names) or (end == len(units) and len(section.text) > MAX_CHARS // 2):
        return
    group = match["group"]
    if section.lang == "zh":
        group = _whole_group(group, members[0].header[0] if members[0].header else "")
    if group:
        slots = (("group", titled_group(group, section)),)
        yield Fact("list", slots, JOINED[section.lang].join(names), (units[at], *members))


def _whole_group(words: str, header: str) -> str:
    """What a Chinese announcement lists, "" where that is not the table's first column or only a part of all there are.

    主要的葫芦 → 主要的葫芦；常用丹药的功效 → 常用丹药；部分成就的达成条件 → ""
    """
    if words.startswith(("部分", "一些", "若干")):
        return ""
    of = _ZH_ATTRIBUTE_OF.fullmatch(words)
    return next((group for group in (words, of["group"] if of else "") if header and group.endswith(header)), "")
