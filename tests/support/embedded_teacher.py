"""The embedded teacher asked about a section, as a build asks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.corpus.split import split
from wukong_pipe.embedded.teacher import answer
from wukong_pipe.pipeline import load_prompts
from wukong_pipe.records import Lang, Section
from wukong_pipe.stages.base_qa import request
from wukong_pipe.stages.settings import BuildSettings

PROMPTS = load_prompts(BuildSettings())["base_qa"]
SAMPLES: list[tuple[Lang, str]] = [("zh", "blackwukong.md"), ("en", "apollo.md")]


def sections_of(corpora: Path, name: str) -> list[Section]:
    return split((corpora / name).read_text("utf-8"), name)


def reply_to(section: Section, quota: int = 40, covered: tuple[str, ...] = (), attempt: int = 0) -> str:
    """The teacher's reply to a request for pairs."""
    return answer(request(section, quota, covered, PROMPTS), attempt)


def pairs_of(
    section: Section, quota: int = 40, covered: tuple[str, ...] = (), attempt: int = 0
) -> list[dict[str, Any]]:
    """The pairs of that reply, their evidence in the words that the numbers stand for."""
    pairs: list[dict[str, Any]] = json.loads(reply_to(section, quota, covered, attempt))["pairs"]
    words = [unit.text for unit in numbered(section).units]
    return [pair | {"evidence": [words[number - 1] for number in pair["evidence"]]} for pair in pairs]


def table(announced: str, rows: int) -> Section:
    """A section of one table of weapons, and the sentence before it."""
    body = "".join(f"| 甲{n}棍 | 乙{n}山 | 木 |\n" for n in range(rows))
    head = "| 兵器 | 产地 | 材质 |\n|---|---|---|\n"
    return Section("a.md", ("游戏", "兵器"), 1, f"## 兵器\n\n{announced}\n\n{head}{body}")
