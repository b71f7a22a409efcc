"""Sections, pairs and what the checks say of them."""

from __future__ import annotations

from wukong_pipe.checks.candidates import read_pair
from wukong_pipe.checks.findings import worst
from wukong_pipe.checks.pairs import check_pair
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Section

ZH = Section(
    "game.md",
    ("黑神话：悟空", "武器"),
    10,
    "## 武器\n\n**出云棍**由石敢当掉落，需要12块陨铁。打败石敢当之后可以铸造它！它没有特效。\n\n"
    "- **土地庙**：可以休息。\n- 可以传送。\n\n"
    "| 武器 | 来源 |\n|---|---|\n| 木棍 | 初始武器 |\n| 飞龙宝杖 | 小黄龙 |\n",
)


EN = Section(
    "moon.md",
    ("Apollo", "Landing"),
    1,
    "## Landing\n\nNeil Armstrong landed *Eagle* on 20 July 1969. He left 2 flags there. It was not easy.\n\n"
    "| Craft | Pilot |\n|---|---|\n| Eagle | Buzz Aldrin |\n",
    "en",
)


def checked(section: Section, question: str, answer: str, *evidence: str) -> str | None:
    candidate = read_pair({"question": question, "answer": answer, "evidence": list(evidence)}, section)
    reason = candidate if isinstance(candidate, Reason) else worst(check_pair(candidate, section))
    return None if reason is None else str(reason)


def pair(section: Section, question: str, answer: str) -> QAPair:
    return QAPair(section, question, answer, ("e",), (1, 1), "base", "t", "p", "c")
