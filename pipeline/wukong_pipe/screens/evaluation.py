"""What `eval` shows on the terminal besides the scores: lines about each part of it, rivals, past evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from wukong_pipe.language.plurals import counted
from wukong_pipe.printable import one_line
from wukong_trainer.report.history import past_evaluation
from wukong_trainer.scoring.figures import interval, percent, points, sampled

if TYPE_CHECKING:
    from wukong_trainer.report.difference_records import Difference
    from wukong_trainer.report.grade_records import Grades, OfScore, RightAnswers, Share
    from wukong_trainer.report.history import PastEvaluation
    from wukong_trainer.report.metrics_records import JudgeRates, JudgeResult, Metrics, Primary, Rivals
    from wukong_trainer.report.side_records import AllInventions, OpenBookBound

CUT = 0.05
"""A smaller share of answers that did not end is not worth a line."""


def evaluation_lines(metrics: Metrics) -> Iterator[str]:
    """A line for each part of the evaluation, and for each reason to doubt its numbers."""
    yield from _primary_lines(metrics.primary)
    yield from _score_lines(metrics)
    if metrics.engine:
        yield f"Both models answered through {metrics.engine}: the adapter merged, the base without NF4."
    yield from _cut_lines(metrics)
    if metrics.forgetting:
        yield f"Forgetting: {metrics.forgetting.explanation}"
    if metrics.hallucination:
        yield from _invention_lines(metrics.hallucination)
    if metrics.open_book:
        yield from _open_book_lines(metrics.open_book)
    if metrics.grades:
        yield from _grade_lines(metrics.grades, metrics.primary.by_score)
    if metrics.judge:
        yield from _judge_lines(metrics.judge)


def edited_facts_lines(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What a person changed of that which the score looks for: the manifest keeps both versions."""
    edits = manifest.get("edits")
    changed = edits.get("facts") if isinstance(edits, dict) else None
    counts = [one.get("test") for one in changed if isinstance(one, dict)] if isinstance(changed, list) else []
    if count := sum(one for one in counts if isinstance(one, int)):
        yield f"Facts changed by hand (edits.jsonl): those of {counted(count, 'test question')}."


def _primary_lines(primary: Primary) -> Iterator[str]:
    from wukong_trainer.scoring.intervals import MIN_SECTIONS

    if primary.alone:
        yield (
            f"Of the questions {primary.alone} name no section (section_id) and no group (group) that they share with "
            "others: each is taken as independent, and if some are alike, the interval is too narrow."
        )
    if primary.verdict == "too few sections":
        yield (
            f"No verdict: the questions of the primary level, {primary.level}, are about "
            f"{counted(primary.sections, 'section')}, and a verdict needs {MIN_SECTIONS}."
        )
    if primary.verdict == "no evidence" and primary.smallest_effect and not primary.by_score:
        yield (
            f"No evidence is not no effect: a true difference of {100 * primary.smallest_effect:.0f} points is found "
            "by about 80 of 100 tests like this, or by as few as 50 where sections are few and uneven."
        )


def _score_lines(metrics: Metrics) -> Iterator[str]:
    """How far the score can be trusted: whose facts it looks for, and how often a wrong answer of the section hits."""
    if (facts := metrics.facts) and (facts.derived or facts.none):
        yield (
            f"Facts: named with {counted(facts.named, 'question')}, taken from the reference by pattern for "
            f"{facts.derived:,}, none found for {facts.none:,}, which are not scored (--judge grades them)."
        )
    if (cross := metrics.cross_hit) and cross.share is not None:
        yield (
            f"Cross-hits: of {counted(cross.n, 'right answer')} to other questions of the same section "
            f"{100 * cross.share:.1f}\u00a0% pass for right."
        )


def _cut_lines(metrics: Metrics) -> Iterator[str]:
    """An answer that was cut off is scored as far as it goes, and one that was still thinking as nothing."""
    if not (level := metrics.levels.get("wording")):
        return
    for side, scores in (("base", level.base), ("tuned", level.tuned)):
        ended = scores.get("stopped_by_eos", 1.0)
        if ended <= 1 - CUT:
            yield (
                f"Cut off: {percent(1 - ended)} of the {side} answers had not ended at --max-new-tokens "
                f"{metrics.settings['max_new_tokens']}, and are scored as far as they go."
            )
    likely = level.compared.get("loglik")
    if missing := level.n - (likely.n if likely else 0):
        yield (
            f"No numbers: of {counted(missing, 'question')} the likelihood is none (NaN): a model "
            "overflows there, and its answers mean nothing."
        )


def _invention_lines(found: AllInventions) -> Iterator[str]:
    if not found.n:
        return
    base, tuned = percent(found.base.answers), percent(found.tuned.answers)
    yield (
        f"Inventions: {base} of the base answers and {tuned} of the tuned answers state a number or name that neither "
        f"source nor question holds (difference {_in_points(found)}, n {found.n})."
    )
    near = found.outside_section
    if near.n:
        base, tuned = percent(near.base.answers), percent(near.tuned.answers)
        yield (
            f"Inventions: {base} of the base and {tuned} of the tuned state one that the section asked about does not "
            f"hold ({_in_points(near)})."
        )


def _open_book_lines(book: OpenBookBound) -> Iterator[str]:
    for level, rates in book.levels.items():
        closed = "" if rates.gap_closed is None else f"; tuning closed {percent(rates.gap_closed)} of the base's gap"
        yield (
            f"Open book, {level}: base {percent(rates.base)}, tuned {percent(rates.tuned)}, base with the section in "
            f"its prompt {percent(rates.open_book)} (tuned minus that {_in_points(rates)}, n {rates.n}){closed}."
        )
    if book.cut or book.missing:
        yield (
            f"Open book: cut to fit, {counted(book.cut, 'section')}; left out, because their section is gone, "
            f"{counted(book.missing, 'question')}."
        )


def _grade_lines(grades: Grades, denied: str | None) -> Iterator[str]:
    """
    Args:
        denied: the verdict of the score that the grades do not bear out.
    """
    yield f"Grades: given by {one_line(grades.judge)}."
    for level, rates in grades.levels.items():
        base, tuned = rates.base, rates.tuned
        yield (
            f"Grades, {level}: right {percent(base.right)} of the base and {percent(tuned.right)} of the tuned "
            f"answers, partly {percent(base.partly)} and {percent(tuned.partly)}; of the right ones "
            f"{_in_points(rates)}, {rates.verdict}; n {rates.n}."
        )
    of_score = grades.levels["wording"].of_score if "wording" in grades.levels else None
    if of_score:
        yield _errors_line(of_score)
    if of_score and denied:
        yield (
            f"No evidence: the score alone says {denied}, and the grades of the same {counted(of_score.n, 'question')} "
            f"do not bear that out ({_in_points(of_score)}, {of_score.verdict})."
        )
    if grades.disagreements:
        yield (
            f"Grades: judge and score see an answer differently on {counted(grades.disagreements, 'question')}, which "
            "the report shows first."
        )
    if grades.ungraded:
        yield f"Grades: not graded, because a call failed: {counted(grades.ungraded, 'question')}."


def _errors_line(of_score: OfScore) -> str:
    """How often the score is wrong by the judge's grades."""
    base, tuned = of_score.base, of_score.tuned
    return (
        f"Score: right answers that hit, base {_counts(base.sensitivity)}, tuned {_counts(tuned.sensitivity)}; others "
        f"that do not, base {_counts(base.specificity)}, tuned {_counts(tuned.specificity)}; kappa "
        f"{_kappa(base.kappa)} and {_kappa(tuned.kappa)}."
    )


def _counts(rate: Share | None) -> str:
    return "none" if rate is None else f"{rate[0]} of {rate[1]}"


def _kappa(kappa: float | None) -> str:
    return "none" if kappa is None else f"{kappa:.2f}"


def _judge_lines(judge: JudgeResult) -> Iterator[str]:
    yield (
        f"Judge: the tuned answer won {judge.wins}, tied {judge.ties}, lost {judge.losses} of {judge.n}: "
        f"win rate {_win_rate(judge)} (sign test, for independent questions: p {judge.p:.3g})."
    )
    if len(judge.levels) > 1:
        rates = "; ".join(f"{level} {_win_rate(its)}, n {its.n}" for level, its in judge.levels.items())
        yield f"Judge, by level: {rates}."
    if judge.consistency is not None:
        share, n = judge.agreement.share, judge.agreement.n
        agrees = (
            f"; agrees with the scores on {percent(share)} of the {n} rows on which both decide"
            if share is not None
            else ""
        )
        yield f"Judge: the same verdict in both orders on {percent(judge.consistency)} of the rows{agrees}."
    if judge.unjudged:
        yield f"Judge: not judged, because a call failed: {counted(judge.unjudged, 'question')}."


def _win_rate(rates: JudgeRates) -> str:
    low, high = rates.ci95
    return f"{percent(rates.win_rate)}, 95 % interval {percent(low)} to {percent(high)}"


def _in_points(difference: Difference | RightAnswers) -> str:
    return f"{points(difference.difference)} points, 95 % interval {interval(difference.ci95)}"


def against_table(rivals: Rivals) -> Table:
    """The other models, each compared with the first on the questions that neither has seen."""
    first = one_line(rivals.first)
    table = Table(title=f"Compared with {first}", title_justify="left", box=None, pad_edge=False)
    for heading in ("model", "level", "n", first, "model's", "difference", "leakage"):
        table.add_column(heading, justify="left" if heading in {"model", "level", "leakage"} else "right")
    for model in rivals.models:
        for level, rates in model.levels.items():
            shares = (percent(rates.first), percent(rates.model), _in_points(rates))
            table.add_row(Text(one_line(model.name)), level, str(rates.n), *shares, model.leakage)
    return table


def history_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Past evaluations, one a line, oldest first; those of another version are counted below."""
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "adapter", "test set", "score", "n", "base", "tuned", "difference", "verdict", "leakage"):
        table.add_column(heading)
    evaluations = [past for entry in entries if (past := past_evaluation(entry))]
    for past in evaluations:
        table.add_row(*_history_cells(past))
    if others := len(entries) - len(evaluations):
        table.caption = f"Written by another version, and not shown: {counted(others, 'evaluation')}."
    return table


def _history_cells(past: PastEvaluation) -> list[str]:
    result = past.primary
    verdict = result.verdict + sampled(past.sample) + (f" by {past.engine}" if past.engine else "")
    verdict += f", graded by {one_line(past.judge)}" if past.judge else ""
    names, rates = [past.minute, past.adapter, past.test_set], [percent(result.base), percent(result.tuned)]
    return [*names, result.metric, str(result.n), *rates, _in_points(result), verdict, past.leakage]
