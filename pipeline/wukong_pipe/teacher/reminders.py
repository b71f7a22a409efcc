"""What a re-ask says of the earlier attempts: what is there already, and what was rejected for which reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wukong_pipe.records import Lang
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.requests import excerpt

MOST_REJECTED, MOST_CHARACTERS = 20, 200
"""So many rejects are named, the last ones, each cut after so many characters."""
_THERE = {"zh": "以下内容已经有了，请写别的：", "en": "These exist already; write other ones:"}
_REJECTED = {"zh": "以下内容被拒绝，请避免同样的问题：", "en": "These were rejected; avoid the same fault:"}


def reminder(harvest: Harvest[Any, Any], there: Sequence[str], key: str) -> str:
    """The lines that a request for more adds; empty at the first attempt.

    - 出云棍怎样获得？
    …
    - 出云棍有多重？ —— 证据中没有 42 斤

    Args:
        there: what is kept already.
        key: under which a reject's candidate holds what to name.
    """
    lang: Lang = harvest.section.lang
    dash = "——" if lang == "zh" else "--"
    rejected = [
        f"- {excerpt(' '.join(text.split()), MOST_CHARACTERS)} {dash} {reject.reason.sentence(lang)}"
        for reject in harvest.rejects
        if isinstance(reject.candidate, dict) and isinstance(text := reject.candidate.get(key), str) and text.strip()
    ]
    lines = [_THERE[lang], *(f"- {text}" for text in there)] if there else []
    if rejected:
        lines += [_REJECTED[lang], *dict.fromkeys(rejected[-MOST_REJECTED:])]
    return "\n".join(lines)
