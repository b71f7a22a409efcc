"""A command that made the run, with an option changed: what a reader copies to try the advice."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

HIDDEN = "…"
"""Stands in a noted command for what may hold a key."""


def changed_command(commands: Sequence[str], name: str, option: str, value: str, flag: str = "") -> str:
    """The noted command of a step, whole, with the option's new value; the options alone where none was noted.

    Args:
        commands: those that made the run.
        name: of the step, as "train".
        flag: an option without a value that the command needs, too.

    >>> changed_command(["wukong-pipe train --model tiny --epochs 2"], "train", "--epochs", "4", "--overwrite")
    'wukong-pipe train --model tiny --epochs 4 --overwrite'
    >>> changed_command(["wukong-pipe demo"], "train", "--epochs", "4", "--overwrite")
    '--epochs 4 --overwrite'
    >>> changed_command(["wukong-pipe build docs --extra-body …"], "build", "--variants", "4")
    '--variants 4'
    >>> changed_command(["wukong-pipe build 'docs"], "build", "--variants", "4")
    '--variants 4'
    """
    made = [command for command in commands if command.startswith(f"wukong-pipe {name} ")]
    try:
        given = shlex.split(made[-1]) if made else []
    except ValueError:  # A file that somebody edited: a quote is open.
        given = []
    if HIDDEN in given:  # What was not noted cannot be run again, and the rest without it is another command.
        given = []
    if option in given[:-1]:
        given[given.index(option) + 1] = value
    else:
        given += [option, value]
    if flag and flag not in given:
        given.append(flag)
    return shlex.join(given)
