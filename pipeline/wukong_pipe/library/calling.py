"""How a function of the library is called: with the options of its command, also inside a notebook."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from rich.console import RenderableType

from wukong_pipe.commands.build import Progress
from wukong_pipe.commands.options import Call
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.console import PrintableConsole

P = ParamSpec("P")
R = TypeVar("R")
Options = TypeVar("Options", bound=Call)
WIDTH = 120
"""Columns of a result that is shown as text."""


def of_options(options: Callable[P, Options]) -> Callable[[Callable[[Options], R]], Callable[P, R]]:
    """Make a function of one record of options a function of the record's fields, with their names, kinds and
    defaults.

    >>> @of_options(TrainOptions)
    ... def train(options: TrainOptions) -> TrainResult: ...
    >>> train("docs", epochs=3)
    """

    def decorate(function: Callable[[Options], R]) -> Callable[P, R]:
        @wraps(function)
        def called(*given: P.args, **named: P.kwargs) -> R:
            with beside_any_loop():
                return function(options(*given, **named))

        result = inspect.signature(function).return_annotation
        called.__signature__ = inspect.signature(options).replace(return_annotation=result)  # type: ignore[attr-defined]
        called.__annotations__ = inspect.get_annotations(options) | {"return": result}
        return called

    return decorate


@contextmanager
def beside_any_loop() -> Iterator[None]:
    """Within the block this thread seems to run no event loop, so that one of our own can be run.

    A notebook's cells run inside the loop of its kernel, where `asyncio.run` refuses. That loop waits for the cell
    anyhow, as for any other. A thread of its own is no way: Ctrl-C reaches the main thread alone.
    """
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(outer)


@dataclass(slots=True)
class Heard:
    """What a command said while it ran: kept, and printed where that is wanted."""

    options: Call
    lines: list[str] = field(default_factory=list)
    _console: PrintableConsole = field(init=False)

    def __post_init__(self) -> None:
        # In a notebook rich would write HTML, each line a paragraph.
        self._console = PrintableConsole(
            markup=False, emoji=False, highlight=False, soft_wrap=True, force_jupyter=False, force_terminal=False
        )

    def say(self, line: str) -> None:
        self.lines.append(line)
        if self.options.verbose:
            self._console.print(line)

    @property
    def progress(self) -> Progress:
        """Whom to tell how far it is."""
        told = self.options.progress
        if not self.options.verbose:
            return told or (lambda step, done, total, note: None)
        steps = Steps(self._console)

        def both(step: str, done: int, total: int, note: str) -> None:
            steps(step, done, total, note)
            if told:
                told(step, done, total, note)

        return both


def as_text(*parts: RenderableType) -> str:
    """Tables and lines as plain text."""
    console = PrintableConsole(
        width=WIDTH, markup=False, emoji=False, highlight=False, color_system=None, force_jupyter=False
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
