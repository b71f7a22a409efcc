"""The validation loss as a mean over all watched tokens, whatever shares a batch and however many processes there are.

The Trainer takes the mean of each batch's mean, and counts again the rows that fill up the last batch of several
processes. So rows weigh by their neighbours, and early stopping sees another number with another batch size.
"""

from __future__ import annotations

from typing import Any

import torch
from trl import SFTTrainer


class WatchedTrainer(SFTTrainer):
    """TRL's trainer with an eval_loss in nats a token that depends on the rows alone."""

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
    found = torch.stack([output.log_probs.double(), output.label_mask.double()], dim=-1)
    if "attention_mask" in inputs:
        return found.sum(1)
    row = (inputs["position_ids"][0] == 0).cumsum(0) - 1
    return found.new_zeros(int(row[-1]) + 1, 2).index_add(0, row[1:].to(found.device), found[0])
