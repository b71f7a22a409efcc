"""What several tests stand on: the sample corpora, and an environment that says nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell gives its background jobs no SIGINT, and they would pass that on to the builds that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of what else the machine does.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

if TYPE_CHECKING:
    from wukong_pipe.workspace import Run

CORPORA = Path(__file__).resolve().parent.parent / "corpora"


@pytest.fixture
def corpora() -> Path:
    """The folder of the sample corpora."""
    return CORPORA


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test stands in, with no OPENAI_* or WUKONG_* in its environment."""
    for name in list(os.environ):
        if name.upper().startswith(("OPENAI_", "WUKONG_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def tuned_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run “gunzi” with a really trained adapter, in a runs folder of its own; tests leave it as it is."""
    from tests.support.tuning import make_tuned_run

    return make_tuned_run(tmp_path_factory.mktemp("tuned"))
