"""Base and tuned student on the held-out questions: the same template, the same greedy decoding, row by row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import transformers

from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.language.text import is_chinese
from wukong_pipe.workspace import Run, jsonl, read_json, sha256_of, write_json, write_text
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.data.files import read_raw, read_rows, read_training_data
from wukong_trainer.evaluation.forgetting import ON_A_CPU, ask_general, forgetting, general_questions
from wukong_trainer.evaluation.inventions import InventedIn, mark_invented
from wukong_trainer.evaluation.judge import AskJudge, judge
from wukong_trainer.evaluation.leaks import Leaks, copies, leaks
from wukong_trainer.evaluation.metrics import LEVELS, summarise
from wukong_trainer.evaluation.open_book import OpenBook, SourceOf, ask_with_source, open_book
from wukong_trainer.evaluation.rivals import ScoredRows, against, history, history_of, leakage_of, remember
from wukong_trainer.inference.answer_cache import Kept
from wukong_trainer.inference.asked_models import Contender, Loader, Progress, at_work
from wukong_trainer.inference.vllm_server import Vllm, merged_model, vllm_executable, vllm_version
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.model_card import write_card
from wukong_trainer.models.of_run import base_of, place_of, tuned_folder
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.scoring.paired_difference import ALONE, section_of


@dataclass(frozen=True, slots=True)
class Settings:
    """How an evaluation decodes and what it asks; it stands in metrics.json."""

    engine: Literal["transformers", "vllm"] = "transformers"
    """What answers; in metrics.json with its version. vLLM is asked what `export` wrote, unquantised."""
    batch: int = 32
    """Questions a forward pass; with vLLM, which batches by itself, those in flight."""
    max_new_tokens: int = 256
    limit: int | None = None
    """Only this many test questions, spread evenly over the file."""
    drop_leaked: bool = False
    """Leave out test questions the adapter was trained on, also in a light rewording, instead of refusing."""
    general: int | None = 0
    """How many general questions probe what tuning made the model forget; None: all, or a few without a GPU."""
    open_book: bool = False
    """Ask the base with the section in its prompt, too."""


def evaluate(
    run: Run,
    settings: Settings,
    *,
    test: Path | None = None,
    base_model: str = "",
    form_of: Callable[[str], str] = lambda question: "",
    names: Callable[[], frozenset[str]] = frozenset,
    source_of: SourceOf | None = None,
    invented_in: InventedIn = lambda answer, row: None,
    ask_judge: AskJudge | None = None,
    rivals: Sequence[Run | str] = (),
    progress: Progress = lambda step, done, total: None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score base and tuned on the test rows; write eval/answers.jsonl and eval/metrics.json, and add to the history.

    Every answer is kept as it comes: an evaluation that was killed goes on where it stopped.

    Args:
        test: a JSONL of test rows; by default the run's own.
        base_model: the base to compare with; by default the one the adapter was trained on.
        form_of: the template a question was made with, "" where it was written freely.
        names: terms that tell two questions of the corpus apart; asked for where the build's audit does not stand.
        source_of: the text of the section a row is about.
        invented_in: what an answer to a row states that its source, or its section, does not hold.
        ask_judge: has a language model judge both answers; see `judge`.
        rivals: other runs, and model ids or folders, that are asked the same questions.

    Returns:
        (metrics, answers), as written.

    Raises:
        WorkspaceError: nothing was trained, or there is nothing to test on; or no export for vLLM to serve.
        ModelError: the adapter belongs to another base model, or was trained on test questions; or vLLM fails.
        MissingDependency: vLLM is wanted and not installed.
        StoppedShort: the judge's budget is reached or it cannot be asked; all but its judgement is written.
    """
    folder, record = tuned_folder(run)
    file = test or run.dataset / "test.jsonl"
    if test is not None and not test.exists():
        raise WorkspaceError(f"--test {test} does not exist.")
    every = _test_rows(file)
    rows = _sample(every, settings.limit)
    limited = len(rows) < len(every)
    data = _built(run)
    audit = _Audit.of(run, file, data)
    seen = audit.leaks(record, rows, names)
    rows, dropped = _unseen(rows, seen, settings.drop_leaked)
    sample = {"asked": len(rows), "of": len(every)} if limited else None
    trained = [row.question for row in data.train] if data and data.hash == record.get("dataset_hash") else []
    leakage = leakage_of(record, dropped, audit.hash)
    silence_libraries()
    # Before anything is asked: what is wrong must not be found out after the models have answered.
    history(history_of(run))
    base, tuned = contenders(run, folder, record, base_model)
    others = [(rival, _record_of(rival)) for rival in rivals]
    challengers = [
        (_rival(rival, its, tuned), its, audit.leaks(its, rows, names).unseen if its else list(range(len(rows))))
        for rival, its in others
    ]
    if settings.engine == "vllm":
        tuned = _served(tuned, run)
        challengers = [
            (_served(contender, rival) if isinstance(rival, Run) else contender, its, places)
            for (contender, its, places), (rival, _) in zip(challengers, others, strict=True)
        ]
    vllm = _vllm(run, tuned) if settings.engine == "vllm" else None
    most = ON_A_CPU if settings.general is None and not torch.cuda.is_available() else settings.general
    questions = general_questions(most)
    # What was trained, as with rows mixed in, cannot show that nothing was forgotten.
    untold = copies(record, [row["example"].asked for row in questions]).unseen
    repeated, questions = len(questions) - len(untold), [questions[i] for i in untold]

    kept, loader = Kept(run.answers.with_name("answers.partial.jsonl")), Loader()
    scored: dict[str, list[dict[str, Any]]] = {}
    general: dict[str, list[dict[str, Any]]] = {}
    book: OpenBook | None = None
    for contender in (base, tuned):
        with at_work(contender, loader, kept, settings.batch, progress, tuned.adapter, vllm) as asked:
            prompts = [row["example"].prompt(contender.system, contender.style) for row in rows]
            scored[contender.name] = asked.scored(rows, prompts, settings.max_new_tokens, contender.name)
            if contender is base and settings.open_book and source_of:
                book = ask_with_source(asked, rows, source_of, settings.max_new_tokens)
            general[contender.name] = ask_general(asked, questions, settings.max_new_tokens)
    of_rivals = [
        (contender, its, _rival_answers(contender, places, rows, loader, kept, settings, progress, vllm))
        for contender, its, places in challengers
    ]

    trained_forms = {form_of(question) for question in trained}
    answers = []
    for i, row in enumerate(rows):
        form = form_of(row["instruction"])
        found: dict[str, Any] = {name: scored[name][i] for name in ("base", "tuned")}
        if book is not None and book.answers[i] is not None:
            found["open_book"] = book.answers[i]
        if of_rivals:
            found["against"] = {rival.name: its[i] for rival, _, its in of_rivals if i in its}
        of_form = "" if not form or not trained_forms else "seen" if form in trained_forms else "unseen"
        asked_of = {"form": of_form, "instruction": row["instruction"], "reference": row["output"]}
        answers.append({key: row[key] for key in _OF_A_ROW} | asked_of | found)
    inventions = mark_invented(answers, invented_in, lambda done, total: progress("inventions", done, total))
    metrics = summarise(
        answers,
        base_model=record.get("base_model") or base.weights,
        adapter=folder.name,
        leakage=leakage,
        settings=asdict(settings) | {"general": len(questions), "decoding": "greedy"} | _answered_by(vllm, tuned),
    )
    metrics |= {"sample": sample, "leak_check": {"audit": audit.of_training(record), "closest": seen.closest}}
    if questions:
        metrics["forgetting"] = forgetting(questions, general["base"], general["tuned"], repeated)
    if inventions:
        metrics["hallucination"] = inventions
    if book is not None:
        metrics["open_book"] = open_book(answers, book)
    if of_rivals:
        metrics["against"] = against(answers, run.name, of_rivals, audit.hash)
    _write(run, metrics, answers)
    remember(history_of(run), metrics, adapter_hash=fingerprint(str(folder)), test_hash=sha256_of(file))
    if ask_judge:
        # Last, and after all else is written: it may stop at its budget.
        metrics["judge"] = judge(answers, ask_judge, source_of or (lambda row: None))
        _write(run, metrics, answers)
    return metrics, answers


_OF_A_ROW = ("id", "pair_id", "section_id", "cluster", "kind", "level", "lang", "source", "heading_path")


def _write(run: Run, metrics: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    write_text(run.answers, jsonl(answers))
    write_json(run.metrics, metrics)
    write_card(run)


def _test_rows(path: Path) -> list[dict[str, Any]]:
    """Test rows with every key that an answer carries on; a tutorial's instruction/output rows will do.

    `cluster` is what the interval takes as alike: a row's `group`, or its section; a row that names neither stands for
    itself.
    """
    if not path.is_file():
        raise WorkspaceError(f"There are no test questions in {path}: build a dataset with some, or name --test FILE.")
    rows = []
    found, _ = read_rows(read_raw(path), str(path))
    for number, (row, example) in enumerate(found, start=1):
        if row.get("level", "wording") not in ("", *LEVELS):
            raise DataError(f"{example.where}: the level must be one of {', '.join(LEVELS)}.")
        defaults = {
            "id": f"{path.name}:{number}",
            "pair_id": f"{path.name}:{number}",
            "section_id": path.name,
            "kind": "base",
            "level": "wording",
            "lang": "zh" if is_chinese(example.question + example.output) else "en",
            "source": path.name,
            "heading_path": [path.stem],
        }
        # Many number their rows.
        given = {key: str(row[key]) if type(row[key]) is int else row[key] for key in defaults if row.get(key)}
        for key, value in given.items():
            texts = value if key == "heading_path" and isinstance(value, list) else [value]
            if (key == "heading_path") != isinstance(value, list) or not all(isinstance(text, str) for text in texts):
                raise DataError(
                    f"{example.where}: “{key}” must be a {'list of texts' if key == 'heading_path' else 'text'}; "
                    "correct it or leave it out."
                )
        asked = {"instruction": example.question, "output": example.output, "example": example}
        full = defaults | given | asked
        rows.append(full | {"cluster": _cluster(full, given.keys(), row.get("group"), example.where)})
    if not rows:
        raise WorkspaceError(f"{path} holds no test questions.")
    return rows


def _cluster(row: dict[str, Any], given: Collection[str], group: Any, where: str) -> str:
    """Which rows are alike, as far as they say."""
    if isinstance(group, str | int) and str(group).strip():
        return f"group {group}"
    if "heading_path" in given:
        return section_of(row)
    named = next((key for key in ("section_id", "pair_id") if key in given), "")
    return f"{named} {row[named]}" if named else f"{ALONE}{where}"


def _sample(rows: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    if limit is None or limit >= len(rows):
        return rows
    return [rows[i * len(rows) // limit] for i in range(limit)]


@dataclass(frozen=True, slots=True)
class _Audit:
    """Whether the build's audit of test against training rows still speaks for the files as they are."""

    state: str
    """ "stands", "other test", "edited" since the build, or "none" where no build made the files."""
    data: TrainingData | None

    @classmethod
    def of(cls, run: Run, file: Path, data: TrainingData | None) -> _Audit:
        if file.resolve() != (run.dataset / "test.jsonl").resolve():
            return cls("other test", data)
        if data is None or not run.manifest.is_file():
            return cls("none", data)
        built = read_json(run.manifest).get("files", {})
        same = all(sha256_of(run.dataset / name) == built.get(name) for name in ("train.jsonl", "test.jsonl"))
        return cls("stands" if same else "edited", data)

    @property
    def hash(self) -> str | None:
        """Of the training rows that it was about; None where it does not stand."""
        return self.data.hash if self.data and self.state == "stands" else None

    def of_training(self, record: dict[str, Any]) -> str:
        """Its state for a model; also "unrecorded" and "other training", where that was trained on other rows."""
        if "questions" not in record:
            return "unrecorded"
        return "other training" if self.hash not in (None, record.get("dataset_hash")) else self.state

    def leaks(self, record: dict[str, Any], rows: list[dict[str, Any]], names: Callable[[], frozenset[str]]) -> Leaks:
        """What of the rows a model was trained on; the build's rule is applied here where its audit did not."""
        questions = [row["example"].asked for row in rows]
        if self.of_training(record) in ("stands", "unrecorded"):
            return copies(record, questions)
        return leaks(record, questions, names(), self.data.questions() if self.data and self.hash else ())


def _unseen(rows: list[dict[str, Any]], seen: Leaks, drop: bool) -> tuple[list[dict[str, Any]], int]:
    """The rows whose question the adapter was not trained on, and how many were left out."""
    unseen = [rows[i] for i in seen.unseen]
    leaked = len(rows) - len(unseen)
    if leaked and not drop:
        lightly = ""
        if seen.reworded:
            question, trained, alike = seen.reworded[0]
            lightly = (
                f", {len(seen.reworded)} of them lightly reworded (“{question}” for “{trained}”, {alike:.2f} alike)"
            )
        raise ModelError(
            f"The adapter was trained on {leaked} of these {len(rows)} test questions{lightly}, so no score on them "
            "means anything. Train on other rows, or leave the questions out with --drop-leaked."
        )
    if not unseen:
        raise ModelError("The adapter was trained on every one of these test questions: nothing is left to test.")
    return unseen, leaked


def contenders(run: Run, folder: Path, record: dict[str, Any], base_model: str = "") -> tuple[Contender, Contender]:
    """Base and tuned model of a run, asked with the tokenizer and the system prompt that were trained.

    Raises:
        ModelError: see `base_of`.
    """
    base = base_of(run, record, folder, base_model)
    method = record.get("method", "lora")
    alone = Contender(
        "base",
        base,
        method,
        str(folder),
        record.get("system", ""),
        record.get("style", "chat"),
        record.get("thinking", False),
        place=place_of(record),
    )
    if method == "full":
        return alone, replace(alone, name="tuned", weights=str(folder))
    return alone, replace(alone, name="tuned", adapter=folder)


def _record_of(rival: Run | str) -> dict[str, Any]:
    """What a rival was trained on; {} for a model on its own."""
    return tuned_folder(rival)[1] if isinstance(rival, Run) else {}


def _rival(rival: Run | str, record: dict[str, Any], first: Contender) -> Contender:
    """Another run's tuned model; or a model on its own, in the first's precision and with its system prompt."""
    if isinstance(rival, Run):
        _, tuned = contenders(rival, tuned_folder(rival)[0], record)
        return replace(tuned, name=rival.name)
    method = "lora" if first.method == "full" else first.method
    return replace(first, name=rival, weights=rival, method=method, tokenizer=rival, adapter=None)


def _vllm(run: Run, tuned: Contender) -> Vllm:
    """The vLLM that is installed, and the precision in which transformers would compute here.

    Raises:
        MissingDependency: there is none.
        ModelError: it cannot be run.
    """
    executable = vllm_executable()
    dtype = tuned.precision.rpartition(" ")[2]
    log = run.metrics.with_name("vllm.log")
    return Vllm(executable, vllm_version(executable), dtype, tuned.place.device == "cpu", log)


def _served(contender: Contender, run: Run) -> Contender:
    """The run's tuned model as vLLM is given it: merged, for it knows few adapters and no NF4 of ours.

    Raises:
        WorkspaceError: the adapter was not exported, or has changed since.
    """
    if contender.adapter is None:
        return contender
    return replace(contender, weights=str(merged_model(run, contender.adapter)), adapter=None)


def _answered_by(vllm: Vllm | None, contender: Contender) -> dict[str, str]:
    """What computed the answers, and in which precision: of metrics.json's settings."""
    if vllm is not None:
        return {"engine": vllm.engine, "precision": vllm.dtype}
    return {"engine": f"transformers {transformers.__version__}", "precision": contender.precision}


def _rival_answers(
    contender: Contender,
    places: list[int],
    rows: list[dict[str, Any]],
    loader: Loader,
    kept: Kept,
    settings: Settings,
    progress: Progress,
    vllm: Vllm | None,
) -> ScoredRows:
    """A rival's scored answers to the questions at `places`: those it was not trained on."""
    asked_rows = [rows[i] for i in places]
    prompts = [row["example"].prompt(contender.system, contender.style) for row in asked_rows]
    with at_work(contender, loader, kept, settings.batch, progress, vllm=vllm) as asked:
        scored = asked.scored(asked_rows, prompts, settings.max_new_tokens, contender.name)
    return dict(zip(places, scored, strict=True))


def _built(run: Run) -> TrainingData | None:
    """The run's dataset; None where there is none."""
    return read_training_data(run.dataset) if (run.dataset / "train.jsonl").is_file() else None
