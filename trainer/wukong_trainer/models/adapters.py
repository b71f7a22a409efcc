"""The adapters of qlora and lora: LoRA and its kin, prefix tuning, IA³."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
from peft import IA3Config, LoraConfig, PeftConfig, PeftModel, PeftType, PrefixTuningConfig
from peft.tuners.ia3.bnb import Linear4bit as Ia3Linear4bit
from peft.utils.constants import (
    TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING,
    TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING,
)

from wukong_pipe.errors import ModelError
from wukong_pipe.files import read_json
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import loading
from wukong_trainer.recipe import Recipe

# Keys, values and the feed-forward's input to its last layer (Liu et al. 2022), by the names that Llama's kin use.
IA3_LAYERS, IA3_FEEDFORWARD = ["k_proj", "v_proj", "down_proj"], ["down_proj"]


def workable(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe without what its adapter cannot do, and a sentence for each thing left out."""
    notes: list[str] = []
    if recipe.method == "full" or recipe.peft != "prefix":
        return recipe, notes
    asked = recipe.gradient_checkpointing is True
    recipe = replace(recipe, gradient_checkpointing=False)
    if asked:
        notes.append("Gradient checkpointing is off: a prefix lives in the cache, which checkpointing does without.")
    if recipe.modules_to_save:
        modules = ", ".join(recipe.modules_to_save)
        notes.append(f"{modules} stays as it is: prefix tuning trains nothing but its prefix.")
        recipe = replace(recipe, modules_to_save=[])
    if recipe.packing:
        recipe = replace(recipe, packing=False)
        notes.append("Packing is off: packed rows would share one prefix and read each other.")
    return recipe, notes


def check_modules(recipe: Recipe, modules: Collection[str]) -> None:
    """Refuse names of modules that the student does not have: PEFT silently leaves out what it does not find.

    Args:
        modules: the full names of the student's.

    Raises:
        ModelError: one of them is missing; the sentence says what there is.
    """
    if recipe.method == "full":
        return
    wanted, missing = list(recipe.modules_to_save), []
    if recipe.peft in {"lora", "rslora", "dora"}:
        targets = recipe.target_modules
        if isinstance(targets, list):
            wanted += targets
        elif targets != "all-linear" and not any(re.fullmatch(targets, name) for name in modules):
            missing.append(f"that the pattern “{targets}” matches whole")
    missing = [name for name in wanted if not any(f".{module}".endswith(f".{name}") for module in modules)] + missing
    if missing:
        own = {name.rpartition(".")[2] for name in modules}
        raise ModelError(
            f"{recipe.model} has no module {', '.join(missing)}: name others in target_modules and modules_to_save of "
            f"the recipe; it has {', '.join(sorted(name for name in own if name and not name.isdecimal()))}."
        )


def adapter_config(recipe: Recipe, model_type: str) -> PeftConfig | None:
    """PEFT's configuration of the recipe's adapter; None where all weights are trained.

    Args:
        model_type: the base's, as its config.json names it; IA³ looks up its layers by it.
    """
    if recipe.method == "full":
        return None
    if recipe.peft == "prefix":
        return PrefixTuningConfig(num_virtual_tokens=recipe.r, task_type="CAUSAL_LM")
    if recipe.peft == "ia3":
        layers = TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.get(model_type, IA3_LAYERS)
        feedforward = TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING.get(model_type, IA3_FEEDFORWARD)
        return IA3Config(
            target_modules=layers,
            feedforward_modules=feedforward,
            modules_to_save=recipe.modules_to_save or None,
            task_type="CAUSAL_LM",
        )
    return LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        use_rslora=recipe.peft == "rslora",
        use_dora=recipe.peft == "dora",
        target_modules=recipe.target_modules,
        modules_to_save=recipe.modules_to_save or None,
        # Trained embeddings of a model whose head is the same matrix must stay the same matrix: a frozen copy at
        # the head keeps the logits small. On the embedded student 0.52 of wordings of new forms became 0.80.
        ensure_weight_tying=bool(recipe.modules_to_save),
        task_type="CAUSAL_LM",
    )


def keep_precision(tuned: Any) -> None:
    """Have every adapted layer give what it computes in the precision of what it is given.

    PEFT's IA³ on 4-bit layers gives fp32 instead, and attention then meets keys of another precision than its queries.
    """
    for module in tuned.modules():
        if isinstance(module, Ia3Linear4bit):
            module.register_forward_hook(lambda _, given, output: output.to(given[0].dtype))


def read_adapter(folder: Path) -> PeftConfig:
    """PEFT's configuration of the adapter in `folder`.

    Raises:
        DataError: adapter_config.json is no JSON.
        ModelError: it describes no adapter that PEFT knows.
    """
    path = folder / "adapter_config.json"
    with loading(str(folder)):
        config = read_json(path)
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind not in list(PeftType):
        raise ModelError(
            f"{path} describes no adapter that PEFT {peft.__version__} knows (peft_type is {kind!r}): put the file "
            "back, update peft, or train again with --overwrite."
        )
    with loading(str(folder)):
        found: PeftConfig = PeftConfig.from_pretrained(str(folder))
    return found


def load_adapter(model: Any, folder: Path) -> PeftModel:
    """`model` under the adapter in `folder`, to be asked in the model's precision.

    Raises:
        DataError: adapter_config.json is no JSON.
        ModelError: the adapter is of no known kind, does not fit the model, or its weights are no whole safetensors.
    """
    config, weights = read_adapter(folder), folder / "adapter_model.safetensors"
    if not weights.is_file():
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        instead = f"; {pickles[0]} is a pickle, which could run code when it is read" if pickles else ""
        raise ModelError(f"{weights} is not there{instead}: put it back, or train again with --overwrite.")
    fingerprint(str(folder))  # It names the file that is broken, which PEFT does not.
    with loading(str(folder)), warnings.catch_warnings():
        # The base would answer in the adapter's name.
        warnings.filterwarnings("error", message="Found missing adapter keys")
        tuned = PeftModel.from_pretrained(model, str(folder), config=config)
    keep_precision(tuned)
    return tuned
