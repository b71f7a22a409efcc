"""The templates of questions, and the form of a question."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tests.support.embedded_teacher import SAMPLES, sections_of
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.questions import form_of, templates
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Lang


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_every_base_question_has_the_first_template_of_its_family(corpora: Path, lang: Lang, name: str) -> None:
    for section in sections_of(corpora, name):
        for fact in facts(section):
            assert form_of(fact.question(lang, 0)) in {f"{lang}/{family}/0" for family in templates(lang)}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_form_of_a_question_is_the_template_it_was_made_with(corpora: Path, lang: Lang, name: str) -> None:
    known = [fact for section in sections_of(corpora, name) for fact in facts(section)]
    seen = set()
    for fact in known[::2]:
        # “X的Y是什么？” is the base question of an attribute and of a thing named “X的Y”.
        for i in range(1, len(templates(lang)[fact.family])):
            assert form_of(fact.question(lang, i)) == f"{lang}/{fact.family}/{i}"
            seen.add((fact.family, i))
    assert len(seen) == sum(len(templates) - 1 for templates in templates(lang).values())


def test_a_question_of_another_teacher_has_no_form() -> None:
    assert form_of("石敢当掉落哪件兵器？") == ""
    assert form_of("Where did Eagle land?") == ""


SLOTS = {
    "attribute": {"thing", "attribute"},
    "define": {"thing"},
    "cloze": {"gapped"},
    "ask": {"question"},
    "list": {"group"},
    "reverse": {"attribute", "value", "kind"},
    "compare": {"thing", "other", "attribute"},
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("family", SLOTS)
def test_every_template_has_all_slots_of_its_family_and_no_others(lang: Lang, family: str) -> None:
    wordings = templates(lang)[family]
    assert [text for text in wordings if set(re.findall(r"\{(\w*)\}", text)) != SLOTS[family]] == []
    assert [text for text in wordings if text.count("{") != len(SLOTS[family])] == []
    assert len({normalise(text) for text in wordings}) == len(wordings)


def test_both_languages_have_the_same_families_of_as_many_templates() -> None:
    sizes = {lang: {family: len(own) for family, own in templates(lang).items()} for lang in get_args(Lang)}
    assert sizes["zh"] == sizes["en"] == dict.fromkeys(SLOTS, 17)
