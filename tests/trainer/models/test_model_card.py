"""The card of a tuned model: what a stranger needs to use and judge it, and no path of the machine it was made on."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from wukong_pipe.files import write_json, write_text
from wukong_pipe.workspace import Run
from wukong_trainer.models.gguf_files import dequantised_folder
from wukong_trainer.models.known_models import KNOWN
from wukong_trainer.models.model_card import OURS, model_card, write_card

RECORD: dict[str, Any] = {
    "base_model": "Qwen/Qwen2.5-0.5B-Instruct",
    "method": "qlora",
    "system": "You answer questions about “Apollo” in a sentence.",
    "dataset_hash": "abc123",
    "questions": ["a", "b"],
}
RECIPE = (
    "# from: data /home/me/rows.jsonl\n# rows: 98 train, 4 validation, 0 cut to max_length\n# eval_loss: 0.14\n"
    'model = "/home/me/models/qwen"\nmethod = "qlora"\nr = 32\n'
)
METRICS: dict[str, Any] = {
    "primary": {"metric": "fact_hit", "level": "wording", "n": 40, "base": 0.25, "tuned": 0.9,
                "difference": 0.65, "ci95": [0.5, 0.8], "verdict": "better"},
    "levels": {"section": {"explanation": "no clear rise."}},
    "leakage": "none",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "apollo")
    write_json(run.adapter / "wukong.json", RECORD)
    write_text(run.train / "recipe.toml", RECIPE)
    return run


def test_the_card_names_base_data_recipe_prompt_and_scores(run: Run) -> None:
    write_text(run.adapter / "README.md", "# Model Card for Model ID\n[More Information Needed]")
    write_card(run)
    card = (run.adapter / "README.md").read_text("utf-8")
    assert card.startswith("---\nbase_model: Qwen/Qwen2.5-0.5B-Instruct\n")
    assert "library_name: peft\n" in card
    assert "2 different questions, hash `abc123`" in card
    assert "rows: 98 train, 4 validation" in card
    assert "r = 32" in card
    assert "System prompt: `You answer questions about “Apollo” in a sentence.`" in card
    assert "Not evaluated yet." in card
    assert "licence is not known" in card
    assert "More Information Needed" not in card
    assert "/home/me" not in card
    write_json(run.metrics, METRICS)
    write_card(run)
    card = (run.adapter / "README.md").read_text("utf-8").replace("\u00a0", " ")
    assert "On 40 held-out questions (wording, fact_hit) the base answered 25 % rightly and this model 90 %" in card
    assert "Leakage: none." in card


def test_the_way_of_use_is_python_that_asks_with_the_system_prompt() -> None:
    base = RECORD["base_model"]
    loads = {"qlora": f"PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained('{base}'), folder)",
             "full": "AutoModelForCausalLM.from_pretrained(folder)"}  # fmt: skip
    for method, load in loads.items():
        (code,) = re.findall(r"```python\n(.*?)```", model_card("x", RECORD | {"method": method}, "", {}), re.DOTALL)
        assert f"model = {load}\n" in code
        assert RECORD["system"] in ast.unparse(ast.parse(code))


@pytest.mark.parametrize("base", ["tiny", "/home/me/qwen", "."])
def test_a_base_that_no_hub_knows_is_none_in_the_metadata(base: str) -> None:
    card = model_card("x", RECORD | {"base_model": base}, RECIPE, {})
    assert "base_model:" not in card
    assert "/home" not in card


def test_the_card_of_a_known_model_names_its_title_hub_licence_and_short_name() -> None:
    smollm2 = KNOWN["smollm2"]
    folder = str(dequantised_folder(Path(smollm2.file), smollm2.sha256))
    card = model_card("x", RECORD | {"base_model": folder}, RECIPE, {})
    assert "\nbase_model: HuggingFaceTB/SmolLM2-135M-Instruct\n" in card
    assert "An adapter (qlora) of SmolLM2-135M-Instruct, tuned" in card
    assert "from_pretrained('HuggingFaceTB/SmolLM2-135M-Instruct'), folder)" in card
    assert "a quantised copy of HuggingFaceTB/SmolLM2-135M-Instruct, SmolLM2-135M-Instruct.Q4_1.gguf" in card
    assert "`--model smollm2` of wukong-pipe finds the same" in card
    assert "The base model's licence: Apache-2.0." in card
    assert smollm2.sha256[:12] not in card
    from_hub = model_card("x", RECORD | {"base_model": smollm2.hub}, RECIPE, {})
    assert "The base model's licence: Apache-2.0." in from_hub
    assert "quantised copy" not in from_hub


def test_a_card_in_somebody_s_own_words_is_left_alone(run: Run) -> None:
    write_card(run)
    card = run.adapter / "README.md"
    mine = card.read_text("utf-8").replace(OURS, "") + "Mine.\n"
    card.write_text(mine, "utf-8")
    write_card(run)
    assert card.read_text("utf-8") == mine
