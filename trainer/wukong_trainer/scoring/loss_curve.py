"""What a curve of losses says: whether training had settled at its end, and whether the validation loss has risen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

WINDOW = 5
"""The last fifth of the steps is compared with the fifth before it."""
CLEAR_FALL = 0.05
"""A loss that falls by this share from fifth to fifth is still falling."""
LEARNT = 0.05
"""Nats a token. Below it the rows are known, however fast the rest goes to zero."""
CLEAR_RISE = 0.05
"""A validation loss that ends this share above its lowest has risen."""
LEAST_RISE = 0.02
"""Nats a token. A smaller rise changes no answer: 0.004 to 0.006 is half as much again, and nothing."""


def unsettled_fall(losses: Sequence[float]) -> float | None:
    """The share by which the training loss still fell at the end of a training that had clearly not settled.

    Single batches scatter, so whole fifths of the steps are compared, and a fall within their scatter is none.

    Args:
        losses: of all steps, in their order.

    Returns:
        0.3 where the mean of the last fifth is 30 % below that of the fifth before it; None where the loss has settled,
        or where the log is too short to tell.
    """
    size = len(losses) // WINDOW
    if size < 3 or not all(map(math.isfinite, losses[-2 * size :])):
        return None
    before, last = losses[-2 * size : -size], losses[-size:]
    fall = fmean(before) - fmean(last)
    scatter = math.hypot(stdev(before), stdev(last)) / math.sqrt(size)
    if fmean(last) < LEARNT or fall < CLEAR_FALL * fmean(before) or fall < 2 * scatter:
        return None
    return fall / fmean(before)


def final_loss(losses: Sequence[float]) -> float:
    """The loss at the end: the mean over the last fiftieth of the steps, as single batches scatter; NaN without any."""
    return fmean(losses[-max(1, len(losses) // 50) :]) if losses else math.nan


def longer(epochs: float) -> float:
    """Epochs to try where so many did not settle: twice as many, in whole ones."""
    return float(math.ceil(2 * epochs))


def has_risen(least: float, last: float) -> bool:
    """Whether a validation loss has risen clearly since its lowest, and not merely scattered."""
    return last - least > max(CLEAR_RISE * least, LEAST_RISE)
