"""A build's memory after the replies hardly grows with its rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
A_ROW = 600
"""Bytes that one row more may take at the peak, most of them in the join's arrays while duplicates are looked for. Held
as objects, a row takes some 4,000."""
MEASURE = """
import functools, json, sys, tracemalloc
from pathlib import Path

of_any_size = functools.lru_cache
# The caches of a bounded number of texts would be filled by few rows, and look like growth.
functools.lru_cache = lambda maxsize=64, typed=False: of_any_size(maxsize if callable(maxsize) else 64)
from wukong_pipe import spilled
from benchmarks.flat_memory import after_replies

spilled.HELD = 0  # Or the fewer rows would be kept, and the more not.

after_replies(Path(sys.argv[1]) / "first", 500, 4, lambda stage: None)  # What is loaded once is no row's.
peaks = []
for rows in (2_000, 6_000):
    tracemalloc.start()
    count = after_replies(Path(sys.argv[1]) / str(rows), rows, 4, lambda stage: None)
    peaks.append((count, tracemalloc.get_traced_memory()[1]))
    tracemalloc.stop()
print(json.dumps(peaks))
"""


@pytest.mark.slow
def test_a_row_more_takes_some_hundred_bytes_at_the_peak(tmp_path: Path) -> None:
    for name in ("first", "2000", "6000"):
        (tmp_path / name).mkdir()
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    (few, low), (many, high) = json.loads(printed)
    assert many > 2 * few
    assert (high - low) / (many - few) < A_ROW
