"""The demo keeps what it promises: `make test-long` runs it as a newcomer does and reads its figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.embedded.invented_facts import invented_pairs
from wukong_pipe.embedded.questions import form_of
from wukong_pipe.files import read_json, read_jsonl

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder that `wukong-pipe demo` leaves."""
    folder = tmp_path_factory.mktemp("demo")
    program = Path(sys.executable).parent / "wukong-pipe"
    done = subprocess.run([program, "demo"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("1/4", "2/4", "3/4", "4/4", "Done in"):
        assert step in done.stdout
    return folder / "runs" / "demo"


@pytest.fixture(scope="module")
def metrics(demo: Path) -> Any:
    return read_json(demo / "eval" / "metrics.json")


def test_it_covers_a_hundred_facts_a_dozen_sections_and_a_hundred_and_fifty_held_out_wordings(demo: Path) -> None:
    train, test = (read_jsonl(demo / "dataset" / name) for name in ("train.jsonl", "test.jsonl"))
    assert len({row["pair_id"] for row in train}) >= 100
    assert len({row["section_id"] for row in train}) >= 12
    assert sum(row["level"] == "wording" for row in test) >= 150


def test_the_tuned_student_answers_wordings_it_was_not_trained_on_and_the_base_does_not(metrics: Any) -> None:
    wording = metrics["levels"]["wording"]
    assert wording["by_form"]["seen"]["tuned"]["fact_hit"] >= 0.9
    assert wording["by_form"]["unseen"]["tuned"]["fact_hit"] >= 0.7
    assert wording["base"]["fact_hit"] <= 0.1
    assert metrics["primary"]["ci95"][0] > 0
    assert metrics["primary"]["verdict"] == "better"


def test_sections_that_were_never_trained_stay_unknown_and_are_enough_to_say_so(metrics: Any) -> None:
    section = metrics["levels"]["section"]
    assert section["tuned"]["fact_hit"] - section["base"]["fact_hit"] <= 0.15
    assert (section["sections"], section["verdict"]) == (8, "no evidence")


def test_wordings_of_new_forms_use_a_template_no_training_row_uses(demo: Path) -> None:
    trained = {form_of(row["instruction"]) for row in read_jsonl(demo / "dataset" / "train.jsonl")}
    answers = [row for row in read_jsonl(demo / "eval" / "answers.jsonl") if row["level"] == "wording"]
    assert {row["form"] for row in answers} == {"seen", "unseen"}
    for row in answers:
        assert (form_of(row["instruction"]) in trained) == (row["form"] == "seen")


def test_what_the_student_was_pre_trained_on_states_none_of_the_facts(demo: Path) -> None:
    from itertools import islice

    rows = read_jsonl(demo / "dataset" / "train.jsonl")
    asked = {row["instruction"] for name in ("train", "test") for row in read_jsonl(demo / "dataset" / f"{name}.jsonl")}
    texts = [text for row in rows for text in (row["instruction"], row["output"])]
    invented = list(islice(invented_pairs("zh", texts, 0), 20_000))
    assert not asked & {question for question, _ in invented}
