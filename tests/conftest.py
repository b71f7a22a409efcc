"""What several tests stand on: the sample corpora, and an environment that says nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.support.environment import settle
from tests.support.once import made_once

settle()
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell gives its background jobs no SIGINT, and they would pass that on to the builds that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does. The same examples each time: a test that turns red
# does so by a change. `make test-properties` draws others.
hypothesis.settings.register_profile("repeated", deadline=None, derandomize=True)
hypothesis.settings.register_profile("drawn", deadline=None, max_examples=2_000, print_blob=True)
hypothesis.settings.load_profile("repeated")

if TYPE_CHECKING:
    from wukong_pipe.workspace import Run
    from wukong_trainer.recipe import Precision

CORPORA = Path(__file__).resolve().parent.parent / "corpora"

SLOW_FIXTURES = {"student", "tuned_run", "tuned_run_in", "tuned", "ran", "browser", "aftermath"}
"""What trains a student, runs the README, kills a build or starts a browser; tests that stand on these are slow."""

MAY_SKIP = {
    "tests/trainer/training/test_gpu_qlora.py": "a machine with a GPU runs the benchmark itself",
    "tests/trainer/inference/test_vllm_engine.py": "vLLM is of another environment: WUKONG_VLLM names it",
    "tests/trainer/training/test_mlflow.py": "the tracker need not be installed",
}
"""The files that may skip a test under `--no-skips`, and why; anything else that skips fails the run."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what stands on a slow fixture, before `-m` chooses; the README's commands, the longest chain of all,
    begin first."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: "ran" not in getattr(item, "fixturenames", ()))


class NoSkips:
    """What skipped though nobody allowed it, gathered over all workers; it fails the run."""

    def __init__(self) -> None:
        self._skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and report.nodeid.partition("::")[0] not in MAY_SKIP:
            self._skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for name in self._skipped:
            terminalreporter.write_line(f"skipped, and --no-skips forbids it: {name}", red=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail where a test skips that MAY_SKIP does not name")
    parser.addoption(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="What tests compute in that are not run in both precisions.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--no-skips"):
        config.pluginmanager.register(NoSkips(), "no-skips")
    if (precision := config.getoption("--precision")) != "auto":
        # What was trained says what it is asked in, so this is all that a process of a test needs to know.
        os.environ |= {"WUKONG_TRAIN_PRECISION": precision, "WUKONG_DEMO_PRECISION": precision}


@pytest.fixture
def precision(pytestconfig: pytest.Config) -> Precision:
    """What the test computes in; see `in_both_precisions`."""
    asked: Precision = pytestconfig.getoption("--precision")
    return asked


@pytest.fixture
def corpora() -> Path:
    """The folder of the sample corpora."""
    return CORPORA


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test stands in."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def tuned_run_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Precision], Run]:
    """Gives a run “gunzi” with an adapter really trained in a precision, in a runs folder of its own; tests leave it
    as it is."""
    from tests.support.tuning import make_tuned_run
    from wukong_pipe.workspace import Run

    def make(precision: Precision) -> Run:
        folder = made_once(tmp_path_factory, f"tuned-{precision}", lambda folder: make_tuned_run(folder, precision))
        return Run(folder / "runs" / "gunzi")

    return cache(make)


@pytest.fixture(scope="session")
def tuned_run(tuned_run_in: Callable[[Precision], Run], pytestconfig: pytest.Config) -> Run:
    """The same, in the precision of tests that are not run in both."""
    return tuned_run_in(pytestconfig.getoption("--precision"))
