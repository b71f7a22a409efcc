"""Loading a student: device and precision, tokenizer, weights; what cannot work is refused in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn.modules import Linear4bit
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, PreTrainedConfig
from transformers.utils import CONFIG_NAME
from transformers.utils.import_utils import is_flash_attn_2_available

from wukong_pipe.errors import ModelError, WukongError
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.gguf_files import gguf_of, parameters_in
from wukong_trainer.models.hub_access import not_found, reach
from wukong_trainer.models.model_size import config_fault
from wukong_trainer.models.template_trial import check_template
from wukong_trainer.models.templates import rendered
from wukong_trainer.recipe import Method, Precision

CPU_PARAMETERS = 1_000_000_000
"""More than this many parameters are refused without a GPU: a step would take minutes."""
SHORT = 256
"""Tokens up to which plain products of matrices train faster in bf16 on a CPU than PyTorch's own attention.

Its backward pass took 35 ms where theirs took 8 (16 rows of 70 tokens, 9 heads); at 300 tokens both took 60 and 83 ms
forward and backward, at 1,024 theirs took twice as long (benchmarks/training_speed.md).
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and in which precision a model computes, and why."""

    device: str
    dtype: torch.dtype
    reason: str


def choose_place(precision: Precision = "auto") -> Place:
    """The device of this machine, and the precision asked for; "auto" takes the one that the device is fast in."""
    own = _own_place()
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}.get(precision, own.dtype)
    return own if dtype is own.dtype else Place(own.device, dtype, f"asked for; {own.reason}")


def _own_place() -> Place:
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        # Emulated, it is slower than fp16.
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Place("cuda", torch.bfloat16, f"{name} computes in bf16")
        return Place("cuda", torch.float16, f"{name} has no bf16")
    cpu = torch.backends.cpu.get_cpu_capability()
    if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
        return Place("cpu", torch.bfloat16, f"no GPU; this CPU ({cpu}) multiplies in bf16")
    # Emulated bf16 multiplies a hundred times slower than fp32.
    return Place("cpu", torch.float32, f"no GPU; this CPU ({cpu}) has no bf16 of its own")


def choose_attention(place: Place, longest: int) -> tuple[str, str]:
    """The attention implementation to train with, and why; "sdpa" is PyTorch's own.

    Args:
        longest: tokens of the longest sequence.
    """
    if place.device != "cuda":
        if place.dtype is torch.bfloat16 and longest <= SHORT:
            return "eager", "PyTorch's own is slow in bf16 on a CPU where rows are short"
        return "sdpa", "PyTorch's own"
    if place.dtype is torch.float32:
        return "sdpa", "flash-attn computes in no fp32"
    if not is_flash_attn_2_available():
        return "sdpa", "flash-attn is not installed"
    return "flash_attention_2", "flash-attn is installed"


def check_fits(model: str, method: Method, place: Place) -> None:
    """Refuse a student that this machine cannot train, before anything is downloaded.

    Raises:
        ModelError: the student is too large for a CPU; the sentence says what to do instead.
    """
    if place.device != "cpu":
        return
    size = parameters_of(model)
    if size and size > CPU_PARAMETERS:
        raise ModelError(
            f"{model} has about {size / 1e9:.1f} billion parameters, and without a GPU its {method} training would "
            "take weeks. Run this on a machine with an NVIDIA GPU (QLoRA of 7B needs about 10 GB), or take a "
            "student that a CPU can train: --model tiny, or one of at most 0.6B such as Qwen/Qwen2.5-0.5B-Instruct."
        )


def parameters_of(model: str) -> int | None:
    """A model's parameter count: from a folder's config or its GGUF, else from a size in the name; None if unknown.

    Raises:
        ModelError: the folder's config describes no model that can be made.
    """
    if (Path(model) / "config.json").is_file():
        config = load_config(model)
        with loading(model), torch.device("meta"):
            return int(AutoModelForCausalLM.from_config(config, trust_remote_code=False).num_parameters())
    if (file := gguf_of(model)) is not None:
        return parameters_in(file)
    sizes = re.findall(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)\s*([bBmM])(?![A-Za-z])", model)
    if not sizes:
        return None
    number, unit = sizes[-1]
    return int(float(number) * (1e9 if unit in "bB" else 1e6))


@contextmanager
def loading(model: str) -> Iterator[None]:
    """Turn what goes wrong in the block into a sentence about the model or adapter that it loads.

    Raises:
        ModelError: anything did: what the libraries make of a strange file is not known beforehand.
    """
    reach(model)
    try:
        yield
    except WukongError:
        raise
    except Exception as error:
        raise ModelError(_not_loaded(model, error)) from error


def load_config(model: str) -> Any:
    """The configuration of a folder or a hub's id.

    Raises:
        ModelError: there is none, it cannot be read, or it wants code of its own to be run.
    """
    with loading(model):
        _check_counts(model)
        return AutoConfig.from_pretrained(model, trust_remote_code=False)


def _check_counts(model: str) -> None:
    if Path(model).is_dir() and not (Path(model) / CONFIG_NAME).is_file():
        return  # An adapter, say, which is loaded onto a model that has one.
    fault = config_fault(PreTrainedConfig.get_config_dict(model)[0])
    if fault:
        raise ValueError(fault)


def load_tokenizer(model: str) -> Any:
    """The tokenizer of a model or adapter folder, padded on the left for generation.

    Raises:
        ModelError: there is none, it cannot be read, or it has no chat template, or one without end.
    """
    with loading(model):
        _check_counts(model)  # Of many, the tokenizer's class stands in the model's config.
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise ModelError(f"{model} has no chat template; use its Instruct version.")
    check_template(tokenizer, model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def end_turns(tokenizer: Any) -> None:
    """Make the token that ends a turn of the chat template the EOS.

    Qwen's base models come with <|endoftext|> for it, while their template ends turns with <|im_end|>: such a student
    would be trained on an end that nobody takes for one.
    """
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    ids = tokenizer(rendered(tokenizer, turns), add_special_tokens=False)["input_ids"][-2:]
    special = [token for token in ids if token in tokenizer.added_tokens_decoder]
    if special and tokenizer.eos_token_id not in ids:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(special[-1])


def load_model(model: str, method: Method, place: Place, attention: str = "sdpa") -> Any:
    """The base weights: NF4 with double quantisation for qlora, else in the place's precision (fp32 for full).

    Args:
        attention: asked for where it is not PyTorch's own, which a model that lacks it replaces by itself.

    Raises:
        ModelError: the weights cannot be found, are no whole safetensors, or want code of their own to be run.
    """
    fingerprint(model)  # It names the file that is broken, which the libraries do not.
    arguments: dict[str, Any] = {
        "dtype": torch.float32 if method == "full" else place.dtype,
        # As a plain name: of several processes each then gets the GPU of its own.
        "device_map": place.device,
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    if method == "qlora":
        arguments["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=place.dtype,
        )
    if attention != "sdpa":
        arguments["attn_implementation"] = attention
    with loading(model):
        _check_counts(model)
        loaded = AutoModelForCausalLM.from_pretrained(model, **arguments)
    for module in loaded.modules():
        # On CPUs with AVX512-BF16, bitsandbytes packs the weights at the first forward in eval() and never
        # unpacks them: later training steps fail, or worse, train on wrong gradients.
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
    return loaded


def _not_loaded(model: str, error: Exception) -> str:
    first = (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")[:300]
    if not isinstance(error, (OSError, ValueError)):
        first = f"{type(error).__name__}: {first}"  # Of a KeyError the words alone say nothing.
    is_folder = Path(model).is_dir()
    if "trust_remote_code" in str(error):
        return not_found(model) or (
            f"{'The model folder ' * is_folder}{model} wants Python code of its own to be run (“auto_map” in "
            f"{_with_code(Path(model)) or 'its configuration'}), which is never done here: take a model of an "
            "architecture that transformers knows without it."
        )
    if is_folder:
        return f"The folder {model} cannot be loaded: {first}. Fetch or make it again, or name another."
    return not_found(model) or (
        f"{model} cannot be loaded: {first}. Check the name and the network; HF_ENDPOINT names a mirror, and a "
        "downloaded folder can be given instead of a name."
    )


def _with_code(folder: Path) -> str:
    """The configurations of a folder that name code."""
    configs = (folder / name for name in ("config.json", "tokenizer_config.json"))
    return " and ".join(path.name for path in configs if path.is_file() and b'"auto_map"' in path.read_bytes())
