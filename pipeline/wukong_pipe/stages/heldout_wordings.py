"""Pairs → wordings of their questions for test and validation alone, written by a call of their own.

The call sees a pair's answer and its evidence, not what is trained: wordings that one reply holds are alike, and a test
drawn from them would be an easy one. The pair “出云棍由谁掉落？” brings {"instruction": "打败哪位妖王能得到出云棍？",
"split": "test", "level": "wording", "prompt": "heldout_wordings.zh@…", …}.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from wukong_pipe.checks.named_facts import offers_choices
from wukong_pipe.corpus.cleaning import clean
from wukong_pipe.dataset.holdout_plan import Plan
from wukong_pipe.ids import IdIndex
from wukong_pipe.language.fact_matching import found
from wukong_pipe.language.hashing import fraction, number
from wukong_pipe.language.polarity import polarity_of
from wukong_pipe.language.similarity import TAU, similarity
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Row
from wukong_pipe.spilled import picked
from wukong_pipe.stages.paraphrase import REPLY_SCHEMA, Wordings, base_row, gathered
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.quoting import about_line, fenced, own_tag_in
from wukong_pipe.teacher.reminders import reminder
from wukong_pipe.teacher.requests import Ask, Request

STAGE: Final = "heldout_wordings"
A_PAIR = 3
"""Wordings asked of a pair that is tested: one validates, the others test."""
TESTED = 100
"""Pairs that are to be tested at least, where there are as many, for some 200 questions."""
SHARES = (1 / 5, 1 / 3, 1 / 2, 1.0)
"""Of the pairs that are tested: few, so that it is at one of few sizes of a corpus that another pair enters or leaves
the test because of pairs elsewhere."""


def share_tested(planned: int) -> float:
    """The share of pairs that are tested in other wordings: the lowest that tests enough of them.

    Args:
        planned: pairs that the quotas of the whole corpus add up to, whatever a build takes of it: so what a limited
            build buys is what the whole one needs.
    """
    return next((share for share in SHARES if share * planned >= TESTED), 1.0)


def pairs_to_test(pairs: Sequence[QAPair], whole: Plan, share: float) -> Sequence[QAPair]:
    """The trained pairs of whose questions other wordings are tested: those whose own hash lies under the share.

    Never one without facts, which the score could not look for, nor one whose answer and evidence another pair has:
    the call would not know which of the two questions it words.

    Args:
        whole: the sections and pairs that are held out whole.
    """
    sources = IdIndex(map(_source, pairs))
    return picked(
        pairs,
        array(
            "Q",
            (
                at
                for at, pair in enumerate(pairs)
                if fraction("tested", pair.id) < share
                and pair.facts
                and not whole.level(pair)
                and sources.places(_source(pair)) == [at]
            ),
        ),
    )


def _source(pair: QAPair) -> int:
    """A hash of what a request says of its pair."""
    return number(repr((pair.section.heading_path, pair.answer, pair.evidence)))


def request(pair: QAPair, count: int, prompts: Mapping[Lang, Prompt], about: str = "", earlier: str = "") -> Request:
    """The request for `count` questions that a pair's answer is the answer to; see `base_qa.request`."""
    prompt = prompts[pair.section.lang]
    return Request(
        stage=STAGE,
        prompt=prompt.name,
        messages=prompt.messages(
            title=pair.section.heading_path[0],
            about=about_line(about, pair.section.lang),
            heading_path=pair.section.title,
            answer=fenced(pair.answer),
            evidence=fenced("\n".join(clean(text).text for text in pair.evidence)),
            count=str(count),
            covered=earlier,
        ),
        schema=REPLY_SCHEMA,
        task=None,
        section=pair.section,
    )


async def ask_heldout_wordings(
    pair: QAPair,
    wanted: int,
    ask: Ask,
    prompts: Mapping[Lang, Prompt],
    attempts: Attempts = USUAL,
    about: str = "",
    verification: Verification = NO_VERIFICATION,
    others: Sequence[str] = (),
    workers: Workers = HERE,
) -> Wordings:
    """Ask for a pair's held-out wordings until enough of them are kept or the attempts are used up.

    Args:
        others: all questions of the pair's section: what a wording might ask in its place.
    """
    # What is granted to the wordings that are trained is not granted to these.
    wordings = Wordings(pair, f"{pair.id}/{STAGE}", wanted, names=[base_row(pair).id])

    def more() -> Request:
        covered = tuple(row.instruction for row in wordings.kept)
        return request(pair, wordings.missing, prompts, about, reminder(wordings, covered, "question"))

    refusal = partial(_unfit, others=others)
    return await gathered(wordings, STAGE, more, ask, attempts, verification, others, refusal, workers)


def _unfit(question: str, pair: QAPair, others: Iterable[str]) -> Reason | None:
    """Why a wording that might be trained is no test: it tells the answer, or is close to a question that is trained.

    Args:
        others: all questions of the pair's section. None of them must be dropped for the sake of a test.
    """
    given = f"{pair.question}\n{pair.answer}\n" + "\n".join(pair.evidence)
    if (tag := own_tag_in(question)) and tag not in given:
        return Reason.of("words-new", words=tag)
    if _tells_a_fact(question, pair):
        return Reason.of("given-away")
    return too_like(question, pair.question, others)


def too_like(question: str, own: str, others: Iterable[str]) -> Reason | None:
    """Why a wording is too close to a question that is trained, the pair's own or another of its section."""
    if (alike := similarity(question, own)) >= TAU:
        return Reason.of("like-own-question", similarity=f"{alike:.2f}")
    alike, other = max(((similarity(question, other), other) for other in others), default=(0.0, ""))
    return Reason.of("like-other-question", similarity=f"{alike:.2f}", question=other) if alike >= TAU else None


def _tells_a_fact(question: str, pair: QAPair) -> bool:
    """Whether a fact of the answer stands in a wording that does not stand in the pair's own question; a yes or no may,
    and so may all where the question offers choices."""
    if offers_choices(pair.question):
        return False
    facts = [fact for fact in pair.facts if polarity_of(fact[0], pair.question) is None]
    told, asked = found(facts, question, pair.answer), found(facts, pair.question, pair.answer)
    return any(stands and not stood for stands, stood in zip(told, asked, strict=True))


def held_rows(wordings: Wordings) -> list[Row]:
    """The rows of a pair's wordings: of several the one with the lowest hash validates."""
    ranked = sorted(wordings.kept, key=lambda row: fraction("validation", row.id))
    validation = {row.id for row in ranked[:1] if len(ranked) > 1}
    return [
        replace(row, split="validation") if row.id in validation else replace(row, split="test", level="wording")
        for row in wordings.kept
    ]
