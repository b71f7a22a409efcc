"""Kinds, limits and defaults of options as click wants them, taken from the records of the options."""

from __future__ import annotations

import math
from dataclasses import fields
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import click

from wukong_pipe.commands.options import Call, kinds_of
from wukong_pipe.commands.teacher_options import exact
from wukong_pipe.errors import OptionError


class Amount(click.ParamType[Decimal]):
    """An amount of money: a decimal number, exact, not negative."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            return exact(value)
        except OptionError as error:
            self.fail(str(error), param, ctx)


AMOUNT = Amount()


def of(options: type[Call], name: str) -> dict[str, Any]:
    """What click is told of an option: its choices or limits and its default, as the options' record has them.

    >>> of(BuildOptions, "variants")
    {'type': <IntRange 0<=x<=100>, 'default': 14, 'show_default': True}
    """
    (kind,) = kinds_of(options)[name]
    default = next(field.default for field in fields(options) if field.name == name)
    return {"type": _click_type(kind), "default": default, "show_default": default is not None}


def _click_type(kind: Any) -> click.ParamType[Any]:
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind))
    number, limits = get_args(kind)
    high = None if limits.high == math.inf else limits.high
    of_numbers = click.IntRange if number is int else click.FloatRange
    return of_numbers(limits.low, high, min_open=limits.low_open, max_open=limits.high_open)
