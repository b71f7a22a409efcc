"""Numbers of a text's own list items are no amounts; all others are."""

from __future__ import annotations

import pytest

from wukong_pipe.language.item_numbers import without_item_numbers
from wukong_pipe.language.quantities import amounts


@pytest.mark.parametrize(
    "text",
    [
        "1. Open it.\n2. Save it.\n3. Close it.",
        "Do this: 1. open it; 2. save it; 3. close it.",
        "Do this: 1) open it, 2) save it.",
        "(1) Open it. (2) Save it.",
        "1. 打开文件。2. 保存文件。3. 关闭文件。",
        "步骤：1、打开；2、保存；3、关闭。",
        "（1）打开；（2）保存。",
        "一、打开文件。\n二、保存文件。",
        "①打开；②保存；③关闭。",
        "1. A.\n2. B.\n\n1. C.\n2. D.",
    ],
)
def test_numbers_of_items_are_no_amounts(text: str) -> None:
    assert amounts(without_item_numbers(text)).values == set()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1. Take 3 eggs.\n2. Wait 5 minutes.", {"3", "5"}),
        ("2. Save it.", {"2"}),
        ("1. Open it.\n3. Close it.", {"1", "3"}),
        ("It was Apollo 1. It was not Apollo 2.", {"1", "2"}),
        ("It takes 1.5 hours, or 2.5.", {"1.5", "2.5"}),
        ("有1、2、3这几种。", {"1", "2", "3"}),
        ("第1名是甲。第2名是乙。", {"1", "2"}),
    ],
)
def test_all_other_numbers_are(text: str, left: set[str]) -> None:
    assert amounts(without_item_numbers(text)).values == left
