"""README.md of an adapter or tuned model: what it is, what it was trained on, what it scores, and how to use it."""

from __future__ import annotations

import re
from pathlib import Path

from wukong_pipe.files import write_text
from wukong_pipe.printable import printable
from wukong_pipe.workspace import Run
from wukong_trainer.models.card_data import about_data
from wukong_trainer.models.card_evaluation import languages, limits, model_index, scores
from wukong_trainer.models.card_use import use
from wukong_trainer.models.known_models import KnownModel
from wukong_trainer.models.model_facts import Form, ModelFacts
from wukong_trainer.scoring.figures import percent

OURS = "<!-- Made by wukong-pipe, which writes it anew after an evaluation; without this line it stays as it is. -->"
_SHOWN = ("rows", "steps", "loss", "eval_loss", "lowest eval_loss", "trainable", "computed on", "versions")
"""Facts at the head of recipe.toml that the card repeats; the others may name places of this machine."""


def write_card(run: Run) -> None:
    """Write the card of the run's adapter or model, in the place of PEFT's blank one or an earlier one of ours.

    Raises:
        DataError: a file of the run cannot be read.
        WorkspaceError: the card cannot be written.
    """
    folder = run.adapter if run.adapter.is_dir() else run.full_model
    card = folder / "README.md"
    if not is_own(card):
        write_text(card, model_card(ModelFacts.of(run, folder)))


def is_own(card: Path) -> bool:
    """Whether somebody wrote the card in words of their own: then it stays as it is."""
    if not card.is_file():
        return False
    there = card.read_text("utf-8", errors="replace")
    return OURS not in there and PEFTS not in there


PEFTS = "Model Card for Model ID"
"""In the blank card that PEFT saves with an adapter."""


def model_card(facts: ModelFacts) -> str:
    """The card's Markdown, with the metadata that Hugging Face reads; no path of this machine is in it."""
    known, trained = facts.known, facts.trained
    settings = [line for line in facts.recipe.splitlines() if line and not line.startswith(("#", "model = "))]
    lines = [
        "---",
        *_metadata(facts),
        "---",
        OURS,
        "",
        f"# {facts.name}",
        "",
        f"{_what(facts)} {facts.shown_base}, tuned on question-answer rows by wukong-pipe.",
        "",
        "## Use",
        "",
        "Template and system prompt are those of the training; with others it answers worse.",
        "",
        *use(facts),
        "",
        f"System prompt: {_code(str(facts.record.get('system', '')) or 'none')}.",
        f"The adapter needs its base, {facts.shown_base}: say where that is."
        if facts.form == "adapter" and not facts.hub_base
        else "",
        _copy(known, facts.form) if known and facts.base != facts.hub_base else "",
        "",
        "## Training",
        "",
        *about_data(facts.record, trained, facts.manifest),
        *(f"- {key}: {printable(trained[key])}" for key in _SHOWN if key in trained),
        "",
        *(["```toml", *settings, "```", ""] if settings else []),
        "## Evaluation",
        "",
        *scores(facts.metrics),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in [*_as_asked(facts), *limits(facts.metrics)]),
        "- It answers as it was trained, also where its documents were wrong, and invents answers to questions that "
        "they do not answer.",
        "",
        "## Licence",
        "",
        _licence(facts),
        "",
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _metadata(facts: ModelFacts) -> list[str]:
    relation = {"adapter": "adapter", "gguf": "quantized"}.get(facts.form, "finetune")
    library = {"adapter": "peft", "gguf": "gguf"}.get(facts.form, "transformers")
    asked = languages(facts.metrics)
    return [
        *([f"base_model: {facts.hub_base}", f"base_model_relation: {relation}"] if facts.hub_base else []),
        "pipeline_tag: text-generation",
        f"library_name: {library}",
        # Quoted: YAML takes no and 1.0 for other things than text.
        *([f'license: "{facts.licence}"'] if facts.licence else []),
        *(["language:", *(f"- {lang}" for lang in asked)] if asked else []),
        "tags:",
        "- wukong-pipe",
        *(model_index(facts.name, facts.metrics) if _was_scored(facts) else []),
    ]


def _was_scored(facts: ModelFacts) -> bool:
    """Whether the scores are of these weights, in their precision: a merged model is bf16, and `eval` asks no GGUF."""
    precision = facts.metrics.get("settings", {}).get("precision")
    return facts.form in ("adapter", "full") or (facts.form == "merged" and precision == "bfloat16")


def _what(facts: ModelFacts) -> str:
    method = facts.record.get("method", "lora")
    whole = "all weights of" if method == "full" else f"an adapter ({method}) merged into its base,"
    return {
        "adapter": f"An adapter ({method}) of",
        "full": "All weights of",
        "merged": whole[0].upper() + whole[1:],
        "gguf": f"A GGUF of {whole}",
    }[facts.form]


def _copy(known: KnownModel, form: Form) -> str:
    other = " On the hub's weights the adapter can answer a little otherwise." if form == "adapter" else ""
    return (
        f"It was trained on a quantised copy of {known.hub}, {known.file}, dequantised; `--model {known.name}` of "
        f"wukong-pipe finds the same.{other}"
    )


def _as_asked(facts: ModelFacts) -> list[str]:
    """What the scores are of, where that is not what the card is of."""
    if facts.form == "merged" and (merged := facts.record.get("merged")):
        return [
            "The scores are of the model as it was trained; these weights, in bf16, gave the same answer to "
            f"{merged['same_as_trained']} of {merged['questions']} questions."
        ]
    if facts.form != "gguf":
        return []
    check = facts.record["gguf"]["check"]
    said = (
        "The scores are of the model as it was trained, in transformers; this file, in llama.cpp, gave the same answer "
        f"as that in bf16 to {check['same_answers']} of {check['questions']} questions"
    )
    if hits := check["fact_hits"]:
        said += (
            f", and answered {percent(hits['llama_cpp'])} of {hits['questions']} rightly where that answered "
            f"{percent(hits['transformers'])}"
        )
    return [f"{said}."]


def _licence(facts: ModelFacts) -> str:
    base = f"The base model's licence: {facts.known.licence}. " if facts.known else ""
    if facts.licence:
        return f"{base}This one's, as its publisher says: {facts.licence}."
    return (
        f"{base}This one's licence is not known to the program that wrote this: it follows from those of the base and "
        "of the documents behind the rows."
    )


def _code(text: str) -> str:
    return "`" + " ".join(printable(text).replace("`", "'").split()) + "`"
