"""Scores of one answer, and what many of them prove: means, intervals, verdicts, `metrics.json`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any, Literal

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from wukong_pipe.errors import DataError
from wukong_pipe.text import key_facts, normalise

Verdict = Literal["better", "worse", "no evidence", "too few sections"]

PRIMARY = "key_fact_hit"
LEVELS = ("wording", "question", "section")
MIN_SECTIONS = 8
"""Below this many sections no interval is worth a verdict."""


# --- one answer ----------------------------------------------------------------------------------------


def score(answer: str, reference: str, lang: str) -> dict[str, float]:
    """How close an answer is to its reference, by characters for "zh", by words for any other language.

    Returns:
        key_fact_hit (0 or 1): every number, name and quoted term of the reference stands in the answer.
        f1 (0..1): multiset overlap. rouge_l (0..1): longest common subsequence, as F1 (Lin 2004).
        chrf (0..1): chrF2 (Popović 2015) up to 2-grams for "zh", 6-grams otherwise; white space left out.
        length_ratio (0..): length of the answer over that of the reference.
        All on `text.normalise`; an answer identical to its reference scores 1.0 everywhere.
    """
    units, wanted = _units(answer, lang), _units(reference, lang)
    facts = key_facts(reference)
    # A reference without letters or digits holds no fact, and "every fact of none" would pass any answer.
    hit = facts.found_in(answer) if facts.numbers or facts.terms else units == wanted
    return {
        # "92，828" reads as 92828 whole and as 92 and 828 item by item: even then its own copy is right.
        PRIMARY: float(hit or answer == reference),
        "f1": _f1((Counter(units) & Counter(wanted)).total(), len(units), len(wanted)),
        "rouge_l": _f1(_common_subsequence(units, wanted), len(units), len(wanted)),
        "chrf": _chrf("".join(units), "".join(wanted), order=2 if lang == "zh" else 6),
        "length_ratio": len(units) / len(wanted) if wanted else float(len(units) + 1),
    }


def _units(text: str, lang: str) -> list[str]:
    """Characters of a Chinese text, words of any other, in normal form."""
    normal = normalise(text)
    return list(normal.replace(" ", "")) if lang == "zh" else normal.split()


def _f1(common: int, got: int, wanted: int) -> float:
    return 2 * common / (got + wanted) if got + wanted else 1.0


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a whole row of the table as one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, unit in enumerate(a):
        places[unit] = places.get(unit, 0) | 1 << index
    every = (1 << len(a)) - 1
    row = every
    for unit in b:
        match = row & places.get(unit, 0)
        row = (row + match | row - match) & every
    return len(a) - row.bit_count()


def _chrf(answer: str, reference: str, order: int) -> float:
    """chrF with beta 2, over the n-gram orders that both texts are long enough for (as sacrebleu does)."""
    precisions, recalls = [], []
    for n in range(1, min(order, len(answer), len(reference)) + 1):
        got = Counter(answer[i : i + n] for i in range(len(answer) - n + 1))
        wanted = Counter(reference[i : i + n] for i in range(len(reference) - n + 1))
        common = (got & wanted).total()
        precisions.append(common / got.total())
        recalls.append(common / wanted.total())
    if not precisions:
        return float(answer == reference)
    precision, recall = fmean(precisions), fmean(recalls)
    return 5 * precision * recall / (4 * precision + recall) if precision else 0.0


# --- many answers --------------------------------------------------------------------------------------


def interval(differences: Sequence[float], clusters: Sequence[str], *, clip: bool = False) -> tuple[float, float]:
    """95 % confidence interval of the mean of paired differences that are alike within a cluster (a section).

    The cluster-robust standard error of Miller (2024, "Adding Error Bars to Evals") with the corrections for
    few clusters of Imbens and Kolesár (2016, doi:10.1162/REST_a_00552): stretched residuals (CR2) and a t
    quantile whose degrees of freedom equal G - 1 for G clusters of equal size and are fewer for unequal ones.
    At 8 to 12 sections of very unequal size a percentile bootstrap and the plain factor G/(G-1) with G - 1
    degrees of freedom (CR1, Cameron and Miller 2015) cover 0.89 to 0.93 instead of 0.95.

    Args:
        differences: one difference a question, tuned minus base.
        clusters: the section of each.
        clip: cut the interval to [-1, 1], the range of a difference between two rates.

    Returns:
        (low, high). Equal differences give a zero-width interval. Fewer than two clusters tell nothing about
        the spread between sections: (-1.0, 1.0), the whole range of a difference between two rates.

    Raises:
        ValueError: the two sequences differ in length.
    """
    if len(differences) != len(clusters):
        raise ValueError(f"{len(differences)} differences for {len(clusters)} clusters")
    names, index = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if len(names) < 2:
        return -1.0, 1.0
    values = np.asarray(differences, dtype=float)
    mean = float(values.mean())
    if bool((values == values[0]).all()):
        return mean, mean
    half = _half_width(values - values.mean(), index, np.bincount(index).astype(float))
    low, high = mean - half, mean + half
    return (max(low, -1.0), min(high, 1.0)) if clip else (low, high)


def _half_width(residuals: np.ndarray, index: np.ndarray, sizes: np.ndarray) -> float:
    """Half of the 95 % interval; `residuals` [rows], `index` [rows] of their clusters, `sizes` [clusters]."""
    sums = np.bincount(index, weights=residuals)
    share = sizes / sizes.sum()
    # A cluster's residuals shrink because it pulled the mean towards itself; CR2 stretches them back.
    stretch = 1 / np.sqrt(1 - share)
    error = math.sqrt(float(((stretch * sums) ** 2).sum())) / float(sizes.sum())
    # The random-effects model of Imbens and Kolesár: variance between the clusters and within them.
    pairs = float((sizes * (sizes - 1)).sum())
    total = float((residuals**2).mean())
    between = max(0.0, (float((sums**2).sum()) - float((residuals**2).sum())) / pairs) if pairs else 0.0
    variances = max(0.0, total - between) * sizes + between * sizes**2
    # From cluster sums to stretched residual sums; the variance estimate is the trace of their covariance.
    residual_maker = stretch[:, None] * (np.eye(len(sizes)) - share[:, None])
    covariance = (residual_maker * variances) @ residual_maker.T
    freedom = float(np.trace(covariance) ** 2 / (covariance**2).sum())
    return float(stdtrit(freedom, 0.975)) * error


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a rate of `hits` in `n` independent questions; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    found = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(base_hits: Sequence[bool], tuned_hits: Sequence[bool]) -> dict[str, Any]:
    """Exact McNemar test: do the questions that only one model hit fall on both sides as a coin would?

    Returns:
        wins, ties, losses of the tuned model (counts), and the two-sided p (1.0 when no question differs).

    Raises:
        ValueError: the two sequences differ in length.
    """
    pairs = Counter((bool(tuned), bool(base)) for base, tuned in zip(base_hits, tuned_hits, strict=True))
    wins, losses = pairs[True, False], pairs[False, True]
    p = float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0
    return {"wins": wins, "ties": len(base_hits) - wins - losses, "losses": losses, "p": p}


def verdict(difference: float, ci95: tuple[float, float], sections: int) -> Verdict:
    """ "better" or "worse" only when the interval excludes zero, and neither under MIN_SECTIONS sections."""
    if sections < MIN_SECTIONS:
        return "too few sections"
    if difference > 0 and ci95[0] > 0:
        return "better"
    if difference < 0 and ci95[1] < 0:
        return "worse"
    return "no evidence"


# --- metrics.json --------------------------------------------------------------------------------------


def summarise(
    answers: list[dict[str, Any]], *, base_model: str, adapter: str, leakage: str, settings: dict[str, Any]
) -> dict[str, Any]:
    """The content of `metrics.json` (DESIGN.md section 9) from the rows of `answers.jsonl`.

    A level without rows is {}; without wording rows `primary` has n = 0 and an interval that says nothing.
    `levels.wording.by_form` splits by whether the question's template was seen in training, `by_kind` of the
    question level keeps reverse questions apart; `explanation` and `causes` read the control (section level).

    Args:
        leakage: "none", "dropped N" or "unknown".

    Raises:
        DataError: a row stands at none of the three levels, and would vanish from the numbers.
    """
    lost = [str(row.get("id")) for row in answers if row.get("level") not in LEVELS]
    if lost:
        raise DataError(
            f"{len(lost)} answers stand at none of the levels {', '.join(LEVELS)}, first row {lost[0]}; "
            "run eval again on a test split that has levels."
        )
    rows = {level: [row for row in answers if row["level"] == level] for level in LEVELS}
    levels = {level: _compare(rows[level]) for level in LEVELS}
    if any(row.get("form") for row in rows["wording"]):
        levels["wording"]["by_form"] = _split(rows["wording"], "form")
    if rows["question"]:
        levels["question"]["by_kind"] = _split(rows["question"], "kind")
    if rows["section"]:
        trained = {normalise(row["reference"]) for row in rows["wording"] + rows["question"]}
        levels["section"] |= _read_control(levels["section"], rows["section"], trained, leakage)
    primary = {"metric": PRIMARY, "level": "wording", **_headline(levels["wording"])}
    models = {"base_model": base_model, "adapter": adapter}
    return {"primary": primary, "levels": levels, **models, "leakage": leakage, "settings": settings}


def _headline(block: dict[str, Any]) -> dict[str, Any]:
    if not block:
        rates, ci95 = {"base": 0.0, "tuned": 0.0}, [-1.0, 1.0]
        return {"n": 0, **rates, "difference": 0.0, "ci95": ci95, "verdict": "too few sections"}
    rates = {side: block[side][PRIMARY] for side in ("base", "tuned")}
    return {"n": block["n"], **rates, **{key: block[key] for key in ("difference", "ci95", "verdict")}}


def _split(rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    values = sorted({row[key] for row in rows})
    return {value or "unknown": _compare([row for row in rows if row[key] == value]) for value in values}


def _compare(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Base against tuned on some rows: mean scores of both, and what the difference in hits proves."""
    if not rows:
        return {}
    hits = {side: [float(row[side][PRIMARY]) for row in rows] for side in ("base", "tuned")}
    differences = [tuned - base for base, tuned in zip(hits["base"], hits["tuned"], strict=True)]
    # The pieces of a long section are one cluster.
    sections = ["\x1f".join([row["source"], *row["heading_path"]]) for row in rows]
    ci95 = interval(differences, sections, clip=True)
    counts = mcnemar(*([hit >= 1 for hit in hits[side]] for side in ("base", "tuned")))
    return {
        "n": len(rows),
        "sections": len(set(sections)),
        "base": _means(row["base"] for row in rows),
        "tuned": _means(row["tuned"] for row in rows),
        "difference": fmean(differences),
        "ci95": list(ci95),
        "verdict": verdict(fmean(differences), ci95, len(set(sections))),
        "wilson95": {side: list(wilson(sum(h >= 1 for h in hits[side]), len(rows))) for side in hits},
        "mcnemar": {"p": counts.pop("p")},
        **counts,
    }


def _means(sides: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Mean of every numeric field, over the rows where it is a finite number (NaN is not JSON)."""
    values: dict[str, list[float]] = {}
    for side in sides:
        for key, value in side.items():
            if isinstance(value, (bool, int, float)) and math.isfinite(value):
                values.setdefault(key, []).append(float(value))
    return {key: fmean(found) for key, found in values.items()}


def _read_control(block: dict[str, Any], rows: list[dict[str, Any]], trained: set[str], leakage: str) -> dict[str, Any]:
    """What a difference on untrained sections means: a sentence, and the names of the causes that fit."""
    low, high = block["ci95"]
    size = f"{block['difference']:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"
    causes: list[str] = []
    if block["verdict"] == "too few sections":
        says = f"Only {block['sections']} untrained section(s): too few to say whether {size} is above zero."
    elif block["verdict"] == "no evidence":
        says = f"No rise above zero is shown on untrained sections ({size})."
    elif block["verdict"] == "worse":
        says = f"Untrained sections fell ({size}): tuning made the model forget or invent."
    else:
        causes = _causes(block, rows, trained, leakage)
        fits = " and ".join(causes) if causes else "none of leakage, guessable answers and format stands out"
        says = f"Untrained sections rose above zero ({size}); what fits: {fits}."
    return {"explanation": says, "causes": causes}


def _causes(block: dict[str, Any], rows: list[dict[str, Any]], trained: set[str], leakage: str) -> list[str]:
    causes = ["leakage"] if leakage.startswith("unknown") else []
    won = [row for row in rows if row["tuned"][PRIMARY] > row["base"][PRIMARY]]
    # An answer that is also the answer to a trained question can be hit by repeating it.
    if 2 * sum(normalise(row["reference"]) in trained for row in won) >= len(won):
        causes.append("guessable answers")
    base, tuned = ({"stopped_by_eos": 0.0, "length_ratio": 1.0} | block[side] for side in ("base", "tuned"))
    stops_more = tuned["stopped_by_eos"] - base["stopped_by_eos"] >= 0.2
    if stops_more or (0.5 <= tuned["length_ratio"] <= 2 and not 0.5 <= base["length_ratio"] <= 2):
        causes.append("format")
    return causes
