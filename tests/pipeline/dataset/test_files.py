"""The dataset on disk: every row with every key, nothing of the user's overwritten, the same bytes again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.building import ROW_KEYS, files_in, rows_of, run_in
from tests.support.rows import family, pair, row, section
from wukong_pipe.dataset.files import check_untouched, write_dataset
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import read_json, read_jsonl, sha256_of, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject, Row
from wukong_pipe.workspace import Run

MANIFEST: dict[str, Any] = {
    "sources": [{"name": "a.md", "hash": "x", "characters": 3}],
    "teacher": {"model": "offline@1", "language_model": False},
    "coverage": {"overall": 0.5, "by_section": []},
    "audit": {"dropped": 1, "highest_similarity": 0.25},
}
ROWS = [
    *family(pair("出云棍是什么？"), ["说说出云棍？"]),
    replace(row("木棍是什么？"), split="validation"),
    replace(row("土地庙是什么？"), split="test", level="wording"),
]
odd = st.text(max_size=30) | st.sampled_from(["\u2028", "a\x85b", "\r\n", '"\\', "\x00", "🐒", "\ufeff", "</script>"])


def written(folder: Path, rows: list[Row] | None = None, rejects: list[Reject] | None = None) -> Path:
    write_dataset(run_in(folder), ROWS if rows is None else rows, rejects or [], dict(MANIFEST))
    return run_in(folder).dataset


def test_every_row_has_every_key_with_its_type_and_no_null(tmp_path: Path) -> None:
    written(tmp_path)
    rows = rows_of(run_in(tmp_path))
    assert len(rows) == 4
    for one in rows:
        assert list(one) == list(ROW_KEYS)
        assert [type(value) for value in one.values()] == list(ROW_KEYS.values())
        assert all(type(line) is int for line in one["lines"])
        assert len(one["lines"]) == 2
        assert one["heading_path"]


def test_rows_stand_in_the_file_of_their_split_and_a_split_without_rows_has_none(tmp_path: Path) -> None:
    folder = written(tmp_path)
    for split, name in (("train", "train.jsonl"), ("validation", "val.jsonl"), ("test", "test.jsonl")):
        assert {one["split"] for one in read_jsonl(folder / name)} == {split}
    written(tmp_path, ROWS[:2])
    assert not (folder / "test.jsonl").exists()
    assert "path: test.jsonl" not in (folder / "README.md").read_text("utf-8")


@given(st.lists(st.tuples(odd, odd), max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_characters_come_back_as_they_went(tmp_path: Path, texts: list[tuple[str, str]]) -> None:
    rows = [row(question, answer) for question, answer in texts]
    written(tmp_path, rows)
    assert rows_of(run_in(tmp_path)) == [one.to_json() for one in rows]


@pytest.mark.parametrize(("now", "kept"), [(ROWS, True), (ROWS[:2], False)])
def test_an_evaluation_stands_as_long_as_the_rows_it_is_about(tmp_path: Path, now: list[Row], kept: bool) -> None:
    written(tmp_path)
    run = run_in(tmp_path)
    write_text(run.metrics, "{}")
    written(tmp_path, now)
    assert run.metrics.is_file() is kept


def test_a_manifest_with_a_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    written(tmp_path)
    run = run_in(tmp_path)
    write_text(run.manifest, run.manifest.read_text("utf-8").replace('"a.md"', '"\\ud800"', 1))
    written(tmp_path)
    assert read_json(run.manifest)["sources"][0]["name"] == "a.md"


def test_a_reject_with_a_lone_surrogate_is_written_all_the_same(tmp_path: Path) -> None:
    reject = Reject("base_qa", Reason.of("no-question"), section("节"), {"question": ["\ud83d"]}, "raw \ud83d", "call")
    folder = written(tmp_path, rejects=[reject])
    (one,) = read_jsonl(folder / "rejected.jsonl")
    assert one["candidate"] == {"question": ["\\ud83d"]}
    assert (one["stage"], one["reason"], one["reply"]) == (
        "base_qa",
        "not a question: it does not end in a question mark",
        "raw \\ud83d",
    )
    assert (one["lines"], one["heading_path"]) == ([1, 2], ["书", "节"])


def test_the_manifest_holds_the_hash_of_every_other_file(tmp_path: Path) -> None:
    folder = written(tmp_path)
    manifest = read_json(folder / "manifest.json")
    names = {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert manifest["files"] == {name: sha256_of(folder / name) for name in names}
    assert manifest["splits"] == {"train": 2, "validation": 1, "test": 1}
    assert manifest["levels"] == {"wording": 1}


def test_the_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    first = files_in(written(tmp_path / "one"))
    assert files_in(written(tmp_path / "two")) == first
    assert files_in(written(tmp_path / "one")) == first


def test_the_card_carries_the_hash_of_the_data(tmp_path: Path) -> None:
    def version() -> str:
        found = re.search(r"description: (\w+)", (run_in(tmp_path).dataset / "README.md").read_text())
        assert found
        return found[1]

    written(tmp_path)
    first = version()
    written(tmp_path, [*ROWS[:3], replace(ROWS[3], output="另")])
    assert version() != first


def test_the_card_of_a_run_with_an_odd_name_is_still_yaml(tmp_path: Path) -> None:
    run = Run(tmp_path / 'a "b": c')
    write_dataset(run, ROWS, [], dict(MANIFEST))
    card = (run.dataset / "README.md").read_text("utf-8")
    (line,) = [line for line in card.split("\n") if line.startswith("pretty_name: ")]
    assert json.loads(line.removeprefix("pretty_name: ")) == run.name


@pytest.mark.parametrize("name", ["train.jsonl", "rejected.jsonl", "README.md"])
def test_a_file_edited_by_hand_is_refused_and_named(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path)
    check_untouched(run_in(tmp_path))
    (folder / name).write_text((folder / name).read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(WorkspaceError, match=rf"{name} was edited since it was built.*--overwrite"):
        check_untouched(run_in(tmp_path))


def test_a_file_that_was_deleted_is_no_work_to_lose(tmp_path: Path) -> None:
    folder = written(tmp_path)
    (folder / "train.jsonl").unlink()
    check_untouched(run_in(tmp_path))
