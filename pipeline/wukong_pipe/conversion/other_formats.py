"""DOCX, PPTX, HTML and EPUB → Markdown by markitdown, with what it leaves to be mended."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from wukong_pipe.conversion.pages import page_mark

_SLIDE = re.compile(r"<!-- Slide number: (\d+) -->")
_EMPTY_HEAD = re.compile(r"(?m)^\|(?: *\|)+\n(\|(?: *-+ *\|)+\n)(\|.*\n?)")
"""Word knows no head of a table: the first row is one."""
_EPUB_HEAD = re.compile(r"\A(?:\*\*[A-Z]\w+:\*\* .*\n)+")
_EPUB_CONTENTS = re.compile(r"(?m)^ *(?:\d+\.|[*-]) \[[^\]\n]*\]\([^()\s]*\.x?html?(?:#[^()\s]*)?\)\n")
_AROUND = ("nav", "header", "footer", "aside", "form", "noscript", "template")
"""What stands around the text of a page of the web."""


def markdown(path: Path) -> str:
    """The Markdown of a document; of slides with marks of their numbers."""
    # By name: MarkItDown itself guesses what a file is, and reads a broken one as text.
    from markitdown import StreamInfo
    from markitdown.converters import DocxConverter, EpubConverter, HtmlConverter, PptxConverter

    # What is escaped would stand so in evidence, and an identifier with it.
    options: dict[str, Any] = {"escape_underscores": False, "escape_asterisks": False, "escape_misc": False}
    suffix, data = path.suffix.lower(), path.read_bytes()
    converters: dict[str, Any] = {".docx": DocxConverter, ".pptx": PptxConverter, ".epub": EpubConverter}
    if suffix not in converters:
        data = _main(data).encode()
    converter, kind = converters.get(suffix, HtmlConverter)(), StreamInfo(extension=suffix, charset="utf-8")
    text = converter.convert(io.BytesIO(data), kind, **options).markdown
    text = text.replace("\r\n", "\n").strip() + "\n"
    if suffix == ".pptx":
        text = _slides(text)
    if suffix == ".epub":
        text = _EPUB_CONTENTS.sub("", _EPUB_HEAD.sub("", text))
    return _EMPTY_HEAD.sub(r"\2\1", text).strip() + "\n"


def _main(page: bytes) -> str:
    """A page of the web without menus and the like; <article> may have a header of its own."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "lxml")
    for found in soup.find_all(_AROUND):
        if found.name in {"header", "footer"} and found.find_parent(["article", "main", "section"]):
            continue
        found.decompose()
    return str(soup.find("main") or soup)


def _slides(text: str) -> str:
    """Slides whose lines are paragraphs of their own, as they are shown."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and not (line.startswith("|") and lines[-1].startswith("|")):
            lines.append("")
        lines.append(_SLIDE.sub(lambda found: page_mark(int(found[1])), line.strip()))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).removeprefix(page_mark(1))
