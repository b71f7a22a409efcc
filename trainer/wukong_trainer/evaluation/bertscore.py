"""BERTScore with an encoder that the user names: how near in meaning an answer is to its reference, token by token.

Zhang et al. (2020, "BERTScore: Evaluating Text Generation with BERT", arXiv:1904.09675), F1 from the last layer,
without idf weights and not rescaled: unrelated texts score far above 0, so that only differences mean something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from wukong_pipe.errors import ModelError
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.metrics import SIDES
from wukong_trainer.models.loading import choose_place

LONGEST = 512
"""Tokens of a text that are read; encoders of BERT's kind know no more places."""
BATCH = 64


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model that reads a text from both sides, and its tokenizer."""

    tokenizer: Any
    model: Any

    @property
    def longest(self) -> int:
        """Tokens of a text that it reads."""
        # Some know no bound, which configurations write as nothing, 0 or -1.
        places = getattr(self.model.config, "max_position_embeddings", None) or LONGEST
        return int(min(LONGEST, self.tokenizer.model_max_length, places if places > 0 else LONGEST))


def load_encoder(model: str) -> Encoder:
    """The encoder of a Hugging Face id or folder, such as one of BERT's kind, after it has read a long text.

    Raises:
        ModelError: it cannot be loaded, fails, or reads a text from one side only, as a chat model does.
    """
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        loaded: Any = AutoModel.from_pretrained(
            model, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:  # What a strange file makes of it is not known beforehand.
        raise ModelError(f"The encoder {model} for BERTScore cannot be loaded: {_first_line(error)}.") from error
    if tokenizer.pad_token is None or loaded.config.is_encoder_decoder:
        what = "pads nothing" if tokenizer.pad_token is None else "is encoder and decoder in one"
        raise ModelError(f"{model} {what}, so it is no encoder; name one of BERT's kind with --bertscore.")
    encoder = Encoder(tokenizer, loaded.eval().to(choose_place().device))
    try:
        _vectors(encoder, ["1969 年 7 月, " * LONGEST, "7"])
        one_sided = _reads_one_side(encoder)
    except Exception as error:
        raise ModelError(f"The encoder {model} for BERTScore reads no long text: {_first_line(error)}.") from error
    if one_sided:
        raise ModelError(
            f"{model} reads a text from one side, as models that write do, so it is no encoder; name one of BERT's "
            "kind with --bertscore."
        )
    return encoder


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0].rstrip(".")


@torch.inference_mode()
def _reads_one_side(encoder: Encoder) -> bool:
    """Whether a text's tokens stay what they are when one more follows."""
    ids = encoder.tokenizer("1969 年 7 月", return_tensors="pt")["input_ids"].to(encoder.model.device)
    shorter, whole = (encoder.model(input_ids=part).last_hidden_state[0] for part in (ids[:, :-1], ids))
    # Encoders of random weights differ by some 5e-4 of the largest value, rounding by some 1e-6.
    return float((shorter - whole[:-1]).abs().max()) < 1e-4 * float(whole.abs().max())


def add_bertscore(rows: Sequence[dict[str, Any]], encoder: Encoder, progress: Callable[[str, int, int], None]) -> None:
    """Give both answers of each row `bertscore`, 0 to 1."""
    told = [row[side] for row in rows for side in SIDES]
    references = [row["reference"] for row in rows for _ in SIDES]
    scores = bert_scores(encoder, [said(side["answer"]) for side in told], references, progress)
    for side, found in zip(told, scores, strict=True):
        side["bertscore"] = found


def bert_scores(
    encoder: Encoder,
    answers: Sequence[str],
    references: Sequence[str],
    progress: Callable[[str, int, int], None] = lambda step, done, total: None,
) -> list[float]:
    """BERTScore F1 of each answer against its reference."""
    texts = list(dict.fromkeys([*answers, *references]))
    vectors: dict[str, torch.Tensor] = {}
    for at in range(0, len(texts), BATCH):
        vectors |= zip(texts[at : at + BATCH], _vectors(encoder, texts[at : at + BATCH]), strict=True)
        progress("BERTScore", min(at + BATCH, len(texts)), len(texts))
    return [_f1(vectors[answer], vectors[wanted]) for answer, wanted in zip(answers, references, strict=True)]


@torch.inference_mode()
def _vectors(encoder: Encoder, texts: Sequence[str]) -> list[torch.Tensor]:
    """Of each text the unit vectors of its tokens, (tokens, width), without those that only frame it."""
    batch = encoder.tokenizer(
        list(texts),
        padding=True,
        truncation=True,
        max_length=encoder.longest,
        return_special_tokens_mask=True,
        return_tensors="pt",
    ).to(encoder.model.device)
    counts = (batch.pop("special_tokens_mask") == 0) & (batch["attention_mask"] == 1)
    hidden = torch.nn.functional.normalize(encoder.model(**batch).last_hidden_state, dim=-1)
    return [row[mask].cpu() for row, mask in zip(hidden, counts, strict=True)]


def _f1(answer: torch.Tensor, reference: torch.Tensor) -> float:
    """Each token's cosine with the nearest of the other text, averaged both ways."""
    if not len(answer) or not len(reference):
        return float(len(answer) == len(reference))
    cosines = answer @ reference.T
    precision, recall = float(cosines.max(dim=1).values.mean()), float(cosines.max(dim=0).values.mean())
    return min(1.0, max(0.0, 2 * precision * recall / (precision + recall))) if precision + recall > 0 else 0.0
