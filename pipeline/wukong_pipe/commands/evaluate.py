"""What `eval` and `report` do once their options are read; the heavy imports stand inside the functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.commands.build import Progress
from wukong_pipe.commands.evaluation_sources import RunSources
from wukong_pipe.commands.teacher_choice import TeacherChoice
from wukong_pipe.edits.reviewed import reviewed
from wukong_pipe.errors import BelowThreshold, DataError, ModelError, WorkspaceError
from wukong_pipe.extras import training_installed
from wukong_pipe.files import read_object
from wukong_pipe.workspace import MANIFEST, Run, Workspace
from wukong_trainer.scoring.figures import sampled

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wukong_trainer.evaluation.settings import Settings


def run_eval(
    workspace: Workspace,
    run: Run,
    settings: Settings,
    *,
    test: Path | None,
    model: str,
    progress: Progress,
    rivals: Sequence[str] = (),
    judge: TeacherChoice | None = None,
    encoding: str = "utf-8",
    say: Callable[[str], None] = lambda line: None,
    command: str = "",
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Compare base and tuned on the held-out questions.

    Args:
        rivals: names of other runs here, or model ids and folders, that are asked the same questions.
        judge: the teacher that grades the answers, and says which of two is better.
        encoding: of the sources, where their text is needed.
        say: told what the user must know while the judge is asked.
        command: that the user gave, for eval/history.jsonl.

    Raises:
        WorkspaceError: the bound is wanted, and the sources are gone.
        WukongError: see `wukong_trainer.evaluation.evaluate.evaluate` and `judging.judging`.
    """
    with training_installed():
        from wukong_trainer.evaluation.evaluate import evaluate
    from wukong_pipe.commands.judging import judging

    with workspace.writing():
        workspace.remember(run)
        # Before anything is asked: a missing key must not be found out after the models have answered.
        judge_of_run = judging(workspace, run, judge, progress, say) if judge else nullcontext(None)
        with judge_of_run as asked_judge:
            sources = RunSources(run, encoding, asked_judge)
            if settings.open_book and not sources.sections:
                raise WorkspaceError(
                    f"--open-book needs the sources of the run “{run.name}”, and none that its build noted can be "
                    "read: put them back, or build again; answers are not paid twice."
                )
            return evaluate(
                run,
                settings,
                sources,
                test=test,
                base_model=model,
                rivals=[_rival(workspace, name) for name in rivals],
                progress=paced(progress),
                command=command,
            )


def _rival(workspace: Workspace, name: str) -> Run | str:
    """The run of that name, or else the model.

    Raises:
        ModelError: it is neither a run here nor a folder, and no Hugging Face id either.
    """
    if "/" not in name and workspace.run(name).folder.is_dir():
        return workspace.run(name)
    if "/" not in name and not Path(name).is_dir():
        raise ModelError(
            f"--against {name}: there is no such run in {workspace.folder}; give a run, a model's folder or OWNER/NAME."
        )
    return name


def paced(progress: Progress) -> Callable[[str, int, int], None]:
    """`progress` with the rate and the time left in its note; what was known before it began counts for neither."""
    started: dict[str, tuple[float, int]] = {}

    def tell(step: str, done: int, total: int) -> None:
        begun, before = started.setdefault(step, (time.monotonic(), done))
        seconds = time.monotonic() - begun
        if done <= before or not seconds:
            progress(step, done, total, "")
            return
        rate = (done - before) / seconds
        left = f", {(total - done) / rate:.0f} s left" if done < total else ""
        progress(step, done, total, f"{rate:.1f}/s{left}")

    return tell


def manifest_of(run: Run) -> dict[str, Any]:
    """What the run's build wrote about its dataset; nothing where there is none to read."""
    with suppress(DataError):
        return read_object(run.manifest, MANIFEST) if run.manifest.is_file() else {}
    return {}


def past_evaluations(run: Run) -> list[dict[str, Any]]:
    """The evaluations of a run, oldest first.

    Raises:
        DataError: the history cannot be read.
    """
    with training_installed("report"):
        from wukong_trainer.evaluation.history import history, history_of
    return history(history_of(run))


def check_threshold(metrics: Mapping[str, Any], least: float | None) -> None:
    """Refuse a tuned model whose primary score is under `least`.

    Raises:
        BelowThreshold: it is, or no question of the primary level was asked.
    """
    if least is None:
        return
    primary = metrics["primary"]
    if not primary["n"]:
        raise BelowThreshold(f"--fail-under {least:g}: no question of the level “{primary['level']}” was asked.")
    if primary["tuned"] < least:
        raise BelowThreshold(
            f"The tuned model answers {primary['tuned']:.3f} of {primary['n']} held-out questions rightly "
            f"({primary['metric']}){sampled(metrics.get('sample'))}, and --fail-under asks for {least:g}."
        )


def run_report(workspace: Workspace, run: Run) -> Path:
    """Write report.html.

    Raises:
        WukongError: there is nothing to report on, or a file of the run cannot be read.
    """
    with training_installed("report"):
        from wukong_trainer.report.page import write_report
    with workspace.writing():
        workspace.remember(run)
        return write_report(run, reviewed(run).counts)


def evaluation_table(metrics: dict[str, Any], answers: list[dict[str, Any]]) -> RenderableType:
    """The scores and some answers side by side."""
    from wukong_trainer.report.answers_table import answers_table
    from wukong_trainer.report.metrics_file import metrics_of

    table: RenderableType = answers_table(metrics_of(metrics), answers)
    return table
