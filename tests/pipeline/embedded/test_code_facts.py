"""What code is asked for: the last word of a command or statement."""

from __future__ import annotations

import pytest

from wukong_pipe.corpus.units import units
from wukong_pipe.embedded.code_facts import code_facts
from wukong_pipe.embedded.questions import GAP
from wukong_pipe.records import Section


def asked(code: str) -> list[tuple[str, str]]:
    (unit,) = units(Section("a.md", ("A",), 1, f"```\n{code}\n```\n", "en"))
    return [(dict(fact.slots)["gapped"], fact.answer) for fact in code_facts(unit)]


def test_a_command_is_asked_for_its_last_word() -> None:
    assert asked("# restores it\nwukong-pipe journal --recover") == [(f"wukong-pipe journal {GAP}", "--recover")]
    assert asked("$ pip install httpx[http2]\nDone installing") == [(f"pip install {GAP}", "httpx[http2]")]


def test_code_is_asked_for_as_many_lines_as_it_is_worth() -> None:
    assert len(asked("\n".join(f"set name{i} to value{i}" for i in range(9)))) == 2


@pytest.mark.parametrize("code", ["ls", "x = 1", "return echo echo", "run " + "x" * 200])
def test_a_line_whose_last_word_says_nothing_is_not_asked(code: str) -> None:
    assert asked(code) == []
