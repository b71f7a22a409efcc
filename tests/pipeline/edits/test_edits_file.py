"""edits.jsonl: of an id the last line that stands counts, and no line that was acknowledged is ever lost."""

from __future__ import annotations

import errno
import fcntl
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.edits.edits_file import Edit, append, history, read_edits, torn_lines
from wukong_pipe.errors import DataError, WorkspaceError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edits.jsonl"


IDS = st.sampled_from("abc")
EDITS = st.one_of(
    st.builds(Edit, id=IDS, ok=st.just(True), note=st.text(max_size=5).map(str.strip)),
    st.builds(Edit, id=IDS, drop=st.just(True)),
    st.builds(Edit, id=IDS, output=st.sampled_from("xyz")),
    st.builds(Edit, id=IDS, note=st.sampled_from("mn"), tags=st.lists(st.sampled_from("tu"), unique=True).map(tuple)),
    st.builds(Edit, id=IDS, undo=st.just(True)),
)


# --- reading ------------------------------------------------------------------------------------------------------


def test_where_there_is_no_file_there_are_no_decisions(path: Path) -> None:
    assert (read_edits(path), history(path), torn_lines(path)) == ([], [], [])


def test_blank_lines_are_passed_over_and_lines_keep_their_numbers(path: Path) -> None:
    path.write_text('\n{"id": "a", "drop": true}\n\n{"id": "b", "output": " x "}', "utf-8")
    assert read_edits(path) == [Edit(id="a", line=2, drop=True), Edit(id="b", line=4, output="x")]


def test_the_last_decision_on_an_id_counts_as_a_whole_and_undo_takes_back_one(path: Path) -> None:
    append(path, [Edit(id="a", output="x"), Edit(id="a", ok=True), Edit(id="a", drop=True), Edit(id="a", undo=True)])
    assert read_edits(path) == [Edit(id="a", line=2, ok=True)]
    assert [edit.line for edit in history(path)] == [1, 2, 3, 4]


def test_a_note_and_tags_are_added_to_what_stands_and_taken_back_by_themselves(path: Path) -> None:
    drop, note = Edit(id="a", drop=True, tags=("x",)), Edit(id="a", note="ask Li", tags=("y", "x"))
    append(path, [drop, note, Edit(id="a", note="ask Wu")])
    # The build names the line that decides.
    assert read_edits(path) == [Edit(id="a", line=1, drop=True, note="ask Wu", tags=("x", "y"))]
    append(path, [Edit(id="a", undo=True)])
    assert read_edits(path) == [Edit(id="a", line=1, drop=True, note="ask Li", tags=("x", "y"))]
    append(path, [Edit(id="a", undo=True)])
    assert read_edits(path) == [Edit(id="a", line=1, drop=True, tags=("x",))]
    append(path, [Edit(id="b", note="why?"), Edit(id="b", ok=True)])
    assert read_edits(path)[1] == Edit(id="b", line=7, ok=True), "a decision replaces the note before it"


@given(edits=st.lists(EDITS, max_size=12), kept=st.integers(0, 12))
def test_who_reads_again_with_what_was_known_finds_the_same_whatever_became_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, edits: list[Edit], kept: int
) -> None:
    path, known = tmp_path_factory.mktemp("run") / "edits.jsonl", dict[tuple[int, bytes], Edit]()
    append(path, edits)
    assert history(path, known) == history(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[kept:]))
    append(path, edits[:3])
    assert history(path, known) == history(path)
    assert read_edits(path, known) == read_edits(path)


@given(edits=st.lists(EDITS, max_size=12))
def test_what_is_in_force_is_what_a_stack_for_each_id_holds_on_top(
    tmp_path_factory: pytest.TempPathFactory, edits: list[Edit]
) -> None:
    path = tmp_path_factory.mktemp("run") / "edits.jsonl"
    stacks: dict[str, list[Edit]] = {"a": [], "b": [], "c": []}
    for edit in edits:
        append(path, [edit])
        stack = stacks[edit.id]
        if edit.undo:
            del stack[-1:]
        elif stack and not (edit.ok or edit.drop or edit.output):
            tags = (*stack[-1].tags, *(tag for tag in edit.tags if tag not in stack[-1].tags))
            stack.append(replace(stack[-1], note=edit.note, tags=tags))
        else:
            stack.append(edit)
    found = {edit.id: edit.to_json() for edit in read_edits(path)}
    assert found == {name: stack[-1].to_json() for name, stack in stacks.items() if stack}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"id": ', "line 2 is not valid JSON"),
        (b"12", "line 2 holds no JSON object"),
        (b'{"id": "\xff"}', "line 2 is not UTF-8"),
        (b'{"id": ' + b"[" * 70 + b"]" * 70 + b"}", "line 2 cannot be read (nested more than 64 levels deep)"),
        (b'{"drop": true}', "line 2 has no “id”"),
    ],
)
def test_a_whole_line_that_is_no_decision_is_told_with_file_and_cure(path: Path, line: bytes, told: str) -> None:
    path.write_bytes(b'{"id": "first", "drop": true}\n' + line + b"\n")
    with pytest.raises(DataError) as caught:
        read_edits(path)
    assert f"{path}, {told}" in str(caught.value)


# --- a writer that was stopped ------------------------------------------------------------------------------------

ADDED = Edit(id="new", drop=True)


@given(cut=st.integers(0, 200), first=st.booleans())
def test_whatever_part_of_a_line_was_written_no_reader_fails_and_no_whole_line_is_lost(
    tmp_path_factory: pytest.TempPathFactory, cut: int, first: bool
) -> None:
    path = tmp_path_factory.mktemp("run") / "edits.jsonl"
    if first:
        append(path, [Edit(id="第一", ok=True)])
    whole = path.read_bytes() if first else b""
    line = '{"id": "a", "ok": true, "output": "石敢当掉落。", "note": "a \\" b"}'.encode()
    path.write_bytes(whole + line[:cut])
    before = [edit.id for edit in read_edits(path)]
    assert before == (["第一"] if first else []) + (["a"] if cut >= len(line) else [])
    is_torn = 0 < cut < len(line)
    assert len(torn_lines(path)) == is_torn
    append(path, [ADDED])
    assert [edit.id for edit in read_edits(path)] == [*before, "new"]
    assert len(torn_lines(path)) == is_torn
    assert path.read_bytes().startswith(whole)


def test_what_a_stopped_writer_left_stays_readable_and_is_told(path: Path) -> None:
    path.write_bytes(b'{"id": "a", "ok": true}\n{"id": "b", "outp')
    append(path, [ADDED])
    assert json.loads(path.read_text("utf-8").splitlines()[1]) == {"torn": '{"id": "b", "outp'}
    (told,) = torn_lines(path)
    assert told.startswith(f"{path}, line 2 is no whole line and is passed over")
    assert '“{"id": "b", "outp”. Repair it, or remove it.' in told


# --- adding -------------------------------------------------------------------------------------------------------


def test_what_could_not_be_read_again_is_not_written(path: Path) -> None:
    append(path, [ADDED])
    before = path.read_bytes()
    with pytest.raises(DataError, match="must hold one decision"):
        append(path, [Edit(id="a", ok=True), Edit(id="b", drop=True, output="x")])
    with pytest.raises(DataError, match="“output” cannot be edited so"):
        append(path, [Edit(id="b", output="")])
    assert path.read_bytes() == before


def test_a_full_disk_is_told_and_the_file_stands_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b'{"id": "a", "ok": true}\n{"id": "b", "outp')
    before = path.read_bytes()

    monkeypatch.setattr("os.fsync", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(WorkspaceError, match=r"No space left on device\. Nothing was added"):
        append(path, [ADDED])
    assert path.read_bytes() == before


def test_a_file_that_an_editor_put_in_its_place_meanwhile_is_the_one_that_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(path, [Edit(id="a", ok=True)])
    saved = path.with_name("saved")
    saved.write_text('{"id": "by hand", "drop": true}\n', "utf-8")
    lock = fcntl.flock

    def replaced(file: IO[bytes], how: int) -> None:
        if saved.exists():
            saved.replace(path)
        lock(file, how)

    monkeypatch.setattr("fcntl.flock", replaced)
    append(path, [ADDED])
    assert [edit.id for edit in read_edits(path)] == ["by hand", "new"]


def _write_many(path: Path, name: str, told: Path) -> None:
    """Add decisions one by one, and note each that is acknowledged."""
    with told.open("ab", buffering=0) as notes:
        for number in range(100_000):
            # Lines of two pages, so that a kill may come within one.
            append(path, [Edit(id=f"{name}{number}", ok=True, note="石" * 3000)])
            notes.write(f"{name}{number}\n".encode())


@pytest.mark.parametrize("after", [0.05, 0.1, 0.2, 0.4])
def test_two_processes_add_at_once_and_are_killed_and_every_acknowledged_line_is_there(
    path: Path, after: float
) -> None:
    context = multiprocessing.get_context("fork")
    told = {name: path.with_name(f"told-{name}") for name in "xy"}
    writers = [context.Process(target=_write_many, args=(path, name, told[name])) for name in told]
    for writer in writers:
        writer.start()
    time.sleep(after)
    for writer in writers:
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    append(path, [ADDED])
    found = [edit.id for edit in read_edits(path)]
    for name, notes in told.items():
        lines = notes.read_text("ascii").split("\n")[:-1] if notes.exists() else []
        mine = [one for one in found if one.startswith(name)]
        # At most one more: written, and its writer killed before it could say so.
        assert mine[: len(lines)] == lines
        assert len(mine) - len(lines) <= 1
    assert found[-1] == "new"
    assert len(torn_lines(path)) <= 1


@given(turns=st.lists(st.sampled_from([0, 1]), max_size=10), torn=st.booleans())
def test_in_whatever_order_two_writers_take_turns_each_finds_its_own_lines_in_order(
    tmp_path_factory: pytest.TempPathFactory, turns: Sequence[int], torn: bool
) -> None:
    path = tmp_path_factory.mktemp("run") / "edits.jsonl"
    for at, writer in enumerate(turns):
        append(path, [Edit(id=f"{writer}-{at}", ok=True)])
        if torn:
            with path.open("ab") as file:
                file.write(b'{"id": "never acknow')
    found = [edit.id for edit in history(path)]
    assert found == [f"{writer}-{at}" for at, writer in enumerate(turns)]


@pytest.mark.parametrize(
    "line",
    [
        '{"id":"b","drop":True}',
        '{"id":"b","drop":true}{"id":"c","drop":true}',
        '\ufeff{"id":"b","drop":true}',
        "drop b",
    ],
)
def test_a_last_line_with_a_mistake_of_a_person_is_an_error(tmp_path: Path, line: str) -> None:
    path = tmp_path / "edits.jsonl"
    path.write_bytes(b'{"id": "a", "ok": true}\n' + line.encode())
    with pytest.raises(DataError, match=r"edits\.jsonl, line 2 is not valid JSON"):
        read_edits(path)
    append(path, [Edit(id="c", ok=True)])
    assert path.read_bytes().splitlines()[1] == line.encode()
