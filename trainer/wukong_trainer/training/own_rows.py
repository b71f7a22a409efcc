"""Rows that a student makes of itself before it is tuned: what it would ask, and what it would answer.

Trained beside the dataset's rows they hold the student to what it was (self-synthesised rehearsal, Huang et al. 2024),
and no other data is needed. The questions are what the student writes where its template begins a user's turn (Magpie,
Xu et al. 2024); the answers are its own, greedy.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from wukong_pipe.errors import ModelError
from wukong_pipe.files import jsonl, write_text
from wukong_pipe.language.hashing import digest
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.sentences import sentence_spans
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, chat_prompt
from wukong_trainer.data.selection import garbage
from wukong_trainer.inference.decoding import greedy
from wukong_trainer.inference.generate import answer_all, prompt_text, stop_ids
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import choose_place, end_turns, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe

QUESTION_TOKENS, ANSWER_TOKENS = 64, 64
"""A longer question makes no row, since its end would be taught where it was cut. A longer answer ends with its last
whole sentence: small students answer with a page, and rows of a page would be most of what is trained."""
BATCH = 16
TRIES = 8
"""So many times as many questions are tried as rows are wanted."""
_MARK = "❖"


def own_rows_file(
    run: Run, recipe: Recipe, count: int, avoid: Collection[str], progress: Callable[[int, int], None]
) -> Path:
    """train/own_rows-….jsonl with the rows of the recipe's student; made only where it is not there yet.

    Args:
        recipe: its model is a folder or id that can be loaded, its system prompt is settled, and its style is chat.
        count: how many rows, one at least; some fewer where the student asks too often the same, or nothing short.
        avoid: questions in normal form that are not to be among them.
        progress: called with (rows, count).

    Raises:
        ModelError: the student cannot be loaded, or makes no rows.
    """
    # A hub's weights have a fingerprint only once they are fetched.
    weights = fingerprint(recipe.model) if Path(recipe.model).is_dir() else recipe.model
    about = digest(weights, recipe.system, str(count), str(recipe.seed), *sorted(avoid))
    path = run.train / f"own_rows-{about[:12]}.jsonl"
    if path.is_file():
        return path
    tokenizer = load_tokenizer(recipe.model)
    model = load_model(recipe.model, recipe.method, choose_place(recipe.precision))
    rows = own_rows(model, tokenizer, recipe, count, avoid, progress)
    del model  # The training loads it anew.
    gc.collect()
    torch.cuda.empty_cache()
    if not rows:
        raise ModelError(
            f"{recipe.model} asks and answers nothing by itself, so --mix own:SHARE has no rows: mix in a file of "
            "general rows, or leave --mix out."
        )
    for old in run.train.glob("own_rows-*.jsonl"):
        old.unlink()
    write_text(path, jsonl(row.to_json() for row in rows))
    return path


def own_rows(
    model: Any,
    tokenizer: Any,
    recipe: Recipe,
    count: int,
    avoid: Collection[str],
    progress: Callable[[int, int], None],
) -> list[Example]:
    """At most `count` questions and answers of a student, each question once; the same for the same seed.

    Args:
        avoid: questions in normal form that are not to be among them.

    Raises:
        ModelError: the student's template does not show what a user says.
    """
    torch.manual_seed(recipe.seed)
    end_turns(tokenizer)  # As the training does: a base model would go on behind its question.
    rows: list[Example] = []
    seen = set(avoid)
    for written in islice(_questions(model, tokenizer, recipe), -(-TRIES * count // BATCH)):
        new: list[str] = []
        for question in written:
            if normalise(question) not in seen:
                seen.add(normalise(question))
                new.append(question)
        prompts = [chat_prompt(question, recipe.system) for question in new]
        for question, answer in zip(new, answer_all(model, tokenizer, prompts, ANSWER_TOKENS, BATCH), strict=True):
            row = Example(question, answer.text if answer.stopped_by_eos else _whole_sentences(answer.text))
            if row.output and not garbage(row):
                rows.append(row)
        progress(min(len(rows), count), count)
        if len(rows) >= count:
            break
    return rows[:count]


def _questions(model: Any, tokenizer: Any, recipe: Recipe) -> Iterator[list[str]]:
    """What the student says as its user, a batch at a time, without what was cut."""
    # The system prompt may hold the mark, too.
    turn, found, _ = prompt_text(tokenizer, chat_prompt(_MARK, recipe.system)).rpartition(_MARK)
    if not found:
        raise ModelError(
            f"The chat template of {recipe.model} does not show what a user says: leave out --mix own:SHARE."
        )
    ids = tokenizer([turn] * BATCH, add_special_tokens=False, return_tensors="pt").to(model.device)
    ids.pop("token_type_ids", None)
    stops = stop_ids(model, tokenizer)
    sampled = greedy(tokenizer, stops, QUESTION_TOKENS) | {"do_sample": True, "temperature": 1.0, "top_p": 0.9}
    model.eval()
    while True:
        with torch.inference_mode():
            written = model.generate(**ids, **sampled | {"top_k": 0})[:, ids["input_ids"].shape[1] :].tolist()
        texts = [
            tokenizer.decode(tokens, skip_special_tokens=True).strip()
            for tokens in written
            if stops.intersection(tokens)
        ]
        yield [text for text in texts if normalise(text)]


def _whole_sentences(text: str) -> str:
    """A text that was cut, up to the end of its last whole sentence; empty where none has ended."""
    spans = [*sentence_spans(text)]
    return text[: spans[-2][1]] if len(spans) > 1 else ""
