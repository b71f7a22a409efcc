"""Facts that are shown to be changed and are not changed come back as they were."""

from __future__ import annotations

import doctest

from hypothesis import example, given
from hypothesis import strategies as st

from wukong_pipe.review_page import typed_facts as module
from wukong_pipe.review_page.typed_facts import facts_typed, typed_facts

SPELLING = st.text(alphabet="ab|\\ 中`", min_size=1).map(str.strip).filter(bool)


@given(st.lists(st.lists(SPELLING, min_size=1, unique=True).map(tuple)).map(tuple))
@example((("str | None", "str|None"), ("a || b",), ("\\|",)))
def test_what_is_shown_reads_as_what_it_shows(facts: tuple[tuple[str, ...], ...]) -> None:
    assert facts_typed(typed_facts(facts)) == facts


def test_its_examples_are_true() -> None:
    assert doctest.testmod(module).failed == 0
