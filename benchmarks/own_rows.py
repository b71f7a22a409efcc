"""Rows that a student makes of itself before it is tuned: what it would ask, and what it would answer.

Trained beside the dataset's rows they tell it to stay what it was (self-synthesised rehearsal, Huang et al. 2024), and
no other data is needed. The questions are what the student writes where its template begins a user's turn (Magpie, Xu
et al. 2024); the answers are its own, greedy, to its training's system prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from wukong_pipe.language.sentences import sentence_spans
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.evaluation.forgetting import general_questions
from wukong_trainer.inference.decoding import greedy
from wukong_trainer.inference.generate import answer_all, stop_ids
from wukong_trainer.models.templates import rendered

QUESTION_TOKENS, ANSWER_TOKENS = 64, 64
"""A longer question is no row, since its end would be taught where it was cut; a longer answer ends with its last whole
sentence: a small student answers with a page, and rows of a page would be most of what is trained."""
BATCH = 16
TRIES = 12
"""Batches of questions a batch of rows."""


def own_rows(
    model: Any, tokenizer: Any, system: str, count: int, seed: int, tell: Callable[[str], None]
) -> list[dict[str, str]]:
    """At most so many rows, {"instruction": …, "input": "", "output": …}, each question once. A question of the general
    ones, which show what was forgotten, makes none."""
    torch.manual_seed(seed)
    mark = "❖"
    turn, _, _ = rendered(tokenizer, chat_prompt(mark, system)).partition(mark)
    ids = tokenizer([turn] * BATCH, add_special_tokens=False, return_tensors="pt").to(model.device)
    sampled = greedy(tokenizer, stop_ids(model, tokenizer), QUESTION_TOKENS)
    sampled |= {"do_sample": True, "temperature": 1.0, "top_p": 0.9, "top_k": 0}
    seen, rows = {question.example.asked for question in general_questions()}, list[dict[str, str]]()
    for _ in range(TRIES * -(-count // BATCH)):
        with torch.inference_mode():
            written = model.generate(**ids, **sampled)[:, ids["input_ids"].shape[1] :].tolist()
        questions = []
        for tokens in written:
            text = tokenizer.decode(tokens, skip_special_tokens=True).strip()
            ended = any(token in sampled["eos_token_id"] for token in tokens)
            if ended and text and text not in seen:
                seen.add(text)
                questions.append(text)
        prompts = [chat_prompt(question, system) for question in questions]
        answers = answer_all(model, tokenizer, prompts, ANSWER_TOKENS, BATCH) if prompts else []
        texts = [answer.text if answer.stopped_by_eos else _whole_sentences(answer.text) for answer in answers]
        rows += [
            {"instruction": question, "input": "", "output": text}
            for question, text in zip(questions, texts, strict=True)
            if text
        ]
        tell(f"own rows: {len(rows)} of {count}")
        if len(rows) >= count:
            break
    return rows[:count]


def _whole_sentences(text: str) -> str:
    """A text that was cut, up to the end of its last whole sentence; empty where none has ended."""
    spans = [*sentence_spans(text)]
    return text[: spans[-2][1]] if len(spans) > 1 else ""
