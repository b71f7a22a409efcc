"""The losses of a training: of a step, and of the validation rows, both over the answers' tokens alone."""

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


class ValidationTrainer(SFTTrainer):
    """TRL's trainer whose eval_loss is the mean over all watched tokens, in nats a token.

    The Trainer takes the mean of each batch's mean, and counts again the rows that fill up the last batch of several
    processes. So a row's weight depends on its neighbours, and early stopping would see another number with another
    batch size.
    """

    def prediction_step(self, model: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
        outputs: list[Any] = []
        watched: Any = self.model
        # TRL reduces the log-likelihoods to one number before it hands them on.
        hook = watched.register_forward_hook(lambda module, given, output: outputs.append(output))
        try:
            step = super().prediction_step(model, inputs, *rest, **options)
        finally:
            hook.remove()
        # This leaves out what a process was given only to have as many rows as the others.
        self._watched.append(self.accelerator.gather_for_metrics(_by_row(outputs[0], inputs)))
        return step

    def evaluation_loop(self, *given: Any, **options: Any) -> Any:
        self._watched: list[torch.Tensor] = []
        output: Any = super().evaluation_loop(*given, **options)
        if self._watched:  # TRL drops every row whose question alone fills max_length.
            likelihood, tokens = torch.cat(self._watched).sum(0).tolist()
            output.metrics[f"{options.get('metric_key_prefix', 'eval')}_loss"] = -likelihood / max(tokens, 1)
        return output


def _by_row(output: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Log-likelihood and count of the trained tokens, of shape (rows, 2), fp64.

    Args:
        output: TRL's, with log_probs and label_mask of shape (rows, tokens - 1); 0 where a token is not trained.
        inputs: padding-free they hold one sequence, in which the positions begin anew with each row.
    """
    by_token = torch.stack([output.log_probs.double(), output.label_mask.double()], dim=-1)
    if "attention_mask" in inputs:
        return by_token.sum(1)
    row = (inputs["position_ids"][0] == 0).cumsum(0) - 1
    return by_token.new_zeros(int(row[-1]) + 1, 2).index_add(0, row[1:].to(by_token.device), by_token[0])
