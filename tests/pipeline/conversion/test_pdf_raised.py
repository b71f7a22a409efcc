"""What stands above a line of a PDF: the mark of a note, which is no part of the sentence, or a power, which is."""

from __future__ import annotations

from pathlib import Path

import pytest
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph

from wukong_pipe.conversion.pdf_markdown import markdown
from wukong_pipe.conversion.pdf_pages import read_pages
from wukong_pipe.corpus.cleaning import clean

A4 = (595, 842)
STYLE = ParagraphStyle("text", fontName="Helvetica", fontSize=10, leading=12)


def read(folder: Path, *paragraphs: str) -> list[str]:
    """The blocks of Markdown that are made of a page with these paragraphs, in ReportLab's markup."""
    canvas, top = Canvas(str(folder / "drawn.pdf"), pagesize=A4, invariant=True), 780.0
    for paragraph in paragraphs:
        flowing = Paragraph(paragraph, STYLE)
        _, height = flowing.wrapOn(canvas, 420, 800)
        top -= height + 14
        flowing.drawOn(canvas, 70, top)
    canvas.save()
    return markdown([*read_pages(folder / "drawn.pdf")]).strip().split("\n\n")


def raised(text: str) -> str:
    return f'<super rise="4" size="6">{text}</super>'


@pytest.mark.parametrize(
    ("drawn", "shown"),
    [
        (f"burners{raised('1')} under the roof.", "burners[^1] under the roof."),
        (f"under the roof.{raised('12')} Whoever", "under the roof.[^12] Whoever"),
        (f"by Weserton{raised('1,3')}, the mason", "by Weserton[^1][^3], the mason"),
        (f"as measured{raised('5–7')} twice", "as measured[^5–7] twice"),
        (f"its owner{raised('*')} and the mayor{raised('a')}", "its owner[^∗] and the mayor[^a]"),
        (f"built in 1987{raised('3')} by", "built in 1987[^3] by"),
        (f"by him{raised('[9]')} again", "by him[^9] again"),
        (f"some 10{raised('5')} bricks", "some 10⁵ bricks"),
        (f"some 10{raised('−3')} bars", "some 10⁻³ bars"),
        (f"on 40 km{raised('2')} of clay", "on 40 km² of clay"),
        (f"where x{raised('2')} grows", "where x² grows"),
        (f"in the 19{raised('th')} century", "in the 19th century"),
        (f"au XVI{raised('e')} siècle", "au XVIe siècle"),
    ],
)  # fmt: skip
def test_a_small_word_above_a_line_is_read_where_it_stands(tmp_path: Path, drawn: str, shown: str) -> None:
    assert read(tmp_path, f"The kiln has six things, {drawn} It holds eleven cars.") == [
        f"The kiln has six things, {shown} It holds eleven cars."
    ]


def test_a_sentence_goes_on_after_the_mark_of_a_note(tmp_path: Path) -> None:
    sentence = "A car enters the kiln{} every ninety minutes, and the pusher at the entrance moves the whole train."
    assert read(tmp_path, sentence.format(raised("1"))) == [sentence.format("[^1]")]
    assert clean(sentence.format("[^1]")).text == sentence.format("")


def test_a_note_that_stands_below_its_mark_is_markdowns(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"The kiln{raised('1')} was built by the night shift{raised('2')} of that year.",
        f"{raised('1')} It stands in Weserton.",
        f"{raised('2')} Its name is not known.",
    )
    assert found == [
        "The kiln[^1] was built by the night shift[^2] of that year.",
        "[^1]: It stands in Weserton.",
        "[^2]: Its name is not known.",
    ]


def test_a_line_of_small_text_beside_a_large_letter_is_not_taken_apart(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "drawn.pdf"), pagesize=A4, invariant=True)
    canvas.setFont("Helvetica", 24)
    canvas.drawString(70, 700, "S")
    canvas.setFont("Helvetica", 10)
    canvas.drawString(88, 708, "a kiln is heated by six burners")
    canvas.save()
    assert "a kiln is heated by six burners" in markdown([*read_pages(tmp_path / "drawn.pdf")])
