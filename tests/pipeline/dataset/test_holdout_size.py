"""What is said of the hold-out before wordings are bought is what comes out, and its advice holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.building import SMALL, build_offline
from tests.support.rows import pair
from wukong_pipe.commands.build import price_of
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.dataset.holdout_plan import cluster, plan
from wukong_pipe.dataset.holdout_size import ENOUGH, HoldoutSize, LevelSize, expected_size, size_of
from wukong_pipe.records import QAPair
from wukong_trainer.scoring.intervals import MIN_SECTIONS


def corpus(sections: Iterable[int]) -> list[QAPair]:
    """Two pairs a section, each of which tells what the other asks for."""
    return [
        pair(f"{asked}{n}号是什么？", f"{answer}{n}号", f"节{n}")
        for n in sections
        for asked, answer in (("甲", "乙"), ("乙", "甲"))
    ]


def size(sections: int, share: float, variants: int = 14) -> HoldoutSize:
    pairs = corpus(range(sections))
    return size_of(pairs, plan(pairs, share), share, variants)


def test_enough_sections_are_those_that_eval_wants() -> None:
    assert ENOUGH == MIN_SECTIONS


def test_each_level_is_counted_in_pairs_and_sections() -> None:
    pairs = corpus(range(100))
    chosen = plan(pairs, 0.1)
    levels = Counter(chosen.level(one) for one in pairs)
    found = size_of(pairs, chosen, 0.1, 14)
    assert found.section == LevelSize(len(chosen.sections), levels["section"])
    assert found.question == LevelSize(len(chosen.pairs), levels["question"])
    assert found.wording == LevelSize(100 - len(chosen.sections), levels[""])
    assert [found.sections, found.advised] == [100, None]
    assert found.lines == [
        f"Held out: {found.section.sections} of 100 sections ({levels['section']} pairs); of the others "
        f"{levels['question']} pairs in {levels['question']} sections, and wordings of {levels['']} pairs in "
        f"{found.wording.sections} sections."
    ]


@pytest.mark.parametrize("sections", [20, 27, 40, 70])
def test_the_share_that_is_advised_holds_out_enough_sections_and_a_smaller_one_does_not(sections: int) -> None:
    found = size(sections, 0.01)
    assert found.advised is not None
    pairs = corpus(range(sections))
    assert len(plan(pairs, found.advised).sections) >= ENOUGH > len(plan(pairs, found.advised - 0.01).sections)
    assert f"With --holdout {found.advised:g} at least 8 are held out whole." in found.lines[1]
    assert found.lines[1].startswith("For a verdict eval needs 8 sections; fewer have: ")


def test_no_share_is_advised_that_would_leave_too_few_sections_to_train() -> None:
    found = size(12, 0.1)
    assert found.advised is None
    assert found.lines[1].endswith("The corpus has too few sections to hold out 8.")
    assert f"question ({found.question.sections}), section ({found.section.sections})" in found.lines[1]


def test_pairs_of_few_wordings_give_none_away_and_without_hold_out_nothing_is_said() -> None:
    assert size(30, 0.1, variants=2).wording == LevelSize(0, 0)
    assert size(30, 0.0).lines == []


def test_where_wordings_are_written_for_the_test_those_pairs_are_counted_whatever_is_trained_of_them() -> None:
    pairs = corpus(range(30))
    chosen = plan(pairs, 0.1)
    of_test = [one for one in pairs if not chosen.level(one)][:7]
    assert size_of(pairs, chosen, 0.1, 0, of_test).wording == LevelSize(4, 7)
    names = Counter(cluster(one.section) for one in pairs)
    assert expected_size(names, 0.1, 0, 0.1).wording == LevelSize(4, 4)


def test_before_there_are_pairs_the_sections_are_the_same_and_the_pairs_are_expected() -> None:
    pairs = corpus(range(60))
    known = size_of(pairs, plan(pairs, 0.3), 0.3, 14)
    expected = expected_size(Counter(cluster(one.section) for one in pairs), 0.3, 14)
    assert (expected.sections, expected.section, expected.advised) == (60, known.section, None)
    assert expected.question.pairs == round(0.3 * (120 - known.section.pairs))
    assert "of the others up to about " in expected.lines[0]


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_a_build_says_what_it_holds_out_and_a_dry_run_the_same_of_sections(
    tmp_path: Path, corpora: Path, name: str
) -> None:
    said: list[str] = []
    sources = read_sources([corpora / name])
    built, _ = build_offline(tmp_path, sources, SMALL, say=said.append)
    held = {level: {row.pair_id for row in built.rows if row.level == level} for level in ("question", "section")}
    sections = {row.heading_path for row in built.rows if row.level == "section"}
    (line,) = (line for line in said if line.startswith("Held out: "))
    assert line.startswith(f"Held out: {len(sections)} of 6 sections ({len(held['section'])} pair")
    assert f"of the others {len(held['question'])} pair" in line
    assert price_of(sources, SMALL, None).holdout.section.sections == len(sections)
