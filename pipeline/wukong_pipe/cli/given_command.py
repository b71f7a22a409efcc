"""The command that is running, as a line to run it again: `wukong-pipe train --model tiny --epochs 3 --run docs`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

from wukong_pipe.secrets import key_in, secret_variables
from wukong_pipe.workspace import Run
from wukong_trainer.report.changed_command import HIDDEN

GIVEN = {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP}
"""Where a value comes from that is no default: it was typed, or stands in WUKONG_* or in wukong.toml."""
OF_THE_SCREEN = {"json", "debug"}
FOR_THE_SERVER_ALONE = {"extra_body"}
"""Options that may hold a key in a form that nobody knows."""


def given_command(run: Run) -> str:
    """The running command with every option that was given, wherever it stood, paths as the user gave them.

    The run is always named: the one used last is another one tomorrow. A value that holds a key is not shown.

    >>> given_command(Run(Path("runs/docs")))
    'wukong-pipe train --model tiny --epochs 3 --run docs'
    """
    context = click.get_current_context()
    options: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in OF_THE_SCREEN | {"run"} or context.get_parameter_source(name) not in GIVEN:
            continue
        if isinstance(parameter, click.Option):
            options += _option(parameter, HIDDEN if name in FOR_THE_SERVER_ALONE else context.params[name])
        else:
            # A file's name may begin like an option.
            arguments += [f"./{value}" if value.startswith("-") else value for value in _values(context.params[name])]
    words = ["wukong-pipe", context.command.name or "", *arguments, *options, "--run", run.name]
    known = secret_variables(os.environ)
    line = shlex.join(HIDDEN if key_in(word, known) or _may_hold_a_key(word) else word for word in words)
    # A path need not be UTF-8, and what is noted must be.
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def _may_hold_a_key(word: str) -> bool:
    """Whether a word is an address with a user's name or a query in it."""
    return bool(re.match(r"https?://(?:[^/]*@|[^?#]*\?)", word))


def _option(option: click.Option, value: Any) -> Iterator[str]:
    name = max(option.opts, key=len)
    if option.is_flag:
        yield from [name] if value else option.secondary_opts
        return
    for one in _values(value):
        yield from (name, one)


def _values(value: Any) -> list[str]:
    values = value if isinstance(value, tuple | list) else [value]
    return [f"{one:.0f}" if isinstance(one, float) and one.is_integer() else str(one) for one in values]
