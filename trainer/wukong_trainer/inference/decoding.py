"""Greedy decoding of many prompts: a row whose answer has ended makes room for the next prompt (continuous batching).

`generate` of transformers keeps every row until the longest answer of the batch has ended, and its own continuous
batching needs a GPU's paged attention to be fast (`benchmarks/eval_speed.md`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


def greedy(tokenizer: Any, stops: AbstractSet[int], most: int) -> dict[str, Any]:
    """The arguments of `generate` for an answer of at most `most` tokens."""
    return {
        "max_new_tokens": most,
        "do_sample": False,
        # A model's own generation_config may sample or penalise; greedy means greedy.
        "temperature": None,
        "top_p": None,
        "top_k": None,
        "repetition_penalty": 1.0,
        "eos_token_id": sorted(stops),
        "pad_token_id": tokenizer.pad_token_id,
    }


@dataclass(frozen=True, slots=True)
class Decoded:
    """The tokens of an answer, without the one that ended it."""

    place: int
    """Of its prompt."""
    tokens: list[int]
    ended: bool
    """Whether a stop token ended it, and not the limit."""


@torch.inference_mode()
def decode(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], stops: AbstractSet[int], most: int, rows: int
) -> Iterator[Decoded]:
    """Greedy answers, each given as soon as it has ended, in whatever order they do.

    Args:
        prompts: token ids.
        stops: tokens that end an answer.
        most: an answer is cut after this many tokens.
        rows: that are decoded at a time.
    """
    if not _can_be_refilled(model):
        for start in range(0, len(prompts), rows):
            yield from _in_step(model, tokenizer, prompts[start : start + rows], start, stops, most)
        return
    waiting = list(enumerate(prompts))[::-1]
    said: dict[int, list[int]] = {}
    running: _Rows | None = None
    while waiting or running:
        free = rows - (len(running.places) if running else 0)
        # Each filling is a forward pass of its own, so one for a single free row would not pay.
        if waiting and (running is None or free >= max(1, rows // 4)):
            filling = [waiting.pop() for _ in range(min(free, len(waiting)))]
            said |= {place: [] for place, _ in filling}
            going, ended = _sorted_out(_read(model, tokenizer.pad_token_id, filling), said, stops, most)
            running = _joined(running, going)
        else:
            assert running is not None
            _step(model, running)
            running, ended = _sorted_out(running, said, stops, most)
        yield from ended


@dataclass(slots=True)
class _Rows:
    """Answers being decoded, padded on the left."""

    places: list[int]
    cache: Any
    """A DynamicCache of nothing but plain layers."""
    mask: torch.Tensor
    """1 where the cache holds a token and 0 where it is padded; [rows, tokens]."""
    last: torch.Tensor
    """The newest token of each, which is not in the cache yet; [rows]."""


def _can_be_refilled(model: Any) -> bool:
    """Whether all the model keeps of a text are keys and values of every token, and these depend on that text alone.

    Windows that slide, recurrent states, and rotations that change with the longest text of a batch are left to
    transformers.
    """
    layers = DynamicCache(config=model.config).layers
    own = model.get_base_model() if hasattr(model, "get_base_model") else model
    ropes = getattr(model.config, "rope_parameters", None) or {}
    of_layers = [ropes] if "rope_type" in ropes else ropes.values()
    return (
        all(type(layer) is DynamicLayer for layer in layers)
        and {"position_ids", "logits_to_keep"} <= set(inspect.signature(own.forward).parameters)
        and not any(rope and rope["rope_type"] in {"dynamic", "longrope"} for rope in of_layers)
    )


def _read(model: Any, padding: int, prompts: Sequence[tuple[int, Sequence[int]]]) -> _Rows:
    """The first token of each answer."""
    longest = max(len(ids) for _, ids in prompts)
    ids = torch.full((len(prompts), longest), padding)
    mask = torch.zeros_like(ids)
    for n, (_, prompt) in enumerate(prompts):
        ids[n, longest - len(prompt) :] = torch.tensor(prompt)
        mask[n, longest - len(prompt) :] = 1
    cache = DynamicCache(config=model.config)
    rows = _Rows([place for place, _ in prompts], cache, mask.to(model.device), torch.empty(0))
    rows.last = _next(model, rows, ids.to(model.device), (rows.mask.cumsum(1) - 1).clamp(min=0))
    return rows


def _step(model: Any, rows: _Rows) -> None:
    """One more token for every row."""
    rows.mask = pad(rows.mask, (0, 1), value=1)
    rows.last = _next(model, rows, rows.last[:, None], rows.mask.sum(1, keepdim=True) - 1)


def _next(model: Any, rows: _Rows, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The likeliest token after `ids`, both [rows, tokens]; the cache grows by them."""
    output = model(
        input_ids=ids,
        attention_mask=rows.mask,
        position_ids=positions,
        past_key_values=rows.cache,
        use_cache=True,
        logits_to_keep=1,
    )
    best: torch.Tensor = output.logits[:, -1].argmax(-1)
    return best


def _sorted_out(
    rows: _Rows, said: dict[int, list[int]], stops: AbstractSet[int], most: int
) -> tuple[_Rows | None, list[Decoded]]:
    """Take down each row's newest token: the rows that go on, and the answers that have ended."""
    ended, going = [], []
    for n, (place, token) in enumerate(zip(rows.places, rows.last.tolist(), strict=True)):
        if token not in stops:
            said[place].append(token)
        if token in stops or len(said[place]) == most:
            ended.append(Decoded(place, said.pop(place), token in stops))
        else:
            going.append(n)
    return (_chosen(rows, going) if ended else rows) if going else None, ended


def _chosen(rows: _Rows, going: list[int]) -> _Rows:
    """Only these rows, and no column that is padding in all of them."""
    chosen = torch.tensor(going, device=rows.mask.device)
    mask = rows.mask[chosen]
    first = int(mask.any(0).int().argmax())
    for layer in rows.cache.layers:
        layer.keys, layer.values = layer.keys[chosen][..., first:, :], layer.values[chosen][..., first:, :]
    return _Rows([rows.places[n] for n in going], rows.cache, mask[:, first:], rows.last[chosen])


def _joined(running: _Rows | None, fresh: _Rows | None) -> _Rows | None:
    """Both as one batch, the shorter one padded to the longer."""
    if running is None or fresh is None:
        return running or fresh
    width = max(running.mask.shape[1], fresh.mask.shape[1])
    more = [width - part.mask.shape[1] for part in (running, fresh)]
    for old, new in zip(running.cache.layers, fresh.cache.layers, strict=True):
        # Keys and values are [rows, heads, tokens, size]; what the mask hides may hold anything.
        old.keys = torch.cat([pad(part, (0, 0, n, 0)) for part, n in zip((old.keys, new.keys), more, strict=True)])
        old.values = torch.cat(
            [pad(part, (0, 0, n, 0)) for part, n in zip((old.values, new.values), more, strict=True)]
        )
    return _Rows(
        running.places + fresh.places,
        running.cache,
        torch.cat([pad(part.mask, (n, 0)) for part, n in zip((running, fresh), more, strict=True)]),
        torch.cat([running.last, fresh.last]),
    )


def _in_step(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], first: int, stops: AbstractSet[int], most: int
) -> Iterator[Decoded]:
    """One batch by `generate`, whose rows all go on until the last has ended; `first` is the place of the first."""
    encoded = tokenizer.pad({"input_ids": [list(ids) for ids in prompts]}, return_tensors="pt", padding_side="left")
    output = model.generate(**encoded.to(model.device), **greedy(tokenizer, stops, most))
    for n, ids in enumerate(output[:, encoded["input_ids"].shape[1] :].tolist()):
        end = next((n for n, token in enumerate(ids) if token in stops), None)
        yield Decoded(first + n, ids[:end], end is not None)
