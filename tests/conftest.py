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

settle()
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell gives its background jobs no SIGINT, and they would pass that on to the builds that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

if TYPE_CHECKING:
    from wukong_pipe.workspace import Run
    from wukong_trainer.recipe import Precision

CORPORA = Path(__file__).resolve().parent.parent / "corpora"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="What tests compute in that are not run in both precisions.",
    )


def pytest_configure(config: pytest.Config) -> None:
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

    return cache(lambda precision: make_tuned_run(tmp_path_factory.mktemp("tuned"), precision))


@pytest.fixture(scope="session")
def tuned_run(tuned_run_in: Callable[[Precision], Run], pytestconfig: pytest.Config) -> Run:
    """The same, in the precision of tests that are not run in both."""
    return tuned_run_in(pytestconfig.getoption("--precision"))
