"""The command line: the commands, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import io
import os
import shlex
import sys
from itertools import pairwise

import click

from wukong_pipe import __version__
from wukong_pipe.cli import config_file
from wukong_pipe.cli.build import build_command
from wukong_pipe.cli.evaluate import demo_command, eval_command, report_command
from wukong_pipe.cli.inspect import inspect_command, journal_command
from wukong_pipe.cli.options import err
from wukong_pipe.cli.recipes import recipes_command
from wukong_pipe.cli.review import review_command
from wukong_pipe.cli.runs import completion_command, runs_command
from wukong_pipe.cli.train import train_command
from wukong_pipe.cli.use import ask_command, chat_command, export_command, serve_command
from wukong_pipe.errors import Interrupted, ShortOfQuota, StoppedShort, TrainingInterrupted, WukongError


class OrderedGroup(click.Group):
    """Commands in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=OrderedGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    """Turn a folder of Markdown into a small language model that knows it, and prove that it does.

    \b
    A first try, without key or download:
      wukong-pipe demo
    With a teacher and a GPU:
      export OPENAI_API_KEY=...
      wukong-pipe build docs/
      wukong-pipe train
      wukong-pipe eval
      wukong-pipe report
    With rows of your own instead of Markdown:
      wukong-pipe train --data rows.jsonl

    Every option can also stand in wukong.toml, in a table named after its command, or in the environment
    (WUKONG_BUILD_VARIANTS=8).
    """


for command in (
    demo_command,
    build_command,
    inspect_command,
    review_command,
    journal_command,
    train_command,
    recipes_command,
    eval_command,
    report_command,
    ask_command,
    chat_command,
    export_command,
    serve_command,
    runs_command,
    completion_command,
):
    cli.add_command(command)


def option_names() -> dict[str, set[str]]:
    """Each command's option names, for checking wukong.toml and WUKONG_*."""
    return {
        name: {parameter.name or "" for parameter in command.params if isinstance(parameter, click.Option)}
        for name, command in cli.commands.items()
    }


def reasking(arguments: list[str]) -> list[str]:
    """The same build, that asks again for what stayed short."""
    kept = [
        word
        for before, word in pairwise(["", *arguments])
        if "--reask" not in (before, word) and not word.startswith("--reask=")
    ]
    return [kept[0], "--reask", "short", *kept[1:]]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. All errors of ours are shown here, in one place."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        config_file.check_environment(option_names(), os.environ)
        defaults = config_file.read_config(option_names())
        cli.main(arguments, "wukong-pipe", standalone_mode=False, default_map=defaults, auto_envvar_prefix="WUKONG")
    except WukongError as error:
        if "--debug" in arguments:
            raise
        # “Error” is no word for a dataset that is there.
        name, style = ("", "yellow") if isinstance(error, ShortOfQuota) else ("Error: ", "red")
        err.print(f"{name}{error}", style=style)
        if type(error) in {StoppedShort, Interrupted}:
            err.print(f"Go on with: {shlex.join(['wukong-pipe', *arguments])}")
        elif isinstance(error, TrainingInterrupted):
            again = [word for word in arguments if word not in {"--resume", "--overwrite"}]
            err.print(f"Go on with: {shlex.join(['wukong-pipe', *again, '--resume'])}")
        elif isinstance(error, ShortOfQuota) and error.askable:
            err.print(f"Ask for the rest with: {shlex.join(['wukong-pipe', *reasking(arguments)])}")
        return error.exit_code
    except OSError as error:
        if "--debug" in arguments:
            raise
        where = f": {error.filename}" if error.filename else ""
        err.print(f"Error: {error.strerror or error}{where}.", style="red")
        return 1
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        err.print(said.getvalue().rstrip("\n"))
        if isinstance(error, click.UsageError) and (where := config_file.place_of(error)):
            err.print(where)
        return 2
    except (click.Abort, KeyboardInterrupt):
        command = shlex.join(["wukong-pipe", *arguments])
        err.print(f"Interrupted. What was done is kept; go on with: {command}")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
