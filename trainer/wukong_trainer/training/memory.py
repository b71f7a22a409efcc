"""Memory of a training: how much it will need, how much is free, how many rows a pass fit, how much it took."""

from __future__ import annotations

import resource
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from wukong_pipe.errors import ModelError
from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import Place, choose_attention, load_config
from wukong_trainer.recipe import Recipe

GB = 1e9
NF4_BYTES = 4.127 / 8
"""A weight in NF4 with double quantisation, its share of the block constants included (QLoRA, Dettmers et al. 2023)."""
TILE = 4096, 32768
"""TRL's fused head holds the logits of so many tokens by so many vocabulary entries at a time, in fp32."""
EAGER_BYTES = 6
"""A pair of tokens in a head, where no kernel computes it anew: softmax keeps it in fp32, the product in bf16."""
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes that a training run is expected to hold at its highest."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.gradients + self.optimizer + self.activations

    def to_json(self) -> dict[str, float]:
        """Gigabytes by part."""
        return {name: round(size / GB, 3) for name, size in [*asdict(self).items(), ("total", self.total)]}


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a student, what its memory depends on."""

    linear: int
    """Parameters in linear layers other than the head: what NF4 quantises."""
    other: int
    trainable: int
    hidden: int
    intermediate: int
    layers: int
    vocabulary: int
    heads: int


def shape_of(recipe: Recipe) -> Shape | None:
    """The shape of the recipe's student with its adapter, from its config alone; None where that cannot be read.

    The adapter is really put on, only that no tensor holds data.
    """
    try:
        config = load_config(recipe.model)
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
            head = model.get_output_embeddings()
            linear = sum(
                module.weight.numel()
                for module in model.modules()
                if isinstance(module, torch.nn.Linear) and module is not head
            )
            parameters = sum(parameter.numel() for parameter in model.parameters())
            adapter = adapter_config(recipe, config.model_type)
            tuned: Any = model if adapter is None else get_peft_model(model, adapter)
            trainable = sum(parameter.numel() for parameter in tuned.parameters() if parameter.requires_grad)
    except (OSError, ValueError, NotImplementedError, ModelError):
        # No such model, no language model, modules it lacks, or one that builds on no meta device: the preflight
        # says that memory was not estimated, and what is wrong shows, with its cure, when the model is loaded.
        return None
    text = config.get_text_config()
    sizes: list[Any] = [getattr(text, name, None) for name in _SIZES]
    if not all(isinstance(size, int) for size in sizes):
        return None  # An architecture whose config has other names.
    return Shape(linear, parameters - linear, trainable, *sizes)


_SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "num_attention_heads")
"""Of a config, in the order of `Shape`."""


def expected(shape: Shape, recipe: Recipe, place: Place, length: int) -> MemoryNeed:
    """What training `recipe.batch` rows of `length` tokens at a time takes.

    Weights, gradients and optimiser states are counted; activations are estimated for a decoder with a gated
    feed-forward and attention that stores no scores: 15 hidden and 4.2 intermediate values a token and layer, as
    counted by saved-tensor hooks on Qwen2 under LoRA (13.2 kB for 13.5 kB; full fine-tuning stores 1.3 times as much).
    """
    width = 4 if place.dtype is torch.float32 else 2
    full = recipe.method == "full"
    weights = (
        shape.linear * NF4_BYTES + shape.other * width
        if recipe.method == "qlora"
        else (shape.linear + shape.other) * (4 if full else width)
    )
    if full and width == 2:
        weights += (shape.linear + shape.other) * width  # autocast keeps a copy in the precision it computes in
    trained = shape.trainable * 4
    states = 0.5 if "8bit" in recipe.optimizer else 0.0 if recipe.optimizer in {"sgd", "adafactor"} else 2.0
    layer = (15 * shape.hidden + 4.2 * shape.intermediate) * width * (1.3 if full else 1.0)
    if choose_attention(place, length)[0] == "eager":
        layer += length * shape.heads * EAGER_BYTES
    stored = layer + shape.layers * shape.hidden * width if recipe.gradient_checkpointing else layer * shape.layers
    tokens = recipe.batch * length
    # On a CPU those of all answers are held at once, as long as they are no more than a tile (losses.py).
    tile = min(tokens, TILE[0]) * min(shape.vocabulary, TILE[1])
    logits = 2 * 4 * (min(tokens * shape.vocabulary, TILE[0] * TILE[1]) if place.device == "cpu" else tile)
    return MemoryNeed(
        weights=round(weights),
        adapter=0 if full else trained,
        gradients=trained,
        optimizer=round(trained * states),
        activations=round(tokens * (stored + 4 * shape.hidden * width)) + logits,
    )


def available(place: Place) -> int:
    """Bytes that are free for this process: of the GPU, or of main memory within the container's limit."""
    if place.device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    free = _meminfo()
    try:
        limit, used = ((CGROUP / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        return min(free, int(limit) - int(used)) if limit != "max" else free
    except (OSError, ValueError):
        return free


def _meminfo() -> int:
    for line in MEMINFO.read_text().splitlines() if MEMINFO.is_file() else []:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize


def peak(place: Place) -> int:
    """The most bytes held so far: by torch on the GPU, else by the whole process."""
    if place.device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


def smaller(recipe: Recipe) -> Recipe | None:
    """The recipe with fewer rows at a time and as many a step; None at one row.

    >>> smaller(recipe)  # batch 16, accumulation 1 → batch 8, accumulation 2
    """
    rows = next((rows for rows in range(recipe.batch // 2, 0, -1) if recipe.batch % rows == 0), None)
    if rows is None:
        return None
    return replace(recipe, batch=rows, accumulation=recipe.passes * recipe.batch // rows)


def fitted(shape: Shape, recipe: Recipe, place: Place, length: int, free: int) -> Recipe:
    """The recipe with as few rows at a time as are needed to fit into `free` bytes.

    Raises:
        ModelError: not even one row at a time fits; the sentence says what would.
    """
    fewer: Recipe | None = recipe
    while fewer is not None:
        recipe = fewer
        if expected(shape, recipe, place, length).total <= free:
            return recipe
        fewer = smaller(recipe)
    need = expected(shape, recipe, place, length)
    cures = {
        "set gradient_checkpointing = true in the recipe": (replace(recipe, gradient_checkpointing=True), length),
        "use --method qlora": (replace(recipe, method="qlora", gradient_checkpointing=True), length),
        f"set max_length = {length // 2} in the recipe": (recipe, length // 2),
    }
    if recipe.peft == "prefix":  # which does without checkpointing
        del cures["set gradient_checkpointing = true in the recipe"]
    cure = next(
        (
            cure
            for cure, (changed, tokens) in cures.items()
            if changed != recipe or tokens != length
            if expected(_reshaped(shape, recipe, changed), changed, place, tokens).total <= free
        ),
        "take a smaller student or a larger machine",
    )
    parts = ", ".join(f"{name} {size:.1f}" for name, size in need.to_json().items() if name != "total")
    raise ModelError(
        f"{recipe.method} training of {recipe.model} needs about {need.total / GB:.1f} GB even one row at a time "
        f"({parts}), and {place.device} has {free / GB:.1f} GB free: {cure}."
    )


def _reshaped(shape: Shape, before: Recipe, after: Recipe) -> Shape:
    return shape if before.method == after.method else shape_of(after) or shape
