"""What the commands share: the two consoles, the options each takes, and kinds of values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from wukong_pipe.extras import training_installed
from wukong_pipe.screens.console import PrintableConsole
from wukong_pipe.workspace import RUNS_DIR, Run, Workspace

out = PrintableConsole(markup=False, emoji=False, highlight=False, soft_wrap=True)
if not out.is_terminal:
    # Tables in a file or pipe are read by scripts or in an editor: no reason to fold them at 80.
    out.width = 160
err = PrintableConsole(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
F = TypeVar("F", bound=Callable[..., Any])

vllm_options = click.option(
    "--vllm-options",
    default=(),
    type=click.UNPROCESSED,
    metavar="OPTIONS",
    help='More options for `vllm serve`, such as "--tensor-parallel-size 2 --data-parallel-size 2".',
)

runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=RUNS_DIR,
    show_default=True,
    help="Where runs are kept.",
)


def run_named(otherwise: str) -> Callable[[F], F]:
    """The option --run, with the run that a command takes without it."""
    return click.option("--run", default="", help=f"Name of the run.  [default: {otherwise}]")


run_option = run_named("the one used last")
precision_option = click.option(
    "--precision",
    type=click.Choice(["auto", "fp32", "bf16"]),
    help="What to compute in; auto for what the machine is fast in.  [default: the recipe's]",
)
model_option = click.option("--model", default="", help="The base model, where it is not the one the adapter names.")
json_option = click.option("--json", is_flag=True, help="Print one JSON object on stdout.")
debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


def common_with(run: Callable[[F], F]) -> Callable[[F], F]:
    """The options every command takes, with its own --run."""
    return lambda command: debug_option(json_option(run(runs_dir_option(command))))


common = common_with(run_option)


def named_or_last(workspace: Workspace, name: str) -> Run:
    """The run that --run names, or without it the one used last.

    Raises:
        WorkspaceError: there is no such run, or none was used yet.
    """
    return workspace.existing_run(name) if name else workspace.last_run()


def base_model(name: str) -> str:
    """The base that --model names, as a hub's id or a folder; empty for the one that the adapter names.

    Raises:
        WukongError: see `wukong_trainer.models.locating.located`.
    """
    if not name:
        return ""
    with training_installed():
        from wukong_trainer.models.locating import located

        return located(name, err.print)
