"""The loss of the answers, without what TRL's own computation of it costs where there is no GPU."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn.functional import cross_entropy, pad
from trl import SFTTrainer

from wukong_trainer.training.memory import TILE

LOGITS = TILE[0] * TILE[1]
"""More of them at a time are left to TRL, which computes them tile by tile."""


class AnswerTrainer(SFTTrainer):
    """TRL's trainer with the same loss, in steps that on a CPU take no longer than those of transformers' Trainer.

    On a GPU nothing is changed: there TRL's head scores the trained positions alone. Elsewhere it scores questions and
    padding too, computes all logits again for the gradients, and counts entropy and accuracy, which log.jsonl does not
    keep: half of a small student's step (benchmarks/training_speed.md). Several processes are left to TRL, too: each
    has other rows, and were one to choose otherwise than another, both would wait for ever for what is never sent.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Negative log-likelihood in nats of the labels other than -100, over their number.

        Args:
            inputs: labels of shape (rows, tokens), and what the model takes.
            num_items_in_batch: that number over all passes of a training step; None in validation, which is TRL's.
        """
        labels = inputs["labels"][:, 1:]
        trained = labels != -100
        if return_outputs or num_items_in_batch is None or not self._asks_for(trained):
            theirs: Any = super()
            return theirs.compute_loss(model, inputs, return_outputs, num_items_in_batch)
        rest = {name: value for name, value in inputs.items() if name != "labels"}
        # The logits behind the last token have no label.
        logits = model(**rest, use_cache=False, logits_to_keep=pad(trained, (0, 1))).logits
        total = cross_entropy(logits.float(), labels[trained], reduction="sum")
        self._count_tokens(inputs)
        return total / torch.as_tensor(num_items_in_batch).clamp(min=1)

    def _asks_for(self, trained: torch.Tensor) -> bool:
        """Whether the model itself is to give the logits of these positions."""
        if self.args.device.type != "cpu" or self.accelerator.num_processes > 1 or self.aux_loss_enabled:
            return False
        model = self.accelerator.unwrap_model(self.model)
        model = getattr(model, "get_base_model", lambda: model)()
        count = int(trained.sum()) * model.config.get_text_config().vocab_size
        return count <= LOGITS and "logits_to_keep" in inspect.signature(type(model).forward).parameters

    def _count_tokens(self, inputs: dict[str, Any]) -> None:
        """Add to TRL's count of the tokens trained on, padding not counted; packed rows have no mask."""
        mask = inputs.get("attention_mask")
        self._total_train_tokens += inputs["position_ids"].shape[1] if mask is None else int(mask.sum())
        self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
