"""Rows that a student makes of itself before it is tuned: what it would ask, and what it would answer.

Trained beside the dataset's rows they hold the student to what it was (self-synthesised rehearsal, Huang et al. 2024),
and no other data is needed. The questions are what the student writes where its template begins a user's turn (Magpie,
Xu et al. 2024); the answers are its own, greedy, in the form of the training.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
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
from wukong_trainer.data.thoughts import split_thought
from wukong_trainer.inference.decoding import greedy
from wukong_trainer.inference.generate import answer_all, prompt_text, stop_ids
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe

QUESTION_TOKENS, ANSWER_TOKENS = 64, 64
"""A longer question makes no row, since its end would be taught where it was cut. A longer answer ends with its last
whole sentence: small students answer with a page, and rows of a page would be most of what is trained."""
BATCH = 16
TRIES = 8
"""So many times as many questions are tried as rows are wanted."""
_MARK = "❖"


def own_rows_file(run: Run, recipe: Recipe, count: int, progress: Callable[[int, int], None]) -> Path:
    """train/own_rows-….jsonl with the rows of the recipe's student; made only where it is not there yet.

    Args:
        recipe: its model is a folder or id that can be loaded, and its system prompt is settled.
        count: how many rows; some fewer where the student asks too often the same, or nothing short.
        progress: called with (rows, count).

    Raises:
        ModelError: the student cannot be loaded, or makes no rows.
    """
    form = {"style": recipe.style, "thinking": recipe.thinking}
    name = digest(fingerprint(recipe.model), recipe.system, str(form), str(count), str(recipe.seed))[:12]
    path = run.train / f"own_rows-{name}.jsonl"
    if not path.is_file():
        place, tokenizer = choose_place(recipe.precision), load_tokenizer(recipe.model)
        model = load_model(recipe.model, recipe.method, place)
        rows = own_rows(model, tokenizer, recipe, count, progress)
        del model  # The training loads it anew.
        gc.collect()
        torch.cuda.empty_cache()
        if not rows:
            raise ModelError(
                f"{recipe.model} asks and answers nothing by itself, so --mix own:SHARE has no rows: mix in a file of "
                "general rows, or leave --mix out."
            )
        write_text(path, jsonl(row.to_json() for row in rows))
    return path


def own_rows(
    model: Any, tokenizer: Any, recipe: Recipe, count: int, progress: Callable[[int, int], None]
) -> list[Example]:
    """At most `count` questions and answers of a student, each question once; the same for the same seed.

    Raises:
        ModelError: the student's template does not show what a user says.
    """
    torch.manual_seed(recipe.seed)
    form: dict[str, Any] = {"style": recipe.style, "thinking": recipe.thinking}
    rows: list[Example] = []
    seen: set[str] = set()
    for written in islice(_questions(model, tokenizer, recipe), -(-TRIES * count // BATCH)):
        new = [question for question in dict.fromkeys(written) if normalise(question) not in seen]
        seen.update(map(normalise, new))
        prompts = [chat_prompt(question, recipe.system) for question in new]
        answers = answer_all(model, tokenizer, prompts, ANSWER_TOKENS, BATCH, **form) if new else []
        for question, answer in zip(new, answers, strict=True):
            thought, said = split_thought(answer.text)
            if said := said if answer.stopped_by_eos else _whole_sentences(said):
                rows.append(Example(question, said, think=thought))
        progress(min(len(rows), count), count)
        if len(rows) >= count:
            break
    return rows[:count]


def _questions(model: Any, tokenizer: Any, recipe: Recipe) -> Iterator[list[str]]:
    """What the student says as its user, a batch at a time, without what was cut."""
    whole = prompt_text(tokenizer, chat_prompt(_MARK, recipe.system), recipe.style, recipe.thinking)
    turn, found, _ = whole.partition(_MARK)
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
