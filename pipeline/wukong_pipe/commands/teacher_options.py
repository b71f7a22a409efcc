"""The options of a teacher, which `build` and `eval` share: which model, how fast it is asked, and what it may cost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from wukong_pipe.commands.options import Call, Range, check
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.errors import OptionError
from wukong_pipe.journal.records import Prices
from wukong_pipe.teacher.ledger import Ceilings

# What a call may cost is known from these, and how its reply is read.
RESERVED = {
    "model", "messages", "max_tokens", "max_completion_tokens", "n", "stream", "response_format", "temperature"
}  # fmt: skip
MOST_MONEY = Decimal(10) ** 12
Positive = Annotated[float, Range(0, low_open=True)]
Money = Decimal | float | str
"""An amount, exact as Decimal or text; a float counts as it is printed: 0.1 is a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherOptions(Call):
    """Empty texts and None stand for what was not given."""

    teacher_model: str = ""
    """The teacher's model; known providers have a default."""
    base_url: str = ""
    """Its server: $OPENAI_BASE_URL, then OpenAI. Its key is $OPENAI_API_KEY."""
    temperature: float | None = None
    max_tokens: Annotated[int, Range(1)] | None = None
    extra_body: Mapping[str, Any] | None = None
    """Fields that only the teacher's server knows."""
    concurrency: Annotated[int, Range(1, 256)] | None = None
    """Calls at a time; None to find out."""
    rpm: Positive | None = None
    tpm: Positive | None = None
    timeout: Positive | None = None
    """Seconds for one call in all."""
    price_in: Money | None = None
    """Of a million tokens, as all prices."""
    price_out: Money | None = None
    currency: str = "USD"
    max_cost: Money | None = None
    max_calls: Annotated[int, Range(0)] | None = None
    encoding: str = "utf-8"
    """Of the sources."""

    def prices(self) -> Prices | None:
        """The prices of a million tokens.

        Raises:
            OptionError: one of the two is missing, or both are and there is a ceiling that needs them.
        """
        if self.price_in is not None and self.price_out is not None:
            return Prices(exact(self.price_in), exact(self.price_out), self.currency)
        if self.price_in is self.price_out is self.max_cost is None:
            return None
        raise OptionError("--price-in and --price-out (for a million tokens) go together, and --max-cost needs both.")

    def choice(self, kind: str = "openai", *, batch: bool = False) -> TeacherChoice:
        """The teacher that the options and, last of all, OPENAI_* name.

        Raises:
            OptionError: see `prices` and `check`; or extra_body holds what the build sets.
        """
        check(self)
        if self.extra_body and (wrong := reserved_in(self.extra_body)):
            raise OptionError(f"extra_body: {wrong}")
        parameters = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "deadline": self.timeout,
            "extra_body": self.extra_body and dict(self.extra_body),
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
            ceilings=Ceilings(None if self.max_cost is None else exact(self.max_cost), self.max_calls),
            batch=batch,
        )


def exact(value: Money) -> Decimal:
    """An amount of money.

    >>> exact(0.1), exact("1.50")
    (Decimal('0.1'), Decimal('1.50'))

    Raises:
        OptionError: it is no number, is negative, or is more than there is.
    """
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= MOST_MONEY:
        raise OptionError(f"{value!r} is no amount: give a number such as 0.4.")
    return amount


def reserved_in(extra_body: Mapping[str, Any]) -> str:
    """What is wrong with fields for the teacher's server alone; "" where nothing is."""
    taken = sorted(RESERVED & extra_body.keys())
    return f"it must not hold {', '.join(taken)}: the build sets them, some by options of their own." if taken else ""
