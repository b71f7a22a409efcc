"""What is left of the structure of a PDF in the Markdown made of it: of files that ReportLab writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from tests.support.made_documents import Layout, write_pdf
from tests.support.made_texts import CHINESE, ENGLISH, Block, Code, Heading, Items, PageBreak, Paragraph, Table, Text
from wukong_pipe.conversion.pdf_markdown import _Type, markdown
from wukong_pipe.conversion.pdf_pages import _BOLD, Segment, _filled, _is_whole, read_pages
from wukong_pipe.conversion.pdf_rules import Word

ENGLISH_MARKDOWN = """\
# Kiln Handbook

This handbook describes the tunnel kiln of the Weserton brickworks. It was written by the night shift in 1987 and is \
read by every new fireman before his first turn at the burners. The kiln is forty metres long and holds eleven cars at \
a time.

## Firing

A car enters the kiln every ninety minutes, and the pusher at the entrance moves the whole train by one place. The \
temperature of the firing zone is kept at 1,060 degrees by six burners under the roof. Whoever opens the hatch of the \
firing zone notes the time, because the draught cools the upper rows of bricks.

| Zone | Temperature | Length |
| --- | --- | --- |
| Preheating | 600 °C | 14 m |
| Firing | 1,060 °C | 12 m |
| Cooling | 180 °C | 14 m |

<!-- page 2 -->

## Faults

Three faults stop the pusher, and each of them has a lamp of its own at the entrance.

- A red lamp means that a car has left the rails.
- A yellow lamp means that the oil of the pusher is cold.
- A blue lamp means that the hatch of the firing zone stands open.

### Restarting the pusher

The pusher is restarted from the panel beside the entrance with this program:

```
def restart(pusher):
    pusher.release()
    pusher.push(force=12)
```

<!-- page 3 -->

## Maintenance

The rails are greased on the first Monday of each month with graphite, never with oil, which burns. The lining of the \
roof is inspected in August, when the kiln is cold for nine days.
"""


def converted(folder: Path, text: Text, layout: Layout | None = None) -> str:
    write_pdf(folder / "made.pdf", text, layout)
    return markdown([*read_pages(folder / "made.pdf")])


def made_of(*blocks: Block, text: Text = ENGLISH) -> Text:
    return Text(text.lang, blocks, text.header, text.footer)


@pytest.mark.parametrize(
    "layout",
    [Layout(), Layout(lines="rows"), Layout(lines="none"), Layout(hyphenated=True)],
    ids=["ruled", "lines below rows", "no lines", "hyphenated"],
)
def test_headings_tables_lists_code_and_pages_are_kept_and_headers_and_footers_are_not(
    tmp_path: Path, layout: Layout
) -> None:
    assert converted(tmp_path, ENGLISH, layout) == ENGLISH_MARKDOWN


def test_lines_of_chinese_are_joined_without_blanks(tmp_path: Path) -> None:
    text = converted(tmp_path, CHINESE)
    lines = text.splitlines()
    assert all(block.text in lines for block in CHINESE.blocks if isinstance(block, Paragraph))
    assert [line for line in lines if line.startswith("#")] == [
        f"{'#' * block.level} {block.text}" for block in CHINESE.blocks if isinstance(block, Heading)
    ]
    assert "| 烧成带 | 1060 ℃ | 12 米 |" in lines
    assert "- 红灯表示有一辆窑车脱离了轨道。" in lines
    assert CHINESE.header not in lines
    assert "内部资料" not in text


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_two_columns_are_read_one_after_the_other(tmp_path: Path, text: Text) -> None:
    found = converted(tmp_path, text, Layout(columns=2, breaks=False))
    words = [block.text for block in text.blocks if isinstance(block, Paragraph)]
    places = [found.find(each) for each in words]
    assert -1 not in places
    assert places == sorted(places)


def test_a_bold_line_of_its_own_is_a_heading_where_no_size_tells(tmp_path: Path) -> None:
    found = converted(tmp_path, ENGLISH, Layout(headings="bold"))
    assert [line for line in found.splitlines() if line.startswith("#")] == [
        f"# {block.text}" for block in ENGLISH.blocks if isinstance(block, Heading)
    ]


LONG = Paragraph(tuple(f"Brick number {n} was laid by the mason of the {n}th shift of that year." for n in range(90)))


def test_a_sentence_that_goes_on_overleaf_is_one_with_the_mark_of_the_page_inside(tmp_path: Path) -> None:
    text = converted(tmp_path, made_of(Heading(1, "Bricks"), LONG))
    (paragraph,) = [line for line in text.splitlines() if line.startswith("Brick number")]
    before, after = paragraph.split("<!-- page 2 -->")
    assert before + after == LONG.text
    assert before.endswith(" ")


def test_a_table_that_goes_on_overleaf_is_one_and_has_its_head_once(tmp_path: Path) -> None:
    rows = (("Brick", "Mason"), *((f"No. {n}", f"Mason {n}") for n in range(60)))
    text = converted(tmp_path, made_of(Heading(1, "Bricks"), Table(rows)))
    shown = [line for line in text.splitlines() if line.startswith("|")]
    assert shown.count("| --- | --- |") == 1
    assert [line.replace("<!-- page 2 -->", "") for line in shown if "---" not in line] == [
        f"| {brick} | {mason} |" for brick, mason in rows
    ]
    assert sum("<!-- page 2 -->" in line for line in shown) == 1


def test_what_a_page_says_is_never_taken_for_markup(tmp_path: Path) -> None:
    text = converted(
        tmp_path,
        made_of(
            Heading(1, "Signs"),
            Paragraph(("# is the sign of a number.",)),
            Paragraph(("Between &lt;b> and its end stands what is bold, and snake_case stays snake_case.",)),
            Table((("Sign", "Name"), ("|", "bar"), ("&lt;i>", "tag"))),
        ),
    )
    lines = text.splitlines()
    assert "\\# is the sign of a number." in lines
    assert "Between &lt;b> and its end stands what is bold, and snake_case stays snake_case." in lines
    assert "| \\| | bar |" in lines


def test_code_beside_text_keeps_its_indents(tmp_path: Path) -> None:
    code = Code(("for brick in wall:", "    if brick.is_loose:", "        brick.mend()"))
    text = converted(
        tmp_path, made_of(Heading(1, "Wall"), Paragraph(("This mends a wall:",)), code, Items(("one", "two")))
    )
    assert "```\n" + "\n".join(code.lines) + "\n```" in text


def drawn(folder: Path, pages: Sequence[Sequence[tuple[float, float, str]]], font: str = "Helvetica") -> str:
    """The Markdown of pages with these texts at these places, from the left and from the top."""
    canvas = Canvas(str(folder / "drawn.pdf"), pagesize=(595, 842), invariant=True)
    for texts in pages:
        canvas.setFont(font, 10)
        for x, y, text in texts:
            canvas.drawString(x, 842 - y, text)
        canvas.showPage()
    canvas.save()
    return markdown([*read_pages(folder / "drawn.pdf")])


CONTENTS = [
    (60, 100, "1.1"),
    (90, 100, "Firing" + " ." * 60 + " 2"),
    (60, 114, "1.2"),
    (90, 114, "Faults" + "." * 90 + "2"),
]


def test_a_table_of_contents_says_nothing(tmp_path: Path) -> None:
    contents = [*CONTENTS, (60, 128, "1.3"), (90, 128, "Maintenance . . . . . . . . . . . . . . . . . . . . . . 3")]
    text = [(60, 300, "The kiln is forty metres long.")]
    assert drawn(tmp_path, [contents, text, text]).startswith("<!-- page 2 -->\n\nThe kiln")


def test_dots_that_lead_to_the_numbers_of_an_account_are_no_contents(tmp_path: Path) -> None:
    account = [(60, 300 + 14 * at, f"{what} {'. ' * 40}{n}") for at, (what, n) in enumerate(ACCOUNT.items())]
    found = drawn(tmp_path, [account])
    assert all(f"{n}" in found for n in ACCOUNT.values())


ACCOUNT = {"Bricks": 812, "Coal": 377, "Wages": 960}


def test_page_numbers_are_left_out_with_the_words_beside_them(tmp_path: Path) -> None:
    words = ("one two three four five six seven", "eight nine ten eleven twelve", "a b c d e f g h", "i j k l m n")
    pages = [
        [(60, 300, f"Page {text}."), (60, 800, f"{text.split()[0]} chapter {number}")]
        for number, text in enumerate(words, 5)
    ]
    found = drawn(tmp_path, [*pages, [(60, 300, "The last page."), (300, 800, "- 9 -")]])
    assert "chapter" not in found
    assert "9" not in found
    assert all(f"Page {text}." in found for text in words)


def test_pages_that_hold_a_header_alone_keep_it(tmp_path: Path) -> None:
    assert drawn(tmp_path, [[(60, 60, f"Slide {n}")] for n in (1, 2)]) == "Slide 1\n\n<!-- page 2 -->\n\nSlide 2\n"


def test_numbers_of_a_figure_are_no_headings(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "figure.pdf"), pagesize=(595, 842), invariant=True)
    canvas.setFont("Helvetica", 20)
    canvas.drawString(60, 700, "200.0")
    canvas.setFont("Helvetica", 10)
    canvas.drawString(60, 500, "The kiln is forty metres long.")
    canvas.save()
    assert markdown([*read_pages(tmp_path / "figure.pdf")]).startswith("200.0\n")


@pytest.mark.parametrize("font", ["Arial-BoldMT", "ABCDEF+NimbusRomNo9L-Medi", "CMBX12", "Times New Roman,Bold"])
def test_fonts_that_are_bold(font: str) -> None:
    assert _BOLD.search(font)


@pytest.mark.parametrize("font", ["ArialMT", "NimbusRomNo9L-Regu", "AmazonEmber-Medium", "CMR10"])
def test_fonts_that_are_not_bold(font: str) -> None:
    assert not _BOLD.search(font)


def test_a_document_that_was_typed_is_text_and_no_code(tmp_path: Path) -> None:
    lines = [(60, 300, "The kiln is forty metres long and"), (60, 312, "holds eleven cars at a time.")]
    assert drawn(tmp_path, [lines], "Courier") == "The kiln is forty metres long and holds eleven cars at a time.\n"


def test_words_that_stand_a_little_lower_are_no_line_of_their_own() -> None:
    tops = [12.0 * line + shift for line in range(6) for shift in (0, 0.2)]
    words = [Segment(1, 60, 160, top, top + 10, "words", 10.0, is_bold=False, is_code=False) for top in tops]
    assert _Type.of(words).leading == 12


def test_a_narrow_third_column_is_read_after_the_others(tmp_path: Path) -> None:
    columns = {40: "left words that fill a column", 240: "middle words that fill it", 440: "right words"}
    texts = [
        (x, 200 + 3 * shift + 12 * at, f"{text} {at}.")
        for shift, (x, text) in enumerate(columns.items())
        for at in range(8)
    ]
    found = drawn(tmp_path, [[*texts, (440, 310, "of it"), (440, 330, "all")]])
    assert found.index("left words that fill a column 7.") < found.index("middle words that fill it 0.")
    assert found.index("middle words that fill it 7.") < found.index("right words 0.")


def test_a_line_below_which_nothing_stands_is_no_table(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "line.pdf"), pagesize=(595, 842), invariant=True)
    canvas.rect(60, 500, 200, 1, fill=1)
    canvas.rect(60, 400, 20, 40)
    canvas.drawString(300, 600, "The kiln is forty metres long.")
    canvas.save()
    assert markdown([*read_pages(tmp_path / "line.pdf")]) == "The kiln is forty metres long.\n"


def test_a_table_without_lines_at_its_sides_keeps_its_outer_columns(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "open.pdf"), pagesize=(595, 842), invariant=True)
    canvas.grid([160, 260], [600, 620, 640, 660])
    for height in (600, 620, 640, 660):
        canvas.line(60, height, 360, height)
    rows = (("Zone", "Heat", "Length"), ("Firing", "1,060 °C", "12 m"), ("Cooling", "180 °C", "14 m"))
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            canvas.drawString(65 + 100 * column, 645 - 20 * at, cell)
    canvas.save()
    found = markdown([*read_pages(tmp_path / "open.pdf")])
    assert found.splitlines() == [f"| {' | '.join(row)} |" for row in (rows[0], ("---",) * 3, *rows[1:])]


def test_lines_whose_cells_do_not_hold_what_stands_between_them_are_no_table() -> None:
    words: list[Word] = [
        {"text": text, "x0": 10, "x1": 20, "top": 10, "bottom": 20} for text in ("Firing", "hatch", "kiln")
    ]
    assert _is_whole(((0, 0, 100, 100), [["Firing", "hatch"], ["kiln", None]]), words)
    assert not _is_whole(((0, 0, 100, 100), [["Firing", None], ["kiln", ""]]), words)
    assert _is_whole(((50, 50, 100, 100), [["", None]]), words)


def test_columns_and_rows_of_a_table_that_hold_nothing_are_left_out() -> None:
    rows = [["Zone", "", "Length"], ["", "", ""], ["Firing", "", "12 m"]]
    assert _filled(rows) == (("Zone", "Length"), ("Firing", "12 m"))


def test_each_page_has_its_number(tmp_path: Path) -> None:
    blocks: list[Block] = [Heading(1, "Bricks"), PageBreak(), Items(("an item",)), PageBreak(), Paragraph(("Two.",))]
    text = converted(tmp_path, made_of(*blocks))
    assert text.index("<!-- page 2 -->") < text.index("an item") < text.index("<!-- page 3 -->") < text.index("Two.")
