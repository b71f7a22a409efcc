"""A recipe: all that shapes a training run, as a TOML file and as the dataclass it is read into."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from wukong_pipe import bounded
from wukong_pipe.errors import ModelError

Method = Literal["qlora", "lora", "full"]
Peft = Literal["lora", "rslora", "dora", "prefix", "ia3"]
Precision = Literal["auto", "fp32", "bf16"]
Style = Literal["chat", "instruction"]
Tracker = Literal["none", "tensorboard", "swanlab", "wandb", "mlflow"]
Every = int | Literal["epoch"]
Auto = Literal["auto"]
"""Left to the preflight, which knows the machine and the rows (training/passes.py)."""
TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Values of a training run; recipes/*.toml justify their defaults line by line."""

    model: str
    """A Hugging Face id, a folder, or "tiny" for the embedded student."""
    method: Method
    precision: Precision
    """What the student computes in, trained and asked; "auto" for what the machine is fast in."""
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
    """Rows a forward pass; rows a step where accumulation is "auto"."""
    accumulation: int | Auto
    """Passes a step; "auto" splits the `batch` rows of a step into passes as the machine is fast in."""
    max_length: int
    """Tokens of a row; longer ones are cut and counted."""
    packing: bool
    """Several rows in one sequence, where attention keeps them apart."""
    evaluate_every: Every
    """Steps between two validation losses, or "epoch"; 0 for five a run."""
    save_every: Every
    """Steps between two checkpoints, or "epoch"; 0 for one with each validation loss."""
    patience: int
    """Validation losses in a row without a new lowest before training stops; 0 for never."""
    keep_best: bool
    """Save the weights of the lowest validation loss, not the last ones."""
    weight_decay: float
    gradient_checkpointing: bool | Auto
    """Compute activations twice instead of keeping them; "auto" for only where they do not fit."""
    optimizer: str
    report_to: Tracker
    seed: int

    @property
    def passes(self) -> int:
        """Passes a step; one, until "auto" is decided."""
        return 1 if self.accumulation == "auto" else self.accumulation


def load_recipe(name_or_file: str) -> Recipe:
    """A recipe shipped with the package by name, or a TOML file.

    Raises:
        ModelError: there is no such recipe, the file is no TOML, or keys are missing, unknown or of a wrong type.
    """
    try:
        values = tomllib.loads(recipe_text(name_or_file))
    except RecursionError:
        raise ModelError(f"The recipe {name_or_file} is not valid TOML: it is nested too deeply.") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"The recipe {name_or_file} is not valid TOML: {error}.") from error
    return _checked(values, name_or_file)


def recipe_text(name_or_file: str) -> str:
    """The TOML of a recipe, with its comments.

    Raises:
        ModelError: there is no such recipe, or its file is not UTF-8.
        DataError: its file is too long to be one.
    """
    path = Path(name_or_file)
    shipped = files("wukong_trainer.recipes") / f"{name_or_file}.toml"
    if path.suffix == ".toml" and path.is_file():
        try:
            return bounded.read_bytes(path, bounded.MIB).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelError(f"The recipe {name_or_file} is not UTF-8 (byte {error.start}).") from error
    if "/" not in name_or_file and shipped.is_file():
        return shipped.read_text("utf-8")
    raise ModelError(
        f"There is no recipe “{name_or_file}”; there are {', '.join(shipped_recipes())}, or name a .toml file."
    )


def purpose(name: str) -> str:
    """What a shipped recipe is for: the first comment of its file."""
    return recipe_text(name).splitlines()[0].removeprefix("#").strip()


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = files("wukong_trainer.recipes")
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _checked(values: dict[str, Any], where: str) -> Recipe:
    names = {field.name for field in fields(Recipe)}
    problems = [f"{name} is unknown" for name in values if name not in names]
    problems += [f"{name} is missing" for name in names - values.keys()]
    types = get_type_hints(Recipe)
    for name in sorted(names & values.keys()):
        kind, value = types[name], values[name]
        if not _fits(value, kind):
            problems.append(f"{name} = {_toml(value)} must be {_named(kind)}")
        elif (limits := _LIMITS.get(name)) and not limits[0](value):
            problems.append(f"{name} = {_toml(value)} must be {limits[1]}")
    if problems:
        raise ModelError(f"The recipe {where} is not as it must be: {'; '.join(sorted(problems))}.")
    checked: dict[str, Any] = {key: float(value) if types[key] is float else value for key, value in values.items()}
    return Recipe(**checked)


def _positive(value: float | str) -> bool:
    return isinstance(value, str) or 0 < value < math.inf


def _not_negative(value: float | str) -> bool:
    return isinstance(value, str) or 0 <= value < math.inf


_LIMITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (bool, "a name or folder"),
    "validation": (lambda value: 0 <= value < 1, "0 or more and less than 1"),
    "sample": (lambda value: 0 < value <= 1, "more than 0 and at most 1"),
    "dropout": (lambda value: 0 <= value < 1, "0 or more and less than 1"),
    "warmup": (lambda value: 0 <= value < 1, "0 or more and less than 1"),
    **dict.fromkeys(
        ("r", "alpha", "epochs", "learning_rate", "batch", "accumulation", "max_length"),
        (_positive, "more than 0"),
    ),
    **dict.fromkeys(("evaluate_every", "save_every", "patience", "weight_decay"), (_not_negative, "0 or more")),
}


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if kind == list[str]:
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    # bool is an int to Python, and not to a reader of TOML.
    return type(value) is kind


def _named(kind: Any) -> str:
    """What a type is called to the user."""
    if get_origin(kind) is Literal:
        return " or ".join(f"“{each}”" for each in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_named(each) for each in get_args(kind))
    names = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(kind, "a list of texts")


def overridden(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with the changes that are not None."""
    return replace(recipe, **{key: value for key, value in changes.items() if value is not None})


def to_toml(recipe: Recipe, facts: dict[str, Any]) -> str:
    """The recipe as TOML that `--recipe FILE` reads again; `facts` of the run stand above it as comments."""
    lines = [f"# {key}: {' '.join(str(value).split())}" for key, value in facts.items()]
    return "\n".join([*lines, *(f"{key} = {_toml(value)}" for key, value in asdict(recipe).items())]) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry) for entry in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value) if isinstance(value, int | float) else repr(value)
