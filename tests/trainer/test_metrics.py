"""Scores must order answers as a reader would, intervals cover what they promise, verdicts not boast."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_pipe.errors import DataError
from wukong_trainer.metrics import interval, mcnemar, score, summarise, verdict, wilson

REFERENCE_ZH = "出云棍由大圣残躯的“铁扇公主”赠予，需要击败 3 次青背龙。"
REFERENCE_EN = 'The Saturn V lifted off on July 16, 1969 from pad "39A".'
CLOSENESS = ("f1", "rouge_l", "chrf")


def row(level: str, section: str, base: float, tuned: float, **fields: Any) -> dict[str, Any]:
    """An answers.jsonl row of which only level, section and hits matter."""
    sides = {
        name: {
            "answer": "x",
            "stopped_by_eos": True,
            "loglik": -1.0,
            "key_fact_hit": hit,
            "length_ratio": 1.0,
        }
        for name, hit in (("base", base), ("tuned", tuned))
    }
    text = {"reference": f"fact of {section}", "kind": "base", "form": "", "source": "a.md", "heading_path": [section]}
    return {"id": f"{level}-{section}", "level": level, "section_id": section, **text, **sides, **fields}


def summary(rows: list[dict[str, Any]], leakage: str = "none") -> dict[str, Any]:
    return summarise(rows, base_model="tiny", adapter="a", leakage=leakage, settings={"max_new_tokens": 64})


# --- one answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "reference", "nearly", "wrong"),
    [
        (
            "zh",
            REFERENCE_ZH,
            "出云棍由铁扇公主赠予，要击败青背龙3次。",
            "完成支线任务以后，在商店购买就能得到它。",
        ),
        (
            "en",
            REFERENCE_EN,
            "On July 16, 1969 the Saturn V left pad 39A.",
            "It was a cold morning in Houston.",
        ),
    ],
)
def test_right_beats_nearly_right_beats_wrong(lang: str, reference: str, nearly: str, wrong: str) -> None:
    right, close, far = (score(answer, reference, lang) for answer in (reference, nearly, wrong))
    for name in CLOSENESS:
        assert right[name] == 1.0
        assert right[name] > close[name] > far[name] + 0.2
    assert right["key_fact_hit"] == close["key_fact_hit"] == 1.0
    assert far["key_fact_hit"] == 0.0


def test_the_wrong_fact_in_the_right_sentence_is_no_hit() -> None:
    swapped = score("第一回的妖王是「白衣秀士」。", "第一回的妖王是「幽魂」。", "zh")
    assert swapped["key_fact_hit"] == 0.0
    assert swapped["f1"] > 0.6, "which is why closeness is not the primary score"
    assert score("It rose on July 20, 1969.", "It rose on July 16, 1969.", "en")["key_fact_hit"] == 0.0


def test_scores_against_values_worked_out_by_hand() -> None:
    zh = score("北京是首都", "上海是首都", "zh")  # 3 of 5 characters, in order
    assert zh["f1"] == zh["rouge_l"] == pytest.approx(0.6)
    assert zh["chrf"] == pytest.approx((3 / 5 + 2 / 4) / 2)  # unigrams and bigrams; precision equals recall
    en = score("c b a", "a b c d", "en")
    assert en["f1"] == pytest.approx(2 * 3 / 7)
    assert en["rouge_l"] == pytest.approx(2 * 1 / 7)
    assert en["length_ratio"] == pytest.approx(3 / 4)
    assert score("同一数字：一千", "1000", "zh")["key_fact_hit"] == 1.0


def test_an_empty_answer_scores_nothing_and_an_empty_reference_passes_nobody() -> None:
    assert set(score("", REFERENCE_ZH, "zh").values()) == {0.0}
    assert score("anything", "？", "zh")["key_fact_hit"] == 0.0


TEXTS = st.text(max_size=40) | st.text(alphabet="一二十百第回《》“”、，。0123456789.,AZaz -金箍棒", max_size=30)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["zh", "en"]))
def test_scores_keep_their_range_and_identity_is_one(answer: str, reference: str, lang: str) -> None:
    assert set(score(reference, reference, lang).values()) == {1.0}
    found = score(answer, reference, lang)
    assert all(0.0 <= found[name] <= 1.0 for name in ("key_fact_hit", *CLOSENESS))
    assert found["rouge_l"] <= found["f1"] + 1e-12, "a common subsequence is also a common multiset"
    assert found["length_ratio"] >= 0.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_rouge_l_equals_the_textbook_table(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    expected = 2 * table[-1][-1] / (len(a) + len(b)) if a or b else 1.0
    assert score(" ".join(a), " ".join(b), "en")["rouge_l"] == pytest.approx(expected)


# --- intervals and tests -------------------------------------------------------------------------------

UNEQUAL = (1, 2, 3, 4, 6, 10, 15, 20)
DRAWS = 2500


def simulate(sections: int, base: float, tuned: float, seed: int) -> tuple[float, float]:
    """Share of DRAWS data sets whose interval covers the true difference, and whose verdict is "better".

    Hit rates of a section vary by ±0.2 around the mean, independently for base and tuned, so that a section's
    questions are alike; uniform noise keeps the true difference exactly tuned - base.
    """
    rng = np.random.default_rng(seed)
    index = np.repeat(np.arange(sections), np.resize(UNEQUAL, sections))
    clusters = [f"s{i}" for i in index]
    rates = rng.uniform(-0.2, 0.2, (2, DRAWS, sections)) + np.array([base, tuned])[:, None, None]
    hits = rng.random((2, DRAWS, len(index))) < rates[:, :, index]
    covered = better = 0
    for differences in hits[1].astype(float) - hits[0]:
        low, high = interval(differences.tolist(), clusters)
        covered += low <= tuned - base <= high
        better += verdict(float(differences.mean()), (low, high), sections) == "better"
    return covered / DRAWS, better / DRAWS


@pytest.mark.parametrize("sections", [8, 12, 24])
@pytest.mark.parametrize(("base", "tuned"), [(0.4, 0.4), (0.2, 0.7)])
def test_the_interval_covers_the_truth_in_95_of_100(sections: int, base: float, tuned: float) -> None:
    covered, better = simulate(sections, base, tuned, seed=sections)
    assert 0.93 <= covered <= 0.97
    if base == tuned:
        assert better <= 0.04, "a model that is no better is called better in 2.5 of 100"


def test_interval_at_equal_clusters_is_the_t_interval_of_the_cluster_means() -> None:
    means = [0.0, 0.2, 0.5, 0.9]
    differences = [mean + offset for mean in means for offset in (-0.1, 0.1)]
    low, high = interval(differences, [name for name in "abcd" for _ in range(2)])
    # mean 0.4, standard deviation 0.39158, t(3) = 3.18245: 0.4 ± 3.18245 * 0.39158 / 2
    assert (low, high) == pytest.approx((0.4 - 0.62309, 0.4 + 0.62309), abs=1e-4)


def test_interval_without_spread_or_without_clusters() -> None:
    assert interval([1.0] * 9, list("abcabcabc")) == (1.0, 1.0)
    assert interval([0.0, 1.0], ["one", "one"]) == (-1.0, 1.0)
    assert interval([], []) == (-1.0, 1.0)
    wide = [1.0, -1.0, 1.0], ["a", "b", "c"]
    assert interval(*wide)[0] < -1.0
    assert interval(*wide, clip=True) == (-1.0, 1.0)
    with pytest.raises(ValueError, match="2 differences for 1"):
        interval([0.0, 1.0], ["a"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 1.0]), st.sampled_from("abcdefghij")), min_size=2, max_size=60))
def test_interval_holds_the_mean_and_mirrors(pairs: list[tuple[float, str]]) -> None:
    differences, clusters = [d for d, _ in pairs], [c for _, c in pairs]
    low, high = interval(differences, clusters)
    mean = sum(differences) / len(differences)
    assert low - 1e-9 <= mean <= high + 1e-9
    assert interval([-d for d in differences], clusters) == pytest.approx((-high, -low), abs=1e-9)
    renamed = interval(differences[::-1], [c.upper() for c in reversed(clusters)])
    assert renamed == pytest.approx((low, high), abs=1e-9)


def test_mcnemar_against_values_worked_out_by_hand() -> None:
    base = [False] * 6 + [True] * 3 + [False] * 2
    tuned = [True] * 5 + [False] + [True] * 2 + [False] * 1 + [False] * 2
    found = mcnemar(base, tuned)
    assert (found["wins"], found["losses"], found["ties"]) == (5, 1, 5)
    assert found["p"] == pytest.approx(2 * (1 + 6) / 2**6)  # at most 1 of 6, both tails
    assert mcnemar([False] * 10, [True] * 10)["p"] == pytest.approx(2 / 2**10)
    assert mcnemar([True, False], [True, False]) == {"wins": 0, "ties": 2, "losses": 0, "p": 1.0}


def test_wilson_against_published_values() -> None:
    # 81 of 263: Newcombe (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("difference", "ci95", "sections", "expected"),
    [
        (0.3, (0.1, 0.5), 8, "better"),
        (-0.3, (-0.5, -0.1), 8, "worse"),
        (0.3, (-0.01, 0.6), 40, "no evidence"),
        (0.3, (0.0, 0.6), 40, "no evidence"),
        (0.0, (0.0, 0.0), 40, "no evidence"),
        (1.0, (1.0, 1.0), 7, "too few sections"),
        (-1.0, (-1.0, -1.0), 7, "too few sections"),
    ],
)
def test_verdict_rules(difference: float, ci95: tuple[float, float], sections: int, expected: str) -> None:
    assert verdict(difference, ci95, sections) == expected


# --- metrics.json --------------------------------------------------------------------------------------


def test_summary_has_the_promised_shape() -> None:
    rows = [row("wording", f"s{i}", 0.0, float(i % 3 > 0), form="seen" if i % 2 else "unseen") for i in range(30)]
    rows += [row("question", f"s{i}", 0.0, 1.0, kind="reverse" if i % 2 else "base") for i in range(10)]
    found = summary(rows)
    primary = found["primary"]
    assert (primary["metric"], primary["level"], primary["n"]) == ("key_fact_hit", "wording", 30)
    assert (primary["base"], primary["tuned"]) == pytest.approx((0.0, 2 / 3))
    assert primary["verdict"] == "better"
    assert primary["ci95"][0] < 2 / 3 < primary["ci95"][1]
    wording = found["levels"]["wording"]
    assert (wording["wins"], wording["ties"], wording["losses"], wording["sections"]) == (20, 10, 0, 30)
    assert wording["base"]["loglik"] == -1.0
    assert {form: block["n"] for form, block in wording["by_form"].items()} == {"seen": 15, "unseen": 15}
    assert set(found["levels"]["question"]["by_kind"]) == {"base", "reverse"}
    assert found["levels"]["section"] == {}
    assert (found["base_model"], found["adapter"], found["leakage"]) == ("tiny", "a", "none")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_summary_without_wording_rows_claims_nothing() -> None:
    primary = summary([])["primary"]
    assert (primary["n"], primary["ci95"], primary["verdict"]) == (0, [-1.0, 1.0], "too few sections")
    assert "by_form" not in summary([row("wording", "s", 0, 1)])["levels"]["wording"]


def test_a_row_at_no_level_is_an_error_and_nan_stays_out() -> None:
    with pytest.raises(DataError, match="none of the levels"):
        summary([row("", "s", 0, 1)])
    broken = row("wording", "s", 0, 1)
    broken["tuned"]["loglik"] = float("nan")
    assert "loglik" not in summary([broken])["levels"]["wording"]["tuned"]


def test_the_control_names_what_may_lie_behind_a_rise() -> None:
    def control(rows: list[dict[str, Any]], leakage: str = "none") -> dict[str, Any]:
        block: dict[str, Any] = summary(rows, leakage)["levels"]["section"]
        return block

    flat = control([row("section", f"s{i}", 0, 0) for i in range(10)])
    assert "No rise above zero" in flat["explanation"]
    assert flat["causes"] == []
    assert "too few" in control([row("section", "s", 0, 1)])["explanation"]
    assert "fell" in control([row("section", f"s{i}", 1, 0) for i in range(10)])["explanation"]

    risen = [row("section", f"s{i}", 0, 1) for i in range(10)]
    assert control(risen)["causes"] == []
    assert control(risen, "unknown")["causes"] == ["leakage"]
    # The same answers are trained elsewhere; and only the tuned model stops by itself.
    trained = [row("wording", f"s{i}", 0, 1) for i in range(10)]
    for answer in risen:
        answer["base"]["stopped_by_eos"] = False
    assert control(risen + trained)["causes"] == ["guessable answers", "format"]


def test_more_sections_of_the_same_kind_narrow_the_interval() -> None:
    widths = []
    for sections in (8, 16, 32):
        differences = [float(i % 2) for i in range(sections) for _ in range(3)]
        low, high = interval(differences, [f"s{i}" for i in range(sections) for _ in range(3)])
        widths.append(high - low)
    assert all(wider > narrower for wider, narrower in pairwise(widths))
