"""An item of a reply beside its JSON Schema, and what is wrong with it in a few words."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match


def shortened(text: str, limit: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def check_item(item: Any, item_schema: dict[str, Any]) -> str | None:
    """Why `item` does not fit `item_schema`, in a few words; None where it does."""
    error = best_match(Draft202012Validator(item_schema).iter_errors(item))
    return None if error is None else schema_problem(error)


def schema_problem(error: Any) -> str:
    """A jsonschema error in a few words; its own message may quote the whole instance."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    subject = f"“{where}”" if where else "the item"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"“{where}.{missing}” is missing" if where else f"“{missing}” is missing"
    if error.validator == "type":
        return f"{subject} is not of type {error.validator_value}"
    if error.validator == "additionalProperties":
        return f"{subject} has a property that was not asked for"
    limit = shortened(json.dumps(error.validator_value, ensure_ascii=False), 60)
    return f"{subject} breaks {error.validator} {limit}"
