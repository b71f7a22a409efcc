"""A real student, as small as one can be, made once for all tests that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
import torch

from tests.support.once import made_once
from tests.support.package_index import Index, index_served
from wukong_trainer.data.examples import Example, TrainingData, chat_prompt
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import Place, choose_place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import StudentSize, make_student
from wukong_trainer.recipe import Precision, Recipe, load_recipe, overridden

SMALL = StudentSize(
    vocabulary=400, hidden=64, intermediate=128, layers=1, heads=2, key_value_heads=1, pretraining_steps=5
)
SYSTEM = "简要回答。"
FACTS = [(f"第{i}号棍的来历是什么？", f"{chr(0x4E00 + 37 * i)}山{i}") for i in range(1, 25)]


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 of some ten thousand parameters, barely pre-trained, with tokenizer and chat template."""
    silence_libraries()
    texts = [text for fact in FACTS for text in fact]

    def make(folder: Path) -> None:
        make_student(folder / "model", texts, pairs(), SYSTEM, size=SMALL)

    return made_once(tmp_path_factory, "student", make) / "model"


@pytest.fixture(scope="session")
def asking(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded student, taught to ask as well as to answer, as every chat model was."""
    model, tokenizer = load_model(str(student), "lora", choose_place("fp32")), load_tokenizer(str(student))
    texts = [prompt_text(tokenizer, chat_prompt(question, SYSTEM)) + answer for question, answer in FACTS]
    batch = tokenizer([text + tokenizer.eos_token for text in texts], return_tensors="pt", padding=True)
    # The padding may be the end of a turn, which is to be learnt.
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("asking")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def model_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of models."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "wukong-pipe" / "models"


@pytest.fixture
def package_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An empty package index, the one that pip asks, whatever the environment says."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with index_served() as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        yield index


@pytest.fixture
def short_samples(monkeypatch: pytest.MonkeyPatch) -> int:
    """Answers shown after a training end after so many tokens: a student barely trained ends none of them itself."""
    tokens = 12
    monkeypatch.setattr("wukong_trainer.use.samples.NEW_TOKENS", {"cpu": tokens, "cuda": tokens})
    return tokens


def pairs() -> Iterator[tuple[str, str]]:
    return cycle([("甲是什么？", "乙"), ("丙的丁是什么？", "戊己")])


@pytest.fixture
def data() -> TrainingData:
    """Twenty facts to train on and four to watch."""
    examples = [Example(question, answer) for question, answer in FACTS]
    return TrainingData(examples[:20], examples[20:], "a hash")


@pytest.fixture
def place(precision: Precision) -> Place:
    """Where the test computes."""
    return choose_place(precision)


@pytest.fixture
def recipe(student: Path, precision: Precision) -> Recipe:
    """The embedded student's QLoRA recipe, shortened to six steps."""
    shortened = {"model": str(student), "system": SYSTEM, "epochs": 3.0, "batch": 10, "r": 8, "alpha": 8}
    return overridden(load_recipe("tiny"), precision=precision, **shortened)
