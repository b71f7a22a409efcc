"""Base and tuned student on the held-out questions: the same template, the same greedy decoding, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peft import PeftModel

from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.text import is_chinese, normalise
from wukong_pipe.workspace import Run, jsonl, read_json, read_jsonl, write_json, write_text
from wukong_trainer.data import chat_prompt, example, read_training_data
from wukong_trainer.generate import answer_all, likelihood_all
from wukong_trainer.metrics import LEVELS, score, summarise
from wukong_trainer.model import choose_place, fingerprint, load_model, load_tokenizer
from wukong_trainer.quiet import silence_libraries
from wukong_trainer.recipe import TINY
from wukong_trainer.sft import RECORD

Progress = Callable[[str, int, int], None]
"""Called with (step, done, total)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an evaluation decodes; it stands in metrics.json."""

    batch: int = 32
    max_new_tokens: int = 256
    limit: int | None = None
    """Only this many test questions, spread evenly over the file."""
    drop_leaked: bool = False
    """Leave out test questions the adapter was trained on, instead of refusing."""


def evaluate(
    run: Run,
    settings: Settings,
    *,
    test: Path | None = None,
    base_model: str = "",
    form_of: Callable[[str], str] = lambda question: "",
    progress: Progress = lambda step, done, total: None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score base and tuned on the test rows; write eval/answers.jsonl and eval/metrics.json.

    Args:
        test: a JSONL of test rows; by default the run's own.
        base_model: the base to compare with; by default the one the adapter was trained on.
        form_of: the template a question was made with, "" where it was written freely.

    Returns:
        (metrics, answers), as written.

    Raises:
        WorkspaceError: nothing was trained, or there is nothing to test on.
        ModelError: the adapter belongs to another base model, or was trained on test questions.
    """
    folder, record = tuned_folder(run)
    rows = _sample(_test_rows(test or run.dataset / "test.jsonl"), settings.limit)
    rows, leakage = _unseen(rows, record, settings.drop_leaked)
    if test is None and leakage == "none" and not _training_questions(run, record):
        # No question is repeated word for word, but the audit was not made against these training rows.
        leakage = "unknown"
    base = base_of(run, record, folder, base_model)
    silence_libraries()
    tokenizer = load_tokenizer(str(folder))
    prompts = [chat_prompt(row["instruction"], record.get("system", "")) for row in rows]
    results: dict[str, list[dict[str, Any]]] = {}
    for name, model in _models(base, folder, record.get("method", "lora")):
        with model as ready:
            results[name] = _answers(ready, tokenizer, rows, prompts, settings, name, progress)
    trained_forms = {form_of(question) for question in _training_questions(run, record)}
    answers = []
    for i, row in enumerate(rows):
        form = form_of(row["instruction"])
        kept = {
            key: row[key] for key in ("id", "pair_id", "section_id", "kind", "level", "lang", "source", "heading_path")
        }
        answers.append(
            kept
            | {"form": "" if not form or not trained_forms else "seen" if form in trained_forms else "unseen"}
            | {"instruction": row["instruction"], "reference": row["output"]}
            | {name: results[name][i] for name in ("base", "tuned")}
        )
    metrics = summarise(
        answers,
        base_model=record.get("base_model") or base,
        adapter=folder.name,
        leakage=leakage,
        settings=asdict(settings) | {"decoding": "greedy"},
    )
    write_text(run.answers, jsonl(answers))
    write_json(run.metrics, metrics)
    return metrics, answers


def tuned_folder(run: Run) -> tuple[Path, dict[str, Any]]:
    """The folder of the run's adapter or model, and what it was trained on.

    Raises:
        WorkspaceError: nothing was trained yet.
    """
    for folder in (run.adapter, run.full_model):
        if (folder / "config.json").is_file() or (folder / "adapter_config.json").is_file():
            return folder, read_json(folder / RECORD) if (folder / RECORD).is_file() else {}
    raise WorkspaceError(f"The run “{run.name}” has no adapter yet: start with `wukong-pipe train --run {run.name}`.")


def _test_rows(path: Path) -> list[dict[str, Any]]:
    """Test rows with every key that an answer carries on; a tutorial's instruction/output rows will do.

    Rows that do not say which section they come from count as one section: nobody knows how alike they are.
    """
    if not path.is_file():
        raise WorkspaceError(f"There are no test questions in {path}: build a dataset with some, or name --test FILE.")
    rows = []
    for number, row in enumerate(read_jsonl(path), start=1):
        where = f"{path}, row {number}"
        asked = example(row, where)
        if row.get("level", "wording") not in ("", *LEVELS):
            raise DataError(f"{where}: the level must be one of {', '.join(LEVELS)}.")
        defaults = {
            "id": f"{path.name}:{number}",
            "pair_id": f"{path.name}:{number}",
            "section_id": path.name,
            "kind": "base",
            "level": "wording",
            "lang": "zh" if is_chinese(asked.instruction + asked.output) else "en",
            "source": path.name,
            "heading_path": [path.stem],
        }
        given = {key: row[key] for key in defaults if row.get(key)}
        rows.append(defaults | given | {"instruction": asked.instruction, "output": asked.output})
    if not rows:
        raise WorkspaceError(f"{path} holds no test questions.")
    return rows


def _sample(rows: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    if limit is None or limit >= len(rows):
        return rows
    return [rows[i * len(rows) // limit] for i in range(limit)]


def _unseen(rows: list[dict[str, Any]], record: dict[str, Any], drop: bool) -> tuple[list[dict[str, Any]], str]:
    """The rows whose question the adapter was not trained on, and what to say about leakage."""
    if "questions" not in record:
        return rows, "unknown"
    trained = set(record["questions"])
    unseen = [row for row in rows if normalise(row["instruction"]) not in trained]
    leaked = len(rows) - len(unseen)
    if leaked and not drop:
        raise ModelError(
            f"The adapter was trained on {leaked} of these {len(rows)} test questions, so no score on them means "
            "anything. Train on other rows, or leave the questions out with --drop-leaked."
        )
    if not unseen:
        raise ModelError("The adapter was trained on every one of these test questions: nothing is left to test.")
    return unseen, f"dropped {leaked}" if leaked else "none"


def base_of(run: Run, record: dict[str, Any], folder: Path, wanted: str) -> str:
    """The base model of an adapter, or the `wanted` one; it must have been trained on exactly that.

    Raises:
        ModelError: it was trained on another, or does not say on which.
    """
    trained_on = record.get("base_model", "")
    base = wanted or trained_on
    if not base:
        raise ModelError(f"{folder} does not say which base model it was trained on; name it with --model.")
    base = str(run.student) if base == TINY else base
    if record and fingerprint(base) != record["base_fingerprint"]:
        raise ModelError(
            f"{folder} was trained on another base model ({trained_on}), or on other weights, than {base}; "
            "train again, or name the right one with --model."
        )
    return base


def _models(base: str, folder: Path, method: Any) -> Iterator[tuple[str, Any]]:
    """("base", …) then ("tuned", …), each as a context manager that gives the model.

    With an adapter one copy of the weights serves both: the base is the same model, the adapter switched off.
    """
    place = choose_place()
    if method == "full":
        yield "base", nullcontext(load_model(base, method, place))
        yield "tuned", nullcontext(load_model(str(folder), method, place))
        return
    model = PeftModel.from_pretrained(load_model(base, method, place), str(folder))
    yield "base", _without_adapter(model)
    yield "tuned", nullcontext(model)


@contextmanager
def _without_adapter(model: Any) -> Iterator[Any]:
    with model.disable_adapter():
        yield model


def _answers(
    model: Any,
    tokenizer: Any,
    rows: Sequence[dict[str, Any]],
    prompts: Sequence[list[dict[str, str]]],
    settings: Settings,
    name: str,
    progress: Progress,
) -> list[dict[str, Any]]:
    answers = answer_all(
        model,
        tokenizer,
        prompts,
        settings.max_new_tokens,
        settings.batch,
        lambda done, total: progress(f"{name} answers", done, total),
    )
    likely = likelihood_all(model, tokenizer, prompts, [row["output"] for row in rows], settings.batch)
    return [
        {
            "answer": answer.text,
            "stopped_by_eos": answer.stopped_by_eos,
            "loglik": likelihood.per_token,
            "loglik_per_char": likelihood.per_char,
            **score(answer.text, row["output"], row["lang"]),
        }
        for row, answer, likelihood in zip(rows, answers, likely, strict=True)
    ]


def _training_questions(run: Run, record: dict[str, Any]) -> list[str]:
    """The questions the adapter was trained on, as they were written; none where that was not the run's dataset."""
    if not (run.dataset / "train.jsonl").is_file():
        return []
    data = read_training_data(run.dataset)
    return [row.instruction for row in data.train] if data.hash == record.get("dataset_hash") else []
