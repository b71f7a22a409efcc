"""Numbers in one spelling."""

from __future__ import annotations

import pytest

from wukong_pipe.language.numerals import in_figures, numbers, with_asked_scale


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("共１，０００人", {"1", "0"}),
        ("共1,000人和一千匹马", {"1000"}),
        ("第二回", {"2"}),
        ("一些万物", set()),
        ("4.0版，3.50元", {"4", "3.5"}),
        ("a total of 25.4 billion", {"25.4"}),
        ("2024年8月20日", {"2024", "8", "20"}),
        ("9" * 5000, {"9" * 5000}),
        ("一" + "亿" * 600, {"一" + "亿" * 600}),
    ],
)
def test_numbers_have_one_spelling(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("answer", "question", "source", "full"),
    [
        ("210", "How many million bricks does it make?", "It makes 210 million bricks.", "210 million"),
        ("210", "How many bricks does it make?", "It makes 210 million bricks.", "210"),
        ("3.5", "The budget was how many billion dollars?", "It was 3.5 billion dollars.", "3.5 billion"),
        ("3.5 billion", "The budget was how many billion dollars?", "It was 3.5 billion dollars.", "3.5 billion"),
        ("12, not 13", "How many thousand trees?", "The city has 12 thousand trees.", "12 thousand, not 13"),
        ("21", "How many million?", "It makes 210 million.", "21"),
        ("3", "人口约多少亿？", "人口约 3 亿。", "3 亿"),
        ("3", "人口约多少？", "人口约3亿。", "3"),
    ],
)
def test_an_answer_has_the_scale_that_its_question_says_for_it(
    answer: str, question: str, source: str, full: str
) -> None:
    assert with_asked_scale(answer, question, source) == full


def test_a_number_spelt_in_words_without_end_stays_as_it_stands() -> None:
    assert in_figures("two" + " hundred" * 3000) == "two" + " hundred" * 3000
