"""The embedded teacher: the same answers always, questions whose form can be told, and nothing made up."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.pipeline.markdown import markdown
from wukong_pipe import base_qa, paraphrase
from wukong_pipe.base_qa import request
from wukong_pipe.build import load_prompts
from wukong_pipe.config import BuildSettings
from wukong_pipe.offline import (
    TEMPLATES,
    answer,
    facts,
    form_of,
    made_up_pairs,
    paraphrases,
    teacher_id,
)
from wukong_pipe.records import Lang, Section
from wukong_pipe.replies import check_item, read_object
from wukong_pipe.split import split
from wukong_pipe.teacher import ParaphraseTask
from wukong_pipe.text import normalise
from wukong_pipe.units import worth
from wukong_pipe.validate import PAIR_SCHEMA, Candidate, check_pair, read_pair

PROMPTS = load_prompts(BuildSettings())["base_qa"]
SAMPLES = [("zh", "blackwukong.md"), ("en", "apollo.md")]
WEAPONS = Section(
    "a.md",
    ("游戏", "武器"),
    1,
    "## 武器\n\n出云棍的来源是石敢当。\n\n- **土地庙**：可以休息。\n\n| 武器 | 价格 |\n|---|---|\n| 木棍 | 12 |\n",
)


def sections_of(corpora: Path, name: str) -> list[Section]:
    return split((corpora / name).read_text("utf-8"), name)


def asked(section: Section, quota: int = 40, covered: tuple[str, ...] = (), attempt: int = 0) -> str:
    return answer(request(section, quota, covered, PROMPTS), attempt)


# --- pairs --------------------------------------------------------------------------------------------------


def test_tables_lead_ins_and_sentences_become_pairs_with_their_own_words_as_evidence() -> None:
    assert json.loads(asked(WEAPONS))["pairs"] == [
        {"question": "出云棍的来源是什么？", "answer": "石敢当", "evidence": ["出云棍的来源是石敢当。"]},
        {
            "question": "土地庙是什么？",
            "answer": "可以休息",
            "evidence": ["**土地庙**：可以休息。"],
        },
        {"question": "木棍的价格是什么？", "answer": "12", "evidence": ["| 木棍 | 12 |"]},
    ]


def test_a_quota_is_kept_and_what_is_covered_is_not_asked_again() -> None:
    (best,) = json.loads(asked(WEAPONS, 1))["pairs"]
    assert best["question"] == "出云棍的来源是什么？"
    rest = json.loads(asked(WEAPONS, covered=(best["question"],)))["pairs"]
    assert [pair["question"] for pair in rest] == ["土地庙是什么？", "木棍的价格是什么？"]


def test_it_says_all_it_knows_at_once_and_nothing_when_asked_again() -> None:
    assert json.loads(asked(WEAPONS, attempt=1)) == {"pairs": []}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_same_request_has_the_same_answer(corpora: Path, lang: Lang, name: str) -> None:
    first = [asked(section) for section in sections_of(corpora, name)]
    facts.cache_clear()
    assert first == [asked(section) for section in sections_of(corpora, name)]
    assert all(section.lang == lang for section in sections_of(corpora, name))


def test_its_id_carries_the_hash_of_its_code() -> None:
    assert teacher_id().startswith("offline@")
    assert teacher_id() == teacher_id()


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_nearly_all_it_says_of_the_samples_passes_the_checks(corpora: Path, lang: Lang, name: str) -> None:
    read = good = 0
    for section in sections_of(corpora, name):
        for item in json.loads(asked(section))["pairs"]:
            candidate = read_pair(item, section)
            assert isinstance(candidate, Candidate), (lang, candidate)
            read += 1
            good += check_pair(candidate, section) is None
    assert read > 100
    assert good > 0.95 * read


@given(markdown)
@settings(max_examples=150, deadline=None)
def test_any_markdown_is_answered_in_the_form_that_was_asked_for(text: str) -> None:
    for section in split(text, "a.md"):
        value, problem = read_object(asked(section), base_qa.REPLY_SCHEMA)
        assert value is not None, problem
        assert len(value["pairs"]) <= max(worth(section), 0)
        loose = {**PAIR_SCHEMA, "required": ["question", "answer", "evidence"]}
        assert [check_item(item, loose) for item in value["pairs"]] == [None] * len(value["pairs"])


# --- paraphrases and their forms ----------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_every_base_question_has_the_first_template_of_its_family(corpora: Path, lang: Lang, name: str) -> None:
    for section in sections_of(corpora, name):
        for fact in facts(section):
            assert form_of(fact.question(lang, 0)) in {f"{lang}/{family}/0" for family in TEMPLATES[lang]}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_form_of_a_question_is_the_template_it_was_made_with(corpora: Path, lang: Lang, name: str) -> None:
    known = [fact for section in sections_of(corpora, name) for fact in facts(section)]
    seen = set()
    for fact in known[::3]:
        # “X的Y是什么？” is the base question of an attribute and of a thing named “X的Y”.
        for i in range(1, len(TEMPLATES[lang][fact.family])):
            assert form_of(fact.question(lang, i)) == f"{lang}/{fact.family}/{i}"
            seen.add((fact.family, i))
    assert len(seen) == sum(len(templates) - 1 for templates in TEMPLATES[lang].values())


def test_a_question_of_another_teacher_has_no_form() -> None:
    assert form_of("石敢当掉落哪件兵器？") == ""
    assert form_of("Where did Eagle land?") == ""


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_paraphrases_are_distinct_and_never_the_base(corpora: Path, lang: Lang, name: str) -> None:
    for section in sections_of(corpora, name)[:12]:
        for fact in facts(section):
            base = fact.question(lang, 0)
            wordings = paraphrases(ParaphraseTask(section, base, 14, ()))
            assert len({normalise(text) for text in [base, *wordings]}) == 15
            more = paraphrases(ParaphraseTask(section, base, 14, tuple(wordings)))
            assert not set(more) & set(wordings)


def test_a_question_it_did_not_ask_it_cannot_reword() -> None:
    task = ParaphraseTask(WEAPONS, "谁掉落出云棍？", 5, ())
    assert paraphrases(task) == []
    assert paraphrase.REPLY_SCHEMA["required"] == ["questions"]


def test_few_variants_a_question_still_use_all_forms_of_a_family(corpora: Path) -> None:
    used = set()
    for section in sections_of(corpora, "blackwukong.md"):
        for fact in facts(section):
            task = ParaphraseTask(section, fact.question("zh", 0), 3, ())
            used |= {form_of(text) for text in paraphrases(task)}
    assert {form for form in used if form.startswith("zh/attribute/")} == {
        f"zh/attribute/{i}" for i in range(1, len(TEMPLATES["zh"]["attribute"]))
    }


# --- pairs about nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_made_up_pairs_state_no_fact_of_the_corpus(corpora: Path, lang: Lang, name: str) -> None:
    true = [fact for section in sections_of(corpora, name) for fact in facts(section)]
    texts = [text for fact in true for text in (fact.question(lang, 0), fact.answer)]
    made_up = list(islice(made_up_pairs(lang, texts, seed=1), 5000))
    questions = {normalise(text) for text, _ in made_up}
    stated = {normalise(fact.question(lang, i)) for fact in true for i in range(len(TEMPLATES[lang][fact.family]))}
    assert not questions & stated
    assert len(questions) > 3000


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_made_up_pairs_use_the_forms_and_the_characters_there_are(lang: Lang) -> None:
    text = {"zh": "出云棍石敢当", "en": "Saturn rocket engine"}[lang]
    made_up = list(islice(made_up_pairs(lang, [text], seed=2), 2000))
    forms = {f"{lang}/{family}/{i}" for family, own in TEMPLATES[lang].items() for i in range(len(own))}
    assert {form_of(question) for question, _ in made_up} == forms
    allowed = set(text)
    assert all(set(reply) <= allowed for _, reply in made_up)


def test_made_up_pairs_are_the_same_for_the_same_seed_and_none_without_text() -> None:
    pairs = [list(islice(made_up_pairs("zh", ["出云棍"], seed), 50)) for seed in (1, 1, 2)]
    assert pairs[0] == pairs[1] != pairs[2]
    assert list(made_up_pairs("en", [""], 1)) == []
