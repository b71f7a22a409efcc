"""A tuned model as one folder that any server loads: the adapter merged into a bf16 reload of its base.

Merging into 4-bit weights would round what was learnt away, so the base is loaded anew. What is written is read back
and compared with the adapter before it gets its name.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from peft import PeftType
from transformers import GenerationConfig

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import half_of, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import Message, chat_prompt
from wukong_trainer.data.files import read_raw, read_rows
from wukong_trainer.inference.generate import answer_all, prompt_text, stop_ids
from wukong_trainer.models.adapters import read_adapter
from wukong_trainer.models.exports import ExportKind, export_in
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import Place, load_model, load_tokenizer, parameters_of
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.saving import saving
from wukong_trainer.models.templates import with_system
from wukong_trainer.models.trained_model import base_of, place_of, tuned_folder
from wukong_trainer.use.tuned_model import load_weights

T = TypeVar("T")
QUESTIONS = 8
"""Questions of the run on which the merged model is compared."""
ANSWER_TOKENS = 64
APART = 0.1
"""Logits that differ on average by more than this share of their spread are no rounding: the merge lost something."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how near it is to the adapter it came from.

    {"folder": "runs/blackwukong/merged", "size": 15231234567, "questions": 8, "largest_difference": 0.06,
     "mean_difference": 0.004, "spread": 2.9, "same_answers": 8, "same_as_trained": 7}
    """

    folder: Path
    size: int
    """Bytes."""
    questions: int
    largest_difference: float
    """Between the logits of the merged model and of the adapter on the same bf16 base, over the questions' prompts."""
    mean_difference: float
    spread: float
    """Standard deviation of the adapter's logits: what the differences are to be seen against."""
    same_answers: int
    """Questions to which both give the same greedy answer."""
    same_as_trained: int
    """The same, against the adapter on the base in the precision of its training."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"folder": str(self.folder)}


@dataclass(frozen=True, slots=True)
class _Probe:
    """Questions on which the adapter and the merged model are compared, in the form of the training."""

    tokenizer: Any
    prompts: list[list[Message]]
    form: dict[str, Any]

    @torch.inference_mode()
    def logits(self, model: Any) -> torch.Tensor:
        """The logits at every token of the prompts, (tokens, vocabulary), fp32 on the CPU."""
        model.eval()
        logits = []
        for prompt in self.prompts:
            text = prompt_text(self.tokenizer, prompt, **self.form)
            ids = self.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
            logits.append(model(input_ids=ids.to(model.device)).logits[0].float().cpu())
        return torch.cat(logits)

    def answers(self, model: Any) -> list[str]:
        """The model's greedy answers."""
        count = len(self.prompts)
        answers = answer_all(model, self.tokenizer, self.prompts, ANSWER_TOKENS, count, **self.form)
        return [answer.text for answer in answers]


def export(run: Run, out: Path, *, overwrite: bool = False, base_model: str = "") -> Exported:
    """Merge the run's adapter and save it to `out` as safetensors, with tokenizer, chat template and record.

    The template is the adapter's own, which now also says the training's system prompt where a conversation has none;
    the generation config is greedy and stops at every end of turn that the evaluation stopped at.

    Args:
        overwrite: replace an earlier export in `out`.
        base_model: the base, where it is not to be found under the name that the adapter knows.

    Raises:
        WorkspaceError: nothing was trained, or `out` holds something.
        ModelError: an adapter of this kind cannot be merged, the base is another one, or the merged model does not
            answer as the adapter does.
    """
    folder, record = tuned_folder(run)
    check_free(out, overwrite, "merged")
    _check_mergeable(folder)
    base = base_of(run, record, folder, base_model)
    silence_libraries()
    tokenizer, system = load_tokenizer(str(folder)), str(record.get("system", ""))
    probe = _Probe(
        tokenizer=tokenizer,
        prompts=[chat_prompt(question, system) for question in questions_of(run, record, QUESTIONS)],
        form={"style": record.get("style", "chat"), "thinking": record.get("thinking", False)},
    )
    as_trained = probe.answers(load_weights(base, folder, record.get("method", "lora"), place_of(record)))
    place = merging_place(base)
    model = load_weights(base, folder, "lora", place)
    logits, answers = probe.logits(model), probe.answers(model)
    half = half_of(out)
    shutil.rmtree(half, ignore_errors=True)
    try:
        _write_merged(half, model, tokenizer, system)
        del model  # Two models at once may not fit.
        saved = load_model(str(half), "lora", place)
        differences, saved_answers = (probe.logits(saved) - logits).abs(), probe.answers(saved)
        exported = Exported(
            folder=out,
            size=sum(path.stat().st_size for path in half.iterdir()),
            questions=len(probe.prompts),
            largest_difference=float(differences.max()),
            mean_difference=float(differences.mean()),
            spread=float(logits.std()),
            same_answers=sum(map(str.__eq__, answers, saved_answers)),
            same_as_trained=sum(map(str.__eq__, as_trained, saved_answers)),
        )
        _check_same(exported)
        write_json(half / RECORD, record | {"merged": _facts(exported, folder)})
        put(half, out)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return exported


def check_free(out: Path, overwrite: bool, kind: ExportKind) -> None:
    """Refuse a folder that holds something; an earlier export of the kind may be replaced when that is asked for.

    Raises:
        WorkspaceError: it does, or `out` is a file.
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    held = export_in(out)
    if held == kind:
        if not overwrite:
            raise WorkspaceError(f"{out} holds an export already; replace it with --overwrite, or name another folder.")
    elif held is not None:
        raise WorkspaceError(f"{out} holds {_HELD[held]}, which this export does not replace: name another folder.")
    elif out.exists() or out.is_symlink():
        raise WorkspaceError(f"{out} is in use and holds no export of this tool: name another folder with --out.")


_HELD: dict[ExportKind, str] = {
    "task": "test questions for another tool",
    "gguf": "a GGUF",
    "merged": "a merged model",
}


def _facts(exported: Exported, folder: Path) -> dict[str, Any]:
    """What an export remembers of its making."""
    return {"adapter": fingerprint(str(folder))} | {
        key: value for key, value in exported.to_json().items() if key != "folder"
    }


def _check_mergeable(folder: Path) -> None:
    if not (folder / "adapter_config.json").is_file():
        return
    config = read_adapter(folder)
    if config.is_prompt_learning:
        kind = PeftType(config.peft_type).value.lower().replace("_", " ")
        raise ModelError(
            f"{folder} is a {kind} adapter: it adds to the prompt and "
            "changes no weight, so nothing can be merged. Use it as it is, with `wukong-pipe serve`."
        )


def _write_merged(half: Path, model: Any, tokenizer: Any, system: str) -> None:
    """Merge the adapter into `model` and save it with the tokenizer, whose template then knows the system prompt."""
    ends = sorted(stop_ids(model, tokenizer))
    merged = _merged(model)
    merged.generation_config = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
    with saving(half, "Free some room on the disk, or name another folder with --out."):
        merged.save_pretrained(half)
        tokenizer.chat_template = with_system(tokenizer.chat_template, system)
        tokenizer.save_pretrained(half)


def _merged(model: Any) -> Any:
    if not hasattr(model, "merge_and_unload"):
        return model
    with warnings.catch_warnings():
        # Where embeddings were tied and an adapter trained one of them apart, PEFT unties the config and says so.
        warnings.simplefilter("ignore")
        return model.merge_and_unload()


def _check_same(exported: Exported) -> None:
    # Written so that a NaN is refused, too.
    if not exported.mean_difference <= APART * exported.spread:
        raise ModelError(
            f"The merged model is not the adapter: its logits differ by {exported.mean_difference:.2g} on average, "
            f"and their spread is {exported.spread:.2g}. Nothing was exported; `wukong-pipe serve` serves the "
            "adapter as it is."
        )


def merging_place(base: str) -> Place:
    """The GPU where the model fits in bf16 as it is, else the CPU: a base trained in 4 bits is four times as large."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        if 2.5 * (parameters_of(base) or free) < free:
            return Place("cuda", torch.bfloat16, "it fits")
    return Place("cpu", torch.bfloat16, "merging needs memory, not speed")


def questions_of(run: Run, record: dict[str, Any], count: int) -> list[str]:
    """Some of the run's questions, spread over its test rows, or over what the adapter was trained on."""
    test = run.dataset / "test.jsonl"
    if test.is_file():
        questions = [example.question for _, example in read_rows(read_raw(test), str(test))[0]]
    else:
        questions = record.get("questions") or []
    return spread(questions or ["你好", "Hello"], count)


def spread(rows: Sequence[T], count: int) -> list[T]:
    """So many of the rows, spread evenly, or all where there are no more."""
    return [rows[i * len(rows) // count] for i in range(count)] if len(rows) > count else list(rows)


def put(half: Path, out: Path) -> None:
    """Give the finished folder its name; an old one steps aside until it has it."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    half.rename(out)
    shutil.rmtree(old, ignore_errors=True)
