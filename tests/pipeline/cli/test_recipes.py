from __future__ import annotations

import json
from pathlib import Path

import pytest

from wukong_pipe.cli.main import main
from wukong_trainer.recipe import load_recipe, shipped_recipes


def test_recipes_lists_every_recipe_with_model_method_and_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in shipped_recipes())
    assert "Qwen/Qwen3-1.7B" in shown
    assert "The embedded student on a CPU" in shown


def test_a_named_recipe_is_printed_as_a_file_to_copy_and_change(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["recipes", "alpaca-lora"]) == 0
    copy = tmp_path / "mine.toml"
    copy.write_text(capsys.readouterr().out, "utf-8")
    assert load_recipe(str(copy)) == load_recipe("alpaca-lora")
    assert copy.read_text("utf-8").startswith("# ")


def test_recipes_as_json_hold_all_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["recipes"]
    assert [recipe["name"] for recipe in listed] == shipped_recipes()
    assert all({"for", "model", "learning_rate"} <= recipe.keys() for recipe in listed)
    assert main(["recipes", "domain-lora", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["r"] == 64


def test_a_recipe_that_does_not_exist_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "nothing"]) == 1
    assert "There is no recipe “nothing”" in capsys.readouterr().err
