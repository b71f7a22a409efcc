"""Rows of like length in one pass, so that little of it is padding; a step learns from the same rows as before."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import pad
from trl import SFTTrainer

Batch = dict[str, torch.Tensor]


class LengthGroupedTrainer(SFTTrainer):
    """TRL's trainer, with the rows of each step sorted by length before they are shared out among its passes.

    transformers' `group_by_length` puts rows of like length into one step: then other rows learn together, which the
    embedded student paid for (benchmarks/student.md). Here a step has the rows that it would have, and its gradient,
    the sum over its rows, is the same but for the order of the sum.
    """

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> Any:
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)
        # Packed rows have no mask, and fill their packs already.
        if len(batches) > 1 and all("attention_mask" in batch for batch in batches):
            tokenizer: Any = self.processing_class
            batches = grouped(batches, {"input_ids": tokenizer.pad_token_id, "labels": -100})
        return batches, items


def grouped(batches: list[Batch], padding: dict[str, int]) -> list[Batch]:
    """The same rows in as many batches of the same sizes, the longest rows first: what does not fit shows at once.

    Args:
        batches: tensors of shape (rows, tokens), padded on the right to the longest row of each batch.
        padding: what each tensor is padded with; 0 where it is not named.
    """
    width = max(batch["attention_mask"].shape[1] for batch in batches)
    rows = {
        name: torch.cat([_widened(batch[name], width, padding.get(name, 0)) for batch in batches])
        for name in batches[0]
    }
    lengths = rows["attention_mask"].sum(1)
    order = lengths.argsort(descending=True, stable=True)
    shares = torch.split(order, [len(batch["attention_mask"]) for batch in batches])
    return [{name: each[share, : int(lengths[share[0]])] for name, each in rows.items()} for share in shares]


def _widened(rows: torch.Tensor, width: int, value: int) -> torch.Tensor:
    return pad(rows, (0, width - rows.shape[1]), value=value)
