"""A build from documents: a row's page is the one that its evidence stands on, and Markdown knows of none."""

from __future__ import annotations

import io
import re
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from tests.support.building import build_offline, rows_of, run_in
from tests.support.made_documents import as_html, write_pdf
from tests.support.made_texts import CHINESE, ENGLISH, Heading, Paragraph, Table, Text
from wukong_pipe.corpus.run_sources import section_texts, source_texts
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.files import read_json
from wukong_pipe.screens.section_contents import contents_of, matching, section_overviews
from wukong_pipe.screens.sections import show_section
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run

LONG = Text(
    "en",
    (
        Heading(1, "Bricks"),
        Paragraph(tuple(f"Brick number {n} was laid by the mason {n} shifts after the flood." for n in range(60))),
        Table((("Brick", "Mason"), *((f"Brick {n}", f"Mason {n}") for n in range(60)))),
    ),
    "The wall",
    "Page {}",
)


def built(folder: Path, *paths: Path) -> Run:
    sources = read_sources(paths, into=run_in(folder).converted)
    build_offline(folder, sources, BuildSettings(variants=1, holdout=0))
    return run_in(folder)


def words_by_page(path: Path) -> list[str]:
    """The words of each page of a PDF, without blanks, as another library reads them."""
    import pypdfium2

    pages = [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(path)]
    return [re.sub(r"\s", "", page) for page in pages]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, LONG], ids=["en", "zh", "long"])
def test_the_page_of_a_row_holds_its_evidence(tmp_path: Path, text: Text) -> None:
    write_pdf(tmp_path / "a.pdf", text)
    pages, rows = words_by_page(tmp_path / "a.pdf"), rows_of(built(tmp_path, tmp_path / "a.pdf"))
    assert len({tuple(row["pages"]) for row in rows}) > 1
    for row in rows:
        assert row["source"] == "a.pdf"
        assert row["pages"]
        assert all(second == first + 1 for first, second in pairwise(row["pages"]))
        shown = "".join(pages[number - 1] for number in row["pages"])
        for evidence in row["evidence"]:
            words = re.sub(r"<!-- page \d+ -->|^[-#>]+ |```", "", evidence)
            assert all(re.sub(r"\s", "", part) in shown for part in re.split(r"\||(?<=\w)(?=\s)", words))


def test_in_a_dataset_with_a_pdf_every_row_has_pages_and_without_one_none_has(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# B\n\nThe dome is a roof of glass. The ring is a band of gold.\n")
    (tmp_path / "c.html").write_text(as_html(CHINESE), "utf-8")
    assert all("pages" not in row for row in rows_of(built(tmp_path, tmp_path / "b.md", tmp_path / "c.html")))
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    rows = rows_of(built(tmp_path, *(tmp_path / name for name in ("a.pdf", "b.md", "c.html"))))
    assert {row["source"]: bool(row["pages"]) for row in rows} == {"a.pdf": True, "b.md": False, "c.html": False}


def test_the_bytes_of_a_dataset_are_the_same_when_it_is_built_again(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", CHINESE)
    first = {path.name: path.read_bytes() for path in built(tmp_path, tmp_path / "a.pdf").dataset.iterdir()}
    assert {path.name: path.read_bytes() for path in built(tmp_path, tmp_path / "a.pdf").dataset.iterdir()} == first


def test_a_run_finds_the_text_of_its_documents_again(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", CHINESE)
    run = built(tmp_path, tmp_path / "a.pdf")
    ((name, text),) = source_texts(run)
    assert (name, text) == ("a.pdf", (run.converted / "a.pdf.md").read_text("utf-8"))
    texts = section_texts(run)
    assert all(row["section_id"] in texts for row in rows_of(run))
    (source,) = read_json(run.manifest)["sources"]
    assert source["converter"].startswith("pdfplumber ")


def test_a_pdf_that_comes_to_markdown_is_no_change_of_its_rows(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# B\n\nThe dome is a roof of glass. The ring is a band of gold.\n")
    built(tmp_path, tmp_path / "b.md")
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    sources = read_sources([tmp_path / "a.pdf", tmp_path / "b.md"], into=run_in(tmp_path).converted)
    done, _ = build_offline(tmp_path, sources, BuildSettings(variants=1, holdout=0))
    assert done.changed == []


def test_a_section_of_a_pdf_is_shown_with_its_pages(tmp_path: Path) -> None:
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    run = built(tmp_path, tmp_path / "a.pdf")
    (overview,) = matching(section_overviews(run), "Maintenance")
    contents = contents_of(run, overview, None, "utf-8")
    assert contents.problem == ""
    console = Console(width=200, record=True, file=io.StringIO())
    show_section(contents, console)
    assert ", page 3  " in console.export_text()
