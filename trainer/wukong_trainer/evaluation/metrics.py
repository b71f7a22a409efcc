"""What the answers of base and tuned prove, level by level: the content of `metrics.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, TypeGuard

from wukong_pipe.errors import DataError
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.plurals import counted
from wukong_pipe.printable import printable
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.records import ALONE, SIDES, AnsweredRow
from wukong_trainer.evaluation.score_checks import cross_hits, fact_counts
from wukong_trainer.scoring.facts import Group
from wukong_trainer.scoring.figures import in_points
from wukong_trainer.scoring.intervals import METHOD, estimate, holm, section_tally, sign_test, tally, wilson
from wukong_trainer.scoring.score_names import LOWER_IS_BETTER, NO_DIRECTION, PRIMARY, UNBOUNDED
from wukong_trainer.scoring.scores import corpus_bleu

LEVELS = ("wording", "question", "section")


def summarise(
    answers: Sequence[AnsweredRow], *, base_model: str, adapter: str, leakage: str, settings: dict[str, Any]
) -> dict[str, Any]:
    """The content of `metrics.json` from all answers.

    {"primary": {"metric": "fact_hit", "level": "wording", "n": 475, "base": 0.02, "tuned": 0.91,
                 "difference": 0.89, "ci95": [0.85, 0.92], "verdict": "better", …}, "levels": {"wording": {…}, …}, …}

    A level is about its questions with one to three facts; without such it is {}, and without those of wording
    `primary` has n = 0 and an interval that says nothing. `groups` holds the others of each level: those that ask for a
    yes or no (polar), explanations and longer answers by their mean fact_recall (explained), each with an interval of
    its own, and how many questions have no facts and no score (unscored).

    `levels.<level>.compared` holds for every score the difference with its interval, and a p that is Holm-corrected
    over all of them but the primary one. `by_kind` splits a level by the kind of question, `levels.wording.by_form` by
    whether the question's template was seen in training, `by_nearness` by whether the wording is near to a trained one
    of its pair; `explanation` and `causes` read the control (section level). `facts` and `cross_hit` say how far the
    score can be trusted: see `score_checks`.

    Args:
        leakage: see `leakage_of`.

    Raises:
        DataError: a row stands at none of the three levels, and would vanish from the numbers.
    """
    lost = [row.test.id for row in answers if row.test.level not in LEVELS]
    if lost:
        raise DataError(
            f"{len(lost)} answers stand at none of the levels {', '.join(LEVELS)}, first row {lost[0]}; "
            "run eval again on a test split that has levels."
        )
    every = {level: [row for row in answers if row.test.level == level] for level in LEVELS}
    rows = {level: [row for row in every[level] if row.is_primary] for level in LEVELS}
    levels = {level: _compare(rows[level]) for level in LEVELS}
    for level in LEVELS:
        if rows[level]:
            levels[level] |= {"compared": _compare_scores(rows[level]), "corpus_bleu": _corpus_bleu(rows[level])}
            levels[level]["by_kind"] = _split(rows[level], lambda row: row.test.kind)
    _correct(levels)
    for name, part in (("by_form", lambda row: row.form), ("by_nearness", lambda row: row.test.nearness)):
        if any(map(part, rows["wording"])):
            levels["wording"][name] = _split(rows["wording"], part)
    if rows["section"]:
        trained = {normalise(row.test.reference) for row in rows["wording"] + rows["question"]}
        levels["section"] |= _read_control(levels["section"], rows["section"], trained, leakage)
    primary = {"metric": PRIMARY, "level": "wording", **_headline(levels["wording"]), "interval": METHOD}
    models = {"base_model": base_model, "adapter": adapter}
    tests = [row.test for row in answers]
    checks = {"facts": fact_counts(tests), "cross_hit": cross_hits(tests)}
    groups = {level: _groups(every[level]) for level in LEVELS if every[level]}
    return {"primary": primary, "levels": levels, "groups": groups, **checks, **models} | {
        "leakage": leakage,
        "settings": settings,
    }


def _of_group(rows: Sequence[AnsweredRow], group: Group) -> list[AnsweredRow]:
    return [row for row in rows if row.test.wanted.group == group]


def _groups(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """What of a level the primary score is not about, each with an interval of its own."""
    polar, explained = _of_group(rows, "polar"), _of_group(rows, "explained")
    return {
        "polar": _part(polar) or None,
        "explained": _part(explained, "fact_recall") or None,
        "explained_by_kind": _split(explained, lambda row: row.test.kind, "fact_recall"),
        "unscored": len(_of_group(rows, "none")),
    }


def _headline(block: dict[str, Any]) -> dict[str, Any]:
    if not block:
        rates, ci95 = {"base": 0.0, "tuned": 0.0}, [-1.0, 1.0]
        none = {
            "n": 0,
            "sections": 0,
            "alone": 0,
            **rates,
            "difference": 0.0,
            "ci95": ci95,
            "verdict": "too few sections",
        }
        return none | {"p": 1.0, "smallest_effect": None}
    rates = {side: block[side][PRIMARY] for side in SIDES}
    keys = ("alone", "difference", "ci95", "verdict", "p", "smallest_effect")
    return {"n": block["n"], "sections": block["sections"], **rates, **{key: block[key] for key in keys}}


def _split(rows: Sequence[AnsweredRow], part: Callable[[AnsweredRow], str], metric: str = PRIMARY) -> dict[str, Any]:
    parts = sorted({part(row) for row in rows})
    # A file of one's own may name its kinds with characters that no file can hold.
    return {printable(name) or "unknown": _part([row for row in rows if part(row) == name], metric) for name in parts}


def _part(rows: Sequence[AnsweredRow], metric: str = PRIMARY) -> dict[str, Any]:
    """Some rows without a verdict: of twenty looks at the same answers one finds a difference that is not there."""
    return {key: value for key, value in _compare(rows, metric).items() if key != "verdict"}


def _compare(rows: Sequence[AnsweredRow], metric: str = PRIMARY) -> dict[str, Any]:
    """Base against tuned on some rows: mean scores of both, and what the difference in one of them proves."""
    if not rows:
        return {}
    hits = {side: [row.by(side).scores[metric] or 0.0 for row in rows] for side in SIDES}
    differences = [tuned - base for base, tuned in zip(hits["base"], hits["tuned"], strict=True)]
    sections = [row.test.cluster for row in rows]
    found = estimate(differences, sections)
    wins, ties, losses = tally(differences)
    by_section = section_tally(differences, sections)
    return {
        "metric": metric,
        "n": len(rows),
        "sections": found.sections,
        "alone": sum(cluster.startswith(ALONE) for cluster in sections),
        "base": _means(row.base.measures for row in rows),
        "tuned": _means(row.tuned.measures for row in rows),
        "difference": found.difference,
        "ci95": [found.low, found.high],
        "p": found.p,
        "smallest_effect": found.smallest_effect,
        "verdict": found.verdict,
        "wilson95": {side: list(wilson(sum(hits[side]), len(rows))) for side in hits},
        # Exact, but for independent questions: where a section's are alike its p is too small.
        "mcnemar": {"p": sign_test(wins, losses), "ignores": "sections"},
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "by_section": {
            **dict(zip(("wins", "ties", "losses"), by_section, strict=True)),
            "p": sign_test(by_section[0], by_section[2]),
        },
    }


def _compare_scores(rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """Every score that both sides have: how the means differ, how surely, and who won how many questions."""
    names = {name for row in rows for name in row.base.measures} - NO_DIRECTION
    return {name: block for name in sorted(names) if (block := _compare_score(name, rows))}


def _compare_score(name: str, rows: Sequence[AnsweredRow]) -> dict[str, Any]:
    """One score, over the rows where it is a finite number on both sides; {} where it is on none."""
    scores: dict[str, list[float]] = {side: [] for side in SIDES}
    clusters = []
    for row in rows:
        base, tuned = (row.by(side).measures.get(name) for side in SIDES)
        if _is_number(base) and _is_number(tuned):
            scores["base"].append(float(base))
            scores["tuned"].append(float(tuned))
            clusters.append(row.test.cluster)
    if not clusters:
        return {}
    differences = [tuned - base for base, tuned in zip(scores["base"], scores["tuned"], strict=True)]
    found = estimate(differences, clusters, bounded=name not in UNBOUNDED)
    gains = [-difference for difference in differences] if name in LOWER_IS_BETTER else differences
    wins, ties, losses = tally(gains)
    return {
        "n": len(clusters),
        **{side: fmean(scores[side]) for side in SIDES},
        "difference": found.difference,
        "ci95": found.ends,
        "p": found.p,
        "smallest_effect": found.smallest_effect,
        "better": "lower" if name in LOWER_IS_BETTER else "higher",
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "sign_p": sign_test(wins, losses),
    }


def _correct(levels: dict[str, dict[str, Any]]) -> None:
    """Add `p_holm` to every comparison but the primary one: they are one family."""
    family = [
        block
        for level in LEVELS
        for name, block in levels[level].get("compared", {}).items()
        if (level, name) != ("wording", PRIMARY)
    ]
    for block, p in zip(family, holm([block["p"] for block in family]), strict=True):
        block["p_holm"] = p


def _corpus_bleu(rows: Sequence[AnsweredRow]) -> dict[str, dict[str, float]]:
    """BLEU of all answers together, by language: a tokenizer a language."""
    found = {}
    for lang in sorted({row.test.lang for row in rows}):
        of_it = [row for row in rows if row.test.lang == lang]
        references = [row.test.reference for row in of_it]
        answers = {side: [said(row.by(side).text) for row in of_it] for side in SIDES}
        found[lang] = {str(side): corpus_bleu(texts, references, lang) for side, texts in answers.items()}
    return found


def _means(sides: Iterable[Mapping[str, float | None]]) -> dict[str, float]:
    """Mean of every score, over the rows where it is a finite number (NaN is not JSON)."""
    values: dict[str, list[float]] = {}
    for side in sides:
        for name, value in side.items():
            if _is_number(value):
                values.setdefault(name, []).append(float(value))
    return {name: fmean(found) for name, found in values.items()}


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _read_control(
    block: dict[str, Any], rows: Sequence[AnsweredRow], trained: set[str], leakage: str
) -> dict[str, Any]:
    """What a difference on untrained sections means: a sentence, and the names of the causes that fit."""
    size = in_points(block)
    causes: list[str] = []
    if block["verdict"] == "too few sections":
        asked = counted(block["sections"], "untrained section")
        says = f"questions about only {asked}: too few to tell a rise ({size})."
    elif block["verdict"] == "no evidence":
        says = f"no clear rise on untrained sections, where there should be none ({size})."
    elif block["verdict"] == "worse":
        says = f"untrained sections fell ({size}): tuning made the model forget or invent."
    else:
        causes = _causes(block, rows, trained, leakage)
        why = " and ".join(causes) if causes else "not clear: neither leakage, guessable answers nor format stands out"
        says = f"untrained sections rose, too ({size}), which is not knowledge. What may lie behind it: {why}."
    return {"explanation": says, "causes": causes}


def _causes(block: dict[str, Any], rows: Sequence[AnsweredRow], trained: set[str], leakage: str) -> list[str]:
    causes = ["leakage"] if "unknown" in leakage else []
    won = [row for row in rows if row.tuned.hit > row.base.hit]
    # An answer that is also the answer to a trained question can be hit by repeating it.
    if 2 * sum(normalise(row.test.reference) in trained for row in won) >= len(won):
        causes.append("guessable answers")
    base, tuned = ({"stopped_by_eos": 0.0, "length_ratio": 1.0} | block[side] for side in SIDES)
    stops_more = tuned["stopped_by_eos"] - base["stopped_by_eos"] >= 0.2
    if stops_more or (0.5 <= tuned["length_ratio"] <= 2 and not 0.5 <= base["length_ratio"] <= 2):
        causes.append("format")
    return causes
