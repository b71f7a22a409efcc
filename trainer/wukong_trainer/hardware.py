"""What computed: the processor's name, and in how many threads, as the report names it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

CPU_FACTS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Hardware(device="cpu", name="AMD EPYC 9R14", threads=2, precision="bfloat16"), as JSON keeps it."""

    device: str
    name: str
    threads: int
    """Of PyTorch on the CPU, also beside a GPU."""
    precision: str
    """As "bfloat16", or "NF4, bfloat16" where the base's weights are packed."""


def hardware(device: str, precision: str) -> Hardware:
    """This machine's, where PyTorch computes on `device`."""
    import torch  # The report reads such facts where PyTorch is not installed.

    name = torch.cuda.get_device_name() if device == "cuda" else cpu_name()
    return Hardware(device=device, name=name, threads=torch.get_num_threads(), precision=precision)


def cpu_name() -> str:
    """The CPU as its maker calls it; where nothing tells, the kind of machine, as "x86_64"."""
    facts = CPU_FACTS.read_text("utf-8", errors="replace") if CPU_FACTS.is_file() else ""
    names = (line.partition(":")[2].strip() for line in facts.split("\n") if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
