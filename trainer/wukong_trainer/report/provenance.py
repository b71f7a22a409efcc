"""How a run was made: when, on what hardware, in what time, at what cost, and by which commands.

build.json, train/result.json and the last line of eval/history.jsonl hold it; what an older version did not note reads
“not recorded”.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from wukong_pipe.files import read_object
from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.history import history, history_of
from wukong_trainer.hardware import Hardware
from wukong_trainer.report.json_records import UnlikeError, read_as
from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.tables import NOTHING, Table
from wukong_trainer.report.words import Words, duration, filled


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildNote:
    """What build.json says of the last build."""

    seconds: float
    calls_made: int
    calls_from_journal: int
    ended: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingNote:
    """What train/result.json says of a training."""

    ended: str
    seconds: float
    first_step: int
    """The step after which a stopped training was resumed: what went before was not timed."""
    parameters: int
    trainable: int
    hardware: Hardware
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationNote:
    """What the last line of eval/history.jsonl says of an evaluation."""

    time: str
    seconds: float | None = None
    hardware: Hardware | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a run was made, as the page shows it."""

    base: str
    """The student's name, without the folder that it was in; "" where nothing was evaluated."""
    size: str
    """A sentence of its size; "" where nothing notes it."""
    steps: Table
    """A line for each of build, train and eval that the run holds."""
    commands: list[str]
    """Each once: the demo is one for all."""


def provenance(run: Run, manifest: Mapping[str, Any], metrics: Metrics | None, words: Words) -> Provenance:
    """How a run was made, from the notes of its steps.

    Raises:
        DataError: one of the files cannot be read.
    """
    build = _note(BuildNote, run.folder / "build.json")
    training = _note(TrainingNote, run.train / "result.json")
    past = history(history_of(run))[-1:] if metrics else []
    evaluation = _read(EvaluationNote, past[0]) if past else None
    lines: dict[str, list[str]] = {}
    if manifest:
        lines["made_build"] = _built(build, manifest, words)
    if run.trained or training:
        lines["made_train"] = _trained(training, words)
    if metrics:
        lines["made_eval"] = _evaluated(evaluation, metrics, words)
    columns = [words[column] for column in ("ended", "took", "cost", "made_on")]
    commands = [note.command for note in (build, training, evaluation) if note and note.command]
    return Provenance(
        _base(metrics.base_model) if metrics else "",
        _size(training, words) if training else "",
        Table(columns, [(words[name], cells) for name, cells in lines.items()]),
        [*dict.fromkeys(commands)],
    )


def _note(kind: Any, path: Path) -> Any:
    return _read(kind, read_object(path, {})) if path.is_file() else None


def _read(kind: Any, content: Mapping[str, Any]) -> Any:
    """The note; None where another version wrote it."""
    try:
        return read_as(kind, dict(content), "")
    except UnlikeError:
        return None


def _base(model: str) -> str:
    # A folder's own name says which student it is; where it stands is of no use to a reader.
    return Path(model).name if Path(model).is_absolute() else model


def _size(note: TrainingNote, words: Words) -> str:
    return words["size"].format(size=size(note.parameters), trainable=size(note.trainable))


def size(parameters: int) -> str:
    """A number of parameters as the field writes it.

    >>> size(2_131_968), size(494_032_768), size(7_615_616_512)
    ('2.13M', '494M', '7.62B')
    """
    return f"{parameters / 1e9:.3g}B" if parameters >= 1e9 else f"{parameters / 1e6:.3g}M"


def _built(note: BuildNote | None, manifest: Mapping[str, Any], words: Words) -> list[str]:
    took = duration(note.seconds, words) if note else words["unrecorded"]
    if note and note.calls_from_journal:
        calls = note.calls_made + note.calls_from_journal
        took += filled(words["took_journal"], n=note.calls_from_journal, calls=calls)
    teacher = manifest.get("teacher")
    named = teacher if isinstance(teacher, dict) else {"model": teacher}
    is_embedded = named.get("language_model") is False
    model = str(named.get("model") or words["unrecorded"])
    return [
        _minute(note.ended if note else "", words),
        took,
        _cost(manifest, not is_embedded, words),
        words["embedded"].format(model=model) if is_embedded else model,
    ]


def _cost(manifest: Mapping[str, Any], is_paid: bool, words: Words) -> str:
    """What all calls that the dataset rests on cost together, whenever they were made."""
    total: dict[str, Decimal] = {}
    for stage in (manifest.get("calls") or {}).values():
        used = stage.get("used") if isinstance(stage, dict) else None
        for currency, amount in ((used or {}).get("cost") or {}).items():
            try:
                total[currency] = total.get(currency, Decimal()) + Decimal(amount)
            except InvalidOperation:
                return words["unrecorded"]
    if total:
        return words["comma"].join(f"{amount.normalize():f} {currency}" for currency, amount in total.items())
    return words["unpriced"] if is_paid else NOTHING


def _trained(note: TrainingNote | None, words: Words) -> list[str]:
    if note is None:
        return [words["unrecorded"], words["unrecorded"], NOTHING, words["unrecorded"]]
    took = duration(note.seconds, words)
    if note.first_step:
        took += words["took_since"].format(step=note.first_step)
    return [_minute(note.ended, words), took, NOTHING, _hardware(note.hardware, words)]


def _evaluated(note: EvaluationNote | None, metrics: Metrics, words: Words) -> list[str]:
    took = words["unrecorded"] if note is None or note.seconds is None else duration(note.seconds, words)
    cost = words["unrecorded"] if metrics.judge or metrics.grades else NOTHING
    return [_minute(note.time if note else "", words), took, cost, _hardware(note.hardware if note else None, words)]


def _hardware(hardware: Hardware | None, words: Words) -> str:
    if hardware is None:
        return words["unrecorded"]
    threads = filled(words["threads"], n=hardware.threads) if hardware.device == "cpu" else ""
    return words["comma"].join(filter(None, (hardware.name, threads, hardware.precision)))


def _minute(time: str, words: Words) -> str:
    """ "2026-11-29 21:04 UTC" of "2026-11-29T21:04:11+00:00"."""
    return f"{time[:16].replace('T', ' ')} UTC" if time else words["unrecorded"]
