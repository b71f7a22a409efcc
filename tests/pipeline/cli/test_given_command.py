"""The recorded command makes the run again: what was given stands in it, wherever it was given; keys do not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from wukong_pipe.cli.build import build_command
from wukong_pipe.cli.evaluate import eval_command
from wukong_pipe.cli.given_command import given_command
from wukong_pipe.cli.main import cli
from wukong_pipe.cli.train import train_command
from wukong_pipe.workspace import Run

RUN = Run(Path("runs/docs"))


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WUKONG_")]:
        monkeypatch.delenv(name)


def given(command: click.Command, words: Sequence[str], **settings: Any) -> str:
    """The line that is recorded where the command is called with these words."""
    # Below the whole program, as it is called: click keeps the names of a command's help option from its first context.
    whole = click.Context(cli, auto_envvar_prefix="WUKONG", **cli.context_settings)
    with command.make_context(command.name, list(words), parent=whole, **settings):
        return given_command(RUN)


@pytest.mark.parametrize(
    ("command", "words", "line"),
    [
        (build_command, ["docs"], "wukong-pipe build docs --run docs"),
        (
            build_command,
            ["--teacher", "offline", "--reask", "short", "--reask", "ab12", "my docs", "b.md", "--json", "--debug"],
            "wukong-pipe build 'my docs' b.md --teacher offline --reask short --reask ab12 --run docs",
        ),
        (
            train_command,
            ["--data", "qa.parquet", "--columns", "instruction=q,output=a", "--no-packing", "--overwrite"],
            "wukong-pipe train --data qa.parquet --columns instruction=q,output=a --no-packing --overwrite --run docs",
        ),
        (
            eval_command,
            ["--test", "own.jsonl", "--run", "docs", "--general", "0", "--price-in", "0.40", "--judge"],
            "wukong-pipe eval --test own.jsonl --general 0 --judge --price-in 0.40 --run docs",
        ),
    ],
)
def test_what_was_given_stands_in_the_line(command: click.Command, words: Sequence[str], line: str) -> None:
    found = given(command, words)
    assert sorted(shlex.split(found)) == sorted(shlex.split(line))
    assert given(command, shlex.split(found)[2:]) == found, "the line run again is recorded as itself"


def test_values_of_the_environment_and_of_wukong_toml_stand_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUKONG_TRAIN_EPOCHS", "2")
    settings: Mapping[str, Any] = {"lr": "0.001", "packing": False}
    line = given(train_command, ["--model", "tiny"], default_map=settings)
    assert line == "wukong-pipe train --model tiny --no-packing --epochs 2 --lr 0.001 --run docs"


def test_a_key_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-my-own-that-is-long")
    words = ["docs", "--base-url", "https://llm.example/v1?key=a-key-of-my-own-that-is-long"]
    assert "a-key-of-my-own" not in given(build_command, words)


@pytest.mark.parametrize(
    "words",
    [
        ["--extra-body", '{"api_key": "Zx81kkqPq2mmQ"}'],
        ["--base-url", "https://Zx81kkqPq2mmQ@llm.example/v1"],
        ["--base-url", "https://llm.example/v1?key=Zx81kkqPq2mmQ"],
    ],
)
def test_what_may_hold_a_key_of_no_known_form_does_not(words: list[str]) -> None:
    line = given(build_command, ["docs", *words])
    assert "Zx81" not in line
    assert "…" in line


def test_numbers_keep_their_digits_and_names_that_begin_with_a_dash_stay_names() -> None:
    assert "--lr 1.2345678e-05 " in given(train_command, ["--lr", "1.2345678e-5"])
    assert given(build_command, ["--", "-notes.md"]) == "wukong-pipe build ./-notes.md --run docs"


def test_a_path_that_is_not_utf_8_is_noted_all_the_same() -> None:
    line = given(build_command, ["docs", "--runs-dir", "r\udcff"])
    assert r"r\udcff" in line
    assert line.encode("utf-8")


def test_outside_of_a_command_there_is_none() -> None:
    with pytest.raises(RuntimeError):
        given_command(RUN)
