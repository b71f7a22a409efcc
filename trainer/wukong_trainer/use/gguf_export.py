"""The tuned model as one GGUF for llama.cpp and Ollama, checked through llama.cpp before it gets its name."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gguf

from wukong_pipe.errors import ModelError, WorkspaceError
from wukong_pipe.files import half_of, read_json, write_json, write_text
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.inference.generate import prompt_text
from wukong_trainer.models.exports import exported_from
from wukong_trainer.models.known_models import Say
from wukong_trainer.models.loading import load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.templates import with_system, with_thinking
from wukong_trainer.models.trained_model import tuned_folder
from wukong_trainer.use.export import check_free, export, merging_place, put
from wukong_trainer.use.gguf_check import GgufCheck, Trained, check, log_of
from wukong_trainer.use.gguf_conversion import convert
from wukong_trainer.use.gguf_quantisation import quantise
from wukong_trainer.use.modelfile import modelfile, turn_texts

Kind = Literal["f16", "q8_0", "q4_k_m"]


@dataclass(frozen=True, slots=True)
class TensorTypes:
    """The tensors of a GGUF.

    {"tensors": {"Q5_0": 166, "Q8_0": 15}, "weights": {"Q5_0": 0.52, "Q8_0": 0.34}, "odd_widths": 181, "tied": true}
    """

    tensors: dict[str, int]
    """How many are of a type."""
    weights: dict[str, float]
    """The share of all weights that is of a type."""
    odd_widths: int
    """Matrices whose rows are no multiple of 256 wide, as k-quants want them."""
    tied: bool
    """Whether input and output embeddings are one matrix."""


@dataclass(frozen=True, slots=True)
class ExportedGguf:
    """What was written, what it is made of, and how it compares with the merged model."""

    folder: Path
    file: Path
    size: int
    """Bytes of the file."""
    parameters: int
    types: TensorTypes
    check: GgufCheck
    no_modelfile: str
    """Why there is no Modelfile; empty where there is one."""

    def to_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "file": str(self.file), **self.facts()}

    def facts(self) -> dict[str, Any]:
        """What the export remembers of its making."""
        types = {name: getattr(self.types, name) for name in TensorTypes.__slots__}
        check, missing = self.check.to_json(), self.no_modelfile
        return {
            "size": self.size,
            "parameters": self.parameters,
            "types": types,
            "check": check,
            "no_modelfile": missing,
        }


def export_gguf(
    run: Run, kind: Kind, out: Path, say: Say, *, overwrite: bool = False, base_model: str = "", scored: int = 0
) -> ExportedGguf:
    """Write the run's tuned model as a GGUF with a Modelfile beside it; it is merged first where it is not yet.

    Args:
        overwrite: replace an earlier export.
        base_model: the base, where it is not to be found under the name that the adapter knows.
        scored: so many test questions are asked of both and scored.

    Raises:
        WorkspaceError: nothing was trained, or `out` holds something, or there is no room.
        ModelError: it cannot be converted, or llama.cpp reads another prompt than was trained.
    """
    folder, record = tuned_folder(run)
    check_free(out, overwrite, "gguf")
    if not exported_from(run.merged, folder, "merged"):
        say(f"Merging the adapter into its base, in {run.merged}…")
        export(run, run.merged, overwrite=overwrite, base_model=base_model)
    silence_libraries()
    trained = Trained(run, record, load_tokenizer(str(folder)), merging_place(str(run.merged)))
    half = half_of(out)
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        file = half / f"{run.name}.{kind}.gguf"
        say(f"Writing {file.name}…")
        _write(trained, kind, file)
        checked = check(trained, file, scored, say)
        exported = _exported(file, out, checked, _write_modelfile(trained, file, checked))
        write_json(half / RECORD, read_json(run.merged / RECORD) | {"gguf": exported.facts()})
        put(half, out)
    except OSError as error:
        raise WorkspaceError(f"{out} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    log_of(run).unlink(missing_ok=True)
    return exported


def _write(trained: Trained, kind: Kind, file: Path) -> None:
    run, form = trained.run, trained.form
    template = with_system(with_thinking(trained.tokenizer.chat_template, form["thinking"]), trained.system)
    if kind != "q4_k_m":
        convert(run.merged, file, kind, run.name, template)
        return
    whole = file.with_suffix(".bf16")
    convert(run.merged, whole, "bf16", run.name, template)
    quantise(whole, file)
    whole.unlink()


def _write_modelfile(trained: Trained, file: Path, checked: GgufCheck) -> str:
    """Write the Modelfile beside the GGUF; why not, where it cannot be."""
    tokenizer, system = trained.tokenizer, trained.system
    try:
        texts = turn_texts(lambda turns: prompt_text(tokenizer, turns, **trained.form), system=bool(system))
        if checked.adds_bos:
            texts = texts.without_start(str(tokenizer.bos_token))
        write_text(file.with_name("Modelfile"), modelfile(file.name, texts, system, _stops(trained)))
    except ModelError as error:
        return str(error)
    return ""


def _stops(trained: Trained) -> list[str]:
    """The texts of the tokens at which the evaluation ended an answer."""
    ends = read_json(trained.run.merged / "generation_config.json")["eos_token_id"]
    ids = ends if isinstance(ends, list) else [ends]
    return [str(trained.tokenizer.convert_ids_to_tokens(end)) for end in ids]


def _exported(file: Path, out: Path, checked: GgufCheck, missing: str) -> ExportedGguf:
    tensors = gguf.GGUFReader(file).tensors
    parameters = sum(int(tensor.n_elements) for tensor in tensors)
    counts, weights = Counter[str](), Counter[str]()
    for tensor in tensors:
        counts[tensor.tensor_type.name] += 1
        weights[tensor.tensor_type.name] += int(tensor.n_elements)
    types = TensorTypes(
        tensors=dict(counts),
        weights={name: count / parameters for name, count in weights.most_common()},
        odd_widths=sum(len(tensor.shape) > 1 and int(tensor.shape[0]) % 256 != 0 for tensor in tensors),
        tied=all(tensor.name != "output.weight" for tensor in tensors),
    )
    return ExportedGguf(out, out / file.name, file.stat().st_size, parameters, types, checked, missing)
