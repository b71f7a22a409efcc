"""What train's options mean, before anything is read or trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from wukong_pipe.commands.train_options import TrainOptions, chosen_recipe
from wukong_pipe.errors import ModelError
from wukong_trainer.recipe import load_recipe


def test_options_that_are_not_given_leave_the_recipe_as_it_is() -> None:
    assert TrainOptions().recipe_changes() == {}
    assert chosen_recipe(TrainOptions()) == load_recipe("qlora")
    # A student for a CPU has a recipe of its own name.
    assert chosen_recipe(TrainOptions(model="tiny")) == load_recipe("tiny")


def test_options_that_are_given_replace_values_of_the_recipe_false_among_them() -> None:
    recipe = chosen_recipe(TrainOptions(recipe="tiny", lr=0.5, packing=False, system=""))
    assert (recipe.learning_rate, recipe.packing, recipe.system) == (0.5, False, "")
    with pytest.raises(ModelError, match="--peft dora is an adapter, and --method full trains none"):
        chosen_recipe(TrainOptions(method="full", peft="dora"))


def test_files_are_named_with_their_whole_path_and_a_hubs_id_with_its_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("qa.jsonl").touch()
    mixed = TrainOptions(data="qa.jsonl", columns="instruction=q,output=a", mix="general.jsonl:0.1")
    assert mixed.source() == {
        "data": str(tmp_path / "qa.jsonl"),
        "columns": "instruction=q,output=a",
        "mix": f"{tmp_path / 'general.jsonl'}:0.1",
    }
    assert TrainOptions(data="owner/rows", hub="modelscope").source() == {"data": "owner/rows", "hub": "modelscope"}
    assert TrainOptions().source() == {}
    assert TrainOptions(accepted_only=True).source() == {"only": "the accepted rows"}
