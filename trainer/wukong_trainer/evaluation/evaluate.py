"""Base and tuned student on the held-out questions: the same template, the same greedy decoding, row by row."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.files import jsonl, read_jsonl, read_object, sha256_of, write_json, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.answers_to_read import answers_of
from wukong_trainer.evaluation.contenders import Lineup, line_up
from wukong_trainer.evaluation.forgetting import GeneralSet, ask_general, forgetting, general_set
from wukong_trainer.evaluation.grading import graded, graded_metrics, known_grades, submissions
from wukong_trainer.evaluation.history import history, history_of, remember
from wukong_trainer.evaluation.inventions import mark_invented
from wukong_trainer.evaluation.judge import both_orders, judged, summary
from wukong_trainer.evaluation.metrics import summarise
from wukong_trainer.evaluation.open_book import ask_with_source, open_book
from wukong_trainer.evaluation.person_agreement import person_grades
from wukong_trainer.evaluation.person_grades import read_grades
from wukong_trainer.evaluation.questions import TestSet, leakage_of, read_test_set
from wukong_trainer.evaluation.records import AnsweredRow, Grade, ScoredAnswer
from wukong_trainer.evaluation.rivals import against
from wukong_trainer.evaluation.scored import closed_book
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.evaluation.sources import NoSources, Sources
from wukong_trainer.hardware import hardware
from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Loader, StepProgress, at_work
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.model_card import write_card
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.trained_model import tuned_folder


def evaluate(
    run: Run,
    settings: Settings,
    sources: Sources | None = None,
    *,
    test: Path | None = None,
    base_model: str = "",
    rivals: Sequence[Run | str] = (),
    progress: StepProgress = lambda step, done, total: None,
    command: str = "",
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score base and tuned on the test rows; write eval/answers.jsonl and eval/metrics.json, and add to the history.

    Every answer is kept as it comes: an evaluation that was killed goes on where it stopped.

    Args:
        sources: what the build knows of the rows; None where no build made them.
        test: a JSONL of test rows; by default the run's own.
        base_model: the base to compare with; by default the one the adapter was trained on.
        rivals: other runs, and model ids or folders, that are asked the same questions.
        command: that the user gave, for the history.

    Returns:
        (metrics, answers), as written.

    Raises:
        WorkspaceError: nothing was trained, or there is nothing to test on; or no export for vLLM to serve.
        ModelError: the adapter belongs to another base model, or was trained on test questions; or vLLM fails.
        MissingDependency: vLLM is wanted and not installed.
        StoppedShort: the judge's budget is reached or it cannot be asked; all but what it was still to say is written.
    """
    sources = sources or NoSources()
    setup = _set_up(run, settings, sources, test, base_model, rivals)
    started = time.monotonic()
    answers = _ask(setup, sources, progress)
    seconds = time.monotonic() - started
    rows, inventions = mark_invented(answers.rows, sources, partial(progress, "inventions"))
    ungraded = metrics = _metrics(setup, answers, rows, inventions)
    judge, known = _graded_before(run, rows)
    if known is not None:
        rows = graded(rows, known)
        metrics = ungraded | graded_metrics(rows, ungraded, judge)
    _write(run, metrics, rows)
    try:
        # After all else is written: the judge may stop at its budget. More rests on grades than on preference.
        if (given := sources.grades(submissions(rows, sources))) is not None:
            known = known or [Grade("ungraded")] * len(given)
            given = [earlier if new.value == "ungraded" else new for new, earlier in zip(given, known, strict=True)]
            rows = graded(rows, given)
            metrics = ungraded | graded_metrics(rows, ungraded, sources.judge_model())
            _write(run, metrics, rows)
    finally:
        remember(
            history_of(run),
            metrics,
            adapter_hash=fingerprint(str(setup.folder)),
            test_hash=sha256_of(setup.tests.file),
            seconds=seconds,
            command=command,
            hardware=hardware(setup.lineup.tuned.place.device, setup.lineup.engine["precision"]),
        )
    replies = sources.judge_replies(both_orders(rows, sources))
    if replies is not None:
        rows = judged(rows, replies)
        metrics["judge"] = summary(rows)
        _write(run, metrics, rows)
    return metrics, [row.to_json() for row in rows]


def _graded_before(run: Run, rows: Sequence[AnsweredRow]) -> tuple[str, list[Grade] | None]:
    """The judge and the grades of the very same answers in the evaluation before: what they deny stays denied."""
    if not (run.answers.is_file() and run.metrics.is_file()):
        return "", None
    # A file that another program wrote must not cost an evaluation.
    with suppress(DataError, AttributeError, KeyError, TypeError):
        grades = read_object(run.metrics, {})["grades"]
        return grades["judge"], known_grades(rows, read_jsonl(run.answers))
    return "", None


@dataclass(frozen=True, slots=True)
class _Setup:
    """All that is settled before anything is asked: what is wrong must not be found out after the models answered."""

    run: Run
    settings: Settings
    folder: Path
    """Of the tuned model."""
    record: dict[str, Any]
    """What the tuned model was trained on."""
    tests: TestSet
    general: GeneralSet
    lineup: Lineup


def _set_up(
    run: Run,
    settings: Settings,
    sources: Sources,
    test: Path | None,
    base_model: str,
    rivals: Sequence[Run | str],
) -> _Setup:
    folder, record = tuned_folder(run)
    tests = read_test_set(run, test, record, sources, settings.limit, settings.drop_leaked)
    silence_libraries()
    history(history_of(run))  # Refuses a damaged one, as the next line does.
    read_grades(run.grades)
    lineup = line_up(run, base_model, rivals, settings.engine, tests, sources, settings.vllm_options)
    return _Setup(run, settings, folder, record, tests, general_set(settings.general, record), lineup)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the models answered."""

    rows: list[AnsweredRow]
    sections_cut: int
    """In prompts with the section at hand."""
    general_base: list[ScoredAnswer]
    general_tuned: list[ScoredAnswer]


def _ask(setup: _Setup, sources: Sources, progress: StepProgress) -> _Answers:
    """Ask the base, the tuned model and the rivals, one after the other; base and tuned share their weights."""
    tests, lineup, most = setup.tests.rows, setup.lineup, setup.settings.max_new_tokens
    session = partial(
        at_work,
        loader=Loader(),
        answers=AnswerCache(setup.run.answers.with_name("answers.partial.jsonl")),
        batch=setup.settings.batch,
        progress=progress,
        vllm=lineup.vllm,
    )
    with session(lineup.base, shared=lineup.tuned.adapter) as model:
        base = closed_book(model, tests, most, "base")
        book = ask_with_source(model, tests, sources, most) if setup.settings.open_book else None
        general_base = ask_general(model, setup.general.questions, most)
    with session(lineup.tuned) as model:
        tuned = closed_book(model, tests, most, "tuned")
        general_tuned = ask_general(model, setup.general.questions, most)
    of_rivals: list[dict[str, ScoredAnswer]] = [{} for _ in tests]
    for rival in lineup.rivals:
        name = rival.contender.name
        with session(rival.contender) as model:
            answers = closed_book(model, [tests[i] for i in rival.places], most, name)
        for i, answer in zip(rival.places, answers, strict=True):
            of_rivals[i][name] = answer
    forms = setup.tests.audit.trained_forms(setup.record, sources)
    rows = [
        AnsweredRow(
            test,
            _form(sources.form(test.question), forms),
            base[i],
            tuned[i],
            open_book=book.answers.get(i) if book else None,
            against=of_rivals[i] if lineup.rivals else None,
        )
        for i, test in enumerate(tests)
    ]
    return _Answers(rows, book.cut if book else 0, general_base, general_tuned)


def _form(form: str, trained: set[str]) -> str:
    """Whether a question's template was trained: see `AnsweredRow.form`."""
    if not form or not trained:
        return ""
    return "seen" if form in trained else "unseen"


def _metrics(
    setup: _Setup, answers: _Answers, rows: list[AnsweredRow], inventions: dict[str, Any] | None
) -> dict[str, Any]:
    """The content of metrics.json, without the judge's.

    Args:
        rows: those of the answers, with their inventions marked.
    """
    tests, general = setup.tests, setup.general
    settings = asdict(setup.settings) | {"general": len(general.questions), "decoding": "greedy"} | setup.lineup.engine
    metrics = summarise(
        rows,
        base_model=setup.record.get("base_model") or setup.lineup.base.weights,
        adapter=setup.folder.name,
        leakage=leakage_of(setup.record, tests.dropped, tests.audit.hash),
        settings=settings,
    )
    metrics["sample"] = tests.sample
    metrics["leak_check"] = {"audit": tests.audit.of_training(setup.record), "closest": tests.closest}
    if general.questions:
        metrics["forgetting"] = forgetting(
            general.questions, answers.general_base, answers.general_tuned, general.dropped
        )
    if inventions:
        metrics["hallucination"] = inventions
    if setup.settings.open_book:
        metrics["open_book"] = open_book(rows, answers.sections_cut)
    if setup.lineup.rivals:
        metrics["against"] = against(rows, setup.run.name, setup.lineup.rivals, tests.audit.hash)
    return metrics


def _write(run: Run, metrics: dict[str, Any], rows: Sequence[AnsweredRow]) -> None:
    """Write the answers, and the metrics with what a person's grades say of these answers now: `report` asks again."""
    written = [row.to_json() for row in rows]
    write_text(run.answers, jsonl(written))
    if by_person := person_grades(answers_of(written), read_grades(run.grades)):
        metrics["person"] = asdict(by_person)
    write_json(run.metrics, metrics)
    write_card(run)
