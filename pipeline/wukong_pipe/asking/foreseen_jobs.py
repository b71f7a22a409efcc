"""The wordings that the pairs of one section will need, as far as can be told before the other sections' are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from wukong_pipe.asking.wording_jobs import WordingJob, WordingJobs
from wukong_pipe.dataset.facts import with_fact_ids
from wukong_pipe.dataset.holdout_plan import NOTHING_HELD, cluster, held_clusters, may_be_held
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.records import QAPair, Section
from wukong_pipe.stages.base_qa import Pairs, quota
from wukong_pipe.stages.heldout_wordings import pairs_to_test
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.stages.spellings import spellings_wanted


class ForeseenJobs:
    """Foresees by the hashes that hold-out goes by, and by the questions that were met. What dedupe and the plan know
    besides, the near repeats and the facts that another pair tells, is not looked at."""

    def __init__(self, sections: Sequence[Section], settings: BuildSettings, share: float | None) -> None:
        """
        Args:
            share: of the pairs, that get wordings for the test; None where none do.
        """
        self._sections, self._settings, self._share = sections, settings, share
        self._met: set[str] = set()

    @cached_property
    def _held(self) -> frozenset[str]:
        """Where sections are held out whole; most builds never ask."""
        planned = Counter[str]()
        for section in self._sections:
            if wanted := quota(section, self._settings.max_pairs):
                planned[cluster(section)] += wanted
        return held_clusters(planned, self._settings.holdout)

    def of(self, harvest: Pairs) -> Iterator[WordingJob]:
        """What is going to be asked, first what is needed for certain."""
        settings, pairs = self._settings, with_fact_ids(harvest.kept)
        questions = tuple(pair.question for pair in pairs)
        spellings = [*spellings_wanted(harvest.subject, harvest.kept)] if settings.spellings else []
        yield from WordingJobs((), (), lambda _: questions, spellings, settings)
        if cluster(harvest.subject) in self._held:
            return
        trained = [pair for pair in pairs if self._is_new(pair) and not may_be_held(pair, settings.holdout)]
        tested = () if self._share is None else pairs_to_test(trained, NOTHING_HELD, self._share)
        yield from WordingJobs(trained, tested, lambda _: questions, (), settings)

    def _is_new(self, pair: QAPair) -> bool:
        """Whether no pair that was met asks the same."""
        question = normalise(pair.question)
        is_new = question not in self._met
        self._met.add(question)
        return is_new
