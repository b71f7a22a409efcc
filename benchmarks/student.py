"""What does the embedded student need to answer wordings it was not trained on?

    python benchmarks/student.py RUNS/demo [--only NAME] >> benchmarks/student.md

takes the dataset of a built run, changes one thing at a time, trains, evaluates, and prints a Markdown row for each.
Every row is a training of some minutes on a CPU; the scores do not depend on how busy the machine is, the times do.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.embedded.invented_facts import INVENTED_FACTS, invented_pairs
from wukong_pipe.embedded.questions import form_of
from wukong_pipe.language.chinese import is_chinese
from wukong_pipe.records import Lang
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import TrainingData, default_system
from wukong_trainer.data.files import read_training_data
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import StudentSize, make_student
from wukong_trainer.recipe import load_recipe, overridden
from wukong_trainer.training import sft


@dataclass(frozen=True)
class Trial:
    """One change to the shipped student or recipe."""

    name: str
    size: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    made_up_facts: int = INVENTED_FACTS
    unseen_forms_in_pretraining: bool = True


TRIALS = [
    Trial("as shipped"),
    Trial("pre-training knows only the training rows' forms", unseen_forms_in_pretraining=False),
    Trial("pre-training on ever new facts", made_up_facts=100_000),
    Trial("pre-training on 100 facts", made_up_facts=100),
    Trial("pre-training on 600 facts", made_up_facts=600),
    Trial("three layers", size={"layers": 3}),
    Trial("batch 32", recipe={"batch": 32}),
    Trial("batch 8", recipe={"batch": 8}),
    Trial("learning rate 3e-3", recipe={"learning_rate": 3e-3}),
    Trial("rank 16", recipe={"r": 16, "alpha": 16}),
    Trial("embeddings frozen", recipe={"modules_to_save": []}),
    Trial("bf16/fp32 LoRA instead of NF4", recipe={"method": "lora"}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder with a dataset of the embedded teacher")
    parser.add_argument("--only", default="", help="the trials whose name holds this")
    options = parser.parse_args()
    silence_libraries()
    data = read_training_data(options.run / "dataset")
    print("| what differs | seen forms | unseen forms | base | untrained sections | loss | pre-training | tuning |")
    print("|---|---|---|---|---|---|---|---|")
    for trial in TRIALS:
        if options.only in trial.name:
            with tempfile.TemporaryDirectory() as folder:
                print(measure(trial, data, options.run / "dataset", Run(Path(folder) / "run")), flush=True)


def measure(trial: Trial, data: TrainingData, dataset: Path, run: Run) -> str:
    """One row of the table."""
    shutil.copytree(dataset, run.dataset)
    system = default_system(example.instruction for example in data.train)
    recipe = overridden(load_recipe("tiny"), system=system, model=str(run.student), **trial.recipe)
    texts = [text for example in data.train for text in (example.instruction, example.output)]
    started = time.monotonic()
    make_student(run.student, texts, made_up(trial, data, texts), system, size=replace(StudentSize(), **trial.size))
    made = time.monotonic()
    trained = sft.train(run, data, recipe, evaluate=False)
    metrics, _ = evaluate(run, Settings(batch=64, max_new_tokens=64), RunSources(run, "utf-8"))
    wording, section = metrics["levels"]["wording"], metrics["levels"]["section"]
    forms = [wording["by_form"][form]["tuned"]["fact_hit"] for form in ("seen", "unseen")]
    return (
        f"| {trial.name} | {forms[0]:.2f} | {forms[1]:.2f} | {wording['base']['fact_hit']:.2f} "
        f"| {section['tuned']['fact_hit']:.2f} (n {section['n']}) | {trained.loss:.3f} "
        f"| {made - started:.0f} s | {trained.seconds:.0f} s, {trained.steps} steps |"
    )


def made_up(trial: Trial, data: TrainingData, texts: list[str]) -> Iterator[tuple[str, str]]:
    """The pre-training pairs of a trial."""
    lang: Lang = "zh" if is_chinese("".join(texts[:200])) else "en"
    known = {form_of(example.instruction) for example in data.train}
    for question, answer in invented_pairs(lang, texts, 0, trial.made_up_facts):
        if trial.unseen_forms_in_pretraining or form_of(question) in known:
            yield question, answer


if __name__ == "__main__":
    main()
