"""The workflows and the Dockerfile name only targets, extras, files and versions of Python that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs_of(workflow: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    return jobs


def commands_of(workflow: Path) -> list[str]:
    return [step["run"] for job in jobs_of(workflow).values() for step in job["steps"] if "run" in step]


def test_there_is_a_workflow_for_changes_and_one_for_releases() -> None:
    assert [workflow.name for workflow in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_and_files_that_exist(workflow: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    said = "\n".join(commands_of(workflow))
    assert set(re.findall(r"\bmake ([\w-]+)", said)) <= targets
    assert all((ROOT / name).is_file() for name in re.findall(r"\bbash (\S+)", said))
    assert "make try-wheel" in said


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_the_versions_of_python_are_those_that_pyproject_says_are_tested(workflow: Path) -> None:
    said = re.compile(r"Programming Language :: Python :: (3\.\d+)").fullmatch
    (matrix,) = [job["strategy"]["matrix"] for job in jobs_of(workflow).values() if "strategy" in job]
    assert matrix["python"] == [found[1] for line in PROJECT["classifiers"] if (found := said(line))]


def test_a_release_is_published_after_the_wheel_was_tried_and_only_that_job_may_ask_for_a_token() -> None:
    jobs = jobs_of(ROOT / ".github" / "workflows" / "release.yml")
    assert (jobs["publish"]["needs"], jobs["try"]["needs"]) == ("try", "build")
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]


def test_the_image_installs_extras_that_exist_and_copies_what_is_sent() -> None:
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert {*extras.split(",")} <= {*PROJECT["optional-dependencies"]}
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in sent)
