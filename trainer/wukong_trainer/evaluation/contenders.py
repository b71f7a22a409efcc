"""The models that an evaluation asks: base, tuned and rivals, by transformers or by a vLLM that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import transformers

from wukong_pipe.workspace import Run
from wukong_trainer.evaluation.questions import TestSet
from wukong_trainer.evaluation.rivals import Rival
from wukong_trainer.evaluation.sources import Sources
from wukong_trainer.inference.asked_models import Contender
from wukong_trainer.inference.vllm_server import Vllm, merged_model, vllm_executable, vllm_version
from wukong_trainer.models.trained_model import base_of, place_of, tuned_folder


@dataclass(frozen=True, slots=True)
class Lineup:
    """All models of an evaluation, ready to be loaded."""

    base: Contender
    tuned: Contender
    rivals: list[Rival]
    vllm: Vllm | None
    """What answers, where that is not transformers."""

    @property
    def engine(self) -> dict[str, str]:
        """What computes the answers, and in which precision, for metrics.json.

        {"engine": "transformers 5.1.0", "precision": "NF4, bfloat16"}
        """
        if self.vllm is not None:
            return {"engine": self.vllm.engine, "precision": self.vllm.dtype}
        return {"engine": f"transformers {transformers.__version__}", "precision": self.tuned.precision}


def line_up(
    run: Run,
    base_model: str,
    rivals: Sequence[Run | str],
    engine: Literal["transformers", "vllm"],
    tests: TestSet,
    sources: Sources,
    vllm_options: tuple[str, ...] = (),
) -> Lineup:
    """The models, each of which is there; a rival is not asked what it was trained on.

    Args:
        base_model: the base to compare with; "" for the one that the adapter was trained on.
        rivals: other runs, and model ids or folders.
        vllm_options: more options for `vllm serve`.

    Raises:
        WorkspaceError: nothing was trained; or nothing was exported, for vLLM to serve.
        ModelError: the adapter belongs to another base model; or vLLM cannot be run.
        MissingDependency: vLLM is wanted and not installed.
    """
    folder, record = tuned_folder(run)
    base, tuned = contenders(run, folder, record, base_model)
    others = [_rival(rival, tuned, tests, sources) for rival in rivals]
    if engine == "transformers":
        return Lineup(base, tuned, others, None)
    tuned = _served(tuned, run)
    served = [
        replace(other, contender=_served(other.contender, rival)) if isinstance(rival, Run) else other
        for other, rival in zip(others, rivals, strict=True)
    ]
    return Lineup(base, tuned, served, _vllm(run, tuned, vllm_options))


def contenders(run: Run, folder: Path, record: dict[str, Any], base_model: str = "") -> tuple[Contender, Contender]:
    """Base and tuned model of a run, asked with the tokenizer and the system prompt that were trained.

    Raises:
        ModelError: see `base_of`.
    """
    base = base_of(run, record, folder, base_model)
    method = record.get("method", "lora")
    alone = Contender(
        "base",
        base,
        method,
        str(folder),
        record.get("system", ""),
        record.get("style", "chat"),
        record.get("thinking", False),
        place=place_of(record),
    )
    if method == "full":
        return alone, replace(alone, name="tuned", weights=str(folder))
    return alone, replace(alone, name="tuned", adapter=folder)


def _rival(rival: Run | str, first: Contender, tests: TestSet, sources: Sources) -> Rival:
    """Another run's tuned model; or a model on its own, in the first's precision and with its system prompt."""
    if isinstance(rival, Run):
        folder, record = tuned_folder(rival)
        _, tuned = contenders(rival, folder, record)
        return Rival(replace(tuned, name=rival.name), record, tests.audit.leaks(record, tests.rows, sources).unseen)
    method = "lora" if first.method == "full" else first.method
    model = replace(first, name=rival, weights=rival, method=method, tokenizer=rival, adapter=None)
    return Rival(model, {}, list(range(len(tests.rows))))


def _served(contender: Contender, run: Run) -> Contender:
    """The run's tuned model as vLLM is given it: merged, for it knows few adapters and no NF4 of ours.

    Raises:
        WorkspaceError: the adapter was not exported, or has changed since.
    """
    if contender.adapter is None:
        return contender
    return replace(contender, weights=str(merged_model(run, contender.adapter)), adapter=None)


def _vllm(run: Run, tuned: Contender, options: tuple[str, ...]) -> Vllm:
    """The vLLM that is installed, and the precision in which transformers would compute here.

    Raises:
        MissingDependency: there is none.
        ModelError: it cannot be run.
    """
    executable = vllm_executable()
    dtype = tuned.precision.rpartition(" ")[2]
    log = run.metrics.with_name("vllm.log")
    return Vllm(executable, vllm_version(executable), dtype, tuned.place.device == "cpu", log, options)
