"""In how many passes the rows of a step go through the student, and whether activations are kept or computed twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from wukong_trainer.models.loading import Place
from wukong_trainer.recipe import Recipe
from wukong_trainer.training import processes
from wukong_trainer.training.memory import MemoryNeed, Shape, available, expected, fitted, shape_of

SHARE = 0.8
"""Of the free memory, what is taken where the recipe leaves it to us: an estimate errs."""
BUSY = {"cpu": 256, "cuda": 4096}
"""Tokens a pass by which a device is busy: with more it is no faster."""


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """A recipe that fits into the free memory, with what it needs and what is free."""

    recipe: Recipe
    needed: MemoryNeed | None
    """None where the student's config says too little to tell."""
    free: int
    """Bytes."""
    notes: list[str]
    """What was decided and the recipe does not say."""


def plan(recipe: Recipe, place: Place, tokens: Sequence[int]) -> MemoryPlan:
    """The recipe with "auto" decided, and as few rows at a time as are needed to fit into what is free now.

    Args:
        tokens: of each training row, before it is cut.

    Raises:
        ModelError: not even one row at a time fits; the sentence says what would.
    """
    length = min(max(tokens), recipe.max_length)
    free, shape = available(place), shape_of(recipe)
    chosen = decided(recipe, shape, place, tokens, free)
    # What is free, each process measures for itself; a step needs the same of all.
    fits = processes.first_of(chosen if shape is None else fitted(shape, chosen, place, length, free))
    notes = [sentence(fits)] if chosen != recipe else []
    if chosen == recipe and fits != recipe:
        notes = [f"Less memory is free than the recipe's {recipe.batch} rows a pass need: {rows_a_step(fits)}."]
    return MemoryPlan(fits, None if shape is None else expected(shape, fits, place, length), free, notes)


def rows_a_step(recipe: Recipe) -> str:
    """How the rows of a step are shared out, after fewer a pass had to do."""
    return f"{recipe.batch} rows a pass, {recipe.passes} passes a step, so each step learns from as many rows"


def decided(recipe: Recipe, shape: Shape | None, place: Place, tokens: Sequence[int], free: int) -> Recipe:
    """The recipe with what it leaves to the machine decided: the fastest that fits.

    A step keeps its rows. What the recipe says itself stays as it is; "auto" becomes a value, which is what a resumed
    training goes on with.

    Args:
        shape: of the student; None where nothing can be estimated, and activations are then not kept.
        tokens: of each training row.
        free: bytes.
    """
    choices = list(_by_speed(recipe, place, fmean(min(count, recipe.max_length) for count in tokens)))
    longest = min(max(tokens), recipe.max_length)
    if shape is None:
        return next(each for each in choices if each.gradient_checkpointing == choices[-1].gradient_checkpointing)
    fitting = (each for each in choices if expected(shape, each, place, longest).total <= SHARE * free)
    return next(fitting, choices[-1])


def sentence(recipe: Recipe) -> str:
    """What was decided, for the user."""
    activations = (
        "activations do not fit and are computed twice (gradient checkpointing)"
        if recipe.gradient_checkpointing
        else "activations fit and are kept (no gradient checkpointing)"
    )
    passes = "in one pass" if recipe.passes == 1 else f"in {recipe.passes} passes, rows of like length in one"
    rows = recipe.batch * recipe.passes
    return f"Chosen for this machine: {activations}; the {rows} rows of a step go {passes}."


def _by_speed(recipe: Recipe, place: Place, mean: float) -> Iterator[Recipe]:
    """All that the recipe allows, the fastest first and the least memory last."""
    kept = [False, True] if recipe.gradient_checkpointing == "auto" else [recipe.gradient_checkpointing]
    for again in kept:
        for rows in _rows_a_pass(recipe, place, mean):
            # Passes of a few tokens leave the device idle for longer than activations take to be computed again.
            if again == kept[-1] or rows * mean >= BUSY[place.device] or rows == recipe.batch:
                passes = recipe.passes * (recipe.batch // rows)
                yield replace(recipe, batch=rows, accumulation=passes, gradient_checkpointing=again)


def _rows_a_pass(recipe: Recipe, place: Place, mean: float) -> list[int]:
    """Into what a step may be split, the fastest first."""
    if recipe.accumulation != "auto" or recipe.packing:
        return [recipe.batch]
    sizes = [rows for rows in range(recipe.batch, 0, -1) if recipe.batch % rows == 0]
    if place.device != "cpu" or recipe.method == "qlora":  # NF4 weights are unpacked anew in each pass.
        return sizes
    # Fewer rows of like length are padded less, and what they compute stays in the processor's cache.
    most = min((rows for rows in sizes if rows * mean >= BUSY["cpu"]), default=recipe.batch)
    return [rows for rows in sizes if rows <= most]
