"""Calibration: a verifier earns the right to clear doubts on items whose truth is known."""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any, get_args

import pytest

from tests.support.verifier import PROMPTS, ToldVerifier, answer, asked_in, claims, name_of, relation, verdict
from wukong_pipe.errors import StoppedShort
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang
from wukong_pipe.teacher.requests import Reply, Request
from wukong_pipe.verify.calibration import Reader, calibrate
from wukong_pipe.verify.verdicts import UNANSWERED, Verdict

LANGS: tuple[Lang, ...] = get_args(Lang)


def texts(lang: Lang) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(
        files("wukong_pipe.verify").joinpath(f"calibration.{lang}.toml").read_text("utf-8")
    )["text"]
    return found


def items(lang: Lang) -> dict[str, bool]:
    """Each question and wording of the set, and whether what it holds is false."""
    found = {one["question"]: "error" in one for text in texts(lang) for one in text["answers"]}
    reworded = [pair for text in texts(lang) for pair in text["reworded"]]
    return found | {one["wording"]: "error" in one for pair in reworded for one in pair["wordings"]}


class Knowing:
    """A reader that says of each item what it is told to: whether it is false.

    Args:
        false: item → whether to call it false; None leaves it out.
    """

    def __init__(self, lang: Lang, false: Callable[[str, bool], bool | None], most: int = 99) -> None:
        self._truth, self._false, self._most = items(lang), false, most
        self.sizes = Counter[int]()

    async def ask(self, request: Request, attempt: int) -> Reply:
        asked = asked_in(request)
        self.sizes[len(asked)] += 1
        said = {text: self._false(text, self._truth[text]) for text in asked.values()}
        told = {
            name_of(request): {text: self._item(request, text, one) for text, one in said.items() if one is not None}
        }
        if len(asked) > self._most:
            told = {}
        return await ToldVerifier(told).ask(request, attempt)

    def _item(self, request: Request, text: str, is_false: bool) -> dict[str, Any]:
        shown = request.messages[-1]["content"]
        if name_of(request) == "verify_answers":
            return answer("xyzzy")
        if name_of(request) == "verify_disagreements":
            return verdict(
                ("first" if "<first>xyzzy" in shown.partition(text)[2][:24] else "second") if is_false else "both"
            )
        if name_of(request) == "verify_claims":
            return claims("not said" if is_false else "said")
        return relation() if is_false else relation(*range(1, 20))


@pytest.mark.parametrize("lang", LANGS)
def test_the_set_is_half_false_and_its_texts_hold_what_is_asked(lang: Lang) -> None:
    assert Counter(items(lang).values()) == {True: 12, False: 12}
    assert all(text["markdown"].startswith("## ") for text in texts(lang))


@pytest.mark.parametrize("lang", LANGS)
def test_a_reader_that_tells_all_may_clear_doubts(lang: Lang) -> None:
    reader = asyncio.run(calibrate(lang, Knowing(lang, lambda text, false: false).ask, PROMPTS))
    assert reader == Reader(8, 12, 12, 12, 12)
    assert reader.may_clear


@pytest.mark.parametrize(
    ("said", "caught", "passed"),
    [(False, 0, 12), (True, 12, 0), (None, 0, 0)],
    ids=["agrees to all", "denies all", "says nothing"],
)
def test_a_reader_that_cannot_tell_may_not(said: bool | None, caught: int, passed: int) -> None:
    reader = asyncio.run(calibrate("en", Knowing("en", lambda text, false: said).ask, PROMPTS))
    assert (reader.caught, reader.passed, reader.batch_size) == (caught, passed, 4)
    assert not reader.may_clear


def test_a_call_without_an_answer_is_no_error_of_the_reader() -> None:
    knowing, calls = Knowing("en", lambda text, false: false), 0

    async def ask(request: Request, attempt: int) -> Reply:
        nonlocal calls
        calls += 1
        return (
            Reply("", None, Reason.of("no-answer", tries=3, words="busy"), "")
            if calls == 2
            else (await knowing.ask(request, attempt))
        )

    with pytest.raises(
        StoppedShort, match=r"calibration \(en\) is not finished: \d+ of 24 items got no answer \(.*busy"
    ):
        asyncio.run(calibrate("en", ask, PROMPTS))


def test_a_reader_that_fails_with_many_is_tried_with_few_and_asked_so() -> None:
    knowing = Knowing("en", lambda text, false: false, most=4)
    assert asyncio.run(calibrate("en", knowing.ask, PROMPTS)) == Reader(4, 12, 12, 12, 12)


@pytest.mark.parametrize(("caught", "passed", "may"), [(10, 11, True), (9, 12, False), (12, 10, False)])
def test_four_fifths_caught_and_nine_tenths_passed_are_enough(caught: int, passed: int, may: bool) -> None:
    assert Reader(8, caught, 12, passed, 12).may_clear == may


@pytest.mark.parametrize(
    ("caught", "passed", "heeded"),
    [(12, 12, {"supported", "rejected"}), (5, 12, {"rejected"}), (12, 5, set()), (5, 5, set())],
)
def test_a_verdict_counts_where_the_reader_has_earned_it(caught: int, passed: int, heeded: set[str]) -> None:
    reader = Reader(8, caught, 12, passed, 12)
    verdicts = [Verdict("supported"), Verdict("rejected"), UNANSWERED]
    expected = [verdict if verdict.outcome in heeded else UNANSWERED for verdict in verdicts]
    assert [reader.heeded(verdict) for verdict in verdicts] == expected
