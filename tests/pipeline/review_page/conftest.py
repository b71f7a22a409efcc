"""A small book that was built once, and the page of a copy of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.building import run_in
from tests.support.review_browser import Browser
from tests.support.reviewed import build
from wukong_pipe.files import write_json


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    return folder


@pytest.fixture
def browser(built: Path, tmp_path: Path) -> Browser:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    write_json(run_in(tmp_path).folder / "build.json", {"sources": {"book.md": str(tmp_path / "book.md")}})
    return Browser(tmp_path)
