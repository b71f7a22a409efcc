"""What an evaluation says besides the scores: forgetting, inventions, the bound, rivals, the judge, and its history."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import FACTS, SYSTEM
from wukong_pipe.errors import DataError, StoppedShort
from wukong_pipe.files import read_json, read_jsonl, sha256_of, write_json
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.files import read_training_data
from wukong_trainer.evaluation.answers_to_read import answers_to_read
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.forgetting import general_questions
from wukong_trainer.evaluation.history import history, history_of
from wukong_trainer.evaluation.person_grades import answer_hash, grade
from wukong_trainer.evaluation.records import Grade, TestRow
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.evaluation.sources import Comparison, Inventions, JudgeReply, NoSources, Submission
from wukong_trainer.inference import asked_models
from wukong_trainer.inference.generate import Answer
from wukong_trainer.recipe import load_recipe, overridden
from wukong_trainer.training import sft

SETTINGS = Settings(batch=8, max_new_tokens=6)
LEVELS = ["wording"] * 6 + ["section"] * 2


def rows(prefix: str, facts: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "instruction": prefix + question,
            "output": answer,
            "id": f"{prefix}{i}",
            "pair_id": f"pair{i}",
            "section_id": f"s{i % 2}",
            "kind": "paraphrase",
            "level": level,
            "lang": "zh",
            "source": "a.md",
            "heading_path": ["棍", f"节{i % 2}"],
        }
        for i, ((question, answer), level) in enumerate(zip(facts, [*LEVELS, *[""] * 99], strict=False))
    ]


def write(path: Path, entries: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), "utf-8")


def trained(folder: Path, student: Path, questions: list[dict[str, Any]]) -> Run:
    run = Run(folder)
    write(run.dataset / "train.jsonl", questions)
    write(run.dataset / "test.jsonl", rows("请你告诉我，", FACTS[:8]))
    files = {name: sha256_of(run.dataset / name) for name in ("train.jsonl", "test.jsonl")}
    write_json(run.manifest, {"files": files})
    recipe = overridden(load_recipe("tiny"), model=str(student), system=SYSTEM, epochs=2.0, batch=12, r=4, alpha=4)
    sft.train(run, read_training_data(run.dataset), recipe, evaluate=False)
    return run


@pytest.fixture(scope="module")
def run(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("runs") / "mine", student, rows("", FACTS))


def section_of(question: str) -> str | None:
    """Sections long and short, and one that is gone."""
    return None if "第3号" in question else f"{question[6:]}的答案。" * 40


class Book(NoSources):
    """The sources of the run's rows, by `section_of`."""

    def section(self, row: TestRow) -> str | None:
        return section_of(row.question)


def test_a_second_evaluation_loads_no_model_and_writes_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate(run, SETTINGS)
    first = run.answers.read_bytes()

    def load_model(*_: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(asked_models, "load_model", load_model)
    evaluate(run, SETTINGS)
    assert run.answers.read_bytes() == first


def test_general_questions_show_what_was_forgotten(run: Run) -> None:
    metrics, _ = evaluate(run, Settings(batch=8, max_new_tokens=6, general=6))
    forgetting = metrics["forgetting"]
    assert forgetting["n"] == 6 == metrics["settings"]["general"]
    assert forgetting.keys() >= {"base", "tuned", "difference", "ci95", "explanation"}
    assert {lang: block["n"] for lang, block in forgetting["by_lang"].items()} == {"zh": 3, "en": 3}
    assert forgetting["loglik"]["base"] < 0
    assert "forgetting" not in evaluate(run, SETTINGS)[0]


def test_a_general_question_that_was_trained_cannot_show_that_nothing_was_forgotten(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.folder, tmp_path / "mixed")
    mixed = Run(tmp_path / "mixed")
    record = read_json(mixed.adapter / RECORD)
    trained_too = normalise(general_questions(6)[0].example.asked)
    write_json(mixed.adapter / RECORD, record | {"questions": [*record["questions"], trained_too]})
    metrics, _ = evaluate(mixed, Settings(batch=8, max_new_tokens=6, general=6))
    forgetting = metrics["forgetting"]
    assert (forgetting["n"], forgetting["dropped"]) == (5, 1)
    assert forgetting["explanation"].endswith("; not asked, because trained: 1 more.")


def test_the_base_with_the_section_in_its_prompt_is_the_bound_and_cut_sections_are_counted(run: Run) -> None:
    asked = Settings(batch=8, max_new_tokens=6, open_book=True)
    metrics, answers = evaluate(run, asked, Book())
    book = metrics["open_book"]
    assert (book["n"], book["missing"], book["cut"]) == (7, 1, 0)
    assert {level: block["n"] for level, block in book["levels"].items()} == {"wording": 5, "section": 2}
    for row in answers:
        assert ("open_book" in row) == (section_of(row["instruction"]) is not None)
    wording = [row for row in answers if row["level"] == "wording" and "open_book" in row]
    hits = sum(row["open_book"]["fact_hit"] for row in wording) / len(wording)
    assert book["levels"]["wording"]["open_book"] == pytest.approx(hits)
    # The student reads 1024 tokens.
    metrics, _ = evaluate(run, asked, LongBook())
    assert metrics["open_book"]["cut"] == 8


class LongBook(NoSources):
    """Sections that no student of ours can read whole."""

    def section(self, row: TestRow) -> str | None:  # noqa: ARG002
        return "甲乙丙丁" * 2000


def test_with_the_section_at_hand_the_base_reads_it_before_the_question(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def answer_all(model: Any, tokenizer: Any, prompts: Any, *rest: Any, **how: Any) -> list[Answer]:  # noqa: ARG001
        read.extend(prompt[-1]["content"] for prompt in prompts)
        return [Answer("", True) for _ in prompts]

    monkeypatch.setattr("wukong_trainer.inference.asked_models.answer_all", answer_all)
    _, answers = evaluate(run, Settings(batch=8, max_new_tokens=6, open_book=True), Book())
    for row in (row for row in answers if "open_book" in row):
        section = section_of(row["instruction"])
        assert section
        assert [text for text in read if section in text and text.index(section) < text.index(row["instruction"])]


def test_inventions_are_counted_where_the_section_is_known(run: Run) -> None:
    class Characters(Book):
        """Every character that the section does not hold is invented."""

        def inventions(self, answer: str, row: TestRow) -> Inventions | None:
            text = self.section(row)
            if text is None:
                return None
            return Inventions([char for char in answer if char not in text], None, len(answer))

    metrics, answers = evaluate(run, SETTINGS, Characters())
    found = metrics["hallucination"]
    assert (found["n"], found["missing"]) == (7, 1)
    for side in ("base", "tuned"):
        marked = [row[side]["invented_terms"] for row in answers if "invented_terms" in row[side]]
        assert len(marked) == 7
        assert found[side]["invented"] == sum(map(len, marked)) <= found[side]["stated"]
        assert found[side]["answers"] == pytest.approx(sum(map(bool, marked)) / 7)
        assert "invented" not in metrics["levels"]["wording"][side], "it is told once"
    assert found["outside_section"]["n"] == 0


def test_rivals_answer_the_same_questions_without_those_they_were_trained_on(
    run: Run, student: Path, tmp_path: Path
) -> None:
    test = rows("请你告诉我，", FACTS[:8])
    other = trained(tmp_path / "other", student, [*rows("", FACTS), *test[:2]])
    metrics, answers = evaluate(run, SETTINGS, rivals=[other, str(student), run])
    against = metrics["against"]
    assert against["first"] == "mine"
    models = {model["name"]: model for model in against["models"]}
    assert [models[name]["n"] for name in ("other", str(student), "mine")] == [6, 8, 8]
    leakage = [models[name]["leakage"] for name in ("other", str(student), "mine")]
    assert leakage == ["dropped 2, rest unknown", "unknown", "none"]
    # The same adapter gives the same answers, and the base is the student.
    assert models["mine"]["levels"]["wording"]["difference"] == 0
    assert [row["against"]["mine"] for row in answers] == [row["tuned"] for row in answers]
    assert [row["against"][str(student)]["answer"] for row in answers] == [row["base"]["answer"] for row in answers]
    assert [row["id"] for row in answers if "other" not in row["against"]] == ["请你告诉我，0", "请你告诉我，1"]


class Judged(Book):
    """With a judge that prefers the longer answer, grades as right what holds the reference, fails on one question."""

    def __init__(self) -> None:
        self.asked: list[Comparison] = []
        self.submitted: list[Submission] = []

    def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
        self.submitted.extend(submissions)
        return [
            Grade("ungraded") if "第2号" in one.question else Grade("right" if one.reference in one.answer else "wrong")
            for one in submissions
        ]

    def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:
        self.asked.extend(comparisons)
        return [
            None if "第2号" in one.question else JudgeReply("A" if len(one.a) >= len(one.b) else "B", "长")
            for one in comparisons
        ]


def test_the_judge_is_asked_in_both_orders_and_what_it_said_stands_beside_each_answer(run: Run) -> None:
    sources = Judged()
    metrics, answers = evaluate(run, SETTINGS, sources)
    assert len(sources.asked) == 16
    for row, first, second in zip(answers, sources.asked[::2], sources.asked[1::2], strict=True):
        assert (first.a, first.b) == (row["base"]["answer"], row["tuned"]["answer"]) == (second.b, second.a)
        assert (first.question, first.reference) == (row["instruction"], row["reference"])
        assert first.source == (section_of(row["instruction"]) or "")
    assert metrics["judge"]["unjudged"] == 1
    assert [row["judge"]["better"] for row in answers].count("unjudged") == 1
    assert read_json(run.metrics)["judge"] == json.loads(json.dumps(metrics["judge"]))


def test_every_answer_is_graded_and_its_grade_stands_beside_it(run: Run) -> None:
    sources = Judged()
    metrics, answers = evaluate(run, SETTINGS, sources)
    texts = [normalise(row[side]["answer"]) for row in answers for side in ("base", "tuned")]
    assert [normalise(one.answer) for one in sources.submitted] == texts
    for row, one in zip(answers, sources.submitted[::2], strict=True):
        assert (one.question, one.reference) == (row["instruction"], row["reference"])
        assert one.source == (section_of(row["instruction"]) or "")
    assert read_jsonl(run.answers) == answers
    values = {row["instruction"]: row["base"]["grade"]["value"] for row in answers}
    assert [question for question, value in values.items() if value == "ungraded"] == [
        "请你告诉我，第2号棍的来历是什么？"
    ]
    assert metrics["grades"]["ungraded"] == 1
    assert metrics["grades"]["levels"]["wording"]["n"] == 5
    assert read_json(run.metrics)["grades"] == json.loads(json.dumps(metrics["grades"]))


def test_rows_of_one_s_own_are_graded_against_the_reference_alone(run: Run, tmp_path: Path) -> None:
    own = [{"instruction": f"{number}加{number}等于几？", "output": str(2 * number)} for number in range(1, 11)]
    write(tmp_path / "own.jsonl", own)
    sources = Judged()
    metrics, _ = evaluate(run, SETTINGS, sources, test=tmp_path / "own.jsonl")
    assert [one.reference for one in sources.submitted[::2]] == [row["output"] for row in own]
    assert metrics["grades"]["levels"]["wording"]["sections"] == 10, "each row stands for itself"
    assert metrics["grades"]["levels"]["wording"]["verdict"] != "too few sections"


def test_grades_are_kept_where_the_ceiling_stops_the_comparisons(run: Run) -> None:
    class Poor(Judged):
        """With a ceiling that leaves room for the grades alone."""

        def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:  # noqa: ARG002
            raise StoppedShort("the ceiling")

    run.forget_evaluation()
    with pytest.raises(StoppedShort):
        evaluate(run, SETTINGS, Poor())
    kept = read_json(run.metrics)
    assert kept["grades"]["n"] == 7
    assert "judge" not in kept
    assert all("grade" in row["tuned"] for row in read_jsonl(run.answers))


def test_what_grades_deny_stays_denied_without_a_judge_and_with_one_that_stops(run: Run) -> None:
    class Strict(Judged):
        def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
            return [Grade("wrong") for _ in submissions]

    class Stopping(Judged):
        def grades(self, submissions: Sequence[Submission]) -> list[Grade]:  # noqa: ARG002
            raise StoppedShort("the ceiling")

    class Failing(Judged):
        def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
            return [Grade("ungraded") for _ in submissions]

    run.forget_evaluation()
    first, _ = evaluate(run, SETTINGS, Strict())
    with pytest.raises(StoppedShort):
        evaluate(run, SETTINGS, Stopping())
    assert read_json(run.metrics)["grades"] == first["grades"]
    failed, _ = evaluate(run, SETTINGS, Failing())
    assert failed["grades"]["levels"] == first["grades"]["levels"]
    again, _ = evaluate(run, SETTINGS)
    assert again["grades"] == first["grades"]
    assert again["primary"] == first["primary"]


def test_a_persons_grades_outlive_the_evaluation_they_were_given_in(run: Run) -> None:
    _, answered = evaluate(run, SETTINGS)
    for answer in answers_to_read(run.answers):
        grade(run.grades, answer.question_id, answer.hash, "right")
    run.forget_evaluation()
    again, _ = evaluate(run, SETTINGS)
    assert again["person"] == read_json(run.metrics)["person"]
    assert again["person"]["levels"]["wording"]["tuned"]["right"] == 6
    gone = answer_hash(answered[0]["instruction"], answered[0]["reference"], "another answer")
    run.grades.write_text(json.dumps({"id": answered[0]["id"], "answer": gone, "grade": "right"}) + "\n")
    assert "person" not in evaluate(run, SETTINGS)[0], "that answer is not given any more"


def test_damaged_grades_are_told_before_anything_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def line_up(*_: object) -> None:
        raise AssertionError("models were looked for")

    monkeypatch.setattr("wukong_trainer.evaluation.evaluate.line_up", line_up)
    run.grades.write_text("right\n")
    with pytest.raises(DataError, match=r"grades\.jsonl, line 1"):
        evaluate(run, SETTINGS)
    run.grades.unlink()


def test_a_judge_that_stops_half_way_leaves_the_scores(run: Run) -> None:
    class Dear(NoSources):
        """With a judge that reaches its ceiling."""

        def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:  # noqa: ARG002
            raise StoppedShort("the ceiling")

    run.forget_evaluation()
    before = len(history(history_of(run)))
    with pytest.raises(StoppedShort):
        evaluate(run, SETTINGS, Dear())
    assert read_json(run.metrics)["primary"]["n"] == 6
    assert len(read_jsonl(run.answers)) == 8
    assert len(history(history_of(run))) == before + 1


def test_every_evaluation_is_remembered_with_what_it_was_about(run: Run) -> None:
    before = len(history(history_of(run)))
    metrics, _ = evaluate(run, SETTINGS)
    evaluate(run, Settings(batch=8, max_new_tokens=6, limit=3))
    last, limited = history(history_of(run))[before:]
    assert last["primary"] == json.loads(json.dumps(metrics["primary"]))
    assert limited["primary"]["n"] < last["primary"]["n"]
    assert last["adapter_hash"] == limited["adapter_hash"]
    assert re.fullmatch("[0-9a-f]{32}", last["adapter_hash"])
