"""An item of a reply beside its JSON Schema, and what is wrong with it in a few words."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from wukong_pipe.reasons import Reason


def shortened(text: str, limit: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def check_item(item: Any, item_schema: dict[str, Any]) -> Reason | None:
    """Why `item` does not fit `item_schema`, in a few words; None where it does."""
    if fits(item, item_schema):
        return None
    error = best_match(Draft202012Validator(item_schema).iter_errors(item))
    return None if error is None else schema_problem(error)


_KINDS = {"string": str, "array": list, "object": dict, "integer": int}
_READ = {"type", "minLength", "properties", "required", "additionalProperties", "items", "minItems"}


def fits(item: Any, schema: dict[str, Any]) -> bool:
    """Whether an item surely fits a schema; nearly all do, and jsonschema takes fifty times as long to say so.

    False where it does not fit, or where the schema says more than is read here.
    """
    if schema.keys() == {"enum"}:
        return any(type(item) is type(known) and item == known for known in schema["enum"])
    kinds = schema.get("type", [])
    if not schema.keys() <= _READ or type(item) not in map(_KINDS.get, [kinds] if isinstance(kinds, str) else kinds):
        return False
    if isinstance(item, str):
        return len(item) >= int(schema.get("minLength", 0))
    if isinstance(item, list):
        is_full = len(item) >= schema.get("minItems", 0)
        return is_full and ("items" not in schema or all(fits(entry, schema["items"]) for entry in item))
    if isinstance(item, dict):
        properties = schema.get("properties", {})
        is_closed = schema.get("additionalProperties") is False
        return (
            ("additionalProperties" not in schema or (is_closed and item.keys() <= properties.keys()))
            and item.keys() >= set(schema.get("required", ()))
            and all(fits(item[name], inner) for name, inner in properties.items() if name in item)
        )
    return True


def schema_problem(error: Any) -> Reason:
    """A jsonschema error in a few words; its own message may quote the whole instance."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    subject = Reason.of("field", field=where) if where else Reason.of("item")
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return Reason.of("missing", field=f"{where}.{missing}" if where else missing)
    if error.validator == "type":
        return Reason.of("wrong-type", subject=subject, type=str(error.validator_value))
    if error.validator == "additionalProperties":
        return Reason.of("not-asked-for", subject=subject)
    limit = shortened(json.dumps(error.validator_value, ensure_ascii=False), 60)
    return Reason.of("breaks-rule", subject=subject, rule=error.validator, limit=limit)
