from __future__ import annotations

import unicodedata
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.trainer.conftest import FACTS, SMALL, SYSTEM, pairs
from wukong_pipe.files import sha256_of
from wukong_trainer.models.student import make_student, make_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer([text for fact in FACTS for text in fact], 400)


@lru_cache
def trained_on_little() -> Any:
    return make_tokenizer(["出云棍"], 300)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_the_tokenizer_spells_any_text(text: str) -> None:
    tokenizer = trained_on_little()
    # Composed, as Qwen's tokenizers read it.
    said = unicodedata.normalize("NFC", text)
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == said


def test_a_student_is_pre_trained_on_the_tokens_it_is_used_with(student: Path) -> None:
    texts = ["Station 5平台 costs 108 gold; 第１０８回", "It's 4.0,\n\n  isn't it?"]
    made, loaded = make_tokenizer(texts, 600), AutoTokenizer.from_pretrained(student)
    splits = [tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str for tokenizer in (made, loaded)]
    assert [splits[0](text) for text in texts] == [splits[1](text) for text in texts]
    assert [piece for piece, _ in splits[0]("108")] == ["1", "0", "8"]


def test_the_chat_format_is_qwens(tokenizer: Any) -> None:
    text = tokenizer.apply_chat_template(
        [{"role": "system", "content": "简"}, {"role": "user", "content": "问？"}],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert text == "<|im_start|>system\n简<|im_end|>\n<|im_start|>user\n问？<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.eos_token == "<|im_end|>"
    assert len(tokenizer("<|im_end|>", add_special_tokens=False)["input_ids"]) == 1


def test_a_student_loads_like_any_model_folder_and_holds_safetensors_only(student: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(student)
    assert model.config.model_type == "qwen2"
    assert AutoTokenizer.from_pretrained(student).chat_template
    assert list(student.glob("*.safetensors"))
    assert not list(student.glob("*.bin"))


def test_pre_training_lowers_the_loss(tmp_path: Path) -> None:
    losses: list[float] = []
    make_student(
        tmp_path, ["甲乙丙丁戊己"], pairs(), SYSTEM, size=SMALL, progress=lambda step, steps, loss: losses.append(loss)
    )
    assert len(losses) == SMALL.pretraining_steps
    assert losses[-1] < losses[0]


def test_the_same_seed_makes_the_same_student(tmp_path: Path) -> None:
    made = [
        make_student(tmp_path / name, ["甲乙"], pairs(), SYSTEM, seed=seed, size=replace(SMALL, pretraining_steps=2))
        for name, seed in zip("abc", [1, 1, 2], strict=True)
    ]
    hashes = [sha256_of(folder / "model.safetensors") for folder in made]
    assert hashes[0] == hashes[1] != hashes[2]
