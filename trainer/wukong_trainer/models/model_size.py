"""The counts in a model's config, checked: a few digits can ask for more layers than any machine can make."""

from __future__ import annotations

import re
from typing import Any

MOST_PARTS = 2048
"""Layers, or experts of a layer; the largest open models have 126 and 2048."""
_COUNTS = re.compile(r"(?:layers?|depth|blocks?|experts?|labels|(?:block|expert)_count)$")


def config_fault(config: Any) -> str:
    """What is wrong with a config: a count that no model has. Empty where it is fine.

    Each counted layer or expert becomes a Python object as soon as the config is read or the model made, even without
    weights.
    """
    if isinstance(config, dict):
        for key, value in config.items():
            if _COUNTS.search(key) and isinstance(value, (int, float)) and value > MOST_PARTS:
                return f"its “{key[-60:]}” is {value:,}, and no model has more than {MOST_PARTS:,}"
            if fault := config_fault(value):
                return fault
    return ""
