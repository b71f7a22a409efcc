"""The benchmark that a machine with a GPU runs, kept alive on a machine without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import gpu_qlora
from peft import get_peft_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, Qwen2Config

from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import choose_place
from wukong_trainer.recipe import load_recipe, overridden
from wukong_trainer.training import memory

pytestmark = pytest.mark.slow


@pytest.mark.skipif(choose_place().device != "cpu", reason="there is a GPU here")
def test_every_contender_trains_and_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    gpu_qlora.main(["--device", "cpu", "--tiny"])
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| tiny |")]
    speeds = [float(line.split(" | ")[3].replace(",", "")) for line in table]
    assert len(speeds) == len(gpu_qlora.contenders(Path("student"), 1))
    assert min(speeds) > 0


@pytest.mark.skipif(choose_place().device != "cpu", reason="there is a GPU here")
def test_without_a_gpu_it_says_what_can_be_done() -> None:
    with pytest.raises(SystemExit, match="no GPU here: --device cpu --tiny"):
        gpu_qlora.main([])


@pytest.mark.parametrize(("size", "parameters"), [("0.5B", 494032768), ("1.5B", 1543714304), ("7B", 7615616512)])
def test_students_have_as_many_parameters_as_the_published_models(size: str, parameters: int) -> None:
    with torch.device("meta"):
        assert AutoModelForCausalLM.from_config(gpu_qlora.config_of(size)).num_parameters() == parameters


def test_the_operations_of_a_token_are_those_that_torch_counts(tmp_path: Path) -> None:
    rows, length = 2, 64
    shape_of: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 6}
    config = Qwen2Config(vocab_size=300, num_attention_heads=2, num_key_value_heads=2, **shape_of)
    config.save_pretrained(tmp_path)
    recipe = overridden(load_recipe("qlora"), model=str(tmp_path), method="lora", r=4)
    base = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    adapter = adapter_config(recipe, "qwen2")
    assert adapter is not None
    model: Any = get_peft_model(base, adapter)
    ids = torch.randint(300, (rows, length))
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids, labels=ids).loss.backward()
    shape = memory.shape_of(recipe)
    assert shape is not None
    counted = counter.get_total_flops() / (rows * length)
    assert gpu_qlora.flops_per_token(shape, length, answers=1.0) == pytest.approx(counted, rel=0.05)


def test_a_cards_peak_is_found_by_its_name() -> None:
    assert gpu_qlora.peak_of("NVIDIA H100 80GB HBM3") == gpu_qlora.peak_of("NVIDIA H200") == 989.4e12
    assert gpu_qlora.peak_of("NVIDIA A100-SXM4-80GB") == 312e12
    assert gpu_qlora.peak_of("NVIDIA L40") is None
