"""How good a verifier is, on a small set of answers and wordings whose truth is known: `Reader`.

`calibration.en.toml` and `calibration.zh.toml` hold the set. It goes through the same requests as a build's own pairs,
and is asked once a verifier, for the journal has it then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.resources import files
from typing import Any

from wukong_pipe.errors import StoppedShort
from wukong_pipe.records import Lang, Section
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.requests import Ask, Reply, Request
from wukong_pipe.verify.answers import GivenAnswer, verify_answers
from wukong_pipe.verify.calls import Verifier
from wukong_pipe.verify.verdicts import UNANSWERED, Verdict
from wukong_pipe.verify.wordings import verify_wordings

MUST_CATCH, MUST_PASS = 0.8, 0.9
"""Shares of the false and of the true items that a verifier must tell, if it is to clear doubts."""
BATCH_SIZES = (8, 4)
"""Questions in one call: a verifier that errs at the first is tried, and then asked, at the second."""

Judged = list[tuple[bool, Verdict]]
"""Whether each item is false, and what the verifier says of it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the calibration says of a verifier: Reader(batch_size=8, caught=12, of_false=12, passed=11, of_true=12)."""

    batch_size: int
    caught: int
    of_false: int
    passed: int
    of_true: int

    @property
    def may_clear(self) -> bool:
        """Whether a doubt that it finds unfounded is none."""
        return self.may_deny and self.caught >= MUST_CATCH * self.of_false

    @property
    def may_deny(self) -> bool:
        """Whether what it rejects is out: a reader that denies true items would cost more than it catches."""
        return self.passed >= MUST_PASS * self.of_true

    def sentence(self, lang: Lang) -> str:
        """What it can and so may do, for the screen."""
        may = "its verdicts count" if self.may_clear else "it may reject, but clears no doubt"
        if not self.may_deny:
            may = "its verdicts do not count, and each doubt rejects: a stronger --verifier-model would tell more apart"
        return (
            f"The verifier's calibration ({lang}): {self.caught} of {self.of_false} errors caught, {self.passed} of "
            f"{self.of_true} true ones passed; {may}."
        )

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "may_clear": self.may_clear, "may_deny": self.may_deny}

    def heeded(self, verdict: Verdict) -> Verdict:
        """The verdict where the reader has earned the right to it; else as if it had not answered."""
        is_earned = self.may_clear if verdict.outcome == "supported" else self.may_deny
        return verdict if is_earned else UNANSWERED


async def calibrate(lang: Lang, ask: Ask, prompts: Prompts) -> Reader:
    """How well a verifier tells true from false in a language, and how much may be put before it at once.

    Raises:
        StoppedShort: a call got no answer: who did not hear the question has not erred.
    """
    file = files("wukong_pipe.verify") / f"calibration.{lang}.toml"
    texts: list[dict[str, Any]] = tomllib.loads(file.read_text("utf-8"))["text"]

    async def ask_once(request: Request, attempt: int) -> Reply:
        # Its texts are sections of no corpus.
        return await ask(replace(request, section=None), attempt)

    for size in BATCH_SIZES:
        verifier = Verifier(ask_once, prompts, size)
        jobs = [job for text in texts for job in _jobs(text, lang, verifier)]
        judged = [one for part in await in_pool(jobs, lambda job: job(), len(jobs)) for one in part]
        _check_settled(lang, judged)
        reader = _reader(judged, size)
        if reader.may_clear:
            break
    return reader


def _check_settled(lang: Lang, judged: Judged) -> None:
    unsettled = [verdict for _, verdict in judged if not verdict.is_settled]
    if unsettled:
        why = f" ({unsettled[0].reason})" if unsettled[0].reason else ""
        raise StoppedShort(
            f"The verifier's calibration ({lang}) is not finished: {len(unsettled)} of {len(judged)} items got no "
            f"answer{why}. What was bought is kept; the same command goes on from there."
        )


def _jobs(text: Mapping[str, Any], lang: Lang, verifier: Verifier) -> Iterator[Callable[[], Awaitable[Judged]]]:
    """What there is to ask about one text: its answers, and the wordings of each question that has some."""
    section = Section("calibration", tuple(text["heading_path"]), 1, text["markdown"], lang)
    given = [_given(answer) for answer in text["answers"]]

    async def of_answers() -> Judged:
        return _judged(text["answers"], await verify_answers(given, section, verifier))

    async def of_wordings(pair: Mapping[str, Any]) -> Judged:
        wordings = [item["wording"] for item in pair["wordings"]]
        others = [answer.question for answer in given]
        return _judged(pair["wordings"], await verify_wordings(_given(pair), wordings, others, section, verifier))

    yield of_answers
    yield from (partial(of_wordings, pair) for pair in text["reworded"])


def _judged(items: Sequence[Mapping[str, Any]], verdicts: Sequence[Verdict]) -> Judged:
    return [("error" in item, verdict) for item, verdict in zip(items, verdicts, strict=True)]


def _given(item: Mapping[str, Any]) -> GivenAnswer:
    return GivenAnswer(item["question"], item["answer"], item.get("kind", "base"))


def _reader(judged: Judged, batch_size: int) -> Reader:
    false = [verdict.outcome for is_false, verdict in judged if is_false]
    true = [verdict.outcome for is_false, verdict in judged if not is_false]
    return Reader(batch_size, false.count("rejected"), len(false), true.count("supported"), len(true))
