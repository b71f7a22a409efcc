"""What is left of the structure of a PDF in the Markdown made of it: of files that ReportLab writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.made_documents import Layout, write_pdf
from tests.support.made_texts import CHINESE, ENGLISH, Block, Code, Heading, Items, PageBreak, Paragraph, Table, Text
from wukong_pipe.conversion.pdf_markdown import markdown
from wukong_pipe.conversion.pdf_pages import read_pages

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


def test_each_page_has_its_number(tmp_path: Path) -> None:
    blocks: list[Block] = [Heading(1, "Bricks"), PageBreak(), Items(("an item",)), PageBreak(), Paragraph(("Two.",))]
    text = converted(tmp_path, made_of(*blocks))
    assert text.index("<!-- page 2 -->") < text.index("an item") < text.index("<!-- page 3 -->") < text.index("Two.")
