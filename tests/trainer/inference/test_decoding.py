from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from wukong_trainer.inference.decoding import Decoded, decode
from wukong_trainer.models.loading import Place, load_model, load_tokenizer

SIZES: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 60}
WIDE: dict[str, Any] = SIZES | {"intermediate_size": 64, "num_key_value_heads": 1}


@pytest.fixture(scope="module")
def asked(student: Path) -> tuple[Any, Any]:
    """A student and its tokenizer."""
    return load_model(str(student), "full", Place("cpu", torch.float32, "a test")).eval(), load_tokenizer(str(student))


def wild(model: Any) -> Any:
    """A model whose answers differ from prompt to prompt: weights as they come say one token for ever."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6)
    return model.eval()


def one_at_a_time(model: Any, tokenizer: Any, prompts: list[list[int]], stops: set[int], most: int) -> list[Decoded]:
    """What `generate` says to each prompt alone."""
    found = []
    for place, prompt in enumerate(prompts):
        output = model.generate(
            input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=most, do_sample=False, eos_token_id=sorted(stops), pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        ids = output[0, len(prompt) :].tolist()
        ended = ids[-1] in stops
        found.append(Decoded(place, ids[:-1] if ended else ids, ended))
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prompts=st.lists(st.lists(st.integers(3, 59), min_size=1, max_size=9), min_size=1, max_size=14),
    stops=st.sets(st.integers(0, 59), min_size=1, max_size=12),
    most=st.integers(1, 8),
    rows=st.integers(1, 6),
)
def test_whatever_else_is_decoded_an_answer_is_the_one_that_generate_gives_alone(
    qwen: Any, asked: tuple[Any, Any], prompts: list[list[int]], stops: set[int], most: int, rows: int
) -> None:
    together = decode(qwen, asked[1], prompts, stops, most, rows)
    alone = one_at_a_time(qwen, asked[1], prompts, stops, most)
    assert sorted(together, key=lambda found: found.place) == alone


@pytest.fixture(scope="module")
def qwen() -> Any:
    torch.manual_seed(0)
    return wild(Qwen3ForCausalLM(Qwen3Config(**WIDE, head_dim=16)))


def test_a_row_whose_answer_has_ended_takes_the_next_prompt(asked: tuple[Any, Any]) -> None:
    model, tokenizer = asked
    prompts = [[5 + n, 9, 7 + n] for n in range(12)]
    first = {int(model(input_ids=torch.tensor([prompt])).logits[0, -1].argmax()) for prompt in prompts[1:]}
    widths: list[int] = []
    hook = model.register_forward_hook(lambda module, arguments, output: widths.append(output.logits.shape[0]))
    with hook:
        found = list(decode(model, tokenizer, prompts, first, 6, 4))
    assert {answer.place for answer in found} == set(range(12))
    assert [answer.place for answer in found if not answer.ended] == [0]
    # All others end at once, and of the first the five steps after the fillings have one row.
    assert sum(widths) == 12 + 5


def random_model(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "gpt2":
        return GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=60))
    if kind == "bloom":
        return BloomForCausalLM(BloomConfig(hidden_size=32, n_layer=2, n_head=2, vocab_size=60))
    if kind == "lora":
        return get_peft_model(Qwen3ForCausalLM(Qwen3Config(**WIDE)), LoraConfig(init_lora_weights=False))
    if kind == "rotations by length":
        rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}
        return LlamaForCausalLM(LlamaConfig(**WIDE, max_position_embeddings=8, rope_parameters=rope))
    return MistralForCausalLM(MistralConfig(**WIDE, sliding_window=4))


@pytest.mark.parametrize("kind", ["gpt2", "bloom", "lora", "sliding window"])
def test_other_models_answer_as_they_do_alone_too(kind: str, asked: tuple[Any, Any]) -> None:
    model, prompts = wild(random_model(kind)), [[3 + n % 50, *range(4, 5 + n)] for n in range(9)]
    found = sorted(decode(model, asked[1], prompts, {7, 11}, 6, 4), key=lambda answer: answer.place)
    assert found == one_at_a_time(model, asked[1], prompts, {7, 11}, 6)


@pytest.mark.parametrize("kind", ["sliding window", "rotations by length"])
def test_a_model_whose_cache_is_not_of_one_text_alone_is_left_to_generate(
    kind: str, asked: tuple[Any, Any], monkeypatch: Any
) -> None:
    model = wild(random_model(kind))
    batches: list[int] = []
    generate = model.generate

    def counted(**arguments: Any) -> Any:
        batches.append(len(arguments["input_ids"]))
        return generate(**arguments)

    monkeypatch.setattr(model, "generate", counted)
    list(decode(model, asked[1], [[3, 4], [5], [6, 7, 8]], {9}, 3, 2))
    assert batches == [2, 1]
