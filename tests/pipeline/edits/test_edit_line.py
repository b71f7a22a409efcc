"""One decision: what its line holds, and the sentence for a line that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wukong_pipe.edits.edit_line import Edit, Texts, read_line
from wukong_pipe.errors import DataError


def read(line: dict[str, Any]) -> Edit:
    return read_line(line, 2, "edits.jsonl, line 2")


@pytest.mark.parametrize(
    ("line", "edit"),
    [
        ({"id": "a", "ok": True}, Edit(id="a", line=2, ok=True)),
        ({"id": "a", "drop": True}, Edit(id="a", line=2, drop=True)),
        ({"id": "a", "undo": True}, Edit(id="a", line=2, undo=True)),
        ({"id": "a", "rescue": True, "output": "x"}, Edit(id="a", line=2, rescue=True, output="x")),
        ({"id": "a", "instruction": " x "}, Edit(id="a", line=2, instruction="x")),
        ({"id": "a", "ok": True, "facts": [["x", "x ", "y"]]}, Edit(id="a", line=2, ok=True, facts=(("x", "y"),))),
        ({"id": "a", "facts": []}, Edit(id="a", line=2, facts=())),
        ({"id": "a", "note": "ask Li"}, Edit(id="a", line=2, note="ask Li")),
        ({"id": "a", "ok": True, "tags": ["x", "x"]}, Edit(id="a", line=2, ok=True, tags=("x",))),
        (
            {"id": "a", "ok": True, "section_id": "s", "old": {"instruction": "q", "output": "a"}},
            Edit(id="a", line=2, ok=True, section_id="s", old=Texts("q", "a")),
        ),
        (
            {
                "id": "a",
                "facts": [["x"]],
                "old": {"instruction": "q", "output": "a", "facts": [["y", "z"], ["w" * 300]]},
            },
            Edit(id="a", line=2, facts=(("x",),), old=Texts("q", "a", (("y", "z"), ("w" * 300,)))),
        ),
        (
            {"id": "a", "output": "x", "old": {"output": "a", "facts": []}},
            Edit(id="a", line=2, output="x", old=Texts("", "a", ())),
        ),
    ],
)
def test_a_line_is_read_and_what_it_says_is_written_so_that_it_is_read_again(line: dict[str, Any], edit: Edit) -> None:
    assert read(line) == edit
    assert read(json.loads(json.dumps(edit.to_json()))) == edit


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"output": "x"}, "line 2 has no “id”"),
        ({"id": " "}, "line 2 has no “id”"),
        ({"id": "a"}, "line 2 must hold either new fields"),
        ({"id": "a", "old": {"output": "x"}}, "line 2 must hold either new fields"),
        ({"id": "a", "drop": True, "output": "x"}, "line 2 must hold one decision"),
        ({"id": "a", "drop": True, "facts": [["x"]]}, "line 2 must hold one decision"),
        ({"id": "a", "undo": True, "output": "x"}, "line 2 must hold one decision"),
        ({"id": "a", "ok": True, "drop": True}, "the last one of an id counts"),
        ({"id": "a", "drop": "yes"}, "line 2: “drop” must be true, or not be there"),
        ({"id": "a", "ok": False}, "line 2: “ok” must be true, or not be there"),
        ({"id": "a", "evidence": ["x"]}, "line 2: “evidence” cannot be edited"),
        ({"id": "a", "output": " "}, "line 2: “output” cannot be edited"),
        ({"id": "a", "instruction": 7}, "line 2: “instruction” cannot be edited"),
        ({"id": "a", "note": ["x"]}, "line 2: “note” must be a text"),
        ({"id": "a", "ok": True, "tags": "x"}, "line 2: “tags” must be a list of texts"),
        ({"id": "a", "ok": True, "old": "x"}, "line 2: “old” must hold the texts"),
        ({"id": "a", "ok": True, "old": {"output": 7}}, "line 2: “old” must hold the texts"),
        ({"id": "a", "ok": True, "old": {"facts": ["x"]}}, "line 2: “facts” must be a list that holds for each fact"),
        ({"id": "a", "facts": "x"}, "line 2: “facts” must be a list that holds for each fact the list of its"),
        ({"id": "a", "facts": ["x"]}, 'such as [["curl", "cURL"], ["8080"]]'),
        ({"id": "a", "facts": [[]]}, "line 2: “facts” must be a list"),
        ({"id": "a", "facts": [["x", " "]]}, "line 2: “facts” must be a list"),
        ({"id": "a", "facts": [["x\x00"]]}, r"“facts” holds an invisible character (\x00)"),
        ({"id": "a", "facts": [["x\u202ey"]]}, r"“facts” holds an invisible character (\u202e)"),
        ({"id": "a", "facts": [["x\ny"]]}, r"“facts” holds an invisible character (\n)"),
        ({"id": "a", "facts": [["x", "y" * 201]]}, "yyy…” in “facts” is longer than 200 characters"),
    ],
)
def test_a_line_that_is_no_decision_is_told_with_its_place_and_cure(line: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError) as caught:
        read(line)
    assert told in str(caught.value)
    assert str(caught.value).startswith("edits.jsonl, line 2")


def test_a_spelling_may_be_as_long_as_the_limit() -> None:
    assert read({"id": "a", "facts": [["y" * 200]]}).facts == (("y" * 200,),)
