"""What `eval` shows besides the scores: forgetting, inventions, the bound, the judge, rivals, and past evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from wukong_pipe.inspect_run import one_line

CUT = 0.05
"""A smaller share of answers that did not end is not worth a line."""


def evaluation_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """One line for each part of the metrics that is there, for a verdict that cannot be and for answers cut off."""
    from wukong_trainer.intervals import MIN_SECTIONS

    if metrics["primary"]["verdict"] == "too few sections":
        yield (
            f"No verdict: the questions of the primary level, {metrics['primary']['level']}, are about "
            f"{metrics['primary']['sections']} sections, and a verdict needs {MIN_SECTIONS}."
        )
    yield from _cut_lines(metrics)
    if forgetting := metrics.get("forgetting"):
        yield f"Forgetting: {forgetting['explanation']}"
    if (invented := metrics.get("hallucination")) and invented["n"]:
        rates = " and ".join(f"{invented[side]['answers']:.0%} of the {side} answers" for side in ("base", "tuned"))
        yield (
            f"Inventions: {rates} state a number or name that neither source nor question holds "
            f"(difference {_difference(invented)}, n {invented['n']})."
        )
    if book := metrics.get("open_book"):
        for level, block in book["levels"].items():
            gap = block["gap_closed"]
            share = "" if gap is None else f"; tuning closed {gap:.0%} of the base's gap"
            yield (
                f"Open book, {level}: base {block['base']:.2f}, tuned {block['tuned']:.2f}, base with the section in "
                f"its prompt {block['open_book']:.2f} (tuned minus that {_difference(block)}, n {block['n']}){share}."
            )
        if book["cut"] or book["missing"]:
            yield f"Open book: {book['cut']} sections were cut to fit, {book['missing']} rows have no section any more."
    if judge := metrics.get("judge"):
        yield from _judge_lines(judge)


def _cut_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """An answer that was cut off is scored as far as it goes, and one that was still thinking as nothing."""
    primary = metrics["levels"].get("wording") or {}
    for side in ("base", "tuned"):
        ended = primary.get(side, {}).get("stopped_by_eos", 1.0)
        if ended <= 1 - CUT:
            yield (
                f"Cut off: {1 - ended:.0%} of the {side} answers had not ended at --max-new-tokens "
                f"{metrics['settings']['max_new_tokens']}, and are scored as far as they go."
            )


def _judge_lines(judge: Mapping[str, Any]) -> Iterator[str]:
    low, high = judge["ci95"]
    yield (
        f"Judge: the tuned answer won {judge['wins']}, tied {judge['ties']}, lost {judge['losses']} of {judge['n']}; "
        f"win rate {judge['win_rate']:.2f}, 95 % interval {low:.2f} to {high:.2f} (sign test, for "
        f"independent questions: p {judge['p']:.3g})."
    )
    if judge["n"]:
        agreement = judge["agreement"]
        agrees = "" if agreement["share"] is None else f"; agrees with the scores on {agreement['share']:.0%}"
        of = f" of the {agreement['n']} rows on which both decide" if agrees else ""
        yield f"Judge: the same verdict in both orders on {judge['consistency']:.0%} of the rows{agrees}{of}."
    if judge["unjudged"]:
        yield f"Judge: {judge['unjudged']} rows stayed unjudged, because a call failed."


def _difference(block: Mapping[str, Any]) -> str:
    low, high = block["ci95"]
    return f"{block['difference']:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"


def against_table(metrics: Mapping[str, Any]) -> Table:
    """The models of `metrics["against"]`, each compared with the first on the questions that neither has seen."""
    against = metrics["against"]
    table = Table(title=f"Compared with {one_line(against['first'])}", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", "level", "n", one_line(against["first"]), "model's", "difference", "leakage"):
        table.add_column(heading, justify="left" if heading in {"model", "level", "leakage"} else "right")
    for model in against["models"]:
        for level, block in model["levels"].items():
            table.add_row(
                Text(one_line(model["name"])),
                level,
                str(block["n"]),
                f"{block['first']:.2f}",
                f"{block['model']:.2f}",
                _difference(block),
                model["leakage"],
            )
    return table


def history_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Past evaluations, one a line, oldest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "adapter", "test set", "n", "base", "tuned", "difference", "verdict", "leakage"):
        table.add_column(heading)
    for entry in entries:
        primary = entry["primary"]
        table.add_row(
            entry["time"],
            entry["adapter_hash"][:8],
            entry["test_hash"][:8],
            str(primary["n"]),
            f"{primary['base']:.2f}",
            f"{primary['tuned']:.2f}",
            _difference(primary),
            primary["verdict"],
            entry["leakage"],
        )
    return table
