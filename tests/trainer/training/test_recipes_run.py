"""Each shipped recipe runs through the real command line, on a student of its architecture and data of its kind."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import recipes as benchmark
from transformers import Qwen3Config, Qwen3ForCausalLM
from trl import SFTTrainer

from tests.trainer.conftest import FACTS
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import Example
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.recipe import load_recipe, recipe_text, shipped_recipes

MEDICAL = "你是一个医学专家，你需要根据用户的问题，给出带有思考的回答。"
CASES = [(f"{FACTS[i % 24][0][:-1]}，第{i}次？", FACTS[i % 24][1]) for i in range(40)]
ROWS: dict[str, list[dict[str, str]]] = {
    "instruction/output": [{"instruction": question, "output": answer} for question, answer in CASES],
    "instruction/input/output": [
        {"instruction": question, "input": "" if i % 2 else f"山{i}", "output": answer}
        for i, (question, answer) in enumerate(CASES)
    ],
    "question/think/answer": [
        {"Instruction": "", "question": question, "think": f"想想{answer}", "answer": answer, "metrics": "1"}
        for question, answer in CASES
    ],
}
KIND = {
    "alpaca-lora": "instruction/input/output",
    "domain-lora": "instruction/input/output",
    "medical-r1-full": "question/think/answer",
    "qwen3-medical-full": "question/think/answer",
}


@pytest.fixture(scope="module")
def students(student: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small students with the templates of Qwen2.5 and Qwen3, and the EOS that base and Instruct models come with."""
    templates = files("trl") / "chat_templates"
    made = {}
    for name, template, eos in (
        ("Qwen2.5-Instruct", "qwen2_5.jinja", "<|im_end|>"),
        ("Qwen2.5", "qwen2_5.jinja", "<|endoftext|>"),
        ("Qwen3", "qwen3.jinja", "<|im_end|>"),
    ):
        made[name] = tmp_path_factory.mktemp("students") / name
        tokenizer = load_tokenizer(str(student))
        tokenizer.chat_template = (templates / template).read_text("utf-8")
        tokenizer.eos_token = eos
        tokenizer.save_pretrained(made[name])
        if name == "Qwen3":
            torch.manual_seed(0)
            config = Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=64,
                intermediate_size=128,
                num_hidden_layers=1,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=32,
                max_position_embeddings=1024,
            )
            Qwen3ForCausalLM(config).save_pretrained(made[name])
        else:
            for file in ("config.json", "model.safetensors"):
                (made[name] / file).write_bytes((student / file).read_bytes())
    return made


def student_for(model: str, students: dict[str, Path]) -> Path:
    if model.startswith("Qwen/Qwen3"):
        return students["Qwen3"]
    return students["Qwen2.5-Instruct" if model.endswith("Instruct") or model in {"tiny", "smollm2"} else "Qwen2.5"]


@pytest.mark.usefixtures("short_samples")
@pytest.mark.parametrize("name", shipped_recipes())
def test_what_a_recipe_trains_is_what_its_tutorial_trained(
    name: str,
    students: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = load_recipe(name)
    rows = ROWS[KIND.get(name, "instruction/output")]
    Path("rows.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in [*rows, rows[5]]), "utf-8")
    # Trackers have tests of their own.
    text = recipe_text(name).replace(f'report_to = "{recipe.report_to}"', 'report_to = "none"')
    Path("mine.toml").write_text(text, "utf-8")
    seen: list[tuple[list[int], list[int]]] = []
    original = SFTTrainer.train

    def spy(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.extend((row["input_ids"], row["labels"]) for row in self.train_dataset)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(SFTTrainer, "train", spy)
    model = student_for(recipe.model, students)
    arguments = ["--data", "rows.jsonl", "--recipe", "mine.toml", "--model", str(model)]
    assert main(["train", *arguments, "--sample", "1", "--epochs", "0.2"]) == 0, capsys.readouterr().err

    run = Run(Path("runs/rows"))
    folder = run.full_model if recipe.method == "full" else run.adapter
    record = read_json(folder / RECORD)
    tokenizer = load_tokenizer(str(folder))
    left_out = read_jsonl(run.train / "left_out.jsonl") if recipe.clean else []
    watched = read_jsonl(run.train / "validation.jsonl") if recipe.validation else []
    assert len(seen) + len(watched) + len(left_out) == len(rows) + 1
    assert left_out == ([{"row": "rows.jsonl, line 41", "reason": "duplicate of rows.jsonl, line 6"}] * recipe.clean)

    wanted = {}
    for row in rows:
        think, answer = row.get("think", ""), row.get("answer") or row["output"]
        example = Example(row.get("question") or row["instruction"], answer, row.get("input", ""), think)
        prompt = prompt_text(
            tokenizer, example.prompt(record["system"], record["style"]), record["style"], record["thinking"]
        )
        form = {"alpaca-lora": " {a}<|endoftext|>"} | dict.fromkeys(
            ("medical-r1-full", "qwen3-medical-full"), "<think>\n{t}\n</think>\n\n{a}<|im_end|>\n"
        )
        wanted[prompt] = form.get(name, "{a}<|im_end|>\n").format(t=think, a=answer)
    for ids, labels in seen:
        begin = next(i for i, label in enumerate(labels) if label != -100)
        assert wanted[tokenizer.decode(ids[:begin])] == tokenizer.decode(labels[begin:])
    asked = next(iter(wanted))
    if name == "alpaca-lora":
        assert asked == f"Instruction: {CASES[0][0]}\nInput: 山0\nOutput:"
    else:
        system = recipe.system or "回答准确、简明。"
        assert asked.startswith(f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{CASES[0][0]}")


def test_without_thinking_qwen3_is_asked_and_trained_with_an_empty_thought(students: dict[str, Path]) -> None:
    tokenizer = load_tokenizer(str(students["Qwen3"]))
    off = prompt_text(tokenizer, Example("问？", "答").prompt(""), thinking=False)
    on = prompt_text(tokenizer, Example("问？", "答").prompt(""), thinking=True)
    assert off == on + "<think>\n\n</think>\n\n"


@pytest.fixture(scope="module")
def weights() -> benchmark.Weights:
    """What the benchmark pre-trains once for several recipes."""
    return {}


def test_no_question_of_the_benchmark_is_trained_and_every_fact_is() -> None:
    world = benchmark.invented(0)
    trained, asked = (benchmark.rows(world, False, False, held_out=held_out) for held_out in (False, True))
    assert not {row["instruction"] for row in trained} & {row["instruction"] for row in asked}
    assert {row["output"] for row in trained} == {row["output"] for row in asked} == {f.answer for f in world.facts}
    assert not {fact.thing for fact in world.facts} & {fact.thing for fact in world.others}


@pytest.mark.long
@pytest.mark.parametrize("name", shipped_recipes())
def test_a_student_tuned_by_a_recipe_answers_wordings_it_was_not_trained_on_in_the_recipes_form(
    name: str, weights: benchmark.Weights, tmp_path: Path
) -> None:
    measured = benchmark.measure(name, 0, tmp_path, weights)
    print(measured.row())
    assert measured.tuned.loss < measured.base.loss
    assert measured.tuned.ended >= 0.95
    assert measured.tuned.closed >= 0.95 or not measured.thinking
    # Always the most frequent answer would be right in one of eight.
    assert measured.base.right <= 0.15
    assert measured.tuned.right >= 0.5


TABLE: dict[str, dict[str, Any]] = {
    "base-nlp-qlora": {
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "method": "qlora",
        "system": "你是《黑神话：悟空》领域助手，回答准确、简明。",
        "r": 16,
        "alpha": 32,
        "dropout": 0.05,
        "target_modules": ["q_proj", "v_proj"],
        "batch": 1,
        "accumulation": 8,
        "learning_rate": 1e-3,
        "scheduler": "linear",
        "warmup": 0.03,
        "epochs": 4.0,
        "max_length": 2048,
    },
    "medical-r1-full": {
        "model": "Qwen/Qwen2.5-1.5B",
        "method": "full",
        "system": MEDICAL,
        "thinking": True,
        "validation": 0.1,
        "split_seed": 42,
        "batch": 1,
        "accumulation": 4,
        "learning_rate": 1e-4,
        "epochs": 2.0,
        "evaluate_every": 100,
        "save_every": 400,
        "gradient_checkpointing": True,
        "max_length": 2048,
    },
    "domain-lora": {
        "model": "Qwen/Qwen2.5-7B",
        "method": "lora",
        "r": 64,
        "alpha": 16,
        "dropout": 0.1,
        "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "batch": 1,
        "accumulation": 8,
        "learning_rate": 2e-4,
        "epochs": 3.0,
        "max_length": 2048,
        "clean": True,
        "report_to": "wandb",
    },
    "alpaca-lora": {
        "model": "Qwen/Qwen2-0.5B",
        "method": "lora",
        "style": "instruction",
        "r": 8,
        "alpha": 16,
        "dropout": 0.05,
        "target_modules": ["q_proj", "v_proj"],
        "sample": 0.01,
        "validation": 0.2,
        "max_length": 512,
        "batch": 4,
        "accumulation": 1,
        "epochs": 1.0,
        "evaluate_every": "epoch",
        "save_every": "epoch",
        "keep_best": True,
    },
}
TABLE["qwen3-medical-full"] = TABLE["medical-r1-full"] | {"model": "Qwen/Qwen3-1.7B", "report_to": "swanlab"}


@pytest.mark.parametrize("name", TABLE)
def test_a_recipes_values_are_its_tutorials(name: str) -> None:
    recipe = load_recipe(name)
    assert {key: getattr(recipe, key) for key in TABLE[name]} == TABLE[name]
