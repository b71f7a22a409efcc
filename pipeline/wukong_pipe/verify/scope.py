"""What of a build's pairs and wordings is put before the verifier: `--verify all|full|doubtful|none`."""

from __future__ import annotations

import math
from typing import Literal, get_args

from wukong_pipe.language.hashing import digest

Scope = Literal["all", "full", "doubtful", "none"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
ONE_IN = 10
"""Under `all`, one in so many of the training wordings without doubt is verified, to learn how many are wrong."""


def is_pair_verified(scope: Scope, *, is_doubtful: bool) -> bool:
    return scope in ("all", "full") or (scope == "doubtful" and is_doubtful)


def is_wording_verified(scope: Scope, row_id: str, *, is_doubtful: bool, is_held_out: bool) -> bool:
    """Whether a wording is verified; a row's own hash decides on the sample, so a re-run takes the same one."""
    if scope == "all":
        return is_doubtful or is_held_out or is_sampled(row_id)
    return scope == "full" or (scope == "doubtful" and is_doubtful)


def is_sampled(row_id: str) -> bool:
    return int(digest("verify", row_id), 16) % ONE_IN == 0


def error_rate(rejected: int, judged: int) -> tuple[float, float]:
    """The share of errors that a sample, of which so many were judged, implies: the 95 % interval of Wilson.

    >>> tuple(round(bound, 3) for bound in error_rate(2, 100))
    (0.006, 0.07)
    """
    z, share = 1.96, rejected / judged
    middle = share + z * z / (2 * judged)
    reach = z * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    total = 1 + z * z / judged
    return max(0.0, (middle - reach) / total), min(1.0, (middle + reach) / total)
