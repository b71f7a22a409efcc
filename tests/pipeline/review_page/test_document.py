"""A section as the page sets it: nothing of the source is lost, and marks stand where the evidence stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.records import Section
from wukong_pipe.review_page.document import Block, Marks, Piece, document, marked_text

ROOT = Path(__file__).resolve().parents[3]
TABLE = "| Weapon | Source |\n|---|---|\n| Staff | `King` \\| Queen |\n"
TEXT = f"""## Weapons

The staff is
**heavy**. 石敢当
掉落。

- one
  - two

> quoted

{TABLE}
```python
print("| no table |")

```

[label]: https://example.org
"""


def section(text: str, header: str = "") -> Section:
    return Section("book.md", ("Book", "Weapons"), 10, text, "en", header)


def pieces(blocks: list[Block]) -> Iterator[tuple[int | None, Piece]]:
    return ((line.number, piece) for block in blocks for line in block.lines for cell in line.cells for piece in cell)


def words(block: Block) -> list[str]:
    """The text of a block, a line or cell each."""
    return ["".join(piece.text for piece in cell) for line in block.lines for cell in line.cells]


def marks(text: str, *evidence: str, facts: tuple[tuple[str, ...], ...] = ()) -> Marks:
    return Marks.of(text, [(text.index(words), text.index(words) + len(words)) for words in evidence], facts)


def test_headings_prose_lists_quotations_tables_and_code_are_told_apart() -> None:
    blocks = document(section(TEXT), Marks())
    assert [(block.kind, block.level, block.depth, block.marker, block.is_quote) for block in blocks] == [
        ("heading", 2, 0, "", False),
        ("paragraph", 0, 0, "", False),
        ("paragraph", 0, 1, "•", False),
        ("paragraph", 0, 2, "•", False),
        ("paragraph", 0, 1, "", True),
        ("table", 0, 0, "", False),
        ("code", 0, 0, "", False),
        ("paragraph", 0, 0, "", False),
    ]


def test_each_line_has_the_number_it_has_in_the_source() -> None:
    blocks = document(section(TEXT), Marks())
    source = ["" for _ in range(9)] + TEXT.split("\n")
    for number, piece in pieces(blocks):
        assert number is not None
        assert piece.text in source[number - 1]


def test_a_row_is_cut_into_its_cells_and_an_escaped_stroke_ends_none() -> None:
    table = document(section(TEXT), Marks())[5]
    assert words(table) == ["Weapon", "Source", "Staff", "King | Queen"]
    assert Piece("King", "code") in table.lines[1].cells[1]


def test_signs_of_markdown_are_left_out_and_code_keeps_all_of_its_own() -> None:
    blocks = document(section(TEXT), Marks())
    assert Piece("heavy", "strong") in blocks[1].lines[1].cells[0]
    assert words(blocks[6]) == ['print("| no table |")', ""]


def test_lines_of_a_paragraph_are_joined_without_a_gap_between_chinese_characters() -> None:
    paragraph = document(section(TEXT), Marks())[1]
    assert [line.joint for line in paragraph.lines] == ["", " ", ""]


def test_evidence_is_marked_where_it_stands_and_facts_in_it_alone() -> None:
    text = "King and King. The King of staffs.\n\n" + TABLE
    row = "| Staff | `King` \\| Queen |"
    found = document(section(text), marks(text, row, facts=(("King",),)))
    marked = [(number, piece.text, piece.is_fact) for number, piece in pieces(found) if piece.is_evidence]
    assert marked == [(14, "Staff", False), (14, "King", True), (14, " ", False), (14, "| Queen", False)]
    assert not any(piece.is_fact for number, piece in pieces(found) if number == 10)


def test_the_head_of_a_table_that_was_cut_has_no_number() -> None:
    head = "| Weapon | Source |\n|---|---|\n"
    (table,) = document(section("| Staff | King |\n", head), marks("| Staff | King |\n", "| Staff | King |"))
    assert [line.number for line in table.lines] == [None, 10]
    assert [piece.is_evidence for _, piece in pieces([table])] == [False, False, True, True]


def test_code_that_continues_an_opening_line_is_code() -> None:
    (code,) = document(section("x = 1\n```\n", "```python\n"), Marks())
    assert (code.kind, words(code), code.lines[0].number) == ("code", ["x = 1"], 10)


def test_what_would_turn_a_line_around_is_spelt_out() -> None:
    assert "".join(piece.text for piece in marked_text("a\u202eb")) == "a\\u202eb"


def test_the_facts_of_an_answer_are_marked_in_it() -> None:
    assert marked_text("The King has it.", (("King",),))[1] == Piece("King", is_fact=True)


@pytest.mark.parametrize("place", ["corpora/apollo.md", "corpora/blackwukong.md", "benchmarks/corpora/wukong-docs"])
def test_every_word_of_a_document_is_shown(place: str) -> None:
    for source in read_sources([ROOT / place], "utf-8"):
        for part in split(source.text, source.path.name):
            shown = {number for number, _ in pieces(document(part, Marks()))}
            for at, line in enumerate(part.text.splitlines(), start=part.first_line):
                is_sign = not set(line) - set("`~-|: \t>*_") or line.strip().startswith("```")
                assert at in shown or is_sign, line


def test_a_fact_that_ends_in_a_quotation_is_marked_with_its_mark() -> None:
    pieces = marked_text('It is not "done" yet.', (('is not "done"',),))
    assert [piece.text for piece in pieces if piece.is_fact] == ['is not "done"']
    without = marked_text("It is not done yet.", (('"done"',),))
    assert [piece.text for piece in without if piece.is_fact] == ["done"], "its marks are not needed"
