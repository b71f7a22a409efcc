"""A dataclass is read from JSON as its fields say, or the place that does not fit is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from wukong_trainer.report.json_records import UnlikeError, read_as


@dataclass(frozen=True)
class Leaf:
    share: float
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Tree:
    name: str
    size: Literal["small", "large"]
    leaves: dict[str, Leaf]
    notes: list[str] = field(default_factory=list)


TREE: dict[str, Any] = {"name": "oak", "size": "large", "leaves": {"a": {"share": 1, "ends": [0.0, 1.0]}}}


def test_a_record_is_read_with_those_below_it() -> None:
    assert read_as(Tree, TREE, "") == Tree("oak", "large", {"a": Leaf(1, (0.0, 1.0))})
    assert read_as(Tree, TREE | {"notes": ["old"], "unknown": 3}, "").notes == ["old"]
    assert read_as(Leaf, {"share": 0.5, "ends": None}, "") == Leaf(0.5, None)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": None}, "name"),
        ({"size": "huge"}, "size"),
        ({"notes": "old"}, "notes"),
        ({"leaves": []}, "leaves"),
        ({"leaves": {"a": {"share": True, "ends": None}}}, "leaves › a › share"),
        ({"leaves": {"a": {"share": 0.5}}}, "leaves › a › ends"),
        ({"leaves": {"a": {"share": 0.5, "ends": [0.5]}}}, "leaves › a › ends"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(UnlikeError, match=f"^{place}$"):
        read_as(Tree, TREE | change, "")
