from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tokenizers.processors import TemplateProcessing
from trl import SFTTrainer

from tests.support.precision import in_both_precisions
from tests.trainer.conftest import SYSTEM
from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import Example, TrainingData
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import sft


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def losses(run: Run) -> list[float]:
    return [entry["loss"] for entry in read_jsonl(run.train / "log.jsonl") if "loss" in entry]


@in_both_precisions
def test_training_with_and_without_evaluation_steps_gives_the_same_losses(
    tmp_path: Path, data: TrainingData, recipe: Recipe
) -> None:
    """bitsandbytes packs NF4 weights at the first forward in eval() on some CPUs and then trains on wrong gradients."""
    watched, blind = Run(tmp_path / "watched"), Run(tmp_path / "blind")
    first = sft.train(watched, data, recipe, evaluate=True)
    sft.train(blind, data, recipe, evaluate=False)
    assert first.eval_loss is not None
    assert losses(watched) == pytest.approx(losses(blind), rel=1e-4)
    for name, weights in load_file(watched.adapter / "adapter_model.safetensors").items():
        other = load_file(blind.adapter / "adapter_model.safetensors")[name]
        assert torch.allclose(weights, other, atol=1e-4), name


@in_both_precisions
def test_qlora_lowers_the_loss_and_leaves_what_a_user_needs(run: Run, data: TrainingData, recipe: Recipe) -> None:
    trained = sft.train(run, data, recipe)
    assert trained.steps == 6
    assert losses(run)[-1] < losses(run)[0]
    assert any("eval_loss" in entry for entry in read_jsonl(run.train / "log.jsonl"))
    assert (run.adapter / "adapter_model.safetensors").is_file()
    assert load_tokenizer(str(run.adapter)).chat_template
    assert load_recipe(str(run.train / "recipe.toml")) == recipe
    assert "More Information Needed" not in (run.adapter / "README.md").read_text("utf-8")


@in_both_precisions
@pytest.mark.parametrize("method", ["qlora", "lora"])
def test_what_is_trained_is_kept_in_fp32_whatever_it_is_multiplied_in(
    run: Run, data: TrainingData, recipe: Recipe, method: Any
) -> None:
    sft.train(run, data, overridden(recipe, method=method, epochs=0.5), evaluate=False)
    trained = load_file(run.adapter / "adapter_model.safetensors")
    assert any("embed_tokens" in name for name in trained)
    assert {tensor.dtype for tensor in trained.values()} == {torch.float32}


def test_an_adapter_remembers_what_it_was_trained_on(run: Run, data: TrainingData, recipe: Recipe) -> None:
    sft.train(run, data, recipe, evaluate=False)
    record = read_json(run.adapter / RECORD)
    assert record["dataset_hash"] == data.hash
    assert record["system"] == SYSTEM
    assert record["base_model"] == recipe.model
    assert set(record["questions"]) == {normalise(example.instruction) for example in data.train}


@pytest.mark.parametrize("method", ["lora", "full"])
@in_both_precisions
def test_the_other_methods_train_too(run: Run, data: TrainingData, recipe: Recipe, method: Any) -> None:
    trained = sft.train(run, data, overridden(recipe, method=method, epochs=1.0), evaluate=False)
    assert trained.folder == (run.full_model if method == "full" else run.adapter)
    assert list(trained.folder.glob("*.safetensors"))


def test_rows_longer_than_max_length_are_counted(run: Run, data: TrainingData, recipe: Recipe) -> None:
    long = TrainingData([*data.train, Example("长？", "很长" * 400)], [], "h")
    assert sft.train(run, long, overridden(recipe, epochs=1.0)).truncated == 1


def test_training_again_by_another_method_leaves_one_result_and_no_old_scores(
    run: Run, data: TrainingData, recipe: Recipe
) -> None:
    sft.train(run, data, overridden(recipe, epochs=1.0), evaluate=False)
    run.metrics.parent.mkdir()
    run.metrics.write_text("{}")
    run.report.write_text("old")
    sft.train(run, data, overridden(recipe, method="full", epochs=1.0), evaluate=False)
    assert run.full_model.is_dir()
    assert not any(path.exists() for path in (run.adapter, run.metrics, run.report))


def test_an_existing_adapter_is_not_overwritten_unasked(run: Run) -> None:
    run.adapter.mkdir(parents=True)
    with pytest.raises(WorkspaceError, match="--overwrite"):
        sft.check_free(run, overwrite=False)
    sft.check_free(run, overwrite=True)


def test_a_trained_models_own_configuration_stops_where_its_answers_end(
    run: Run, data: TrainingData, recipe: Recipe
) -> None:
    sft.train(run, data, overridden(recipe, method="full", epochs=1.0), evaluate=False)
    stops = read_json(run.full_model / "generation_config.json")["eos_token_id"]
    assert load_tokenizer(str(run.full_model)).eos_token_id in (stops if isinstance(stops, list) else [stops])


def test_the_loss_is_on_the_answer_and_its_end_alone(
    run: Run, data: TrainingData, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What TRL was really given is decoded, on the version installed."""
    seen: list[tuple[list[int], list[int]]] = []
    original = SFTTrainer.train

    def spy(self: Any, **options: Any) -> Any:
        seen.extend((row["input_ids"], row["labels"]) for row in self.train_dataset)
        return original(self, **options)

    monkeypatch.setattr(SFTTrainer, "train", spy)
    sft.train(run, data, overridden(recipe, epochs=1.0), evaluate=False)
    tokenizer = load_tokenizer(recipe.model)
    assert len(seen) == len(data.train)
    for (_, labels), example in zip(seen, data.train, strict=True):
        assert tokenizer.decode([token for token in labels if token != -100]) == example.output + "<|im_end|>\n"


def test_the_log_is_lines_of_numbers(run: Run, data: TrainingData, recipe: Recipe) -> None:
    sft.train(run, data, recipe)
    for line in (run.train / "log.jsonl").read_text("utf-8").splitlines():
        assert all(isinstance(value, int | float) for value in json.loads(line).values())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "adam"}, "There is no optimizer “adam”: the recipe may name adamw_torch, "),
        ({"scheduler": "cosin"}, "There is no scheduler “cosin”: the recipe may name linear, cosine, "),
        ({"target_modules": ["q_proj", "c_attn"]}, "has no module c_attn: .*it has .*q_proj"),
        ({"target_modules": "q_proj"}, "the pattern “q_proj” matches whole"),
        ({"modules_to_save": ["lm_heads"]}, "has no module lm_heads: .*lm_head"),
    ],
)
def test_a_recipe_that_names_what_there_is_not_is_one_sentence(
    run: Run, data: TrainingData, recipe: Recipe, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ModelError, match=told):
        sft.train(run, data, overridden(recipe, **changes), evaluate=False)
    assert not run.adapter.exists()


def test_plain_text_is_asked_after_the_bos_that_its_tokenizer_puts_before_it_as_it_was_trained(
    run: Run, data: TrainingData, recipe: Recipe, tmp_path: Path
) -> None:
    shutil.copytree(recipe.model, tmp_path / "llama")
    tokenizer = load_tokenizer(recipe.model)
    bos = tokenizer.convert_ids_to_tokens(1)
    tokenizer.bos_token = bos
    first = TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, 1)])
    tokenizer.backend_tokenizer.post_processor = first
    tokenizer.save_pretrained(tmp_path / "llama")
    plain = overridden(recipe, model=str(tmp_path / "llama"), style="instruction", epochs=0.5)
    assert sft.train(run, data, plain, evaluate=False).preflight.trained
    tuned = load_tokenizer(str(run.adapter))
    asked = prompt_text(tuned, data.train[0].prompt(plain.system, "instruction"), "instruction")
    assert asked.startswith(f"{bos}{plain.system}\n\nInstruction: ")
    turns = data.train[0].prompt(plain.system)
    assert tuned.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) == asked
