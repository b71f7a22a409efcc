"""The second reading inside an attempt: who is asked about what, and what a verdict does to a doubt."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from tests.support.verifier import PROMPTS, ToldVerifier, answer, relation, verdict
from wukong_pipe.asking.waves import Asking, calibrated
from wukong_pipe.language.hashing import fraction
from wukong_pipe.reasons import Reason
from wukong_pipe.records import QAPair, Row, Section
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.verification import NO_VERIFICATION, Screened, Verification
from wukong_pipe.teacher.filling import Refused
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.requests import Reply
from wukong_pipe.verify.calibration import Reader
from wukong_pipe.verify.calls import Verifier
from wukong_pipe.verify.scope import Scope, error_rate, is_sampled

SECTION = Section("a.md", ("Apollo", "Landing"), 1, "## Landing\n\nThe Eagle landed in the sea. It had men.\n", "en")
PAIR = QAPair(SECTION, "Where did the Eagle land?", "In the sea.", ("x",), (1, 1), "base", "t", "p@1", "c")
DOUBT = Reason.of("number-new", number="7")
GOOD, MILD, BAD = Reader(8, 12, 12, 12, 12), Reader(8, 3, 12, 12, 12), Reader(8, 3, 12, 3, 12)
"""One that may clear doubts, one that may only deny, and one that has earned nothing."""
AGREES = {"verify_answers": {PAIR.question: answer("In the sea.")}}
DENIES = {
    "verify_answers": {PAIR.question: answer("On a hill.")},
    "verify_disagreements": {PAIR.question: verdict("neither", "it is neither")},
}


def verification(told: ToldVerifier, scope: Scope = "all", reader: Reader = GOOD) -> Verification:
    return Verification(scope, {"en": Verifier(told.ask, PROMPTS)}, {"en": reader}, holdout=0.1)


def of_pair(says: Any, doubts: tuple[Reason, ...] = (), **options: Any) -> tuple[QAPair | Refused, ToldVerifier]:
    told = ToldVerifier(says)
    (outcome,) = asyncio.run(verification(told, **options).of_pairs([(PAIR, doubts)])).outcomes
    return outcome, told


def test_what_the_verifier_bears_out_is_verified_and_its_doubt_is_gone() -> None:
    for doubts in ((), (DOUBT,)):
        outcome, _ = of_pair(AGREES, doubts)
        assert isinstance(outcome, QAPair)
        assert (outcome.verified, outcome.id) == ("yes", PAIR.id)


def test_what_it_denies_is_rejected_in_its_words_beside_the_doubt() -> None:
    outcome, _ = of_pair(DENIES, (DOUBT,))
    assert outcome == Refused(Reason.of("verifier-denies", words="it is neither"), "verify", DOUBT)


def test_what_it_does_not_speak_of_is_kept_so_unless_it_is_doubtful() -> None:
    outcome, told = of_pair({})
    assert isinstance(outcome, QAPair)
    assert outcome.verified == "unanswered"
    assert len(told.asked) == 3
    assert of_pair({}, (DOUBT,))[0] == Refused(DOUBT)


def test_a_verifier_that_has_not_earned_it_is_not_asked_in_vain() -> None:
    # It may not clear the doubt, so whatever it said would change nothing.
    outcome, told = of_pair(AGREES, (DOUBT,), reader=MILD)
    assert (outcome, told.asked) == (Refused(DOUBT), [])
    # What it denies is out all the same.
    outcome, told = of_pair(DENIES, reader=MILD)
    assert isinstance(outcome, Refused)
    # Its “supported” is not worth a “yes”.
    outcome, told = of_pair(AGREES, reader=MILD)
    assert isinstance(outcome, QAPair)
    assert outcome.verified == "unanswered"
    outcome, told = of_pair(DENIES, reader=BAD)
    assert isinstance(outcome, QAPair)
    assert (outcome.verified, told.asked) == ("unasked", [])


@pytest.mark.parametrize("answered", [0, 1], ids=["nothing", "the blind answer"])
def test_what_a_call_without_an_answer_leaves_open_is_told(answered: int) -> None:
    blind = Reply("call", {"answers": [{"question": 1, **answer("On a hill.")}]}, None, "raw")
    before = [*[blind] * answered, Reply("", None, Reason.of("no-answer", tries=2, words="busy"), "")]
    decided = asyncio.run(verification(ToldVerifier({}, before)).of_pairs([(PAIR, ()), (PAIR, (DOUBT,))]))
    assert not decided.is_settled
    assert decided.outcomes == [replace(PAIR, verified="unanswered"), Refused(DOUBT)]
    # What nothing readable was said about is asked no other way by the next build.
    assert asyncio.run(verification(ToldVerifier({})).of_pairs([(PAIR, ())])).is_settled
    told = ToldVerifier({}, [Reply("", None, None, "")])
    assert not asyncio.run(verification(told, "full").of_wordings(PAIR, [(wordings(1)[0], ())], ["Who?"])).is_settled
    told = ToldVerifier({}, [Reply("", None, None, "")])
    assert not asyncio.run(verification(told).of_answers(PAIR, [Screened("It was the sea.")])).is_settled


@pytest.mark.parametrize(
    ("scope", "plain", "doubtful"), [("all", 1, 1), ("full", 1, 1), ("doubtful", 0, 1), ("none", 0, 0)]
)
def test_the_scope_says_which_pairs_are_read(scope: Scope, plain: int, doubtful: int) -> None:
    assert len(of_pair(AGREES, scope=scope)[1].asked) == plain
    assert len(of_pair(AGREES, (DOUBT,), scope=scope)[1].asked) == doubtful


def test_without_a_verifier_each_doubt_rejects() -> None:
    outcomes = asyncio.run(NO_VERIFICATION.of_pairs([(PAIR, ()), (PAIR, (DOUBT,))])).outcomes
    assert outcomes == [PAIR, Refused(DOUBT)]


def wordings(count: int) -> list[Row]:
    return [Row.of(PAIR, f"Where did the Eagle land, {number}?", "paraphrase", "p@1", "c") for number in range(count)]


def test_of_wordings_all_test_candidates_the_doubtful_and_a_tenth_are_read() -> None:
    rows = wordings(200)
    told = ToldVerifier({"verify_wordings": {row.instruction: relation(1) for row in rows}})
    reading = verification(told)
    outcomes = asyncio.run(reading.of_wordings(PAIR, [(row, ()) for row in rows], [PAIR.question])).outcomes
    verified = [one for one in outcomes if isinstance(one, Row) and one.verified == "yes"]
    assert 25 < len(verified) < 55
    assert reading.tally.to_json() == {
        "asked": len(verified), "supported": len(verified), "rejected": 0, "unanswered": 0
    }  # fmt: skip
    assert 8 < reading.sample.asked < 35


@pytest.mark.parametrize(("reader", "tells"), [(GOOD, True), (MILD, False)])
def test_the_sample_implies_a_rate_of_those_that_were_judged_by_one_who_may_clear(reader: Reader, tells: bool) -> None:
    rows = wordings(300)
    # Every third is wrong, every third gets no answer.
    says = {
        row.instruction: relation(1) if number % 3 else relation() for number, row in enumerate(rows) if number % 3 < 2
    }
    reading = verification(ToldVerifier({"verify_wordings": says}), reader=reader)
    asyncio.run(reading.of_wordings(PAIR, [(row, ()) for row in rows], [PAIR.question]))
    sample = reading.sample
    assert min(sample.rejected, sample.unanswered) > 3
    assert (sample.supported > 3) == tells
    expected = error_rate(sample.rejected, sample.rejected + sample.supported) if tells else None
    assert reading.error_rate == expected
    held_out = [row for row in rows if fraction("wording", row.id) <= reading.holdout and not is_sampled(row.id)]
    assert sample.asked == sum(is_sampled(row.id) for row in rows) < reading.tally.asked
    assert len(held_out) > 9


def test_nothing_sampled_implies_nothing() -> None:
    assert verification(ToldVerifier({})).error_rate is None


def test_a_verifier_is_calibrated_in_the_languages_of_what_is_asked_alone() -> None:
    reader = ToldVerifier({})
    sections = [SECTION, Section("a.md", ("书",), 1, "![图](a.png)\n", "zh")]
    asking = Asking(cast(JournalledTeacher, None), verifier=cast(JournalledTeacher, reader))
    settings = BuildSettings(verify="all")
    found = asyncio.run(calibrated(sections, asking, settings, PROMPTS, lambda *_: None))
    assert [*found.readers] == [*found.verifiers] == ["en"]
    assert all(".en@" in request.prompt for request, _ in reader.asked)


def test_a_wording_that_asks_something_else_is_rejected_and_the_others_stay() -> None:
    same, other = wordings(2)
    says = {same.instruction: relation(1), other.instruction: relation(1, relation="broader")}
    told = ToldVerifier({"verify_wordings": says})
    first, second = asyncio.run(
        verification(told, "full").of_wordings(PAIR, [(same, (DOUBT,)), (other, ())], [PAIR.question])
    ).outcomes
    assert isinstance(first, Row)
    assert first.verified == "yes"
    assert isinstance(second, Refused)
    assert (second.by, second.reason.code) == ("verify", "asks-broader")


def test_reworded_answers_are_read_as_answers() -> None:
    told = ToldVerifier({})
    reading = verification(told)
    wordings = [Screened("It was the sea."), Screened("Sea 7.", (DOUBT,))]
    plain, doubtful = asyncio.run(reading.of_answers(PAIR, wordings)).outcomes
    assert (plain, doubtful) == ("It was the sea.", Refused(DOUBT))
    assert reading.tally.asked == 2
