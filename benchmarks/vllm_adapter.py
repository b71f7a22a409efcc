"""Does vLLM answer with the adapter alone, unmerged, as transformers does?

    vllm serve BASE --enable-lora --max-lora-rank 32 --lora-modules apollo=runs/apollo/adapter --port 8123 &
    python benchmarks/vllm_adapter.py runs/apollo http://127.0.0.1:8123/v1

asks the run's held-out questions of that server with the training's system prompt and without it, and of the adapter on
its base in this process, greedily; and compares answers and the token ids of the prompts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from openai import OpenAI

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.inference.generate import answer_all
from wukong_trainer.scoring.facts import Wanted, is_hit
from wukong_trainer.use.tuned_model import load_tuned

TOKENS, BATCH = 64, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a run folder with an adapter and test questions")
    parser.add_argument("url", help="of the server; it ends in /v1")
    given = parser.parse_args()
    run = Run(given.run)
    rows = read_jsonl(run.dataset / "test.jsonl")
    tuned = load_tuned(run)
    turns = [[{"role": "user", "content": row["instruction"]}] for row in rows]
    prompts = [tuned.prompt(each) for each in turns]
    here = [one.text for one in answer_all(tuned.model, tuned.tokenizer, prompts, TOKENS, BATCH, **tuned.form)]
    ids = [tuned.tokenizer(tuned.text(each), add_special_tokens=False)["input_ids"] for each in turns]
    client = OpenAI(base_url=given.url, api_key="none")
    print("| asked of vLLM | questions | same token ids | same answers | hits, transformers | hits, vLLM |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, asked in {"with the training's system prompt": prompts, "without": turns}.items():
        replies = [_reply(client, run.name, messages) for messages in asked]
        same_ids = sum(one == other for one, (_, other) in zip(ids, replies, strict=True))
        answers = [answer for answer, _ in replies]
        same = sum(map(str.__eq__, here, answers))
        print(f"| {name} | {len(rows)} | {same_ids} | {same} | {_hits(rows, here)} | {_hits(rows, answers)} |")


def _reply(client: OpenAI, model: str, messages: list[Any]) -> tuple[str, list[int]]:
    """The answer and the token ids of its prompt."""
    reply = client.chat.completions.create(
        model=model, messages=messages, max_tokens=TOKENS, temperature=0, extra_body={"return_token_ids": True}
    )
    answer = reply.choices[0].message.content or ""
    return answer.strip(), (reply.model_extra or {}).get("prompt_token_ids", [])


def _hits(rows: list[dict[str, Any]], answers: list[str]) -> int:
    pairs = zip(rows, answers, strict=True)
    return sum(is_hit(answer, Wanted.of(row["instruction"], row["output"])) for row, answer in pairs)


if __name__ == "__main__":
    main()
