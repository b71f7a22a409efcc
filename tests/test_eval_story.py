"""`eval` through the command line: what it adds to the scores, what it refuses, and what a second run costs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider import Response, completion, provider
from tests.trainer.conftest import SMALL, SYSTEM, pairs
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_student

pytestmark = pytest.mark.slow

EVAL = ["eval", "--max-new-tokens", "4", "--limit", "12"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A workspace with a run that is built, trained and evaluated."""
    silence_libraries()
    home = tmp_path_factory.mktemp("home")
    student = make_student(home / "model", ["Apollo 11 landed.", "猴子"], pairs(), SYSTEM, size=SMALL)
    shutil.copy(request.config.rootpath / "corpora" / "apollo.md", home)
    runs = ["--runs-dir", str(home / "runs")]
    size = ["--limit", "6", "--max-pairs", "4", "--variants", "6"]
    assert main(["build", str(home / "apollo.md"), "--teacher", "offline", *size, *runs]) == 0
    assert main(["train", "--model", str(student), "--recipe", "tiny", "--epochs", "0.2", *runs]) == 0
    assert main([*EVAL, "--general", "4", "--open-book", *runs]) == 0
    return home


@pytest.fixture
def home(made: Path, empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A copy of it, in which the test stands."""
    shutil.copytree(made / "runs", empty_home / "runs")
    capsys.readouterr()
    return empty_home


def judge(request: dict[str, Any]) -> Response:
    shown = request["messages"][1]["content"]
    is_odd = len(shown) % 2 == 1
    if "<answer_A>" in shown:
        return completion(json.dumps({"better": "A" if is_odd else "tie", "reason": "x"}))
    return completion(json.dumps({"reason": "x", "grade": "right" if is_odd else "partly"}))


def test_the_terminal_shows_forgetting_inventions_and_the_bound(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EVAL, "--general", "4", "--open-book"]) == 0
    shown = capsys.readouterr()
    told = (
        "A sample: 12 of ",
        "a verdict needs 8",
        "Forgetting: ",
        "Inventions: ",
        "Open book, wording: ",
        "Next: wukong-pipe report",
    )
    for words in told:
        assert words in shown.out
    metrics = read_json(home / "runs" / "apollo" / "eval" / "metrics.json")
    assert metrics["forgetting"]["n"] == 4
    assert metrics["open_book"]["missing"] == metrics["hallucination"]["missing"] == 0
    assert metrics["hallucination"]["n"] == 12
    assert main(["runs"]) == 0
    assert f"(sample: 12 of {metrics['sample']['of']})" in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("home")
def test_the_judge_costs_nothing_the_second_time(capsys: pytest.CaptureFixture[str]) -> None:
    with provider(judge) as server:
        command = [*EVAL, "--judge", "--base-url", server.base_url, "--teacher-model", "m", "--general", "0"]
        assert main(command) == 0
        assert len(server.requests) >= 12
        asked = len(server.requests)
        capsys.readouterr()
        assert main(["eval", "--json", *command[1:]]) == 0
        assert len(server.requests) == asked
    metrics = json.loads(capsys.readouterr().out)
    assert metrics["judge"]["n"] == 12
    assert metrics["judge"]["unjudged"] == 0
    assert metrics["grades"]["judge"] == "m"
    assert (metrics["grades"]["n"], metrics["grades"]["ungraded"]) == (12, 0)
    assert main(["journal"]) == 0
    shown = capsys.readouterr().out
    assert "eval_judge" in shown
    assert "eval_grade" in shown


def test_at_the_judges_ceiling_it_exits_with_3_and_the_scores_are_there(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "runs" / "apollo" / "eval" / "metrics.json").unlink()
    with provider(judge) as server:
        command = [*EVAL, "--judge", "--base-url", server.base_url, "--teacher-model", "m", "--max-calls", "3"]
        assert main([*command, "--general", "0"]) == 3
        assert len(server.requests) == 3
    assert "--max-calls" in capsys.readouterr().err
    assert "judge" not in read_json(home / "runs" / "apollo" / "eval" / "metrics.json")


def test_a_judge_without_a_key_is_refused_before_a_model_is_asked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = home / "runs" / "apollo" / "eval" / "answers.partial.jsonl"
    kept.unlink()
    assert main([*EVAL, "--judge"]) == 1
    assert "needs a key" in capsys.readouterr().err
    assert not kept.exists()


@pytest.mark.usefixtures("home")
def test_a_score_under_the_bar_exits_with_4_and_is_printed_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EVAL, "--general", "0", "--fail-under", "0"]) == 0
    capsys.readouterr()
    assert main([*EVAL, "--general", "0", "--fail-under", "1", "--json"]) == 4
    shown = capsys.readouterr()
    metrics = json.loads(shown.out)
    assert metrics["primary"]["tuned"] < 1
    (line,) = [line for line in shown.err.splitlines() if line.startswith("Error:")]
    assert f"answers {metrics['primary']['tuned']:.3f} of {metrics['primary']['n']}" in line
    assert "--fail-under asks for 1" in line


def test_the_history_lists_every_evaluation_and_asks_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*EVAL, "--general", "0"]) == 0
    capsys.readouterr()
    shutil.rmtree(home / "runs" / "apollo" / "adapter")
    assert main(["eval", "--history", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert entries == read_jsonl(home / "runs" / "apollo" / "eval" / "history.jsonl")
    assert len(entries) == 2
    assert main(["eval", "--history"]) == 0
    assert capsys.readouterr().out.count(entries[0]["adapter_hash"][:8]) == 2


def test_without_its_sources_the_bound_is_refused_and_the_scores_are_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "runs" / "apollo" / "build.json").unlink()
    assert main([*EVAL, "--general", "0", "--open-book"]) == 1
    assert "--open-book needs the sources of the run “apollo”" in capsys.readouterr().err
    assert main([*EVAL, "--general", "0"]) == 0
    assert "Inventions" not in capsys.readouterr().out


def test_another_run_is_compared_and_an_unknown_one_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(home / "runs" / "apollo", home / "runs" / "twin")
    assert main([*EVAL, "--general", "0", "--run", "apollo", "--against", "twin", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["against"]["models"]
    assert (model["name"], model["n"], model["leakage"]) == ("twin", 12, "none")
    assert all(block["difference"] == 0 for block in model["levels"].values())
    assert main([*EVAL, "--general", "0", "--against", "nobody"]) == 1
    assert "--against nobody: there is no such run" in capsys.readouterr().err
    assert main([*EVAL, "--general", "0", "--run", "apollo", "--against", "twin"]) == 0
    assert "Compared with apollo" in capsys.readouterr().out


def test_progress_tells_rate_and_time_left_and_counts_no_answer_that_was_known() -> None:
    from wukong_pipe.commands.evaluate import paced

    told: list[tuple[str, int, int, str]] = []
    tell = paced(lambda *step: told.append(step))
    tell("tuned answers", 90, 100)
    tell("tuned answers", 95, 100)
    tell("tuned answers", 100, 100)
    assert told[0][3] == ""
    assert told[1][3].endswith("s left")
    assert told[2][3].endswith("/s")
