"""What installs a missing library depends on where this wukong-pipe came from."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

import pytest

from wukong_pipe.extras import install_command


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of metadata that stands for the installed package's."""
    folder = tmp_path / "wukong_pipe-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: wukong-pipe\n")
    monkeypatch.setattr(metadata, "distribution", lambda _: metadata.PathDistribution(folder))
    return folder


def came_from(folder: Path, url: str) -> None:
    (folder / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {}}))


def test_what_came_from_an_index_is_installed_by_its_name(installed: Path) -> None:
    assert installed.is_dir()
    assert install_command("train") == "pip install 'wukong-pipe[train]'"


def test_what_came_from_a_folder_is_installed_from_there_while_it_is_there(installed: Path, tmp_path: Path) -> None:
    source = tmp_path / "the project"
    source.mkdir()
    came_from(installed, source.as_uri())
    assert install_command("train,serving") == f"pip install '{source}[train,serving]'"
    source.rmdir()
    assert install_command("report") == "in the folder of its source, pip install '.[report]'"


def test_what_came_from_a_repository_is_installed_from_its_address(installed: Path) -> None:
    came_from(installed, "https://example.org/wukong.git")
    assert install_command("train") == "pip install 'wukong-pipe[train] @ https://example.org/wukong.git'"
