"""How a table is split: a row is a unit with its head and cells, and a long table is cut between its rows."""

from __future__ import annotations

from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def section(text: str) -> Section:
    return Section("a.md", ("游戏",), 1, text)


def test_a_table_row_is_one_unit_worth_its_filled_cells_but_the_name() -> None:
    table = "| 武器 | 来源 | 价格 |\n|---|---|---|\n| 出云棍 | 石敢当 | 12 |\n| 木棍 | | |\n"
    first, second = units(section(table))
    assert (first.kind, first.text) == ("row", "| 出云棍 | 石敢当 | 12 |")
    assert (first.header, first.cells) == (("武器", "来源", "价格"), ("出云棍", "石敢当", "12"))
    assert (first.facts, second.facts) == (2, 0)


def test_a_row_of_a_table_of_one_column_is_worth_a_pair() -> None:
    assert [unit.facts for unit in units(section("| 武器 |\n|---|\n| 出云棍 |\n"))] == [1]


def test_each_table_has_its_own_header() -> None:
    tables = "| a | b |\n|---|---|\n| 1 | 2 |\n\n文字。\n\n| c | d |\n|---|---|\n| 3 | 4 |\n"
    assert [unit.header for unit in units(section(tables)) if unit.kind == "row"] == [("a", "b"), ("c", "d")]


def test_a_long_table_is_cut_between_rows_and_each_piece_is_read_with_its_head() -> None:
    head = "| 名 | 值 |\n|---|---|\n"
    warnings = list[str]()
    sections = split(
        "# A\n\n" + head + "".join(f"| 名{i} | 值{i} |\n" for i in range(600)) + "\n后文。\n",
        "a.md",
        warn=warnings.append,
    )
    assert len(sections) > 2
    assert sections[0].text.startswith("# A\n\n" + head + "| 名0 |")
    for section in sections[1:-1]:
        assert section.header == head
        assert section.text.startswith("| 名")
        first = units(section)[0]
        assert (first.kind, first.header) == ("row", ("名", "值"))
        assert section.text[first.start : first.end] == first.text
    assert sum(unit.is_telling for section in sections for unit in units(section)) == 601
    assert warnings == []
