"""The rows as other trainers read them, beside our own, and the index by which LLaMA-Factory finds them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

from wukong_pipe.records import FILES, Row, Split

Format = Literal["alpaca", "messages", "sharegpt"]
FORMATS: tuple[Format, ...] = get_args(Format)

INDEX = "dataset_info.json"
"""LLaMA-Factory's name for the list of a folder's datasets."""


def path_of(split: Split, form: Format) -> str:
    """Where the rows of a split stand in dataset/: train.jsonl, messages/train.jsonl."""
    return FILES[split] if form == "alpaca" else f"{form}/{FILES[split]}"


def formatted(row: Row, form: Format) -> dict[str, Any]:
    """A row as the trainers of a format read it.

    {"messages": [{"role": "user", "content": "出云棍怎样获得？"}, {"role": "assistant", "content": "……"}],
     "id": "…", "pair_id": "…", …}

    All the other keys are the row's own, but for `prompt`, which is called `teacher_prompt`: TRL takes any column
    named `prompt` for what the model is asked, and then misses its `completion`.
    """
    fields = row.to_json()
    if form == "alpaca":
        return fields
    question, extra, answer = (fields.pop(key) for key in ("instruction", "input", "output"))
    asked = f"{question}\n{extra}" if extra else question
    if form == "messages":
        turns = {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
    else:
        turns = {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]}
    return turns | {"teacher_prompt" if key == "prompt" else key: value for key, value in fields.items()}


def feature_lines(row: Row, form: Format) -> Iterator[str]:
    """The columns of a format and their types, as `dataset_info` of a Hugging Face dataset card lists them."""
    for name, value in formatted(row, form).items():
        yield f"- name: {name}"
        if name == "facts":
            yield from ("  list:", "    list: string")
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            yield "  list:"
            for key in value[0]:
                yield from (f"  - name: {key}", "    dtype: string")
        elif isinstance(value, list):
            yield f"  list: {'int64' if name in {'lines', 'pages'} else 'string'}"
        else:
            yield "  dtype: string"


def index(splits: Iterable[Split], forms: Iterable[Format]) -> dict[str, Any]:
    """What LLaMA-Factory must know of each file, by the name its `dataset` setting takes: train, train_messages, …

    The keys are those of its data/README.md.
    """
    splits = list(splits)
    return {
        split if form == "alpaca" else f"{split}_{form}": {"file_name": path_of(split, form), **_READ[form]}
        for form in forms
        for split in splits
    }


_READ: dict[Format, dict[str, Any]] = {
    "alpaca": {
        "formatting": "alpaca",
        "columns": {"prompt": "instruction", "query": "input", "response": "output"},
    },
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
    },
    "sharegpt": {
        "formatting": "sharegpt",
        "columns": {"messages": "conversations"},
        "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"},
    },
}
