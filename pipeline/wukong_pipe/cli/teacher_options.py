"""The options of a teacher, which `build` and `eval` share: which model, how fast it is asked, and what it may cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from wukong_pipe.cli.kinds import AMOUNT, of
from wukong_pipe.cli.options import F
from wukong_pipe.commands.teacher_options import TeacherOptions, reserved_in


class JsonObject(click.ParamType[dict[str, Any]]):
    """Fields for the teacher's server alone."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        try:
            extra = json.loads(value or "{}") if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            self.fail(f"it is not JSON: {error.msg} at column {error.colno}.", param, ctx)
        if not isinstance(extra, dict):
            self.fail("it must be a JSON object.", param, ctx)
        if wrong := reserved_in(extra):
            self.fail(wrong, param, ctx)
        return extra


DEFAULTS = TeacherOptions()


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator; --help shows them in this order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# `build` shows options of its own between these groups.
model_options = together(
    click.option("--teacher-model", default="", help="The teacher's model; known providers have a default."),
    click.option(
        "--base-url",
        default="",
        metavar="URL[,URL]",
        help="The teacher's server; by default $OPENAI_BASE_URL, then OpenAI. Several, which all have the model, share "
        "the calls; the journal knows them by the first.",
    ),
    click.option("--temperature", type=float, help="The teacher's; by default the server's."),
    click.option(
        "--max-tokens",
        **of(TeacherOptions, "max_tokens"),
        help="Longest reply of the teacher, in tokens.  [default: 8192]",
    ),
    click.option(
        "--extra-body",
        type=JsonObject(),
        metavar="TEXT",
        help="JSON object of fields that only the teacher's server knows.",
    ),
)
speed_options = together(
    click.option(
        "--concurrency",
        **of(TeacherOptions, "concurrency"),
        help="Calls to the teacher at a time.  [default: found out]",
    ),
    click.option("--rpm", **of(TeacherOptions, "rpm"), help="Requests a minute at most."),
    click.option("--tpm", **of(TeacherOptions, "tpm"), help="Tokens a minute at most."),
    click.option(
        "--timeout",
        **of(TeacherOptions, "timeout"),
        help="Seconds for one call in all.  [default: 300; 1800 for a server on this machine]",
    ),
)
price_options = together(
    click.option("--price-in", type=AMOUNT, help="Price of a million prompt tokens."),
    click.option("--price-out", type=AMOUNT, help="Price of a million completion tokens."),
    click.option(
        "--currency",
        default=DEFAULTS.currency,
        show_default=True,
        help="What prices and --max-cost are in; only a label.",
    ),
    click.option("--max-cost", type=AMOUNT, help="The most this run may cost in all; needs the prices."),
    click.option("--max-calls", **of(TeacherOptions, "max_calls"), help="The most calls this run may make in all."),
)
encoding_option = click.option(
    "--encoding", default=DEFAULTS.encoding, show_default=True, help="Encoding of the sources."
)
teacher_options = together(model_options, speed_options, price_options, encoding_option)
