"""The estimate of a build: what it counts, and how near it comes on the sample corpora."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wukong_pipe.account.estimate import Workload, estimate
from wukong_pipe.corpus.sources import read_sources
from wukong_pipe.journal.records import Tokens
from wukong_pipe.pipeline import load_prompts, read_sections
from wukong_pipe.stages import base_qa
from wukong_pipe.stages.settings import BuildSettings

SETTINGS = BuildSettings()
PROMPTS = load_prompts(SETTINGS)


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_a_call_a_section_and_a_call_a_pair(corpora: Path, name: str) -> None:
    sections = list(read_sections(read_sources([corpora / name]), SETTINGS))
    stages = estimate(sections, SETTINGS, PROMPTS)
    quotas = [base_qa.quota(section, SETTINGS.max_pairs) for section in sections]
    assert stages["base_qa"].calls == sum(1 for quota in quotas if quota)
    assert stages["paraphrase"].calls == sum(quotas)
    # A Chinese token is a character or two, an English one four; the prompts come on top.
    characters = sum(len(section.text) for section, quota in zip(sections, quotas, strict=True) if quota)
    assert characters / 4 < stages["base_qa"].tokens.prompt < characters + 400 * len(sections)


def test_no_variants_no_calls_for_them(corpora: Path) -> None:
    sections = list(read_sections(read_sources([corpora / "apollo.md"]), SETTINGS))
    assert estimate(sections, replace(SETTINGS, variants=0), PROMPTS)["paraphrase"] == Workload()


def test_answers_and_a_second_reading_are_counted_where_they_are_wanted(corpora: Path) -> None:
    sections = list(read_sections(read_sources([corpora / "apollo.md"]), SETTINGS))
    settings = replace(SETTINGS, answer_variants=2, verify="all")
    stages = estimate(sections, settings, load_prompts(settings))
    usual = estimate(sections, SETTINGS, PROMPTS)
    assert list(usual) == ["base_qa", "paraphrase"]
    assert {name: stages[name] for name in usual} == usual
    pairs = stages["paraphrase"].calls
    assert stages["answers"].calls == pairs
    # Several pairs of a section are read at once, and the wordings of each pair.
    assert pairs < stages["verify"].calls < 2 * pairs
    for scope in ("doubtful", "full"):
        other = replace(settings, verify=scope)
        assert (
            estimate(sections, other, load_prompts(other))["verify"].tokens.completion
            > stages["verify"].tokens.completion
        ) == (scope == "full")


def test_spellings_are_asked_for_once_a_section_or_more_often_where_it_has_many_facts(corpora: Path) -> None:
    sections = list(read_sections(read_sources([corpora / "apollo.md"]), SETTINGS))
    settings = replace(SETTINGS, spellings=8)
    stages = estimate(sections, settings, load_prompts(settings))
    assert list(stages) == ["base_qa", "paraphrase", "spellings"]
    assert stages["spellings"].calls == stages["base_qa"].calls
    many = replace(sections[0], text="The ring is a band of gold.\n\n" * 100)
    wide = replace(settings, max_pairs=100)
    asked, one = (estimate([many], it, load_prompts(it))["spellings"] for it in (wide, replace(wide, max_pairs=40)))
    # Three calls speak of a hundred facts together, and not each of all.
    assert (asked.calls, one.calls) == (3, 1)
    assert asked.tokens.completion == one.tokens.completion * 100 // 40


def test_what_happened_scales_what_is_left() -> None:
    left = Workload(10, Tokens(1000, 200))
    expected = {"calls": 2, "tokens_in": 100, "tokens_out": 50}
    assert left.scaled(expected, {"calls": 3, "tokens_in": 50, "tokens_out": 100}) == Workload(15, Tokens(500, 400))
    # The embedded teacher has no tokens: the expectation stands.
    assert left.scaled(expected, {"calls": 2, "tokens_in": 0, "tokens_out": 0}) == left
