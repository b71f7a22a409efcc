"""Intervals cover what they promise, tests are exact, and verdicts do not boast."""

from __future__ import annotations

import math
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_trainer.scoring.intervals import MeanDifference, estimate, holm, section_tally, sign_test, tally, wilson

UNEQUAL = (1, 2, 3, 4, 6, 10, 15, 20)
FORTY = [f"s{i // 5}" for i in range(40)]


def simulate(sections: int, base: float, tuned: float, *, sizes: tuple[int, ...], draws: int) -> tuple[float, float]:
    """Share of data sets whose interval covers the true difference, and whose verdict is "better".

    Hit rates of a section are beta distributed, independently for base and tuned, so that two answers of a section
    have a correlation of 0.2.
    """
    rng = np.random.default_rng(sections)
    index = np.repeat(np.arange(sections), np.resize(sizes, sections))
    names = [f"s{i}" for i in index]
    covered = better = 0
    for _ in range(draws):
        hits = [rng.random(len(index)) < rng.beta(4 * p + 1e-9, 4 * (1 - p), sections)[index] for p in (base, tuned)]
        found = estimate((hits[1].astype(float) - hits[0]).tolist(), names)
        covered += found.low <= tuned - base <= found.high
        better += found.verdict == "better"
    return covered / draws, better / draws


@pytest.mark.parametrize("sections", [8, 24])
@pytest.mark.parametrize("sizes", [(5,), UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize(("base", "tuned"), [(0.4, 0.4), (0.2, 0.7)])
def test_the_interval_covers_the_truth_in_95_of_100(
    sections: int, sizes: tuple[int, ...], base: float, tuned: float
) -> None:
    covered, better = simulate(sections, base, tuned, sizes=sizes, draws=400)
    assert 0.92 <= covered <= 0.98, "within what 400 draws can tell; the benchmark has 2,000"
    if base == tuned:
        assert better <= 0.05


@pytest.mark.long
@pytest.mark.parametrize("sections", [8, 12, 24, 60])
@pytest.mark.parametrize("sizes", [(5,), UNEQUAL], ids=["equal", "unequal"])
@pytest.mark.parametrize(("base", "tuned"), [(0.4, 0.4), (0.2, 0.7), (0.0, 0.5)])
def test_over_2000_draws_the_interval_covers_93_to_97_of_100(
    sections: int, sizes: tuple[int, ...], base: float, tuned: float
) -> None:
    covered, better = simulate(sections, base, tuned, sizes=sizes, draws=2000)
    assert 0.93 <= covered <= 0.975
    if base == tuned:
        assert better <= 0.05


@pytest.mark.parametrize("sections", [8, 24])
@pytest.mark.parametrize(("base", "tuned"), [(0.0, 0.97), (0.9, 0.97), (0.02, 0.02)])
def test_near_the_ends_of_the_scale_the_interval_errs_to_the_wide_side(
    sections: int, base: float, tuned: float
) -> None:
    covered, better = simulate(sections, base, tuned, sizes=UNEQUAL, draws=250)
    assert covered >= 0.93, "a t interval covers 0.5 to 0.8 here"
    if base == tuned:
        assert better <= 0.05


def test_a_score_without_bounds_gets_the_t_interval_of_the_section_means_where_sections_are_equal() -> None:
    means = [0.0, 0.2, 0.5, 0.9]
    differences = [mean + offset for mean in means for offset in (-0.1, 0.1)]
    found = estimate(differences, [name for name in "abcd" for _ in range(2)], bounded=False)
    # mean 0.4, standard deviation 0.39158, t(3) = 3.18245: 0.4 ± 3.18245 * 0.39158 / 2
    assert (found.low, found.high) == pytest.approx((0.4 - 0.62309, 0.4 + 0.62309), abs=1e-4)
    assert found.freedom == pytest.approx(3)
    assert found.p == pytest.approx(0.1337, abs=1e-3), "t = 0.4 / 0.19579 = 2.043"


def test_with_a_section_a_question_and_many_of_them_the_interval_is_tangos() -> None:
    # Tango (1998) as Newcombe (1998, Statistics in Medicine 17:2635) defines it, the likeliest nuisance by search.
    wins, losses, n = 60, 20, 400
    found = estimate([1.0] * wins + [-1.0] * losses + [0.0] * (n - wins - losses), [str(i) for i in range(n)])
    for end in (found.low, found.high):
        lost = np.linspace(max(0.0, -end) + 1e-7, (1 - end) / 2 - 1e-7, 200_001)
        likelihood = (
            wins * np.log(lost + end) + losses * np.log(lost) + (n - wins - losses) * np.log(1 - 2 * lost - end)
        )
        best = float(lost[likelihood.argmax()])
        score = (wins - losses - n * end) / math.sqrt(n * (2 * best + end - end**2))
        assert abs(score) == pytest.approx(1.966, abs=0.005), "t with 399 degrees of freedom"


def test_one_section_leaves_everything_open() -> None:
    found = estimate([0.0, 1.0], ["one", "one"])
    assert (found.low, found.high, found.p, found.smallest_effect) == (-1.0, 1.0, 1.0, None)
    assert estimate([0.0, 1.0], ["one", "one"], bounded=False).high == math.inf
    with pytest.raises(ValueError, match="2 differences for 1"):
        estimate([0.0, 1.0], ["a"])
    with pytest.raises(ValueError, match="0 differences"):
        estimate([], [])


def test_all_ties_say_neither_better_nor_that_nothing_can_have_changed() -> None:
    found = estimate([0.0] * 40, FORTY)
    assert (found.difference, found.p, found.verdict) == (0.0, 1.0, "no evidence")
    assert found.low == pytest.approx(-found.high)
    # 40 questions of 8 sections count as 40 / 2.2; Tango's interval of n ties is ± t² / (n + t²), t(7) = 2.36462.
    assert found.high == pytest.approx(2.36462**2 / (40 / 2.2 + 2.36462**2), abs=1e-5)


def test_all_hits_are_better_and_still_uncertain() -> None:
    found = estimate([1.0] * 40, FORTY)
    assert (found.high, found.verdict) == (1.0, "better")
    # All wins of n: (n - t²) / (n + t²), as many wins as 40 / 2.2 independent questions.
    assert found.low == pytest.approx((40 / 2.2 - 2.36462**2) / (40 / 2.2 + 2.36462**2), abs=1e-5)
    mirrored = estimate([-1.0] * 40, FORTY)
    assert (mirrored.low, mirrored.high) == pytest.approx((-1.0, -found.low))


def test_seven_sections_are_too_few_for_any_verdict() -> None:
    assert estimate([1.0] * 35, [f"s{i % 7}" for i in range(35)]).verdict == "too few sections"


@pytest.mark.parametrize(
    ("low", "high", "sections", "expected"),
    [
        (0.1, 0.5, 8, "better"),
        (-0.5, -0.1, 8, "worse"),
        (-0.01, 0.6, 40, "no evidence"),
        (0.0, 0.6, 40, "no evidence"),
        (0.9, 1.0, 7, "too few sections"),
        (-1.0, -0.9, 7, "too few sections"),
    ],
)
def test_only_an_interval_that_excludes_zero_is_a_verdict(
    low: float, high: float, sections: int, expected: str
) -> None:
    assert MeanDifference((low + high) / 2, low, high, 0.5, 5.0, sections).verdict == expected


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([-1.0, 0.0, 1.0]) | st.floats(-1, 1), st.sampled_from("abcdefghij")),
        min_size=2,
        max_size=60,
    )
)
def test_the_interval_holds_the_mean_mirrors_and_knows_no_order(pairs: list[tuple[float, str]]) -> None:
    differences, sections = [d for d, _ in pairs], [s for _, s in pairs]
    found = estimate(differences, sections)
    mirrored = estimate([-d for d in differences], sections)
    shuffled = estimate(differences[::-1], [s.upper() for s in reversed(sections)])
    assert -1 <= found.low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-6)
    assert (shuffled.low, shuffled.high) == pytest.approx((found.low, found.high), abs=1e-6)
    assert 0 <= found.p <= 1
    if len(set(sections)) > 1 and min(abs(found.low), abs(found.high)) > 1e-6:
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0), "p and interval are one test"


def test_under_eight_sections_no_effect_is_promised_for_no_verdict_is_given() -> None:
    for bounded in (True, False):
        few, enough = (
            estimate([1.0, 0.0, 0.0, 0.0] * 10, [str(i // length) for i in range(40)], bounded=bounded)
            for length in (8, 4)
        )
        assert (few.sections, few.verdict, few.smallest_effect) == (5, "too few sections", None)
        assert enough.smallest_effect is not None


def test_no_test_finds_more_than_its_questions_would_if_they_were_independent() -> None:
    # Every section loses what it wins: the sections' sums do not vary at all.
    found = estimate([1.0, -1.0, 0.0, 0.0] * 10, [str(i // 4) for i in range(40)])
    assert found.effective_n == pytest.approx(40)
    assert found.smallest_effect is not None
    assert found.smallest_effect > 0.2
    assert found.high < 0.05, "the interval stays as it is"


def test_more_sections_of_the_same_kind_narrow_the_interval() -> None:
    found = [
        estimate([float(i % 2) for i in range(n) for _ in range(3)], [f"s{i}" for i in range(n) for _ in range(3)])
        for n in (8, 16, 32)
    ]
    assert all(fewer.high - fewer.low > more.high - more.low for fewer, more in pairwise(found))


def test_the_smallest_effect_is_found_in_80_of_100_tests() -> None:
    rng = np.random.default_rng(5)
    sections = [f"s{i // 4}" for i in range(120)]

    def draw(shift: float) -> MeanDifference:
        alike = np.repeat(rng.normal(0, 0.5, 30), 4)
        return estimate((alike + rng.normal(shift, 1.0, 120)).tolist(), sections, bounded=False)

    effect = float(np.median([draw(0.0).smallest_effect or 0 for _ in range(200)]))
    assert 0.74 <= float(np.mean([draw(effect).p < 0.05 for _ in range(500)])) <= 0.86


@pytest.mark.parametrize(("sections", "base"), [(8, 0.05), (24, 0.05), (24, 0.3)])
def test_of_hits_too_the_smallest_effect_is_found_in_about_80_of_100_tests(sections: int, base: float) -> None:
    rng = np.random.default_rng(7)
    names = [f"s{i // 5}" for i in range(5 * sections)]

    def draw(shift: float) -> MeanDifference:
        hits = [rng.random(len(names)) < rate for rate in (base, base + shift)]
        return estimate((hits[1].astype(float) - hits[0]).tolist(), names)

    effect = float(np.median([draw(0.0).smallest_effect or 1 for _ in range(60)]))
    assert 0.72 <= float(np.mean([draw(effect).p < 0.05 for _ in range(150)])) <= 0.99


def test_the_smallest_effect_shrinks_with_more_sections_and_is_none_where_nothing_could_be_found() -> None:
    def draw(sections: int) -> float | None:
        return estimate([0.0, 1.0, -1.0] * sections, [f"s{i // 3}" for i in range(3 * sections)]).smallest_effect

    few, some, many = draw(2), draw(12), draw(48)
    assert few is None, "two sections whose questions all go every way"
    assert some is not None
    assert many is not None
    assert 0 < many < some / 1.5


def test_mcnemar_is_the_sign_test_of_hits_worked_out_by_hand() -> None:
    assert sign_test(5, 1) == pytest.approx(2 * (1 + 6) / 2**6), "at most 1 of 6, both tails"
    assert sign_test(10, 0) == pytest.approx(2 / 2**10)
    assert sign_test(0, 0) == 1.0
    assert tally([0.5, 0.0, -1.0, 1.0]) == (2, 1, 1)


def test_a_section_counts_once_however_many_questions_it_has() -> None:
    differences, sections = [1.0] * 20 + [-1.0, 0.1, -0.1], ["big"] * 20 + ["small", "even", "even"]
    assert section_tally(differences, sections) == (1, 1, 1)


def test_holm_against_values_worked_out_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_wilson_against_published_values() -> None:
    # 81 of 263: Newcombe (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_ten_scores_of_2000_rows_take_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    sections = [f"a section with a long name {i % 700}" for i in range(2000)]
    started = time.process_time()
    for _ in range(10):
        estimate(rng.uniform(-1, 1, 2000).tolist(), sections)
    assert time.process_time() - started < 1
