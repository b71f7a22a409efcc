"""What of a tuned model may leave this machine: weights and what loads them, a card, and no place of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import write_json, write_text
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.models.gguf_files import dequantised_folder
from wukong_trainer.models.known_models import KNOWN
from wukong_trainer.models.model_card import OURS
from wukong_trainer.use.publication import published_files

SMOLLM2 = KNOWN["smollm2"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose adapter was trained on a copy of SmolLM2 somewhere on this machine."""
    run = Run(tmp_path / "apollo")
    base = str(dequantised_folder(tmp_path / SMOLLM2.file, SMOLLM2.sha256))
    write_json(run.adapter / RECORD, {"base_model": base, "method": "lora", "questions": ["private question"]})
    write_json(run.adapter / "adapter_config.json", {"r": 8, "base_model_name_or_path": base})
    write_text(run.adapter / "adapter_model.safetensors", "weights")
    write_text(run.adapter / "tokenizer.json", "{}")
    write_text(run.adapter / "notes.txt", "mine")
    write_text(run.train / "recipe.toml", f'# steps: 80\nmodel = "{base}"\nmethod = "lora"\n')
    return run


def test_weights_leave_as_they_are_and_texts_without_a_place_of_this_machine(run: Run) -> None:
    files = published_files(run, run.adapter, "adapter", "me/apollo")
    assert {*files} == {"README.md", "adapter_config.json", "adapter_model.safetensors", "tokenizer.json"}
    assert files["adapter_model.safetensors"] == run.adapter / "adapter_model.safetensors"
    texts = {name: data.decode() for name, data in files.items() if isinstance(data, bytes)}
    config = json.loads(texts["adapter_config.json"])
    assert config == {"r": 8, "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct"}
    for text in texts.values():
        assert str(run.folder.parent) not in text
        assert "private question" not in text


def test_the_card_is_of_the_repository_and_in_one_s_own_words_stays(run: Run) -> None:
    card = published_files(run, run.adapter, "adapter", "me/apollo", "mit")["README.md"]
    assert isinstance(card, bytes)
    assert OURS in card.decode()
    assert "folder = 'me/apollo'\n" in card.decode()
    assert 'license: "mit"\n' in card.decode()
    write_text(run.adapter / "README.md", "Mine.\n")
    assert published_files(run, run.adapter, "adapter", "me/apollo")["README.md"] == b"Mine.\n"


def test_an_adapter_whose_base_is_on_no_hub_is_refused(run: Run) -> None:
    write_json(run.adapter / RECORD, {"base_model": "tiny", "method": "lora"})
    with pytest.raises(ModelError, match="its base, the embedded student of wukong-pipe, is on no hub"):
        published_files(run, run.adapter, "adapter", "me/apollo")
    assert published_files(run, run.adapter, "merged", "me/apollo"), "merged it needs none"


def test_a_folder_without_weights_is_refused(run: Run) -> None:
    (run.adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(WorkspaceError, match="holds no weights"):
        published_files(run, run.adapter, "adapter", "me/apollo")
