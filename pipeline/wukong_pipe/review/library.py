"""All pairs of a run, read once and held in memory, with the decisions on them and the doubts about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import RLock, Thread

from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Section
from wukong_pipe.review.decisions import Decisions
from wukong_pipe.review.doubts import Doubts
from wukong_pipe.review.file_stamp import stamp
from wukong_pipe.review.pairs import ReviewPair, ReviewReject, ReviewRow
from wukong_pipe.review.run_files import folded, read_run
from wukong_pipe.review.section_texts import SectionTexts
from wukong_pipe.review.stale import Stale, stale
from wukong_pipe.review.versions import Shown, State, shown, state
from wukong_pipe.workspace import Run


class Library:
    """The pairs of a run; safe to be read by several threads."""

    def __init__(self, run: Run, source: Path | None = None, encoding: str = "utf-8") -> None:
        """The library of a run.

        Args:
            source: where the sources stand now, as `inspect --source` takes it.

        Raises:
            WorkspaceError: the run has no dataset.
            DataError: a file of it, or of the decisions, cannot be read.
        """
        self.run = run
        self.decisions = Decisions(run.edits)
        self._source, self._encoding = source, encoding
        self._lock = RLock()
        self._loads = 0
        self._background: Thread | None = None
        self._stale: list[Stale] = []
        self._stale_of = 0
        self._load()

    def _load(self) -> None:
        seen = stamp(self.run.manifest)
        files = read_run(self.run)
        sections = SectionTexts(self.run, files.sections, self._source, self._encoding)
        self._files, self._sections, self._doubts, self._seen = files, sections, Doubts(sections.get), seen
        self._loads += 1

    def refresh(self) -> bool:
        """Read again what changed: the decisions, or a dataset that was rebuilt; whether anything did.

        Raises:
            DataError: a file cannot be read; what was read before stands.
        """
        with self._lock:
            before = self.version
            self.decisions.refresh()
            # A build removes the manifest before it writes, and writes it last.
            if stamp(self.run.manifest) != self._seen and self.run.manifest.is_file():
                self._load()
                if self._background:
                    self.work_out_doubts()
            return self.version != before

    @property
    def version(self) -> int:
        """Another number whenever the dataset or a decision is another."""
        return self._loads + self.decisions.version

    # --- pairs -------------------------------------------------------------------------------------------------------

    @property
    def pairs(self) -> list[ReviewPair]:
        """In the order of the documents."""
        return self._files.pairs

    @property
    def by_id(self) -> dict[str, ReviewPair]:
        return self._files.by_id

    @property
    def sample(self) -> list[ReviewPair]:
        """The pairs in the order of the sample."""
        return self._files.sample

    def pair_of(self, id_: str) -> ReviewPair | None:
        """The pair of that id, or the one that has a row of that id, or one that was a reject of that id."""
        return self.by_id.get(id_) or self._files.by_row.get(self._files.rescued.get(id_, id_))

    def asking(self, question: str) -> list[tuple[ReviewPair, ReviewRow]]:
        """The rows of the dataset that ask the same, as dedupe compares questions, each behind its pair."""
        return self._files.asking.get(normalise(question), [])

    def state(self, pair: ReviewPair) -> State:
        return state(self.decisions, pair)

    def shown(self, pair: ReviewPair) -> Shown:
        """The pair with the decisions laid over it, and what it was before."""
        return shown(self.decisions, pair)

    def words(self, pair: ReviewPair) -> str:
        """What a search looks through, folded: questions, answers, the note and tags, in the dataset and as decided."""
        said = [edit for id_ in (pair.id, *(row.id for row in pair.rows)) if (edit := self.decisions.of(id_))]
        new = [text for edit in said for text in (edit.instruction, edit.output, edit.note, *edit.tags) if text]
        return "\n".join((self._files.words[pair.id], folded("\n".join(new)))) if new else self._files.words[pair.id]

    # --- sections and rejects ----------------------------------------------------------------------------------------

    def section(self, section_id: str) -> Section | None:
        """The section as the build saw it; None where its source is gone or says something else there."""
        return self._sections.get(section_id)

    def rejects(self, section_id: str) -> list[ReviewReject]:
        """What was rejected in a section."""
        return [ReviewReject.of(line) for line in self._files.rejects.get(section_id, ())]

    def reject(self, reject_id: str) -> ReviewReject | None:
        line = self._files.by_reject.get(reject_id)
        return ReviewReject.of(line) if line else None

    def pair_worded(self, reject: ReviewReject) -> ReviewPair | None:
        """The pair whose question or answer a reject words in another way; None where it does not, or that is gone."""
        return self.by_id.get(reject.pair_id) or self._files.by_question.get((reject.section_id, reject.base))

    def holds(self, edit: Edit) -> bool:
        """Whether the build had the pair, row or reject that a decision is about."""
        files = self._files
        known = (files.by_reject, files.removed, files.rescued)
        return self.pair_of(edit.id) is not None or any(edit.id in ids for ids in known)

    @property
    def stale(self) -> list[Stale]:
        """The decisions whose section changed, as `stale` finds them; worked out once for all that asks."""
        version = self.version
        if self._stale_of != version:
            self._stale, self._stale_of = stale(self, self.decisions.standing()), version
        return self._stale

    # --- doubts ------------------------------------------------------------------------------------------------------

    def doubts(self, pair: ReviewPair) -> tuple[Reason, ...]:
        """What the free checks doubt in it; worked out now, where it is not known yet."""
        return self._doubts.of(self._as_shown(pair))

    def is_doubtful(self, pair: ReviewPair) -> bool:
        """Whether the free checks are known to doubt it; see `work_out_doubts`. What was mended is checked at once."""
        shown = self._as_shown(pair)
        return bool(self._doubts.known(pair) if shown is pair else self._doubts.of(shown))

    def _as_shown(self, pair: ReviewPair) -> ReviewPair:
        """The pair with its question and answer as they were mended."""
        if not any((edit := self.decisions.of(id_)) and edit.mends for id_ in (pair.id, pair.rows[0].id)):
            return pair
        now = self.shown(pair).now
        return replace(pair, own=replace(pair.own, instruction=now.question, output=now.answer))

    def work_out_doubts(self) -> Thread:
        """Work out the doubts of all pairs in a thread, which it gives; it ends with the process."""
        loads = self._loads
        self._background = self._doubts.work_out(self.sample, lambda: self._loads == loads)
        return self._background
