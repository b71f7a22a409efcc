"""Options are one record: the command line takes its names, kinds, limits and defaults from it, and so does Python."""

from __future__ import annotations

import doctest
from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest

from wukong_pipe.cli.build import build_command
from wukong_pipe.cli.evaluate import eval_command
from wukong_pipe.cli.kinds import AMOUNT, of
from wukong_pipe.cli.train import train_command
from wukong_pipe.commands import options, teacher_options
from wukong_pipe.commands.build_options import BuildOptions
from wukong_pipe.commands.eval_options import EvalOptions
from wukong_pipe.commands.options import Call, check, kinds_of
from wukong_pipe.commands.train_options import TrainOptions
from wukong_pipe.errors import OptionError, WorkspaceError
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.workspace import Run, Workspace

OF_PYTHON = {"progress", "verbose"}
OTHERWISE = {"workers"}
"""Whose default is another in Python: processes import the caller's script, which must be made for that."""
OF_THE_COMMAND_LINE = {
    build_command: {"json", "debug", "dry_run", "push_to_hub", "public", "push_rejected", "no_secret"},
    train_command: {"json", "debug"},
    eval_command: {"json", "debug", "fail_under", "history"},
}
RECORDS: list[tuple[click.Command, type[Call]]] = [
    (build_command, BuildOptions),
    (train_command, TrainOptions),
    (eval_command, EvalOptions),
]


@pytest.mark.parametrize(("command", "record"), RECORDS)
def test_a_command_and_its_record_have_the_same_options(command: click.Command, record: type[Call]) -> None:
    named = {parameter.name for parameter in command.params}
    assert named - OF_THE_COMMAND_LINE[command] == {field.name for field in fields(record)} - OF_PYTHON


@pytest.mark.parametrize(("command", "record"), RECORDS)
def test_what_is_not_given_is_the_same_on_the_command_line_and_in_python(
    command: click.Command, record: type[Call]
) -> None:
    read = command.make_context(command.name, ["docs"] if command is build_command else []).params
    for field in fields(record):
        if field.name in read and field.name not in OTHERWISE and field.default is not MISSING:
            assert read[field.name] == field.default, field.name


@pytest.mark.parametrize(("command", "record"), RECORDS)
def test_what_has_choices_or_limits_has_them_on_the_command_line(command: click.Command, record: type[Call]) -> None:
    given = {parameter.name: parameter for parameter in command.params}
    for name in kinds_of(record):
        kind, wanted = given[name].type, of(record, name)["type"]
        assert kind.to_info_dict() == wanted.to_info_dict(), name


def test_the_shape_of_a_dataset_has_its_defaults_in_one_place() -> None:
    assert BuildOptions("book.md", teacher="offline").settings() == BuildSettings()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (BuildOptions("a.md", variants=-1), "variants=-1 is none of its values: give a whole number, 0 or more and at"),
        (BuildOptions("a.md", variants=True), "variants=True is none of its values"),
        (BuildOptions("a.md", holdout=0.6), "holdout=0.6 .*: give a number, 0 or more and at most 0.5"),
        (BuildOptions("a.md", timeout=0), "timeout=0 .*: give a number, more than 0"),
        (TrainOptions(lr=1.5), "lr=1.5 .*: give a number, more than 0 and at most 1"),
        (TrainOptions(validation=1.0), "validation=1.0 .*: give a number, 0 or more and less than 1"),
        (EvalOptions(limit=0), "limit=0 .*: give a whole number, 1 or more"),
    ],
)
def test_a_value_out_of_its_limits_is_told_with_them(wrong: Call, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence) as error:
        check(wrong)
    assert error.value.exit_code == 2


def test_a_misspelt_choice_is_told_with_those_there_are() -> None:
    misspelt: Any = "ofline"
    with pytest.raises(OptionError, match=r"teacher='ofline' is none of its values: give 'openai' or 'offline'\."):
        BuildOptions("a.md", teacher=misspelt).settings()


@pytest.mark.parametrize("options", [{"price_in": 1}, {"max_cost": 5}, {"price_in": 1, "price_out": "much"}])
def test_prices_that_say_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"go together|no amount"):
        BuildOptions("a.md", **options).choice()


def test_an_amount_is_exact_however_it_is_given() -> None:
    for given in (0.4, "0.4", Decimal("0.4")):
        prices = EvalOptions(price_in=given, price_out=0).prices()
        assert prices is not None
        assert (prices.prompt, AMOUNT.convert(given, None, None)) == (Decimal("0.4"), Decimal("0.4"))


def test_fields_for_the_server_alone_may_not_change_what_the_build_sets() -> None:
    with pytest.raises(OptionError, match=r"extra_body: it must not hold max_tokens, model"):
        BuildOptions("a.md", extra_body={"model": "m", "max_tokens": 5, "seed": 1}).choice()


def test_a_run_is_named_or_given_and_else_the_one_used_last(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    docs = workspace.run("docs")
    docs.folder.mkdir()
    workspace.remember(docs)
    for asked in (TrainOptions("docs", runs_dir=tmp_path), TrainOptions(runs_dir=str(tmp_path)), TrainOptions(docs)):
        assert asked.place() == (workspace, docs)
    assert TrainOptions(data="rows.jsonl", runs_dir=tmp_path).place()[1].name == "rows"
    assert BuildOptions("guide.md", runs_dir=tmp_path).place() == (workspace, Run(tmp_path / "guide"))
    assert BuildOptions(["guide.md"], run=docs).place() == (workspace, docs)
    with pytest.raises(WorkspaceError, match=r"There is no run “nope”"):
        EvalOptions("nope", runs_dir=tmp_path).run_of("nope")


def test_nothing_to_build_from_is_told() -> None:
    with pytest.raises(OptionError, match=r"Name the documents"):
        BuildOptions([]).place()


def test_the_examples_in_their_docstrings_are_true() -> None:
    for module in (options, teacher_options):
        assert doctest.testmod(module) == doctest.TestResults(failed=0, attempted=1)
