"""What converters to Markdown keep of 20 made documents: headings, tables, lists, code, sentences, pages.

python -m benchmarks.converters make FOLDER          # needs the extra `dev`, and Chromium for two of the documents
PYTHON benchmarks/converters_run.py NAME FOLDER      # for each converter, in an environment that holds it alone
python -m benchmarks.converters table FOLDER         # the tables of converters.md
python -m benchmarks.converters print FOLDER         # instead of make: the sample corpora, printed by Chromium
python -m benchmarks.converters kept FOLDER          # what is left of those
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from tests.support.chromium import CHROMIUM
from tests.support.made_documents import Layout, as_html, write_docx, write_epub, write_pdf, write_pptx
from tests.support.made_texts import CHINESE, ENGLISH, Code, Heading, Items, PageBreak, Paragraph, Table, Text

TEXTS = {"en": ENGLISH, "zh": CHINESE}
PAGE = re.compile(r"<!-- page (\d+) -->")
KINDS = ("headings", "false headings", "table rows", "items", "code lines", "sentences", "pages", "furniture")


def make(folder: Path) -> None:
    """The 20 documents: 11 PDF, 3 DOCX, 2 PPTX, 2 HTML, 2 EPUB."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang, text in TEXTS.items():
        write_pdf(folder / f"ruled-{lang}.pdf", text)
        write_pdf(folder / f"plain-{lang}.pdf", text, Layout(lines="none"))
        write_pdf(folder / f"bold-{lang}.pdf", text, Layout(headings="bold"))
        write_pdf(folder / f"columns-{lang}.pdf", text, Layout(columns=2, breaks=False))
        _print(folder / f"printed-{lang}.pdf", text)
        write_docx(folder / f"word-{lang}.docx", text)
        write_pptx(folder / f"slides-{lang}.pptx", text)
        write_epub(folder / f"book-{lang}.epub", text)
    write_pdf(folder / "hyphenated-en.pdf", ENGLISH, Layout(hyphenated=True))
    write_docx(folder / "merged-zh.docx", CHINESE, merged=True)
    (folder / "page-zh.html").write_text(as_html(CHINESE), "utf-8")
    (folder / "menu-en.html").write_text(as_html(ENGLISH, navigation=True), "utf-8")


def _print(path: Path, text: Text) -> None:
    """The PDF that Chromium prints of a page."""
    page = path.with_suffix(".printed")
    page.write_text(as_html(text), "utf-8")
    assert CHROMIUM, "two of the documents are printed by Chromium"
    shown = page.rename(page.with_name(f".{page.stem}.html")).resolve()
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--print-to-pdf={path.resolve()}",
    ]
    subprocess.run([CHROMIUM, *options, shown.as_uri()], check=True, capture_output=True)
    shown.unlink()


@dataclass(frozen=True, slots=True)
class Score:
    """Of a kind: how many there are, and how many were kept; of what must not be there, how many there are."""

    kept: int
    of: int

    def __add__(self, other: Score) -> Score:
        return Score(self.kept + other.kept, self.of + other.of)

    def __str__(self) -> str:
        return "–" if not self.of else f"{self.kept}/{self.of}"


def scores(name: str, markdown: str) -> dict[str, Score]:
    """What is left of a made document in what a converter wrote."""
    text = TEXTS[Path(name).stem.rpartition("-")[2]]
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    headings = [*_headings(tokens)]
    is_flat = name.endswith(".pptx")
    wanted = [(block.level, block.text) for block in text.blocks if isinstance(block, Heading)]
    found = [level_and_text in headings for level_and_text in wanted]
    if is_flat:  # A slide's title has no level.
        found = [words in {heading for _, heading in headings} for _, words in wanted]
    known = {words for _, words in wanted}
    rows, items = [*_rows(tokens)], {*_items(tokens)}
    code = [line for token in tokens if token.type in {"fence", "code_block"} for line in token.content.splitlines()]
    passages = [_plain(token) for token in tokens if token.type == "inline"]
    sentences = [sentence for block in text.blocks if isinstance(block, Paragraph) for sentence in block.sentences]
    said = sum(text.header in sentence for sentence in sentences)
    furniture = max(0, markdown.count(text.header) - said) + sum(
        text.footer.format(page) in markdown for page in (1, 2, 3)
    )
    made = {
        "headings": found,
        "table rows": [row in rows for block in text.blocks if isinstance(block, Table) for row in block.rows],
        "items": [item in items for block in text.blocks if isinstance(block, Items) for item in block.items],
        "code lines": [line in code for block in text.blocks if isinstance(block, Code) for line in block.lines],
        "sentences": [any(sentence in passage for passage in passages) for sentence in sentences],
        "pages": [*_pages(name, text, markdown)],
    }
    counts = {kind: Score(sum(each), len(each)) for kind, each in made.items()}
    false = sum(words not in known for _, words in headings)
    return counts | {"false headings": Score(false, 1), "furniture": Score(furniture, 1)}


def _headings(tokens: Sequence[Any]) -> Iterator[tuple[int, str]]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            yield int(token.tag[1]), _plain(inline)


def _rows(tokens: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    row: list[str] = []
    for at, token in enumerate(tokens):
        if token.type in {"th_open", "td_open"}:
            row.append(_plain(tokens[at + 1]))
        elif token.type == "tr_close":
            yield tuple(row)
            row = []


def _items(tokens: Sequence[Any]) -> Iterator[str]:
    for at, token in enumerate(tokens):
        if token.type == "list_item_open" and tokens[at + 1].type == "paragraph_open":
            yield _plain(tokens[at + 2])


def _plain(inline: Any) -> str:
    """The words of a passage, a line's end as a blank."""
    breaks = {"softbreak": " ", "hardbreak": " "}
    return "".join(breaks.get(child.type, child.content) for child in inline.children or ()).strip()


def _pages(name: str, text: Text, markdown: str) -> Iterator[bool]:
    """Whether each sentence stands behind the mark of its page; of what has no pages, nothing."""
    if not name.endswith((".pdf", ".pptx")) or name.startswith("columns"):
        return
    marks = [*PAGE.finditer(markdown)]
    ends = [*(mark.start() for mark in marks[1:]), len(markdown)]
    shown = {int(mark[1]): _squeezed(markdown[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)}
    page = 0 if name.endswith(".pptx") else 1
    for block in text.blocks:
        page += isinstance(block, Heading if name.endswith(".pptx") else PageBreak)
        if isinstance(block, Paragraph):
            yield from (_squeezed(sentence) in shown.get(page, "") for sentence in block.sentences)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\-\\]+", "", text)


CORPORA = ("apollo", "blackwukong")


def print_corpora(folder: Path) -> None:
    """The sample corpora as PDF, with the header and footer of Chromium and lines below the rows of tables."""
    folder.mkdir(parents=True, exist_ok=True)
    style = "<style>table { border-collapse: collapse } td, th { border-bottom: 1px solid gray; padding: 4px }</style>"
    for name in CORPORA:
        source = (Path("corpora") / f"{name}.md").read_text("utf-8")
        body = MarkdownIt("commonmark").enable("table").render(source)
        page = (folder / f".{name}.html").resolve()
        page.write_text(f'<!DOCTYPE html><meta charset="utf-8">{style}{body}', "utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={folder.resolve()}/{name}.pdf"]
        assert CHROMIUM, "the corpora are printed by Chromium"
        subprocess.run([CHROMIUM, *options, page.as_uri()], check=True, capture_output=True)


def kept(folder: Path) -> Iterator[str]:
    """What each converter kept of the printed corpora: of headings with their level, rows, items and paragraphs, and
    what it has that the corpus has not."""
    yield "| converter | corpus | headings | table rows | items | paragraphs | others |"
    yield "|---|---|---|---|---|---|---|"
    for converter in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        for name in CORPORA:
            file = folder / converter / f"{name}.pdf.md"
            if not file.is_file():
                continue
            before = _parts((Path("corpora") / f"{name}.md").read_text("utf-8"))
            after = _parts(PAGE.sub("", file.read_text("utf-8")))
            shares = [f"{len(part & found)}/{len(part)}" for part, found in zip(before, after, strict=True)]
            others = sum(len(found - part) for part, found in zip(before, after, strict=True))
            yield f"| {converter} | {name} | {' | '.join(shares)} | {others} |"


def _parts(markdown: str) -> tuple[set[Any], set[Any], set[Any], set[Any]]:
    """Headings, rows, items and paragraphs, without blanks."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    paragraphs = {
        _squeezed(_plain(inline))
        for opening, inline in pairwise(tokens)
        if opening.type == "paragraph_open" and opening.level == 0
    }
    return (
        {(level, _squeezed(words)) for level, words in _headings(tokens)},
        {tuple(map(_squeezed, row)) for row in _rows(tokens)},
        {_squeezed(item) for item in _items(tokens)},
        paragraphs,
    )


def table(folder: Path) -> Iterator[str]:
    """The tables of all converters that have run: one of PDF, one of the others."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    for title, documents in (
        ("PDF", [name for name in names if name.endswith(".pdf")]),
        ("DOCX, PPTX, HTML, EPUB", [name for name in names if not name.endswith(".pdf")]),
    ):
        yield from ("", f"## {title}: {len(documents)} documents", "")
        yield "| converter | " + " | ".join(KINDS) + " | not converted | seconds |"
        yield "|---" * (len(KINDS) + 3) + "|"
        for converter in sorted(path.name for path in folder.iterdir() if path.is_dir()):
            yield _line(folder / converter, documents)
    yield from ("", f"Documents: {', '.join(names)}.")


def _line(converter: Path, documents: Sequence[str]) -> str:
    total = {kind: Score(0, 0) for kind in KINDS}
    missing, seconds = 0, 0.0
    for name in documents:
        file, took = converter / f"{name}.md", converter / f"{name}.seconds"
        missing += not file.is_file()
        seconds += float(took.read_text()) if took.is_file() else 0.0
        for kind, score in scores(name, file.read_text("utf-8") if file.is_file() else "").items():
            total[kind] += score
    if missing == len(documents):
        return f"| {converter.name} |" + " |" * len(KINDS) + " all | |"
    unwanted = {"false headings", "furniture"}
    cells = [str(total[kind].kept) if kind in unwanted else str(total[kind]) for kind in KINDS]
    return f"| {converter.name} | {' | '.join(cells)} | {missing or 'none'} | {seconds:.1f} |"


if __name__ == "__main__":
    place = Path(sys.argv[2])
    if sys.argv[1] in {"make", "print"}:
        {"make": make, "print": print_corpora}[sys.argv[1]](place)
    else:
        print("\n".join({"table": table, "kept": kept}[sys.argv[1]](place)))
