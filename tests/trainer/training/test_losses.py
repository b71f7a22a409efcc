from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import Qwen2MoeConfig, Qwen2MoeForCausalLM
from trl import SFTConfig, SFTTrainer

from tests.trainer.conftest import FACTS, SYSTEM
from wukong_pipe.files import read_jsonl
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example, TrainingData, to_trl
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import Place, choose_place, load_model, load_tokenizer
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import losses, sft
from wukong_trainer.training.losses import AnswerTrainer

PLACE = Place("cpu", torch.float32, "a test")
Step = tuple[float, dict[str, torch.Tensor], float]
"""The loss, the gradients by parameter, the tokens counted."""


@pytest.fixture
def lora(recipe: Recipe) -> Recipe:
    return overridden(recipe, method="lora", modules_to_save=[])


def trainer_of(folder: Path, recipe: Recipe, model: Any = None, packing: bool = False) -> Any:
    model = model or load_model(recipe.model, recipe.method, PLACE)
    rows = to_trl([Example(*fact) for fact in FACTS], SYSTEM, style="chat", thinking=False)
    trainer: Any = AnswerTrainer(
        model=model,
        args=SFTConfig(
            str(folder),
            per_device_train_batch_size=4,
            packing=packing,
            max_length=128,
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=True,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_tokenizer(recipe.model),
        peft_config=adapter_config(recipe, model.config.model_type),
    )
    trainer.model.train()
    return trainer


def step(trainer: Any, compute_loss: Any, labels: torch.Tensor | None = None, items: int | None = 500) -> Step:
    """One forward and backward pass over the first rows, of a step that trains on so many tokens."""
    batch = next(iter(trainer.get_train_dataloader()))
    batch["labels"] = batch["labels"] if labels is None else labels
    before = trainer._total_train_tokens
    trainer.model.zero_grad()
    loss = compute_loss(trainer, trainer.model, batch, num_items_in_batch=items)
    loss.backward()
    gradients = {name: each.grad.clone() for name, each in trainer.model.named_parameters() if each.grad is not None}
    return float(loss), gradients, trainer._total_train_tokens - before


def both(trainer: Any, items: int | None = 500) -> tuple[Step, Step]:
    """The same rows by our loss and by TRL's."""
    torch.manual_seed(0)
    ours = step(trainer, AnswerTrainer.compute_loss, items=items)
    torch.manual_seed(0)
    return ours, step(trainer, SFTTrainer.compute_loss, items=items)


@pytest.mark.parametrize(
    ("changes", "packing"),
    [({}, False), ({}, True), ({"method": "full"}, False), ({"peft": "prefix"}, False)],
    ids=["padded", "packed", "full", "prefix"],
)
def test_loss_gradients_and_count_of_tokens_are_those_of_trl(
    tmp_path: Path, lora: Recipe, changes: dict[str, Any], packing: bool
) -> None:
    (loss, gradients, tokens), (theirs, expected, counted) = both(
        trainer_of(tmp_path, overridden(lora, **changes), packing=packing)
    )
    assert loss == pytest.approx(theirs, rel=1e-6)
    assert tokens == counted > 0
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-7, msg=name)


def heads(trainer: Any) -> list[int]:
    """Filled with the number of positions that the model's own head is asked for, call by call."""
    seen: list[int] = []
    head = trainer.model.get_base_model().get_output_embeddings()
    head.register_forward_hook(lambda module, given, made: seen.append(made.shape[:-1].numel()))
    return seen


def test_only_the_logits_of_the_answers_are_computed(tmp_path: Path, lora: Recipe) -> None:
    trainer = trainer_of(tmp_path, lora)
    seen = heads(trainer)
    labels = next(iter(trainer.get_train_dataloader()))["labels"]
    torch.manual_seed(0)
    step(trainer, AnswerTrainer.compute_loss)
    assert len(seen) == 1
    assert 0 < seen[0] < labels.numel() / 2


def test_validation_is_left_to_trl_whose_outputs_have_each_tokens_likelihood(tmp_path: Path, lora: Recipe) -> None:
    trainer = trainer_of(tmp_path, lora)
    seen = heads(trainer)
    (loss, _, _), (theirs, _, _) = both(trainer, items=None)
    assert loss == theirs
    assert seen == []


def test_logits_too_many_to_hold_are_computed_by_trl_in_tiles(
    tmp_path: Path, lora: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(tmp_path, lora)
    seen = heads(trainer)
    monkeypatch.setattr(losses, "LOGITS", 100)
    (loss, _, _), (theirs, _, _) = both(trainer)
    assert loss == theirs
    assert seen == []


def test_each_of_several_processes_leaves_the_loss_to_trl_so_that_none_waits_for_another(
    tmp_path: Path, lora: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(tmp_path, lora)
    seen = heads(trainer)
    monkeypatch.setattr(type(trainer.accelerator), "num_processes", 2)
    (loss, _, _), (theirs, _, _) = both(trainer)
    assert loss == theirs
    assert seen == []


def test_a_batch_without_an_answer_has_no_loss_and_no_gradient(tmp_path: Path, lora: Recipe) -> None:
    trainer = trainer_of(tmp_path, lora)
    labels = torch.full_like(next(iter(trainer.get_train_dataloader()))["labels"], -100)
    loss, gradients, _ = step(trainer, AnswerTrainer.compute_loss, labels, items=0)
    assert loss == 0
    assert not any(gradient.any() for gradient in gradients.values())


def test_a_mixture_of_experts_keeps_the_loss_that_balances_them(tmp_path: Path, lora: Recipe) -> None:
    torch.manual_seed(0)
    experts = Qwen2MoeForCausalLM(
        Qwen2MoeConfig(
            vocab_size=len(load_tokenizer(lora.model)),
            hidden_size=32,
            intermediate_size=32,
            moe_intermediate_size=16,
            shared_expert_intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            num_experts=4,
            num_experts_per_tok=2,
            output_router_logits=True,
            router_aux_loss_coef=0.5,
        )
    )
    trainer = trainer_of(tmp_path, overridden(lora, method="full"), experts)
    assert trainer.aux_loss_enabled
    trainer.current_gradient_accumulation_steps = 1
    (loss, _, _), (theirs, _, _) = both(trainer)
    assert loss == theirs


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
    nats = []
    for row in rows:
        asked = prompt_text(tokenizer, row.prompt(recipe.system))
        before, ids = (
            tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in (asked, f"{asked}{row.output}<|im_end|>\n")
        )
        likely = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        nats += [-float(likely[at - 1, ids[at]]) for at in range(len(before), len(ids))]
    return fmean(nats)


def test_the_validation_loss_is_the_mean_over_its_tokens_whatever_the_batch(
    tmp_path: Path, uneven: TrainingData, recipe: Recipe
) -> None:
    # In bf16 rounding alone would part them.
    place, recipe = choose_place("fp32"), overridden(recipe, precision="fp32")
    # One step at a rate of nearly nothing.
    still = overridden(recipe, method="full", epochs=0.05, learning_rate=1e-12, evaluate_every=1, max_length=512)
    nats = []
    for batch, packing in ((1, False), (3, False), (3, True)):
        run = Run(tmp_path / f"{batch}{packing}")
        sft.train(run, uneven, overridden(still, batch=batch, packing=packing))
        nats += [line["eval_loss"] for line in read_jsonl(run.train / "log.jsonl") if "eval_loss" in line]
    assert nats == pytest.approx([mean_over_tokens(recipe, place, uneven.validation)] * len(nats), abs=1e-5)
    assert len(nats) >= 3


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
