"""Verifying through a provider on loopback, with the journal: verdicts are bought once, and read from it ever after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import settings
from tests.support.good_teacher import second_reading
from tests.support.provider import Response, completion, provider
from tests.support.verifier import PROMPTS
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.live import OpenAIBackend
from wukong_pipe.records import Lang, Section
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.verify.answers import GivenAnswer, verify_answers
from wukong_pipe.verify.calibration import Reader, calibrate
from wukong_pipe.verify.calls import Verifier
from wukong_pipe.verify.verdicts import Verdict
from wukong_pipe.verify.wordings import verify_wordings

SECTIONS: dict[Lang, Section] = {
    "en": Section("a.md", ("Apollo", "Landing"), 1, "## Landing\n\nThe Eagle landed in the sea. It had men.\n", "en"),
    "zh": Section("a.md", ("书", "山"), 1, "## 山\n\n石猴住在山上。山下有河。\n", "zh"),
}
GIVEN: dict[Lang, tuple[GivenAnswer, ...]] = {
    "en": (
        GivenAnswer("Where did the Eagle land?", "In the sea."),
        GivenAnswer("What had the Eagle?", "Men."),
        GivenAnswer("What happened?", "The Eagle landed in the sea.", "explain"),
    ),
    "zh": (
        GivenAnswer("石猴住在哪里？", "山上。"),
        GivenAnswer("山下有什么？", "河。"),
        GivenAnswer("这座山上下各有什么？", "山上住着石猴，山下有河。", "explain"),
    ),
}


def agreeable(request: dict[str, Any]) -> Response:
    """A model that knows the first answer, judges both answers right, and finds every wording the same."""
    system, user = (message["content"] for message in request["messages"])
    reply = second_reading(system, user, {given[0].question: given[0].answer for given in GIVEN.values()})
    return completion(json.dumps(reply, ensure_ascii=False))


async def both(lang: Lang, ask: Any) -> tuple[list[Verdict], list[Verdict], Reader]:
    verifier, section = Verifier(ask, PROMPTS), SECTIONS[lang]
    answers = await verify_answers(GIVEN[lang], section, verifier)
    wordings = await verify_wordings(GIVEN[lang][0], ["a?", "b?"], ["c?"], section, verifier)
    return answers, wordings, await calibrate(lang, ask, PROMPTS)


def outcomes(verdicts: Sequence[Verdict]) -> set[str]:
    return {verdict.outcome for verdict in verdicts}


@pytest.mark.parametrize("lang", SECTIONS)
def test_verdicts_are_bought_once(tmp_path: Path, lang: Lang) -> None:
    async def run(base_url: str) -> tuple[list[Verdict], list[Verdict], Reader]:
        with Journal(tmp_path / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(base_url), journal, Ledger(journal, "run")) as backend:
                return await both(lang, JournalledTeacher(journal, backend, "run").ask)

    with provider(agreeable) as server:
        first = asyncio.run(run(server.base_url))
        bought = len(server.requests)
        assert asyncio.run(run(server.base_url)) == first
        assert len(server.requests) == bought
    answers, wordings, reader = first
    assert outcomes([*answers, *wordings]) == {"supported"}
    # It finds nothing false, and so earns nothing.
    assert (reader.caught, reader.passed, reader.may_clear) == (0, 12, False)
