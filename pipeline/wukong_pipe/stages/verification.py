"""The second reading inside each attempt: what the free checks let through goes to the verifier, who may deny it.

A wording with the doubt “number 7 is new” is kept as verified "yes" where the verifier finds that it asks the same; it
is a reject for that doubt where no verifier may clear it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from wukong_pipe.language.hashing import fraction
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, QAPair, Row
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.filling import Decided, Refused
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.requests import Ask
from wukong_pipe.verify.answers import GivenAnswer, verify_answers, verify_reworded
from wukong_pipe.verify.calibration import Reader
from wukong_pipe.verify.calls import Verifier
from wukong_pipe.verify.scope import Scope, error_rate, is_pair_verified, is_sampled, is_wording_verified
from wukong_pipe.verify.verdicts import Verdict, VerifyTally
from wukong_pipe.verify.wordings import verify_wordings

Item = TypeVar("Item", QAPair, Row)


@dataclass(frozen=True, slots=True)
class Screened:
    """Another wording of an answer that the free checks let through, and the doubts that they have."""

    text: str
    doubts: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What of a build's pairs and wordings is read a second time, and by whom."""

    scope: Scope = "none"
    verifiers: Mapping[Lang, Verifier] = field(default_factory=dict)
    readers: Mapping[Lang, Reader] = field(default_factory=dict)
    """What the calibration says of the verifier, by language."""
    holdout: float = 0.0
    """The share of training wordings that will be held out, where none are written for the test: these are read."""
    tally: VerifyTally = field(default_factory=VerifyTally)
    """Counts all verdicts of the build."""
    sample: VerifyTally = field(default_factory=VerifyTally)
    """Counts those on wordings without doubt that the sample drew, some of them held out."""

    @staticmethod
    def by(ask: Ask, readers: Mapping[Lang, Reader], prompts: Prompts, settings: BuildSettings) -> Verification:
        """The second reading that the settings ask for, by who has shown what it can tell apart.

        Args:
            readers: none of them, and nothing is read a second time.
        """
        if not readers:
            return Verification()
        verifiers = {
            lang: Verifier(ask, prompts, reader.batch_size, settings.about) for lang, reader in readers.items()
        }
        return Verification(settings.verify, verifiers, readers, settings.drawn)

    def rights(self) -> list[str]:
        """What the calibration brought, a line a language, for the screen."""
        return [reader.sentence(lang) for lang, reader in sorted(self.readers.items())]

    def on_tab(self, ask: Ask) -> Verification:
        """The same by a verifier who is asked so, with tallies of its own; see `take_over`."""
        verifiers = {lang: replace(verifier, ask=ask) for lang, verifier in self.verifiers.items()}
        return replace(self, verifiers=verifiers, tally=VerifyTally(), sample=VerifyTally())

    def take_over(self, other: Verification) -> None:
        """Count what another one counted."""
        self.tally.add(other.tally)
        self.sample.add(other.sample)

    @property
    def error_rate(self) -> tuple[float, float] | None:
        """The share of wrong ones that the sample implies among wordings nobody read; None where it implies nothing.

        A reader that may not clear a doubt sees too few errors, or too many.
        """
        judged = self.sample.supported + self.sample.rejected
        may_tell = all(reader.may_clear for reader in self.readers.values())
        return error_rate(self.sample.rejected, judged) if judged and may_tell else None

    async def of_pairs(self, pairs: Sequence[tuple[QAPair, tuple[Reason, ...]]]) -> Decided[QAPair]:
        """What becomes of pairs of one section, each with its doubts, in their order."""

        async def read(chosen: Sequence[QAPair], verifier: Verifier) -> list[Verdict]:
            return await verify_answers([_given(pair) for pair in chosen], chosen[0].section, verifier)

        wanted = [self._asks(pair.section.lang, doubts, is_pair_verified) for pair, doubts in pairs]
        lang = pairs[0][0].section.lang if pairs else "en"
        return await self._decided(pairs, wanted, lang, read)

    async def of_wordings(
        self,
        pair: QAPair,
        rows: Sequence[tuple[Row, tuple[Reason, ...]]],
        others: Sequence[str],
        *,
        is_held_out: bool = False,
    ) -> Decided[Row]:
        """What becomes of wordings of a pair's question, each with its doubts, in their order.

        Args:
            others: all questions of the pair's section.
            is_held_out: they were written for the test, and no training row is drawn from them.
        """
        lang = pair.section.lang
        # Hold-out chooses by these hashes, and takes the lowest where none lies under the share.
        most = max(self.holdout, min((_rank(row) for row, _ in rows), default=1.0)) if self.holdout else -1.0
        wanted = []
        for row, doubts in rows:
            held = is_held_out or _rank(row) <= most
            chosen = is_wording_verified(self.scope, row.id, is_doubtful=bool(doubts), is_held_out=held)
            wanted.append(chosen and self._has_earned(lang, doubts))

        drawn_from = rows if self.scope == "all" and not is_held_out else ()
        sampled = {row.id for row, doubts in drawn_from if not doubts and is_sampled(row.id)}

        async def read(chosen: Sequence[Row], verifier: Verifier) -> list[Verdict]:
            texts = [row.instruction for row in chosen]
            verdicts = await verify_wordings(_given(pair), texts, others, pair.section, verifier)
            drawn = zip(chosen, verdicts, strict=True)
            heeded = self.readers[lang].heeded
            self.sample.add(VerifyTally.of(heeded(verdict) for row, verdict in drawn if row.id in sampled))
            return verdicts

        return await self._decided(rows, wanted, lang, read)

    async def of_answers(self, pair: QAPair, wordings: Sequence[Screened]) -> Decided[str]:
        """What becomes of other wordings of a pair's answer, in their order."""
        lang = pair.section.lang

        async def read(chosen: Sequence[QAPair], verifier: Verifier) -> list[Verdict]:
            return await verify_reworded(pair.question, [one.answer for one in chosen], pair.section, verifier)

        as_pairs = [(replace(pair, answer=wording.text), wording.doubts) for wording in wordings]
        wanted = [self._asks(lang, doubts, is_pair_verified) for _, doubts in as_pairs]
        decided = await self._decided(as_pairs, wanted, lang, read)
        texts = [one if isinstance(one, Refused) else one.answer for one in decided.outcomes]
        return Decided(texts, decided.is_settled)

    def _asks(self, lang: Lang, doubts: tuple[Reason, ...], wanted: Callable[..., bool]) -> bool:
        return wanted(self.scope, is_doubtful=bool(doubts)) and self._has_earned(lang, doubts)

    def _has_earned(self, lang: Lang, doubts: tuple[Reason, ...]) -> bool:
        """Whether a verdict could change anything: a doubt that may not be cleared rejects whatever is said."""
        reader = self.readers.get(lang)
        return reader is not None and (reader.may_clear if doubts else reader.may_deny)

    async def _decided(
        self,
        items: Sequence[tuple[Item, tuple[Reason, ...]]],
        wanted: Sequence[bool],
        lang: Lang,
        read: Callable[[Sequence[Item], Verifier], Awaitable[list[Verdict]]],
    ) -> Decided[Item]:
        chosen = [item for (item, _), is_wanted in zip(items, wanted, strict=True) if is_wanted]
        verdicts = await read(chosen, self.verifiers[lang]) if chosen else []
        read_verdicts = iter(verdicts)
        outcomes: list[Item | Refused] = []
        for (item, doubts), is_wanted in zip(items, wanted, strict=True):
            verdict = self.readers[lang].heeded(next(read_verdicts)) if is_wanted else None
            if verdict is not None:
                self.tally.add(VerifyTally.of([verdict]))
            outcomes.append(_outcome(item, doubts, verdict))
        return Decided(outcomes, all(verdict.is_settled for verdict in verdicts))


def _outcome(item: Item, doubts: tuple[Reason, ...], verdict: Verdict | None) -> Item | Refused:
    if verdict is not None and verdict.outcome == "rejected":
        assert verdict.reason is not None
        return Refused(verdict.reason, "verify", doubts[0] if doubts else None)
    if verdict is not None and verdict.outcome == "supported":
        return replace(item, verified="yes")
    return Refused(doubts[0]) if doubts else replace(item, verified="unasked" if verdict is None else "unanswered")


def _given(pair: QAPair) -> GivenAnswer:
    return GivenAnswer(pair.question, pair.answer, pair.kind)


def _rank(row: Row) -> float:
    return fraction("wording", row.id)


NO_VERIFICATION = Verification()
"""Nothing is read a second time: each doubt rejects."""
