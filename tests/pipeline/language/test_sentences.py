"""Where a sentence begins and ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wukong_pipe.language.sentences import sentence_spans, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("第一句。第二句！第三句？", ["第一句。", "第二句！", "第三句？"]),
        ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
        (
            "It cost 25.4 billion dollars. It flew in 1968.",
            ["It cost 25.4 billion dollars.", "It flew in 1968."],
        ),
        ("Dr. von Braun led it. He won.", ["Dr. von Braun led it.", "He won."]),
        ("The U.S. Navy came. John F. Kennedy spoke.", ["The U.S. Navy came.", "John F. Kennedy spoke."]),
        ("版本4.0已发布。", ["版本4.0已发布。"]),
        ("no mark at the end", ["no mark at the end"]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text("a1 .。！?…”)\n", max_size=30) | st.text(max_size=30))
def test_sentences_lie_in_order_and_leave_out_only_white_space(text: str) -> None:
    at = 0
    for start, end in sentence_spans(text):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


SPOKEN = "so we went to the far side with mr. smith. it was 4.0 miles away, e.g. over there. nobody had been there. "


def test_a_long_text_without_capitals_ends_its_sentences_with_a_full_stop() -> None:
    told = ["so we went to the far side with mr. smith.", "it was 4.0 miles away, e.g. over there."]
    assert sentences(SPOKEN * 3) == [*told, "nobody had been there."] * 3


@pytest.mark.parametrize(
    "text", [SPOKEN, "He paid approx. five dollars, incl. tax. " + "so it went on (cf. above). " * 5]
)
def test_a_short_text_without_capitals_and_one_with_capitals_do_not_end_before_a_small_letter(text: str) -> None:
    assert len(sentences(text)) == 1


@pytest.mark.parametrize("piece", ["A. ", "a is 5 kg.\u2028", "she said e.g. this. ", ". ) "])
def test_sentences_of_a_million_characters_are_found_in_one_pass(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))  # A pass for each full stop would last for hours.
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
