from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.precision import in_both_precisions
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.evaluation.contenders import contenders
from wukong_trainer.evaluation.forgetting import GeneralQuestion
from wukong_trainer.evaluation.scored import closed_book
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Loader, at_work
from wukong_trainer.models.adapters import adapter_config, workable
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft


@in_both_precisions
@pytest.mark.parametrize("method", ["qlora", "lora"])
@pytest.mark.parametrize("peft", ["lora", "rslora", "dora", "prefix", "ia3"])
def test_every_adapter_trains_and_answers_when_loaded_again(
    tmp_path: Path, data: TrainingData, recipe: Recipe, peft: Any, method: Any
) -> None:
    recipe = overridden(recipe, peft=peft, method=method, epochs=2.0, learning_rate=0.02, gradient_checkpointing=True)
    run = Run(tmp_path / "run")
    sft.train(run, data, recipe, evaluate=False)
    losses = [line["loss"] for line in read_jsonl(run.train / "log.jsonl")]
    assert losses[-1] < losses[0]
    questions = [GeneralQuestion("zh", "", example, (example.output,)) for example in data.train]
    base, tuned = contenders(run, run.adapter, read_json(run.adapter / RECORD))
    loader, kept, likely = Loader(), AnswerCache(tmp_path / "kept.jsonl"), {}
    for contender in (base, tuned):
        with at_work(contender, loader, kept, 20, lambda *_: None, shared=tuned.adapter) as model:
            answers = closed_book(model, questions, 2, contender.name)
            likely[contender.name] = sum(answer.scores["loglik"] or 0 for answer in answers)
    assert likely["tuned"] > likely["base"]
    assert base.precision == tuned.precision


def test_a_prefix_goes_without_checkpointing_packing_and_saved_modules_and_says_so(recipe: Recipe) -> None:
    asked = replace(recipe, peft="prefix", gradient_checkpointing=True, packing=True)
    assert asked.modules_to_save
    works, said = workable(asked)
    assert works == replace(asked, gradient_checkpointing=False, packing=False, modules_to_save=[])
    assert len(said) == 3
    assert workable(recipe) == (recipe, [])


def test_an_architecture_that_peft_has_no_layers_for_gets_those_of_the_ia3_paper(recipe: Recipe) -> None:
    config: Any = adapter_config(replace(recipe, peft="ia3"), "a model of tomorrow")
    assert set(config.target_modules) == {"k_proj", "v_proj", "down_proj"}
    assert set(config.feedforward_modules) == {"down_proj"}
