"""A recipe: all that shapes a training run, as a TOML file and as the dataclass it is read into."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from wukong_pipe.errors import ModelError

Method = Literal["qlora", "lora", "full"]
Peft = Literal["lora", "rslora", "dora", "prefix", "ia3"]
Style = Literal["chat", "instruction"]
Tracker = Literal["none", "tensorboard", "swanlab", "wandb", "mlflow"]
TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Values of a training run; recipes/*.toml justify their defaults line by line."""

    model: str
    """A Hugging Face id, a folder, or "tiny" for the embedded student."""
    method: Method
    system: str
    """System prompt; empty for a short one in the language of most rows."""
    style: Style
    """The model's own chat template, or `Instruction: …`, `Input: …`, `Output: …` as plain text."""
    thinking: bool
    """Train the reasoning of rows that have one, in <think> tags before the answer."""
    validation: float
    """Share of the rows split off to watch, where the data has no validation rows of its own; 0 for none."""
    split_seed: int
    sample: float
    """Share of the training rows that is used; 1 for all."""
    clean: bool
    """Leave out exact duplicates and rows that hold no sentence, and count them."""
    peft: Peft
    """The adapter of qlora and lora; full has none."""
    r: int
    alpha: int
    dropout: float
    target_modules: str | list[str]
    modules_to_save: list[str]
    epochs: float
    learning_rate: float
    scheduler: str
    warmup: float
    """Share of all steps."""
    batch: int
    """Rows a forward pass."""
    accumulation: int
    max_length: int
    """Tokens of a row; longer ones are cut and counted."""
    packing: bool
    """Several rows in one sequence, where attention keeps them apart."""
    evaluate_every: int
    """Steps between two validation losses; 0 for five a run."""
    save_every: int
    """Steps between two checkpoints; 0 for one with each validation loss."""
    patience: int
    """Validation losses in a row without a new lowest before training stops; 0 for never."""
    keep_best: bool
    """Save the weights of the lowest validation loss, not the last ones."""
    weight_decay: float
    gradient_checkpointing: bool
    optimizer: str
    report_to: Tracker
    seed: int


def load_recipe(name_or_file: str) -> Recipe:
    """A recipe shipped with the package by name, or a TOML file.

    Raises:
        ModelError: there is no such recipe, the file is no TOML, or keys are missing, unknown or of a wrong type.
    """
    path = Path(name_or_file)
    shipped = files("wukong_trainer.recipes") / f"{name_or_file}.toml"
    if path.suffix == ".toml" and path.is_file():
        text = path.read_text("utf-8")
    elif "/" not in name_or_file and shipped.is_file():
        text = shipped.read_text("utf-8")
    else:
        raise ModelError(f"There is no recipe “{name_or_file}”: {', '.join(shipped_recipes())}, or a .toml file.")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"The recipe {name_or_file} is not valid TOML: {error}.") from error
    return _checked(values, name_or_file)


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = files("wukong_trainer.recipes")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _checked(values: dict[str, Any], where: str) -> Recipe:
    wanted = {field.name for field in fields(Recipe)}
    if problems := sorted(values.keys() ^ wanted):
        raise ModelError(f"The recipe {where} has unknown or missing keys: {', '.join(problems)}.")
    if values["method"] not in get_args(Method):
        raise ModelError(
            f"The recipe {where} has method “{values['method']}”: it must be {', '.join(get_args(Method))}."
        )
    numeric = (
        "r",
        "alpha",
        "dropout",
        "epochs",
        "learning_rate",
        "warmup",
        "batch",
        "accumulation",
        "max_length",
    )
    for key in (*numeric, "weight_decay", "seed"):
        if isinstance(values[key], bool) or not isinstance(values[key], int | float):
            raise ModelError(f"The recipe {where} has {key} = {values[key]!r}: it must be a number.")
    return Recipe(**values)


def overridden(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with the changes that are not None."""
    return replace(recipe, **{key: value for key, value in changes.items() if value is not None})


def to_toml(recipe: Recipe, facts: dict[str, Any]) -> str:
    """The recipe as TOML that `--recipe FILE` reads again; `facts` of the run stand above it as comments."""
    lines = [f"# {key}: {value}" for key, value in facts.items()]
    return "\n".join([*lines, *(f"{key} = {_toml(value)}" for key, value in asdict(recipe).items())]) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return repr(value)
