"""Documents made anew for tests and benchmarks: PDF, DOCX, PPTX, HTML and EPUB of the same blocks."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tests.support.made_texts import Block, Code, Heading, Items, PageBreak, Paragraph, Table, Text

SIZES = {1: 22, 2: 16, 3: 13}
"""Of headings by their level, where the text's is 11."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a PDF is set."""

    lines: Literal["all", "rows", "none"] = "all"
    """Of tables: around all cells, below each row."""
    headings: Literal["large", "bold"] = "large"
    """What tells a heading from text."""
    columns: int = 1
    furniture: bool = True
    """Whether a header and a footer stand on each page."""
    hyphenated: bool = False
    breaks: bool = True
    """Whether pages end where the text says so."""


def write_pdf(path: Path, text: Text, layout: Layout | None = None) -> None:
    """A PDF by ReportLab; its Chinese font is one that every reader brings along."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    layout = layout or Layout()
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    width, height = A4
    column = (width - 120) / layout.columns
    frames = [
        Frame(60 + at * column, 70, column - 10 * (layout.columns - 1), height - 140) for at in range(layout.columns)
    ]

    def furniture(canvas: Any, document: Any) -> None:
        if layout.furniture:
            canvas.setFont("STSong-Light" if text.lang == "zh" else "Helvetica", 9)
            canvas.drawString(60, height - 40, text.header)
            canvas.drawCentredString(width / 2, 35, text.footer.format(document.page))

    document = BaseDocTemplate(str(path), pagesize=A4, invariant=True)
    document.addPageTemplates([PageTemplate(frames=frames, onPage=furniture)])
    document.build([piece for block in text.blocks for piece in _flowables(block, text, layout)])


def _flowables(block: Block, text: Text, layout: Layout) -> Iterator[Any]:
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import ListFlowable, Preformatted, Spacer
    from reportlab.platypus import PageBreak as NewPage
    from reportlab.platypus import Paragraph as Words
    from reportlab.platypus import Table as Grid

    is_chinese = text.lang == "zh"
    font, bold = ("STSong-Light", "STSong-Light") if is_chinese else ("Helvetica", "Helvetica-Bold")
    style = partial(ParagraphStyle, fontName=font, leading=16, spaceAfter=8, wordWrap="CJK" if is_chinese else None)
    match block:
        case Heading(level, words):
            size = SIZES[level] if layout.headings == "large" else 11
            yield Words(words, style("heading", fontName=bold, fontSize=size, leading=size * 1.3, spaceBefore=10))
        case Paragraph():
            words = _hyphenated(block.text) if layout.hyphenated else block.text
            yield Words(words, style("text", fontSize=11))
        case Items(items):
            shown = [Words(item, style("item", fontSize=11)) for item in items]
            yield ListFlowable(shown, bulletType="bullet", start="•")
        case Table(rows):
            which = {"all": "GRID", "rows": "LINEBELOW"}.get(layout.lines)
            lines = [(which, (0, 0), (-1, -1), 0.5, colors.black)] if which else []
            # Rows that no page holds go on overleaf below the head again.
            yield Grid(rows, style=[("FONTNAME", (0, 0), (-1, -1), font), *lines], colWidths=70, repeatRows=1)
            yield Spacer(1, 12)
        case Code(lines):
            yield Preformatted("\n".join(lines), ParagraphStyle("code", fontName="Courier", fontSize=10, spaceAfter=8))
        case PageBreak() if layout.breaks:
            yield NewPage()


def _hyphenated(words: str) -> str:
    """The words with a hyphen at the end of some lines, as typesetters leave them."""
    lines: list[str] = [""]
    for word in words.split(" "):
        if len(lines[-1]) > 60 and len(word) > 6 and word.isalpha():
            lines[-1] += f"{word[:4]}-"
            lines.append(f"{word[4:]} ")
        else:
            lines[-1] += f"{word} "
    return "<br/>".join(line.rstrip() for line in lines)


def write_scan(path: Path, password: str = "") -> None:
    """A PDF that holds a picture of a page and no text; with a password, one that nobody else may open."""
    from PIL import Image, ImageDraw
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    picture = Image.new("L", (620, 877), 255)
    ImageDraw.Draw(picture).text((60, 60), "A scanned page.", fill=0)
    canvas = Canvas(str(path), encrypt=StandardEncryption(password, canPrint=0) if password else None)
    canvas.drawImage(ImageReader(picture), 0, 0, 595, 842)
    canvas.showPage()
    canvas.save()


def write_docx(path: Path, text: Text, merged: bool = False) -> None:
    """A document of Word by python-docx; `merged` adds a table two cells of which are one."""
    from docx import Document
    from docx.enum.text import WD_BREAK

    document = Document()
    document.sections[0].header.paragraphs[0].text = text.header
    document.sections[0].footer.paragraphs[0].text = text.footer
    for block in text.blocks:
        match block:
            case Heading(level, words):
                document.add_heading(words, level)
            case Paragraph():
                document.add_paragraph(block.text)
            case Items(items):
                for item in items:
                    document.add_paragraph(item, style="List Bullet")
            case Table(rows):
                table = document.add_table(len(rows), len(rows[0]), style="Table Grid")
                for row, cells in zip(table.rows, rows, strict=True):
                    for cell, words in zip(row.cells, cells, strict=True):
                        cell.text = words
                if merged:
                    table.cell(1, 2).merge(table.cell(2, 2))
            case Code(lines):
                paragraph = document.add_paragraph()
                paragraph.add_run("\n".join(lines)).font.name = "Courier New"
            case PageBreak():
                document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    document.save(str(path))


def write_pptx(path: Path, text: Text) -> None:
    """Slides by python-pptx: one for each heading."""
    from pptx import Presentation
    from pptx.util import Cm

    show: Any = Presentation()
    slide: Any = None
    for block in text.blocks:
        match block:
            case Heading(level, words):
                slide = show.slides.add_slide(show.slide_layouts[0 if level == 1 else 1])
                slide.shapes.title.text = words
            case Paragraph() | Items() | Code():
                frame = slide.placeholders[1].text_frame
                for line in _lines(block):
                    paragraph = frame.paragraphs[0] if not frame.text else frame.add_paragraph()
                    paragraph.text = line
            case Table(rows):
                grid = slide.shapes.add_table(len(rows), len(rows[0]), Cm(2), Cm(10), Cm(18), Cm(5)).table
                for i, cells in enumerate(rows):
                    for j, words in enumerate(cells):
                        grid.cell(i, j).text = words
    show.save(str(path))


def _lines(block: Paragraph | Items | Code) -> tuple[str, ...]:
    match block:
        case Items(items):
            return items
        case Code(lines):
            return lines
    return (block.text,)


def as_html(text: Text, navigation: bool = False) -> str:
    """A page of the web; with what stands around the text on most of them."""
    body = "\n".join(_html(block) for block in text.blocks)
    if navigation:
        links = "".join(f'<li><a href="/{at}">Menu entry {at}</a></li>' for at in range(1, 6))
        around = f"<header>{html.escape(text.header)}</header><nav><ul>{links}</ul></nav>"
        body = f"{around}<main>{body}</main><footer>{html.escape(text.footer.format(1))}</footer>"
        body += "<script>var tracked = true;</script>"
    return (
        f'<!DOCTYPE html><html lang="{text.lang}"><head><meta charset="utf-8"><title>{text.header}</title>'
        f"<style>p {{ margin: 1em }} h2 {{ break-after: avoid }}</style></head><body>{body}</body></html>"
    )


def _html(block: Block) -> str:
    match block:
        case Heading(level, words):
            return f"<h{level}>{html.escape(words)}</h{level}>"
        case Paragraph():
            return f"<p>{html.escape(block.text)}</p>"
        case Items(items):
            return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
        case Table(rows):
            head, *others = rows
            cells = [("th", head), *(("td", row) for row in others)]
            lines = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) for tag, row in cells)
            return f'<table border="1">{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'
        case Code(lines):
            return f"<pre><code>{html.escape(chr(10).join(lines))}</code></pre>"
        case PageBreak():
            return '<div style="break-after: page"></div>'


def write_epub(path: Path, text: Text) -> None:
    """A book by EbookLib, a chapter for each heading of the second level."""
    from ebooklib import epub

    book = epub.EpubBook()
    book.set_identifier("made")
    book.set_title(text.header)
    book.set_language(text.lang)
    chapters: list[list[Block]] = [[]]
    for block in text.blocks:
        if isinstance(block, Heading) and block.level == 2:
            chapters.append([])
        chapters[-1].append(block)
    pages = []
    for number, blocks in enumerate(chapters, 1):
        page = epub.EpubHtml(title=f"{number}", file_name=f"{number}.xhtml", lang=text.lang)
        page.content = f"<html><body>{''.join(map(_html, blocks))}</body></html>"
        book.add_item(page)
        pages.append(page)
    book.toc = pages
    book.spine = ["nav", *pages]
    book.add_item(epub.EpubNcx())
    book.add_item(epub.EpubNav())
    epub.write_epub(str(path), book)
