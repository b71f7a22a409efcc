from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit
from transformers import Qwen2Config

from tests.support.precision import in_both_precisions
from wukong_pipe.errors import ModelError
from wukong_trainer.models.loading import (
    Place,
    check_fits,
    choose_attention,
    choose_place,
    load_model,
    load_tokenizer,
    parameters_of,
)

CPU = Place("cpu", torch.float32, "a test")


def test_a_7b_student_is_refused_without_a_gpu_and_the_sentence_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"7\.0 billion .*GPU.*--model tiny"):
        check_fits("Qwen/Qwen2.5-7B-Instruct", "qlora", CPU)
    check_fits("Qwen/Qwen2.5-7B-Instruct", "qlora", Place("cuda", torch.bfloat16, "a test"))


def test_a_small_student_or_one_of_unknown_size_is_let_through() -> None:
    check_fits("Qwen/Qwen2.5-0.5B-Instruct", "qlora", CPU)
    check_fits("someone/model", "qlora", CPU)


def test_a_large_folder_is_refused_by_its_config_without_loading_weights(tmp_path: Path) -> None:
    Qwen2Config(hidden_size=4096, intermediate_size=11008, num_hidden_layers=32).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="billion"):
        check_fits(str(tmp_path), "lora", CPU)


@pytest.mark.parametrize("count", ["num_hidden_layers", "num_labels"])
@pytest.mark.parametrize("load", [parameters_of, load_tokenizer, lambda model: load_model(model, "lora", CPU)])
def test_a_config_that_asks_for_more_parts_than_any_model_has_is_a_sentence(
    load: Callable[[str], object], count: str, student: Path, tmp_path: Path
) -> None:
    shutil.copytree(student, tmp_path / "model")
    config = json.loads((student / "config.json").read_text("utf-8")) | {count: 100_000_000}
    (tmp_path / "model" / "config.json").write_text(json.dumps({"text_config": config} | config), "utf-8")
    with pytest.raises(ModelError, match=rf"model cannot be loaded: its “{count}” is 100,000,000, and no model"):
        load(str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen3-1.7B", 1_700_000_000),
        ("a/llama-125m-chat", 125_000_000),
        ("a/b", None),
        ("Qwen2.5-7B", 7_000_000_000),
    ],
)
def test_a_size_is_read_from_a_name(name: str, size: int | None) -> None:
    assert parameters_of(name) == size


@in_both_precisions
def test_qlora_loads_nf4_layers_that_never_pack_their_weights_for_inference(student: Path, place: Place) -> None:
    model = load_model(str(student), "qlora", place)
    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    assert layers
    assert {getattr(layer.weight, "quant_type", "") for layer in layers} == {"nf4"}
    assert {layer.compute_dtype for layer in layers} == {model.dtype} == {place.dtype}
    assert not any(layer.support_avx512bf16_for_cpu for layer in layers)


def test_a_precision_that_is_asked_for_is_taken_whatever_the_machine_is_fast_in() -> None:
    own = choose_place("auto")
    wanted = {"fp32": torch.float32, "bf16": torch.bfloat16}
    for precision, dtype in wanted.items():
        place = choose_place(precision)  # type: ignore[arg-type]
        assert (place.device, place.dtype) == (own.device, dtype)
        assert place == own if dtype is own.dtype else place.reason == f"asked for; {own.reason}"


def test_a_missing_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_tokenizer(str(tmp_path))


def test_a_tokenizer_without_chat_template_is_refused(student: Path, tmp_path: Path) -> None:
    shutil.copytree(student, tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        load_tokenizer(str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("place", "longest", "attention"),
    [
        (Place("cpu", torch.bfloat16, ""), 70, "eager"),
        (Place("cpu", torch.bfloat16, ""), 1024, "sdpa"),
        (Place("cpu", torch.float32, ""), 70, "sdpa"),
        (Place("cuda", torch.float32, ""), 70, "sdpa"),
    ],
)
def test_attention_is_plain_where_that_trains_faster(place: Place, longest: int, attention: str) -> None:
    assert choose_attention(place, longest)[0] == attention
