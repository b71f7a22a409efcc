from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2Config

from wukong_pipe.errors import ModelError
from wukong_trainer.models.loading import Place, load_model
from wukong_trainer.recipe import Recipe, load_recipe, overridden
from wukong_trainer.training import memory
from wukong_trainer.training.memory import GB, expected, fitted, shape_of, smaller

GPU = Place("cuda", torch.bfloat16, "a test")
CPU = Place("cpu", torch.float32, "a test")


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The config of Qwen2.5-7B, without its weights."""
    folder = tmp_path_factory.mktemp("seven")
    config = Qwen2Config(
        vocab_size=152064,
        hidden_size=3584,
        intermediate_size=18944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        tie_word_embeddings=False,
    )
    config.save_pretrained(folder)
    return str(folder)


def test_the_weights_are_counted_as_the_loaded_student_holds_them(student: Path, recipe: Recipe) -> None:
    shape = shape_of(recipe)
    assert shape is not None
    for method in ("qlora", "lora"):
        loaded = load_model(str(student), method, CPU)
        # Without the buffers that the rotary embedding keeps.
        really = loaded.get_memory_footprint(return_buffers=False)
        counted = expected(shape, overridden(recipe, method=method), CPU, 100).weights
        assert counted == pytest.approx(really, rel=0.03), method


def test_what_is_trained_is_counted_in_fp32_on_a_gpu_too(recipe: Recipe) -> None:
    shape = shape_of(recipe)
    assert shape is not None
    for method in ("qlora", "lora"):
        needed = expected(shape, overridden(recipe, method=method), GPU, 100)
        assert needed.adapter == needed.gradients == needed.optimizer / 2 == 4 * shape.trainable


def test_what_is_trained_is_counted_with_the_adapter_really_put_on(recipe: Recipe, student: Path) -> None:
    # r × (inputs + outputs) of the layer's seven matrices, and the embeddings.
    layers = [(64, 64), (64, 32), (64, 32), (64, 64), (64, 128), (64, 128), (128, 64)]
    vocabulary = load_model(str(student), "lora", CPU).config.vocab_size
    shape = shape_of(recipe)
    assert shape is not None
    assert shape.trainable == 8 * sum(a + b for a, b in layers) + 64 * vocabulary
    full = shape_of(overridden(recipe, method="full"))
    assert full is not None
    assert full.trainable == shape.linear + shape.other


def test_a_7b_student_needs_what_the_seeds_measured(seven: str) -> None:
    """QLoRA of 7B fits into 10 to 12 GB at a batch of one (Qwen's own table: 12.3 GB); bf16 LoRA takes 21.5."""
    recipe = overridden(load_recipe("qlora"), model=seven, batch=1)
    for method, least, most in (("qlora", 6.0, 12.3), ("lora", 15.0, 21.5)):
        changed = overridden(recipe, method=method)
        shape = shape_of(changed)
        assert shape is not None
        assert least < expected(shape, changed, GPU, 1024).total / GB < most, method


def test_on_a_cpu_the_logits_of_whole_rows_are_counted_up_to_a_tile(seven: str) -> None:
    recipe = overridden(load_recipe("qlora"), model=seven, batch=1)
    shape = shape_of(recipe)
    assert shape is not None
    alike = replace(CPU, device="cuda")
    for length, more in ((100, 8 * 100 * (152064 - 32768)), (4096, 0)):
        held = [expected(shape, recipe, place, length).activations for place in (CPU, alike)]
        assert held[0] - held[1] == more


def test_scores_of_plain_attention_are_counted(seven: str) -> None:
    recipe = overridden(load_recipe("qlora"), model=seven, batch=1, gradient_checkpointing=False)
    shape = shape_of(recipe)
    assert shape is not None
    held = [expected(shape, recipe, Place("cpu", torch.bfloat16, ""), length).activations for length in (128, 256, 257)]
    # Layers, heads, and six bytes a pair of tokens.
    assert held[1] - 2 * held[0] == pytest.approx(28 * 28 * 6 * (256**2 - 2 * 128**2), abs=3)
    assert held[2] < held[1]


def test_rows_a_pass_are_halved_until_they_fit_and_a_step_keeps_its_rows(seven: str) -> None:
    recipe = overridden(load_recipe("qlora"), model=seven, gradient_checkpointing=False)
    shape = shape_of(recipe)
    assert shape is not None
    fits = fitted(shape, recipe, GPU, 1024, round(24 * GB))
    assert fits.batch < recipe.batch
    assert fits.batch * fits.passes == recipe.batch
    assert fitted(shape, recipe, GPU, 1024, round(1000 * GB)) == recipe


def test_an_odd_number_of_rows_is_split_into_equal_passes(recipe: Recipe) -> None:
    def passes(batch: int) -> tuple[int, int] | None:
        fewer = smaller(replace(recipe, batch=batch, accumulation=2))
        return (fewer.batch, fewer.passes) if fewer else None

    assert passes(16) == (8, 4)
    assert passes(15) == (5, 6)
    assert passes(7) == (1, 14)
    assert passes(1) is None


@pytest.mark.parametrize(
    ("changes", "free", "cure"),
    [
        ({"gradient_checkpointing": False}, 12.0, "gradient_checkpointing = true"),
        ({"method": "full"}, 40.0, "--method qlora"),
        ({"max_length": 8192}, 10.0, "max_length = 4096"),
        ({}, 3.0, "a smaller student or a larger machine"),
    ],
)
def test_what_cannot_fit_is_refused_with_the_cure_that_would(
    seven: str, changes: dict[str, Any], free: float, cure: str
) -> None:
    recipe = replace(load_recipe("qlora"), model=seven, **changes)
    shape = shape_of(recipe)
    assert shape is not None
    with pytest.raises(ModelError, match=f"GB free: .*{cure}"):
        fitted(shape, recipe, GPU, recipe.max_length if "max_length" in changes else 2048, round(free * GB))


def test_of_a_model_that_is_not_there_or_names_its_sizes_otherwise_nothing_is_estimated(
    tmp_path: Path, recipe: Recipe
) -> None:
    assert shape_of(overridden(recipe, model=str(tmp_path / "nowhere"))) is None
    (tmp_path / "config.json").write_text('{"model_type": "gpt2", "n_layer": 1, "n_embd": 32, "n_head": 2}', "utf-8")
    assert shape_of(overridden(recipe, model=str(tmp_path), modules_to_save=[])) is None


def test_a_mistake_of_ours_is_not_taken_for_an_unknown_architecture(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_trainer.training.memory.adapter_config", lambda *_: object())
    with pytest.raises(AttributeError):
        shape_of(recipe)


def test_free_memory_is_what_the_container_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.available(CPU) == 32_000_000 * 1024
    (tmp_path / "memory.current").write_text("3000000000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available(CPU) == 32_000_000 * 1024
    (tmp_path / "memory.max").write_text("8000000000\n")
    assert memory.available(CPU) == 5_000_000_000


def test_the_peak_of_a_process_is_at_least_what_it_holds() -> None:
    held = torch.ones(30_000_000)
    assert memory.peak(CPU) > held.nbytes
