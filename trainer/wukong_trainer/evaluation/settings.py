"""`Settings`: how an evaluation decodes and what it asks, apart from the libraries that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Settings:
    """How an evaluation decodes and what it asks; it stands in metrics.json."""

    engine: Literal["transformers", "vllm"] = "transformers"
    """What answers; in metrics.json with its version. vLLM is asked what `export` wrote, unquantised."""
    batch: int = 32
    """Questions a forward pass; with vLLM, which batches by itself, those in flight."""
    max_new_tokens: int = 256
    limit: int | None = None
    """Only this many test questions, spread evenly over the file."""
    drop_leaked: bool = False
    """Leave out test questions the adapter was trained on, also in a light rewording, instead of refusing."""
    general: int | None = 0
    """How many general questions probe what tuning made the model forget; None: all, or a few without a GPU."""
    open_book: bool = False
    """Ask the base with the section in its prompt, too."""
    vllm_options: tuple[str, ...] = ()
    """More options for `vllm serve`."""
