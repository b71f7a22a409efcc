"""What `export --inspect` and `export --lm-eval` do once their options are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.extras import training_installed
from wukong_pipe.language.plurals import counted
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.use.task_export import ExportedTask, Tool


def run_export_tasks(
    workspace: Workspace, run: Run, folders: Mapping[Tool, Path], encoding: str, *, overwrite: bool, drop_leaked: bool
) -> dict[Tool, ExportedTask]:
    """Write the run's held-out questions as a task of each of these tools, to its folder.

    Args:
        encoding: of the sources, whose text the score reads an answer against.

    Raises:
        WukongError: see `wukong_trainer.use.task_export.export_task`.
    """
    with training_installed():
        from wukong_trainer.use.task_export import export_task
    with workspace.writing():
        sources = RunSources(run, encoding)
        return {
            tool: export_task(run, tool, folder, sources, overwrite=overwrite, drop_leaked=drop_leaked)
            for tool, folder in folders.items()
        }


def task_lines(tasks: Mapping[Tool, ExportedTask]) -> list[str]:
    """What was written and where its use is described, for the terminal."""
    lines = []
    for tool, task in tasks.items():
        parts = ", ".join(f"{part} {count}" for part, count in task.parts.items())
        lines.append(
            f"Task {task.task} for {tool}: {task.folder}, {counted(sum(task.parts.values()), 'question')} ({parts})."
        )
        if task.leaked:
            lines.append(f"Left out: {counted(task.leaked, 'question')} that the model was trained on.")
        if "unknown" in task.leakage:
            lines.append("Not known: whether the model was trained on some of them, be it in other words.")
        if task.without_facts:
            lines.append(f"Left out: {counted(task.without_facts, 'question')} without facts, which no score is about.")
        if task.in_conversations:
            lines.append(
                f"Left out: {counted(task.in_conversations, 'question')} that go on with a conversation, which lm-eval "
                "cannot ask."
            )
    return [*lines, "How to run it, with any model, stands in its README.md."]
