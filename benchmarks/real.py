"""What tuning a real student on a corpus gives, beside what else one would try: one cell of the table a command.

    python -m benchmarks.real apollo smollm2 --seed 0      # a corpus, a student; minutes to an hour on two cores
    python -m benchmarks.real --table                      # the tables of all cells that are there, in Markdown

A cell builds its dataset from the kept replies of the teacher (real_cells/CORPUS.sqlite.xz, no call is made), tunes the
student on it, on shuffled answers and on the raw text at equal tokens, and asks each what is held out. It writes
real_cells/CORPUS-STUDENT-SEED.json. What was done of a cell, under --work, is not done again. `real.md` says which
settings, and why, and what came out.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.real_prompts import Retrieval, passages_of, with_examples
from benchmarks.real_table import tables
from benchmarks.sceptic import with_swapped_answers

from wukong_pipe.cli.main import main as wukong_pipe
from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.files import jsonl, read_json, read_jsonl, write_json, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.contenders import line_up
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.questions import read_test_set
from wukong_trainer.evaluation.records import ScoredAnswer, TestRow
from wukong_trainer.evaluation.scored import scored
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, Loader, at_work
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.models.locating import located
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.recipe import load_recipe, overridden, to_toml
from wukong_trainer.training import checkpoints

ROOT = Path(__file__).parents[1]
CELLS = Path(__file__).parent / "real_cells"
GENERAL = 40
"""General questions that show what tuning made the student forget."""
BATCH = 8
"""Questions with passages at a time."""
KEPT = ("primary", "groups", "forgetting", "hallucination", "facts", "cross_hit", "leakage", "leak_check")
"""What a cell keeps of metrics.json."""
MOST_TOKENS = 128
"""Where an answer is cut; the longest reference of these corpora has fewer."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A document or folder, and the share of its sections that is held out so that the control can speak."""

    path: Path
    holdout: float
    address: str
    """Of the teacher that once answered: calls are known by it. It is not called."""


@dataclass(frozen=True, slots=True)
class Student:
    """How a student is tuned: by this recipe, but for these values."""

    recipe: str
    changes: dict[str, Any]


CORPORA = {
    "blackwukong": Corpus(ROOT / "corpora" / "blackwukong.md", 0.16, "http://127.0.0.1:8401/v1"),
    "apollo": Corpus(ROOT / "corpora" / "apollo.md", 0.38, "http://127.0.0.1:8402/v1"),
    "wukong-docs": Corpus(ROOT / "benchmarks" / "corpora" / "wukong-docs", 0.16, "http://127.0.0.1:8403/v1"),
}
STUDENTS = {
    "smollm2": Student("smollm2", {}),
    "qwen-coder-0.5b": Student("qlora", {"method": "lora", "learning_rate": 5e-4, "epochs": 3.0, "max_length": 512}),
    "gemma3-270m": Student("qlora", {"method": "lora", "learning_rate": 5e-4, "epochs": 3.0, "max_length": 512}),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table, and its folders."""

    corpus: str
    student: str
    seed: int
    work: Path

    @property
    def name(self) -> str:
        return f"{self.corpus}-{self.student}-{self.seed}"

    def run(self, suffix: str = "") -> Run:
        return Run(self.work / "runs" / f"{self.name}{suffix}")

    @property
    def rivals(self) -> dict[str, str]:
        """Students that are tuned otherwise, and how their runs' names end; for the first seed alone."""
        return {"shuffled": "-shuffled", "raw": "-raw"} if self.seed == 0 else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", choices=CORPORA)
    parser.add_argument("student", nargs="?", choices=STUDENTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("real-work"), help="where runs are kept")
    parser.add_argument("--table", action="store_true", help="print the tables of all cells")
    given = parser.parse_args()
    if given.table:
        cells, grades = ([*folder.glob("*.json")] for folder in (CELLS, CELLS / "grades"))
        read = [read_json(path) for path in sorted(cells)]
        print("\n".join(tables(read, {path.stem: read_json(path) for path in grades})))
        return
    if not given.corpus or not given.student:
        parser.error("name a corpus and a student, or --table")
    cell = Cell(given.corpus, given.student, given.seed, given.work.resolve())
    built = dataset(cell)
    train(cell, built)
    write_json(CELLS / f"{cell.name}.json", measured(cell))


def dataset(cell: Cell) -> Run:
    """The run that holds the corpus's dataset, built from the kept replies without a call."""
    runs = cell.work / f"built-{cell.corpus}"
    built = Run(runs / cell.corpus)
    if not built.manifest.is_file():
        runs.mkdir(parents=True, exist_ok=True)
        with lzma.open(CELLS / f"{cell.corpus}.sqlite.xz") as kept, (runs / "journal.sqlite").open("wb") as journal:
            shutil.copyfileobj(kept, journal)
        corpus = CORPORA[cell.corpus]
        # The options that the replies were asked with.
        command(
            f"build {corpus.path} --run {cell.corpus} --runs-dir {runs} --base-url {corpus.address} "
            f"--teacher-model strong --max-pairs 6 --variants 4 --holdout {corpus.holdout} --verify all --max-calls 0"
        )
    return built


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def command(line: str) -> None:
    """Run a command of wukong-pipe, as a user would."""
    tell(f"$ wukong-pipe {line}")
    code = wukong_pipe(line.split())
    if code:
        sys.exit(f"wukong-pipe ended with {code}")


def train(cell: Cell, built: Run) -> None:
    """Tune the student on the dataset; and for comparison on shuffled answers, and on the text of the corpus."""
    rows = read_jsonl(built.dataset / "train.jsonl")
    sections = RunSources(built, "utf-8").sections
    raw = raw_rows([sections[key] for key in dict.fromkeys(row["section_id"] for row in rows)])
    recipe = STUDENTS[cell.student]
    changes = recipe.changes | {"model": located(cell.student, tell), "seed": cell.seed}
    settings = overridden(load_recipe(recipe.recipe), **changes)
    tokenizer = load_tokenizer(settings.model)

    def tokens(of: Sequence[dict[str, Any]]) -> int:
        return sum(len(tokenizer(f"{row['instruction']}\n{row['output']}")["input_ids"]) for row in of)

    epochs = settings.epochs * tokens(rows) / tokens(raw)
    tuned(cell, built, "", None, to_toml(settings, {}))
    if not cell.rivals:
        return
    tuned(cell, built, "-shuffled", with_swapped_answers(rows), to_toml(settings, {}))
    tuned(cell, built, "-raw", raw, to_toml(overridden(settings, epochs=round(epochs, 2)), {}))


def raw_rows(sections: Sequence[str]) -> list[dict[str, Any]]:
    """Passages of the trained sections as rows: the heading asks, the text is the answer."""
    passages = [passage.partition("\n") for text in sections for passage in passages_of(text)]
    return [{"instruction": heading.lstrip("# "), "output": text} for heading, _, text in passages if text.strip()]


def tuned(cell: Cell, built: Run, suffix: str, rows: list[dict[str, Any]] | None, recipe: str) -> None:
    """Tune a student of the cell's on these rows, or on the dataset, unless that was done."""
    run = cell.run(suffix)
    if (run.train / "result.json").is_file():
        return
    if checkpoints.last_checkpoint(run):
        command(f"train --resume --run {run.name} --runs-dir {run.folder.parent}")
        return
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True)
    # Where the sources are, for the scores.
    shutil.copy(built.folder / "build.json", run.folder)
    write_text(run.folder / "recipe.toml", recipe)
    data = ""
    if rows is None:
        shutil.copytree(built.dataset, run.dataset)
    else:
        write_text(run.folder / "rows.jsonl", jsonl(rows))
        data = f"--data {run.folder / 'rows.jsonl'} "
    command(f"train {data}--run {run.name} --runs-dir {run.folder.parent} --recipe {run.folder / 'recipe.toml'}")


def measured(cell: Cell) -> dict[str, Any]:
    """Ask everything, and say what came out."""
    run = cell.run()
    take_over(cell)
    sources, clock = RunSources(run, "utf-8"), Clock()
    settings = Settings(max_new_tokens=MOST_TOKENS, general=GENERAL, open_book=True)
    rivals = [cell.run(suffix) for suffix in cell.rivals.values()]
    metrics, answers = evaluate(run, settings, sources, rivals=rivals, progress=clock.progress)
    tests = read_test_set(run, None, tuned_folder(run)[1], sources, None, drop_leaked=False)
    lineup = line_up(run, "", [], "transformers", tests, sources)
    retrieval = Retrieval(sources.sections)
    found = [retrieval.with_passages(row) for row in tests.rows]
    prompted = {
        "base, examples": ask(run, lineup.base, with_examples(tests.rows), clock, "base, examples"),
        "base, BM25": ask(run, lineup.base, found, clock, "base, BM25"),
        "tuned, BM25": ask(run, lineup.tuned, found, clock, "tuned, BM25"),
    }
    return {
        "corpus": cell.corpus,
        "student": cell.student,
        "seed": cell.seed,
        "dataset": read_json(run.manifest)["files"],
        "training": {name: training_of(cell.run(suffix)) for name, suffix in {"tuned": "", **cell.rivals}.items()},
        "questions": [
            {key: answer[key] for key in ("id", "level", "cluster", "kind", "nearness", "scored_as")}
            | {"hits": hits(cell, answer) | {name: replies[i].hit for name, replies in prompted.items()}}
            for i, answer in enumerate(answers)
        ],
        "metrics": {key: metrics[key] for key in KEPT if key in metrics},
        "seconds_an_answer": clock.seconds_each(),
        "shown": shown(answers),
    }


def take_over(cell: Cell) -> None:
    """Take over what another seed's cell asked of the same base; a cache knows answers by all that they depend on."""
    mine = cell.run().answers.parent
    for other in range(cell.seed):
        theirs = replace(cell, seed=other).run().answers.parent
        for kept in theirs.glob("*.partial.jsonl"):
            if not (mine / kept.name).exists():
                mine.mkdir(exist_ok=True)
                shutil.copy(kept, mine)


def training_of(run: Run) -> dict[str, Any]:
    """What a training says of itself, without the command, which names folders of this machine."""
    return {key: value for key, value in read_json(run.train / "result.json").items() if key != "command"}


def hits(cell: Cell, answer: dict[str, Any]) -> dict[str, float | None]:
    """Which contender was right by fact_hit, of one question; None where it was not asked."""
    against = answer.get("against", {})
    return {
        "base": answer["base"]["fact_hit"],
        "base, section": (answer.get("open_book") or {}).get("fact_hit"),
        **{name: against.get(f"{cell.name}{suffix}", {}).get("fact_hit") for name, suffix in cell.rivals.items()},
        "tuned": answer["tuned"]["fact_hit"],
    }


def shown(answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Question, reference and both answers of the ten wordings with the lowest ids, which are hashes."""
    wordings = sorted((each for each in answers if each["level"] == "wording"), key=lambda each: str(each["id"]))
    return [
        {key: each[key] for key in ("instruction", "reference")}
        | {side: {key: each[side][key] for key in ("answer", "fact_hit")} for side in ("base", "tuned")}
        for each in wordings[:10]
    ]


def ask(run: Run, contender: Contender, rows: Sequence[TestRow], clock: Clock, step: str) -> list[ScoredAnswer]:
    """The scored answers of a contender to questions with something before them; kept as they come."""
    answers = AnswerCache(run.answers.with_name("prompted.partial.jsonl"))
    with at_work(contender, Loader(), answers, BATCH, clock.progress) as model:
        prompts = [row.example.prompt(contender.system, contender.style) for row in rows]
        return scored(model, rows, prompts, MOST_TOKENS, step)


class Clock:
    """How long each step took, by its name, and progress on the screen."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[float, int, float, int]] = {}

    def progress(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        begun, before, _, _ = self._steps.get(step, (now, done, now, done))
        self._steps[step] = (begun, before, now, done)
        print(f"\r{step} {done}/{total}   ", end="" if done < total else "\n", file=sys.stderr, flush=True)

    def seconds_each(self) -> dict[str, float]:
        """Of each step that answered something in this command; what was kept of an earlier one does not count."""
        times = {step: (end - begun, done - before) for step, (begun, before, end, done) in self._steps.items()}
        return {step: round(seconds / count, 2) for step, (seconds, count) in times.items() if count}


if __name__ == "__main__":
    main()
