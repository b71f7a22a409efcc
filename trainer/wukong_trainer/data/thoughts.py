"""What a model thinks before it answers, in <think> tags: no part of its answer."""

from __future__ import annotations

import re

OPEN, CLOSE = "<think>", "</think>"
_THOUGHT = re.compile(r"\A\s*+(?:<think>)?+(.*?)</think>\s*|\A\s*+<think>(.*)\Z", re.DOTALL)


def split_thought(answer: str) -> tuple[str, str]:
    """(what was thought, what was said). A cut off <think> has no end; some templates write its start themselves.

    >>> split_thought("<think>Seven?</think>Eight.")
    ('Seven?', 'Eight.')
    """
    match = _THOUGHT.match(answer)
    if not match:
        return "", answer
    return (match.group(1) or match.group(2) or "").strip(), answer[match.end() :]


def opens_thought(prompt: str) -> bool:
    """Whether a prompt ends within a thought that the template opened."""
    return prompt.rstrip().endswith(OPEN)


def said(answer: str) -> str:
    """An answer without what was thought before it; empty where the thought was cut off before anything was said.

    >>> said("<think>It may be 1969"), said("<think>1969?</think>In 1969.")
    ('', 'In 1969.')
    """
    return split_thought(answer)[1].strip()
