"""What a run's sources say of its test rows: the `Sources` that an evaluation is given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from wukong_pipe.checks.inventions import invented
from wukong_pipe.corpus.run_sources import names_of, section_texts, source_texts
from wukong_pipe.embedded.questions import form_of
from wukong_pipe.files import read_object
from wukong_pipe.records import Lang
from wukong_pipe.workspace import MANIFEST, Run

if TYPE_CHECKING:
    # These import sacrebleu, which `--help` does not need.
    from wukong_pipe.commands.judging import Judge
    from wukong_trainer.evaluation.records import Grade, TestRow
    from wukong_trainer.evaluation.sources import Comparison, Inventions, JudgeReply, Submission


class RunSources:
    """The sources of a run as they are now, and the judge, where one is wanted."""

    def __init__(self, run: Run, encoding: str, judge: Judge | None = None) -> None:
        """
        Args:
            encoding: of the source files.

        Raises:
            DataError: the run's notes are no JSON.
        """
        self._run = run
        self._encoding = encoding
        self._judge = judge
        self._texts = dict(source_texts(run, encoding))
        self.sections = section_texts(run, encoding)
        """Headings and text by id; empty where no section can be read any more."""
        self._is_by_template = asked_by_template(run)

    def form(self, question: str) -> str:
        return form_of(question) if self._is_by_template else ""

    def names(self) -> frozenset[str]:
        return self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return names_of(self._run, self._encoding)

    def section(self, row: TestRow) -> str | None:
        return self.sections.get(row.section_id)

    def inventions(self, answer: str, row: TestRow) -> Inventions | None:
        from wukong_trainer.evaluation.sources import Inventions

        text = self._texts.get(row.source)
        if text is None:
            return None
        section = self.section(row)
        lang: Lang = "zh" if row.lang == "zh" else "en"
        around = " ; ".join([row.question, *row.heading_path])
        outside = None if section is None else invented(answer, around, section, lang)
        # What the section holds, the source does: only an answer with something strange needs the whole of it.
        nowhere = invented(answer, row.question, text, lang) if outside or outside is None else []
        # Before a source that says nothing all that is stated is invented.
        stated = {*nowhere, *(outside or ()), *invented(answer, "", "", lang)}
        return Inventions(nowhere, outside, len(stated))

    def judge_model(self) -> str:
        return self._judge.model if self._judge else ""

    def grades(self, submissions: Sequence[Submission]) -> list[Grade] | None:
        return self._judge.grades(submissions) if self._judge else None

    def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None] | None:
        return self._judge.replies(comparisons) if self._judge else None


def asked_by_template(run: Run) -> bool:
    """Whether the run's questions are the embedded teacher's: others may look like a template by chance."""
    teacher = read_object(run.manifest, MANIFEST).get("teacher", {}) if run.manifest.is_file() else {}
    return not teacher.get("language_model", True)
