"""Wordings → verdicts: the verifier matches each wording with the questions of its section, and says how they relate.

The pair asks “Who made the first docking?”. “Who was first to dock?” asks it and is the same; “Who docked on Gemini 8?”
asks another question of the section; “Who docked?” is broader.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from wukong_pipe.corpus.numbering import numbered
from wukong_pipe.language.hashing import digest
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.teacher.quoting import about_line, fenced, tagged
from wukong_pipe.teacher.requests import Request
from wukong_pipe.verify.answers import GivenAnswer
from wukong_pipe.verify.calls import STAGE, Said, Verifier, ask_of_each, in_batches, listed, of_all, reply_schema
from wukong_pipe.verify.verdicts import Verdict, rejected, supported

_CODES = {"broader": "asks-broader", "other": "asks-otherwise"}
SCHEMA: dict[str, Any] = reply_schema(
    "wordings",
    "wording",
    asks={"type": "array", "items": {"type": "integer"}},
    reason={"type": "string"},
    relation={"enum": ["same", "broader", "narrower", "other"]},
    answered={"type": "boolean"},
)
FEW = 3
"""Fewer other questions than this are no choice: the section is shown beside them."""
WIDER = 2
"""A wording is shorter than a question that must be answered: so many times as many stand in one call."""


async def verify_wordings(
    given: GivenAnswer, wordings: Sequence[str], others: Sequence[str], section: Section, verifier: Verifier
) -> list[Verdict]:
    """The verifier's verdicts on new wordings of a pair's question, in the order given.

    Args:
        others: the other questions of the section, as they stood before any was removed.
    """
    prompt = verifier.prompts["verify_wordings"][section.lang]
    known = sorted({given.question, *others}, key=lambda question: digest(given.question, given.answer, question))
    source = f"<source>\n{fenced(numbered(section).text)}\n</source>" if len(known) <= FEW else ""

    def request(batch: Sequence[int]) -> Request:
        messages = prompt.messages(
            title=section.heading_path[0],
            about=about_line(verifier.about, section.lang),
            heading_path=section.title,
            section=source,
            questions=listed(known),
            answer=tagged("answer", given.answer),
            wordings=listed(wordings[index] for index in batch),
        )
        return Request(STAGE, prompt.name, messages, SCHEMA, None, section=section)

    async def matched(batch: Sequence[int]) -> dict[int, Verdict]:
        heard = await ask_of_each(batch, verifier.ask, request)
        found = {index: _verdict(said, given.question, known) for index, said in heard.said.items()}
        return heard.verdicts(batch, found)

    shuffled = sorted(range(len(wordings)), key=lambda index: digest(given.answer, wordings[index]))
    verdicts = await of_all([partial(matched, batch) for batch in in_batches(shuffled, WIDER * verifier.batch_size)])
    return [verdicts[index] for index in range(len(wordings))]


def _verdict(said: Said, question: str, known: Sequence[str]) -> Verdict:
    """Only what asks the pair's own question, and is answered exactly by the pair's answer, is supported.

    A narrower wording may be: it asks for a case, and the answer may be exact for it.
    """
    asks = [known[number - 1] for number in said.item["asks"] if 1 <= number <= len(known)]
    relation, words = said.item["relation"], said.words
    if not asks:
        return rejected(said.reply, Reason.of("asks-none", words=words))
    if question not in asks:
        return rejected(said.reply, Reason.of("asks-other-question", question=asks[0], words=words))
    if relation not in ("same", "narrower"):
        return rejected(said.reply, Reason.of(_CODES[relation], words=words))
    if not said.item["answered"]:
        return rejected(
            said.reply, Reason.of("asks-narrower" if relation == "narrower" else "answer-does-not-fit", words=words)
        )
    return supported(said.reply)
