"""What `eval` and `report` do once their options are read; the heavy imports stand inside the functions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wukong_pipe import offline
from wukong_pipe.build import written_freely
from wukong_pipe.errors import WorkspaceError
from wukong_pipe.extras import training_installed
from wukong_pipe.invented import invented, sources_of
from wukong_pipe.train_command import Progress
from wukong_pipe.workspace import Run, Workspace, read_json


def run_eval(
    workspace: Workspace,
    run: Run,
    settings: Mapping[str, Any],
    *,
    test: Path | None,
    model: str,
    progress: Progress,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compare base and tuned on the held-out questions.

    Raises:
        WukongError: see `wukong_trainer.evaluate.evaluate`.
    """
    with training_installed():
        from wukong_trainer.evaluate import Settings, evaluate
    with workspace.writing():
        workspace.remember(run)
        text_of = sources_of(run)

        def invented_in(answer: str, row: dict[str, Any]) -> list[str] | None:
            source = text_of(row["source"])
            return None if source is None else invented(answer, row["instruction"], source, row["lang"])

        return evaluate(
            run,
            Settings(**settings),
            test=test,
            base_model=model,
            form_of=offline.form_of if asked_by_template(run) else written_freely,
            invented_in=invented_in,
            progress=lambda step, done, total: progress(step, done, total, ""),
        )


def asked_by_template(run: Run) -> bool:
    """Whether the run's questions are the embedded teacher's: others may look like a template by chance."""
    return run.manifest.is_file() and not read_json(run.manifest)["teacher"]["language_model"]


def run_report(workspace: Workspace, run: Run) -> Path:
    """Write report.html.

    Raises:
        WukongError: there is nothing to report on, or a file of the run cannot be read.
    """
    with training_installed():
        from wukong_trainer.report import write_report
    if not run.folder.is_dir():
        raise WorkspaceError(
            f"There is no run “{run.name}” in {workspace.folder}: start with `wukong-pipe build PATH`."
        )
    with workspace.writing():
        workspace.remember(run)
        return write_report(run)


def evaluation_table(metrics: dict[str, Any], answers: list[dict[str, Any]]) -> Any:
    from wukong_trainer.answers_table import answers_table

    return answers_table(metrics, answers)
