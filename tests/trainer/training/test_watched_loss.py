from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest
import torch

from tests.trainer.conftest import FACTS
from wukong_pipe.workspace import Run, read_jsonl
from wukong_trainer.data.examples import Example, TrainingData
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import Place, choose_place, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft


@pytest.fixture
def uneven() -> TrainingData:
    """Four watched answers of very unlike lengths, a mean of whose means is another number; one is the longest row."""
    examples = [Example(question, answer * (8 if i % 3 else 1)) for i, (question, answer) in enumerate(FACTS)]
    longest = Example(FACTS[23][0], FACTS[23][1] * 100)
    return TrainingData(examples[:20], [*examples[20:23], longest], "a hash")


@torch.inference_mode()
def mean_over_tokens(recipe: Recipe, place: Place, rows: list[Example]) -> float:
    """Nats a trained token, each row asked alone."""
    model, tokenizer = load_model(recipe.model, "full", place), load_tokenizer(recipe.model)
    losses = []
    for row in rows:
        asked = prompt_text(tokenizer, row.prompt(recipe.system))
        before, ids = (
            tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in (asked, f"{asked}{row.output}<|im_end|>\n")
        )
        likely = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        losses += [-float(likely[at - 1, ids[at]]) for at in range(len(before), len(ids))]
    return fmean(losses)


def test_the_validation_loss_is_the_mean_over_its_tokens_whatever_the_batch(
    tmp_path: Path, uneven: TrainingData, recipe: Recipe
) -> None:
    # In bf16 rounding alone would part them.
    place, recipe = choose_place("fp32"), overridden(recipe, precision="fp32")
    # One step at a rate of nearly nothing.
    still = overridden(recipe, method="full", epochs=0.05, learning_rate=1e-12, evaluate_every=1, max_length=512)
    losses = []
    for batch, packing in ((1, False), (3, False), (3, True)):
        run = Run(tmp_path / f"{batch}{packing}")
        sft.train(run, uneven, overridden(still, batch=batch, packing=packing))
        losses += [line["eval_loss"] for line in read_jsonl(run.train / "log.jsonl") if "eval_loss" in line]
    assert losses == pytest.approx([mean_over_tokens(recipe, place, uneven.validation)] * len(losses), abs=1e-5)
    assert len(losses) >= 3


@pytest.mark.parametrize("long", [1, 4])
def test_validation_rows_of_nothing_but_a_question_are_counted_and_training_goes_on(
    tmp_path: Path, uneven: TrainingData, recipe: Recipe, long: int
) -> None:
    watched = [Example("很长" * 400, "短")] * long + uneven.validation[: 4 - long]
    run, said = Run(tmp_path / "run"), list[str]()
    short = overridden(recipe, method="lora", epochs=0.5, keep_best=True, max_length=256)
    trained = sft.train(run, TrainingData(uneven.train, watched, "h"), short, say=said.append)
    assert trained.preflight.unwatched == long
    rows = "1 validation row" if long == 1 else f"{long} validation rows"
    assert f"Left out, because the question alone fills max_length: {rows}." in said
    assert (trained.eval_loss is None) == (long == 4)
    assert ("Without validation rows there is no best checkpoint" in said[-1]) == (long == 4)
    assert (run.adapter / "adapter_model.safetensors").is_file()
