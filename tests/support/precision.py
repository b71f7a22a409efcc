"""Which precision tests compute in: both, where it matters; else what the machine is fast in, or what was asked for.

`pytest --precision fp32` asks for one; the commands that tests start, too, compute in it.
"""

from __future__ import annotations

import pytest

in_both_precisions = pytest.mark.parametrize("precision", ["fp32", "bf16"])
"""Runs a test twice; the fixtures `recipe`, `place` and `tuned_run_in` follow."""
