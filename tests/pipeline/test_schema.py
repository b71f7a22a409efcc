"""Items of replies beside their schemas: the quick look says what jsonschema says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from wukong_pipe.schema import check_item, fits

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_UNITS: dict[str, Any] = {"type": "array", "minItems": 1, "items": {"type": ["integer", "string"]}}
_OBJECT = {"type": "object", "properties": {"a": _TEXT, "b": _UNITS}, "required": ["a"]}
SCHEMAS = [
    _TEXT,
    _UNITS,
    {"type": "integer"},
    {"enum": ["a", "b"]},
    _OBJECT,
    {**_OBJECT, "additionalProperties": False},
    {**_OBJECT, "additionalProperties": {"type": "string"}},
    {"type": "array", "items": _OBJECT, "maxItems": 2},
    {},
]
_SMALL = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from([1.0, 0.5]) | st.text("ab", max_size=2)
VALUES = st.recursive(
    _SMALL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.sampled_from(SCHEMAS))
def test_an_item_is_as_jsonschema_finds_it(item: Any, schema: dict[str, Any]) -> None:
    is_valid = Draft202012Validator(schema).is_valid(item)
    assert (check_item(item, schema) is None) == is_valid
    assert is_valid or not fits(item, schema)


@pytest.mark.parametrize(
    ("item", "schema"),
    [("x", _TEXT), ([1, "2"], _UNITS), ("b", SCHEMAS[3]), ({"a": "x", "b": [1]}, SCHEMAS[5]), ({"a": "x"}, _OBJECT)],
)
def test_what_teachers_mostly_send_needs_no_jsonschema(item: Any, schema: dict[str, Any]) -> None:
    assert fits(item, schema)


@pytest.mark.parametrize(("item", "code"), [("", "breaks-rule"), (7, "wrong-type"), (None, "wrong-type")])
def test_what_does_not_fit_is_told_in_a_few_words(item: Any, code: str) -> None:
    reason = check_item(item, _TEXT)
    assert reason is not None
    assert reason.code == code
