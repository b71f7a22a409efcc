"""A unit is worth as many pairs as it has things to say: clauses and statements, not full stops."""

from __future__ import annotations

import pytest

from wukong_pipe.corpus.worth import MOST, worth_of_code, worth_of_words


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        ("Proxies are off.", 1),
        ("出云棍很长。", 1),
        ("cURL", 1),
        ("如果未设置，则使用默认值。", 1),
        ("石庚于2018年立项，2020年公布预告，2024年发售，三天内卖出一千万份。", 2),
        (
            "The probe was built in 1964, flew for three days, took 4,316 pictures, sent them to Goldstone, hit the "
            "Sea of Clouds at 2.6 km/s, and showed that the surface of the Moon would carry a lander.",
            4,
        ),
    ],
)
def test_a_sentence_is_worth_a_pair_for_two_clauses(words: str, pairs: int) -> None:
    assert worth_of_words(words) == pairs


def test_no_sentence_is_worth_more_than_can_be_asked() -> None:
    assert worth_of_words("它在2018年立项，" * 40) == MOST


@pytest.mark.parametrize(
    "words",
    [
        "武器如下：",
        "下表列出武器。",
        "The following table lists them.",
        "图 3-1：系统结构",
        "表 2 武器",
        "Table 2: Options",
        "Example:",
    ],
)
def test_a_signpost_and_a_caption_are_worth_nothing(words: str) -> None:
    assert worth_of_words(words) == 0


@pytest.mark.parametrize("words", ["图1显示，销量在增长。", "Table 2 shows that sales rose.", "表面很光滑。"])
def test_a_sentence_about_a_figure_is_no_caption(words: str) -> None:
    assert worth_of_words(words) >= 1


@pytest.mark.parametrize(
    ("code", "pairs"),
    [
        ("pip install x", 1),
        ("# a comment alone", 1),
        ("a = 1\nb = 2\nc = 3", 1),
        ("\n".join(f"x{i} = {i}" for i in range(12)), 3),
        ("\n".join(f"x{i} = {i}" for i in range(200)), 3),
        ("$ ls\n" + "a file\n" * 40, 1),
        ("}\n---\n", 0),
    ],
)
def test_code_is_worth_its_statements_and_a_session_what_was_typed(code: str, pairs: int) -> None:
    assert worth_of_code(code) == pairs
