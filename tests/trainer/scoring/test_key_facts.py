"""What a right answer may look like, and which wrong answers hold the right words."""

from __future__ import annotations

import pytest

from wukong_trainer.scoring import key_facts
from wukong_trainer.scoring.key_facts import key_fact_hit

RULES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (key_facts.__doc__ or "").splitlines()
    if line.startswith("| ")
][1:]


@pytest.mark.parametrize(("rule", "question", "reference", "answer", "hit"), RULES, ids=lambda cell: cell[:20])
def test_the_table_of_rules_is_true(rule: str, question: str, reference: str, answer: str, hit: str) -> None:
    assert key_fact_hit(answer, reference, question) is (hit == "yes"), rule


def test_the_table_has_rules() -> None:
    assert len(RULES) >= 8


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


def test_an_answer_that_runs_in_a_loop_is_read_in_no_time() -> None:
    # It would take longer than anyone waits if time grew faster than the answer.
    assert not key_fact_hit("或许北京" * 5000, "1969", "Which?")
