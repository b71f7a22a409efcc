from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.errors import ModelError
from wukong_trainer.recipe import load_recipe, overridden, shipped_recipes, to_toml


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_loads(name: str) -> None:
    assert load_recipe(name).method in {"qlora", "lora", "full"}


def test_the_default_and_the_embedded_students_recipes_are_shipped() -> None:
    assert {"qlora", "tiny"} <= set(shipped_recipes())


def test_a_written_recipe_reads_back_as_it_was(tmp_path: Path) -> None:
    recipe = overridden(load_recipe("tiny"), system='一句"话"\n第二行\\', learning_rate=3e-5, model="a/b")
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(recipe, {"steps": 12}), "utf-8")
    assert load_recipe(str(path)) == recipe


def test_none_overrides_nothing() -> None:
    assert overridden(load_recipe("tiny"), epochs=None, system=None) == load_recipe("tiny")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("r = 1", "missing keys: .*learning_rate"),
        ("r = [", "not valid TOML"),
    ],
)
def test_a_recipe_that_is_not_as_it_must_be_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ModelError, match=told):
        load_recipe(str(path))


def test_an_unknown_key_or_method_or_a_text_for_a_number_is_refused(tmp_path: Path) -> None:
    good = to_toml(load_recipe("tiny"), {})
    path = tmp_path / "mine.toml"
    for wrong, told in [
        (good + "lerning_rate = 1.0\n", "lerning_rate"),
        (good.replace('method = "qlora"', 'method = "magic"'), "magic"),
        (good.replace("r = 64", 'r = "many"'), "must be a number"),
    ]:
        path.write_text(wrong, "utf-8")
        with pytest.raises(ModelError, match=told):
            load_recipe(str(path))


def test_a_recipe_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ModelError, match="qlora, tiny"):
        load_recipe("no-such-recipe")
