"""`wukong_trainer.evaluate`: base and tuned model on the held-out questions, and what that proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wukong_pipe.commands.build import Progress
from wukong_pipe.commands.eval_options import EvalOptions
from wukong_pipe.commands.evaluate import evaluation_table, manifest_of, run_eval
from wukong_pipe.extras import training_installed
from wukong_pipe.library.calling import Heard, as_text, of_options
from wukong_pipe.screens.evaluation import against_table, edited_facts_lines, evaluation_lines
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wukong_trainer.report.grade_records import VerdictName
    from wukong_trainer.report.metrics_records import Metrics, Primary


@dataclass(frozen=True, slots=True, repr=False)
class EvalResult:
    """A finished evaluation. Printed, it is the table that the command shows."""

    run: Run
    metrics: Metrics
    """All scores, with their intervals."""
    content: dict[str, Any]
    """The same as metrics.json holds it."""
    answers: list[dict[str, Any]]
    """The rows of answers.jsonl: each question with the answers of both models."""
    edited: tuple[str, ...] = ()
    """What a person changed of the facts that the score looks for."""
    notes: tuple[str, ...] = ()
    """What was said while it ran."""

    @property
    def primary(self) -> Primary:
        """The result that the evaluation is about: base, tuned, difference, ci95, verdict."""
        return self.metrics.primary

    @property
    def verdicts(self) -> dict[str, VerdictName | None]:
        """{"wording": "better", "question": "too few sections", "section": "no evidence"}"""
        return {name: level.verdict for name, level in self.metrics.levels.items()}

    @property
    def leakage(self) -> str:
        """ "none", "dropped N" or "unknown"."""
        return self.metrics.leakage

    def shown(self) -> list[RenderableType]:
        """What a terminal shows."""
        rivals = [against_table(self.metrics.against)] if self.metrics.against else []
        return [
            evaluation_table(self.content, self.answers),
            *evaluation_lines(self.metrics),
            *self.edited,
            *rivals,
        ]

    def summary(self) -> str:
        return as_text(*self.shown())

    def __repr__(self) -> str:
        return self.summary()


@of_options(EvalOptions)
def evaluate(options: EvalOptions) -> EvalResult:
    """Ask base and tuned model the same held-out questions, as `wukong-pipe eval` does.

    The options are those of the command, with the same names and defaults; `wukong-pipe eval --help` explains each.
    Answers are kept as they come: the same call goes on where a stopped one was.

    >>> import wukong_trainer
    >>> result = wukong_trainer.evaluate("tuned", general=0, max_new_tokens=16)
    >>> result.leakage, result.primary.level, result.primary.n == result.metrics.levels["wording"].n
    ('none', 'wording', True)
    >>> result.verdicts["wording"]
    'too few sections'
    >>> wukong_trainer.evaluate("tuned", limit=0)
    Traceback (most recent call last):
    wukong_pipe.errors.OptionError: limit=0 is none of its values: give a whole number, 1 or more.

    Raises:
        WukongError: an option is wrong, nothing was trained, or the adapter was trained on test questions.
        StoppedShort: the judge's ceiling is reached; all that the answers alone say is written.
    """
    heard = Heard(options)
    return evaluate_from(options, heard.progress, heard.say, notes=heard.lines)


def evaluate_from(
    options: EvalOptions,
    progress: Progress,
    say: Callable[[str], None],
    command: Callable[[Run], str] = lambda run: "",
    *,
    notes: list[str] | None = None,
) -> EvalResult:
    """Evaluate as the options say.

    Args:
        say: told what there is to know, line by line.
        command: what was typed, for eval/history.jsonl.
        notes: where `say` keeps its lines.

    Raises:
        WukongError: see `run_eval`.
    """
    settings = options.settings()
    options.prices()  # Half a price is an error without a judge, too.
    judge = options.choice() if options.judge else None
    workspace, run = options.run_of(options.run)
    with training_installed():
        from wukong_trainer.models.locating import located
        from wukong_trainer.report.metrics_file import metrics_of

        base = located(options.model, say) if options.model else ""
    content, answers = run_eval(
        workspace,
        run,
        settings,
        test=None if options.test is None else Path(options.test),
        model=base,
        progress=progress,
        rivals=options.rivals(),
        judge=judge,
        encoding=options.encoding,
        say=say,
        command=command(run),
    )
    edited = edited_facts_lines({} if options.test else manifest_of(run))
    return EvalResult(run, metrics_of(content), content, answers, tuple(edited), tuple(notes or ()))
