"""A run whose adapter has learnt something, made in seconds, for the tests of what comes after training."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.trainer.conftest import SMALL, pairs
from wukong_pipe.files import jsonl
from wukong_pipe.workspace import Run, Workspace
from wukong_trainer.data.files import read_training_data
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import make_student
from wukong_trainer.recipe import Precision, load_recipe, overridden
from wukong_trainer.training import sft

# What a chat template must carry unharmed.
SYSTEM = '简要回答。\n用“引号”、"quotes" 与 \\n、{{ 花括号 }}、%}。'
# One answer to all: the least that a student can learn, and a base of random weights does not say it.
ANSWER = "石二的。"
FACTS = [(question, ANSWER) for question in ("甲棍是谁的？", "乙刀是谁的？", "Whose is it?", "丁？")]


def make_tuned_run(folder: Path, precision: Precision) -> Run:
    """Train with the embedded student's recipe, in `folder`/runs/gunzi."""
    silence_libraries()
    texts = [text for fact in FACTS for text in fact] * 20
    student = make_student(folder / "student", texts, pairs(), SYSTEM, size=SMALL)
    run = Run(folder / "runs" / "gunzi")
    run.dataset.mkdir(parents=True)
    rows = [{"instruction": question, "input": "", "output": answer} for question, answer in FACTS]
    (run.dataset / "train.jsonl").write_text(jsonl(rows), "utf-8")
    (run.dataset / "test.jsonl").write_text(jsonl(rows), "utf-8")
    recipe = overridden(
        load_recipe("tiny"),
        model=str(student),
        precision=precision,
        system=SYSTEM,
        epochs=40.0,
        batch=4,
        learning_rate=5e-3,
        r=16,
        alpha=16,
    )
    sft.train(run, read_training_data(run.dataset), recipe, evaluate=False)
    return run


def copy_of(tuned: Run, home: Path) -> Run:
    """A copy of a tuned run in the runs folder of `home`, as the run used last."""
    workspace = Workspace(home / "runs")
    run = workspace.run(tuned.name)
    shutil.copytree(tuned.folder, run.folder)
    workspace.remember(run)
    return run
