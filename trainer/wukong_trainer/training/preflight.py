"""The checks before the first step: what is trained, whether it will be asked in the same form, on which device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

from transformers import SchedulerType
from transformers.training_args import OptimizerNames

from wukong_pipe.errors import ModelError
from wukong_pipe.language.plurals import counted
from wukong_trainer.data.examples import Example, to_trl
from wukong_trainer.models.templates import rendered
from wukong_trainer.recipe import Recipe
from wukong_trainer.training.memory import GB
from wukong_trainer.training.passes import MemoryPlan
from wukong_trainer.training.trainer import TrainingSetup, attention_of

SHOWN = 3
END = "⏎"


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a training run is about to do; train/preflight.json holds it.

    {"trained": ["击败石先锋后获得。<|im_end|>", …], "rows": 1386, "truncated": 0, "device": "cpu", "batch": 16,
     "expected_memory_gb": {"weights": 0.006, …, "total": 0.4}, "free_memory_gb": 15.9, "notes": [], …}
    """

    trained: list[str]
    """The trained tokens of three rows, decoded from what the trainer's own collator makes of them."""
    rows: int
    truncated: int
    dropped: int
    """Rows whose question alone fills max_length: nothing of them is trained."""
    unwatched: int
    """Validation rows of that kind, which have no loss."""
    longest_tokens: int
    mean_tokens: float
    device: str
    dtype: str
    device_reason: str
    attention: str
    attention_reason: str
    batch: int
    accumulation: int
    expected_memory_gb: dict[str, float] | None
    """By part and in total; None where the student's config says too little to tell."""
    free_memory_gb: float
    notes: list[str] = field(default_factory=list)
    """What was done otherwise than the recipe says, and why."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def check_names(recipe: Recipe) -> None:
    """Refuse names of optimizer and scheduler that transformers would refuse only once the student is loaded.

    Raises:
        ModelError: there is no such name; the sentence lists those that there are.
    """
    for key, value, names in (
        ("optimizer", recipe.optimizer, OptimizerNames),
        ("scheduler", recipe.scheduler, SchedulerType),
    ):
        if value not in list(names):
            raise ModelError(f"There is no {key} “{value}”: the recipe may name {', '.join(names)}.")


def check_stops(tokenizer: Any, examples: list[Example], system: str) -> None:
    """Refuse a template whose trained answers do not end in EOS: such a student never stops.

    Raises:
        ModelError: the rendered answer holds no EOS after it.
    """
    example = examples[0]
    row = to_trl([example], system, style="chat", thinking=False)[0]
    whole = rendered(tokenizer, row["prompt"] + row["completion"])
    ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
    # Qwen's template writes a newline after the end of the turn.
    if tokenizer.eos_token_id not in ids[-2:]:
        raise ModelError(
            f"The chat template does not end an answer with {tokenizer.eos_token}: the student would never stop. "
            "Use the model's Instruct version, or one whose template and EOS agree."
        )
    prompt = rendered(tokenizer, row["prompt"], add_generation_prompt=True)
    if not whole.startswith(prompt):
        raise ModelError(
            "The chat template writes a question differently once it is answered, so training and use would differ."
        )


def look(
    setup: TrainingSetup, trainer: Any, plan: MemoryPlan, notes: Sequence[str], packing_notes: Sequence[str]
) -> Preflight:
    """What the trainer is about to do.

    Args:
        notes: what is done otherwise than the recipe says.

    Raises:
        ModelError: nothing would be trained, or a row is trained in another form than it will be asked in.
    """
    recipe, place, rows = setup.recipe, setup.place, trainer.train_dataset
    if not len(rows):
        raise ModelError(f"Every question alone fills max_length = {recipe.max_length} tokens: raise max_length.")
    whole = [row for row in rows.select(range(min(50, len(rows)))) if len(row["input_ids"]) < recipe.max_length]
    shown = (whole or [rows[0]])[:SHOWN]
    blind = []
    if (recipe.patience or recipe.keep_best) and not trainer.eval_dataset:
        blind = ["Without validation rows there is no best checkpoint to keep and nothing to stop early by."]
    return Preflight(
        trained=trained_texts(setup.tokenizer, trainer.data_collator, shown, setup.questions, recipe.max_length),
        rows=len(setup.tokens),
        truncated=sum(count > recipe.max_length for count in setup.tokens),
        # With packing, the trainer's rows are packs.
        dropped=0 if recipe.packing else len(setup.tokens) - len(rows),
        unwatched=len(setup.watched) - len(trainer.eval_dataset or []),
        longest_tokens=max(setup.tokens),
        mean_tokens=round(sum(setup.tokens) / len(setup.tokens), 1),
        device=place.device,
        dtype=str(place.dtype).removeprefix("torch."),
        device_reason=place.reason,
        attention=attention_of(trainer),
        attention_reason=setup.attention[1],
        batch=recipe.batch,
        accumulation=recipe.passes,
        expected_memory_gb=None if plan.needed is None else plan.needed.to_json(),
        free_memory_gb=round(plan.free / GB, 3),
        notes=[*notes, *blind, *packing_notes],
    )


def preflight_lines(preflight: Preflight) -> list[str]:
    """The preflight for the terminal."""
    need = preflight.expected_memory_gb
    memory = "memory not estimated" if need is None else f"needs about {_size(need['total'])} of memory"
    steps = f"{preflight.batch} rows a pass" + (f" × {preflight.accumulation}" if preflight.accumulation > 1 else "")
    lines = [
        f"What is trained, of three rows: {' | '.join(text.replace(chr(10), END) for text in preflight.trained)}",
        f"{preflight.rows} rows of {preflight.mean_tokens:.0f} tokens on average, at most {preflight.longest_tokens}; "
        f"{steps}",
        f"On {preflight.device} in {preflight.dtype} ({preflight.device_reason}), attention {preflight.attention} "
        f"({preflight.attention_reason}); {memory}, {_size(preflight.free_memory_gb)} free",
    ]
    for count, kind in ((preflight.dropped, "row"), (preflight.unwatched, "validation row")):
        if count:
            lines.append(f"Left out, because the question alone fills max_length: {counted(count, kind)}.")
    return lines + preflight.notes


def _size(gigabytes: float) -> str:
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{gigabytes * 1000:.0f} MB"


def trained_texts(
    tokenizer: Any, collator: Any, rows: Sequence[dict[str, Any]], prompts: set[tuple[int, ...]], max_length: int
) -> list[str]:
    """The trained tokens of the rows as the collator makes them, decoded.

    Args:
        rows: of the prepared training set: input_ids, labels, and seq_lengths where packed.
        prompts: the token ids of every training question as it will be asked in use.
        max_length: a row of so many tokens was cut, and may lack its end.

    Raises:
        ModelError: an answer's end is not trained, a row begins with two BOS, or a question is trained in another
            form than it will be asked in.
    """
    texts = []
    for ids, labels in _sequences(collator(list(rows))):
        trained = [token for token, label in zip(ids, labels, strict=True) if label != -100]
        if not trained:
            continue
        begins = next(place for place, label in enumerate(labels) if label != -100)
        if tokenizer.bos_token_id is not None and ids[:2] == [tokenizer.bos_token_id] * 2:
            raise ModelError(
                f"Training rows begin with {tokenizer.bos_token} twice: the chat template and the tokenizer each add "
                "one; use a template without it."
            )
        # The first token of a packed row is never trained; a template may write a newline after the end of the turn.
        if len(ids) < max_length and tokenizer.eos_token_id not in trained[-2:]:
            raise ModelError(
                f"The end of an answer, {tokenizer.eos_token}, is not among the trained tokens "
                f"({tokenizer.decode(trained)!r}): the student would never stop. Use the model's Instruct version."
            )
        if tuple(ids[:begins]) not in prompts:
            raise ModelError(
                "A question is trained in another form than it will be asked in "
                f"({tokenizer.decode(ids[:begins])!r}), so what is learnt would not be found again: the chat template "
                "must write the same text before an answer as for one."
            )
        texts.append(str(tokenizer.decode(trained)))
    if not texts:
        raise ModelError(f"No training row has an answer within max_length = {max_length} tokens: raise max_length.")
    return texts[:SHOWN]


def _sequences(batch: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """(input_ids, labels) of each row of a collated batch, padded or flattened."""
    ids, labels = batch["input_ids"].tolist(), batch["labels"].tolist()
    if "attention_mask" in batch:
        masks = batch["attention_mask"].tolist()
        return [
            ([i for i, m in zip(row, mask, strict=True) if m], [i for i, m in zip(label, mask, strict=True) if m])
            for row, label, mask in zip(ids, labels, masks, strict=True)
        ]
    ends = batch["cu_seq_lens_q"].tolist()
    return [(ids[0][start:end], labels[0][start:end]) for start, end in pairwise(ends)]
