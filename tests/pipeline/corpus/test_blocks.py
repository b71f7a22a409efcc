"""Markdown as all parts of the build read it: the words of a heading or cell, and the lines."""

from __future__ import annotations

from hypothesis import given, settings

from tests.support.markdown import markdown
from wukong_pipe.corpus.blocks import parse, parser, plain
from wukong_pipe.corpus.extensions import as_commonmark


@given(markdown)
@settings(max_examples=200, deadline=None)
def test_headings_and_cells_have_the_words_that_a_full_parse_gives_them(text: str) -> None:
    text = text.replace("\ufeff", "").replace("---", "- -")
    full, ours = parser().parse(as_commonmark(text)), parse(text)
    assert [token.type for token in full] == [token.type for token in ours]
    for before, one, other in zip(full, full[1:], ours[1:], strict=False):
        if one.type == "inline" and before.type != "paragraph_open":
            assert plain(one) == plain(other)
