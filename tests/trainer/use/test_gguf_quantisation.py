"""Which tensor of a GGUF gets which type, and that ggml packs it so."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

from wukong_pipe.errors import ModelError
from wukong_trainer.use.gguf_quantisation import quantise, types_of


def shapes(width: int, blocks: int = 24, *, tied: bool = True) -> dict[str, list[int]]:
    """Those of a dense model, the width of a row first."""
    each = {
        f"blk.{block}.{name}.weight": shape
        for block in range(blocks)
        for name, shape in {
            "attn_norm": [width],
            "attn_q": [width, width],
            "attn_v": [width, width // 4],
            "ffn_down": [1536, width],
            "ffn_up": [width, 1536],
        }.items()
    }
    head = {} if tied else {"output.weight": [width, 1000]}
    return {"token_embd.weight": [width, 1000], "blk.0.attn_q.bias": [width], **each, **head}


def test_a_width_of_256_gets_the_types_of_q4_k_m() -> None:
    types = types_of(shapes(512))
    assert types["token_embd.weight"] is Type.Q6_K
    assert types["blk.7.attn_q.weight"] is Type.Q4_K
    assert types["blk.0.attn_norm.weight"] is types["blk.0.attn_q.bias"] is None
    # The first and last eighth, and every third between.
    more = [block for block in range(24) if types[f"blk.{block}.ffn_down.weight"] is Type.Q6_K]
    assert more == [0, 1, 2, 5, 8, 11, 14, 17, 20, 21, 22, 23]
    assert more == [block for block in range(24) if types[f"blk.{block}.attn_v.weight"] is Type.Q6_K]


def test_with_a_head_of_its_own_the_head_gets_more_bits_and_the_embeddings_do_not() -> None:
    types = types_of(shapes(512, tied=False))
    assert types["output.weight"] is Type.Q6_K
    assert types["token_embd.weight"] is Type.Q4_K


def test_other_widths_get_blocks_of_32_or_half_precision() -> None:
    types = types_of(shapes(576))
    assert types["token_embd.weight"] is types["blk.0.attn_v.weight"] is Type.Q8_0
    assert types["blk.7.attn_q.weight"] is Type.Q5_0
    assert types["blk.0.ffn_down.weight"] is Type.Q6_K
    assert types_of(shapes(100))["blk.7.attn_q.weight"] is Type.F16


@pytest.mark.parametrize("name", ["blk.0.ffn_down_exps.weight", "blk.0.ssm_conv1d.weight"])
def test_a_model_for_which_the_rule_is_another_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match=r"q4_k_m is made of dense transformers alone here.*take --gguf q8_0"):
        types_of(shapes(512) | {name: [512, 512, 8]})


@pytest.mark.parametrize(("width", "kind"), [(512, Type.Q4_K), (576, Type.Q5_0), (100, Type.F16)])
def test_what_ggml_packs_is_the_tensor_again_within_its_bits(width: int, kind: Type, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(9, width)).astype(np.float16)
    writer = gguf.GGUFWriter(tmp_path / "in.gguf", "llama")
    writer.add_name("甲")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_token_list(["a", "乙"])
    writer.add_tensor("token_embd.weight", values)
    writer.add_tensor("blk.7.attn_q.weight", values)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    quantise(tmp_path / "in.gguf", tmp_path / "out.gguf")
    reader = gguf.GGUFReader(tmp_path / "out.gguf")
    fields = {name: reader.fields[name].contents() for name in reader.fields if not name.startswith("GGUF.")}
    assert fields == {
        "general.architecture": "llama",
        "general.name": "甲",
        "general.file_type": gguf.LlamaFileType.MOSTLY_Q4_K_M,
        "tokenizer.ggml.tokens": ["a", "乙"],
    }
    _, packed, norm = reader.tensors
    assert packed.tensor_type is kind
    assert list(packed.shape) == [width, 9]
    error = dequantize(packed.data, kind).reshape(9, width) - values
    assert 0 < np.abs(error).mean() < 0.1 or (kind is Type.F16 and not error.any())
    assert norm.data.tolist() == [1.0] * width
