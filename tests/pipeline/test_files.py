"""Files are written as JSON has it, piece by piece; a line that was added is on the disk, whole and once, whoever else
writes and whatever stood there."""

from __future__ import annotations

import json
import multiprocessing
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import append_lines, json_pieces, read_jsonl
from wukong_pipe.spilled import Spilled

PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PARTS)
def test_the_pieces_of_a_value_are_its_json(value: Any) -> None:
    assert "".join(json_pieces(value)) == json.dumps(value, ensure_ascii=False, indent=2)


def test_a_list_on_disk_is_written_as_a_list(tmp_path: Path) -> None:
    entries = [{"section": "石甲", "lines": [3, 4]}, {}]
    value = {"quota": Spilled(tmp_path, records=entries), "none": Spilled(tmp_path)}
    assert "".join(json_pieces(value)) == json.dumps({"quota": entries, "none": []}, ensure_ascii=False, indent=2)


@pytest.mark.parametrize("value", [{1: 2}, {"of bytes": b"2"}, [{3}]])
def test_what_json_has_not_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        "".join(json_pieces(value))


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (b"", []),
        (b'{"n": 1}\n', [{"n": 1}]),
        (b'{"n": 1}', [{"n": 1}]),
        (b'{"n": 1}\n{"text": "\xe6\x9c', [{"n": 1}, {"torn": '{"text": "\ufffd'}]),
        (b'{"n": 1}\n \t', [{"n": 1}]),
    ],
    ids=["empty", "whole", "without a line end", "torn", "blank"],
)
def test_a_line_is_added_behind_whatever_stood_there(tmp_path: Path, before: bytes, kept: list[dict[str, Any]]) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(before)
    append_lines(path, [{"text": "石甲"}])
    assert read_jsonl(path) == [*kept, {"text": "石甲"}]


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path: Path) -> None:
    append_lines(tmp_path / "lines.jsonl", [{"text": "\ud800石"}])
    assert read_jsonl(tmp_path / "lines.jsonl") == [{"text": "\ud800石"}]


def _add_many(path: Path, writer: int) -> None:
    for number in range(50):
        append_lines(path, [{"writer": writer, "number": number, "text": "x" * 9000}])


def test_lines_of_many_writers_at_once_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines.jsonl"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_add_many, args=(path, writer)) for writer in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    rows = read_jsonl(path)
    for writer in range(3):
        assert [row["number"] for row in rows if row["writer"] == writer] == [*range(50)]


def _add_to_a_full_disk(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, resource.RLIM_INFINITY))
    with pytest.raises(WorkspaceError, match=r"lines\.jsonl cannot be written: File too large"):
        append_lines(path, [{"n": 2}])


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    append_lines(path, [{"n": 1}])
    before = path.read_bytes()
    process = multiprocessing.get_context("spawn").Process(target=_add_to_a_full_disk, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "lines.jsonl").mkdir()
    with pytest.raises(WorkspaceError, match=r"lines\.jsonl cannot be written"):
        append_lines(tmp_path / "lines.jsonl", [{}])
