"""The environment that tests run in: what finds programs and libraries, and nothing that a program is told by."""

from __future__ import annotations

import os
import re
import tempfile

KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|VIRTUAL_ENV|PYTHONPATH|PYTHONHOME|PYTHONDONTWRITEBYTECODE|"
    # How pytest is called, and what measures it.
    r"PYTEST_.*|COV.*|"
    # Which device there is, and how many threads and which instructions it may be used with.
    r"(?:LD_|DYLD_|CUDA_|NVIDIA_).*|.*_NUM_THREADS|OPENBLAS_.*|ATEN_CPU_CAPABILITY|ONEDNN_MAX_CPU_ISA|"
    # A vLLM for one test, which names the variable.
    r"WUKONG_VLLM"
)
"""All else goes: keys, proxies, hubs and their caches, colours, the terminal's width, the language, the time zone."""

_hub = tempfile.TemporaryDirectory(prefix="hub-")


def settle() -> None:
    """Leave of this process's environment what is on the list.

    Libraries read theirs when they are imported: to be called before that.
    """
    for name in list(os.environ):
        if not KEPT.fullmatch(name):
            del os.environ[name]
    os.environ |= {
        "LANG": "C.UTF-8",
        # With `pytest -s` programs write to the terminal; they are not to take it for one.
        "TTY_COMPATIBLE": "0",
        "COLUMNS": "80",
        # Servers that answer a script know of no second reading; the tests of it turn it on.
        "WUKONG_BUILD_VERIFY": "none",
        # A hub's client looks there for a token and for what it knows of AI agents, which it else asks the hub for.
        "HF_HOME": _hub.name,
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
