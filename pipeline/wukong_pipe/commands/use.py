"""What `ask` and `export` do once their options are read; the heavy imports stand inside the functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from wukong_pipe.errors import DataError
from wukong_pipe.extras import training_installed
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.inference.generate import Answer
    from wukong_trainer.use.export import Exported


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question to a run's tuned model with its answer, and its base's where that was asked for."""

    run: str
    base_model: str
    question: str
    tuned: Answer
    base: Answer | None

    def to_json(self) -> dict[str, Any]:
        """What `ask --json` prints.

        {"run": "blackwukong", "base_model": "Qwen/Qwen2.5-7B-Instruct", "question": "出云棍怎样获得？",
         "tuned": {"answer": "击败石先锋后获得。", "stopped_by_eos": true}}
        """
        answers = {
            name: {"answer": answer.text, "stopped_by_eos": answer.stopped_by_eos}
            for name, answer in (("tuned", self.tuned), ("base", self.base))
            if answer is not None
        }
        return {"run": self.run, "base_model": self.base_model, "question": self.question, **answers}


def run_ask(run: Run, question: str, *, base: bool, model: str, max_new_tokens: int) -> AskedQuestion:
    """The tuned model's answer to a question, and its base's where that is asked for.

    Args:
        model: the base model, where it is not the one that the adapter names.

    Raises:
        DataError: the question is empty or no text.
        WukongError: see `wukong_trainer.use.tuned_model.load_tuned`.
    """
    if not question.strip() or re.search("[\ud800-\udfff]", question):
        raise DataError("The question is empty, or no UTF-8 text.")
    with training_installed():
        from wukong_trainer.use.tuned_model import ask, ask_base, load_tuned
    tuned, question = load_tuned(run, model), question.strip()
    return AskedQuestion(
        run=run.name,
        base_model=tuned.record.get("base_model") or tuned.base,
        question=question,
        tuned=ask(tuned, question, max_new_tokens),
        base=ask_base(tuned, question, max_new_tokens) if base else None,
    )


def show_answers(asked: AskedQuestion, out: Console, err: Console) -> None:
    """The answer alone on stdout, or base and tuned side by side; that one was cut goes to stderr."""
    answers = {"tuned": asked.tuned}
    if asked.base is None:
        out.print(asked.tuned.text)
    else:
        answers = {"base": asked.base, **answers}
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for name in answers:
            table.add_column(name, overflow="fold", ratio=1)
        table.add_row(*(answer.text for answer in answers.values()))
        out.print(table)
    if cut := [name for name, answer in answers.items() if not answer.stopped_by_eos]:
        err.print(f"Cut at --max-new-tokens: {', '.join(cut)}.", style="dim")


def run_export(workspace: Workspace, run: Run, out: Path | None, *, overwrite: bool, model: str) -> Exported:
    """Merge the run's adapter into its base and save the result, by default in the run's folder.

    Raises:
        WukongError: see `wukong_trainer.use.export.export`.
    """
    with training_installed():
        from wukong_trainer.use.export import export
    with workspace.writing():
        return export(run, out or run.merged, overwrite=overwrite, base_model=model)


def export_lines(exported: Exported) -> list[str]:
    """What an export wrote and how it compares with the adapter, for the terminal."""
    return [
        f"Merged: {exported.folder}, {exported.size / 1e6:,.1f} MB of bf16 safetensors with tokenizer and template.",
        f"Against the adapter on the same bf16 base: logits differ by {exported.largest_difference:.2g} at most "
        f"(their spread is {exported.spread:.2g}); {exported.same_answers} of {exported.questions} greedy answers "
        "are the same.",
        f"Against the adapter as it was trained and evaluated: {exported.same_as_trained} of {exported.questions} "
        "answers are the same.",
        "For llama.cpp and Ollama, its convert_hf_to_gguf.py reads this folder.",
    ]
