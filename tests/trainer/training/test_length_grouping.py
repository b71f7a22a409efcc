from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, TrainingData
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft
from wukong_trainer.training.length_grouping import LengthGroupedTrainer, grouped

PAD = {"input_ids": 7, "labels": -100}


def batch_of(lengths: list[int], first: int) -> dict[str, torch.Tensor]:
    """Rows that hold their number, padded to the longest."""
    width = max(lengths)
    filled = [(first + number, length) for number, length in enumerate(lengths)]
    ids, labels, mask = (
        [[value(number)] * length + [fill] * (width - length) for number, length in filled]
        for value, fill in ((lambda n: 100 + n, 7), (lambda n: 100 + n, -100), (lambda _: 1, 0))
    )
    return {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask)}


def rows_of(batches: list[dict[str, torch.Tensor]]) -> list[tuple[list[int], list[int]]]:
    """What the rows hold, padding left out, in an order that does not depend on the batches."""
    return sorted(
        (ids[mask.bool()].tolist(), labels[mask.bool()].tolist())
        for batch in batches
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True)
    )


def padding_of(batches: list[dict[str, torch.Tensor]]) -> int:
    return sum(int((batch["attention_mask"] == 0).sum()) for batch in batches)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_step_keeps_its_rows_and_its_passes(lengths: list[list[int]]) -> None:
    # All passes of a step have as many rows; the last one of an epoch may have fewer.
    size = len(lengths[0])
    lengths = [(each * 4)[:size] for each in lengths[:-1]] + [lengths[-1][:size]]
    before = [batch_of(each, 10 * number) for number, each in enumerate(lengths)]
    after = grouped(before, PAD)
    assert rows_of(after) == rows_of(before)
    assert [len(batch["labels"]) for batch in after] == [len(batch["labels"]) for batch in before]
    if len(lengths[-1]) == size:
        assert padding_of(after) <= padding_of(before)
    for batch in after:
        assert all((batch[name][batch["attention_mask"] == 0] == value).all() for name, value in PAD.items())


@pytest.fixture
def uneven(data: TrainingData) -> TrainingData:
    """Rows of very unlike lengths, of which the last step of an epoch has fewer."""
    rows = [Example(example.question, example.output * (1 + 5 * (i % 4))) for i, example in enumerate(data.train)]
    return TrainingData(rows[:18], [], "a hash")


def losses(run: Run) -> list[float]:
    return [line["loss"] for line in read_jsonl(run.train / "log.jsonl")]


def test_a_training_in_passes_of_like_length_has_the_losses_of_one_in_whole_steps(
    tmp_path: Path, uneven: TrainingData, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, passes = Run(tmp_path / "whole"), Run(tmp_path / "passes")
    seen: list[list[int]] = []
    theirs = LengthGroupedTrainer.get_batch_samples

    def noted(self: LengthGroupedTrainer, *given: object) -> object:
        batches, items = theirs(self, *given)  # type: ignore[arg-type]
        seen.append([batch["input_ids"].shape[1] for batch in batches])
        return batches, items

    sft.train(whole, uneven, recipe, evaluate=False)
    monkeypatch.setattr(LengthGroupedTrainer, "get_batch_samples", noted)
    sft.train(passes, uneven, overridden(recipe, batch=2, accumulation=5), evaluate=False)
    assert losses(passes) == pytest.approx(losses(whole), rel=1e-3)
    assert [len(widths) for widths in seen] == [5, 4] * 3
    assert all(widths == sorted(widths, reverse=True) and widths[0] > widths[-1] for widths in seen)
