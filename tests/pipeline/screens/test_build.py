"""Progress where there is no terminal: few lines, and none of them missing."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from wukong_pipe.screens.build import Steps, not_asked


def lines(monkeypatch: pytest.MonkeyPatch, seconds: float, total: int) -> list[str]:
    """The lines of a step of which each unit takes `seconds`."""
    log, now = io.StringIO(), 0.0
    monkeypatch.setattr("wukong_pipe.screens.build.time.monotonic", lambda: now)
    with Steps(Console(file=log, width=80)).shown() as steps:
        for done in range(1, total + 1):
            now += seconds
            steps("fine-tuning", done, total, "loss 1")
    return log.getvalue().splitlines()


@pytest.mark.parametrize("seconds", [0.02, 2.8, 5.5])
def test_a_step_has_a_line_a_tenth_at_most_in_a_pipe_and_its_last_one(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    shown = lines(monkeypatch, seconds, 168)
    assert len(shown) <= (1 if seconds == 0.02 else 18)
    assert shown[-1] == "fine-tuning: 168/168 loss 1"


def test_a_slow_step_has_a_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(lines(monkeypatch, 25.0, 1000)) == 333


def test_sections_that_are_not_asked_are_named_with_the_reason() -> None:
    quota = [
        {"section": "书 › 一", "lines": [3, 5], "not_asked": ""},
        {"section": "书 › 封面", "lines": [7, 9], "not_asked": "only-image"},
    ]
    assert not_asked({"quota": quota}) == ["书 › 封面, line 7 (only an image)"]
