"""`wukong_pipe.build` is the command from Python: same bytes, a record for a result, no word unless it is asked for."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import wukong_pipe
from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, provider
from wukong_pipe import errors
from wukong_pipe.cli.main import main
from wukong_pipe.commands.build_options import BuildOptions
from wukong_pipe.errors import CorpusError, OptionError, TeacherError, WorkspaceError
from wukong_pipe.files import read_json

BOOK = """# Smiths of Dell

## Tools

| tool | maker | weight |
|---|---|---|
| hammer | Anna | 3 kg |
| tongs | Boris | 1 kg |

The forge stands beside the river Esk. The bellows are made of oak and leather.
"""


@pytest.fixture(autouse=True)
def book(empty_home: Path) -> Path:
    """A document in the folder in which the test stands."""
    path = empty_home / "book.md"
    path.write_text(BOOK, "utf-8")
    return path


def build_book(**options: object) -> wukong_pipe.BuildResult:
    given = {"teacher": "offline", "variants": 4, "holdout": 0.0} | options
    return wukong_pipe.build("book.md", **given)  # type: ignore[arg-type]


def test_it_writes_what_the_command_writes(empty_home: Path) -> None:
    built = build_book()
    words = ["build", "book.md", "--teacher", "offline", "--variants", "4", "--holdout", "0", "--runs-dir", "typed"]
    assert main(words) == 0
    assert files_in(built.run.dataset) == files_in(empty_home / "typed" / "book" / "dataset")


def test_the_result_tells_rows_rejects_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    built = build_book()
    assert capsys.readouterr() == ("", "")
    assert built.run == wukong_pipe.Run(Path("runs/book"))
    assert built.splits == {"train": len(built.rows), "validation": 0, "test": 0}
    assert built.rejected.total() == len(built.rejects)
    assert (built.cost, built.invocation.calls_made > 0, built.shortfall.enough) == (None, True, True)
    assert f"rows      {len(built.rows)} train" in str(built)
    assert "Dataset: runs/book/dataset" in repr(built)


def test_a_paid_teacher_is_paid_once_and_the_cost_is_the_bill() -> None:
    with provider(GoodTeacher()) as server:
        paid = {
            "teacher": "openai",
            "base_url": server.base_url,
            "teacher_model": "m",
            "price_in": 0.4,
            "price_out": 1.6,
        }
        first, second = build_book(**paid), build_book(**paid)
    assert first.cost
    assert (second.cost, second.invocation.calls_made) == (Decimal(0), 0)
    assert read_json(second.run.folder / "build.json")["cost"] == "0"
    assert [row.id for row in first.rows] == [row.id for row in second.rows]


def test_with_a_limit_the_rest_has_its_price() -> None:
    assert build_book().rest is None
    rest = build_book(limit=1, run="part").rest
    assert rest
    assert rest.sections == 0


def test_what_is_told_is_kept_and_printed_where_that_is_wanted(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book.with_suffix(".rtf").write_text("not read", "utf-8")
    steps: list[tuple[str, int, int]] = []
    quiet = wukong_pipe.build(
        ".", teacher="offline", run="quiet", progress=lambda step, done, total, note: steps.append((step, done, total))
    )
    assert steps[-1][1] == steps[-1][2]
    assert any("book.rtf" in note for note in quiet.notes)
    assert capsys.readouterr().out == ""
    loud = wukong_pipe.build(".", teacher="offline", run="loud", verbose=True)
    printed = capsys.readouterr().out
    assert all(note in printed for note in loud.notes)
    assert "\x1b" not in printed


def test_it_runs_inside_a_running_event_loop_as_in_a_notebook_and_leaves_that_as_it_was() -> None:
    async def cell() -> wukong_pipe.BuildResult:
        with provider(GoodTeacher()) as server:
            built = build_book(teacher="openai", base_url=server.base_url, teacher_model="m")
        await asyncio.sleep(0)
        return built

    assert asyncio.run(cell()).rows


def test_the_interrupt_of_a_cell_keeps_what_is_in_flight() -> None:
    class Interrupted:
        """A good teacher; while it answers for the first time, the user presses the notebook's stop button."""

        def __init__(self) -> None:
            self.answer, self.is_first = GoodTeacher(), True

        def __call__(self, request: dict[str, Any]) -> Response:
            if self.is_first:
                self.is_first = False
                os.kill(os.getpid(), signal.SIGINT)
            return self.answer(request)

    handler = signal.getsignal(signal.SIGINT)
    with provider(Interrupted()) as server:
        paid = {"teacher": "openai", "base_url": server.base_url, "teacher_model": "m"}

        async def cell() -> wukong_pipe.BuildResult:
            return build_book(**paid)

        with pytest.raises(errors.Interrupted):
            asyncio.run(cell())
        asked = len(server.requests)
        built = asyncio.run(cell())
    assert asked >= 1
    assert built.invocation.calls_from_journal >= asked
    sent = [json.dumps(request) for request in server.requests]
    assert len({*sent}) == len(sent) == asked + built.invocation.calls_made
    assert signal.getsignal(signal.SIGINT) == handler


def test_it_runs_in_a_thread_beside_a_program_that_goes_on() -> None:
    async def program() -> wukong_pipe.BuildResult:
        return await asyncio.to_thread(build_book)

    assert asyncio.run(program()).rows


def test_what_is_wrong_is_an_exception_of_ours_and_leaves_no_run(book: Path) -> None:
    wrong: list[tuple[type[wukong_pipe.WukongError], dict[str, object]]] = [
        (OptionError, {"variants": 1000}),
        (OptionError, {"verify": "all"}),
        (OptionError, {"prompts": "no-such-folder"}),
        (TeacherError, {"teacher": "openai"}),
        (WorkspaceError, {"run": "../elsewhere"}),
    ]
    for error, options in wrong:
        with pytest.raises(error):
            build_book(**options)
    book.unlink()
    with pytest.raises(CorpusError):
        build_book()
    assert not Path("runs").exists()


def test_its_signature_and_help_are_those_of_the_options() -> None:
    shown, record = inspect.signature(wukong_pipe.build), inspect.signature(BuildOptions)
    assert shown.parameters == record.parameters
    assert shown.return_annotation == "BuildResult"
    assert (wukong_pipe.build.__doc__ or "").startswith("Ask a teacher about documents")
