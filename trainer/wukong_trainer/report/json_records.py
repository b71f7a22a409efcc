"""A value of a JSON file read as a dataclass, its types checked."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class UnlikeError(Exception):
    """The place in the file whose value is missing, or is of another kind than this version writes."""


def read_as(kind: Any, value: Any, place: str) -> Any:
    """A value of a JSON file as `kind`: a dataclass, or what its fields are (T | None, dict, list, tuple, str, int…).

    Args:
        place: where in the file the value stands, as "judge › levels"; "" for all of it.

    Raises:
        UnlikeError: the value is not of that kind.
    """
    if is_dataclass(kind) and isinstance(value, dict):
        return _record(kind, value, f"{place} › " if place else "")
    outer, inner = get_origin(kind), get_args(kind)
    if outer is Literal and value in inner:
        return value
    if outer in (UnionType, Union):
        return None if value is None else read_as(inner[0], value, place)
    if outer is dict and isinstance(value, dict):
        return {key: read_as(inner[1], each, f"{place} › {key}") for key, each in value.items()}
    if outer is list and isinstance(value, list):
        return [read_as(inner[0], each, place) for each in value]
    if outer is tuple and isinstance(value, list) and len(value) == len(inner):
        return tuple(read_as(type_, each, place) for type_, each in zip(inner, value, strict=True))
    if kind is Any:
        return value
    # A whole number may stand for a float; True and False are no numbers, and infinity is none that can be shown.
    plain = (int, float) if kind is float else kind
    endless = isinstance(value, float) and math.isinf(value)
    if outer is None and isinstance(value, plain) and isinstance(value, bool) == (kind is bool) and not endless:
        return value
    raise UnlikeError(place)


def _record(kind: Any, entries: dict[str, Any], place: str) -> Any:
    """Entries this version does not know are left out: whatever it writes has a field."""
    for each in fields(kind):
        if each.name not in entries and each.default is MISSING and each.default_factory is MISSING:
            raise UnlikeError(place + each.name)
    types = get_type_hints(kind)
    return kind(**{name: read_as(types[name], entries[name], place + name) for name in types if name in entries})
