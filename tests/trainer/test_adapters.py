from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.workspace import Run, read_jsonl
from wukong_trainer import sft
from wukong_trainer.adapters import adapter_config, workable
from wukong_trainer.data import TrainingData
from wukong_trainer.evaluate import _models
from wukong_trainer.generate import answer_all, likelihood_all
from wukong_trainer.model import load_tokenizer
from wukong_trainer.recipe import Recipe, overridden


@pytest.mark.parametrize(
    ("peft", "method"),
    [("rslora", "qlora"), ("dora", "qlora"), ("prefix", "qlora"), ("ia3", "qlora"), ("dora", "lora")],
)
def test_every_adapter_trains_and_answers_when_loaded_again(
    tmp_path: Path, data: TrainingData, recipe: Recipe, peft: Any, method: Any
) -> None:
    recipe = overridden(recipe, peft=peft, method=method, learning_rate=0.02, gradient_checkpointing=True)
    run = Run(tmp_path / "run")
    sft.train(run, data, recipe, evaluate=False)
    losses = [line["loss"] for line in read_jsonl(run.train / "log.jsonl")]
    assert losses[-1] < losses[0]
    tokenizer = load_tokenizer(str(run.adapter))
    prompts = [example.prompt(recipe.system) for example in data.train]
    answers = [example.output for example in data.train]
    likely = {}
    for name, model in _models(recipe.model, run.adapter, method):
        with model as ready:
            likely[name] = sum(each.per_token for each in likelihood_all(ready, tokenizer, prompts, answers, batch=20))
            assert len(answer_all(ready, tokenizer, prompts[:2], max_new_tokens=2, batch=2)) == 2
    assert likely["tuned"] > likely["base"]


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
