"""What a run knows of its sources: their places, whether they are the same, and the text of its sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.building import build_offline, files_in, rows_of, run_in
from wukong_pipe.corpus.run_sources import changed_sources, check_same_corpus, section_texts, source_texts
from wukong_pipe.corpus.sources import Source, read_sources
from wukong_pipe.errors import DataError, WorkspaceError
from wukong_pipe.files import write_json
from wukong_pipe.workspace import Run, Workspace

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


# --- the sources' places -------------------------------------------------------------------------------------------


def test_they_are_given_by_name_as_they_are_now_and_those_that_are_gone_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("# 甲\n\n正文。\n", "utf-8")
    run = Workspace(tmp_path / "runs").run("r")
    assert list(source_texts(run)) == []
    (tmp_path / "now_a_folder.md").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "now_a_folder.md" / name).write_text("正文。\n", "utf-8")
    places = {f"part/{name}": str(tmp_path / name) for name in ("here.md", "gone.md", "now_a_folder.md")}
    write_json(run.folder / "build.json", {"sources": places})
    assert list(source_texts(run)) == [("part/here.md", "# 甲\n\n正文。\n")]


def test_notes_that_are_no_json_are_an_error(tmp_path: Path) -> None:
    run = Workspace(tmp_path / "runs").run("r")
    run.folder.mkdir(parents=True)
    (run.folder / "build.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="is not valid JSON"):
        list(source_texts(run))


def written(folder: Path, name: str, text: str = "石甲的兵器是乙刀。") -> list[Source]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# 书\n\n{text}\n", "utf-8")
    return read_sources([path])


def test_an_edited_file_is_the_same_corpus_and_one_of_its_name_elsewhere_is_not(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    first = written(tmp_path, "book.md")
    check_same_corpus(run, first)
    build_offline(tmp_path, first)
    check_same_corpus(run, written(tmp_path, "book.md", "石丙的住处是丁山。"))
    with pytest.raises(WorkspaceError, match=rf"built from {tmp_path}/book\.md, and {tmp_path}/else/book\.md is not"):
        check_same_corpus(run, written(tmp_path, "else/book.md", "石戊的坐骑是己马。"))


def test_what_was_moved_unchanged_is_the_same_corpus_though_its_folder_is_not_the_same(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    build_offline(tmp_path, written(tmp_path, "book.md"))
    (tmp_path / "moved").mkdir()
    check_same_corpus(run, read_sources([(tmp_path / "book.md").rename(tmp_path / "moved" / "book.md")]))


def test_where_nothing_is_known_of_the_places_only_the_same_texts_are_the_same_corpus(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    build_offline(tmp_path, written(tmp_path, "book.md"))
    (run.folder / "build.json").unlink()
    check_same_corpus(run, written(tmp_path, "book.md"))
    with pytest.raises(WorkspaceError, match=r"“book” was built from book\.md, and .*--run NAME"):
        check_same_corpus(run, written(tmp_path, "book.md", "石丙的住处是丁山。"))


def test_the_dataset_does_not_depend_on_where_its_sources_stand(tmp_path: Path) -> None:
    for place in ("x", "y"):
        build_offline(tmp_path / place, written(tmp_path / place / place, "book.md"))
    assert files_in(run_in(tmp_path / "x").dataset) == files_in(run_in(tmp_path / "y").dataset)


def test_one_of_several_files_that_is_left_out_is_not_lost_unless_that_is_asked_for(tmp_path: Path) -> None:
    run = run_in(tmp_path)
    first, second = written(tmp_path, "book.md"), written(tmp_path, "b.md", "石丙的住处是丁山。")
    build_offline(tmp_path, [*second, *first])
    with pytest.raises(WorkspaceError, match=rf"built from {tmp_path}/b\.md, {tmp_path}/book\.md, and {tmp_path}/book"):
        check_same_corpus(run, first)
    check_same_corpus(run, [*second, *written(tmp_path, "book.md", "石戊的坐骑是己马。")])
    check_same_corpus(run, [*second, *first, *written(tmp_path, "c.md", "石庚的坐骑是辛马。")])
    assert changed_sources(run, first) == "no longer given b.md"
    (tmp_path / "b.md").unlink()
    assert changed_sources(run, first) == "gone b.md"


def test_the_files_of_a_folder_given_one_by_one_are_the_same_corpus(tmp_path: Path) -> None:
    first = [*written(tmp_path / "docs", "a.md"), *written(tmp_path / "docs", "b.md", "石丙的住处是丁山。")]
    build_offline(tmp_path, first)
    written(tmp_path / "docs", "a.md", "石戊的坐骑是己马。")
    check_same_corpus(run_in(tmp_path), read_sources([tmp_path / "docs"]))
    build_offline(tmp_path, read_sources([tmp_path / "docs"]))
    written(tmp_path / "docs", "a.md", "石庚的坐骑是辛马。")
    check_same_corpus(run_in(tmp_path), read_sources([tmp_path / "docs" / "a.md", tmp_path / "docs" / "b.md"]))


def test_of_many_changed_files_three_are_named_and_all_are_counted(tmp_path: Path) -> None:
    build_offline(tmp_path, written(tmp_path, "book.md"))
    many = [source for i in range(5) for source in written(tmp_path, f"{i}.md")]
    assert changed_sources(run_in(tmp_path), many) == "added 0.md, 1.md, 2.md and 2 more; no longer given book.md"
