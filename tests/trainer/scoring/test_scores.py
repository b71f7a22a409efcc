"""Scores order answers as a reader would, in Chinese and English, and the known traps are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_trainer.scoring.scores import closeness, corpus_bleu, is_refusal

REFERENCE_ZH = "出云棍由大圣残躯的“铁扇公主”赠予，需要击败 3 次青背龙。"
REFERENCE_EN = 'The Saturn V lifted off on July 16, 1969 from pad "39A".'
CLOSENESS = ("f1", "rouge_l", "chrf", "bleu")


@pytest.mark.parametrize("name", CLOSENESS)
@pytest.mark.parametrize(
    ("lang", "reference", "nearly", "wrong"),
    [
        ("zh", REFERENCE_ZH, "出云棍由铁扇公主赠予，要击败青背龙3次。", "完成支线任务以后，在商店购买就能得到它。"),
        ("en", REFERENCE_EN, "On July 16, 1969 the Saturn V left pad 39A.", "It was a cold morning in Houston."),
    ],
)
def test_right_beats_nearly_right_beats_wrong(lang: str, reference: str, nearly: str, wrong: str, name: str) -> None:
    right, close, far = (closeness(answer, reference, lang)[name] for answer in (reference, nearly, wrong))
    assert right == 1.0
    assert right > close > far + 0.2


def test_identical_chinese_scores_one_where_default_tokenizers_score_nothing() -> None:
    found = closeness("北京", "北京", "zh")
    assert [found[name] for name in ("exact", *CLOSENESS)] == [1.0] * 5
    assert corpus_bleu(["北京是中国的首都。"], ["北京是中国的首都。"], "zh") == pytest.approx(1.0)


def test_unrelated_english_sentences_share_letters_and_score_little() -> None:
    found = closeness("The cat sat on the mat.", "Rockets burn kerosene in the lower stage.", "en")
    assert found["f1"] < 0.25, "an F1 of characters is 0.6 and more"
    assert found["rouge_l"] < 0.25


def test_spelling_of_width_case_and_punctuation_is_no_difference() -> None:
    assert closeness("ＰＳ５ 版本：１.０", "ps5版本:1.0", "zh")["f1"] == 1.0
    assert closeness("the saturn v", "The Saturn-V!", "en")["exact"] == 1.0


def test_scores_against_values_worked_out_by_hand() -> None:
    zh = closeness("北京是首都", "上海是首都", "zh")  # 3 of 5 characters, in order
    assert zh["f1"] == zh["rouge_l"] == pytest.approx(0.6)
    assert zh["chrf"] == pytest.approx((3 / 5 + 2 / 4) / 2)  # unigrams and bigrams; precision equals recall
    en = closeness("c b a", "a b c d", "en")
    assert en["f1"] == pytest.approx(2 * 3 / 7)
    assert en["rouge_l"] == pytest.approx(2 * 1 / 7)
    assert en["length_ratio"] == pytest.approx(3 / 4)


def test_an_answer_that_goes_round_in_circles_repeats_itself() -> None:
    loop = closeness("他在山上。他在山上。他在山上。他在山上。他在山上。", "他在山上。", "zh")["repetition"]
    assert loop > 0.5 > 0.05 > closeness(REFERENCE_ZH, REFERENCE_ZH, "zh")["repetition"]
    assert closeness("in the end and " * 8, "the end", "en")["repetition"] > 0.8
    assert closeness(REFERENCE_EN, REFERENCE_EN, "en")["repetition"] == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "抱歉，我不知道。",
        "我不清楚这个问题。",
        "无法回答该问题",
        "作为一个人工智能语言模型，我不能浏览网页。",
        "没有相关信息。",
        "I'm not sure.",
        "I do not have any information about that.",
        "As an AI language model, I cannot browse.",
        "Sorry, I cannot help with that.",
        "There is no information on this.",
    ],
)
def test_a_refusal_is_seen(text: str) -> None:
    assert is_refusal(text)
    assert closeness(text, "白衣秀士", "zh")["refused"] == 1.0
    assert closeness(text, text, "zh")["refused"] == 0.0, "where the reference says so, it is the answer"


@pytest.mark.parametrize(
    "text",
    [
        "他不知道山上有妖怪。",
        "这把武器无法提供防御。",
        "The crew could not determine the cause.",
        "The board found that no data was lost.",
        "不能在战斗中使用。",
    ],
)
def test_what_somebody_in_the_text_does_not_know_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)


def test_an_empty_answer_scores_nothing() -> None:
    assert set(closeness("", REFERENCE_ZH, "zh").values()) == {0.0}
    with pytest.raises(ValueError, match="1 answers for 0"):
        corpus_bleu(["a"], [], "en")


TEXTS = st.text(max_size=40) | st.text(alphabet="一二十百第回《》“”、，。0123456789.,AZaz -金箍棒", max_size=30)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["zh", "en"]))
def test_scores_keep_their_range_and_identity_is_one(answer: str, reference: str, lang: str) -> None:
    itself = closeness(reference, reference, lang)
    assert {itself[name] for name in ("exact", "length_ratio", *CLOSENESS)} == {1.0}
    found = closeness(answer, reference, lang)
    assert all(0.0 <= value <= 1.0 for name, value in found.items() if name != "length_ratio")
    assert found["rouge_l"] <= found["f1"] + 1e-12, "a common subsequence is also a common multiset"
    assert found["length_ratio"] >= 0.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_rouge_l_equals_the_textbook_table(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    expected = 2 * table[-1][-1] / (len(a) + len(b)) if a or b else 1.0
    assert closeness(" ".join(a), " ".join(b), "en")["rouge_l"] == pytest.approx(expected)


def test_an_answer_that_runs_in_a_loop_is_read_in_no_time() -> None:
    # It would take longer than anyone waits if time grew faster than the answer.
    assert not is_refusal("目前没有" + "关于他的" * 400)
