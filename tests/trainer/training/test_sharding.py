"""A student with its adapter, sharded over two processes by torch's fully_shard, which FSDP2 is made of.

accelerate turns FSDP into DDP on a CPU without a word, so what the trainer itself does with FSDP needs GPUs; that the
sharded model is the same model is shown here without.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from torch import distributed, multiprocessing
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from tests.trainer.conftest import FACTS
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.adapters import adapter_config
from wukong_trainer.models.loading import Place, load_model, load_tokenizer
from wukong_trainer.recipe import Method, Recipe, overridden

pytestmark = pytest.mark.long
PROCESSES, STEPS = 2, 3


def tuned(recipe: Recipe) -> Any:
    """The student with the adapter of its recipe, as `train` puts it on."""
    torch.manual_seed(0)
    model = load_model(recipe.model, recipe.method, Place("cpu", torch.float32, "a test"))
    adapter = adapter_config(recipe, model.config.model_type)
    assert adapter is not None
    return get_peft_model(model, adapter).train()


def rows(recipe: Recipe) -> list[dict[str, torch.Tensor]]:
    """Every fact as a batch of one row, loss on the answer alone."""
    tokenizer = load_tokenizer(recipe.model)
    batches = []
    for question, answer in FACTS[:8]:
        prompt = tokenizer(prompt_text(tokenizer, [{"role": "user", "content": question}]))["input_ids"]
        ids = [*prompt, *tokenizer(answer + tokenizer.eos_token)["input_ids"]]
        labels = [*[-100] * len(prompt), *ids[len(prompt) :]]
        batches.append({"input_ids": torch.tensor([ids]), "labels": torch.tensor([labels])})
    return batches


def train(model: Any, recipe: Recipe, rank: int, processes: int) -> list[float]:
    """The loss over all rows before each step, of which this process computes its share."""
    batches = rows(recipe)
    items = sum(int((batch["labels"] != -100).sum()) for batch in batches)
    optimizer = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=1e-2)
    losses = []
    for _ in range(STEPS):
        total = torch.zeros(())
        for batch in batches[rank::processes]:
            # fully_shard takes the mean of the processes' gradients, each of which counts the tokens of all.
            loss = model(**batch, num_items_in_batch=items).loss * processes
            loss.backward()
            total += loss.detach() / processes
        if processes > 1:
            distributed.all_reduce(total)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(total))
    return losses


def shard_and_train(rank: int, folder: str, recipe: Recipe) -> None:
    """One of the processes: writes its losses and the share of each parameter it holds, null where it is no DTensor."""
    distributed.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=PROCESSES)
    model = tuned(recipe)
    whole = {name: each.shape[0] for name, each in model.named_parameters()}
    for layer in model.get_base_model().model.layers:
        fully_shard(layer)
    fully_shard(model)
    held = {
        name: each.to_local().shape[0] / whole[name] if isinstance(each, DTensor) else None
        for name, each in model.named_parameters()
    }
    losses = train(model, recipe, rank, PROCESSES)
    Path(folder, f"{rank}.json").write_text(json.dumps([held, losses]))
    distributed.destroy_process_group()


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_sharded_student_has_the_losses_of_a_whole_one(tmp_path: Path, recipe: Recipe, method: Method) -> None:
    recipe = overridden(recipe, method=method, modules_to_save=[], dropout=0.0)
    alone = train(tuned(recipe), recipe, 0, 1)
    # Unlike the standard library's, it ends the other process where one fails.
    started: Any = multiprocessing
    started.spawn(shard_and_train, (str(tmp_path), recipe), PROCESSES)
    shares = []
    for rank in range(PROCESSES):
        held, losses = json.loads((tmp_path / f"{rank}.json").read_text())
        assert None not in held.values(), "a parameter is no DTensor"
        shares.append(held)
        gap = max(abs(one - other) for one, other in zip(alone, losses, strict=True))
        print(f"{method}, process {rank}: {len(held)} parameters sharded, largest gap of the losses {gap:.1e}")
        assert gap < 1e-3
    assert {sum(each[name] for each in shares) for name in shares[0]} == {1.0}
    assert alone[-1] < alone[0]
