"""An exported folder is the tuned model: the same logits, the same prompts, the same stops, in any server."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.support.precision import in_both_precisions
from tests.support.tuning import FACTS, SYSTEM
from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import read_json, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.models.exports import exported_from
from wukong_trainer.models.templates import with_system
from wukong_trainer.models.trained_model import base_of
from wukong_trainer.recipe import Precision
from wukong_trainer.use.export import Exported, export


@pytest.fixture(scope="module")
def merged(tuned_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(tuned_run, tmp_path_factory.mktemp("out") / "merged")


def loaded(folder: Path) -> tuple[Any, Any]:
    """As somebody without this tool loads it."""
    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def logits(model: Any, tokenizer: Any) -> torch.Tensor:
    found = []
    for question, _ in FACTS:
        text = tokenizer.apply_chat_template(chat_prompt(question, SYSTEM), tokenize=False, add_generation_prompt=True)
        with torch.no_grad():
            found.append(model.eval()(**tokenizer(text, add_special_tokens=False, return_tensors="pt")).logits[0])
    return torch.cat(found).float()


def base_model(run: Run) -> str:
    return str(read_json(run.adapter / RECORD)["base_model"])


def test_its_logits_are_those_of_the_adapter_on_a_bf16_base(tuned_run: Run, merged: Exported) -> None:
    base = AutoModelForCausalLM.from_pretrained(base_model(tuned_run), dtype=torch.bfloat16)
    before = logits(base, AutoTokenizer.from_pretrained(merged.folder))
    adapter = PeftModel.from_pretrained(base, str(tuned_run.adapter))
    wanted = logits(adapter, AutoTokenizer.from_pretrained(tuned_run.adapter))
    found = logits(*loaded(merged.folder))
    assert float((found - wanted).abs().max()) == pytest.approx(merged.largest_difference, abs=1e-6)
    assert (found - wanted).abs().mean() < 0.02 * wanted.std()
    assert (found - before).abs().mean() > 0.2 * wanted.std(), "the adapter changes nothing: this test shows nothing"


def test_it_is_bf16_safetensors_whose_trained_embeddings_are_still_tied(merged: Exported) -> None:
    model, _ = loaded(merged.folder)
    assert model.dtype is torch.bfloat16
    assert model.config.tie_word_embeddings
    assert model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr()
    assert not hasattr(model.config, "quantization_config")
    assert {path.suffix for path in merged.folder.iterdir()} == {".safetensors", ".json", ".jinja"}
    assert merged.size == sum(path.stat().st_size for path in merged.folder.iterdir() if path.name != RECORD)


@in_both_precisions
def test_a_student_trained_in_either_precision_is_exported_with_its_answers(
    tuned_run_in: Callable[[Precision], Run], precision: Precision, tmp_path: Path
) -> None:
    exported = export(tuned_run_in(precision), tmp_path / "merged")
    assert exported.same_answers == exported.same_as_trained == exported.questions == len(FACTS)


def test_it_answers_as_the_adapter_does_and_stops_by_itself(merged: Exported) -> None:
    assert (merged.questions, merged.same_answers) == (len(FACTS), len(FACTS))
    model, tokenizer = loaded(merged.folder)
    question, answer = FACTS[-1]
    inputs = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = model.generate(**inputs, max_new_tokens=20)[0, inputs["input_ids"].shape[1] :]
    assert said[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(said, skip_special_tokens=True) == answer


def test_its_template_says_the_trained_system_prompt_where_there_is_none_and_else_the_given(
    tuned_run: Run, merged: Exported
) -> None:
    ours, trained = (AutoTokenizer.from_pretrained(folder) for folder in (merged.folder, tuned_run.adapter))

    def text(tokenizer: Any, messages: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    asked = {"role": "user", "content": "丁？"}
    assert text(ours, [asked]) == text(trained, chat_prompt("丁？", SYSTEM))
    other = [{"role": "system", "content": "另一个"}, asked]
    assert text(ours, other) == text(trained, other)


def test_a_template_with_a_default_of_its_own_says_ours(student: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(student)
    own = "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}{% else %}You are Qwen.{% endif %}"
    tokenizer.chat_template = with_system(own, SYSTEM)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False) == SYSTEM


def test_its_record_is_the_adapters_and_says_how_near_it_is(tuned_run: Run, merged: Exported) -> None:
    record = read_json(merged.folder / RECORD)
    assert record.pop("merged")["largest_difference"] == merged.largest_difference
    assert record == read_json(tuned_run.adapter / RECORD)
    assert exported_from(merged.folder, tuned_run.adapter, "merged")
    assert not exported_from(merged.folder, tuned_run.adapter, "gguf")
    assert not exported_from(merged.folder, Path(base_model(tuned_run)), "merged")


def test_an_export_is_replaced_only_when_asked_and_anything_else_never(tuned_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert export(tuned_run, out).folder == out
    before = (out / "model.safetensors").stat().st_ino
    with pytest.raises(WorkspaceError, match="--overwrite"):
        export(tuned_run, out)
    export(tuned_run, out, overwrite=True)
    assert (out / "model.safetensors").stat().st_ino != before
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="holds no export"):
        export(tuned_run, tmp_path / "home", overwrite=True)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["home", "out"]


def test_a_merge_that_lost_the_adapter_is_refused_and_leaves_nothing(
    tuned_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_trainer.use.export._merged", lambda model: model.unload())
    with pytest.raises(ModelError, match="not the adapter"):
        export(tuned_run, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_finds_no_room_is_a_sentence_and_leaves_nothing(tuned_run: Run, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(WorkspaceError, match=r"out\S* cannot be written: .+\. Free some room on the disk"):
            export(tuned_run, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def put_adapter(run: Run, tuned_run: Run, config: Any) -> None:
    """Give `run` an untrained adapter of another kind, with the record of the trained one."""
    base = base_model(tuned_run)
    torch.manual_seed(0)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and "embed" not in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(run.adapter)
    AutoTokenizer.from_pretrained(tuned_run.adapter).save_pretrained(run.adapter)
    shutil.copy(tuned_run.adapter / RECORD, run.adapter)
    record = read_json(run.adapter / RECORD)
    assert base_of(run, record, run.adapter, "") == base
    write_json(run.adapter / RECORD, record | {"method": "lora"})


def test_a_prefix_adapter_cannot_be_merged_and_that_is_said(tuned_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    put_adapter(run, tuned_run, PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3))
    with pytest.raises(ModelError, match=r"prefix tuning adapter.*nothing can be merged"):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_embeddings_trained_apart_from_the_head_stay_apart(tuned_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    put_adapter(run, tuned_run, LoraConfig(task_type="CAUSAL_LM", r=4, modules_to_save=["embed_tokens"]))
    weights = run.adapter / "adapter_model.safetensors"
    tensors = load_file(weights)
    (embedding,) = [name for name in tensors if "embed" in name]
    save_file(tensors | {embedding: tensors[embedding] * 1.5}, weights, {"format": "pt"})
    exported = export(run, tmp_path / "out")
    assert not json.loads((tmp_path / "out" / "config.json").read_text())["tie_word_embeddings"]
    assert exported.mean_difference < 0.02 * exported.spread
