"""README.md of an adapter or tuned model: what it is, what it was trained on, what it scores, and how to use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wukong_pipe.files import read_json, write_text
from wukong_pipe.printable import printable
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.models.known_models import KnownModel
from wukong_trainer.models.locating import known_model
from wukong_trainer.recipe import TINY
from wukong_trainer.scoring.figures import in_points, percent

OURS = "<!-- Made by wukong-pipe, which writes it anew after an evaluation; without this line it stays as it is. -->"
_SHOWN = ("rows", "steps", "loss", "eval_loss", "lowest eval_loss", "trainable", "computed on", "versions")
"""Facts at the head of recipe.toml that the card repeats; the others may name places of this machine."""
_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?")

USE = """```python
{imports}

folder = "."  # this one
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {load}
messages = {messages}
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answer = model.generate(**inputs, max_new_tokens=256, do_sample=False)[0, inputs["input_ids"].shape[1]:]
print(tokenizer.decode(answer, skip_special_tokens=True))
```"""


def write_card(run: Run) -> None:
    """Write the card of the run's adapter or model, in the place of PEFT's blank one or an earlier one of ours.

    Raises:
        DataError: a file of the run cannot be read.
        WorkspaceError: the card cannot be written.
    """
    folder = run.adapter if run.adapter.is_dir() else run.full_model
    card = folder / "README.md"
    if card.is_file() and OURS not in (there := card.read_text("utf-8", errors="replace")) and PEFTS not in there:
        return
    record = read_json(folder / RECORD) if (folder / RECORD).is_file() else {}
    recipe = run.train / "recipe.toml"
    metrics = read_json(run.metrics) if run.metrics.is_file() else {}
    write_text(card, model_card(run.name, record, recipe.read_text("utf-8") if recipe.is_file() else "", metrics))


PEFTS = "Model Card for Model ID"
"""In the blank card that PEFT saves with an adapter."""


def model_card(name: str, record: Mapping[str, Any], recipe: str, metrics: Mapping[str, Any]) -> str:
    """The card's Markdown, with the metadata that Hugging Face reads; no path of this machine is in it.

    Args:
        record: what the model was trained on, as it stands in wukong.json.
        recipe: the text of recipe.toml, with the run's facts as comments; empty where there is none.
        metrics: metrics.json; empty where nothing was evaluated.
    """
    full, questions = record.get("method") == "full", len(record.get("questions", []))
    base = str(record.get("base_model", ""))
    known = known_model(base)
    hub = known.hub if known else base if _on_hub(base) else ""
    shown = known.title if known else hub or _name_of(base)
    head = ["---", *([f"base_model: {hub}"] if hub else []), "pipeline_tag: text-generation"]
    head += [f"library_name: {'transformers' if full else 'peft'}", "tags:", "- wukong-pipe", "---", OURS]
    facts = dict(re.findall(r"^# ([^:\n]+): (.*)$", recipe, re.MULTILINE))
    settings = [line for line in recipe.splitlines() if line and not line.startswith(("#", "model = "))]
    what = "All weights of" if full else f"An adapter ({record.get('method', 'lora')}) of"
    lines = [
        *head,
        "",
        f"# {name}",
        "",
        f"{what} {shown}, tuned on question-answer rows by wukong-pipe.",
        "",
        "## Use",
        "",
        "Template and system prompt are those of the training; with others it answers worse.",
        "",
        _use(record, None if full else hub or ("../student" if base == TINY else f"…/{shown}")),
        "",
        f"System prompt: {_code(str(record.get('system', '')) or 'none')}.",
        "" if full or hub else f"The adapter needs its base, {shown}: say where that is.",
        _copy(known, full) if known and base != hub else "",
        "",
        "## Training",
        "",
        f"- data: {questions} different questions, hash `{record.get('dataset_hash', 'unknown')}`",
        *(f"- {key}: {printable(facts[key])}" for key in _SHOWN if key in facts),
        "",
        *(["```toml", *settings, "```", ""] if settings else []),
        "## Evaluation",
        "",
        *_evaluation(metrics),
        "",
        "## Licence and limits",
        "",
        _licence(known),
        "",
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _on_hub(base: str) -> bool:
    return _HUB_ID.fullmatch(base) is not None and base != TINY and not Path(base).exists()


def _name_of(base: str) -> str:
    """What a base model that is on no hub is called to readers."""
    return "the embedded student of wukong-pipe" if base == TINY else Path(base).name or "a local model"


def _copy(known: KnownModel, full: bool) -> str:
    other = "" if full else " On the hub's weights the adapter can answer a little otherwise."
    return (
        f"It was trained on a quantised copy of {known.hub}, {known.file}, dequantised; `--model {known.name}` of "
        f"wukong-pipe finds the same.{other}"
    )


def _licence(known: KnownModel | None) -> str:
    base = f"The base model's licence: {known.licence}. " if known else ""
    return (
        f"{base}This one's licence is not known to the program that wrote this: it follows from those of the base and "
        "of the documents behind the rows. The model answers as it was trained, also where its documents were wrong, "
        "and invents answers to questions that they do not answer."
    )


def _use(record: Mapping[str, Any], base: str | None) -> str:
    """Python that asks the model; `base` is what its adapter is loaded onto, None for a model that is whole."""
    turns = [{"role": "system", "content": record["system"]}] if record.get("system") else []
    turns += [{"role": "user", "content": "…"}]
    imports = "from transformers import AutoModelForCausalLM, AutoTokenizer"
    load = "AutoModelForCausalLM.from_pretrained(folder)"
    if base is not None:
        imports = f"from peft import PeftModel\n{imports}"
        load = f"PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({base!r}), folder)"
    return USE.format(imports=imports, load=load, messages=turns)


def _evaluation(metrics: Mapping[str, Any]) -> list[str]:
    primary = metrics.get("primary", {})
    if not primary.get("n"):
        return ["Not evaluated yet."]
    sample = metrics.get("sample") or {}
    part = f", a sample of {sample['of']}," if "of" in sample else ""
    lines = [
        f"On {primary['n']} held-out questions{part} ({primary['level']}, {primary['metric']}) the base answered "
        f"{percent(primary['base'])} rightly and this model {percent(primary['tuned'])}: {primary['verdict']} "
        f"({in_points(primary)}). Leakage: {metrics.get('leakage', 'unknown')}.",
    ]
    if control := metrics.get("levels", {}).get("section", {}).get("explanation"):
        lines.append(f"The control: {control}")
    return lines


def _code(text: str) -> str:
    return "`" + " ".join(printable(text).replace("`", "'").split()) + "`"
