from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

WARN = """
import logging
import wukong_trainer.training.sft
logging.getLogger("bitsandbytes.backends.cpu.ops").warning("as on a CPU with AVX512-BF16")
"""
KERNELS = """
def get_kernel(name, **options):
    raise ValueError(f"Kernel repository {name} could not verify publisher trust status.")
"""


@pytest.mark.parametrize("has_kernels", [False, True])
def test_the_libraries_are_imported_without_a_word(tmp_path: Path, has_kernels: bool) -> None:
    if has_kernels:
        (tmp_path / "kernels.py").write_text(KERNELS)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", WARN], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
