"""Progress of long steps (a bar on a terminal, plain lines in a log), the price of a build, and what it made."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from wukong_pipe.account.estimate import Price
from wukong_pipe.language.plurals import counted, listed
from wukong_pipe.pipeline import Built
from wukong_pipe.printable import printable
from wukong_pipe.reasons import Reason

PLAIN = {
    "base_qa": "pairs",
    "paraphrase": "wordings",
    "heldout_wordings": "held-out wordings",
    "spellings": "spellings",
    "reply": "unreadable replies",
    "verify": "verified",
    "surplus": "over the quota",
    "edit": "by edits",
    "dedupe": "duplicates",
    "held_form": "of held-out forms",
    "audit": "by the leak audit",
}
"""What the screen calls a stage. Files name it as the code does."""

LOG_EVERY = 5.0
"""Seconds between two progress lines in a log, at least."""
LOG_TENTHS = 10
"""Lines of a step in a log, at most, while each tenth of it takes less than `LOG_AFTER`."""
LOG_AFTER = 60.0
"""Seconds after which a log gets a line in any case."""


class Steps:
    """Progress of the long steps of a command. A step appears when its first unit is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._printed: dict[str, tuple[float, int]] = {}
        """By step: when its last line was printed, and how many units were done."""

    @contextmanager
    def shown(self) -> Iterator[Steps]:
        """Draw a bar for the time of the block, where the console is a terminal."""
        if not self._console.is_terminal:
            yield self
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True) as self._bar:
            yield self
        self._bar, self._tasks = None, {}

    def __call__(self, step: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of a step are finished; a step without any is not shown."""
        if not total:
            return
        if self._bar is not None:
            if step not in self._tasks:
                self._tasks[step] = self._bar.add_task(escape(step), total=total, note="")
            self._bar.update(self._tasks[step], completed=done, total=total, note=escape(printable(note)))
        elif self._is_due(step, done, total):
            self._printed[step] = time.monotonic(), done
            self._console.print(f"{step}: {done}/{total} {note}".rstrip())

    def _is_due(self, step: str, done: int, total: int) -> bool:
        """Whether a log gets a line now: at the end, at each tenth, and after a long time without one."""
        at, before = self._printed.setdefault(step, (time.monotonic(), 0))
        passed = time.monotonic() - at
        return done == total or passed > LOG_AFTER or (passed > LOG_EVERY and done - before >= total / LOG_TENTHS)


def price_table(price: Price) -> Table:
    """The calls, tokens and cost that a build is expected to take, by stage."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "calls", "tokens in", "tokens out", *(["cost"] if price.prices else [])):
        table.add_column(heading, justify="right" if heading else "left")
    for stage, expected in [*price.stages.items(), ("all", price.total)]:
        name = PLAIN.get(stage, stage)
        numbers = (expected.calls, expected.tokens.prompt, expected.tokens.completion)
        cost = [price.cost(expected)] if price.prices else []
        table.add_row(name, *(f"{number:,}" for number in numbers), *cost)
    return table


def not_asked(manifest: Mapping[str, Any]) -> list[str]:
    """The sections that nothing was asked about, each with the reason: “Cover, line 3 (only an image)”."""
    return [
        f"{entry['section']}, line {entry['lines'][0]} ({Reason.of(entry['not_asked'])})"
        for entry in manifest["quota"]
        if entry["not_asked"]
    ]


def _verified(verify: Mapping[str, Any]) -> str:
    """What the verifier said, and what its sample of training wordings implies."""
    line = (
        f"{verify['asked']} by {verify['model']}: {verify['supported']} supported, {verify['rejected']} rejected, "
        f"{verify['unanswered']} unanswered"
    )
    if unread := sum(verify["unread"].values()):
        line += f"; {counted(unread, 'held-out question')} not read"
    if not (rate := verify["sample"].get("error_rate")):
        return line
    return f"{line}; of the training wordings nobody read at most {rate[1]:.0%} are wrong (95 %)"


def build_summary(built: Built) -> Table:
    """What a build made, as a table of two columns."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    manifest = built.manifest
    splits = manifest["splits"]
    levels = ", ".join(f"{count} {level}" for level, count in manifest["levels"].items())
    rejects = Counter(reject.stage for reject in built.rejects)
    tests = f"{splits['test']} test" + (f" ({levels})" if levels else "")
    for stage in ("base_qa", "paraphrase", "heldout_wordings", "answers"):
        if tally := manifest["accounting"].get(stage):
            counts = f"{tally['kept']} kept of {tally['received']} received, {tally['asked']} asked for"
            table.add_row(PLAIN.get(stage, stage), counts)
    if spellings := manifest["accounting"].get("spellings"):
        checked = manifest["accounting"]["check_spellings"]
        of_facts = f"for {spellings['kept']} of {counted(spellings['asked'], 'fact')}"
        table.add_row("spellings", f"{checked['kept']} kept of {checked['received']} received, {of_facts}")
    if verify := manifest.get("verify"):
        table.add_row("verified", _verified(verify))
    table.add_row("rows", f"{splits['train']} train, {splits['validation']} validation, {tests}")
    if built.rows:
        covered = manifest["coverage"]["overall"]
        table.add_row("coverage", f"{covered:.1%} of the source's sentences, items, table rows and pieces of code")
    audit = manifest["audit"]
    missed = sum(entry["worth"] - entry["wanted"] for entry in manifest["quota"])
    if missed:
        table.add_row("not asked", f"{counted(missed, 'fact')} beyond --max-pairs in their sections")
    if unasked := not_asked(manifest):
        table.add_row("not asked", f"{counted(len(unasked), 'section')}: {printable(listed(unasked, '; '))}")
    if splits["test"] or splits["validation"]:
        table.add_row(
            "leak audit",
            f"{counted(audit['dropped'], 'row')} dropped as too close to a held-out question; of those left the "
            f"closest is {audit['highest_similarity']:.2f} alike",
        )
    taken = ", ".join(f"{count} {PLAIN.get(stage, stage)}" for stage, count in rejects.most_common())
    table.add_row("rejected", taken or "nothing")
    if refused := [reject.reason for reject in built.rejects if reject.reason.code == "request-rejected"]:
        table.add_row("", f"{printable(str(refused[0]))} ({counted(len(refused), 'call')})")
    return table
