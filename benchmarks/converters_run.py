"""One converter of converters.py on all documents; run by a Python that has that converter and need not have us."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Pages = list[tuple[int, str]]
"""(number, Markdown) of each page; 0 where the converter tells no pages."""


def markitdown(path: Path) -> Pages:
    import markitdown

    text = markitdown.MarkItDown(enable_plugins=False).convert(path).text_content
    return [*enumerate(text.split("\f"), 1)] if path.suffix == ".pdf" else _slides(text)


def _slides(text: str) -> Pages:
    pieces = text.split("<!-- Slide number: ")
    return [(0, pieces[0])] + [(int(piece.split(" ")[0]), piece.partition("-->")[2]) for piece in pieces[1:]]


def docling(path: Path) -> Pages:
    from docling.document_converter import DocumentConverter

    text = DocumentConverter().convert(path).document.export_to_markdown(page_break_placeholder="\f")
    return [*enumerate(text.split("\f"), 1)]


def pymupdf4llm(path: Path) -> Pages:
    import pymupdf4llm

    chunks: list[dict[str, Any]] = pymupdf4llm.to_markdown(str(path), page_chunks=True)
    return [(number, chunk["text"]) for number, chunk in enumerate(chunks, 1)]


def pandoc(path: Path) -> Pages:
    import pypandoc

    return [(0, pypandoc.convert_file(str(path), "gfm-raw_html", extra_args=["--wrap=none"]))]


def kreuzberg(path: Path) -> Pages:
    from kreuzberg import ExtractionConfig, HierarchyConfig, PageConfig, PdfConfig, extract_file_sync

    pages, pdf = PageConfig(extract_pages=True), PdfConfig(hierarchy=HierarchyConfig())
    config = ExtractionConfig(use_cache=False, output_format="markdown", pages=pages, pdf_options=pdf)
    result = extract_file_sync(path, config=config)
    return [(page["page_number"], page["content"]) for page in result.pages or ()] or [(0, result.content)]


def xberg(path: Path) -> Pages:
    from xberg import ExtractInput, ExtractionConfig, PageConfig, extract

    async def extracted() -> Any:
        config = ExtractionConfig(use_cache=False, output_format="markdown", pages=PageConfig(extract_pages=True))
        return (await extract(ExtractInput(kind="uri", uri=str(path)), config)).results[0]

    done = asyncio.run(extracted())
    return [(page.page_number, page.content) for page in done.pages or ()] or [(0, done.content)]


def pdf_oxide(path: Path) -> Pages:
    from pdf_oxide import PdfDocument

    if path.suffix != ".pdf":
        raise ValueError("PDF alone")
    document = PdfDocument(str(path))
    return [(at + 1, document.to_markdown(at, detect_headings=True)) for at in range(document.page_count())]


def opendataloader(path: Path) -> Pages:
    import tempfile

    import opendataloader_pdf

    with tempfile.TemporaryDirectory() as folder:
        mark = "PAGE-OF-PDF %page-number%"
        opendataloader_pdf.convert(str(path), folder, format="markdown", quiet=True, markdown_page_separator=mark)
        text = (Path(folder) / f"{path.stem}.md").read_text("utf-8")
    pieces = text.split("PAGE-OF-PDF ")
    return [(int(piece.split("\n")[0]), piece.partition("\n")[2]) for piece in pieces[1:]] or [(0, text)]


def unpdf(path: Path) -> Pages:
    import unpdf

    return [(0, unpdf.to_markdown(str(path)))]


def wukong_pipe(path: Path) -> Pages:
    """Our own: pdfplumber or markitdown, and what we make of what they read; its marks of pages are those of here."""
    import contextlib
    import io
    import json

    from wukong_pipe.conversion.worker import main as convert

    with contextlib.redirect_stdout(io.StringIO()) as answer:
        convert(path)
    text = json.loads(answer.getvalue())["markdown"]
    return [(0, f"<!-- page 1 -->\n\n{text}" if path.suffix in {".pdf", ".pptx"} else text)]


CONVERTERS: list[Callable[[Path], Pages]] = [
    *(markitdown, docling, pymupdf4llm, pandoc, kreuzberg, xberg, pdf_oxide, opendataloader, unpdf, wukong_pipe)
]


def main(name: str, folder: Path) -> None:
    convert = next(each for each in CONVERTERS if each.__name__ == name)
    (folder / name).mkdir(exist_ok=True)
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        started = time.monotonic()
        try:
            pages = convert(path)
        except Exception as error:
            print(f"{name}: {path.name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
            continue
        text = "\n\n".join(f"<!-- page {number} -->\n\n{words}" if number else words for number, words in pages)
        (folder / name / f"{path.name}.md").write_text(text, "utf-8")
        (folder / name / f"{path.name}.seconds").write_text(f"{time.monotonic() - started:.3f}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
