"""What is verified: pairs, wordings and the sample of a tenth, by scope."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.verify.scope import Scope, error_rate, is_pair_verified, is_sampled, is_wording_verified

SAMPLED = next(str(n) for n in range(1000) if is_sampled(str(n)))
UNSAMPLED = next(str(n) for n in range(1000) if not is_sampled(str(n)))


@pytest.mark.parametrize(
    ("scope", "plain_pair", "doubtful_pair", "plain", "sampled", "held_out", "doubtful"),
    [
        ("all", True, True, False, True, True, True),
        ("full", True, True, True, True, True, True),
        ("doubtful", False, True, False, False, False, True),
        ("none", False, False, False, False, False, False),
    ],
)
def test_the_scope_says_what_is_verified(
    scope: Scope, plain_pair: bool, doubtful_pair: bool, plain: bool, sampled: bool, held_out: bool, doubtful: bool
) -> None:
    assert is_pair_verified(scope, is_doubtful=False) == plain_pair
    assert is_pair_verified(scope, is_doubtful=True) == doubtful_pair
    assert is_wording_verified(scope, UNSAMPLED, is_doubtful=False, is_held_out=False) == plain
    assert is_wording_verified(scope, SAMPLED, is_doubtful=False, is_held_out=False) == sampled
    assert is_wording_verified(scope, UNSAMPLED, is_doubtful=False, is_held_out=True) == held_out
    assert is_wording_verified(scope, UNSAMPLED, is_doubtful=True, is_held_out=False) == doubtful


def test_the_sample_is_a_tenth() -> None:
    assert 80 <= sum(is_sampled(f"row {n}") for n in range(1000)) <= 120


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_implied_error_rate_holds_the_share_found(rejected: int, supported: int) -> None:
    low, high = error_rate(rejected, rejected + supported)
    share = rejected / (rejected + supported)
    assert 0.0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1.0
