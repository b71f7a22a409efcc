from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import build_offline, rows_of, run_in
from wukong_pipe.corpus.of_run import section_texts
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.workspace import Run

BOOK = "# 书\n\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n\n## 二\n\n石戊的坐骑是己马。\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.md"
    path.write_text(BOOK, "utf-8")
    build_offline(tmp_path, read_sources([path]))
    return path


def test_a_row_leads_to_its_sections_headings_and_text(book: Path) -> None:
    run = run_in(book.parent)
    texts = section_texts(run)
    assert {row["heading_path"][-1]: texts[row["section_id"]] for row in rows_of(run)} == {
        "一": "书 › 一\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。",
        "二": "书 › 二\n## 二\n\n石戊的坐骑是己马。",
    }


def test_an_edited_section_has_no_source_any_more_and_the_others_have(book: Path) -> None:
    book.write_text(BOOK.replace("己马", "庚牛"), "utf-8")
    run = run_in(book.parent)
    texts = section_texts(run)
    has_source = {row["heading_path"][-1]: row["section_id"] in texts for row in rows_of(run)}
    assert has_source == {"一": True, "二": False}


def test_without_its_sources_or_its_notes_a_run_has_none(book: Path, tmp_path: Path) -> None:
    book.unlink()
    assert section_texts(run_in(tmp_path)) == {}
    assert section_texts(Run(tmp_path / "runs" / "never")) == {}
