"""The options of a teacher, which `build` and `eval` share: which model, how fast it is asked, and what it may cost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import click

from wukong_pipe.cli.options import AMOUNT, F
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.journal.records import Prices
from wukong_pipe.teacher.ledger import Ceilings

# What a call may cost is known from these, and how its reply is read.
RESERVED = {
    "model", "messages", "max_tokens", "max_completion_tokens", "n", "stream", "response_format", "temperature"
}  # fmt: skip


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
        "--max-tokens", type=click.IntRange(1), help="Longest reply of the teacher, in tokens.  [default: 8192]"
    ),
    click.option("--extra-body", default="", help="JSON object of fields that only the teacher's server knows."),
)
speed_options = together(
    click.option(
        "--concurrency", type=click.IntRange(1, 256), help="Calls to the teacher at a time.  [default: found out]"
    ),
    click.option("--rpm", type=click.FloatRange(0, min_open=True), help="Requests a minute at most."),
    click.option("--tpm", type=click.FloatRange(0, min_open=True), help="Tokens a minute at most."),
    click.option(
        "--timeout",
        type=click.FloatRange(0, min_open=True),
        help="Seconds for one call in all.  [default: 300; 1800 for a server on this machine]",
    ),
)
price_options = together(
    click.option("--price-in", type=AMOUNT, help="Price of a million prompt tokens."),
    click.option("--price-out", type=AMOUNT, help="Price of a million completion tokens."),
    click.option(
        "--currency", default="USD", show_default=True, help="What prices and --max-cost are in; only a label."
    ),
    click.option("--max-cost", type=AMOUNT, help="The most this run may cost in all; needs the prices."),
    click.option("--max-calls", type=click.IntRange(0), help="The most calls this run may make in all."),
)
encoding_option = click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
teacher_options = together(model_options, speed_options, price_options, encoding_option)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherOptions:
    """What `teacher_options` read; empty texts and None stand for what was not given."""

    teacher_model: str
    base_url: str
    temperature: float | None
    max_tokens: int | None
    extra_body: str
    concurrency: int | None
    rpm: float | None
    tpm: float | None
    timeout: float | None
    """Seconds."""
    price_in: Decimal | None
    """Of a million tokens, as all prices."""
    price_out: Decimal | None
    currency: str
    max_cost: Decimal | None
    max_calls: int | None
    encoding: str

    def prices(self) -> Prices | None:
        """The prices of a million tokens.

        Raises:
            click.UsageError: one of the two is missing, or both are and there is a ceiling that needs them.
        """
        if self.price_in is not None and self.price_out is not None:
            return Prices(self.price_in, self.price_out, self.currency)
        if self.price_in is self.price_out is self.max_cost is None:
            return None
        raise click.UsageError(
            "--price-in and --price-out (for a million tokens) go together, and --max-cost needs both."
        )

    def choice(self, kind: str = "openai", *, batch: bool = False) -> TeacherChoice:
        """The teacher that the options and, last of all, OPENAI_* name.

        Raises:
            click.UsageError: see `prices`; or --extra-body is no JSON object, or holds what the build sets.
        """
        parameters = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "deadline": self.timeout,
            "extra_body": _extra_body(self.extra_body) if self.extra_body else None,
        }
        first, *more = (self.base_url or os.environ.get("OPENAI_BASE_URL", "")).split(",")
        return TeacherChoice(
            kind=kind,
            model=self.teacher_model,
            base_url=first,
            more_urls=tuple(more),
            api_key=os.environ.get("OPENAI_API_KEY", ""),
            concurrency=self.concurrency,
            rpm=self.rpm,
            tpm=self.tpm,
            parameters={name: value for name, value in parameters.items() if value is not None},
            prices=self.prices(),
            ceilings=Ceilings(self.max_cost, self.max_calls),
            batch=batch,
        )


def _extra_body(text: str) -> dict[str, Any]:
    context = click.get_current_context()
    option = next(option for option in context.command.params if option.name == "extra_body")
    try:
        extra = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"it is not JSON: {error.msg} at column {error.colno}.", context, option) from error
    if not isinstance(extra, dict):
        raise click.BadParameter("it must be a JSON object.", context, option)
    if taken := sorted(RESERVED & extra.keys()):
        raise click.BadParameter(
            f"it must not hold {', '.join(taken)}: the build sets them, some by options of their own.", context, option
        )
    return extra
