"""The journal's requests, tokens and cost, by run, model and prompt; and what a recovery restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from wukong_pipe.journal.merge import Merged
from wukong_pipe.journal.records import Prices, Send, Tokens
from wukong_pipe.journal.recover import Recovered
from wukong_pipe.journal.store import Journal
from wukong_pipe.language.plurals import counted
from wukong_pipe.teacher.ledger import NOTHING, money


@dataclass(slots=True)
class JournalLine:
    """The requests of one run, model and prompt. Requests in an open batch have a line of their own."""

    run: str = ""
    model: str = ""
    prompt: str = ""
    batch: str = ""
    """The open batch; empty where these requests are in none."""
    answered: int = 0
    failed: int = 0
    open: int = 0
    """Requests that have no answer yet, or whose process died before it came."""
    tokens: Tokens = NOTHING
    """As booked, `unknown` included."""
    unknown: Tokens = NOTHING
    """Of requests that are open or whose outcome is unknown: booked at the most they can cost."""
    cost: dict[str, Decimal] = field(default_factory=dict)
    """As booked, by currency; requests without prices are not in it."""

    def add(self, other: JournalLine) -> None:
        """Count the requests of another line, too."""
        self.answered += other.answered
        self.failed += other.failed
        self.open += other.open
        self.tokens += other.tokens
        self.unknown += other.unknown
        for currency, amount in other.cost.items():
            self.cost[currency] = self.cost.get(currency, Decimal(0)) + amount


def summary(journal: Journal) -> list[JournalLine]:
    """One line for each run, model, prompt and open batch, in the order of their first request; the calls of the
    embedded teacher, which cost nothing, are last.

    Raises:
        WorkspaceError: the journal is damaged.
    """
    lines: dict[tuple[str, str, str, str], JournalLine] = {}
    for send, batch in journal.sends_with_batches():
        place = (send.run, send.model, send.prompt, batch)
        lines.setdefault(place, JournalLine(*place)).add(_line_of(send))
    for run, model, prompt, calls in journal.counts("offline"):
        lines.setdefault((run, model, prompt, ""), JournalLine(run, model, prompt)).answered += calls
    return list(lines.values())


def _line_of(send: Send) -> JournalLine:
    tokens = Tokens(send.tokens_in, send.tokens_out)
    return JournalLine(
        answered=int(send.outcome == "answered"),
        failed=int(send.outcome in ("unbilled", "unknown")),
        open=int(send.outcome == "open"),
        tokens=tokens,
        unknown=tokens if send.outcome in ("open", "unknown") else NOTHING,
        cost={send.currency: Prices(Decimal(send.price_in), Decimal(send.price_out)).cost(tokens)}
        if send.price_in
        else {},
    )


def total(lines: Sequence[JournalLine]) -> JournalLine:
    """The sum of all lines."""
    everything = JournalLine()
    for line in lines:
        everything.add(line)
    return everything


def summary_table(lines: Sequence[JournalLine]) -> Table:
    """The lines for people, and their total below."""
    table = Table(box=None, pad_edge=False)
    for name in ("run", "model", "prompt"):
        table.add_column(name, overflow="fold")
    for name in ("answered", "failed", "open", "tokens in", "tokens out", "of it unknown", "cost"):
        table.add_column(name, justify="right")
    for line in lines:
        prompt = f"{line.prompt} (in batch {line.batch})" if line.batch else line.prompt
        table.add_row(escape(line.run), escape(line.model), escape(prompt), *_numbers(line))
    table.add_section()
    table.add_row("total", "", "", *_numbers(total(lines)), style="bold")
    return table


def _numbers(line: JournalLine) -> list[str]:
    unknown = f"{line.unknown.prompt:,} + {line.unknown.completion:,}" if line.unknown != NOTHING else ""
    counts = (line.answered, line.failed, line.open, line.tokens.prompt, line.tokens.completion)
    cost = ", ".join(escape(money(amount, currency)) for currency, amount in sorted(line.cost.items()))
    return [*(f"{count:,}" for count in counts), unknown, cost]


def as_json(lines: Sequence[JournalLine]) -> dict[str, Any]:
    """The lines and their total for programs; amounts are strings, for JSON's numbers are not exact."""
    return {
        "lines": [
            {"run": line.run, "model": line.model, "prompt": line.prompt, "batch": line.batch, **_values(line)}
            for line in lines
        ],
        "total": _values(total(lines)),
    }


def _values(line: JournalLine) -> dict[str, Any]:
    return {
        "answered": line.answered,
        "failed": line.failed,
        "open": line.open,
        "tokens_in": line.tokens.prompt,
        "tokens_out": line.tokens.completion,
        "unknown_tokens_in": line.unknown.prompt,
        "unknown_tokens_out": line.unknown.completion,
        "cost": {currency: f"{amount:f}" for currency, amount in sorted(line.cost.items())},
    }


def sound_line(path: Path, added: int | None, *, is_current: bool) -> str:
    """That a journal is sound, and what was added to it, for people.

    Args:
        added: calls that it lacked and a copy held; 0 where it lacked only requests, None where it lacked nothing.
        is_current: whether its tables are of our version.
    """
    if added is not None:
        what = counted(added, "call") if added else "requests without an answer"
        return escape(f"The journal {path} is sound. What it lacked was added from its copies: {what}.")
    old = "" if is_current else " An older version wrote it: the next build brings it up to date."
    return escape(f"The journal {path} is sound: there is nothing to recover.{old}")


def merged_line(journal: Path, merged: Merged) -> str:
    """What a journal got from another one, for people."""
    twice = (
        f" {merged.twice} of these were paid for in both journals: the earlier answers count, and both costs."
        if merged.twice
        else ""
    )
    return f"{journal}: {counted(merged.calls, 'call')}, {merged.added} added, " + (
        f"{merged.calls - merged.added} here already.{twice}"
    )


def recovery_lines(path: Path, recovered: Recovered) -> Iterator[str]:
    """What was restored, which runs lack calls, and what that costs, for people."""
    if recovered.copy is None:
        calls = counted(recovered.added, "call")
        yield escape(f"No copy of the journal {path} is sound. The journal now holds what could be read: {calls}.")
        yield "Its other calls are lost: they are paid for again when a build asks for them."
    else:
        calls = counted(recovered.copied, "call")
        yield escape(f"The journal {path} was restored from {recovered.copy}, a copy of {recovered.made} with {calls}.")
        if recovered.added:
            yield f"Added from the damaged journal and the other copy: {counted(recovered.added, 'call')}."
        yield "Other calls bought after that are lost: they are paid for again when a build asks for them."
    if not recovered.losses:
        yield "As far as the runs' files say, no run lacks a call."
    for loss in recovered.losses:
        if loss.calls:
            yield escape(f"Run {loss.run} lacks {counted(loss.calls, 'call')} that its dataset was made from.")
        if loss.bought_since:
            bought = counted(loss.bought_since, "call")
            after = "" if recovered.copy is None else "ended after that and "
            yield escape(f"The last build of run {loss.run} {after}bought {bought}.")
    if recovered.damaged is not None:
        yield escape(f"The damaged journal is {recovered.damaged}.")
