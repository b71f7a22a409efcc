"""BERTScore orders answers by their tokens' nearness, with a tiny encoder of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer, T5Config, T5Model

from wukong_pipe.errors import ModelError
from wukong_trainer.evaluation.bertscore import Encoder, add_bertscore, bert_scores, load_encoder

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


def bert(folder: Path, **settings: Any) -> str:
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]), "utf-8")
    torch.manual_seed(0)
    size: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2} | settings
    BertModel(BertConfig(vocab_size=len(WORDS) + 5, intermediate_size=32, **size)).save_pretrained(folder)
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(bert(tmp_path_factory.mktemp("encoder")))


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


def test_a_long_answer_is_read_as_far_as_the_encoder_has_places_whatever_its_tokenizer_says(tmp_path: Path) -> None:
    short = load_encoder(bert(tmp_path, max_position_embeddings=32))
    assert short.tokenizer.model_max_length > 512
    same, other = bert_scores(short, ["北京是中国的首都" * 20] * 2, ["北京是中国的首都" * 30, "it was cold ."])
    assert same == pytest.approx(1.0, abs=1e-5)
    assert other < same


def test_a_model_that_is_no_encoder_is_refused_before_anything_is_asked(student: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(student))
    with pytest.raises(ModelError, match="reads a text from one side, as models that write do"):
        load_encoder(str(student))
    both = T5Config(vocab_size=400, d_model=16, d_ff=16, d_kv=8, num_layers=1, num_heads=2)
    T5Model(both).save_pretrained(tmp_path / "t5")
    tokenizer.save_pretrained(tmp_path / "t5")
    with pytest.raises(ModelError, match="is encoder and decoder in one, so it is no encoder"):
        load_encoder(str(tmp_path / "t5"))


def test_an_encoder_that_fails_on_a_text_is_refused_before_anything_is_asked(student: Path, tmp_path: Path) -> None:
    bert(tmp_path)
    # Another model's tokenizer: it knows tokens that this one does not.
    AutoTokenizer.from_pretrained(str(student)).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="reads no long text: "):
        load_encoder(str(tmp_path))
