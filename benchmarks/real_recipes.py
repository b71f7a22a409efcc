"""What the recipes of five tutorials give on a real student: a dataset in the tutorial's own layout, before and after.

    python -m benchmarks.real_recipes                      # all five, one after another
    python -m benchmarks.real_recipes domain-lora --setting longer --seed 1
    python -m benchmarks.real_recipes --table              # all that are there, in Markdown

The rows are those of the dataset `apollo` of `real.py`, written as the tutorial's rows are. Of a recipe these are
changed: its student into SmolLM2-135M, which a CPU can train; its system prompt, which speaks Chinese or of medicine;
`sample`, so that all rows are trained; the tracker; and how a step's rows are parted into passes. Epochs, rate and what
is trained are the tutorial's in the setting `tutorial`; `longer` trains with the epochs, and adapters with the rate,
of SmolLM2's own recipe. Each training writes real_recipes/RECIPE-SETTING-SEED.json; what was done is not done again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.real import Cell, Clock, ask, dataset, tell, training_of, tuned

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.files import read_json, read_jsonl, write_json
from wukong_pipe.workspace import Run
from wukong_trainer.data.thoughts import split_thought
from wukong_trainer.evaluation.contenders import line_up
from wukong_trainer.evaluation.questions import read_test_set
from wukong_trainer.inference.asked_models import Contender
from wukong_trainer.models.locating import located
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.recipe import Recipe, load_recipe, overridden, to_toml
from wukong_trainer.scoring.intervals import estimate

RESULTS = Path(__file__).parent / "real_recipes"
CORPUS, STUDENT = "apollo", "smollm2"
SETTINGS = ("tutorial", "longer")
FULL_RATE = 1e-4
"""Of all weights, in the setting `longer`: a tenth of an adapter's."""
Row = dict[str, Any]


def private_row(row: Row) -> Row:
    return {"instruction": row["instruction"], "output": row["output"]}


def alpaca_row(row: Row) -> Row:
    return {"instruction": row["instruction"], "input": "", "output": row["output"]}


def thinking_row(row: Row) -> Row:
    """The passage of the document that the answer stands on is the reasoning."""
    return {"question": row["instruction"], "think": " ".join(row["evidence"]), "answer": row["output"]}


LAYOUTS: dict[str, Callable[[Row], Row]] = {
    "alpaca-lora": alpaca_row,
    "base-nlp-qlora": private_row,
    "domain-lora": alpaca_row,
    "medical-r1-full": thinking_row,
    "qwen3-medical-full": thinking_row,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One recipe in one setting, with one seed."""

    recipe: str
    setting: str
    seed: int

    @property
    def result(self) -> Path:
        return RESULTS / f"{self.recipe}-{self.setting}-{self.seed}.json"

    def values(self) -> Recipe:
        """The recipe for this student."""
        shipped, own = load_recipe(self.recipe), load_recipe(STUDENT)
        changes: dict[str, Any] = {
            "model": located(STUDENT, tell),
            "system": "",
            "sample": 1.0,
            "report_to": "none",
            "batch": shipped.batch * shipped.passes,
            "accumulation": "auto",
            "gradient_checkpointing": "auto",
            "seed": self.seed,
        }
        if self.setting == "longer":
            rate = FULL_RATE if shipped.method == "full" else own.learning_rate
            changes |= {"epochs": own.epochs, "learning_rate": rate}
        return overridden(shipped, **changes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", choices=[*LAYOUTS, []], metavar="RECIPE", help=", ".join(LAYOUTS))
    parser.add_argument("--setting", choices=SETTINGS, default=SETTINGS[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("real-work"), help="where runs are kept")
    parser.add_argument("--table", action="store_true", help="print the table of all trials")
    given = parser.parse_args()
    if given.table:
        print("\n".join(table([read_json(path) for path in sorted(RESULTS.glob("*.json"))])))
        return
    for name in given.recipes or LAYOUTS:
        measure(Trial(name, given.setting, given.seed), given.work.resolve())


def measure(trial: Trial, work: Path) -> None:
    """Train and ask one trial, unless it is there."""
    if trial.result.is_file():
        return
    built = dataset(Cell(CORPUS, STUDENT, trial.seed, work))
    rows = [LAYOUTS[trial.recipe](row) for row in read_jsonl(built.dataset / "train.jsonl")]
    cell = Cell("recipe", f"{trial.recipe}-{trial.setting}", trial.seed, work)
    recipe = trial.values()
    tuned(cell, built, "", rows, to_toml(recipe, {}))
    run = cell.run()
    write_json(
        trial.result,
        {
            "recipe": trial.recipe,
            "setting": trial.setting,
            "seed": trial.seed,
            "rows": len(rows),
            "method": recipe.method,
            "epochs": recipe.epochs,
            "learning_rate": recipe.learning_rate,
            "training": training_of(run),
            "questions": asked(run, built),
        },
    )


def asked(run: Run, built: Run) -> list[Row]:
    """What base and tuned student made of the other wordings, both in the recipe's form."""
    sources = RunSources(built, "utf-8")
    tests = read_test_set(built, None, tuned_folder(run)[1], sources, None, drop_leaked=False)
    lineup = line_up(run, "", [], "transformers", tests, sources)
    rows = [row for row in tests.rows if row.level == "wording" and row.wanted.group == "facts"]

    def replies(contender: Contender) -> list[Row]:
        scored = ask(run, contender, rows, Clock(), contender.name)
        thoughts = [split_thought(one.text)[0] for one in scored]
        return [
            {"hit": one.hit, "ended": one.stopped_by_eos, "thought": bool(thought), "answer": one.text}
            for one, thought in zip(scored, thoughts, strict=True)
        ]

    pairs = zip(rows, replies(lineup.base), replies(lineup.tuned), strict=True)
    return [
        {"id": row.id, "cluster": row.cluster, "question": row.question, "base": base, "tuned": tuned}
        for row, base, tuned in pairs
    ]


def table(trials: Sequence[Row]) -> list[str]:
    """A line a trial, in the order of the recipes: shares of the other wordings, base → tuned."""
    lines = ["| recipe | setting, seed | trained | right | difference | ended | thought first | n | loss | minutes |"]
    lines += ["|---|---|---|---|---|---|---|---:|---:|---:|"]
    order = {name: number for number, name in enumerate(LAYOUTS)}
    for trial in sorted(trials, key=lambda one: (order[one["recipe"]], -SETTINGS.index(one["setting"]), one["seed"])):
        questions, training = trial["questions"], trial["training"]
        changes = [each["tuned"]["hit"] - each["base"]["hit"] for each in questions]
        gain = estimate(changes, [each["cluster"] for each in questions], bounded=True)
        right, ended, thought = (_moved(questions, key) for key in ("hit", "ended", "thought"))
        how = f"{trial['method']}, {trial['epochs']:g} × {trial['rows']} rows, {trial['learning_rate']:g}"
        lines.append(
            f"| {trial['recipe']} | {trial['setting']}, {trial['seed']} | {how} | {right} "
            f"| {gain.difference:+.2f} ({gain.low:+.2f} … {gain.high:+.2f}) | {ended} | {thought} "
            f"| {len(questions)} | {training['loss']:.2f} | {training['seconds'] / 60:.0f} |"
        )
    return lines


def _moved(questions: Sequence[Row], key: str) -> str:
    before, after = (fmean(each[side][key] for each in questions) for side in ("base", "tuned"))
    return f"{before:.2f} → {after:.2f}"


if __name__ == "__main__":
    main()
