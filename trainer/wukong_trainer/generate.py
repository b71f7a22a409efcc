"""Asking a student: greedy answers in batches or piece by piece, and how likely it finds the reference answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import TextIteratorStreamer

from wukong_trainer.data import Message

Progress = Callable[[int, int], None]
"""Called with (done, total) after each batch."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a student said, and whether it ended by itself."""

    text: str
    stopped_by_eos: bool


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-likelihood of a reference answer with its end of turn, in nats."""

    per_token: float
    per_char: float


def prompt_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The prompt as text, the template applied once: it already holds every special token."""
    return cast(str, tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))


@torch.inference_mode()
def answer_all(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new_tokens: int,
    batch: int,
    progress: Progress = lambda done, total: None,
) -> list[Answer]:
    """Greedy answers to the prompts, in their order; batches hold prompts of like length.

    Args:
        max_new_tokens: an answer is cut there, and then counts as not stopped by EOS.
        batch: prompts a forward pass; part of what an evaluation must repeat to get the same answers in bf16.
    """
    texts = [prompt_text(tokenizer, messages) for messages in prompts]
    found: list[Answer | None] = [None] * len(texts)
    tokenizer.padding_side = "left"
    model.eval()
    stops = stop_ids(model, tokenizer)
    done = 0
    for places in _batches(texts, batch):
        encoded = tokenizer([texts[i] for i in places], return_tensors="pt", padding=True, add_special_tokens=False).to(
            model.device
        )
        encoded.pop("token_type_ids", None)
        output = model.generate(**encoded, **_greedy(tokenizer, stops, max_new_tokens))
        for i, ids in zip(places, output[:, encoded["input_ids"].shape[1] :].tolist(), strict=True):
            end = next((n for n, token in enumerate(ids) if token in stops), None)
            text = tokenizer.decode(ids[:end], skip_special_tokens=True).strip()
            found[i] = Answer(text, end is not None)
        done += len(places)
        progress(done, len(texts))
    return [answer for answer in found if answer is not None]


def stream(model: Any, tokenizer: Any, messages: Sequence[Message], max_new_tokens: int) -> Generator[str, None, None]:
    """The greedy answer to one prompt, in pieces as they come; closing the generator stops the model.

    Raises:
        Exception: what the model raised, once the pieces before it were given.
    """
    encoded = tokenizer(prompt_text(tokenizer, messages), return_tensors="pt", add_special_tokens=False).to(
        model.device
    )
    encoded.pop("token_type_ids", None)
    model.eval()
    pieces = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    unwanted = threading.Event()
    failed: list[Exception] = []

    def generate() -> None:
        try:
            with torch.inference_mode():
                model.generate(
                    **encoded,
                    **_greedy(tokenizer, stop_ids(model, tokenizer), max_new_tokens),
                    streamer=pieces,
                    stopping_criteria=[
                        lambda ids, scores: torch.full((ids.shape[0],), unwanted.is_set(), device=ids.device)
                    ],
                )
        except Exception as error:
            failed.append(error)
            pieces.end()

    # A daemon: a second Ctrl-C need not wait for the model.
    thread = threading.Thread(target=generate, daemon=True)
    thread.start()
    try:
        yield from pieces
    finally:
        unwanted.set()
        thread.join()
    if failed:
        raise failed[0]


def _greedy(tokenizer: Any, stops: frozenset[int], max_new_tokens: int) -> dict[str, Any]:
    return {
        "max_new_tokens": max_new_tokens,
        "do_sample": False,
        # A model's own generation_config may sample or penalise; greedy means greedy.
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "repetition_penalty": 1.0,
        "eos_token_id": sorted(stops),
        "pad_token_id": tokenizer.pad_token_id,
    }


def stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: the tokenizer's EOS and those of the model's generation config."""
    own = model.generation_config.eos_token_id
    ids = own if isinstance(own, list) else [own]
    return frozenset(token for token in [tokenizer.eos_token_id, *ids] if token is not None)


@torch.inference_mode()
def likelihood_all(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    references: Sequence[str],
    batch: int,
    progress: Progress = lambda done, total: None,
) -> list[Likelihood]:
    """How likely the model finds each reference answer after its prompt, the prompt masked.

    The answer's tokens and its end of turn count: the same tokens that training puts into the loss.
    """
    found: list[Likelihood | None] = [None] * len(references)
    rows = [_encode(tokenizer, messages, reference) for messages, reference in zip(prompts, references, strict=True)]
    model.eval()
    done = 0
    for places in _batches([ids for ids, _ in rows], batch):
        longest = max(len(rows[i][0]) for i in places)
        ids = torch.full((len(places), longest), tokenizer.pad_token_id)
        mask = torch.zeros((len(places), longest), dtype=torch.long)
        for n, i in enumerate(places):
            length = len(rows[i][0])
            ids[n, :length] = torch.tensor(rows[i][0])
            mask[n, :length] = 1
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits.float()
        logs = torch.log_softmax(logits[:, :-1], dim=-1).gather(-1, ids[:, 1:, None].to(model.device))[..., 0].cpu()
        for n, i in enumerate(places):
            tokens, start = rows[i]
            total = float(logs[n, start - 1 : len(tokens) - 1].sum())
            found[i] = Likelihood(total / (len(tokens) - start), total / max(1, len(references[i])))
        done += len(places)
        progress(done, len(references))
    return [likelihood for likelihood in found if likelihood is not None]


def _encode(tokenizer: Any, messages: Sequence[Message], reference: str) -> tuple[list[int], int]:
    """Token ids of prompt, answer and end of turn, and where the answer begins."""
    prompt = tokenizer(prompt_text(tokenizer, messages), add_special_tokens=False)["input_ids"]
    answer = tokenizer(reference + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return [*prompt, *answer], len(prompt)


def _batches(items: Sequence[Any], size: int) -> Iterator[list[int]]:
    """Indices in batches, the longest items first: running out of memory shows at once, not after an hour."""
    order = sorted(range(len(items)), key=lambda i: (-len(items[i]), i))
    for start in range(0, len(order), size):
        yield order[start : start + size]
