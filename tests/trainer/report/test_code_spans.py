from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_trainer.report.code_spans import parts_of


def parts(text: str) -> list[tuple[str, str]]:
    return [(part.setting, text[part.start : part.end]) for part in parts_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no code", [("", "no code")]),
        ("``a `b` c``", [("code", "a `b` c")]),
        ("a ` b", [("", "a ` b")]),
        ("a `` b ` c", [("", "a `` b ` c")]),
        ("```\nx = 1\n\ny = 2\n```", [("block", "x = 1\n\ny = 2")]),
        ("First:\n~~~bash\nls\n~~~\nThen", [("", "First:\n"), ("block", "ls"), ("", "Then")]),
        ("```python\nnever closed", [("block", "never closed")]),
        ("````\n```\n````", [("block", "```")]),
        ("```\n```", []),
        ("```", []),
        ("`<b>`", [("code", "<b>")]),
    ],
)
def test_code_is_found_as_markdown_has_it(text: str, expected: list[tuple[str, str]]) -> None:
    assert parts(text) == expected


@given(st.text("a`~\n ", max_size=60))
def test_nothing_but_marks_and_names_of_languages_is_left_out(text: str) -> None:
    found = list(parts_of(text))
    assert all(part.start < part.end for part in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    if "```" not in text and "~~~" not in text:
        left = "".join(text[part.start : part.end] for part in found)
        assert left.replace("`", "") == text.replace("`", "")


@pytest.mark.parametrize(
    "text", ["`" * 4000, "` `` " * 800, "```\n" * 1000, "~~~ `a\n" * 500, "".join("`" * i + " " for i in range(89))]
)
def test_hostile_backticks_cost_no_time(text: str) -> None:
    started = time.process_time()
    list(parts_of(text))
    assert time.process_time() - started < 0.5
