"""BERTScore orders answers by their tokens' nearness, with a tiny encoder of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from wukong_pipe.errors import ModelError
from wukong_trainer.bertscore import Encoder, add_bertscore, bert_scores, load_encoder

WORDS = [
    "the",
    "saturn",
    "v",
    "rose",
    "in",
    "july",
    "1969",
    "it",
    "was",
    "cold",
    "morning",
    ".",
    *"北京是中国的首都上海",
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]), "utf-8")
    torch.manual_seed(0)
    size: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(WORDS) + 5, intermediate_size=32, **size)).save_pretrained(folder)
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    return load_encoder(str(folder))


@pytest.mark.parametrize(
    ("right", "nearly", "wrong"),
    [
        ("the saturn v rose in july 1969 .", "in july 1969 the saturn v rose .", "it was the cold morning ."),
        ("北京是中国的首都.", "中国的首都是北京.", "it was the cold morning ."),
    ],
)
def test_right_beats_nearly_right_beats_wrong(encoder: Encoder, right: str, nearly: str, wrong: str) -> None:
    same, close, far = bert_scores(encoder, [right, nearly, wrong], [right] * 3)
    assert same == pytest.approx(1.0, abs=1e-5)
    assert same > close > far


def test_padding_and_frame_change_nothing(encoder: Encoder) -> None:
    (alone,) = bert_scores(encoder, ["北京"], ["上海"])
    among = bert_scores(encoder, ["北京", "the saturn v rose in july 1969 ."], ["上海", "it was cold ."])
    assert among[0] == pytest.approx(alone, abs=1e-5)


def test_nothing_said_scores_nothing(encoder: Encoder) -> None:
    assert bert_scores(encoder, ["", ""], ["北京", ""]) == [0.0, 1.0]


def test_both_answers_of_a_row_are_scored_and_thoughts_are_not(encoder: Encoder) -> None:
    row = {"reference": "北京", "base": {"answer": "上海"}, "tuned": {"answer": "<think>上海</think>\n\n北京"}}
    add_bertscore([row], encoder, lambda step, done, total: None)
    base, tuned = row["base"], row["tuned"]
    assert isinstance(base, dict)
    assert isinstance(tuned, dict)
    assert base["bertscore"] < tuned["bertscore"] == pytest.approx(1.0, abs=1e-5)


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere for BERTScore cannot be loaded"):
        load_encoder(str(tmp_path / "nowhere"))
