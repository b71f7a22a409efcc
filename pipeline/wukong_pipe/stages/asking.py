"""The waves of questions of a build: the verifier's calibration, pairs of all sections, wordings of trained pairs."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from wukong_pipe.errors import ShardEnded, StoppedShort
from wukong_pipe.language.plurals import counted
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.spilled import Spilled
from wukong_pipe.stages.answers import AnswerWordings, ask_answers
from wukong_pipe.stages.base_qa import Pairs, ask_base_qa, quota
from wukong_pipe.stages.heldout_wordings import ask_heldout_wordings
from wukong_pipe.stages.paraphrase import Wordings, ask_paraphrases
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import Spellings, ask_spellings
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompt
from wukong_pipe.teacher.shard import WHOLE, Shard, after_round
from wukong_pipe.verify.calibration import Reader, calibrate
from wukong_pipe.verify.calls import Verifier

Prompts = Mapping[str, Mapping[Lang, Prompt]]
"""The prompts by stage and language, of the stages that are wanted."""

StageProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as units of a stage finish."""


Lists = Callable[..., Spilled[Any]]
"""Makes a list on disk, of the records given or of none."""


def written_freely(question: str) -> str:  # noqa: ARG001
    """The form of a question that no template made."""
    return ""


def waves(verified: bool) -> str:
    """What the user is to expect of a build through a Batch API.

    Args:
        verified: whether a verifier reads what comes, each time before the next attempt asks for what is short.
    """
    first = (
        "Seven waves of batches (the verifier's calibration, two; pairs, then two to verify them; wordings, then one)"
        if verified
        else "Two waves of batches (pairs, then wordings)"
    )
    return (
        f"{first}, up to three times as many where replies fall short; each may take up to a day. "
        "Stop whenever you like: the same command collects what was sent."
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, by how many at a time, and how often."""

    teacher: JournalledTeacher
    concurrency: int = 8
    attempts: Attempts = USUAL
    verifier: JournalledTeacher | None = None
    """Who reads a second time what the teacher wrote; None for nobody."""
    form_of: Callable[[str], str] = written_freely
    """The template that a question was made with; always "" for a teacher that writes freely."""
    shard: Shard = WHOLE
    """What of all this is asked here."""

    @property
    def askers(self) -> list[JournalledTeacher]:
        """The teacher, and the verifier where that is another."""
        others = [self.verifier] if self.verifier is not None and self.verifier is not self.teacher else []
        return [self.teacher, *others]

    def stop(self, why: Exception) -> None:
        """Nobody buys anything more."""
        for asker in self.askers:
            asker.stop(why)

    def end_round(self, wave: str, *, is_last: bool = False) -> None:
        """End a shard's build after a wave that other shards have yet to ask their part of, and after the last one.

        Raises:
            ShardEnded: what there is to do next.
            StoppedShort: some of this shard's own requests brought no answer.
        """
        unanswered = sum(asker.unanswered for asker in self.askers)
        if self.shard != WHOLE and unanswered:
            raise StoppedShort(
                f"The server did not answer {counted(unanswered, 'request')} of shard {self.shard}, and the other "
                "shards need these answers. What was bought is kept; the same command goes on from there."
            )
        self.check_left(wave, is_last=is_last)

    def check_left(self, wave: str, *, is_last: bool = False) -> None:
        """End a shard's build where others have yet to ask what it needs of them.

        Raises:
            ShardEnded: what there is to do next.
        """
        waits_for = sorted(set[int]().union(*(asker.left for asker in self.askers)))
        if waits_for or (is_last and self.shard != WHOLE):
            sentence = after_round(self.shard, wave, waits_for, is_last=is_last)
            raise ShardEnded(sentence, waits_for=waits_for, is_last=is_last)

    async def close(self) -> None:
        for asker in self.askers:
            await asker.close()


async def calibrated(
    sections: Sequence[Section], asking: Asking, settings: BuildSettings, prompts: Prompts, progress: StageProgress
) -> Verification:
    """The second reading that a build's settings ask for, by a verifier who shows first what it can tell apart."""
    if settings.verify == "none" or asking.verifier is None:
        return NO_VERIFICATION
    ask = asking.verifier.ask
    langs: list[Lang] = sorted({section.lang for section in sections if quota(section, settings.max_pairs)})
    count = _counter("calibrating the verifier", len(langs), progress)

    async def one(lang: Lang) -> Reader:
        return await calibrate(lang, ask, prompts)

    try:
        readers = dict(zip(langs, await in_pool(langs, one, len(langs), count, asking.stop), strict=True))
    except StoppedShort:
        # A shard that leaves the calibration to another one got no answer, either.
        asking.check_left("the verifier's calibration")
        raise
    verifiers = {lang: Verifier(ask, prompts, readers[lang].batch_size, settings.about) for lang in langs}
    return Verification(settings.verify, verifiers, readers, settings.drawn)


async def ask_sections(
    sections: Sequence[Section],
    asking: Asking,
    settings: BuildSettings,
    prompts: Prompts,
    progress: StageProgress,
    lists: Lists,
    verification: Verification = NO_VERIFICATION,
) -> Sequence[Pairs]:
    """Pairs of each section that has something to ask about, in the order of the sections.

    Args:
        lists: makes a list that is filled as replies come.
    """
    quotas = array("I", (quota(section, settings.max_pairs) for section in sections))
    asked = array("Q", (place for place, wanted in enumerate(quotas) if wanted))
    teacher = asking.teacher

    async def one(place: int) -> Pairs:
        return await ask_base_qa(
            sections[place],
            quotas[place],
            teacher.ask,
            teacher.model,
            prompts["base_qa"],
            asking.attempts,
            settings.about,
            verification,
        )

    count = _counter("asking for pairs", len(asked), progress)
    pairs = lists()
    await in_pool(asked, one, asking.concurrency, count, asking.stop, pairs.put)
    asking.end_round("the pairs")
    return pairs


@dataclass(frozen=True, slots=True)
class AllWordings:
    """The other wordings that a build asked for, each list in the order of the pairs."""

    questions: Sequence[Wordings]
    answers: Sequence[AnswerWordings]
    tests: Sequence[Wordings]
    """Of questions, written for the test: of the pairs that are tested so."""

    spellings: Sequence[Spellings]
    """Of facts, section by section."""

    @property
    def all(self) -> Iterator[Harvest[Any, Any]]:
        """Stage by stage."""
        return chain(self.questions, self.tests, self.answers, self.spellings)


async def ask_wordings(
    pairs: Sequence[QAPair],
    tested: Sequence[QAPair],
    asking: Asking,
    settings: BuildSettings,
    prompts: Prompts,
    progress: StageProgress,
    lists: Lists,
    verification: Verification = NO_VERIFICATION,
    questions: Callable[[str], Sequence[str]] = lambda section_id: (),
    spellings: Sequence[Spellings] = (),
) -> AllWordings:
    """Wordings of the pairs' questions and answers, in the order of the pairs; and the facts' other spellings.

    All are asked for at the same time: with a Batch API they are one wave, and a wave may take a day.

    Args:
        tested: those of the pairs that get wordings for the test.
        lists: makes a list that is filled as replies come.
        questions: gives all questions that were kept of a section, by its id.
        spellings: what is filled with other spellings of facts.
    """
    ask, attempts, about = asking.teacher.ask, asking.attempts, settings.about

    async def question(pair: QAPair) -> Wordings:
        others = questions(pair.section.id)
        return await ask_paraphrases(
            pair, settings.variants, ask, prompts["paraphrase"], attempts, about, verification, others
        )

    async def answer(pair: QAPair) -> AnswerWordings:
        return await ask_answers(pair, settings.answer_variants, ask, prompts["answers"], attempts, about, verification)

    async def test(pair: QAPair) -> Wordings:
        others = questions(pair.section.id)
        return await ask_heldout_wordings(
            pair, settings.heldout_wordings, ask, prompts["heldout_wordings"], attempts, about, verification, others
        )

    async def spelling(part: Spellings) -> Spellings:
        await ask_spellings(part, settings.spellings, ask, prompts["spellings"], attempts, about)
        return part

    stages: list[tuple[Callable[[Any], Awaitable[Any]], Sequence[Any], Spilled[Any]]] = [
        (question, pairs, lists()),
        (answer, pairs if settings.answer_variants else (), lists()),
        (test, tested, lists()),
        (spelling, spellings, lists()),
    ]
    begins = [0, *accumulate(len(subjects) for _, subjects, _ in stages)]

    def stage_of(job: int) -> tuple[int, int]:
        """Its number, and the job's place among the stage's own."""
        stage = bisect_right(begins, job) - 1
        return stage, job - begins[stage]

    async def harvested(job: int) -> Any:
        stage, place = stage_of(job)
        ask_about, subjects, _ = stages[stage]
        return await ask_about(subjects[place])

    def keep(job: int, harvest: Any) -> None:
        stage, place = stage_of(job)
        stages[stage][2].put(place, harvest)

    count = _counter("asking for wordings", begins[-1], progress)
    await in_pool(range(begins[-1]), harvested, asking.concurrency, count, asking.stop, keep)
    asking.end_round("the wordings", is_last=True)
    of_questions, of_answers, of_tests, of_facts = (filled for _, _, filled in stages)
    return AllWordings(of_questions, of_answers, of_tests, of_facts)


def _counter(stage: str, total: int, progress: StageProgress) -> Callable[[], None]:
    """Tells `progress` of each unit that is done."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(stage, done, total)

    return count
