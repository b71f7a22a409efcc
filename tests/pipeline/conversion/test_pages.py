"""Which page a character of converted Markdown stands on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.conversion.pages import Pages, page_mark


def test_without_marks_all_stands_on_the_first_page() -> None:
    assert Pages.of("text").at(3) == 1


@given(st.lists(st.tuples(st.integers(1, 999_999), st.text("ab \n")), max_size=5), st.text("ab \n"))
def test_a_mark_begins_its_page(marked: list[tuple[int, str]], first: str) -> None:
    text, places = first, [(0, 1)] if first else []
    for number, words in marked:
        places.append((len(text), number))
        text += page_mark(number) + words
        places.append((len(text) - 1, number))
    pages = Pages.of(text)
    assert [pages.at(place) for place, _ in places] == [number for _, number in places]
