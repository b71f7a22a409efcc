"""Three validation questions that the trained student answers at the end of `train`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_jsonl
from wukong_pipe.screens.console import PrintableConsole
from wukong_pipe.screens.training import sample_lines
from wukong_pipe.workspace import Run
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.use.samples import Sample
from wukong_trainer.use.tuned_model import load_tuned


def test_training_ends_with_three_validation_questions_answered_by_what_was_saved(
    student: Path,
    short_samples: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"question": question, "think": f"想想{i}", "answer": answer} for i, (question, answer) in enumerate(FACTS)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    options = ["--model", str(student), "--recipe", "medical-r1-full", "--epochs", "0.2", "--validation", "0.25"]
    assert main(["train", "--data", "rows.jsonl", *options, "--json"]) == 0
    run = Run(Path("runs/rows"))
    kept = read_jsonl(run.train / "samples.jsonl")
    assert json.loads(capsys.readouterr().out)["samples"] == kept
    watched = read_jsonl(run.train / "validation.jsonl")
    assert [(sample["question"], sample["reference"]) for sample in kept] == [
        (row["instruction"], f"<think>\n{row['think']}\n</think>\n\n{row['output']}") for row in watched[:3]
    ]
    tuned = load_tuned(run)
    prompt = tuned.prompt([{"role": "user", "content": kept[1]["question"]}])
    (said,) = answer_all(tuned.model, tuned.tokenizer, [prompt], short_samples, 1, **tuned.form)
    assert (kept[1]["answer"], kept[1]["stopped_by_eos"]) == (said.text, said.stopped_by_eos)

    # Without validation rows there is nothing to ask, and no answers of an earlier training stay behind.
    assert main(["train", "--data", "rows.jsonl", *options, "--validation", "0", "--overwrite"]) == 0
    assert "Validation question" not in capsys.readouterr().out
    assert not (run.train / "samples.jsonl").exists()


def test_the_terminal_shows_question_reference_and_answer_and_lets_none_of_them_move_its_cursor() -> None:
    sample = Sample("甲？", "乙", "丙\x1b[2J", stopped_by_eos=False)
    shown = io.StringIO()
    for line in sample_lines([sample]):
        PrintableConsole(file=shown, width=160).print(line)
    question, reference, answer = shown.getvalue().splitlines()
    assert question == "Validation question 1: 甲？"
    assert reference.endswith("乙")
    assert "\x1b" not in answer
    assert answer.endswith("(cut)")
