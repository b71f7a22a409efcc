"""How a prompt shows a unit: in one line, without padding, links and marks; code as it stands."""

from __future__ import annotations

from wukong_pipe.corpus.units import units
from wukong_pipe.records import Section


def shown(text: str) -> list[str]:
    return [unit.shown for unit in units(Section("a.md", ("A",), 1, text))]


def test_a_row_is_shown_with_its_heads_its_name_first_and_without_padding() -> None:
    table = "| 武器     |      | 来源   |\n|----------|------|--------|\n| 出云棍   | 长   | 石敢当 |\n| 木棍 | | |\n"
    assert shown(table) == ["武器: 出云棍 | 长 | 来源: 石敢当", "武器: 木棍"]


def test_a_sentence_is_shown_in_one_line_with_its_marks_of_code() -> None:
    assert shown("See [`Client`](../api.md)\nfor\tmore[1].\n") == ["See `Client` for more."]


def test_a_quotation_is_shown_without_its_marks() -> None:
    assert shown("> One line\n> and another.\n> > Deeper.\n") == ["One line and another.", "Deeper."]


def test_an_item_keeps_its_name_and_loses_its_marker() -> None:
    assert shown("1. **Read**: waits for\n   data.\n") == ["**Read**: waits for data."]
