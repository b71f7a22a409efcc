"""Does a student trained by each shipped recipe learn what it was shown, and in the recipe's form?

A student of the recipe's architecture is made and pre-trained here for half a minute: on texts that repeat themselves
and on conversations whose answers have nothing to do with the question. Then `wukong-pipe train` tunes it by the
recipe on rows of the recipe's format, whose answers repeat a name out of the question; of the recipe, only epochs,
learning rate and sample size are changed (and the tracker is off). Forty questions about names that stand in no
training row are held out: their loss before and after, how many answers are right, how many end by themselves, and
how many close their <think>. Prints a Markdown table; see recipes.md.

    python benchmarks/recipes.py [NAME...] > table.md
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from wukong_pipe.cli import main as wukong_pipe
from wukong_pipe.workspace import Workspace, jsonl
from wukong_trainer.data import Example
from wukong_trainer.generate import answer_all, likelihood_all
from wukong_trainer.model import choose_place, load_model
from wukong_trainer.quiet import silence_libraries
from wukong_trainer.recipe import Recipe, load_recipe, shipped_recipes
from wukong_trainer.student import END_OF_TEXT, TURN_END, make_tokenizer
from wukong_trainer.tuned import load_tuned

CHARACTERS = "山水火木金土石云风雷雨雪虎龙狐猿蛇鹤松竹梅兰江河湖海星月光影"
TRAINED, HELD_OUT = 192, 40
STEPS, BATCH, LENGTH = 400, 16, 96
"""Of the pre-training: steps, sequences a step, tokens a sequence."""
FORMS = ("{}住在哪里？", "哪里有{}？", "请说说{}。", "{}是什么？")


@dataclass(frozen=True)
class Change:
    """What is changed in a recipe; a student this small needs more steps and a higher rate than one of billions."""

    epochs: float
    learning_rate: float


CHANGES = {
    "alpaca-lora": Change(10, 5e-3),
    "base-nlp-qlora": Change(8, 5e-3),
    "domain-lora": Change(8, 3e-3),
    "medical-r1-full": Change(4, 1e-3),
    "qlora": Change(12, 5e-3),
    "qwen3-medical-full": Change(4, 1e-3),
    "tiny": Change(10, 3e-3),
}


def names(seed: int) -> Iterator[str]:
    """Ever new names of two characters."""
    draw = random.Random(seed)
    seen: set[str] = set()
    while True:
        name = "".join(draw.sample(CHARACTERS, 2))
        if name not in seen:
            seen.add(name)
            yield name


def rows(thinking: bool, plain: bool) -> list[dict[str, str]]:
    """Questions and answers in the format of the recipe's tutorial, each about a name of its own."""
    found = []
    for i, name in zip(range(TRAINED + HELD_OUT), names(1), strict=False):
        question, answer = FORMS[i % len(FORMS)].format(name), f"这是{name}。"
        if thinking:
            found.append({"question": question, "think": f"问的是{name}", "answer": answer})
        elif plain:
            found.append({"instruction": question, "input": "" if i % 2 else "简答", "output": answer})
        else:
            found.append({"instruction": question, "output": answer})
    return found


def texts() -> Iterator[str]:
    """What a student has read before: texts that repeat themselves, and conversations that make no sense."""
    draw = random.Random(0)
    systems = sorted({load_recipe(name).system for name in shipped_recipes()} | {"回答准确、简明。"})
    while True:
        some = ["".join(draw.choices(CHARACTERS, k=2)) for _ in range(4)]
        yield "，".join(some * 2) + END_OF_TEXT
        question, answer = draw.choice(FORMS).format(some[0]), "".join(some[1 : draw.randint(2, 4)])
        yield (
            f"<|im_start|>system\n{draw.choice(systems)}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n"
            f"<|im_start|>assistant\n{answer}<|im_end|>\n"
        )


def make(folder: Path, architecture: str, template: str, eos: str, weights: dict[str, Any]) -> Path:
    """A student's folder; `weights` holds what was pre-trained already, by architecture."""
    sample = [text for _, text in zip(range(2000), texts(), strict=False)]
    english = ["Instruction: ", "\nInput: ", "\nOutput: ", "<think>\n", "\n</think>\n\n"] * 200
    written = [text for row in rows(True, False) for text in row.values()]
    tokenizer: Any = make_tokenizer([*sample, *english, *written], 600)
    tokenizer.chat_template = (files("trl") / "chat_templates" / template).read_text("utf-8")
    tokenizer.eos_token = eos
    if architecture not in weights:
        weights[architecture] = pretrained(architecture, tokenizer)
    weights[architecture].save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pretrained(architecture: str, tokenizer: Any) -> Any:
    """A model of two small layers that has read `texts`."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids(TURN_END),
        "pad_token_id": tokenizer.convert_tokens_to_ids(END_OF_TEXT),
    }
    model: Any = (
        Qwen3ForCausalLM(Qwen3Config(**shape, head_dim=32))
        if architecture == "qwen3"
        else Qwen2ForCausalLM(Qwen2Config(**shape))
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=STEPS)
    ids: list[int] = []
    read = texts()
    for _ in range(STEPS):
        while len(ids) < BATCH * LENGTH:
            ids += tokenizer(next(read), add_special_tokens=False)["input_ids"]
        batch, ids = torch.tensor(ids[: BATCH * LENGTH]).view(BATCH, LENGTH), ids[BATCH * LENGTH :]
        model(input_ids=batch, labels=batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return model


def student_of(recipe: Recipe, folder: Path, weights: dict[str, Any]) -> Path:
    """A student with the architecture, chat template and EOS that the recipe's model comes with."""
    if recipe.model.startswith("Qwen/Qwen3"):
        return make(folder, "qwen3", "qwen3.jinja", TURN_END, weights)
    instruct = recipe.model.endswith("Instruct") or recipe.model == "tiny"
    return make(folder, "qwen2", "qwen2_5.jinja", TURN_END if instruct else END_OF_TEXT, weights)


def measure(name: str, folder: Path, weights: dict[str, Any]) -> str:
    """One row of the table."""
    recipe, change = load_recipe(name), CHANGES[name]
    model = student_of(recipe, folder / "student", weights)
    every = rows(recipe.thinking, recipe.style == "instruction")
    data = folder / "rows.jsonl"
    data.write_text(jsonl(every[:TRAINED]), "utf-8")
    options = ["--recipe", name, "--model", str(model), "--report-to", "none", "--runs-dir", str(folder / "runs")]
    changed = ["--epochs", str(change.epochs), "--lr", str(change.learning_rate), "--sample", "1"]
    said, started = StringIO(), time.monotonic()
    with redirect_stdout(said), redirect_stderr(said):
        code = wukong_pipe(["train", "--data", str(data), *options, *changed])
    if code:
        raise SystemExit(said.getvalue())
    seconds = time.monotonic() - started

    run = Workspace(folder / "runs").run("rows")
    tuned = load_tuned(run)
    examples = [
        Example(row.get("question") or row["instruction"], row.get("answer") or row["output"],
                row.get("input", ""), row.get("think", ""))
        for row in every[TRAINED:]
    ]  # fmt: skip
    prompts = [example.prompt(tuned.system, recipe.style) for example in examples]
    references = [example.completion(recipe.style, recipe.thinking) for example in examples]

    def loss(asked: Any) -> float:
        likely = likelihood_all(asked, tuned.tokenizer, prompts, references, 16, **tuned.form)
        return -sum(each.per_token for each in likely) / len(likely)

    answers = answer_all(tuned.model, tuned.tokenizer, prompts, 64, 16, **tuned.form)
    right = sum(example.output in answer.text for example, answer in zip(examples, answers, strict=True))
    ended = sum(answer.stopped_by_eos for answer in answers)
    closed = sum(answer.text.startswith("<think>") and answer.text.count("</think>") == 1 for answer in answers)
    base = load_model(str(model), "full" if recipe.method == "full" else recipe.method, choose_place())
    n = len(examples)
    return (
        f"| {name} | {tuned.model.config.model_type}, {recipe.method} | {change.epochs:g}, {change.learning_rate:g} "
        f"| {loss(base):.3f} | {loss(tuned.model):.3f} | {ended / n:.3f} "
        f"| {f'{closed / n:.3f}' if recipe.thinking else '–'} | {right / n:.3f} | {n} | {seconds:.0f} s |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="recipes; all that are shipped where none is named")
    options = parser.parse_args()
    silence_libraries()
    print(
        "| recipe | student | epochs, rate | base loss | tuned loss | ended | <think> closed | right | n | training |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    weights: dict[str, Any] = {}
    for name in options.names or shipped_recipes():
        with tempfile.TemporaryDirectory() as folder:
            print(measure(name, Path(folder), weights), flush=True)


if __name__ == "__main__":
    main()
