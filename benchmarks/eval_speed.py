"""How much faster does eval answer than a loop of `generate`, one question at a time, and are the answers the same?

    python benchmarks/eval_speed.py RUNS/demo [--threads 1]
    python benchmarks/eval_speed.py RUNS/demo --model MODEL --fp32 64 --tokens 256 --batches 16 8 --rounds 3

asks the tuned student of a run its held-out questions: one at a time by `generate` of transformers, in batches by
`generate`, and as `eval` does, where a row whose answer has ended takes the next question. In fp32 and in bf16.

With --model it asks a real model as it comes (`benchmarks/real_models.py` fetches some), in batches by `generate` and
as `eval` does, in turn; what is compared is processor time, which a busy machine changes little. Prints the tables of
`benchmarks/eval_speed.md`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.decoding import greedy
from wukong_trainer.inference.generate import answer_all, prompt_text, stop_ids
from wukong_trainer.models.loading import Place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.trained_model import base_of, tuned_folder
from wukong_trainer.scoring.facts import Wanted, is_hit
from wukong_trainer.use.tuned_model import load_weights

HEAD = """\
| computed in | questions | rows at a time | by `generate` | by eval | faster than one at a time, `generate` | eval \
| eval, processor time | identical answers | hits, one at a time | hits, eval |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""

REAL_HEAD = """\
| round | questions | rows at a time | tokens an answer | `generate`, processor time | eval | gain | identical answers |
|---|---:|---:|---:|---:|---:|---:|---:|"""
SYSTEM = "You are a helpful assistant."

Way = Callable[[list[Any]], list[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One pass over the questions."""

    answers: list[str]
    seconds: float
    processor: float
    """Seconds of it that this process computed, which is the same on a busy machine."""
    hits: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder with a tuned student and test questions")
    parser.add_argument("--fp32", type=int, default=240, help="questions asked in fp32")
    parser.add_argument("--bf16", type=int, default=60, help="questions asked in bf16")
    parser.add_argument("--tokens", type=int, default=64, help="where an answer is cut")
    parser.add_argument("--model", default="", help="the folder of a model to ask in the place of the tuned student")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 8], help="rows at a time, with --model")
    parser.add_argument("--rounds", type=int, default=1, help="how often each way is timed, with --model")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    silence_libraries()
    run = Run(options.run)
    if options.model:
        compare(run, options.model, options.fp32, options.tokens, options.batches, options.rounds)
        return
    lines = measured(run, torch.float32, options.fp32, options.tokens, [8, 32, 64, 128])
    lines += measured(run, torch.bfloat16, options.bf16, options.tokens, [32])
    print(HEAD + "\n".join(lines))


def compare(run: Run, folder: str, count: int, tokens: int, batches: list[int], rounds: int) -> None:
    """Print, of each round and batch size, what a real model's answers cost by `generate` and by eval, in turn."""
    place = Place("cpu", torch.float32, "asked for")
    model, tokenizer = load_model(folder, "full", place).eval(), load_tokenizer(folder)
    rows = chosen(run, count)
    ways: dict[str, Callable[[int, list[Any]], list[str]]] = {
        "eval": lambda batch, prompts: answered(model, tokenizer, prompts, tokens, batch),
        "generate": lambda batch, prompts: generated(model, tokenizer, prompts, tokens, batch),
    }
    for way in ways.values():
        way(2, [chat_prompt(row["instruction"], SYSTEM) for row in rows[:2]])
    print(REAL_HEAD)
    for number in range(rounds):
        for batch in batches:
            # Who goes first changes from round to round.
            order = sorted(ways, reverse=number % 2 == 1)
            found = {name: ask(partial(ways[name], batch), rows, SYSTEM) for name in order}
            ours, theirs = found["eval"], found["generate"]
            length = sum(len(tokenizer(text)["input_ids"]) for text in ours.answers) / len(rows)
            same = sum(map(str.__eq__, ours.answers, theirs.answers))
            print(
                f"| {number + 1} | {len(rows)} | {batch} | {length:.0f} | {theirs.processor:.0f} s "
                f"| {ours.processor:.0f} s | {theirs.processor / ours.processor:.2f} | {same} |",
                flush=True,
            )


def measured(run: Run, dtype: torch.dtype, count: int, tokens: int, batches: list[int]) -> list[str]:
    """Rows of the table: one a batch size."""
    folder, record = tuned_folder(run)
    model = load_weights(base_of(run, record, folder, ""), folder, record["method"], Place("cpu", dtype, "asked for"))
    model.eval()
    tokenizer = load_tokenizer(str(folder))
    rows = chosen(run, count)

    def by_generate(batch: int, prompts: list[Any]) -> list[str]:
        return generated(model, tokenizer, prompts, tokens, batch)

    def by_eval(batch: int, prompts: list[Any]) -> list[str]:
        return answered(model, tokenizer, prompts, tokens, batch)

    for way in (by_generate, by_eval):
        ask(partial(way, 2), rows[:2], record["system"])
    alone = ask(partial(by_generate, 1), rows, record["system"])
    lines = []
    for batch in batches:
        in_step, together = (ask(partial(way, batch), rows, record["system"]) for way in (by_generate, by_eval))
        same = sum(map(str.__eq__, alone.answers, together.answers))
        lines.append(
            f"| {str(dtype).removeprefix('torch.')} | {len(rows)} | {batch} | {in_step.seconds:.1f} s "
            f"| {together.seconds:.1f} s | {alone.seconds / in_step.seconds:.1f} "
            f"| {alone.seconds / together.seconds:.1f} | {alone.processor / together.processor:.1f} "
            f"| {same} ({same / len(rows):.1%}) | {alone.hits} ({alone.hits / len(rows):.1%}) "
            f"| {together.hits} ({together.hits / len(rows):.1%}) |"
        )
        print(lines[-1], flush=True)
    return lines


def chosen(run: Run, count: int) -> list[dict[str, Any]]:
    """So many test questions from all over the file, the longest first."""
    rows = read_jsonl(run.dataset / "test.jsonl")
    rows = [rows[i * len(rows) // count] for i in range(count)] if count < len(rows) else rows
    return sorted(rows, key=lambda row: -len(row["instruction"]))


def answered(model: Any, tokenizer: Any, prompts: list[Any], tokens: int, batch: int) -> list[str]:
    """Greedy answers as `eval` gets them."""
    return [answer.text for answer in answer_all(model, tokenizer, prompts, tokens, batch)]


@torch.inference_mode()
def generated(model: Any, tokenizer: Any, prompts: list[Any], tokens: int, batch: int) -> list[str]:
    """Greedy answers by transformers, whose batch goes on until its longest answer has ended."""
    texts = [prompt_text(tokenizer, prompt) for prompt in prompts]
    how = greedy(tokenizer, stop_ids(model, tokenizer), tokens)
    answers = []
    for start in range(0, len(texts), batch):
        encoded = tokenizer(
            texts[start : start + batch],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_token_type_ids=False,
        )
        output = model.generate(**encoded, **how)[:, encoded["input_ids"].shape[1] :]
        answers += [text.strip() for text in tokenizer.batch_decode(output, skip_special_tokens=True)]
    return answers


def ask(way: Way, rows: list[dict[str, Any]], system: str) -> Asked:
    """Greedy answers to the rows' questions, timed and marked."""
    prompts = [chat_prompt(row["instruction"], system) for row in rows]
    started, before = time.perf_counter(), time.process_time()
    answers = way(prompts)
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    hits = sum(
        is_hit(text, Wanted.of(row["instruction"], row["output"])) for text, row in zip(answers, rows, strict=True)
    )
    return Asked(answers, seconds, processor, hits)


if __name__ == "__main__":
    main()
