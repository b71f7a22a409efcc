"""How much faster are batches than one question at a time, and do they answer the same?

    python benchmarks/eval_speed.py RUNS/demo

asks the tuned student of a run its held-out questions, once one at a time and once in batches of like length as `eval`
does, in fp32 and in bf16, and writes `benchmarks/eval_speed.md`.
"""

from __future__ import annotations

import argparse
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wukong_pipe.workspace import Run, read_jsonl
from wukong_trainer.data import chat_prompt
from wukong_trainer.evaluate import base_of, tuned_folder
from wukong_trainer.generate import answer_all
from wukong_trainer.model import Place, load_tokenizer
from wukong_trainer.quiet import silence_libraries
from wukong_trainer.scores import key_fact_hit
from wukong_trainer.tuned import load_weights

PAGE = Path(__file__).with_suffix(".md")
TOKENS = 64

HEAD = """\
# Batches against one question at a time

`benchmarks/eval_speed.py runs/demo`: the embedded student tuned by `wukong-pipe train --model tiny`, asked held-out
questions of its run, spread evenly, greedy, at most {tokens} tokens an answer; NF4 base and adapter, as `eval` loads
them. Both ways run one after the other in one process, the one-at-a-time loop being `eval` with `batch` 1. {threads}
thread(s) of a CPU ({capability}, {machine}); bf16 is emulated where the CPU has none of its own, so its times say
nothing of a GPU.

| computed in | questions | batch | one at a time | in batches | times as fast | in processor time \
| identical answers | hits, one at a time | hits, in batches |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


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
    options = parser.parse_args()
    silence_libraries()
    run = Run(options.run)
    lines = measured(run, torch.float32, options.fp32, [8, 32, 64, 128])
    lines += measured(run, torch.bfloat16, options.bf16, [32])
    head = HEAD.format(
        tokens=TOKENS,
        threads=torch.get_num_threads(),
        capability=torch.backends.cpu.get_cpu_capability(),
        machine=platform.machine(),
    )
    PAGE.write_text(head + "\n".join(lines) + "\n", "utf-8")
    print(PAGE.read_text("utf-8"))


def measured(run: Run, dtype: torch.dtype, count: int, batches: list[int]) -> list[str]:
    """Rows of the table: one a batch size."""
    folder, record = tuned_folder(run)
    model = load_weights(base_of(run, record, folder, ""), folder, record["method"], Place("cpu", dtype, "asked for"))
    tokenizer = load_tokenizer(str(folder))
    rows = read_jsonl(run.dataset / "test.jsonl")
    rows = [rows[i * len(rows) // count] for i in range(count)] if count < len(rows) else rows
    ask(model, tokenizer, rows[:2], record["system"], 2)
    alone = ask(model, tokenizer, rows, record["system"], 1)
    lines = []
    for batch in batches:
        together = ask(model, tokenizer, rows, record["system"], batch)
        same = sum(map(str.__eq__, alone.answers, together.answers))
        lines.append(
            f"| {str(dtype).removeprefix('torch.')} | {len(rows)} | {batch} | {alone.seconds:.1f} s "
            f"| {together.seconds:.1f} s | {alone.seconds / together.seconds:.1f} "
            f"| {alone.processor / together.processor:.1f} "
            f"| {same} ({same / len(rows):.1%}) | {alone.hits} ({alone.hits / len(rows):.1%}) "
            f"| {together.hits} ({together.hits / len(rows):.1%}) |"
        )
        print(lines[-1], flush=True)
    return lines


def ask(model: Any, tokenizer: Any, rows: list[dict[str, Any]], system: str, batch: int) -> Asked:
    """Greedy answers to the rows' questions, timed and marked."""
    prompts = [chat_prompt(row["instruction"], system) for row in rows]
    started, before = time.perf_counter(), time.process_time()
    answers = [answer.text for answer in answer_all(model, tokenizer, prompts, TOKENS, batch)]
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    hits = sum(key_fact_hit(text, row["output"], row["instruction"]) for text, row in zip(answers, rows, strict=True))
    return Asked(answers, seconds, processor, hits)


if __name__ == "__main__":
    main()
