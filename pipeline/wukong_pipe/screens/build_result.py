"""What `build` shows at its end: pairs to look at, the table, what is short or changed, the price of the rest."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Any

from rich.console import Console

from wukong_pipe.account.estimate import Price
from wukong_pipe.commands.build import Invocation
from wukong_pipe.errors import ShardEnded
from wukong_pipe.files import read_json
from wukong_pipe.language.plurals import counted
from wukong_pipe.pipeline import Built
from wukong_pipe.screens.build import build_summary, not_asked, price_table
from wukong_pipe.workspace import Run

PAIRS = 12
"""So many pairs are shown by --limit."""
CHANGES = 10
"""So many rows that a rebuild changed elsewhere are told one by one."""


def show_price(price: Price, out: Console, *, as_json: bool) -> None:
    """What a build is expected to take, on `out` or as one JSON object on stdout."""
    if as_json:
        stages = {name: {**stage.to_json(), "cost": price.cost(stage)} for name, stage in price.stages.items()}
        plan = {"sections": price.sections, "pairs": price.pairs, "stages": stages, "cost": price.cost(price.total)}
        print(json.dumps(plan | {"holdout": asdict(price.holdout)}))
        return
    out.print(f"{price.sections} sections, {price.pairs} pairs to ask for; if each call is answered well at once:")
    out.print(price_table(price))
    for line in price.holdout.lines:
        out.print(line)
    if price.prices is None:
        out.print("For the cost give --price-in and --price-out.")
    out.print("Nothing was spent.")


def show_build(
    run: Run,
    built: Built,
    invocation: Invocation,
    rest: Price | None,
    out: Console,
    err: Console,
    *,
    as_json: bool,
) -> None:
    """What a build made, cost and left short, on `out` and `err`, or as one JSON object on stdout.

    Args:
        rest: the price of the sections that --limit left out.
    """
    if as_json:
        print(json.dumps(_build_facts(run, built, invocation, rest)))
        return
    if rest is not None:
        _show_pairs(built, out)
    out.print(build_summary(built))
    cost = f", {invocation.cost} {invocation.currency}" if invocation.cost is not None else ""
    unknown = invocation.unknown_tokens_in + invocation.unknown_tokens_out
    of_unknown = f" (up to {unknown:,} of the tokens for calls of unknown outcome)" if unknown else ""
    out.print(
        f"{invocation.calls_made} calls made{cost}{of_unknown}, "
        f"{invocation.calls_from_journal} from the journal, {invocation.seconds:.0f} s. Dataset: {run.dataset}"
    )
    if invocation.calls_in_vain:
        out.print(
            f"{counted(invocation.calls_in_vain, 'call')} made while the last pairs were on their way asked for "
            "wordings that are not needed: of pairs that turned out to be duplicates or held out."
        )
    if built.edits:
        out.print(built.edits)
    for change in built.changed[:CHANGES]:
        err.print(f"Changed though its section is not: {change}")
    if len(built.changed) > CHANGES:
        err.print(f"… and {len(built.changed) - CHANGES} more such rows; --json lists all.")
    if built.shortfall.line:
        again = " --reask short asks for it again." if built.shortfall.askable else ""
        err.print(f"{built.shortfall.line}{again}")
    for warning in [*built.warnings, *filter(None, [invocation.overcharged])]:
        err.print(f"Warning: {warning}", style="yellow")
    if rest is not None and rest.sections:
        out.print(_rest_line(rest, is_paid=built.manifest["teacher"]["language_model"]))
    elif built.shortfall.enough:
        out.print(f"Read some rows first: wukong-pipe review --run {shlex.quote(run.name)}")
        out.print(f"Next: wukong-pipe train --run {shlex.quote(run.name)}")


def show_shard(run: Run, end: ShardEnded, out: Console, *, as_json: bool) -> None:
    """What a shard's build bought, by its build.json, and what comes next."""
    note = read_json(run.folder / "build.json")
    if as_json:
        facts = {"run": run.name, "build": note, "waits_for": [*end.waits_for], "is_last": end.is_last}
        print(json.dumps(facts | {"next": str(end)}))
        return
    cost = f", {note['cost']} {note['currency']}" if note["cost"] is not None else ""
    out.print(f"{note['calls_made']} calls made{cost}, {note['calls_from_journal']} from the journal, no dataset yet.")
    out.print(str(end))


def _build_facts(run: Run, built: Built, invocation: Invocation, rest: Price | None) -> dict[str, Any]:
    """What `build --json` prints."""
    facts: dict[str, Any] = {"run": run.name, "dataset": str(run.dataset), "splits": built.manifest["splits"]}
    facts |= {"build": invocation.to_json(), "warnings": built.warnings, "edits": built.edits, "changed": built.changed}
    facts |= {"short": [str(section) for section in built.shortfall.sections], "filled": built.shortfall.share}
    facts["not_asked"] = not_asked(built.manifest)
    if rest is not None:
        facts["rest"] = {"sections": rest.sections, **rest.total.to_json(), "cost": rest.cost(rest.total)}
    return facts


def _rest_line(rest: Price, *, is_paid: bool) -> str:
    """What the sections cost that --limit left out."""
    total, cost = rest.total, rest.cost(rest.total)
    tokens = f", {total.tokens.prompt:,} tokens in and {total.tokens.completion:,} out"
    bill = f"{tokens}{f', {cost}' if cost else ''}" if is_paid else ""
    return (
        f"The rest: {rest.sections} sections, about {total.calls} calls{bill}; "
        "what was bought here is not paid again. To build it, leave out --limit."
    )


def _show_pairs(built: Built, out: Console) -> None:
    """Pairs of a build that tries a few sections, from all over it, so that its reader can judge them."""
    count = min(len(built.pairs), PAIRS)
    for pair in (built.pairs[i * len(built.pairs) // count] for i in range(count)):
        out.print(f"{pair.section.source}:{pair.lines[0]}  {pair.question}", style="bold")
        out.print(f"    {pair.answer}")
        for evidence in pair.evidence:
            out.print(f"    “{' '.join(evidence.split())}”", style="dim")
    if len(built.pairs) > count:
        out.print(f"… and {len(built.pairs) - count} more pairs: `wukong-pipe inspect N` shows those of a section.")
