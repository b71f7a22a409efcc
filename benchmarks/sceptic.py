"""Does the verdict doubt what it should doubt?

    nice python benchmarks/sceptic.py RUNS/demo > benchmarks/sceptic.md

takes the demo's run (dataset, student and adapter), evaluates it, and then trains two more adapters on its student: one
on the same questions with other questions' answers, whose verdict must be no evidence or worse; and one that has half
of the test questions among its rows, which must be refused, or judged on the other half alone. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.errors import ModelError
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import default_system
from wukong_trainer.data.files import read_training_data
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.recipe import load_recipe, overridden
from wukong_trainer.training import sft

Rows = list[dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder of a run of `wukong-pipe demo`")
    given = Run(parser.parse_args().run)
    silence_libraries()
    train, test = (read_jsonl(given.dataset / name) for name in ("train.jsonl", "test.jsonl"))
    print("# Does the verdict doubt what it should doubt?\n")
    print("By `benchmarks/sceptic.py`, on the demo's dataset and student; one seed each.\n")
    print("| adapter trained on | n | base | tuned | difference | 95 % interval | verdict | leakage |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        honest = Run(Path(folder) / "demo")
        shutil.copytree(given.folder, honest.folder)
        verdict("the demo's rows", honest)
        swapped = copy_of(honest, "swapped", with_swapped_answers(train), epochs=None)
        verdict("the same questions with other questions' answers", swapped)
        asked = copy_of(honest, "asked", train + as_training_rows(test[::2]), epochs=1.0)
        verdict("the demo's rows and half of the test questions (one epoch)", asked)


def with_swapped_answers(rows: Rows) -> Rows:
    """Every pair's questions with the answer of another pair: as easy to learn, and all wrong."""
    answers = {row["pair_id"]: row["output"] for row in rows}
    order = list(answers)
    random.Random(0).shuffle(order)
    wrong = {pair: answers[other] for pair, other in zip(order, [*order[1:], order[0]], strict=True)}
    return [row | {"output": wrong[row["pair_id"]]} for row in rows]


def as_training_rows(rows: Rows) -> Rows:
    return [row | {"split": "train", "level": ""} for row in rows]


def copy_of(honest: Run, name: str, rows: Rows, epochs: float | None) -> Run:
    """The honest run's dataset with other training rows, and its student tuned on them."""
    run = Run(honest.folder.with_name(name))
    shutil.copytree(honest.dataset, run.dataset)
    shutil.copytree(honest.student, run.student)
    # Where its sources are: their names tell two questions apart.
    shutil.copy(honest.folder / "build.json", run.folder)
    write_text(run.dataset / "train.jsonl", jsonl(rows))
    data = read_training_data(run.dataset)
    system = default_system(example.question for example in data.train)
    recipe = overridden(load_recipe("tiny"), model=str(run.student), system=system, epochs=epochs)
    sft.train(run, data, recipe, evaluate=False)
    return run


def verdict(name: str, run: Run) -> None:
    """Print the row of a run, and the refusal before it where there is one."""
    settings = Settings(batch=64, max_new_tokens=64)
    try:
        metrics, _ = evaluate(run, settings, RunSources(run, "utf-8"))
    except ModelError as error:
        print(f"| {name} | | | | | | refused: {error} | |")
        metrics, _ = evaluate(run, replace(settings, drop_leaked=True), RunSources(run, "utf-8"))
        name += ", those left out"
    primary = metrics["primary"]
    low, high = primary["ci95"]
    print(
        f"| {name} | {primary['n']} | {primary['base']:.2f} | {primary['tuned']:.2f} | {primary['difference']:+.2f} "
        f"| {low:+.2f} to {high:+.2f} | {primary['verdict']} | {metrics['leakage']} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
