from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.errors import ModelError
from wukong_trainer.recipe import load_recipe, overridden, purpose, recipe_text, shipped_recipes, to_toml


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_loads(name: str) -> None:
    assert load_recipe(name).method in {"qlora", "lora", "full"}


def test_the_default_and_the_small_students_recipes_are_shipped() -> None:
    assert {"qlora", "tiny", "smollm2"} <= set(shipped_recipes())


def test_a_written_recipe_reads_back_as_it_was(tmp_path: Path) -> None:
    recipe = overridden(load_recipe("tiny"), system='一句"话"\n第二行\\', learning_rate=3e-5, model="a/b")
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(recipe, {"steps": 12}), "utf-8")
    assert load_recipe(str(path)) == recipe


def test_none_overrides_nothing() -> None:
    assert overridden(load_recipe("tiny"), epochs=None, system=None) == load_recipe("tiny")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("r = [", "utf-8")
    with pytest.raises(ModelError, match="not valid TOML"):
        load_recipe(str(path))
    path.write_bytes("# 配方".encode("gbk"))
    with pytest.raises(ModelError, match="not UTF-8"):
        load_recipe(str(path))


def test_all_that_is_wrong_with_a_recipe_stands_in_one_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = to_toml(load_recipe("tiny"), {}).replace('method = "qlora"', 'method = "magic"')
    text = text.replace("r = 64", 'r = "many"').replace("seed = 0\n", "") + "lerning_rate = 1.0\n"
    path.write_text(text, "utf-8")
    with pytest.raises(ModelError) as caught:
        load_recipe(str(path))
    for told in (
        "lerning_rate is unknown",
        'method = "magic" must be “qlora” or “lora” or “full”',
        'r = "many" must be a whole number',
        "seed is missing",
    ):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("thinking", "1", "true or false"),
        ("batch", "true", "a whole number"),
        ("batch", "1.5", "a whole number"),
        ("batch", "0", "more than 0"),
        ("epochs", "nan", "more than 0"),
        ("learning_rate", "inf", "more than 0"),
        ("dropout", '"0.1"', "a number"),
        ("validation", "1.0", "less than 1"),
        ("sample", "0.0", "more than 0 and at most 1"),
        ("model", '""', "a name or folder"),
        ("target_modules", "[1]", "text or a list of texts"),
        ("modules_to_save", '"embed_tokens"', "a list of texts"),
        ("evaluate_every", '"often"', "a whole number or “epoch”"),
        ("evaluate_every", "-1", "0 or more"),
        ("report_to", '"paper"', "“none” or “tensorboard”"),
        ("style", '"poem"', "“chat” or “instruction”"),
    ],
)
def test_each_value_is_of_its_type_and_within_its_limits(tmp_path: Path, key: str, value: str, told: str) -> None:
    lines = to_toml(load_recipe("tiny"), {}).splitlines()
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines), "utf-8")
    with pytest.raises(ModelError, match=f"{key} = .* must be .*{told}"):
        load_recipe(str(path))


def test_a_whole_number_does_for_a_number(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(load_recipe("tiny"), {}).replace("epochs = 5.0", "epochs = 5"), "utf-8")
    assert load_recipe(str(path)) == load_recipe("tiny")


def test_facts_of_a_run_stand_above_the_recipe_a_line_each(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(load_recipe("tiny"), {"mixed in": 'rows of a\nr = 1\n"b"'}), "utf-8")
    assert path.read_text("utf-8").startswith('# mixed in: rows of a r = 1 "b"\nmodel')
    assert load_recipe(str(path)) == load_recipe("tiny")


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_says_in_a_sentence_what_it_is_for(name: str) -> None:
    assert recipe_text(name).startswith(f"# {purpose(name)}\n")
    assert len(purpose(name)) > 30


def test_a_recipe_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ModelError, match="alpaca-lora, base-nlp-qlora"):
        load_recipe("no-such-recipe")
