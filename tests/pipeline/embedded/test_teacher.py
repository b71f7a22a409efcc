"""The embedded teacher: the same answers always, questions whose form can be told, and nothing made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.support.markdown import markdown
from wukong_pipe.build import load_prompts
from wukong_pipe.checks.pairs import PAIR_SCHEMA, Candidate, check_pair, check_paraphrase, read_pair
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import units, worth
from wukong_pipe.embedded.facts import facts
from wukong_pipe.embedded.questions import TEMPLATES, form_of
from wukong_pipe.embedded.teacher import answer, paraphrases, teacher_id
from wukong_pipe.language.text import normalise
from wukong_pipe.records import Lang, QAPair, Section
from wukong_pipe.schema import check_item
from wukong_pipe.stages import base_qa, paraphrase
from wukong_pipe.stages.base_qa import request
from wukong_pipe.stages.settings import BuildSettings
from wukong_pipe.teacher.replies import read_object
from wukong_pipe.teacher.requests import ParaphraseTask

PROMPTS = load_prompts(BuildSettings())["base_qa"]
SAMPLES = [("zh", "blackwukong.md"), ("en", "apollo.md")]
WEAPONS = Section(
    "a.md",
    ("游戏", "武器"),
    1,
    "## 武器\n\n出云棍的来源是石敢当。\n\n- **土地庙**：可以休息。\n\n| 武器 | 价格 |\n|---|---|\n| 木棍 | 12 |\n",
)


def sections_of(corpora: Path, name: str) -> list[Section]:
    return split((corpora / name).read_text("utf-8"), name)


def asked(section: Section, quota: int = 40, covered: tuple[str, ...] = (), attempt: int = 0) -> str:
    return answer(request(section, quota, covered, PROMPTS), attempt)


# --- pairs --------------------------------------------------------------------------------------------------


def test_tables_lead_ins_and_sentences_become_pairs_with_their_own_words_as_evidence() -> None:
    assert json.loads(asked(WEAPONS))["pairs"] == [
        {
            "question": "出云棍的来源是什么？",
            "answer": "石敢当",
            "evidence": ["出云棍的来源是石敢当。"],
            "kind": "base",
        },
        {
            "question": "土地庙是什么？",
            "answer": "可以休息",
            "evidence": ["**土地庙**：可以休息。"],
            "kind": "base",
        },
        {"question": "木棍的价格是什么？", "answer": "12", "evidence": ["| 木棍 | 12 |"], "kind": "base"},
    ]


def test_task_boxes_images_and_maths_are_left_out_and_what_stands_beside_them_is_asked() -> None:
    odd = "- [x] mirror the ring\n- [ ] paint the dome\n\nThe energy is $$ E = mc^2 $$ here.\n\n"
    odd += "![Dome at dusk](d.png)\n\nA mass of $m$ falls fast.\n\nThe dome is a roof of glass. It costs $5 in June.\n"
    pairs = json.loads(asked(Section("a.md", ("Dome", "Ring"), 1, f"## Ring\n\n{odd}", "en")))["pairs"]
    assert {pair["evidence"][0] for pair in pairs} == {"The dome is a roof of glass.", "It costs $5 in June."}


def test_a_quota_is_kept_and_what_is_covered_is_not_asked_again() -> None:
    (best,) = json.loads(asked(WEAPONS, 1))["pairs"]
    assert best["question"] == "出云棍的来源是什么？"
    rest = json.loads(asked(WEAPONS, covered=(best["question"],)))["pairs"]
    assert [pair["question"] for pair in rest] == ["土地庙是什么？", "木棍的价格是什么？"]


@pytest.mark.parametrize(
    ("sentence", "question", "reply"),
    [
        ("石庚在2018年立项开山。", "请问石庚在哪一年立项开山？", "2018年"),
        ("石庚共有六件兵器，都很旧。", "请问石庚共有几件兵器？", "六件"),
        ("石庚的兵器超过80件，都很旧。", "请问石庚的兵器超过多少件？", "80件"),
        ("石庚分为木、石和铁三类。", "请问石庚分为哪三类？", "木、石和铁"),
        ("石庚藏在辛山洞，从不出门。", "请问石庚藏在哪里？", "辛山洞"),
        ("石庚可以通过打坐获得灵光。", "请问石庚可以怎样获得灵光？", "打坐"),
        ("石庚的棍用来开山。", "请问石庚的棍用来做什么？", "开山"),
        ("黄沙忽然来袭，石庚因此落败。", "请问石庚为什么落败？", "黄沙忽然来袭"),
        ("这门手艺由壬师傅担任，石庚旁观。", "“这门手艺由壬师傅担任，____旁观”这句话的空白处应填什么？", "石庚"),
        ("石庚是山里的妖，力大无穷。", "石庚是什么？", "山里的妖"),
        ("石庚就是老石头。", "石庚是什么？", "老石头"),
        ("石庚既是妖，也是仙。", "“石庚既是妖，____”这句话的空白处应填什么？", "也是仙"),
        ("有人在2018年开山。", "请问关于《游戏》，有人在哪一年开山？", "2018年"),
    ],
)
def test_a_chinese_sentence_is_asked_for_what_its_form_allows(sentence: str, question: str, reply: str) -> None:
    section = Section("a.md", ("游戏", "石庚"), 1, f"## 石庚\n\n{sentence}\n")
    (pair,) = json.loads(asked(section))["pairs"]
    assert (pair["question"], pair["answer"], pair["evidence"]) == (question, reply, [sentence])
    candidate = read_pair(pair, section)
    assert isinstance(candidate, Candidate)
    assert check_pair(candidate, section) is None


@pytest.mark.parametrize(
    ("sentence", "question", "reply"),
    [
        ("The Eagle landed on 20 July 1969.", "when was it that the Eagle landed", "20 July 1969"),
        ("About 400 people built Eagle.", "about how many people built Eagle", "400"),
        ("Eagle carried two astronauts, and Columbia one.", "Eagle carried how many astronauts", "two"),
        ("Eagle 5 carried two astronauts.", "Eagle 5 carried how many astronauts", "two"),
        ("Eagle was built by Grumman.", "Eagle was built by whom", "Grumman"),
        ("Grumman built the Eagle, and IBM its ring.", "who or what built the Eagle", "Grumman"),
        (
            "The crew called the lander Eagle because it flew.",
            "why was it that the crew called the lander Eagle",
            "it flew",
        ),
    ],
)
def test_an_english_sentence_is_asked_for_what_its_form_allows(sentence: str, question: str, reply: str) -> None:
    section = Section("a.md", ("Moon", "Eagle"), 1, f"## Eagle\n\n{sentence}\n", "en")
    (pair,) = json.loads(asked(section))["pairs"]
    assert (pair["question"], pair["answer"]) == (f"Please tell me: {question}?", reply)


def test_a_step_is_asked_for_by_its_place_in_the_only_numbered_list() -> None:
    text = "## 开山的步骤\n\n1. 敲响大钟。\n2. 推开石门。\n"
    section = Section("a.md", ("游戏", "开山的步骤"), 1, text)
    assert [(pair["question"], pair["answer"]) for pair in json.loads(asked(section))["pairs"]] == [
        ("开山的步骤的第一步是什么？", "敲响大钟"),
        ("开山的步骤的第二步是什么？", "推开石门"),
    ]
    twice = Section("a.md", ("游戏", "开山的步骤"), 1, text + "\n或者\n\n1. 绕过山脚。\n2. 等到天黑。\n")
    assert not any("步是什么" in pair["question"] for pair in json.loads(asked(twice))["pairs"])


# --- tables ---------------------------------------------------------------------------------------------------


def table(announced: str, rows: int) -> Section:
    body = "".join(f"| 甲{n}棍 | 乙{n}山 | 木 |\n" for n in range(rows))
    head = "| 兵器 | 产地 | 材质 |\n|---|---|---|\n"
    return Section("a.md", ("游戏", "兵器"), 1, f"## 兵器\n\n{announced}\n\n{head}{body}")


def test_what_announces_a_table_is_asked_for_all_its_names() -> None:
    (whole,) = (
        pair for pair in json.loads(asked(table("下表列出主要的兵器。", 3), 10))["pairs"] if "、" in pair["answer"]
    )
    assert whole["question"] == "主要的兵器有哪些？"
    assert whole["answer"] == "甲0棍、甲1棍、甲2棍"
    assert whole["evidence"] == ["下表列出主要的兵器。", *(f"| 甲{n}棍 | 乙{n}山 | 木 |" for n in range(3))]
    for partly in ("下表列出部分兵器。", "下表列出主要的山。"):
        assert not any("、" in pair["answer"] for pair in json.loads(asked(table(partly, 3), 10))["pairs"])


def test_one_row_in_four_is_also_asked_for_from_a_value_that_no_other_row_holds() -> None:
    pairs = json.loads(asked(table("", 8), 16))["pairs"]
    turned = [pair for pair in pairs if pair["kind"] == "reverse"]
    assert [(pair["question"], pair["answer"]) for pair in turned] == [
        ("产地是乙0山的兵器是哪一个？", "甲0棍"),
        ("产地是乙4山的兵器是哪一个？", "甲4棍"),
    ]
    base = {(pair["question"], pair["answer"]) for pair in pairs if pair["kind"] == "base"}
    assert {("甲0棍的产地是什么？", "乙0山"), ("甲4棍的产地是什么？", "乙4山")} <= base
    assert len(pairs) == 16


def test_of_every_five_rows_two_are_also_asked_for_together_by_a_value_in_which_they_differ() -> None:
    pairs = json.loads(asked(table("", 8), 16))["pairs"]
    assert [pair for pair in pairs if len(pair["evidence"]) == 2] == [
        {
            "question": "甲2棍和甲3棍的产地分别是什么？",
            "answer": "乙2山、乙3山",
            "evidence": ["| 甲2棍 | 乙2山 | 木 |", "| 甲3棍 | 乙3山 | 木 |"],
            "kind": "base",
        }
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("| 甲棍 | 乙山 | 木 |", "| 丙棍 | 乙山 | 木 |"),
        ("| 甲棍 | 乙山、丁山 | 木 |", "| 丙棍 | 乙山和戊山 | 木 |"),
        ("| 甲棍和丙棍 | 乙山 | 木 |", "| 丙棍 | 丁山 | 木 |"),
        ("| 乙山棍 | 乙山 | 木 |", "| 丙棍 | 丁山 | 木 |"),
        ("| 甲棍 | 乙山 | 木 |", "| 甲棍 | 丁山 | 木 |"),
        ("| 甲棍 | — | 木 |", "| 丙棍 | 丁山 | 木 |"),
    ],
    ids=["the same", "several values", "several names", "told by the name", "one name", "no value"],
)
def test_rows_are_not_compared_where_the_answer_would_be_no_two_values_told_apart(one: str, other: str) -> None:
    head = "| 兵器 | 产地 | 材质 |\n|---|---|---|\n| 壬棍 | 壬山 | 木 |\n| 癸棍 | 癸山 | 木 |\n"
    section = Section("a.md", ("游戏", "兵器"), 1, f"## 兵器\n\n{head}{one}\n{other}\n")
    assert [fact for fact in facts(section) if fact.family == "compare"] == []


def test_columns_of_one_name_and_things_that_another_table_tells_of_are_not_compared() -> None:
    twice = "| 棍 | 攻击 | 攻击 |\n|---|---|---|\n" + "".join(
        f"| {n}棍 | {i} | {i + 50} |\n" for i, n in enumerate("甲乙丙丁")
    )
    one = Section("a.md", ("游戏", "棍"), 1, f"## 棍\n\n{twice}")
    assert [fact for fact in facts(one) if fact.family == "compare"] == []
    short = "| 棍 | 攻击 |\n|---|---|\n| 丙棍 | 9 |\n\n正文说完了。\n\n"
    two = Section("a.md", ("游戏", "棍"), 1, f"## 棍\n\n{short}{twice.replace('| 攻击 | 攻击 |', '| 攻击 | 防御 |')}")
    assert [fact for fact in facts(two) if fact.family == "compare" and "丙棍" in str(fact.slots)] == []


@pytest.mark.parametrize(("lang", "name", "least"), [("zh", "blackwukong.md", 20), ("en", "apollo.md", 8)])
def test_what_it_compares_passes_the_checks_in_all_its_wordings(
    corpora: Path, lang: Lang, name: str, least: int
) -> None:
    compared = 0
    for section in sections_of(corpora, name):
        for fact in (fact for fact in facts(section) if fact.family == "compare"):
            question = fact.question(lang, 0)
            said = {"question": question, "answer": fact.answer, "evidence": [unit.text for unit in fact.units]}
            candidate = read_pair(said, section)
            assert isinstance(candidate, Candidate)
            assert check_pair(candidate, section) is None
            pair = QAPair(section, question, fact.answer, candidate.evidence, (1, 1), "base", "t", "p", "c")
            wordings = paraphrases(ParaphraseTask(section, question, 16, ()))
            assert [(text, why) for text in wordings if (why := check_paraphrase(text, pair))] == []
            compared += 1
    assert compared >= least


def test_reverse_questions_have_one_right_answer_and_a_base_pair_of_the_same_fact(corpora: Path) -> None:
    turned = 0
    for name in ("blackwukong.md", "apollo.md"):
        for section in sections_of(corpora, name):
            pairs = json.loads(asked(section, base_qa.quota(section, 40)))["pairs"]
            for pair in (pair for pair in pairs if pair["kind"] == "reverse"):
                turned += 1
                twins = [other for other in pairs if other["kind"] == "base" and other["evidence"] == pair["evidence"]]
                values = [other["answer"] for other in twins if other["answer"] in pair["question"]]
                assert values, pair
                # No other row of the section holds the value that is asked about.
                assert any(section.text.count(f"| {value} |") == 1 for value in values), pair
    assert turned >= 50


def test_where_every_unit_can_have_a_pair_it_has_one() -> None:
    section = table("石庚共有六件兵器。", 4)
    assert worth(section) == 9
    pairs = json.loads(asked(section, 5))["pairs"]
    assert {text for pair in pairs for text in pair["evidence"]} == {
        "石庚共有六件兵器。",
        *(f"| 甲{n}棍 | 乙{n}山 | 木 |" for n in range(4)),
    }
    assert {form_of(pair["question"]) for pair in json.loads(asked(section, 3))["pairs"]} == {"zh/attribute/0"}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_at_least_nine_units_in_ten_of_the_samples_are_asked_about(corpora: Path, lang: Lang, name: str) -> None:
    said = covered = 0
    for section in sections_of(corpora, name):
        pairs = json.loads(asked(section, base_qa.quota(section, 40)))["pairs"]
        evidence = {text for pair in pairs for text in pair["evidence"]}
        own = [unit for unit in units(section) if unit.kind == "sentence"]
        said += len(own)
        covered += sum(unit.text in evidence for unit in own)
    assert covered > 0.9 * said, lang


def test_it_says_all_it_knows_at_once_and_nothing_when_asked_again() -> None:
    assert json.loads(asked(WEAPONS, attempt=1)) == {"pairs": []}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_same_request_has_the_same_answer(corpora: Path, lang: Lang, name: str) -> None:
    first = [asked(section) for section in sections_of(corpora, name)]
    facts.cache_clear()
    assert first == [asked(section) for section in sections_of(corpora, name)]
    assert all(section.lang == lang for section in sections_of(corpora, name))


def test_its_id_carries_the_hash_of_its_code() -> None:
    assert teacher_id().startswith("offline@")
    assert teacher_id() == teacher_id()


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_nearly_all_it_says_of_the_samples_passes_the_checks(corpora: Path, lang: Lang, name: str) -> None:
    read = good = 0
    for section in sections_of(corpora, name):
        for item in json.loads(asked(section))["pairs"]:
            candidate = read_pair(item, section)
            assert isinstance(candidate, Candidate), (lang, candidate)
            read += 1
            good += check_pair(candidate, section) is None
    assert read > 100
    assert good > 0.95 * read


@given(markdown)
@settings(max_examples=150, deadline=None)
def test_any_markdown_is_answered_in_the_form_that_was_asked_for(text: str) -> None:
    for section in split(text, "a.md"):
        value, problem = read_object(asked(section), base_qa.REPLY_SCHEMA)
        assert value is not None, problem
        assert len(value["pairs"]) <= max(worth(section), 0)
        loose = {**PAIR_SCHEMA, "required": ["question", "answer", "evidence"]}
        assert [check_item(item, loose) for item in value["pairs"]] == [None] * len(value["pairs"])


# --- paraphrases and their forms ----------------------------------------------------------------------------


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_every_base_question_has_the_first_template_of_its_family(corpora: Path, lang: Lang, name: str) -> None:
    for section in sections_of(corpora, name):
        for fact in facts(section):
            assert form_of(fact.question(lang, 0)) in {f"{lang}/{family}/0" for family in TEMPLATES[lang]}


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_the_form_of_a_question_is_the_template_it_was_made_with(corpora: Path, lang: Lang, name: str) -> None:
    known = [fact for section in sections_of(corpora, name) for fact in facts(section)]
    seen = set()
    for fact in known[::3]:
        # “X的Y是什么？” is the base question of an attribute and of a thing named “X的Y”.
        for i in range(1, len(TEMPLATES[lang][fact.family])):
            assert form_of(fact.question(lang, i)) == f"{lang}/{fact.family}/{i}"
            seen.add((fact.family, i))
    assert len(seen) == sum(len(templates) - 1 for templates in TEMPLATES[lang].values())


def test_a_question_of_another_teacher_has_no_form() -> None:
    assert form_of("石敢当掉落哪件兵器？") == ""
    assert form_of("Where did Eagle land?") == ""


@pytest.mark.parametrize(("lang", "name"), SAMPLES)
def test_paraphrases_are_distinct_and_never_the_base(corpora: Path, lang: Lang, name: str) -> None:
    for section in sections_of(corpora, name)[:12]:
        for fact in facts(section):
            base = fact.question(lang, 0)
            wordings = paraphrases(ParaphraseTask(section, base, 14, ()))
            assert len({normalise(text) for text in [base, *wordings]}) == 15
            more = paraphrases(ParaphraseTask(section, base, 14, tuple(wordings)))
            assert not set(more) & set(wordings)


def test_a_question_it_did_not_ask_it_cannot_reword() -> None:
    task = ParaphraseTask(WEAPONS, "谁掉落出云棍？", 5, ())
    assert paraphrases(task) == []
    assert paraphrase.REPLY_SCHEMA["required"] == ["questions"]


def test_few_variants_a_question_still_use_all_forms_of_a_family(corpora: Path) -> None:
    used = set()
    for section in sections_of(corpora, "blackwukong.md"):
        for fact in facts(section):
            task = ParaphraseTask(section, fact.question("zh", 0), 3, ())
            used |= {form_of(text) for text in paraphrases(task)}
    assert {form for form in used if form.startswith("zh/attribute/")} == {
        f"zh/attribute/{i}" for i in range(1, len(TEMPLATES["zh"]["attribute"]))
    }
