"""Does a merged model answer as the adapter it came from?

    python benchmarks/merge.py RUNS/demo

exports the tuned student of a run and asks it, the unmerged adapter on the same bf16 base, and the adapter on the NF4
base of its training the same held-out questions; writes `benchmarks/merge.md`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.models.loading import Place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.trained_model import base_of, tuned_folder
from wukong_trainer.recipe import load_recipe
from wukong_trainer.scoring.facts import Wanted, is_hit
from wukong_trainer.use.export import export
from wukong_trainer.use.tuned_model import load_weights

PAGE = Path(__file__).with_suffix(".md")
TOKENS = 64
BF16 = Place("cpu", torch.bfloat16, "what is compared")
FP32 = Place("cpu", torch.float32, "without the rounding of bf16")

HEAD = """\
# A merged model against the adapter it came from

`benchmarks/merge.py runs/demo`: the embedded student, tuned on the demo's dataset for {epochs:g} epochs on its NF4 base
and merged as `wukong-pipe export` does; {count} held-out questions of all levels, spread evenly, greedy, at most
{tokens} tokens, all in one batch, on a CPU. The last row is NF4 alone, with no rounding to bf16 on either side.

| the one | the other | same answers | hits of the one | hits of the other |
|---|---|---:|---:|---:|
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one of the models said."""

    name: str
    answers: list[str]
    hits: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder with a tuned student and test questions")
    parser.add_argument("--questions", type=int, default=20)
    options = parser.parse_args()
    silence_libraries()
    run = Run(options.run)
    rows = read_jsonl(run.dataset / "test.jsonl")
    rows = [rows[i * len(rows) // options.questions] for i in range(options.questions)]
    folder, record = tuned_folder(run)
    base = base_of(run, record, folder, "")
    tokenizer = load_tokenizer(str(folder))

    def ask(name: str, model: Any) -> Answered:
        prompts = [chat_prompt(row["instruction"], record["system"]) for row in rows]
        answers = [answer.text for answer in answer_all(model, tokenizer, prompts, TOKENS, len(prompts))]
        marked = (
            is_hit(said, Wanted.of(row["instruction"], row["output"])) for said, row in zip(answers, rows, strict=True)
        )
        return Answered(name, answers, sum(marked))

    with tempfile.TemporaryDirectory() as out:
        merged = ask("merged, bf16", load_model(str(export(run, Path(out) / "merged").folder), "lora", BF16))
    unmerged = ask("adapter on the bf16 base", load_weights(base, folder, "lora", BF16))
    trained = ask("adapter on the NF4 base, bf16", load_weights(base, folder, "qlora", BF16))
    lines = [row(*pair) for pair in combinations([merged, unmerged, trained], 2)]
    full = ask("adapter on the fp32 base", load_weights(base, folder, "lora", FP32))
    lines.append(row(full, ask("adapter on the NF4 base, fp32", load_weights(base, folder, "qlora", FP32))))
    epochs = load_recipe(str(run.train / "recipe.toml")).epochs
    head = HEAD.format(epochs=epochs, count=len(rows), tokens=TOKENS)
    PAGE.write_text(head + "\n".join(lines) + "\n", "utf-8")
    print(PAGE.read_text("utf-8"))


def row(one: Answered, other: Answered) -> str:
    """A row of the table."""
    count = len(one.answers)
    same = sum(map(str.__eq__, one.answers, other.answers))
    return f"| {one.name} | {other.name} | {same} of {count} ({same / count:.0%}) | {one.hits} | {other.hits} |"


if __name__ == "__main__":
    main()
