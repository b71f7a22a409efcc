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


def came_from(folder: Path, url: str, **info: object) -> None:
    (folder / "direct_url.json").write_text(json.dumps({"url": url, **info}))


def test_what_came_from_an_index_is_installed_by_its_name(installed: Path) -> None:
    assert installed.is_dir()
    assert install_command("train") == "pip install 'wukong-pipe[train]'"


def test_what_came_from_a_folder_is_installed_from_there_while_it_is_there(installed: Path, tmp_path: Path) -> None:
    source = tmp_path / "the project"
    source.mkdir()
    came_from(installed, source.as_uri(), dir_info={})
    assert install_command("train,serving") == f"pip install '{source}[train,serving]'"
    source.rmdir()
    assert install_command("report") == "in the folder of its source, pip install '.[report]'"


@pytest.mark.parametrize(
    ("noted", "revision"),
    [({"requested_revision": "v1"}, "v1"), ({}, "0a1b2c"), ({"requested_revision": None}, "0a1b2c")],
)
def test_what_came_from_a_repository_is_installed_from_there_in_the_same_revision(
    installed: Path, noted: dict[str, str], revision: str
) -> None:
    came_from(installed, "https://example.org/wukong.git", vcs_info={"vcs": "git", "commit_id": "0a1b2c", **noted})
    assert install_command("train") == (
        f"pip install 'wukong-pipe[train] @ git+https://example.org/wukong.git@{revision}'"
    )


def test_what_came_from_an_archive_is_installed_from_its_address(installed: Path) -> None:
    came_from(installed, "https://example.org/wukong_pipe-1-py3-none-any.whl", archive_info={})
    assert install_command("train") == (
        "pip install 'wukong-pipe[train] @ https://example.org/wukong_pipe-1-py3-none-any.whl'"
    )
