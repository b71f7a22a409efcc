"""What the commands share: the two consoles, the options each takes, and kinds of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from wukong_pipe.extras import training_installed
from wukong_pipe.printable import printable
from wukong_pipe.workspace import Run, Workspace


class PrintableConsole(Console):
    """A console through which nobody's words command the terminal: whatever is printed, a bar's note too, is spelt out
    where it would."""

    def render_str(self, text: str, **options: Any) -> Text:
        # Before rich, which drops some control characters without a word.
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


out = PrintableConsole(markup=False, emoji=False, highlight=False, soft_wrap=True)
if not out.is_terminal:
    # Tables in a file or pipe are read by scripts or in an editor: no reason to fold them at 80.
    out.width = 160
err = PrintableConsole(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
F = TypeVar("F", bound=Callable[..., Any])


MOST = Decimal(10) ** 12


class Amount(click.ParamType[Decimal]):
    """An amount of money: a decimal number, exact, not negative."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MOST:
            self.fail(f"{value!r} is no amount: give a number such as 0.4.", param, ctx)
        return amount


AMOUNT = Amount()

runs_dir_option = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
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
    with training_installed():
        from wukong_trainer.models.locating import located

        return located(name, err.print) if name else ""
