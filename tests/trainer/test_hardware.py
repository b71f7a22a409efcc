from __future__ import annotations

from pathlib import Path

import pytest
import torch

from wukong_trainer import hardware as module
from wukong_trainer.hardware import cpu_name, hardware


def test_the_cpu_has_its_maker_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: AMD EPYC 9R14: 2\nmodel name\t: AMD EPYC 9R14: 2\n")
    monkeypatch.setattr(module, "CPU_FACTS", facts)
    assert cpu_name() == "AMD EPYC 9R14: 2"


@pytest.mark.parametrize("content", [None, "processor\t: 0\nBogoMIPS\t: 50.00\n"])
def test_a_cpu_that_has_no_name_is_of_a_kind(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "cpuinfo").write_text(content)
    monkeypatch.setattr(module, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert cpu_name() == "aarch64"


def test_the_hardware_is_that_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    found = hardware("cuda", "NF4, bfloat16")
    assert (found.device, found.name, found.precision) == ("cuda", "NVIDIA H200", "NF4, bfloat16")
    assert hardware("cpu", "float32").name == cpu_name()
    assert found.threads == torch.get_num_threads()
