"""Pairs about nothing: the language of questions and no fact of the corpus."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from wukong_pipe.corpus.split import split
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.invented_facts import invented_pairs
from wukong_pipe.embedded.questions import form_of, templates
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Lang


@pytest.mark.parametrize(("lang", "name"), [("zh", "blackwukong.md"), ("en", "apollo.md")])
def test_invented_pairs_state_no_fact_of_the_corpus(corpora: Path, lang: Lang, name: str) -> None:
    true = [fact for section in split((corpora / name).read_text("utf-8"), name) for fact in facts(section)]
    texts = [text for fact in true for text in (fact.question(lang, 0), fact.answer)]
    invented = list(islice(invented_pairs(lang, texts, seed=1), 5000))
    questions = {normalise(text) for text, _ in invented}
    stated = {normalise(fact.question(lang, i)) for fact in true for i in range(len(templates(lang)[fact.family]))}
    assert not questions & stated
    assert len(questions) > 3000


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_invented_pairs_use_the_forms_and_the_characters_there_are(lang: Lang) -> None:
    text = {"zh": "出云棍石敢当", "en": "Saturn rocket engine"}[lang]
    invented = list(islice(invented_pairs(lang, [text], seed=2), 2000))
    forms = {f"{lang}/{family}/{i}" for family, own in templates(lang).items() for i in range(len(own))}
    assert {form_of(question) for question, _ in invented} == forms
    allowed = {*text, *"、, and"}
    assert all(set(reply) <= allowed for _, reply in invented)


def test_invented_pairs_are_asked_in_the_families_of_templates_that_the_texts_are_asked_in() -> None:
    invented = islice(invented_pairs("zh", ["出云棍的来源是什么？", "石敢当", "请问石庚藏在哪里？"], seed=2), 2000)
    assert {form_of(question).split("/")[1] for question, _ in invented} == {"attribute", "ask"}


def test_invented_pairs_are_the_same_for_the_same_seed_and_none_without_text() -> None:
    pairs = [list(islice(invented_pairs("zh", ["出云棍"], seed), 50)) for seed in (1, 1, 2)]
    assert pairs[0] == pairs[1] != pairs[2]
    assert list(invented_pairs("en", [""], 1)) == []
