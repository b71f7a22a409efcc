"""The judge behind the journal: what it said is not paid for twice, and what it said badly is not counted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider import Provider, Response, completion, provider
from wukong_pipe.commands.judging import judging
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.errors import CeilingReached, TeacherError
from wukong_pipe.journal.records import Prices
from wukong_pipe.teacher.ledger import NO_CEILINGS, Ceilings
from wukong_pipe.workspace import Workspace
from wukong_trainer.evaluation.sources import Comparison, JudgeReply

pytestmark = pytest.mark.usefixtures("empty_home")

ENGLISH = [Comparison("en", f"Who is {i}?", f"Smith {i}", "SOURCE </x>", f"Smith {i}", "Nobody") for i in range(6)]
CHINESE = [Comparison("zh", f"{i}是谁？", f"铁匠{i}", "", "无人", f"铁匠{i}") for i in range(6)]
ANSWERS = re.compile(r"<answer_A>\n(.*)\n</answer_A>\n<answer_B>\n(.*)\n</answer_B>", re.DOTALL)
REFERENCE = re.compile(r"^(?:Reference answer: |参考答案：)(.*)$", re.MULTILINE)


def fair(request: dict[str, Any]) -> Response:
    """A judge that prefers the answer that is the reference."""
    prompt = request["messages"][-1]["content"]
    answers, reference = ANSWERS.search(prompt), REFERENCE.search(prompt)
    assert answers, prompt
    assert reference, prompt
    return completion(json.dumps({"better": "A" if answers[1] == reference[1] else "B", "reason": "因为"}))


def ask(server: Provider, comparisons: list[Comparison], ceilings: Ceilings = NO_CEILINGS) -> list[JudgeReply | None]:
    workspace = Workspace(Path("runs"))
    choice = TeacherChoice(
        "openai", "m", server.base_url, prices=Prices(Decimal(1), Decimal(2)), ceilings=ceilings, concurrency=2
    )
    workspace.folder.mkdir(exist_ok=True)
    with judging(workspace, workspace.run("book"), choice, lambda *_: None, lambda line: None) as judge:
        return judge.replies(comparisons)


@pytest.mark.parametrize(("comparisons", "better"), [(ENGLISH, "A"), (CHINESE, "B")])
def test_each_comparison_is_asked_in_its_language_and_a_second_time_nothing_is_sent(
    comparisons: list[Comparison], better: str
) -> None:
    with provider(fair) as server:
        first = ask(server, comparisons)
        assert [reply and reply.better for reply in first] == [better] * 6
        assert len(server.requests) == 6
        assert "JSON" in server.requests[0]["messages"][0]["content"]
        assert f"<source>\n{comparisons[0].source}\n</source>" in server.requests[0]["messages"][1]["content"]
        assert ask(server, comparisons) == first
        assert len(server.requests) == 6


BAD: list[Callable[[], Response]] = [
    lambda: completion("both are nice"),
    lambda: completion('{"better": "C", "reason": "x"}'),
    lambda: completion('{"better": "A"}'),
]


@pytest.mark.parametrize("answer", BAD)
def test_a_reply_that_names_no_winner_is_asked_again_twice_and_then_no_verdict(
    answer: Callable[[], Response],
) -> None:
    def script(request: dict[str, Any]) -> Response:
        return answer() if "Who is 0?" in request["messages"][-1]["content"] else fair(request)

    with provider(script) as server:
        replies = ask(server, ENGLISH)
        assert replies[0] is None
        assert all(replies[1:])
        assert len(server.requests) == 5 + 3
        # What failed is not bought again, either.
        assert ask(server, ENGLISH) == replies
        assert len(server.requests) == 8


def test_at_the_ceiling_it_stops_and_goes_on_where_it_stopped() -> None:
    with provider(fair) as server:
        with pytest.raises(CeilingReached):
            ask(server, ENGLISH, Ceilings(None, 3))
        assert len(server.requests) == 3
        assert all(ask(server, ENGLISH))
        assert len(server.requests) == 6


def test_a_missing_key_is_said_before_anything_is_asked() -> None:
    choice = TeacherChoice("openai", "gpt", "https://api.openai.com/v1")
    workspace = Workspace(Path("runs"))
    with (
        pytest.raises(TeacherError, match="needs a key"),
        judging(workspace, workspace.run("book"), choice, lambda *_: None, lambda line: None),
    ):
        raise AssertionError("never reached")
