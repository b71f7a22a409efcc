"""Rows to train on, from our datasets and from instruction/output JSONL as the tutorials have it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.text import is_chinese, normalise
from wukong_pipe.workspace import read_jsonl

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """One question and its answer.

    {"instruction": "出云棍怎样获得？", "input": "", "output": "……"}
    """

    instruction: str
    output: str

    def prompt(self, system: str) -> list[Message]:
        return chat_prompt(self.instruction, system)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a run trains on and watches."""

    train: list[Example]
    validation: list[Example]
    hash: str
    """Hash of all training questions and answers, in order."""

    def questions(self) -> list[str]:
        """The normalised training questions, sorted: an adapter carries them so that eval can refuse a leak."""
        return sorted({normalise(example.instruction) for example in self.train})


def chat_prompt(instruction: str, system: str) -> list[Message]:
    """The messages before the answer: the same for training, eval and every later use."""
    return [{"role": "system", "content": system}, {"role": "user", "content": instruction}]


def default_system(texts: Iterable[str]) -> str:
    """A short system prompt in the language of most texts."""
    texts = list(texts)
    chinese = sum(is_chinese(text) for text in texts)
    return "回答准确、简明。" if chinese * 2 >= len(texts) else "Answer accurately and briefly."


def read_training_data(path: Path) -> TrainingData:
    """Training and validation rows of a dataset folder, or of one JSONL file (no validation).

    Raises:
        DataError: nothing to train on, or a row is not as it must be; file and line are named.
    """
    if path.is_dir():
        train = read_examples(path / "train.jsonl")
        validation = read_examples(path / "val.jsonl") if (path / "val.jsonl").is_file() else []
    else:
        train, validation = read_examples(path), []
    if not train:
        raise DataError(f"{path} holds no rows to train on.")
    digest = hashlib.sha256()
    for example in train:
        digest.update(f"{example.instruction}\x1f{example.output}\x1e".encode())
    return TrainingData(train, validation, digest.hexdigest())


def read_examples(path: Path) -> list[Example]:
    """The rows of a JSONL file with instruction, optional input, and output.

    Raises:
        DataError: the file cannot be read, or a row lacks a field; file and line are named.
    """
    return [example(row, f"{path}, row {number}") for number, row in enumerate(read_jsonl(path), start=1)]


def example(row: dict[str, Any], where: str) -> Example:
    """One row as it is trained and asked; `where` names it in errors.

    Raises:
        DataError: a field is missing, empty or no text.
    """
    for key in ("instruction", "output"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise DataError(f"{where} has no “{key}” text; rows need instruction, output and optionally input.")
    extra = row.get("input") or ""
    if not isinstance(extra, str):
        raise DataError(f"{where}: “input” must be text.")
    if re.search("[\ud800-\udfff]", row["instruction"] + extra + row["output"]):
        raise DataError(f"{where} holds a lone surrogate, which is no text; remove the character.")
    instruction = row["instruction"].strip()
    # Leading white space would merge with the template's newline into one token and move the boundary.
    return Example(f"{instruction}\n{extra.strip()}" if extra.strip() else instruction, row["output"].strip())


def to_trl(examples: Sequence[Example], system: str) -> list[dict[str, list[Message]]]:
    """Conversational prompt-completion rows: TRL masks the prompt of these on any chat template."""
    return [
        {
            "prompt": example.prompt(system),
            "completion": [{"role": "assistant", "content": example.output}],
        }
        for example in examples
    ]
