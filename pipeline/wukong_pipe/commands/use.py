"""What `ask` and `export` do once their options are read; the heavy imports stand inside the functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from wukong_pipe.errors import DataError
from wukong_pipe.extras import training_installed
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.use.export import Exported


def run_ask(run: Run, question: str, *, base: bool, model: str, max_new_tokens: int) -> dict[str, Any]:
    """The tuned model's answer to a question, and its base's where that is asked for.

    Returns:
        {"run", "base_model", "question", "tuned": {"answer", "stopped_by_eos"}, and "base": the same}

    Raises:
        DataError: the question is empty or no text.
        WukongError: see `wukong_trainer.use.tuned_model.load_tuned`.
    """
    if not question.strip() or re.search("[\ud800-\udfff]", question):
        raise DataError("The question is empty, or no UTF-8 text.")
    with training_installed():
        from wukong_trainer.use.tuned_model import ask, ask_base, load_tuned
    tuned = load_tuned(run, model)
    answers = {"tuned": ask(tuned, question.strip(), max_new_tokens)}
    if base:
        answers["base"] = ask_base(tuned, question.strip(), max_new_tokens)
    return {
        "run": run.name,
        "base_model": tuned.record.get("base_model") or tuned.base,
        "question": question.strip(),
        **{name: {"answer": said.text, "stopped_by_eos": said.stopped_by_eos} for name, said in answers.items()},
    }


def show_answers(asked: Mapping[str, Any], out: Console, err: Console) -> None:
    """The answer alone on stdout, or base and tuned side by side; that one was cut goes to stderr."""
    if "base" in asked:
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for name in ("base", "tuned"):
            table.add_column(name, overflow="fold", ratio=1)
        table.add_row(*(asked[name]["answer"] for name in ("base", "tuned")))
        out.print(table)
    else:
        out.print(asked["tuned"]["answer"])
    cut = [name for name in ("base", "tuned") if name in asked and not asked[name]["stopped_by_eos"]]
    if cut:
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
