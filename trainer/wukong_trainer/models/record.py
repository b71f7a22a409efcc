"""wukong.json, the record of a training beside its weights, read and checked: somebody may have edited it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_json
from wukong_pipe.workspace import RECORD
from wukong_trainer.recipe import Method, Precision, Style


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


FIELDS: dict[str, Callable[[Any], bool]] = {
    "base_model": _is_text,
    "base_fingerprint": _is_text,
    "method": get_args(Method).__contains__,
    "system": _is_text,
    "style": get_args(Style).__contains__,
    "precision": get_args(Precision).__contains__,
    "thinking": lambda value: isinstance(value, bool),
    "dataset_hash": _is_text,
    "questions": lambda value: isinstance(value, list) and all(map(_is_text, value)),
}
"""The fields that later commands rely on, each with what it must be where it is there."""


def read_record(folder: Path) -> dict[str, Any]:
    """The record beside the adapter or model in `folder`; empty where there is none.

    Raises:
        DataError: it is no JSON, or a field is not as training writes it; the sentence names file and field.
    """
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = read_json(path)
    except RecursionError:
        record = None
    if not isinstance(record, dict):
        raise DataError(f"{path} is no record of a training: put it back, or train again with --overwrite.")
    wrong = [name for name, is_right in FIELDS.items() if name in record and not is_right(record[name])]
    if record and "base_fingerprint" not in record:
        wrong.append("base_fingerprint")
    if wrong:
        raise DataError(
            f"{path} is damaged: {', '.join(wrong)} is not what training writes. Put the file back, or train again "
            "with --overwrite."
        )
    return record
