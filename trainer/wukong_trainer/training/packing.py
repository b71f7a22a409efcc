"""Packing, several rows in one sequence: how many, and whether this model's attention really keeps them apart."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

ROWS = 3
SLACK = (1.0, 1.05, 1.1, 1.2)
"""Longer packs are tried than rows of the mean length would fill: some room stays empty."""
APART = 1.25
"""So many times more or fewer rows a step than the recipe's are worth a word."""
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.02, torch.float16: 0.005}
"""Relative difference of the log-likelihoods, packed and alone, that rounding in a precision explains.

Seen in fp32 on the smallest student: 4e-8 where rows are kept apart, 2e-3 where they are not.
"""


@torch.no_grad()
def difference(model: Any, collator: Any, pack: dict[str, Any]) -> float:
    """How much rows that share a sequence change each other's log-likelihoods; 0 where attention keeps them apart.

    Args:
        collator: the trainer's own, padding-free.
        pack: a packed row with input_ids, labels and seq_lengths.

    Returns:
        The norm of the difference over the norm of the log-likelihoods of the rows alone.
    """
    training = model.training
    model.eval()
    rows = _rows(pack)[:ROWS]
    together = _likelihoods(model, collator([_joined(rows)]))
    alone = torch.cat([_likelihoods(model, collator([_joined([row])])) for row in rows])
    model.train(training)
    return float((together - alone).norm() / alone.norm().clamp(min=1e-6))


@dataclass(frozen=True, slots=True)
class Packs:
    """How rows are packed, so that a step learns from as many of them as it would without packing."""

    length: int
    """Tokens of a pack."""
    a_pass: int
    passes: int
    """Forward passes a step."""
    rows: float
    """Of a step, on average."""

    def sentence(self, recipe_rows: int) -> str:
        """What was chosen, for the user; `recipe_rows` is what a step has by the recipe."""
        packs = f"{self.a_pass} pack{'s' * (self.a_pass > 1)} of {self.length} tokens"
        passes = f" × {self.passes}" if self.passes > 1 else ""
        other = ""
        if not 1 / APART < self.rows / recipe_rows < APART:
            other = (
                f", not {recipe_rows}: a pack holds the longest row, and many short ones; --no-packing keeps to "
                f"{recipe_rows}"
            )
        return f"Packing: {packs}{passes}, about {self.rows:.0f} rows a step{other}."


def packs(lengths: Sequence[int], batch: int, accumulation: int, max_length: int, watched: int = 0) -> Packs:
    """Packs by which a step learns from `batch` × `accumulation` rows, as near as that can be.

    Short rows fill a pack of max_length with more rows than a pass should have; it is then made shorter, though not
    shorter than the longest row.

    Args:
        lengths: tokens of each row.
        watched: tokens of the longest validation row, which TRL cuts to the length of a pack.
    """
    lengths = [min(length, max_length) for length in lengths]
    tokens, rows_a_step = batch * sum(lengths) / len(lengths), batch * accumulation
    even = tokens / math.ceil(tokens / max_length)
    candidates = []
    for slack in SLACK:
        length = min(max_length, max(*lengths, watched, math.ceil(even * slack)))
        rows_a_pack = len(lengths) / _packed(lengths, length)
        a_pass = _nearest(batch / rows_a_pack)
        passes = _nearest(rows_a_step / (a_pass * rows_a_pack))
        candidates.append(Packs(length, a_pass, passes, a_pass * passes * rows_a_pack))
    return min(candidates, key=lambda each: abs(math.log(each.rows / rows_a_step)))


def _nearest(number: float) -> int:
    return max(1, math.floor(number + 0.5))


def _packed(lengths: Sequence[int], size: int) -> int:
    """How many packs best-fit decreasing makes, which is TRL's strategy: each row goes where the least room is left."""
    room: list[int] = []
    count = 0
    for length in sorted(lengths, reverse=True):
        at = bisect_left(room, length)
        if at == len(room):
            count += 1
            insort(room, size - length)
        else:
            insort(room, room.pop(at) - length)
    return count


def _rows(pack: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    rows, start = [], 0
    for length in pack["seq_lengths"]:
        rows.append((pack["input_ids"][start : start + length], pack["labels"][start : start + length]))
        start += length
    return rows


def _joined(rows: list[tuple[list[int], list[int]]]) -> dict[str, Any]:
    return {
        "input_ids": [token for ids, _ in rows for token in ids],
        "labels": [label for _, labels in rows for label in labels],
        "seq_lengths": [len(ids) for ids, _ in rows],
    }


def _likelihoods(model: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Log-likelihoods of the trained tokens of a padding-free batch, in order."""
    placed = {key: value.to(model.device) if hasattr(value, "to") else value for key, value in batch.items()}
    labels = placed.pop("labels")[0, 1:]
    logits = model(**placed, use_cache=False).logits[0, :-1].float()
    trained = labels != -100
    likely = torch.log_softmax(logits[trained], dim=-1).gather(-1, labels[trained, None])
    return likely[:, 0].cpu()
