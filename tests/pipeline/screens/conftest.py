from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inspected import BOOK
from wukong_pipe.cli.main import main
from wukong_pipe.workspace import Run, Workspace


@pytest.fixture
def workspace(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a built dataset in runs/book, in which the test stands."""
    (empty_home / "book.md").write_text(BOOK, "utf-8")
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5", "--min-fill", "0"]) == 0
    capsys.readouterr()
    return empty_home


@pytest.fixture
def run() -> Run:
    return Workspace(Path("runs")).last_run()
