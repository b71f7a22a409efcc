"""A person's grades in the report: the newest, without another evaluation; nothing where there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.answered import answer_row, make_run
from wukong_pipe.errors import DataError
from wukong_trainer.evaluation.answers_to_read import AnswerToRead, answers_of, answers_to_read, reading_order
from wukong_trainer.evaluation.person_agreement import person_grades
from wukong_trainer.evaluation.person_grades import grade, read_grades
from wukong_trainer.report.page import write_report
from wukong_trainer.report.person_block import blind_block, person_block
from wukong_trainer.report.words import WORDS, Language


def words_of(folder: Path, graded: int, lang: Language = "en") -> tuple[str, Iterator[AnswerToRead]]:
    """The report of a run of which so many answers are graded as the score has them."""
    run = make_run(folder, lang)
    order = iter(reading_order(answers_to_read(run.answers)))
    for _, answer in zip(range(graded), order, strict=False):
        grade(run.grades, answer.question_id, answer.hash, "right" if answer.hit else "wrong")
    return write_report(run).read_text("utf-8"), order


def test_without_grades_the_report_says_nothing_of_a_person(tmp_path: Path) -> None:
    html, _ = words_of(tmp_path, 0)
    assert 'id="person"' not in html
    assert WORDS["en"]["person_says"] not in html


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_few_grades_are_shown_with_what_they_do_not_prove(tmp_path: Path, lang: Language) -> None:
    html, rest = words_of(tmp_path, 12, lang)
    # Two questions of the run are alike, and so are their answers.
    n = 47 - sum(answer.hash not in read_grades(make_run(tmp_path, lang).grades) for answer in rest)
    assert {"en": f"graded {n} of 47 answers", "zh": f"评了 {n} 个回答（共 47 个）"}[lang] in html
    assert n >= 12
    assert {"en": "1.00 (0.", "zh": "1.00（0."}[lang] in html, "full agreement of twelve is no certainty"
    assert html.count(f'<p class="grade">{WORDS[lang]["person_says"]}') >= 12


def test_what_is_graded_after_the_evaluation_is_in_the_next_report(tmp_path: Path) -> None:
    _, rest = words_of(tmp_path, 4)
    run = make_run(tmp_path)
    for answer in rest:
        grade(run.grades, answer.question_id, answer.hash, "partly")
    html = write_report(run).read_text("utf-8")
    assert "graded 47 of 47 answers" in html
    assert "is right more often by" in html


def test_answers_that_the_score_says_nothing_of_are_counted_beside_the_table() -> None:
    def answer(number: int, hit: bool | None) -> AnswerToRead:
        row = answer_row("wording", number, "en", "No.", "REFERENCE")
        return replace(answers_of([row])[0], hit=hit)

    answers = [answer(1, True), answer(2, False), answer(3, None)]
    graded = person_grades(answers, {answer.hash: "right" for answer in answers})
    assert graded is not None
    for block in (person_block(graded, WORDS["en"]), blind_block(graded, WORDS["en"])):
        assert "The score is not about 1 graded answer:" in " ".join(block.sentences)
    scored = person_grades(answers[:2], {answer.hash: "right" for answer in answers})
    assert scored is not None
    assert len(blind_block(scored, WORDS["en"]).sentences) == 1


def test_damaged_grades_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.grades.write_text("right\n")
    with pytest.raises(DataError, match=r"grades\.jsonl, line 1"):
        write_report(run)


def test_what_a_person_and_the_score_see_differently_stands_first_in_its_level(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    answers = [answer for answer in answers_to_read(run.answers) if answer.level == "wording"]
    for answer in answers:
        is_right = answer.hit if answer.question_id != "wording7" else not answer.hit
        grade(run.grades, answer.question_id, answer.hash, "right" if is_right else "wrong")
    html = write_report(run).read_text("utf-8")
    cards = re.findall(r'<article class="card".*?</article>', html, re.DOTALL)
    doubted = [card for card in cards if "a person and the score disagree" in card]
    assert len(doubted) == 2, "the question, and the one at another level that is answered alike"
    assert "How many monsters has chapter 7?" in doubted[0]
    others = [card for card in cards if "chapter 6?" in card]
    assert cards.index(doubted[0]) < cards.index(others[0])
