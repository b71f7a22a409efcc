"""How a run was made: the notes of its steps in words, each command once, and “not recorded” where nobody noted it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.answered import make_run
from wukong_pipe.files import jsonl, write_json, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.report.metrics_file import read_metrics
from wukong_trainer.report.provenance import Provenance, provenance, size
from wukong_trainer.report.words import WORDS, duration

CPU = {"device": "cpu", "name": "AMD EPYC 9R14", "threads": 2, "precision": "bfloat16"}
GPU = {"device": "cuda", "name": "NVIDIA H200", "threads": 8, "precision": "NF4, bfloat16"}
BUILD = {"seconds": 4.2, "calls_made": 3, "calls_from_journal": 10, "ended": "2026-01-02T03:04:05+00:00"}
TRAINING = {"ended": "2026-01-02T04:04:05+00:00", "seconds": 426.4, "first_step": 0, "parameters": 7_615_616_512}
TRAINING |= {"trainable": 40_370_176, "steps": 168, "tokens_per_second": 5210.4, "hardware": GPU}
EVALUATION = {"time": "2026-01-02T05:04:05+00:00", "seconds": 7530.0, "hardware": CPU}
MANIFEST: dict[str, Any] = {"teacher": {"model": "qwen3-235b", "language_model": True}}


def noted(folder: Path, build: Any = None, training: Any = None, evaluation: Any = None) -> Run:
    run = make_run(folder)
    write_json(run.folder / "build.json", build or BUILD)
    write_json(run.train / "result.json", training or TRAINING)
    write_text(run.metrics.with_name("history.jsonl"), jsonl([{"time": "older"}, evaluation or EVALUATION]))
    return run


def made(run: Run, manifest: dict[str, Any] = MANIFEST, lang: Any = "en") -> Provenance:
    return provenance(run, manifest, read_metrics(run.metrics), WORDS[lang])


def test_date_time_cost_and_hardware_of_each_step(tmp_path: Path) -> None:
    run = noted(tmp_path)
    calls = {"base_qa": {"used": {"cost": {"USD": "0.25"}}}, "verify": {"used": {"cost": {"USD": "0.50"}}}}
    found = made(run, MANIFEST | {"calls": calls})
    assert found.steps.lines == [
        (
            "build",
            ["2026-01-02 03:04 UTC", "4.2 s (10 of 13 calls were in the journal already)", "0.75 USD", "qwen3-235b"],
        ),
        ("train", ["2026-01-02 04:04 UTC", "7 min 6 s", "–", "NVIDIA H200, NF4, bfloat16"]),
        ("eval", ["2026-01-02 05:04 UTC", "2 h 5 min", "–", "AMD EPYC 9R14, 2 threads, bfloat16"]),
    ]
    assert found.size == "The student has 7.62B parameters; 40.4M were trained."
    assert made(run, lang="zh").steps.lines[2][1][1:] == ["2 小时 5 分", "–", "AMD EPYC 9R14，2 线程，bfloat16"]


def test_a_teacher_without_prices_and_one_that_costs_nothing(tmp_path: Path) -> None:
    run = noted(tmp_path)
    assert made(run).steps.lines[0][1][2] == "no prices were given"
    embedded = {"teacher": {"model": "offline@3f5a", "language_model": False}}
    assert made(run, embedded).steps.lines[0][1][2:] == ["–", "the embedded teacher (offline@3f5a)"]
    damaged = {"calls": {"base_qa": {"used": {"cost": {"USD": "much"}}}}}
    assert made(run, MANIFEST | damaged).steps.lines[0][1][2] == "not recorded"


def test_a_resumed_training_says_from_where_its_time_counts(tmp_path: Path) -> None:
    run = noted(tmp_path, training=TRAINING | {"first_step": 60})
    assert made(run).steps.lines[1][1][1] == "7 min 6 s (after step 60, where it was resumed)"


def test_each_command_stands_once(tmp_path: Path) -> None:
    run = noted(tmp_path, BUILD | {"command": "a demo"}, TRAINING | {"command": "a demo"}, EVALUATION)
    assert made(run).commands == ["a demo"]
    run = noted(tmp_path, BUILD | {"command": "one"}, evaluation=EVALUATION | {"command": "three"})
    assert made(run).commands == ["one", "three"]


def test_what_an_older_version_did_not_note_is_not_recorded(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.adapter.mkdir()
    found = made(run)
    assert [cells[0] for _, cells in found.steps.lines] == ["not recorded"] * 3
    assert (found.size, found.commands) == ("", [])
    other_version = noted(tmp_path, training={"steps": "many"})
    assert made(other_version).steps.lines[1][1] == ["not recorded", "not recorded", "–", "not recorded"]


def test_a_folder_of_a_student_is_shown_by_its_name(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    content = run.metrics.read_text("utf-8").replace('"tiny <b>"', '"/home/me/models/Qwen2.5-7B"')
    write_text(run.metrics, content)
    assert made(run).base == "Qwen2.5-7B"


@pytest.mark.parametrize(
    ("parameters", "text"), [(2_131_968, "2.13M"), (494_032_768, "494M"), (7_615_616_512, "7.62B")]
)
def test_a_size_is_written_as_the_field_does(parameters: int, text: str) -> None:
    assert size(parameters) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599.9, "1 h 0 min")]
)
def test_a_time_has_no_sixtieth_second(seconds: float, text: str) -> None:
    assert duration(seconds, WORDS["en"]) == text
