"""How many parts a model says it is made of: with a few digits its config can ask for more than will ever be made."""

from __future__ import annotations

import re
from typing import Any

MOST_PARTS = 2048
"""Layers, or experts of a layer; the largest open models have 126 and 2048."""
_COUNTS = re.compile(r"(?:layers?|depth|blocks?|experts?|labels|(?:block|expert)_count)$")


def config_fault(config: Any) -> str:
    """Which count in a config is one that no model has, as words; empty where none is.

    Each counted thing becomes an object when the config is read or the model made, even without weights.
    """
    if isinstance(config, dict):
        for key, value in config.items():
            if _COUNTS.search(key) and isinstance(value, (int, float)) and value > MOST_PARTS:
                return f"its “{key[-60:]}” is {value:,}, and no model has more than {MOST_PARTS:,}"
            if told := config_fault(value):
                return told
    return ""
