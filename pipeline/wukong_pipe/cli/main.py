"""The command line: the commands, and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise

import click

from wukong_pipe import __version__
from wukong_pipe.cli import config_file
from wukong_pipe.cli.lazy_group import LazyGroup, Listed
from wukong_pipe.cli.options import err
from wukong_pipe.errors import Interrupted, ShortOfQuota, StoppedShort, TrainingInterrupted, WukongError

_CLI = "wukong_pipe.cli"
COMMANDS = {
    "demo": Listed(f"{_CLI}.evaluate", "demo_command", "All of it on a CPU: no key, no download."),
    "build": Listed(f"{_CLI}.build", "build_command", "Ask a teacher about documents and write a dataset."),
    "inspect": Listed(
        f"{_CLI}.inspect", "inspect_command", "Show the run's sections, or one with all that came of it."
    ),
    "review": Listed(f"{_CLI}.review", "review_command", "Read, accept and mend the rows in a browser."),
    "journal": Listed(
        f"{_CLI}.inspect", "journal_command", "Show the calls to teachers and their cost, by run and prompt."
    ),
    "train": Listed(f"{_CLI}.train", "train_command", "Fine-tune a student on the run's dataset, or on your own rows."),
    "recipes": Listed(f"{_CLI}.recipes", "recipes_command", "List the recipes of `train`, or print one to change."),
    "eval": Listed(f"{_CLI}.evaluate", "eval_command", "Ask base and tuned model the same held-out questions."),
    "report": Listed(f"{_CLI}.evaluate", "report_command", "Write report.html, one self-contained page."),
    "ask": Listed(f"{_CLI}.use", "ask_command", "Ask the run's tuned model one question."),
    "chat": Listed(f"{_CLI}.use", "chat_command", "Talk with the run's tuned model."),
    "export": Listed(f"{_CLI}.export", "export_command", "Merge the adapter into its base: one folder, or one GGUF."),
    "serve": Listed(f"{_CLI}.use", "serve_command", "Serve the run's tuned model to OpenAI's clients on 127.0.0.1."),
    "runs": Listed(f"{_CLI}.runs", "runs_command", "Show all runs; * marks the one used last."),
    "completion": Listed(
        f"{_CLI}.runs", "completion_command", "Print the script that completes commands in your shell."
    ),
}
"""In the order in which they are used."""


@click.group(
    cls=LazyGroup, listed=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__)
def cli() -> None:
    """Turn a folder of Markdown into a small language model that knows it, and prove that it does.

    \b
    A first try, without key or download:
      wukong-pipe demo
    With a teacher and a GPU:
      export OPENAI_API_KEY=...
      wukong-pipe build docs/
      wukong-pipe review
      wukong-pipe train
      wukong-pipe eval
      wukong-pipe report
    With rows of your own instead of Markdown:
      wukong-pipe train --data rows.jsonl

    Every option can also stand in wukong.toml, in a table named after its command, or in the environment
    (WUKONG_BUILD_VARIANTS=8).
    """


class OptionNames(Mapping[str, set[str]]):
    """The option names of each command, which is imported for it: for checking wukong.toml and WUKONG_*."""

    def __getitem__(self, command: str) -> set[str]:
        parameters = cli.commands[command].params
        return {parameter.name or "" for parameter in parameters if isinstance(parameter, click.Option)}

    def __iter__(self) -> Iterator[str]:
        return iter(cli.commands)

    def __len__(self) -> int:
        return len(cli.commands)


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
        config_file.check_environment(OptionNames(), os.environ)
        defaults = config_file.read_config(OptionNames())
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
