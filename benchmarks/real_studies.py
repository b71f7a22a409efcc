"""What matters in tuning a real student: one choice changed at a time, for equally many tokens trained.

    python -m benchmarks.real_studies wordings --seed 0    # one study; its conditions one after another
    python -m benchmarks.real_studies --table              # all that are there, in Markdown

SmolLM2-135M on the dataset `apollo` of `real.py`, trained for as many tokens as `--epochs` passes over all of it: few
enough that no condition is at its ceiling. Each condition writes real_studies/STUDY-CONDITION-SEED.json; what was
done is not done again.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.real import BATCH, MOST_TOKENS, Cell, Clock, ask, dataset, raw_rows, tell, training_of, tuned

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.files import jsonl, read_json, read_jsonl, write_json, write_text
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import default_system
from wukong_trainer.data.selection import Mix
from wukong_trainer.evaluation.contenders import Lineup, line_up
from wukong_trainer.evaluation.forgetting import ask_general, forgetting, general_questions
from wukong_trainer.evaluation.nearness import trained_wordings, with_nearness
from wukong_trainer.evaluation.questions import TestSet, read_test_set
from wukong_trainer.evaluation.records import ScoredAnswer
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, Loader, at_work
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.models.locating import located
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.recipe import Recipe, load_recipe, overridden, to_toml
from wukong_trainer.scoring.intervals import estimate
from wukong_trainer.training.own_rows import own_rows

RESULTS = Path(__file__).parent / "real_studies"
CORPUS, STUDENT = "apollo", "smollm2"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """What one condition changes: the recipe, and which rows are trained."""

    recipe: dict[str, Any] = field(default_factory=dict)
    wordings: int | None = None
    """Questions of a pair that are trained, its own first; None: all."""
    sections: bool = False
    """The text of the sections is trained, too."""
    own: float = 0.0
    """The share of rows that the student made of itself, beside those of the dataset: `train --mix own:SHARE`."""


USUAL = Condition()
STUDIES: dict[str, dict[str, Condition]] = {
    "wordings": {"1": Condition(wordings=1), "2": Condition(wordings=2), "3": Condition(wordings=3), "5": USUAL},
    "rate": {
        "0.0002": Condition({"learning_rate": 2e-4}),
        "0.0005": Condition({"learning_rate": 5e-4}),
        "0.001": USUAL,
        "0.002": Condition({"learning_rate": 2e-3}),
    },
    "rank": {"8": Condition({"r": 8, "alpha": 16}), "32": USUAL, "128": Condition({"r": 128, "alpha": 256})},
    "method": {
        "lora, 1e-3": USUAL,
        "full, 1e-4": Condition({"method": "full", "learning_rate": 1e-4}),
        "full, 3e-4": Condition({"method": "full", "learning_rate": 3e-4}),
        "qlora, 1e-3": Condition({"method": "qlora"}),
    },
    "batch": {"4": Condition({"batch": 4}), "16": USUAL, "64": Condition({"batch": 64})},
    "own-rows": {"0": USUAL, "0.1": Condition(own=0.1), "0.25": Condition(own=0.25)},
    "sections": {"questions alone": USUAL, "questions and text": Condition(sections=True)},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", choices=STUDIES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=float, default=2.0, help="passes over the whole dataset; default 2")
    parser.add_argument("--work", type=Path, default=Path("real-work"), help="where runs are kept")
    parser.add_argument("--table", action="store_true", help="print the tables of all studies")
    given = parser.parse_args()
    if given.table:
        print("\n".join(tables()))
        return
    if not given.study:
        parser.error("name a study, or --table")
    for name, condition in STUDIES[given.study].items():
        measure(given.study, name, condition, given.seed, given.epochs, given.work.resolve())


def measure(study: str, name: str, condition: Condition, seed: int, epochs: float, work: Path) -> None:
    """Train and ask one condition, unless it is there; one that another study has measured is taken from there."""
    result = RESULTS / f"{study}-{_plain(name)}-{seed}.json"
    if result.is_file():
        return
    built = dataset(Cell(CORPUS, STUDENT, seed, work))
    every = read_jsonl(built.dataset / "train.jsonl")
    rows = trained_rows(every, condition, built)
    changes = {"model": located(STUDENT, tell), "seed": seed} | condition.recipe
    usual = overridden(load_recipe(STUDENT), **changes)
    lengths = Lengths(usual.model)
    scaled = round(epochs * lengths.of(every) / lengths.of(rows), 2)
    if (twin := _twin(condition, seed)) is not None:
        write_json(result, twin | {"study": study, "condition": name})
        return
    cell = Cell(f"study-{study}", _plain(name), seed, work)
    if condition.own:
        # Beside the others, which are passed over as often as without them.
        rows = [*rows, *rehearsed(usual, condition.own, rows, work)]
    tuned(cell, built, "", None if rows == every else rows, to_toml(overridden(usual, epochs=scaled), {}))
    run, sources = cell.run(), RunSources(built, "utf-8")
    tests = read_test_set(built, None, tuned_folder(run)[1], sources, None, drop_leaked=False)
    # Near and far are told by all wordings of the dataset, so that they mean the same in every condition.
    tests = replace(tests, rows=with_nearness(tests.rows, trained_wordings(built)))
    lineup = line_up(run, "", [], "transformers", tests, sources)
    write_json(
        result,
        {
            "study": study,
            "condition": name,
            "seed": seed,
            "rows": len(rows),
            "epochs": scaled,
            "training": training_of(run),
            "questions": asked(run, lineup, tests),
            "forgetting": forgot(run, lineup),
        },
    )


def trained_rows(rows: list[Row], condition: Condition, built: Run) -> list[Row]:
    """The rows of a condition, in the order of the dataset."""
    seen: dict[str, int] = defaultdict(int)
    kept = []
    for row in sorted(rows, key=lambda row: row["variant"] == "paraphrase"):
        seen[row["pair_id"]] += 1
        if condition.wordings is None or seen[row["pair_id"]] <= condition.wordings:
            kept.append(row["id"])
    chosen = set(kept)
    text: list[Row] = []
    if condition.sections:
        sections = RunSources(built, "utf-8").sections
        text = raw_rows([sections[key] for key in dict.fromkeys(row["section_id"] for row in rows)])
    return [row for row in rows if row["id"] in chosen] + text


def rehearsed(recipe: Recipe, share: float, others: Sequence[Row], work: Path) -> list[Row]:
    """The student's own rows that make up this share beside the others; made once for all conditions."""
    kept = work / "own-rows.jsonl"
    counts = {one.own: Mix(kept, one.own).rows_beside(len(others)) for one in STUDIES["own-rows"].values()}
    if not kept.is_file():
        recipe = overridden(recipe, system=default_system(row["instruction"] for row in others))
        model, tokenizer = load_model(recipe.model, "lora", choose_place()), load_tokenizer(recipe.model)
        avoid = {normalise(question.example.asked) for question in general_questions()}
        rows = own_rows(model, tokenizer, recipe, max(counts.values()), avoid, partial(Clock().progress, "own rows"))
        write_text(kept, jsonl(row.to_json() for row in rows))
    return read_jsonl(kept)[: counts[share]]


class Lengths:
    """Tokens of questions and answers, by the student's tokenizer."""

    def __init__(self, model: str) -> None:
        self._tokenizer = load_tokenizer(model)

    def of(self, rows: list[Row]) -> int:
        texts = [f"{row['instruction']}\n{row['output']}" for row in rows]
        return sum(len(ids) for ids in self._tokenizer(texts)["input_ids"])


def asked(run: Run, lineup: Lineup, tests: TestSet) -> list[Row]:
    """Which test questions the tuned student answered right."""
    replies = ask(run, lineup.tuned, tests.rows, Clock(), "tuned")
    return [
        {"id": row.id, "level": row.level, "cluster": row.cluster, "nearness": row.nearness, "hit": reply.hit}
        for row, reply in zip(tests.rows, replies, strict=True)
        if row.wanted.group == "facts" and reply.hit is not None
    ]


def forgot(run: Run, lineup: Lineup) -> Row:
    """What the training cost: general questions before and after, as `eval` compares them."""
    questions = general_questions()
    # One file for all conditions: the base answers once.
    answers = AnswerCache(run.folder.with_name("general.partial.jsonl"))

    def replies(contender: Contender) -> list[ScoredAnswer]:
        with at_work(contender, Loader(), answers, BATCH, Clock().progress) as model:
            return ask_general(model, questions, MOST_TOKENS)

    return forgetting(questions, replies(lineup.base), replies(lineup.tuned))


def tables() -> list[str]:
    """A line a condition: the share of other wordings that is right, by seed, and the difference to the first."""
    lines = []
    found = [read_json(path) for path in sorted(RESULTS.glob("*.json"))]
    for study, conditions in STUDIES.items():
        made = {
            name: [one for one in found if (one["study"], one["condition"]) == (study, name)] for name in conditions
        }
        if not any(made.values()):
            continue
        heads = [study, "rows", "epochs", "right, by seed", "mean", "near", "far", "last loss"]
        heads += ["general", "log-likelihood a token", "against the first"]
        lines += [f"| {' | '.join(heads)} |", "|---|---:|---:|---|---:|---:|---:|---:|---|---|---|"]
        first = next(iter(conditions))
        lines += [_line(name, made[name], made[first] if name != first else []) for name in conditions if made[name]]
        lines.append("")
    return lines


def _line(name: str, made: Sequence[Row], first: Sequence[Row]) -> str:
    by_seed = [_share(one["questions"]) for one in made]
    every = [question for one in made for question in one["questions"]]
    near, far = (_share([each for each in every if each["nearness"] == side]) for side in ("near", "far"))
    loss = fmean(one["training"]["loss"] for one in made)
    shares = ", ".join(f"{share:.2f}" for share in by_seed)
    cells = [name, made[0]["rows"], f"{made[0]['epochs']:g}", shares, f"{fmean(by_seed):.2f}"]
    cells += [f"{near:.2f}", f"{far:.2f}", f"{loss:.3f}", *_general(made), _difference(made, first)]
    return f"| {' | '.join(map(str, cells))} |"


def _general(made: Sequence[Row]) -> tuple[str, str]:
    """General questions that are right, and the log-likelihood of their answers a token, before and after."""
    found = [one["forgetting"] for one in made if "forgetting" in one]
    if not found:
        return "", ""
    hits = [fmean(one[side] for one in found) for side in ("base", "tuned")]
    likely = [fmean(one["loglik"][side] for one in found) for side in ("base", "tuned")]
    return " → ".join(f"{share:.2f}" for share in hits), " → ".join(f"{each:.1f}" for each in likely).replace("-", "−")


def _share(questions: Sequence[Row]) -> float:
    return fmean(each["hit"] for each in questions if each["level"] == "wording")


def _difference(made: Sequence[Row], first: Sequence[Row]) -> str:
    """The mean difference to the first condition over the seeds that both have, question by question."""
    before = {one["seed"]: {each["id"]: each["hit"] for each in one["questions"]} for one in first}
    pairs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in made:
        for each in one["questions"]:
            if each["level"] == "wording" and each["id"] in before.get(one["seed"], {}):
                pairs[each["cluster"], each["id"]].append(each["hit"] - before[one["seed"]][each["id"]])
    if not pairs:
        return ""
    found = estimate([fmean(values) for values in pairs.values()], [cluster for cluster, _ in pairs], bounded=True)
    return f"{found.difference:+.2f} ({found.low:+.2f} … {found.high:+.2f})"


def _twin(condition: Condition, seed: int) -> Row | None:
    """The result of the same condition in another study, computed in this machine's precision."""
    precision = str(choose_place().dtype).removeprefix("torch.")
    for study, conditions in STUDIES.items():
        for name, other in conditions.items():
            result = RESULTS / f"{study}-{_plain(name)}-{seed}.json"
            if other == condition and result.is_file():
                found: Row = read_json(result)
                if found["training"]["hardware"]["precision"] == precision and "forgetting" in found:
                    return found
    return None


def _plain(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")


if __name__ == "__main__":
    main()
