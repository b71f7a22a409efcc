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


def _check_sides(level: Level, place: str) -> None:
    """What is kept by side must be there for both, and the score that a part is about among its scores.

    Raises:
        UnlikeError: it is not.
    """
    parts: list[LevelPart] = [
        level,
        *level.by_form.values(),
        *level.by_kind.values(),
        *level.by_nearness.values(),
    ]
    for part in parts:
        _check_part(part, place)
    if not all(side in each for side in SIDES for each in level.corpus_bleu.values()):
        raise UnlikeError(f"{place} › {' or '.join(SIDES)}")


def _check_part(part: LevelPart, place: str) -> None:
    if part.metric not in part.base or part.metric not in part.tuned:
        raise UnlikeError(f"{place} › {part.metric}")
    if not all(side in part.wilson95 for side in SIDES):
        raise UnlikeError(f"{place} › {' or '.join(SIDES)}")


def _with_metric(levels: dict[str, Any], metric: str) -> dict[str, Any]:
    """The levels, each with the score that it is about: earlier versions named it only in `primary`."""
    return {name: _part_with_metric(level, metric) for name, level in levels.items() if level}


def _part_with_metric(part: Any, metric: str) -> Any:
    if not isinstance(part, dict):
        return part
    inner = {name: _with_metric(part[name], metric) for name in _PARTS if isinstance(part.get(name), dict)}
    return {"metric": metric, **part, **inner}


_PARTS = ("by_form", "by_kind", "by_nearness")


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
        metric = str(read_as(dict[str, Any], content.get("primary"), "primary").get("metric", ""))
        metrics: Metrics = read_as(Metrics, {**content, **derived, "levels": _with_metric(levels, metric)}, "")
        for name, level in metrics.levels.items():
            _check_sides(level, f"levels › {name}")
        for name, groups in metrics.groups.items():
            for part in filter(None, (groups.polar, groups.explained, *groups.explained_by_kind.values())):
                _check_part(part, f"groups › {name}")
    except UnlikeError as error:
        raise DataError(f"{path} lacks “{error}”: run “wukong-pipe eval” again.") from None
    if metrics.primary.n and metrics.primary.level not in metrics.levels:
        raise DataError(f"{path} lacks the level “{metrics.primary.level}”: run “wukong-pipe eval” again.")
    return metrics
