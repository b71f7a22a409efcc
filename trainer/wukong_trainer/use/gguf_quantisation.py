"""A GGUF in 4 bits: which tensor gets which type, as llama-quantize's Q4_K_M has it, and the writing of them.

ggml itself quantises, through the function that xllamacpp's library exports: no wheel of a binding that calls
llama-quantize's own function runs on every glibc since 2.17.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import xllamacpp
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

from wukong_pipe.errors import MissingDependency, ModelError

OTHERWISE = {Type.Q4_K: Type.Q5_0, Type.Q5_K: Type.Q5_1, Type.Q6_K: Type.Q8_0}
"""The k-quants pack 256 values of a row; what a row of another width gets instead, in blocks of 32."""
_BLOCK = re.compile(r"blk\.(\d+)\.")
_NOT_DENSE = re.compile(r"_exps\b|ffn_gate_inp|\.(?:ssm|shortconv|time_mix)")


def types_of(shapes: Mapping[str, Sequence[int]]) -> dict[str, Type | None]:
    """The type of each tensor by its name; None for what stays as it is.

    Follows llama_tensor_get_type of llama.cpp's src/llama-quant.cpp, ftype Q4_K_M.

    Args:
        shapes: of the tensors by their names, the width of a row first.

    Raises:
        ModelError: a mixture of experts, or no transformer, for which the rule is another.
    """
    if any(map(_NOT_DENSE.search, shapes)):
        raise ModelError(
            "q4_k_m is made of dense transformers alone here, and this is another kind of model: take --gguf q8_0, or "
            "llama.cpp's llama-quantize."
        )
    head = "output.weight" if "output.weight" in shapes else "token_embd.weight"
    blocks = 1 + max((int(found[1]) for name in shapes if (found := _BLOCK.match(name))), default=0)
    types: dict[str, Type | None] = {}
    for name, shape in shapes.items():
        if len(shape) < 2 or not name.endswith(".weight") or "_norm." in name:
            types[name] = None
        else:
            wanted = Type.Q6_K if name == head else _wanted(name, blocks)
            types[name] = _fitting(wanted, shape[0])
    return types


def _wanted(name: str, blocks: int) -> Type:
    found = _BLOCK.match(name)
    block = int(found[1]) if found else 0
    if "attn_qkv" in name:
        return Type.Q5_K
    needs_more = block < blocks // 8 or block >= 7 * blocks // 8 or (block - blocks // 8) % 3 == 2
    return Type.Q6_K if ("attn_v" in name or "ffn_down" in name) and needs_more else Type.Q4_K


def _fitting(wanted: Type, width: int) -> Type:
    if width % 256 == 0:
        return wanted
    return OTHERWISE[wanted] if width % 32 == 0 else Type.F16


def quantise(source: Path, file: Path) -> None:
    """Write `source`, a GGUF of plain numbers, as `file`, one tensor at a time.

    Raises:
        ModelError: see `types_of`.
        MissingDependency: this xllamacpp does not export ggml's function.
    """
    reader = gguf.GGUFReader(source)
    types = types_of({tensor.name: [int(n) for n in tensor.shape] for tensor in reader.tensors})
    writer = gguf.GGUFWriter(file, _text(reader, "general.architecture"))
    _copy_fields(reader, writer)
    for tensor in reader.tensors:
        wanted = types[tensor.name]
        kind = tensor.tensor_type if wanted is None else wanted
        shape = [int(n) for n in reversed(tensor.shape)]
        size = _row_size(kind, shape[-1]) * (tensor.n_elements // shape[-1])
        writer.add_tensor_info(tensor.name, _stored(shape, kind), np.dtype(np.uint8), size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for tensor in reader.tensors:
            wanted = types[tensor.name]
            writer.write_tensor_data(tensor.data.view(np.uint8) if wanted is None else _quantised(tensor, wanted, pool))
    writer.close()


def _copy_fields(reader: Any, writer: Any) -> None:
    for field in reader.fields.values():
        # The writer writes the first itself; the second are the file's own counts.
        if field.name == "general.architecture" or field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        value = int(gguf.LlamaFileType.MOSTLY_Q4_K_M) if field.name == "general.file_type" else field.contents()
        inner = field.types[-1] if kind is gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, sub_type=inner)


def _text(reader: Any, name: str) -> str:
    return str(reader.fields[name].contents())


def _stored(shape: list[int], kind: Type) -> list[int]:
    """A shape as the writer wants it of tensors that are bytes already."""
    return [*shape[:-1], _row_size(kind, shape[-1])]


def _row_size(kind: Type, width: int) -> int:
    values, size = gguf.GGML_QUANT_SIZES[kind]
    return width // values * size


def _quantised(tensor: Any, kind: Type, pool: ThreadPoolExecutor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    width = int(tensor.shape[0])
    if kind is Type.F16:
        return np.ascontiguousarray(_plain(tensor, slice(None), width).astype(np.float16)).view(np.uint8)
    rows = tensor.n_elements // width
    found = np.empty((rows, _row_size(kind, width)), np.uint8)
    function = _ggml_quantize()

    def piece(start: int, end: int) -> None:
        plain = np.ascontiguousarray(_plain(tensor, slice(start, end), width))
        function(kind, plain.ctypes.data, found[start:end].ctypes.data, 0, end - start, width, None)

    step = max(1, (1 << 22) // width)
    for done in [pool.submit(piece, start, min(start + step, rows)) for start in range(0, rows, step)]:
        done.result()
    return found


def _plain(tensor: Any, rows: slice, width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Rows of a tensor as fp32."""
    data = tensor.data.reshape(tensor.n_elements // width, -1)[rows]
    return dequantize(data, tensor.tensor_type).astype(np.float32, copy=False)


def _ggml_quantize() -> Any:
    """ggml_quantize_chunk of ggml.h, in the library that runs the models, too.

    Raises:
        MissingDependency: it is not exported.
    """
    library = ctypes.CDLL(str(xllamacpp.xllamacpp.__file__))
    try:
        function = library.ggml_quantize_chunk
    except AttributeError:
        raise MissingDependency(
            f"xllamacpp {xllamacpp.__version__} does not export ggml_quantize_chunk, which makes q4_k_m: take --gguf "
            "q8_0, or another version of it."
        ) from None
    pointer, whole = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [ctypes.c_int, pointer, pointer, whole, whole, whole, pointer]
    function.restype = ctypes.c_size_t
    return function
