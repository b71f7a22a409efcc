"""The facts that an answer adds to its question, where nobody named them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from wukong_pipe.language.derived_facts import derived_facts

CODE = """
from wukong_pipe.language.derived_facts import derived_facts
print(derived_facts(
    "Which tools does the team use for its work?",
    "In this setup GitHub hosts all of the code, while Git keeps the history, and HTTPX with HTTP speaks for them.",
))
print(derived_facts("团队用哪些工具？", "代码放在“龙宫”，而“龙宫三太子”和“龙宫三”负责保存每一个文件的历史记录。"))
"""


@pytest.mark.parametrize(
    ("question", "answer", "facts"),
    [
        ("Who built it?", "Grumman", ["Grumman"]),
        ("How many?", "Twelve", ["Twelve"]),
        ("Which two colours?", "Red and blue", ["Red", "blue"]),
        ("When?", "In May 2024", ["May 2024"]),
        ("What?", "No limit", ["No limit"]),
        ("Which?", "IT", ["IT"]),
        ("谁？", "白衣秀士、金池长老", ["白衣秀士", "金池长老"]),
        ("在哪里？", "在花果山顶", ["花果山顶"]),
        ("它叫什么？", "有来有去", ["有来有去"]),
        ("Who built it?", "It was built by the smith", []),
        ("Who built it?", "It was built by Grumman of Bethpage", ["Grumman", "Bethpage"]),
        ("What is it set to?", "It is set to `False`", ["False"]),
        ("项目哪年立项？", "项目于二〇一六年立项", ["二〇一六年"]),
        ("他得到什么？", "他得到一件法宝", []),
        ("他得到什么？", "重攻击消耗棍势，棍势越多，威力越大", []),
        ("Does it verify?", "Yes, it verifies all certificates", ["Yes"]),
        ("Is it fast?", "No, it is slow", ["No"]),
        ("它会验证吗？", "不会，除非另有设置", ["不会"]),
        ("它会验证吗？", "会", ["会"]),
    ],
)
def test_a_short_answer_counts_whole_and_a_sentence_by_its_names(question: str, answer: str, facts: list[str]) -> None:
    stop = "." if answer.isascii() else "。"
    assert derived_facts(question, answer) == facts
    assert derived_facts(question, answer + stop) == facts, "a full stop decides nothing"


def test_a_long_answer_costs_no_square_time() -> None:
    started = time.process_time()
    assert len(derived_facts("Why?", " ".join(f"Name{i} is {i} km." for i in range(500)))) == 3
    assert time.process_time() - started < 2


def test_names_that_begin_at_one_place_come_in_one_order_whatever_the_seed_of_hashes() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(said) == 1
    assert "'GitHub', 'Git'" in said.pop()
