"""Does a student trained by each shipped recipe learn what it was shown, and in the recipe's form?

A student of the recipe's architecture is made here and pre-trained on questions about other things: chats where the
recipe's model is an Instruct one, mostly plain text where it is a base model. Then `wukong-pipe train` tunes it by the
recipe on rows of the recipe's format; of the recipe, only epochs, learning rate and sample size are changed (and the
tracker is off). The rows state sixteen invented facts, two of each of eight things, in six wordings each; asked are
two wordings of every fact that are in no row. Prints a Markdown table; see recipes.md.

    OMP_NUM_THREADS=1 python benchmarks/recipes.py [--seed N] [NAME...] > table.md
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import astuple, dataclass
from importlib.resources import files
from io import StringIO
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from wukong_pipe.cli.main import main as wukong_pipe
from wukong_pipe.files import jsonl
from wukong_pipe.workspace import Workspace
from wukong_trainer.data.examples import Example
from wukong_trainer.inference.generate import answer_all, likelihood_all
from wukong_trainer.models.loading import choose_place, load_model
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import END_OF_TEXT, TURN_END, make_tokenizer
from wukong_trainer.recipe import Recipe, load_recipe, shipped_recipes
from wukong_trainer.use.tuned_model import Tuned, load_tuned

CHARACTERS = "山水火木金土石云风雷雨雪虎龙狐猿蛇鹤松竹梅兰江河湖海星月光影"
WORDINGS = {
    "住处": (
        "{}住在哪里？", "{}的住处在哪里？", "哪里能找到{}？", "去哪里找{}？",
        "请问{}住在什么地方？", "{}家在何处？", "要找{}该去哪里？", "说说{}的住处。",
    ),
    "宝物": (
        "{}有什么宝物？", "{}的宝物是什么？", "什么宝物是{}的？", "打败{}得到什么？",
        "请问{}带着什么宝物？", "{}用的是何物？", "要向{}拿什么宝物？", "说说{}的宝物。",
    ),
}  # fmt: skip
KINDS = {"住处": "洞", "宝物": "珠"}
"""What a value ends in: its rest is a name."""
THINGS, OTHERS, VALUES = 8, 60, 24
"""Asked things, those of the pre-training, and values of an attribute, which both take theirs from."""
HELD_OUT = 4
"""Every so manieth wording of a fact is held out, another one of each fact."""
STEPS, BATCH, RATE = 200, 32, 2e-3
"""Of the pre-training."""


@dataclass(frozen=True)
class Change:
    """What is changed in a recipe; a student this small needs more steps and a higher rate than one of billions."""

    epochs: float
    learning_rate: float


CHANGES = {
    "alpaca-lora": Change(16, 1e-2),
    "base-nlp-qlora": Change(8, 1e-2),
    "domain-lora": Change(5, 1e-2),
    "medical-r1-full": Change(6, 2e-3),
    "qlora": Change(6, 5e-3),
    "qwen3-medical-full": Change(6, 2e-3),
    "tiny": Change(6, 3e-3),
}


@dataclass(frozen=True)
class Fact:
    """One attribute of one thing."""

    thing: str
    attribute: str
    value: str

    def asked(self, wording: int) -> str:
        return WORDINGS[self.attribute][wording].format(self.thing)

    @property
    def answer(self) -> str:
        return f"{self.value}。"

    @property
    def thought(self) -> str:
        return f"问的是{self.thing}的{self.attribute}。"


@dataclass(frozen=True)
class World:
    """Invented facts: those to be taught and asked, and those that a student has read before."""

    facts: list[Fact]
    others: list[Fact]


def invented(seed: int) -> World:
    """A world of its own for each seed; no two of its things and values have a name in common."""
    draw = random.Random(seed)
    every = [a + b for a in CHARACTERS for b in CHARACTERS if a != b]
    names = iter(draw.sample(every, THINGS + OTHERS + VALUES * len(KINDS)))
    values = {attribute: [name + end for name in islice(names, VALUES)] for attribute, end in KINDS.items()}
    asked, others = list(islice(names, THINGS)), list(islice(names, OTHERS))
    facts = [
        Fact(thing, attribute, value)
        for attribute in KINDS
        for thing, value in zip(asked, draw.sample(values[attribute], THINGS), strict=True)
    ]
    return World(facts, [Fact(thing, name, draw.choice(values[name])) for thing in others for name in KINDS])


def rows(world: World, thinking: bool, plain: bool, held_out: bool) -> list[dict[str, str]]:
    """Questions and answers in the format of the recipe's tutorial."""
    found = []
    for number, fact in enumerate(world.facts):
        for wording in range(len(WORDINGS[fact.attribute])):
            if ((number + wording) % HELD_OUT == 0) is not held_out:
                continue
            question = fact.asked(wording)
            if thinking:
                found.append({"question": question, "think": fact.thought, "answer": fact.answer})
            elif plain:
                found.append({"instruction": question, "input": "" if wording % 2 else "简答", "output": fact.answer})
            else:
                found.append({"instruction": question, "output": fact.answer})
    return found


Weights = dict[tuple[str, bool], Any]
"""What was pre-trained already, by architecture and whether it is an Instruct model."""
Pieces = tuple[str, str]
"""What stands before an answer, and the answer with its end, which alone counts in pre-training."""


def read_before(world: World, instruct: bool, seed: int) -> Iterator[Pieces]:
    """What a student has read: other facts in every wording; chats with the recipes' system prompts, or plain text.

    A base model reads a chat now and then, as those on the hubs have: else it would not know the chat's own tokens.
    """
    draw = random.Random(seed)
    systems = sorted({load_recipe(name).system for name in shipped_recipes()} | {"回答准确、简明。"})
    while True:
        fact = draw.choice(world.others)
        question = fact.asked(draw.randrange(len(WORDINGS[fact.attribute])))
        if instruct or draw.random() < 0.25:
            head = f"<|im_start|>system\n{draw.choice(systems)}<|im_end|>\n"
            yield f"{head}<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n", fact.answer + TURN_END
        else:
            yield f"问：{question}\n答：", fact.answer + END_OF_TEXT


def is_instruct(recipe: Recipe) -> bool:
    """Whether the recipe's model can chat already."""
    return recipe.model.endswith("Instruct") or recipe.model.startswith("Qwen/Qwen3") or recipe.model == "tiny"


def student_of(recipe: Recipe, world: World, seed: int, folder: Path, weights: Weights) -> Path:
    """A student with the architecture, chat template and EOS that the recipe's model comes with."""
    qwen3, instruct = recipe.model.startswith("Qwen/Qwen3"), is_instruct(recipe)
    # One token a character: merges across a name's edge would spell it otherwise in every wording.
    read = [*islice(read_before(world, True, seed), 1500), *((fact.thought, "问答：") for fact in world.facts)]
    characters = "".join(before + answer for before, answer in read)
    marks = ["Instruction: ", "\nInput: ", "\nOutput: ", "<think>\n", "\n</think>\n\n"] * 200
    tokenizer: Any = make_tokenizer([*characters, *marks], 1000)
    template = "qwen3.jinja" if qwen3 else "qwen2_5.jinja"
    tokenizer.chat_template = (files("trl") / "chat_templates" / template).read_text("utf-8")
    tokenizer.eos_token = TURN_END if instruct else END_OF_TEXT
    kind = ("qwen3" if qwen3 else "qwen2", instruct)
    if kind not in weights:
        weights[kind] = pretrained(kind[0], tokenizer, read_before(world, instruct, seed), seed)
    weights[kind].save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pretrained(architecture: str, tokenizer: Any, read: Iterator[Pieces], seed: int) -> Any:
    """A model of two small layers that has read."""
    torch.manual_seed(seed)
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
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        ids, labels = padded(tokenizer, list(islice(read, BATCH)))
        model(input_ids=ids, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return model


def padded(tokenizer: Any, texts: Sequence[Pieces]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of shape (texts, longest) and labels of the same shape, -100 where a token does not count."""
    pieces = [tokenizer(list(pair), add_special_tokens=False)["input_ids"] for pair in texts]
    longest = max(len(before) + len(answer) for before, answer in pieces)
    ids = torch.full((len(pieces), longest), tokenizer.convert_tokens_to_ids(END_OF_TEXT))
    labels = torch.full_like(ids, -100)
    for n, (before, answer) in enumerate(pieces):
        ids[n, : len(before) + len(answer)] = torch.tensor(before + answer)
        labels[n, len(before) : len(before) + len(answer)] = torch.tensor(answer)
    return ids, labels


@dataclass(frozen=True)
class Scores:
    """What a model makes of the held-out questions; all but the loss are shares of them."""

    loss: float
    """Nats a token of the answer and its end."""
    ended: float
    """By the recipe's EOS."""
    closed: float
    """One thought, opened first and closed."""
    right: float
    """The answer, after the thought, is the reference and nothing else."""


@dataclass(frozen=True)
class Measured:
    """One recipe's row of the table."""

    name: str
    student: str
    change: Change
    base: Scores
    tuned: Scores
    thinking: bool
    questions: int
    seconds: float
    """CPU time of `wukong-pipe train`."""

    def row(self) -> str:
        pairs = zip(astuple(self.base), astuple(self.tuned), strict=True)
        loss, ended, closed, right = (f"{before:.2f} → {after:.2f}" for before, after in pairs)
        return (
            f"| {self.name} | {self.student} | {self.change.epochs:g}, {self.change.learning_rate:g} | {loss} "
            f"| {ended} | {closed if self.thinking else '–'} | {right} | {self.questions} | {self.seconds:.0f} s |"
        )


def measure(name: str, seed: int, folder: Path, weights: Weights) -> Measured:
    """Train by the recipe through the command line in `folder`, and ask base and tuned the held-out questions."""
    recipe, change, world = load_recipe(name), CHANGES[name], invented(seed)
    model = student_of(recipe, world, seed, folder / "student", weights)
    kind = (recipe.thinking, recipe.style == "instruction")
    data, trained = folder / "rows.jsonl", rows(world, *kind, held_out=False)
    random.Random(seed).shuffle(trained)
    data.write_text(jsonl(trained), "utf-8")
    options = ["--recipe", name, "--model", str(model), "--report-to", "none", "--runs-dir", str(folder / "runs")]
    changed = ["--epochs", str(change.epochs), "--lr", str(change.learning_rate), "--sample", "1"]
    said, started = StringIO(), time.process_time()
    with redirect_stdout(said), redirect_stderr(said):
        code = wukong_pipe(["train", "--data", str(data), *options, *changed])
    if code:
        raise SystemExit(said.getvalue())
    seconds = time.process_time() - started

    tuned = load_tuned(Workspace(folder / "runs").run("rows"))
    asked = [
        Example(row.get("question") or row["instruction"], row.get("answer") or row["output"],
                row.get("input", ""), row.get("think", ""))
        for row in rows(world, *kind, held_out=True)
    ]  # fmt: skip
    before = scores(load_model(str(model), recipe.method, choose_place()), tuned, asked)
    student = f"{tuned.model.config.model_type}, {'Instruct' if is_instruct(recipe) else 'base'}; {recipe.method}"
    after = scores(tuned.model, tuned, asked)
    return Measured(name, student, change, before, after, recipe.thinking, len(asked), seconds)


def scores(model: Any, tuned: Tuned, asked: Sequence[Example]) -> Scores:
    """The scores of base or tuned model, asked as the tuned one was trained."""
    style, thinking = tuned.form["style"], tuned.form["thinking"]
    prompts = [example.prompt(tuned.system, style) for example in asked]
    references = [example.completion(style, thinking) for example in asked]
    likely = likelihood_all(model, tuned.tokenizer, prompts, references, 16, **tuned.form)
    answers = answer_all(model, tuned.tokenizer, prompts, 48, 16, **tuned.form)
    texts = [answer.text for answer in answers]
    said = [text.rpartition("</think>")[2].strip() for text in texts]
    return Scores(
        loss=-fmean(each.per_token for each in likely),
        ended=fmean(answer.stopped_by_eos for answer in answers),
        closed=fmean(text.startswith("<think>") and text.count("</think>") == 1 for text in texts),
        right=fmean(text == example.output for text, example in zip(said, asked, strict=True)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"recipes; where none is named, {', '.join(CHANGES)}")
    parser.add_argument("--seed", type=int, default=0, help="of the facts and the pre-training")
    options = parser.parse_args()
    silence_libraries()
    print("| recipe | student | epochs, rate | held-out loss | ended | <think> closed | right | n | training, CPU |")
    print("|---|---|---|---|---|---|---|---|---|")
    weights: Weights = {}
    for name in options.names or CHANGES:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(name, options.seed, Path(folder), weights).row(), flush=True)
    print(f"\n{time.process_time():.0f} s of CPU time in all, seed {options.seed}", file=sys.stderr)


if __name__ == "__main__":
    main()
