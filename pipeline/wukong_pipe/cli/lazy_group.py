"""A click group whose commands are imported when they are used: `--help` lists them without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Listed:
    """Where a command stands, and the line that `--help` says of it, which is the first of its docstring."""

    module: str
    attribute: str
    help: str


class Commands(Mapping[str, click.Command]):
    """The commands by name, in the order of the table; one is imported when it is asked for."""

    def __init__(self, listed: Mapping[str, Listed]) -> None:
        self._listed = listed

    def __getitem__(self, name: str) -> click.Command:
        place = self._listed[name]
        command: click.Command = getattr(import_module(place.module), place.attribute)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


class LazyGroup(click.Group):
    """A group of commands, listed in the order in which they are used."""

    def __init__(self, *arguments: Any, listed: Mapping[str, Listed], **options: Any) -> None:
        super().__init__(*arguments, **options)
        # click reads it, and nothing is added to it.
        self.commands = Commands(listed)  # type: ignore[assignment]
        self._listed = listed

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._listed)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.help) for name, listed in self._listed.items()])
