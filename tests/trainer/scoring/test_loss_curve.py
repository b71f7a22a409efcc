from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_trainer.scoring.loss_curve import has_risen, longer, unsettled_fall


def falling(steps: int, first: float, last: float) -> list[float]:
    """Losses that fall by the same share at each step."""
    return [first * (last / first) ** (step / (steps - 1)) for step in range(steps)]


def scattered(losses: list[float], share: float) -> list[float]:
    """The losses of batches, each off by up to a share."""
    chance = random.Random(1)
    return [loss * (1 + chance.uniform(-share, share)) for loss in losses]


def test_a_loss_that_falls_at_the_end_has_not_settled() -> None:
    fall = unsettled_fall(scattered(falling(50, 4.0, 0.3), 0.2))
    assert fall == pytest.approx(1 - (0.3 / 4.0) ** (1 / 5), abs=0.08), "from fifth to fifth"


@pytest.mark.parametrize(
    "losses",
    [
        [*falling(100, 4.0, 0.5), *scattered([0.5] * 100, 0.2)],
        falling(50, 1.0, 0.01),
        scattered([1.0] * 20, 0.9),
        falling(14, 4.0, 0.3),
        [],
        [*falling(49, 4.0, 0.3), math.nan],
        falling(50, 0.3, 4.0),
    ],
    ids=["flat", "learnt", "only scatters", "too short to tell", "nothing logged", "no number", "rises"],
)
def test_no_alarm_where_the_loss(losses: list[float]) -> None:
    assert unsettled_fall(losses) is None


@given(st.lists(st.floats(0, 20), max_size=60), st.floats(0.1, 10))
def test_the_same_curve_in_another_unit_falls_by_the_same_share(losses: list[float], unit: float) -> None:
    fall, other = unsettled_fall(losses), unsettled_fall([unit * loss for loss in losses])
    if fall is not None and other is not None:
        assert 0.05 <= fall <= 1
        assert other == pytest.approx(fall)


def test_a_validation_loss_has_risen_only_by_what_would_change_answers() -> None:
    assert not has_risen(0.148, 0.149), "by less than a loss scatters"
    assert not has_risen(0.004, 0.006), "half as much again of nothing"
    assert not has_risen(1.25, 1.25)
    assert has_risen(1.25, 1.5)
    assert has_risen(0.148, 0.2)


def test_longer_is_twice_as_long_in_whole_epochs() -> None:
    assert [longer(3.0), longer(0.6), longer(2.5)] == [6.0, 2.0, 5.0]
