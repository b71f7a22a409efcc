"""The waves of questions of a build: pairs of all sections, verdicts on doubtful pairs, wordings of trained pairs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.stages.answers import AnswerWordings, ask_answers
from wukong_pipe.stages.base_qa import Pairs, ask_base_qa, quota
from wukong_pipe.stages.judge import Verdict, ask_judge, doubted
from wukong_pipe.stages.paraphrase import Wordings, ask_paraphrases
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.attempts import USUAL, Attempts
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.prompt_files import Prompt

Prompts = Mapping[str, Mapping[Lang, Prompt]]
"""The prompts by stage and language, of the stages that are wanted."""

StageProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as units of a stage finish."""


def written_freely(question: str) -> str:  # noqa: ARG001
    """The form of a question that no template made."""
    return ""


def waves(judged: bool) -> str:
    """What the user is to expect of a build through a Batch API.

    Args:
        judged: whether doubtful pairs are judged before wordings are bought.
    """
    first = (
        "Up to three waves of batches (pairs, judgements, then wordings)"
        if judged
        else "Two waves of batches (pairs, then wordings)"
    )
    return (
        f"{first}, up to {'nine' if judged else 'six'} where replies fall short; each may take up to a day. "
        "Stop whenever you like: the same command collects what was sent."
    )


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, by how many at a time, and how often."""

    teacher: JournalledTeacher
    concurrency: int = 8
    attempts: Attempts = USUAL
    form_of: Callable[[str], str] = written_freely
    """The template that a question was made with; always "" for a teacher that writes freely."""


async def ask_sections(
    sections: Sequence[Section], asking: Asking, settings: BuildSettings, prompts: Prompts, progress: StageProgress
) -> list[Pairs]:
    """Pairs of each section that has something to ask about, in the order of the sections."""
    quotas = [(section, wanted) for section in sections if (wanted := quota(section, settings.max_pairs))]
    teacher = asking.teacher

    async def one(section_quota: tuple[Section, int]) -> Pairs:
        section, wanted = section_quota
        return await ask_base_qa(
            section, wanted, teacher.ask, teacher.model, prompts["base_qa"], asking.attempts, settings.about
        )

    count = _counter("asking for pairs", len(quotas), progress)
    return await in_pool(quotas, one, asking.concurrency, count, teacher.stop)


async def ask_judges(
    pairs: Sequence[QAPair], asking: Asking, prompts: Prompts, progress: StageProgress
) -> list[Verdict]:
    """Verdicts on the pairs that are doubtful; none where the prompts have none for a judge."""
    doubtful = [pair for pair in pairs if doubted(pair)] if "judge" in prompts else []

    async def one(pair: QAPair) -> Verdict:
        return await ask_judge(pair, asking.teacher.ask, prompts["judge"], asking.attempts)

    count = _counter("judging doubtful pairs", len(doubtful), progress)
    return await in_pool(doubtful, one, asking.concurrency, count, asking.teacher.stop)


async def ask_wordings(
    pairs: Sequence[QAPair], asking: Asking, settings: BuildSettings, prompts: Prompts, progress: StageProgress
) -> tuple[list[Wordings], list[AnswerWordings]]:
    """Wordings of the pairs' questions and answers, in the order of the pairs.

    All are asked for at the same time: with a Batch API they are one wave, and a wave may take a day.
    """
    ask, attempts, about = asking.teacher.ask, asking.attempts, settings.about
    questions: dict[str, Wordings] = {}
    answers: dict[str, AnswerWordings] = {}

    async def question(pair: QAPair) -> None:
        questions[pair.id] = await ask_paraphrases(pair, settings.variants, ask, prompts["paraphrase"], attempts, about)

    async def answer(pair: QAPair) -> None:
        answers[pair.id] = await ask_answers(pair, settings.answer_variants, ask, prompts["answers"], attempts, about)

    jobs: list[Callable[[], Awaitable[None]]] = [partial(question, pair) for pair in pairs]
    if settings.answer_variants:
        jobs += [partial(answer, pair) for pair in pairs]
    count = _counter("asking for wordings", len(jobs), progress)
    await in_pool(jobs, lambda job: job(), asking.concurrency, count, asking.teacher.stop)
    return [questions[pair.id] for pair in pairs], [answers[pair.id] for pair in pairs if pair.id in answers]


def _counter(stage: str, total: int, progress: StageProgress) -> Callable[[], None]:
    """Tells `progress` of each unit that is done."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(stage, done, total)

    return count
