"""The waves of questions of a build: the verifier's calibration, pairs of all sections, wordings of trained pairs."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from wukong_pipe.asking.early_wordings import ENOUGH_SECTIONS, EarlyWordings
from wukong_pipe.asking.jobs import Desk, Executor, Here, pairs_of
from wukong_pipe.asking.wording_jobs import Kind, WordingJobs
from wukong_pipe.errors import ShardEnded, StoppedShort
from wukong_pipe.language.plurals import counted
from wukong_pipe.records import Lang, Section
from wukong_pipe.spilled import Spilled
from wukong_pipe.stages.base_qa import Pairs, quota
from wukong_pipe.stages.families import AllWordings
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.verification import NO_VERIFICATION, Verification
from wukong_pipe.stages.workers import HERE, Workers
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.harvest import Harvest
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompts
from wukong_pipe.teacher.shard import WHOLE, Shard, after_round
from wukong_pipe.verify.calibration import Reader, calibrate

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
    workers: Workers = HERE
    """Who checks what the replies hold."""
    executor: Executor = field(default_factory=Here)
    """Who does the jobs."""

    @property
    def askers(self) -> list[JournalledTeacher]:
        """The teacher, and the verifier where that is another."""
        others = [self.verifier] if self.verifier is not None and self.verifier is not self.teacher else []
        return [self.teacher, *others]

    @property
    def early_slots(self) -> int:
        """Jobs at a time, where those that are free may ask for wordings before all pairs are known; else 0. Not where
        calls are shared out in rounds or among machines, nor where what is asked again is written down."""
        is_alone = self.shard == WHOLE and isinstance(self.executor, Here)
        return self.concurrency if is_alone and self.attempts.reask.is_empty else 0

    def stop(self, why: Exception) -> None:
        """Nobody buys anything more."""
        for asker in self.askers:
            asker.stop(why)
        self.executor.stop(why)

    def desk(self, settings: BuildSettings, prompts: Prompts, verification: Verification) -> Desk:
        """What the jobs are done with."""
        return Desk(self.teacher.ask, self.teacher.model, settings, prompts, self.attempts, verification, self.workers)

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
        await self.executor.close()
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
    return Verification.by(ask, readers, prompts, settings)


async def ask_sections(
    sections: Sequence[Section],
    quotas: Sequence[int],
    asking: Asking,
    desk: Desk,
    progress: StageProgress,
    lists: Lists,
    early: EarlyWordings,
) -> Sequence[Pairs]:
    """Pairs of each section that has something to ask about, in the order of the sections.

    Args:
        quotas: how many pairs each section is asked for.
        lists: makes a list that is filled as replies come.
        early: what slots that are free at the end ask for meanwhile; it may go on afterwards.
    """
    asked = array("Q", (place for place, wanted in enumerate(quotas) if wanted))

    async def one(place: int) -> Pairs:
        pairs = await asking.executor.do(pairs_of, desk, sections[place], quotas[place])
        early.finish(pairs)
        return pairs

    def shown(stage: str, done: int, total: int) -> None:
        progress(stage, done, total)
        if total >= ENOUGH_SECTIONS:
            early.wait_for(total - done)

    count = _counter("asking for pairs", len(asked), shown)
    pairs = lists()
    await in_pool(asked, one, asking.concurrency, count, asking.stop, pairs.put)
    asking.end_round("the pairs")
    return pairs


async def ask_wordings(
    jobs: WordingJobs, asking: Asking, progress: StageProgress, lists: Lists, early: EarlyWordings
) -> AllWordings:
    """Wordings of the pairs' questions and answers, in the order of the pairs; and the facts' other spellings.

    All are asked for at the same time: with a Batch API they are one wave, and a wave may take a day.

    Args:
        lists: makes a list that is filled as replies come.
    """
    early.keep(jobs)
    filled: dict[Kind, Spilled[Any]] = {kind: lists() for kind in get_args(Kind)}

    def keep(job: int, harvest: Harvest[Any, Any]) -> None:
        kind, place = jobs.place_of(job)
        filled[kind].put(place, harvest)

    count = _counter("asking for wordings", len(jobs), progress)
    await in_pool(jobs, early.run, asking.concurrency, count, asking.stop, keep)
    await early.end()
    asking.end_round("the wordings", is_last=True)
    return AllWordings(filled["paraphrase"], filled["answers"], filled["heldout_wordings"], filled["spellings"])


def _counter(stage: str, total: int, progress: StageProgress) -> Callable[[], None]:
    """Tells `progress` of each unit that is done."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(stage, done, total)

    return count
