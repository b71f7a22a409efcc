"""What `eval` shows besides the scores: forgetting, inventions, the bound, the judge, rivals, and past evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from wukong_pipe.language.plurals import counted
from wukong_pipe.printable import one_line
from wukong_trainer.scoring.figures import engine_of, in_points, past_evaluation, percent, rivals, sampled

CUT = 0.05
"""A smaller share of answers that did not end is not worth a line."""


def evaluation_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """One line for each part of the metrics that is there, for a verdict that cannot be and for answers cut off."""
    from wukong_trainer.scoring.intervals import MIN_SECTIONS

    if alone := metrics["primary"].get("alone", 0):
        yield (
            f"Of the questions {alone} name no section (section_id) and no group (group) that they share with others: "
            "each is taken as independent, and if some are alike, the interval is too narrow."
        )
    if metrics["primary"]["verdict"] == "too few sections":
        yield (
            f"No verdict: the questions of the primary level, {metrics['primary']['level']}, are about "
            f"{counted(metrics['primary']['sections'], 'section')}, and a verdict needs {MIN_SECTIONS}."
        )
    if metrics["primary"]["verdict"] == "no evidence" and (effect := metrics["primary"].get("smallest_effect")):
        yield (
            f"No evidence is not no effect: a true difference of {100 * effect:.0f} points is found by about 80 of 100 "
            "tests like this, or by as few as 50 where sections are few and uneven."
        )
    if engine := engine_of(metrics):
        yield f"Both models answered through {engine}: the adapter merged, the base without NF4."
    yield from _cut_lines(metrics)
    if forgetting := metrics.get("forgetting"):
        yield f"Forgetting: {forgetting['explanation']}"
    if (invented := metrics.get("hallucination")) and invented["n"]:
        rates = " and ".join(
            f"{percent(invented[side]['answers'])} of the {side} answers" for side in ("base", "tuned")
        )
        yield (
            f"Inventions: {rates} state a number or name that neither source nor question holds "
            f"(difference {in_points(invented)}, n {invented['n']})."
        )
        if (near := invented["outside_section"])["n"]:
            rates = " and ".join(f"{percent(near[side]['answers'])} of the {side}" for side in ("base", "tuned"))
            yield f"Inventions: {rates} state one that the section asked about does not hold ({in_points(near)})."
    if book := metrics.get("open_book"):
        for level, block in book["levels"].items():
            gap = block["gap_closed"]
            share = "" if gap is None else f"; tuning closed {percent(gap)} of the base's gap"
            yield (
                f"Open book, {level}: base {percent(block['base'])}, tuned {percent(block['tuned'])}, base with the "
                f"section in its prompt {percent(block['open_book'])} (tuned minus that {in_points(block)}, "
                f"n {block['n']}){share}."
            )
        if book["cut"] or book["missing"]:
            yield (
                f"Open book: cut to fit, {counted(book['cut'], 'section')}; left out, because their section is gone, "
                f"{counted(book['missing'], 'question')}."
            )
    if judge := metrics.get("judge"):
        yield from _judge_lines(judge)


def _cut_lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """An answer that was cut off is scored as far as it goes, and one that was still thinking as nothing."""
    primary = metrics["levels"].get("wording") or {}
    for side in ("base", "tuned"):
        ended = primary.get(side, {}).get("stopped_by_eos", 1.0)
        if ended <= 1 - CUT:
            yield (
                f"Cut off: {percent(1 - ended)} of the {side} answers had not ended at --max-new-tokens "
                f"{metrics['settings']['max_new_tokens']}, and are scored as far as they go."
            )
    told = primary.get("compared", {}).get("loglik", {}).get("n", 0)
    if told < (n := primary.get("n", 0)):
        yield (
            f"No numbers: of {counted(n - told, 'question')} the likelihood is none (NaN): a model "
            "overflows there, and its answers mean nothing."
        )


def _judge_lines(judge: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Judge: the tuned answer won {judge['wins']}, tied {judge['ties']}, lost {judge['losses']} of {judge['n']}: "
        f"win rate {_rate(judge)} (sign test, for independent questions: p {judge['p']:.3g})."
    )
    if len(judge["levels"]) > 1:
        rates = "; ".join(f"{level} {_rate(block)}, n {block['n']}" for level, block in judge["levels"].items())
        yield f"Judge, by level: {rates}."
    if judge["n"]:
        agreement = judge["agreement"]
        agrees = "" if agreement["share"] is None else f"; agrees with the scores on {percent(agreement['share'])}"
        of = f" of the {agreement['n']} rows on which both decide" if agrees else ""
        yield f"Judge: the same verdict in both orders on {percent(judge['consistency'])} of the rows{agrees}{of}."
    if judge["unjudged"]:
        yield f"Judge: not judged, because a call failed: {counted(judge['unjudged'], 'question')}."


def _rate(block: Mapping[str, Any]) -> str:
    low, high = block["ci95"]
    return f"{percent(block['win_rate'])}, 95 % interval {percent(low)} to {percent(high)}"


def against_table(metrics: Mapping[str, Any]) -> Table:
    """The models of `metrics["against"]`, each compared with the first on the questions that neither has seen."""
    against = metrics["against"]
    table = Table(title=f"Compared with {one_line(against['first'])}", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", "level", "n", one_line(against["first"]), "model's", "difference", "leakage"):
        table.add_column(heading, justify="left" if heading in {"model", "level", "leakage"} else "right")
    for line in rivals(against):
        table.add_row(
            Text(one_line(line["name"])),
            line["level"],
            str(line["n"]),
            percent(line["first"]),
            percent(line["model"]),
            in_points(line),
            line["leakage"],
        )
    return table


def history_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Past evaluations, one a line, oldest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "adapter", "test set", "n", "base", "tuned", "difference", "verdict", "leakage"):
        table.add_column(heading)
    others = 0
    for entry in entries:
        try:
            table.add_row(*_past(entry))
        except (AttributeError, KeyError, TypeError, ValueError):
            others += 1
    if others:
        table.caption = f"Written by another version, and not shown: {counted(others, 'evaluation')}."
    return table


def _past(entry: Mapping[str, Any]) -> list[str]:
    line = past_evaluation(entry)
    return [
        line["time"],
        line["adapter"],
        line["test_set"],
        str(line["n"]),
        percent(line["base"]),
        percent(line["tuned"]),
        in_points(line),
        line["verdict"] + sampled(line["sample"]) + (f" by {line['engine']}" if line["engine"] else ""),
        line["leakage"],
    ]
