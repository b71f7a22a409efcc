"""The embedded teacher: the same answers always, and nothing made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.support.embedded_teacher import SAMPLES, pairs_of, reply_to, sections_of, table
from tests.support.markdown import markdown
from wukong_pipe.checks.candidates import PAIR_SCHEMA, Candidate, read_pair
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import units, worth
from wukong_pipe.embedded import teacher
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.questions import form_of, templates
from wukong_pipe.embedded.teacher import paraphrases, teacher_id
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import Lang, Section
from wukong_pipe.schema import check_item
from wukong_pipe.stages import base_qa, paraphrase
from wukong_pipe.teacher.replies import read_object
from wukong_pipe.teacher.requests import ParaphraseTask

WEAPONS = Section(
    "a.md",
    ("游戏", "武器"),
    1,
    "## 武器\n\n出云棍的来源是石敢当。\n\n- **土地庙**：可以休息。\n\n| 武器 | 价格 |\n|---|---|\n| 木棍 | 12 |\n",
)


def test_tables_lead_ins_and_sentences_become_pairs_with_their_own_words_as_evidence() -> None:
    assert pairs_of(WEAPONS) == [
        {
            "question": "出云棍的来源是什么？",
            "answer": "石敢当",
            "facts": ["石敢当"],
            "evidence": ["出云棍的来源是石敢当。"],
            "kind": "base",
        },
        {
            "question": "土地庙是什么？",
            "answer": "可以休息",
            "facts": ["可以休息"],
            "evidence": ["**土地庙**：可以休息。"],
            "kind": "base",
        },
        {
            "question": "木棍的价格是什么？",
            "answer": "12",
            "facts": ["12"],
            "evidence": ["| 木棍 | 12 |"],
            "kind": "base",
        },
    ]


def test_a_quota_is_kept_and_what_is_covered_is_not_asked_again() -> None:
    (best,) = pairs_of(WEAPONS, 1)
    assert best["question"] == "出云棍的来源是什么？"
    rest = pairs_of(WEAPONS, covered=(best["question"],))
    assert [pair["question"] for pair in rest] == ["土地庙是什么？", "木棍的价格是什么？"]


def test_where_every_unit_can_have_a_pair_it_has_one() -> None:
    section = table("石庚共有六件兵器。", 4)
    assert worth(section) == 9
    pairs = pairs_of(section, 5)
    assert {text for pair in pairs for text in pair["evidence"]} == {
        "石庚共有六件兵器。",
        *(f"| 甲{n}棍 | 乙{n}山 | 木 |" for n in range(4)),
    }
    assert {form_of(pair["question"]) for pair in pairs_of(section, 3)} == {"zh/attribute/0"}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_at_least_nine_units_in_ten_of_the_samples_are_asked_about(corpora: Path, lang: Lang, name: str) -> None:
    said = covered = 0
    for section in sections_of(corpora, name):
        pairs = pairs_of(section, base_qa.quota(section, 40))
        evidence = {text for pair in pairs for text in pair["evidence"]}
        own = [unit for unit in units(section) if unit.kind == "sentence"]
        said += len(own)
        covered += sum(unit.text in evidence for unit in own)
    assert covered > 0.9 * said, lang


def test_it_says_all_it_knows_at_once_and_nothing_when_asked_again() -> None:
    assert json.loads(reply_to(WEAPONS, attempt=1)) == {"pairs": []}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_same_request_has_the_same_answer(corpora: Path, lang: Lang, name: str) -> None:
    first = [reply_to(section) for section in sections_of(corpora, name)]
    facts.cache_clear()
    assert first == [reply_to(section) for section in sections_of(corpora, name)]
    assert all(section.lang == lang for section in sections_of(corpora, name))


def test_its_id_carries_the_hash_of_its_code_and_of_its_templates() -> None:
    room = sorted(
        file for file in Path(teacher.__file__).parent.iterdir() if file.is_file() and file.stem != "invented_facts"
    )
    assert {file.name for file in room} >= {"teacher.py", "facts.py", "questions.toml", "answers.toml"}
    assert teacher_id() == f"offline@{digest(*(file.read_text('utf-8') for file in room))[:8]}"


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_nearly_all_it_says_of_the_samples_passes_the_checks(corpora: Path, lang: Lang, name: str) -> None:
    read = good = 0
    for section in sections_of(corpora, name):
        for item in pairs_of(section):
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
        value, problem = read_object(reply_to(section), base_qa.REPLY_SCHEMA)
        assert value is not None, problem
        assert len(value["pairs"]) <= max(worth(section), 0)
        loose = {**PAIR_SCHEMA, "required": ["question", "answer", "evidence"]}
        assert [check_item(item, loose) for item in value["pairs"]] == [None] * len(value["pairs"])


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
        f"zh/attribute/{i}" for i in range(1, len(templates("zh")["attribute"]))
    }
