"""The files of a tuned model that may leave this machine, with its card; no place of this machine is named in them."""

from __future__ import annotations

import json
from pathlib import Path

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import read_json
from wukong_pipe.workspace import Run
from wukong_trainer.models.model_card import is_own, model_card
from wukong_trainer.models.model_facts import Form, ModelFacts

WEIGHTS = (".safetensors", ".gguf")
TEXTS = (
    *("README.md", "Modelfile", "config.json", "generation_config.json", "model.safetensors.index.json"),
    *("adapter_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("chat_template.jinja", "vocab.json", "merges.txt"),
)
"""All that leaves beside the weights. wukong.json stays: it holds the training questions and the base's place here."""
_PLACES = {"adapter_config.json": "base_model_name_or_path", "config.json": "_name_or_path"}
"""Where a library notes the folder that it loaded."""


def published_files(run: Run, folder: Path, form: Form, repo: str, licence: str = "") -> dict[str, bytes | Path]:
    """The files by their names in the repository: texts as bytes, weights by their place.

    A card in somebody's own words leaves as it is.

    Args:
        folder: the run's adapter or model, or an export of it.
        repo: OWNER/NAME on the Hub.
        licence: an identifier of the Hub's, where the user names one.

    Raises:
        ModelError: an adapter's base is on no hub, so that nobody else could load it.
        WorkspaceError: the folder holds no weights.
    """
    gguf = next((path.name for path in sorted(folder.glob("*.gguf"))), "")
    facts = ModelFacts.of(run, folder, form, repo=repo, licence=licence, gguf=gguf)
    if form == "adapter" and not facts.hub_base:
        raise ModelError(
            f"Nobody else could load the adapter: its base, {facts.shown_base}, is on no hub. Leave out --adapter, and "
            "the merged model is uploaded."
        )
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and _may_leave(path.name)]
    if not any(path.name.endswith(WEIGHTS) for path in paths):
        raise WorkspaceError(f"{folder} holds no weights as safetensors or GGUF.")
    files = {path.name: path if path.name.endswith(WEIGHTS) else _text(path, facts) for path in paths}
    if not is_own(folder / "README.md"):
        files["README.md"] = model_card(facts).encode()
    return files


def _may_leave(name: str) -> bool:
    return name in TEXTS or name.endswith(WEIGHTS)


def _text(path: Path, facts: ModelFacts) -> bytes:
    """What leaves of a text: a file that names the base's folder names its hub id instead."""
    place = _PLACES.get(path.name, "")
    values = read_json(path) if place else {}
    if place not in values:
        return path.read_bytes()
    named = values | {place: facts.hub_base}
    return (json.dumps(named, indent=2, ensure_ascii=False) + "\n").encode()
