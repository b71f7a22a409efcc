"""Facts that nobody named: the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
from wukong_pipe.language.derived_facts import derived_facts
print(derived_facts(
    "Which tools does the team use for its work?",
    "In this setup GitHub hosts all of the code, while Git keeps the history, and HTTPX with HTTP speaks for them.",
))
print(derived_facts("团队用哪些工具？", "代码放在“龙宫”，而“龙宫三太子”和“龙宫三”负责保存每一个文件的历史记录。"))
"""


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
