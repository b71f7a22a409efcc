"""wukong.toml and WUKONG_*: read as options, and refused with everything in them that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.cli.config_file import check_environment, read_config
from wukong_pipe.errors import DataError

COMMANDS = {"build": {"variants", "teacher_model", "dry_run"}, "train": {"epochs"}}


def config(folder: Path, text: str) -> Path:
    (folder / "wukong.toml").write_text(text, "utf-8")
    return folder / "wukong.toml"


def test_options_are_read_with_dashes_or_underscores(tmp_path: Path) -> None:
    path = config(tmp_path, '[build]\nvariants = 8\nteacher-model = "m"\n[train]\nepochs = 2.5\n')
    assert read_config(COMMANDS, path) == {
        "build": {"variants": "8", "teacher_model": "m"},
        "train": {"epochs": "2.5"},
    }


def test_no_file_and_an_empty_file_say_nothing(tmp_path: Path) -> None:
    assert read_config(COMMANDS, tmp_path / "wukong.toml") == {}
    assert read_config(COMMANDS, config(tmp_path, "")) == {}


def test_unknown_settings_are_all_listed(tmp_path: Path) -> None:
    path = config(tmp_path, "variants = 3\n[build]\nvariant = 8\nvariants = 2\n[train]\nepoch = 1\n[biuld]\nx = 1\n")
    with pytest.raises(DataError, match=r"unknown settings: biuld, build\.variant, train\.epoch, variants; see"):
        read_config(COMMANDS, path)


def test_a_file_that_is_no_toml_names_the_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wukong\.toml is not valid TOML: .*line 2"):
        read_config(COMMANDS, config(tmp_path, "[build]\nvariants = eight\n"))


def test_a_file_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wukong.toml").write_bytes('# 设置\n[build]\nteacher_model = "千问"\n'.encode("gb18030"))
    with pytest.raises(DataError, match="is not valid TOML"):
        read_config(COMMANDS, tmp_path / "wukong.toml")


def test_variables_that_name_an_option_pass() -> None:
    check_environment(COMMANDS, {"WUKONG_BUILD_TEACHER_MODEL": "m", "WUKONG_TRAIN_EPOCHS": "1", "PATH": "/"})


def test_unknown_variables_are_all_listed() -> None:
    environment = {"WUKONG_BUILD_VARIANT": "8", "WUKONG_VARIANTS": "8", "WUKONG_BUILD_VARIANTS": "8"}
    with pytest.raises(DataError, match=r"variables: WUKONG_BUILD_VARIANT, WUKONG_VARIANTS; they are named"):
        check_environment(COMMANDS, environment)
