"""What a reader sees of a page is read as he reads it: turned upright, once, and without what is cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from wukong_pipe.conversion.pdf_glyphs import _is_again
from wukong_pipe.conversion.pdf_markdown import markdown
from wukong_pipe.conversion.pdf_pages import read_pages

A4 = (595, 842)


def read(folder: Path, draw: Callable[[Canvas], None]) -> str:
    canvas = Canvas(str(folder / "drawn.pdf"), pagesize=A4, invariant=True)
    draw(canvas)
    canvas.save()
    return markdown([*read_pages(folder / "drawn.pdf")])


def turned(canvas: Any, degrees: float, x: float, y: float, *lines: str) -> None:
    canvas.saveState()
    canvas.translate(x, y)
    canvas.rotate(degrees)
    for at, line in enumerate(lines):
        canvas.drawString(0, -16 * at, line)
    canvas.restoreState()


LINES = ("The kiln is forty metres long and holds", "eleven cars at a time.")


@pytest.mark.parametrize(("degrees", "x", "y"), [(90, 100, 100), (270, 300, 700), (180, 500, 400)])
def test_a_page_that_is_set_sideways_is_turned(tmp_path: Path, degrees: int, x: int, y: int) -> None:
    assert read(tmp_path, lambda canvas: turned(canvas, degrees, x, y, *LINES)) == f"{' '.join(LINES)}\n"


def test_what_stands_sideways_beside_a_text_is_read_after_it(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        turned(canvas, 90, 30, 300, "Weserton, 1987")
        turned(canvas, 0, 60, 600, *LINES)

    assert read(tmp_path, draw) == f"{' '.join(LINES)}\n\nWeserton, 1987\n"


def test_a_table_that_stands_sideways_below_a_text_is_kept(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        turned(canvas, 0, 60, 700, *LINES)
        canvas.translate(300, 100)
        canvas.rotate(90)
        canvas.grid([0, 100, 200], [0, 20, 40])
        for x, y, cell in ((5, 25, "Zone"), (105, 25, "Heat"), (5, 5, "Firing"), (105, 5, "high")):
            canvas.drawString(x, y, cell)

    assert read(tmp_path, draw) == f"{' '.join(LINES)}\n\n| Zone | Heat |\n| --- | --- |\n| Firing | high |\n"


def test_a_stamp_across_the_page_is_left_out(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        turned(canvas, 0, 60, 600, *LINES)
        turned(canvas, 40, 60, 560, "CONFIDENTIAL")

    assert read(tmp_path, draw) == f"{' '.join(LINES)}\n"


def test_a_letter_that_is_printed_twice_to_be_bold_is_one(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for shift in (0, 0.3):
            turned(canvas, 0, 60 + shift, 600, "All will tell.")

    assert read(tmp_path, draw) == "All will tell.\n"


def test_letters_of_another_size_elsewhere_are_never_the_same() -> None:
    places = set[tuple[str, float, int, int]]()
    shown: list[dict[str, Any]] = [
        {"text": "e", "size": size, "x0": 10 * size, "top": 20 * size} for size in (10.0, 8.0, 5.0)
    ]
    assert not any(_is_again(char, places) for char in shown)
    assert all(_is_again(char | {"x0": char["x0"] + 0.3}, places) for char in shown)


def test_what_is_cut_off_is_not_read(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setCropBox((50, 50, 545, 792))
        turned(canvas, 0, 60, 600, *LINES)
        turned(canvas, 0, 60, 20, "kiln_handbook.indd 3")

    assert read(tmp_path, draw) == f"{' '.join(LINES)}\n"


def test_a_blank_of_the_document_parts_words_that_stand_close(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(60, 600)
        text.setCharSpace(-1.5)
        text.textLine("The kiln is forty metres long.")
        canvas.drawText(text)

    assert read(tmp_path, draw) == "The kiln is forty metres long.\n"


def test_letters_set_apart_are_one_word_where_the_document_has_blanks(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(60, 600)
        text.setCharSpace(2.1)
        text.textLine("The kiln is forty metres long.")
        canvas.drawText(text)

    assert read(tmp_path, draw) == "The kiln is forty metres long.\n"
