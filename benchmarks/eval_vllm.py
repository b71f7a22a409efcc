"""Does vLLM answer as transformers does, and how much faster is it?

    python benchmarks/eval_vllm.py RUNS/demo

asks base and tuned student of a run its held-out questions through both engines of `eval`, in the same precision, and
writes `benchmarks/eval_vllm.md`. It needs `wukong-pipe export` before, and a `vllm` on the PATH.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.evaluation.contenders import contenders
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, InProcess, Loader, at_work
from wukong_trainer.inference.generate import Answer, Likelihood
from wukong_trainer.inference.vllm_engine import VllmEngine
from wukong_trainer.inference.vllm_server import Vllm, merged_model, vllm_executable, vllm_version
from wukong_trainer.models.loading import choose_place
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.scoring.facts import Wanted, is_hit

PAGE = Path(__file__).with_suffix(".md")
TOKENS = 64

HEAD = """\
# vLLM against transformers

`benchmarks/eval_vllm.py runs/demo`: base and tuned student of the demo, asked all {n} held-out questions of the run
through both engines of `eval`, greedy, at most {tokens} tokens an answer. {vllm} and transformers {transformers}, both
in {dtype} on a CPU ({capability}, {machine}), one thread each. The machine had other work, so the times compare within
a table and are no machine's best; of a GPU they say nothing. “Export” is what `export` wrote: the adapter
merged and rounded to bf16.

## The same answers?

| model | questions | same answers | ended alike | hits, transformers | hits, vLLM \
| largest difference of a log-likelihood, nats a token |
|---|---:|---:|---:|---:|---:|---:|
"""
SPEED = """
## How fast?

Of the export. A start is paid once a model, an answer each time; vLLM's client and its server share the machine.

| engine | at a time | start | answers | answers a second | likelihoods a second |
|---|---:|---:|---:|---:|---:|
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One pass over the questions."""

    start: float
    answering: float
    looking: float
    """Seconds."""
    answers: list[Answer]
    likelihoods: list[Likelihood]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder with a tuned student, its export and test questions")
    parser.add_argument("--alone", type=int, default=60, help="questions asked one at a time")
    options = parser.parse_args()
    silence_libraries()
    run = Run(options.run)
    folder, record = tuned_folder(run)
    base, adapter = contenders(run, folder, record)
    base = replace(base, method="lora")
    export = replace(adapter, name="export", weights=str(merged_model(run, folder)), adapter=None, method="lora")
    rows = read_jsonl(run.dataset / "test.jsonl")
    place = choose_place()
    dtype = str(place.dtype).removeprefix("torch.")
    with tempfile.TemporaryDirectory() as kept:
        executable = vllm_executable()
        vllm = Vllm(executable, vllm_version(executable), dtype, place.device == "cpu", Path(kept) / "vllm.log")
        of_base = asked(base, rows, 32, None), asked(base, rows, 256, vllm)
        of_export = {at: asked(export, rows, at, None) for at in (32, 128)}
        served = {at: asked(export, rows, at, vllm) for at in (32, 256)}
        alone = rows[: options.alone]
        of_export[1], served[1] = asked(export, alone, 1, None), asked(export, alone, 1, vllm)
        as_trained = asked(adapter, rows, 32, None)
    head = HEAD.format(
        n=len(rows),
        tokens=TOKENS,
        vllm=vllm.engine,
        transformers=transformers.__version__,
        dtype=dtype,
        capability=torch.backends.cpu.get_cpu_capability(),
        machine=platform.machine(),
    )
    lines = [
        compared("base", rows, *of_base),
        compared("export", rows, of_export[32], served[256]),
        compared("export, 1 at a time", alone, of_export[1], served[1]),
        compared("adapter on NF4 (transformers), export (vLLM)", rows, as_trained, served[256]),
    ]
    speeds = [
        speed(engine, at, passes[at])
        for engine, passes in (("transformers", of_export), ("vLLM", served))
        for at in sorted(passes)
    ]
    PAGE.write_text(head + "".join(lines) + SPEED + "".join(speeds), "utf-8")
    print(PAGE.read_text("utf-8"))


def asked(contender: Contender, rows: list[dict[str, Any]], at_once: int, vllm: Vllm | None) -> Asked:
    """Ask everything anew, and take the times."""
    prompts = [chat_prompt(row["instruction"], contender.system) for row in rows]
    with (
        tempfile.TemporaryDirectory() as kept,
        at_work(contender, Loader(), AnswerCache(Path(kept) / "kept"), at_once, lambda *step: None, vllm=vllm) as at,
    ):
        assert isinstance(at.engine, InProcess | VllmEngine)
        begun = time.perf_counter()
        at.engine.open()
        up = time.perf_counter()
        answers = at.engine.answers(prompts, TOKENS, at_once, lambda done, total: None)
        answered = time.perf_counter()
        likelihoods = at.engine.likelihoods(prompts, [row["output"] for row in rows], at_once, lambda done, total: None)
        return Asked(up - begun, answered - up, time.perf_counter() - answered, answers, likelihoods)


def compared(name: str, rows: list[dict[str, Any]], one: Asked, other: Asked) -> str:
    """A line of the first table."""
    pairs = list(zip(one.answers, other.answers, strict=True))
    same = sum(first.text == second.text for first, second in pairs)
    ended = sum(first.stopped_by_eos == second.stopped_by_eos for first, second in pairs)
    hits = [
        sum(
            is_hit(answer.text, Wanted.of(row["instruction"], row["output"]))
            for answer, row in zip(answers, rows, strict=True)
        )
        for answers in (one.answers, other.answers)
    ]
    apart = max(
        abs(first.per_token - second.per_token)
        for first, second in zip(one.likelihoods, other.likelihoods, strict=True)
    )
    n = len(pairs)
    return f"| {name} | {n} | {same} | {ended} | {hits[0]} | {hits[1]} | {apart:.2g} |\n"


def speed(engine: str, at_once: int, passed: Asked) -> str:
    """A line of the second table."""
    n = len(passed.answers)
    return (
        f"| {engine} | {at_once} | {passed.start:.1f} s | {n} in {passed.answering:.1f} s | {n / passed.answering:.1f} "
        f"| {n / passed.looking:.1f} |\n"
    )


if __name__ == "__main__":
    main()
