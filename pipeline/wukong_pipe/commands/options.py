"""Options of the commands as records: kinds, defaults and limits, which command line and library share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from wukong_pipe.errors import OptionError
from wukong_pipe.workspace import RUNS_DIR, Run, Workspace


@dataclass(frozen=True, slots=True)
class Range:
    """The limits of a number.

    >>> str(Range(0, 1, low_open=True)), str(Range(1))
    ('more than 0 and at most 1', '1 or more')
    """

    low: float
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        low = f"more than {self.low:g}" if self.low_open else f"{self.low:g} or more"
        if self.high == math.inf:
            return low
        return f"{low} and {'less than' if self.high_open else 'at most'} {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The options that every command has, and who is told how far it is."""

    runs_dir: Path | str = RUNS_DIR
    """Where runs are kept."""
    progress: Callable[[str, int, int, str], None] | None = None
    """Called with (step, done, total, note)."""
    verbose: bool = False
    """Print how far it is, and what there is to know."""

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.runs_dir))

    def run_of(self, run: Run | str) -> tuple[Workspace, Run]:
        """The workspace and the run that `run` names; the one used last where it is "".

        Raises:
            WorkspaceError: there is no such run, or none was used yet.
        """
        if isinstance(run, Run):
            return Workspace(run.folder.parent), run
        return self.workspace, self.workspace.existing_run(run) if run else self.workspace.last_run()


def check(options: Call) -> None:
    """
    Raises:
        OptionError: an option has a value that is none of its choices, or is out of its limits.
    """
    for name, kinds in kinds_of(type(options)).items():
        value = getattr(options, name)
        for kind in kinds:
            if value is not None and not _fits(value, kind):
                raise OptionError(f"{name}={value!r} is none of its values: give {_wish(kind)}.")


def kinds_of(options: type[Call]) -> dict[str, list[Any]]:
    """The choices (Literal) and limits (Annotated with a Range) of each option that has some, by its name."""
    hints = get_type_hints(options, include_extras=True)
    limited = {name: [*_limited(hint)] for name, hint in hints.items()}
    return {name: kinds for name, kinds in limited.items() if kinds}


def _limited(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _limited(part)
    elif get_origin(hint) in (Annotated, Literal):
        yield hint


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    number, limits = get_args(kind)
    # bool is an int to Python, and to nobody who gives an option.
    is_number = isinstance(value, int if number is int else int | float) and not isinstance(value, bool)
    return is_number and limits.holds(value)


def _wish(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    number, limits = get_args(kind)
    return f"{'a whole number' if number is int else 'a number'}, {limits}"
