"""Several rows in one sequence: whether the attention of this model on this machine keeps them apart."""

from __future__ import annotations

import math
from typing import Any

import torch

ROWS = 3
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


def rows_a_pass(batch: int, mean_tokens: float, max_length: int) -> int:
    """How many packs hold about as many rows as `batch`, at least one: packing must not change what a step learns from.

    A pack holds about max_length / mean_tokens rows.
    """
    return max(1, math.floor(batch * mean_tokens / max_length + 0.5))


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
