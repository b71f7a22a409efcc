"""A journal that has lost its calls is not taken for a new one: nothing is bought again without a word."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, provider
from wukong_pipe.cli.main import main
from wukong_pipe.commands.judging import judging
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.journal.copies import copies_of
from wukong_pipe.journal.store import Journal
from wukong_pipe.workspace import Workspace

BOOK = "# T\n\nThe Kelmar weighs 417 kilograms. The Sorvan weighs 318 kilograms.\n"
JOURNAL = Path("runs/journal.sqlite")


@pytest.fixture(autouse=True)
def _stands_in_an_empty_folder(empty_home: Path) -> None:
    (empty_home / "k.md").write_text(BOOK)


def build(server: Provider, *more: str, path: str = "k.md") -> int:
    return main(["build", path, "--base-url", server.base_url, "--teacher-model", "m", "--variants", "1", *more])


def said_by(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def forget_copies() -> None:
    """As in a workspace of an earlier version, which made none."""
    for copy in copies_of(JOURNAL):
        copy.unlink(missing_ok=True)


def emptied() -> None:
    JOURNAL.write_bytes(b"")


def deleted() -> None:
    JOURNAL.unlink()


def emptied_and_looked_at() -> None:
    emptied()
    assert main(["journal"]) == 0


def made_anew() -> None:
    JOURNAL.unlink()
    with Journal(JOURNAL):
        pass


@pytest.mark.parametrize("lose", [emptied, emptied_and_looked_at, made_anew])
@pytest.mark.parametrize("more", [(), ("--run", "another")])
def test_an_emptied_journal_beside_a_dataset_is_asked_about(
    lose: Callable[[], None], more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        asked, calls = len(server.requests), JOURNAL.read_bytes()
        before = files_in(Path("runs/k"))
        forget_copies()
        lose()
        capsys.readouterr()
        assert build(server, *more) == 1
        assert capsys.readouterr().err == (
            f"Error: runs/journal.sqlite holds no call, though runs/k/dataset was made from {asked}: put the "
            "journal back from a copy, or delete it to pay for them again.\n"
        )
        assert len(server.requests) == asked
        assert files_in(Path("runs/k")) == before
        JOURNAL.write_bytes(calls)
        assert build(server) == 0
        assert len(server.requests) == asked


@pytest.mark.parametrize("lose", [deleted, emptied, emptied_and_looked_at, made_anew])
def test_nothing_is_bought_while_a_copy_holds_what_the_journal_lost(
    lose: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        asked = len(server.requests)
        lose()
        capsys.readouterr()
        assert build(server) == build(server, "--run", "another") == 1
        assert said_by(capsys).startswith(
            "Error: runs/journal.sqlite.copy-1 holds calls that runs/journal.sqlite lacks: `wukong-pipe journal "
            "--recover` puts them back, or delete the copies to pay for them again."
        )
        assert main(["journal", "--recover"]) == 0
        assert build(server) == 0
        assert len(server.requests) == asked


def test_calls_of_a_journal_made_anew_and_of_the_copies_are_united() -> None:
    Path("n.md").write_text("# N\n\nThe Toldan weighs 219 kilograms.\n")
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        Path("copies").mkdir()
        for copy in copies_of(JOURNAL):
            if copy.exists():
                copy.rename(Path("copies") / copy.name)
        JOURNAL.unlink()
        assert build(server, path="n.md") == 0
        forget_copies()
        for copy in Path("copies").iterdir():
            copy.rename(Path("runs") / copy.name)
        asked = len(server.requests)
        assert main(["journal", "--recover"]) == 0
        assert build(server) == build(server, path="n.md") == 0
        assert len(server.requests) == asked


def test_of_a_deleted_journal_the_user_is_told_what_is_paid_again(capsys: pytest.CaptureFixture[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        asked = len(server.requests)
        forget_copies()
        JOURNAL.unlink()
        capsys.readouterr()
        assert build(server) == 0
        assert len(server.requests) == 2 * asked
    assert (
        f"There is no runs/journal.sqlite, which held the {asked} calls that runs/k/dataset was made from: when it is "
        "built again, they are paid for again."
    ) in said_by(capsys)


def test_of_a_journal_made_anew_by_another_build_the_user_is_told_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("n.md").write_text("# N\n\nThe Toldan weighs 219 kilograms.\n")
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        forget_copies()
        JOURNAL.unlink()
        assert build(server, path="n.md") == 0
        assert "lacks" not in said_by(capsys)
        assert build(server) == 0
        assert re.search(
            r"runs/journal\.sqlite lacks [1-9]\d* of the calls that runs/k/dataset was made", said_by(capsys)
        )
        for again in ((), ("--run", "twin"), ("--run", "twin")):
            assert build(server, *again) == 0
            assert "lacks" not in said_by(capsys)


def test_the_judge_says_what_a_deleted_journal_held() -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        forget_copies()
        JOURNAL.unlink()
        workspace, said = Workspace(Path("runs")), list[str]()
        choice = TeacherChoice("openai", "m", server.base_url)
        with judging(workspace, workspace.run("k"), choice, lambda *_: None, said.append):
            pass
    (line,) = said
    assert line.startswith("There is no runs/journal.sqlite, which held the ")


def test_the_embedded_teacher_builds_beside_an_emptied_journal_for_it_buys_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server) == 0
        emptied()
        capsys.readouterr()
        assert main(["build", "k.md", "--teacher", "offline", "--variants", "1", "--run", "offline"]) == 0
        assert "journal.sqlite" not in said_by(capsys)
        forget_copies()
        assert build(server) == 0
        assert "runs/journal.sqlite lacks" in said_by(capsys)


def test_datasets_of_the_embedded_teacher_cost_nothing_and_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["build", "k.md", "--teacher", "offline", "--variants", "1"]
    assert main(command) == 0
    emptied()
    capsys.readouterr()
    assert main(command) == 0
    assert "journal.sqlite" not in capsys.readouterr().err
