"""Scores order answers as a reader would, in Chinese and English, and the known traps are none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wukong_trainer.scoring.scores import corpus_bleu, is_refusal, key_fact_hit, score

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
    right, close, far = (score(answer, reference, lang)[name] for answer in (reference, nearly, wrong))
    assert right == 1.0
    assert right > close > far + 0.2


@pytest.mark.parametrize(
    ("lang", "reference", "nearly", "wrong"),
    [
        (
            "zh",
            REFERENCE_ZH,
            "铁扇公主会送出这根棍子，前提是打赢青背龙3次。",
            REFERENCE_ZH.replace("铁扇公主", "白骨夫人"),
        ),
        ("en", REFERENCE_EN, "On July 16, 1969 the Saturn V left pad 39A.", REFERENCE_EN.replace("16", "20")),
    ],
)
def test_a_right_rewording_is_a_hit_and_the_wrong_fact_in_the_right_sentence_is_none(
    lang: str, reference: str, nearly: str, wrong: str
) -> None:
    close, swapped = score(nearly, reference, lang), score(wrong, reference, lang)
    assert (close["key_fact_hit"], swapped["key_fact_hit"]) == (1.0, 0.0)
    assert swapped["f1"] > close["f1"], "which is why closeness is not the primary score"


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("共有108位。", "一百零八"),
        ("一百零八位", "１０８位"),
        ("一千", "1,000"),
        ("12 km", "约十二公里"),
        ("It is twelve kilometres.", "12 km"),
        ("It rose on July 16, 1969.", "1969-07-16"),
        ("2024年8月20日", "二〇二四年八月二十日"),
        ("9头虫", "九头虫"),
        ("50%", "百分之五十"),
        ("百分之五十", "50%"),
        ("第2回", "第二回"),
        ("The rover covered 3.5 miles.", "3.50 miles"),
    ],
)
def test_a_number_is_a_hit_in_any_spelling(answer: str, reference: str) -> None:
    assert key_fact_hit(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("12 miles", "12 km"),
        ("3 千克", "3 千米"),
        ("第二回", "第一回"),
        ("2个", "1个"),
        ("July 20, 1969", "July 16, 1969"),
        ("July 1969", "July 16, 1969"),
        ("8 days, 3 hours", "8 days, 3 hours, 18 minutes"),
        ("1080", "108"),
        ("a chair", "air"),
        ("Apollo had 11 crews", "Apollo 11"),
        ("", "108"),
    ],
)
def test_another_number_unit_date_or_part_of_a_word_is_no_hit(answer: str, reference: str) -> None:
    assert not key_fact_hit(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference", "question", "hit"),
    [
        ("中国的首都是北京。", "北京是中国的首都。", "中国的首都是哪里？", True),
        ("北京", "北京是中国的首都。", "中国的首都是哪里？", True),
        ("上海是中国的首都。", "北京是中国的首都。", "中国的首都是哪里？", False),
        ("出云棍由石敢当掉落。", "石敢当掉落出云棍。", "出云棍由谁掉落？", True),
        ("Beijing.", "The capital of China is Beijing.", "What is the capital of China?", True),
        ("Shanghai.", "The capital of China is Beijing.", "What is the capital of China?", False),
        ("可以", "不可以", "可以吗？", False),
        ("北京不是中国的首都。", "北京是中国的首都。", "中国的首都是哪里？", False),
        ("It is not Beijing.", "The capital of China is Beijing.", "What is the capital of China?", False),
        ("棒子", "金箍棒", "金箍怎么用？", False),
        ("", "北京是中国的首都。", "中国的首都是哪里？", False),
        ("What is the capital of China?", "The capital of China is Beijing.", "What is the capital of China?", False),
    ],
)
def test_what_the_question_says_need_not_be_said_again(answer: str, reference: str, question: str, hit: bool) -> None:
    assert key_fact_hit(answer, reference, question) is hit


CAPITAL = ("北京是中国的首都。", "中国的首都是哪里？")
MOON = ("Neil Armstrong", "Who was the first man on the Moon?")


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("北京、上海、广州、南京。", *CAPITAL),
        ("中国的首都是上海、北京、广州。", *CAPITAL),
        ("可能是北京或上海或者广州吧。", *CAPITAL),
        ("108颗、109颗、110颗", "一百零八颗", "要集齐多少颗？"),
        ("Neil Armstrong, Buzz Aldrin or Yuri Gagarin.", *MOON),
        ("The first man on the Moon was Buzz Aldrin, Neil Armstrong, and Alan Shepard.", *MOON),
        ("12 km, 13 km or 14 km", "12 km", "How far?"),
        ("白衣秀士、金池长老、黑熊精、虎先锋、黄风大圣、石敢当", "白衣秀士、金池长老、黑熊精", "第一回有哪些妖王？"),
    ],
)
def test_a_list_of_guesses_is_no_hit_though_the_right_one_is_among_them(
    answer: str, reference: str, question: str
) -> None:
    assert not key_fact_hit(answer, reference, question)


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("北京或上海", *CAPITAL),
        ("可能是上海，也可能是北京还是南京吧", *CAPITAL),
        ("出云棍由白衣秀士或石敢当掉落。", "石敢当掉落出云棍。", "出云棍由谁掉落？"),
        ("他在花果山遇到了石敢当或者白衣秀士", "石敢当", "他遇到了谁？"),
        ("六颗或者七颗", "六颗", "要集齐几颗？"),
        ("2021年2月9日还是2021年8月20日", "2021年2月9日", "牛年贺岁短片的日期是什么？"),
        ("Armstrong or Aldrin", "Armstrong", MOON[1]),
        ("It was either Buzz Aldrin or Neil Armstrong who stepped out.", *MOON),
        ("Neil Armstrong, or maybe Buzz Aldrin", *MOON),
        ("In 1968 or in 1969.", "1969", "When?"),
        ("July 16 or 17, 1969", "July 16, 1969", "When did Apollo 11 rise?"),
        ("twelve or thirteen km", "12 km", "How far?"),
        ("北京或上海。北京或上海。", *CAPITAL),
    ],
)
def test_of_two_guesses_the_right_one_is_no_hit(answer: str, reference: str, question: str) -> None:
    assert not key_fact_hit(answer, reference, question)


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("甲或乙", "甲或乙", "由谁掉落？"),
        ("由甲或乙掉落。", "甲或乙", "由谁掉落？"),
        ("Armstrong or Aldrin", "Armstrong or Aldrin", MOON[1]),
        ("Saturn V or Saturn IB", "Saturn IB and Saturn V", "Which rockets flew?"),
        ("the Lunar Module, or LM", "Lunar Module", "What landed?"),
        ("the Lunar Module or LM", "Lunar Module", "What landed?"),
        ("金箍棒或称定海神针", "金箍棒", "悟空的兵器叫什么？"),
        ("12 km or 7.5 miles", "12 km", "How far?"),
        ("2 or more", "2", "How many?"),
        ("Neil Armstrong, whom Houston or NASA had chosen", *MOON),
    ],
)
def test_an_or_of_the_reference_another_name_and_another_unit_are_no_guesses(
    answer: str, reference: str, question: str
) -> None:
    assert key_fact_hit(answer, reference, question)


GIANT = "石敢当是沉睡的巨石妖王，需要集齐六颗佛目珠才能唤醒。"
SEA = "The command module dropped the service module and came down at sea under three parachutes."


@pytest.mark.parametrize(
    ("answer", "reference", "question", "hit"),
    [
        ("一共六件。", GIANT, "石敢当是什么？", False),
        ("沉睡的妖王，集齐六颗佛目珠可以唤醒。", GIANT, "石敢当是什么？", True),
        ("沉睡的妖王，集齐七颗佛目珠可以唤醒。", GIANT, "石敢当是什么？", False),
        ("六颗", GIANT, "唤醒石敢当需要几颗佛目珠？", True),
        ("第五回", "萍萍是玉面公主的女儿，在第五回的支线中登场。", "萍萍是什么人？", False),
        ("第五回", "萍萍是玉面公主的女儿，在第五回的支线中登场。", "萍萍在哪一回登场？", True),
        ("三个", "三个徒弟", "他带着谁？", False),
        ("three", SEA, "What was the seventh step?", False),
        ("It dropped the service module and fell into the sea under three parachutes.", SEA, "What came next?", True),
        ("three", SEA, "How many parachutes did the command module have?", True),
        ("268元", "中国大陆数字标准版的首发价格是268元，不含税。", "标准版卖什么价？", True),
    ],
)
def test_a_count_alone_is_no_hit_where_the_reference_says_more_and_no_number_was_asked_for(
    answer: str, reference: str, question: str, hit: bool
) -> None:
    assert key_fact_hit(answer, reference, question) is hit


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("北京，位于华北，人口众多，历史悠久。", *CAPITAL),
        ("中国的首都是北京；上海、广州、深圳是别的大城市。", *CAPITAL),
        ("北京、上海", *CAPITAL),
        ("白衣秀士、金池长老、黑熊精、虎先锋、黄风大圣", "白衣秀士、金池长老、黑熊精", "第一回有哪些妖王？"),
        ("出云棍由石敢当掉落，可用劈、戳、立三种棍势。", "石敢当掉落出云棍。", "出云棍由谁掉落？"),
        ("在花果山、水帘洞、东海之外，它由石敢当掉落。", "石敢当掉落出云棍。", "出云棍由谁掉落？"),
        ("Neil Armstrong, the commander, who came down the ladder, slowly, and spoke.", *MOON),
        ("Neil Armstrong, commander, stepped out, looked around, and spoke.", *MOON),
        ("Neil Armstrong of NASA's Apollo 11 crew, with Buzz Aldrin behind him.", *MOON),
        ("Neil Armstrong, commander of Apollo 11, with Buzz Aldrin and Michael Collins", *MOON),
        ("金箍棒、如意金箍棒、定海神针", "金箍棒", "悟空的兵器叫什么？"),
        ("12 公里（或 7.5 英里、12000 米）", "12 公里", "有多远？"),
        ("It rose from Cape Kennedy, Florida, USA.", "Cape Kennedy", "Where did Apollo 11 rise?"),
        ("It was 12 km, as far as from here to the sea, or a day's walk.", "12 km", "How far?"),
        ("On July 16, 1969, at 13:32 UTC, from Cape Kennedy, Florida.", "July 16, 1969", "When did Apollo 11 rise?"),
    ],
)
def test_an_honest_longer_answer_stays_a_hit(answer: str, reference: str, question: str) -> None:
    assert key_fact_hit(answer, reference, question)


def test_a_name_that_ends_in_a_number_with_a_letter_is_whole() -> None:
    reference = "No other Apollo flight started from Launch Complex 39A"
    assert key_fact_hit(reference + ".", reference)
    assert not key_fact_hit("No other Apollo flight started from Launch Complex 39B.", reference)


def test_identical_chinese_scores_one_where_default_tokenizers_score_nothing() -> None:
    found = score("北京", "北京", "zh")
    assert [found[name] for name in ("key_fact_hit", "exact", *CLOSENESS)] == [1.0] * 6
    assert corpus_bleu(["北京是中国的首都。"], ["北京是中国的首都。"], "zh") == pytest.approx(1.0)


def test_unrelated_english_sentences_share_letters_and_score_little() -> None:
    found = score("The cat sat on the mat.", "Rockets burn kerosene in the lower stage.", "en")
    assert found["f1"] < 0.25, "an F1 of characters is 0.6 and more"
    assert found["rouge_l"] < 0.25


def test_spelling_of_width_case_and_punctuation_is_no_difference() -> None:
    assert score("ＰＳ５ 版本：１.０", "ps5版本:1.0", "zh")["f1"] == 1.0
    assert score("the saturn v", "The Saturn-V!", "en")["exact"] == 1.0


def test_scores_against_values_worked_out_by_hand() -> None:
    zh = score("北京是首都", "上海是首都", "zh")  # 3 of 5 characters, in order
    assert zh["f1"] == zh["rouge_l"] == pytest.approx(0.6)
    assert zh["chrf"] == pytest.approx((3 / 5 + 2 / 4) / 2)  # unigrams and bigrams; precision equals recall
    en = score("c b a", "a b c d", "en")
    assert en["f1"] == pytest.approx(2 * 3 / 7)
    assert en["rouge_l"] == pytest.approx(2 * 1 / 7)
    assert en["length_ratio"] == pytest.approx(3 / 4)


def test_an_answer_that_goes_round_in_circles_repeats_itself() -> None:
    loop = score("他在山上。他在山上。他在山上。他在山上。他在山上。", "他在山上。", "zh")["repetition"]
    assert loop > 0.5 > 0.05 > score(REFERENCE_ZH, REFERENCE_ZH, "zh")["repetition"]
    assert score("in the end and " * 8, "the end", "en")["repetition"] > 0.8
    assert score(REFERENCE_EN, REFERENCE_EN, "en")["repetition"] == 0.0


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
    assert score(text, "白衣秀士", "zh")["refused"] == 1.0
    assert score(text, text, "zh")["refused"] == 0.0, "where the reference says so, it is the answer"


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


def test_an_empty_answer_scores_nothing_and_an_empty_reference_passes_nobody() -> None:
    assert set(score("", REFERENCE_ZH, "zh").values()) == {0.0}
    assert score("anything", "？", "zh")["key_fact_hit"] == 0.0
    with pytest.raises(ValueError, match="1 answers for 0"):
        corpus_bleu(["a"], [], "en")


TEXTS = st.text(max_size=40) | st.text(alphabet="一二十百第回《》“”、，。0123456789.,AZaz -金箍棒", max_size=30)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, st.sampled_from(["zh", "en"]))
def test_scores_keep_their_range_and_identity_is_one(answer: str, reference: str, lang: str) -> None:
    itself = score(reference, reference, lang)
    assert {itself[name] for name in ("key_fact_hit", "exact", "length_ratio", *CLOSENESS)} == {1.0}
    found = score(answer, reference, lang, answer)
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
    assert score(" ".join(a), " ".join(b), "en")["rouge_l"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "question", "hit"),
    [
        ("不是", "是", "是吗？", False),
        ("不是北京。", *CAPITAL, False),
        ("北京不是中国的首都，上海才是。", "北京", CAPITAL[1], False),
        ("It was not Neil Armstrong.", *MOON, False),
        ("北京，不是上海。", "北京", CAPITAL[1], True),
        ("不仅有北京", "北京", "有哪些城市？", True),
        ("Neil Armstrong, not Buzz Aldrin", *MOON, True),
        ("Not only Neil Armstrong walked there.", *MOON, True),
        ("悟空不是人", "悟空不是人", "悟空是人吗？", True),
    ],
)
def test_a_key_fact_with_a_not_beside_it_is_denied(answer: str, reference: str, question: str, hit: bool) -> None:
    assert key_fact_hit(answer, reference, question) is hit


@pytest.mark.parametrize(
    ("answer", "reference", "question", "hit"),
    [
        ("1968. 1969. 1970.", "1969", "When?", False),
        ("It was 1968. It was 1969. It was 1970.", "1969", "When?", False),
        ("1 2 3 4 5 6 7 8 9 10 11 12", "7", "How many?", False),
        ("1 2 3", "1 2 3", "Count to three.", True),
        ("Launched July 16, 1969. Landed July 20, 1969.", "July 20, 1969", "When did it land?", True),
    ],
)
def test_a_guess_a_sentence_is_a_list_of_guesses(answer: str, reference: str, question: str, hit: bool) -> None:
    assert key_fact_hit(answer, reference, question) is hit


def test_an_answer_that_runs_in_a_loop_is_read_in_no_time() -> None:
    # Either would take longer than anyone waits if time grew faster than the answer.
    assert not is_refusal("目前没有" + "关于他的" * 400)
    assert not key_fact_hit("或许北京" * 5000, "1969", "Which?")


@pytest.mark.parametrize(
    ("answer", "reference", "question"),
    [
        ("答案或许是北京。", "北京", CAPITAL[1]),
        ("终究还是唐僧", "唐僧", "师父是谁？"),
        ("师父还是唐僧。", "唐僧", "师父是谁？"),
        ("他或者说齐天大圣", "齐天大圣", "悟空又叫什么？"),
        ("You can call Ann or Bob; Ann is in charge.", "Ann", "Who is in charge?"),
        ("一共有六颗佛目珠。", GIANT, "唤醒石敢当需要集齐什么？"),
        ("8 out of 10", "The game got 8 out of 10 from the reviewers of that site", "What score did it get?"),
        ("No – Neil Armstrong.", "Neil Armstrong", "Was it Gagarin?"),
        ("难道不是孙悟空吗？", "孙悟空", "谁大闹天宫？"),
        ("Neil Armstrong was not the pilot; he was the first man on the Moon.", *MOON),
        ("1966年开始；1969年结束；1972年重启。", "1969年", "何时结束？"),
    ],
)
def test_words_that_only_look_like_guesses_counts_and_denials_cost_no_hit(
    answer: str, reference: str, question: str
) -> None:
    assert key_fact_hit(answer, reference, question)
