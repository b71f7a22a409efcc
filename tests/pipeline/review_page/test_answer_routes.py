"""Grading answers: blind, each grade on the disk before the next answer is shown, and agreement told at the end."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.answer_browser import AnswerBrowser, Row, rows
from tests.support.answered import HOSTILE, answer_row
from wukong_pipe.cli.main import main
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.records import Section
from wukong_pipe.review_page.answer_desk import AnswerDesk
from wukong_pipe.workspace import Run


@pytest.fixture
def browser(tmp_path: Path) -> AnswerBrowser:
    return AnswerBrowser(tmp_path, rows())


# --- blind --------------------------------------------------------------------------------------------------------


def swapped(row: Row) -> Row:
    return row | {"base": row["tuned"], "tuned": row["base"]}


def test_not_a_byte_of_the_page_tells_whose_an_answer_is(tmp_path: Path) -> None:
    one = AnswerBrowser(tmp_path / "one", rows(12))
    other = AnswerBrowser(tmp_path / "other", [swapped(row) for row in rows(12)])
    for number in range(1, 25):
        assert one.get(f"/answers/{number}") == other.get(f"/answers/{number}")
    page = one.get("/answers/1")
    for browser in (one, other):
        assert browser.grade(page, "right")
    assert one.get("/answers/agreement") == other.get("/answers/agreement"), "one grade more tells no side"
    assert one.lines == other.lines, "nor does the file"


def test_neither_score_nor_judge_is_shown_before_the_grade(tmp_path: Path) -> None:
    changed = rows()
    for row in changed:
        for side in ("base", "tuned"):
            row[side] |= {"fact_hit": 1 - row[side]["fact_hit"], "grade": {"value": "partly", "reason": "OTHER"}}
    one, other = AnswerBrowser(tmp_path / "one", rows()), AnswerBrowser(tmp_path / "other", changed)
    assert "SECRET" not in one.get("/answers/1")
    assert [one.get(f"/answers/{number}") for number in range(1, 13)] == [
        other.get(f"/answers/{number}") for number in range(1, 13)
    ]


# --- grading ------------------------------------------------------------------------------------------------------


def test_a_grade_is_on_the_disk_when_the_next_answer_is_shown(browser: AnswerBrowser) -> None:
    page = browser.get()
    assert "Answer 1 of 12" in page
    assert "0 of 12 answers graded" in page
    page = browser.grade(page, "partly")
    first = browser.desk.answers[0]
    assert browser.lines == [{"id": first.question_id, "answer": first.hash, "grade": "partly"}]
    assert "Answer 2 of 12" in page
    assert "1 of 12 answers graded" in page
    assert "Answer 1: partly right" in page


def test_a_grade_can_be_changed_and_undone_to_the_one_before(browser: AnswerBrowser) -> None:
    browser.grade(browser.get("/answers/1"), "right")
    browser.grade(browser.get("/answers/1"), "wrong")
    assert [*browser.desk.grades.values()] == ["wrong"]
    page = browser.post("/answers/undo")
    assert "Taken back: the grade of answer 1" in page
    assert [*browser.desk.grades.values()] == ["right"]
    browser.post("/answers/undo")
    assert browser.desk.grades == {}
    assert "There is no grade to take back." in browser.post("/answers/undo")
    assert len(browser.lines) == 4


def test_undo_leaves_grades_of_an_earlier_evaluation_alone(browser: AnswerBrowser) -> None:
    browser.grade_all("right", 2)
    write_text(browser.run.answers, jsonl(rows(2, lang="zh")))
    assert "There is no grade to take back." in browser.post("/answers/undo")
    assert len(browser.lines) == 2


def test_the_next_answer_is_the_next_without_a_grade_and_one_moves_freely(
    browser: AnswerBrowser,
) -> None:
    browser.grade(browser.get("/answers/2"), "wrong")
    assert "Answer 3 of 12" in browser.grade(browser.get("/answers/1"), "wrong")
    assert "Answer 3 of 12" in browser.grade(browser.get("/answers/12"), "wrong"), "from the beginning again"
    page = browser.get("/answers/2")
    assert '<span class="state grade-wrong">Wrong</span>' in page
    assert re.findall(r'value="(\w+)"[^>]*aria-pressed="true"', page) == ["wrong"]
    assert "Answer 3 of 12" in browser.get("/answers/99"), "what is not there is the first without a grade"


def test_an_answer_of_both_models_is_graded_once(tmp_path: Path) -> None:
    same = [row | {"tuned": row["base"]} for row in rows(3)]
    browser = AnswerBrowser(tmp_path, same)
    assert "Answer 1 of 3" in browser.get()
    assert "All 3 answers are graded" in browser.grade_all("wrong")


@pytest.mark.parametrize("sent", [{"grade": "right", "answer": "0" * 16}, {"grade": "good"}, {}])
def test_what_was_not_shown_so_is_not_saved(browser: AnswerBrowser, sent: Row) -> None:
    shown = {"answer": browser.desk.answers[0].hash} | sent
    assert "nothing was saved" in browser.post("/answers/1", **shown)
    assert browser.lines == []


def test_another_evaluation_keeps_the_grades_of_the_answers_that_stayed(browser: AnswerBrowser) -> None:
    page = browser.get()
    browser.grade_all("right")
    changed = rows()
    for row in changed:
        if row["level"] == "section":
            row["tuned"]["answer"] = "Another answer."
    write_text(browser.run.answers, jsonl(changed))
    assert "9 of 12 answers graded" in browser.get()
    assert "nothing was saved" in browser.grade(page.replace("/answers/1", "/answers/3"), "wrong")


def test_a_second_window_sees_the_grades_of_the_first(browser: AnswerBrowser) -> None:
    other = AnswerDesk(browser.run, lambda _: None)
    browser.grade_all("right", 3)
    other.refresh()
    assert other.graded == 3
    assert other.ungraded() == 4


# --- what the grades say ------------------------------------------------------------------------------------------


def test_agreement_is_told_on_demand_without_sides_and_at_the_end_with_them(browser: AnswerBrowser) -> None:
    assert "No answer is graded yet." in browser.get("/answers/agreement")
    browser.grade_all("right", 11)
    asked = browser.get("/answers/agreement")
    assert "kappa of the judge" in asked
    assert "total (n" in asked
    assert "tuned" not in asked.replace("Base and tuned are told apart here once the sample is graded", "")
    page = browser.grade_all("wrong")
    assert "All 12 answers are graded" in page
    assert "new wording, tuned" in page
    assert "All 12 answers are graded" in browser.get()


def test_the_end_of_the_sample_is_told_and_the_rest_can_be_graded_too(
    browser: AnswerBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_pipe.review_page.answer_desk.SAMPLE", 4)
    assert "0 of a sample of 4 answers graded" in browser.get()
    assert "all 12 may be graded" in browser.get()
    page = browser.grade_all("right", 4)
    assert "The sample is graded" in page
    assert 'hx-get="/answers/5"' in page
    assert "4 of 12 answers graded" in page
    assert "Answer 6 of 12" in browser.grade(browser.get("/answers/5"), "wrong")


# --- what the page shows ------------------------------------------------------------------------------------------


def test_reference_and_source_are_shown_with_their_facts_marked(tmp_path: Path) -> None:
    text = "## Monsters\n\nThere were 100 of them, and of no others.\n"
    section = Section("guide.md", ("Guide",), 7, text, "en", "")
    browser = AnswerBrowser(tmp_path, rows(1, facts=[["100"]]), section)
    page = browser.get()
    assert page.count('<mark class="fact">100</mark>') == 2
    assert '<span class="number" aria-hidden="true">9</span>' in page
    assert re.search(r'<div class="answer graded"[^>]*>[^<]*</div>', page), "the answer itself is not marked"


def test_without_its_source_an_answer_can_still_be_graded(browser: AnswerBrowser) -> None:
    page = browser.get()
    assert "The text of this section is gone" in page
    assert "Answer 2 of 12" in browser.grade(page, "right")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_words_stay_text(tmp_path: Path, lang: str) -> None:
    hostile = answer_row("wording", 1, lang, HOSTILE, HOSTILE[::-1] + HOSTILE, source=HOSTILE, kind=HOSTILE)
    hostile |= {"instruction": HOSTILE, "reference": HOSTILE, "heading_path": [HOSTILE], "lang": lang}
    hostile |= {"id": HOSTILE, "facts": [["red"]], "level": HOSTILE}
    section = Section("guide.md", (HOSTILE,), 1, HOSTILE + "\n", "en", "")
    browser = AnswerBrowser(tmp_path, [hostile], section)
    for page in (browser.get("/answers/1"), browser.get("/answers/2")):
        assert "<img" not in page
        assert page.count("<script") == 2
        assert "\u202e" not in page
        assert "\x1b" not in page
    assert "nothing was" not in browser.grade(browser.get("/answers/1"), "right")
    assert browser.lines[0]["id"] == HOSTILE


def test_the_page_is_in_the_language_of_most_answers(tmp_path: Path) -> None:
    assert "已评 0 / 12 个回答" in AnswerBrowser(tmp_path / "zh", rows(lang="zh")).get()
    assert AnswerDesk(AnswerBrowser(tmp_path / "en", rows(lang="zh")).run, lambda _: None, "en").lang == "en"


# --- what is wrong with a run -------------------------------------------------------------------------------------


def test_damaged_grades_are_told_and_nothing_is_lost(browser: AnswerBrowser) -> None:
    browser.run.grades.write_text("right\n")
    assert "grades.jsonl, line 1 is not valid JSON" in browser.get()


def test_answers_that_went_while_they_were_graded_are_told(browser: AnswerBrowser) -> None:
    browser.run.forget_evaluation()
    assert "start with `wukong-pipe eval`" in browser.get()


def test_a_run_without_answers_is_told_to_be_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    options = ["--runs-dir", str(tmp_path / "runs"), "--run", "mine", "--no-browser"]
    assert main(["review", "--answers", *options]) == 1
    assert "has no answers yet: start with `wukong-pipe eval`" in " ".join(capsys.readouterr().err.split())


def test_an_empty_file_of_answers_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path)
    write_text(run.answers, "\n")
    with pytest.raises(WorkspaceError, match="holds no answers"):
        AnswerDesk(run, lambda _: None)


# --- the command --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_shows_the_page_and_a_kill_loses_no_grade(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "mine")
    write_text(run.answers, jsonl(rows()))
    command = [sys.executable, "-m", "wukong_pipe.cli", "review", "--answers", "--no-browser", "--run", "mine"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr
        printed = process.stderr.readline()
        assert "Answers of mine, 0 of 12 graded" in printed
        address = urlsplit(printed.rsplit(" ", 1)[1].strip())
        connection = http.client.HTTPConnection(address.netloc)
        connection.request("GET", f"/?{address.query}")
        entered = connection.getresponse()
        entered.read()
        known = {"Cookie": entered.headers["set-cookie"].split(";")[0], "Origin": f"http://{address.netloc}"}
        first = AnswerDesk(run, lambda _: None).answers[0]
        connection.request("POST", "/answers/1", urlencode({"grade": "right", "answer": first.hash}), known)
        assert "Answer 2 of 12" in connection.getresponse().read().decode()
        process.kill()
    assert read_jsonl(run.grades) == [{"id": first.question_id, "answer": first.hash, "grade": "right"}]
