"""metrics.json is read whole or refused with the cure: what is missing is named, never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.answered import add_further_files, make_run
from wukong_pipe.errors import DataError
from wukong_trainer.report.metrics_file import metrics_of, read_metrics


@pytest.fixture
def content(tmp_path: Path) -> Any:
    """All that an evaluation writes."""
    run = make_run(tmp_path)
    add_further_files(run)
    return json.loads(run.metrics.read_text("utf-8"))


def test_every_block_of_an_evaluation_is_read(content: dict[str, Any]) -> None:
    metrics = metrics_of(content)
    assert metrics.levels["wording"].by_form["unseen"].tuned["f1"] == 1.0
    assert metrics.judge is not None
    assert metrics.judge.levels["wording"].n == 9
    assert metrics.against is not None
    assert metrics.against.models[0].levels["wording"].ci95 == tuple(
        content["against"]["models"][0]["levels"]["wording"]["ci95"]
    )


def test_a_level_without_questions_is_not_there(content: dict[str, Any]) -> None:
    content["levels"]["section"] = {}
    assert list(metrics_of(content).levels) == ["wording", "question"]


@pytest.mark.parametrize("name", ["primary", "levels", "leakage", "settings"])
def test_what_is_missing_is_named_with_the_cure(content: dict[str, Any], tmp_path: Path, name: str) -> None:
    del content[name]
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"metrics\.json lacks “{name}”: run “wukong-pipe eval” again\."):
        read_metrics(file)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"judge": {"wins": 3}}, "judge › n"),
        ({"judge": 3}, "judge"),
        ({"open_book": {"cut": 0, "missing": 0, "levels": {"wording": {}}}}, "open_book › levels › wording › n"),
        ({"leak_check": {"audit": "stands", "closest": "0.5"}}, "leak_check › closest"),
        ({"against": {"first": "a", "models": {}}}, "against › models"),
        ({"settings": "x"}, "settings"),
    ],
)
def test_a_block_of_another_version_is_named_by_its_place(
    content: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    with pytest.raises(DataError, match=f"lacks “{place}”"):
        metrics_of(content | change)


@pytest.mark.parametrize(
    ("part", "key"), [("base", "fact_hit"), ("tuned", "fact_hit"), ("wilson95", "tuned"), ("wilson95", "base")]
)
def test_both_sides_of_a_level_must_be_there(content: dict[str, Any], part: str, key: str) -> None:
    del content["levels"]["wording"][part][key]
    with pytest.raises(DataError, match="lacks “levels › wording › "):
        metrics_of(content)


def test_an_endless_number_is_none(content: dict[str, Any]) -> None:
    content["levels"]["wording"]["base"]["f1"] = float("inf")
    with pytest.raises(DataError, match="lacks “levels › wording › base › f1”"):
        metrics_of(content)


def test_a_verdict_of_a_level_that_is_not_there_is_named_with_the_cure(content: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"metrics\.json lacks the level “wording”: run “wukong-pipe eval” again\."):
        metrics_of(content | {"levels": {}})


def of_an_earlier_version(content: Any) -> Any:
    """The same, as a version wrote it that named its score in `primary` alone."""
    if isinstance(content, dict):
        renamed = {"key_fact_hit" if key == "fact_hit" else key: value for key, value in content.items()}
        dropped = ("groups", "facts", "cross_hit", *(() if "level" in content else ("metric",)))
        return {key: of_an_earlier_version(value) for key, value in renamed.items() if key not in dropped}
    return "key_fact_hit" if content == "fact_hit" else content


def test_an_evaluation_of_an_earlier_version_is_shown_as_it_was_scored(content: dict[str, Any]) -> None:
    metrics = metrics_of(of_an_earlier_version(content))
    assert (metrics.primary.metric, metrics.facts, metrics.groups) == ("key_fact_hit", None, {})
    wording = metrics.levels["wording"]
    assert (wording.metric, wording.mean("base"), wording.mean("tuned")) == ("key_fact_hit", 0.0, 1.0)
    assert {part.metric for part in wording.by_form.values()} == {"key_fact_hit"}


def test_grades_of_an_earlier_version_are_read_without_what_they_say_of_the_score(content: dict[str, Any]) -> None:
    shares = {"right": 0.5, "partly": 0.0, "wrong": 0.5}
    rates = {"n": 4, "sections": 4, "base": shares, "tuned": shares, "difference": 0.0, "ci95": [-0.5, 0.5]}
    grades = {"judge": "m", "n": 4, "ungraded": 0, "disagreements": 0}
    grades["levels"] = {"wording": rates | {"verdict": "no evidence", "agreement": {"base": {}, "tuned": {}}}}
    read = metrics_of(content | {"grades": grades})
    assert read.grades is not None
    assert read.grades.levels["wording"].of_score is None
