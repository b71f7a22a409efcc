"""`recipes`: what there is to train with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from wukong_pipe.cli.options import debug_option, json_option, out, runs_dir_option


@click.command("recipes")
@click.argument("name", default="")
@runs_dir_option
@json_option
@debug_option
def recipes_command(name: str, runs_dir: Path, json: bool) -> None:  # noqa: ARG001
    """List the recipes of `train`, or print one to change.

    With a NAME its file is printed; `train --recipe` takes names and files.

    \b
    Examples:
      wukong-pipe recipes
      wukong-pipe recipes domain-lora > mine.toml
    """
    from wukong_trainer.recipe import load_recipe, purpose, recipe_text, shipped_recipes

    if name:
        print(_dumped(asdict(load_recipe(name))) if json else recipe_text(name).rstrip("\n"))
        return
    recipes = {each: load_recipe(each) for each in shipped_recipes()}
    if json:
        listed = [{"name": each, "for": purpose(each), **asdict(recipe)} for each, recipe in recipes.items()]
        print(_dumped({"recipes": listed}))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("recipe", "model", "method", "for"):
        table.add_column(heading, no_wrap=heading != "for")
    for each, recipe in recipes.items():
        table.add_row(each, recipe.model, recipe.method, purpose(each))
    out.print(table)


def _dumped(value: dict[str, Any]) -> str:
    return json.dumps(value)
