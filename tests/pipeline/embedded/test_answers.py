"""Answers in whole sentences: every template of every family can be filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.embedded_teacher import SAMPLES, sections_of
from wukong_pipe.embedded.answers import answer_sentences
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.questions import templates
from wukong_pipe.records import Lang


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_an_answer_to_a_fact_of_any_family_has_wordings_that_hold_it(corpora: Path, lang: Lang, name: str) -> None:
    families = set()
    for section in sections_of(corpora, name):
        for fact in facts(section):
            families.add(fact.family)
            sentences = answer_sentences(lang, fact.family, dict(fact.slots), fact.answer, fact.units[0].words)
            assert len(set(sentences)) == len(sentences) > 3
            # A comparison says its two answers apart.
            assert fact.family == "compare" or fact.answer in sentences[0]
    assert families == set(templates(lang))
