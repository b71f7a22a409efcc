"""Tables without lines are found where cells stand below each other, and only there."""

from __future__ import annotations

from wukong_pipe.conversion.pdf_grids import tables_without_lines
from wukong_pipe.conversion.pdf_pages import Segment


def segments(*lines: dict[float, str]) -> list[Segment]:
    """Of a page: the texts of each line by their left side; a character is five points wide."""
    return [
        Segment(1, x0, x0 + 5 * len(text), 20.0 * at, 20.0 * at + 10, text, 10.0, is_bold=False, is_code=False)
        for at, line in enumerate(lines)
        for x0, text in line.items()
    ]


ACCOUNT = segments(
    {200: "2022", 300: "2023"},
    {0: "Loans", 205: "878", 305: "727"},
    {20: "of them short", 205: "370"},
    {0: "Shares", 205: "118", 305: "379"},
    {0: "All of them", 200: "1366", 300: "1106"},
)


def test_a_head_without_a_first_cell_indented_labels_and_empty_cells_make_one_table() -> None:
    (table,), others = tables_without_lines(ACCOUNT)
    assert table.rows == (
        ("", "2022", "2023"),
        ("Loans", "878", "727"),
        ("of them short", "370", ""),
        ("Shares", "118", "379"),
        ("All of them", "1366", "1106"),
    )
    assert others == []


def test_a_line_below_a_table_is_none_of_its_rows() -> None:
    (table,), others = tables_without_lines([*ACCOUNT, *segments(*[{}] * 5, {0: "In thousands."})])
    assert len(table.rows) == 5
    assert [segment.text for segment in others] == ["In thousands."]


def test_lines_of_a_text_in_two_columns_are_no_table() -> None:
    text = segments(*({0.0: "words of the left column", 130.0: "words of the right one"} for _ in range(6)))
    assert tables_without_lines(text) == ([], text)


def test_two_rows_are_no_table() -> None:
    assert tables_without_lines(ACCOUNT[2:7])[0] == []
