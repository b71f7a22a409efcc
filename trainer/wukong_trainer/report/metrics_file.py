"""metrics.json read as `Metrics`; a file of another version is an error that names the place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wukong_pipe.errors import DataError
from wukong_pipe.files import read_object
from wukong_trainer.evaluation.records import SIDES
from wukong_trainer.report.json_records import UnlikeError, read_as
from wukong_trainer.report.metrics_records import Level, LevelPart, Metrics
from wukong_trainer.scoring.figures import engine_of, sample_of
from wukong_trainer.scoring.scores import PRIMARY


def _check_sides(level: Level, place: str) -> None:
    """What is kept by side must be there for both, and the primary score among the scores.

    Raises:
        UnlikeError: it is not.
    """
    parts: list[LevelPart] = [level, *level.by_form.values(), *level.by_kind.values()]
    for part in parts:
        if PRIMARY not in part.base or PRIMARY not in part.tuned:
            raise UnlikeError(f"{place} › {PRIMARY}")
        by_side: list[Mapping[str, Any]] = [part.wilson95, *level.corpus_bleu.values()]
        if not all(side in each for side in SIDES for each in by_side):
            raise UnlikeError(f"{place} › {' or '.join(SIDES)}")


def read_metrics(path: Path) -> Metrics:
    """The evaluation in a file.

    Raises:
        DataError: the file cannot be read, or another version wrote it.
    """
    return metrics_of(read_object(path, {}), path)


def metrics_of(content: Mapping[str, Any], path: Path = Path("metrics.json")) -> Metrics:
    """The evaluation in the content of metrics.json.

    Args:
        path: the file that an error names.

    Raises:
        DataError: a value is missing or of another kind, as in a file of another version.
    """
    try:
        levels = read_as(dict[str, Any], content.get("levels"), "levels")
        read_as(dict[str, Any], content.get("settings"), "settings")
        derived = {"sample": sample_of(content), "engine": engine_of(content)}
        present = {name: level for name, level in levels.items() if level}
        metrics: Metrics = read_as(Metrics, {**content, **derived, "levels": present}, "")
        for name, level in metrics.levels.items():
            _check_sides(level, f"levels › {name}")
    except UnlikeError as error:
        raise DataError(f"{path} lacks “{error}”: run “wukong-pipe eval” again.") from None
    if metrics.primary.n and metrics.primary.level not in metrics.levels:
        raise DataError(f"{path} lacks the level “{metrics.primary.level}”: run “wukong-pipe eval” again.")
    return metrics
