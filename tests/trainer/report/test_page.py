"""The report shows what hostile models wrote as text, loads nothing, and says what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from tests.support.answered import HOSTILE, add_further_files, answer_row, make_run, reject, summarise
from wukong_pipe.errors import DataError
from wukong_pipe.files import jsonl, write_json, write_text
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject
from wukong_pipe.workspace import Run
from wukong_trainer.report.page import write_report
from wukong_trainer.report.words import WORDS
from wukong_trainer.training.memory import MemoryNeed
from wukong_trainer.training.preflight import Preflight

VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Tags, attributes and text of a page, and whether every tag that opens is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.text = "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.pieces.append(data)

    def number_of(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def read(run: Run) -> tuple[str, Page]:
    html = write_report(run).read_text("utf-8")
    page = Page(html)
    assert page.open == []
    return html, page


def squeezed(page: Page) -> str:
    """The text with single spaces, also where only a tag stands between two words."""
    return " ".join(" ".join(page.pieces).split())


# --- text stays text -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hostile_answers_stay_text(tmp_path: Path, lang: str) -> None:
    run = make_run(tmp_path, lang, instruction=HOSTILE, source=HOSTILE, kind=HOSTILE, form=HOSTILE)
    add_further_files(run, HOSTILE)
    html, page = read(run)
    names = {tag for tag, _ in page.tags}
    assert page.number_of("script") == 1, "the page's own"
    assert page.number_of("style") == 1
    assert not names & {"img", "b", "iframe", "link", "base", "object"}
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert not [attributes for _, attributes in page.tags if "style" in attributes]
    assert page.text.count("<img src=x onerror=alert(1)></script></style><script>") >= 9 * 4
    assert "{{ 7*7 }} $x$" in page.text
    assert "\\x1b[31mred\\x07 \\u202egnp.exe \\u2066 \\ud800" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert 'system = "</pre><script>"' in page.text


def test_the_page_allows_its_own_style_and_script_and_nothing_else(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add_further_files(run)
    html, page = read(run)
    (policy,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    inline = [re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL) for tag in ("style", "script")]
    hashes = [base64.b64encode(hashlib.sha256(each[1].encode()).digest()).decode() for each in inline if each]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"https?://|url\((?!#)|@import", html)
    links = [a[key] for _, a in page.tags for key in ("src", "href", "srcset", "action") if key in a]
    assert [link for link in links if not (link or "").startswith("#")] == []


def test_a_huge_answer_is_cut_and_the_page_says_where_the_rest_stands(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    long = answer_row("wording", 77, "en", "x" * 300_000, "<think>" + "again and " * 3000 + "</think>So " + "和" * 9000)
    write_text(run.answers, jsonl([long]))
    html, page = read(run)
    assert len(html) < 100_000
    assert "296,000 more characters in eval/answers.jsonl" in page.text
    assert "thinking, 4,000 characters" in page.text


@pytest.mark.slow
def test_long_texts_in_any_field_are_cut(tmp_path: Path) -> None:
    long = "long words " * 100_000
    run = make_run(tmp_path, instruction=long, source=long, kind=long, form=long)
    add_further_files(run, long)
    html, page = read(run)
    assert len(html) < 2_000_000
    assert page.text.count("long words ") > 1000


# --- what the page says --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            [
                "Tuning helped: 100\u00a0% right",
                "10 held-out wordings of trained facts from 10 sections",
                "from 0\u00a0% to 100\u00a0%",
                "None of these questions was among the trained ones",
                "tiny <b> alone and tuned with runs/monkey/adapter",
                "decoded the same way",
                "question form not seen",
                "correct",
                "93\u00a0%",
            ],
        ),
        (
            "zh",
            ["微调有效：答对 100%", "10 个留出问法", "训练中没见过的句式", "未训练章节", "正确", "错误", "0.61", "93%"],
        ),
    ],
)
def test_the_page_says_what_was_found(tmp_path: Path, lang: str, expected: list[str]) -> None:
    html, page = read(make_run(tmp_path, lang))
    assert [words for words in expected if words not in page.text] == []
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in html
    assert page.number_of("article") == 28, "every held-out question is on the page"
    assert page.number_of("svg") >= 3
    shown = re.findall(r'data-outcome="(\w+)" data-level="(\w+)"', html)
    assert shown == [("won", "wording")] * 10 + [("won", "question")] * 9 + [("both_wrong", "section")] * 9


def test_what_the_test_would_have_found_is_said_only_where_it_found_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    metrics["primary"]["smallest_effect"] = 0.13
    write_json(run.metrics, metrics)
    assert "A true difference" not in read(run)[1].text
    metrics["primary"]["verdict"] = "no evidence"
    write_json(run.metrics, metrics)
    assert "A true difference of about 13 points" in read(run)[1].text


def test_what_is_wrong_stands_before_what_is_right(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    pairs = [("No.", "REFERENCE")] * 2 + [("No.", "No.")] * 2
    rows = [answer_row("wording", i, "en", *pair) for i, pair in enumerate(pairs)]
    rows += [row | {"base": row["tuned"], "tuned": rows[2]["tuned"]} for row in rows[:2]]
    rows.append(rows[0] | {"base": rows[0]["tuned"]})
    write_text(run.answers, jsonl(rows))
    html, page = read(run)
    shown = re.findall(r'data-outcome="(\w+)"', html)
    assert shown == ["won", "lost", "lost", "both_wrong", "both_wrong", "won", "both_right"], "after one of each kind"
    assert "Scores by section" in page.text


def test_what_to_do_next_is_a_whole_command_to_copy(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_text(run.train / "recipe.toml", "epochs = 3.0\n")
    hardware = {"device": "cpu", "name": "A", "threads": 1, "precision": "bf16"}
    note = {"ended": "2026", "seconds": 1, "first_step": 0, "parameters": 9, "trainable": 1, "hardware": hardware}
    write_json(
        run.train / "result.json", note | {"command": "wukong-pipe train --model 'a <b>' --epochs 3 --overwrite"}
    )
    html, page = read(run)
    assert "wukong-pipe train --model 'a <b>' --epochs 6 --overwrite" in page.text
    assert "<code><span>wukong-pipe</span> <span>train</span>" in html


def test_two_reports_of_one_run_are_the_same_bytes(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert read(run)[0] == read(run)[0]


def test_differences_missing_facts_and_thoughts_are_marked_apart(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tuned = "<think>Let me count.</think>There were 999 of them in this chapter."
    write_text(run.answers, jsonl([answer_row("wording", 5, "en", "", tuned)]))
    html, page = read(run)
    assert '<span class="fact">105</span>' in html
    assert '<span class="strange">999</span>' in html
    assert html.count('Missing: <span class="missing">105</span>') == 2
    assert "(empty answer)" in page.text
    assert '<summary>thinking, 13 characters</summary><p class="model">Let me count.</p></details>' in html


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("judge and score disagree", "Judge: partly right: 只对一半", "Judge: not graded")),
        ("zh", ("评审与得分不一致", "评审：部分正确：只对一半", "评审：未评分")),
    ],
)
def test_grades_stand_in_the_answers_and_disagreements_stand_first(
    tmp_path: Path, lang: str, words: tuple[str, str, str]
) -> None:
    run = make_run(tmp_path, lang)
    rows = [answer_row("wording", i, lang, "No.", "REFERENCE") for i in range(3)]
    for row, base, tuned in zip(rows, ("wrong", "ungraded", "wrong"), ("right", "right", "partly"), strict=True):
        row["base"]["grade"] = {"value": base, "reason": ""}
        row["tuned"]["grade"] = {
            "value": tuned,
            "reason": "只对一半" if tuned == "partly" else HOSTILE.replace("\ud800", ""),
        }
    write_text(run.answers, jsonl(rows))
    html, page = read(run)
    cards = html.split('<article class="card"')[1:]
    assert [words[0] in card for card in cards] == [True, False, False]
    assert rows[2]["instruction"] in cards[0]
    assert words[1] in page.text
    assert words[2] in page.text
    assert "<img src=x" not in html


def test_rejects_are_counted_by_kind_of_reason_with_two_examples(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add_further_files(run, "Who was first?")
    html, page = read(run)
    assert "Candidates and rows that are not in the dataset: 42." in page.text
    assert '<td class="count" data-label="count">40</td><td class="text">“…” is not in the evidence<ul' in html
    assert "“Luna 1” is not in the evidence" in page.text
    assert "“Luna 2” is not in the evidence" not in page.text


def test_coverage_and_quota_stand_by_section(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add_further_files(run)
    html, page = read(run)
    assert "Sections short of their quota: 1 of 2." in page.text
    assert [int(a["width"] or 0) for tag, a in page.tags if tag == "rect" and "x" not in a] == [100, 30]
    assert "2 / 8 short of its quota" in squeezed(page)
    assert "questions 7 1234 99 0.25 some text" in squeezed(page)
    assert re.search(r"base questions</th>(<td data-label=.\w+.>\d</td>){4}", html)


def test_a_section_that_was_not_asked_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add_further_files(run)
    manifest = json.loads(run.manifest.read_text("utf-8"))
    cover = {"section": "Cover", "id": "Cover", "wanted": 0, "kept": 0, "not_asked": "only-image"}
    write_text(run.manifest, json.dumps(manifest | {"quota": [*manifest["quota"], cover]}))
    page = squeezed(read(run)[1])
    assert "Cover – – only an image" in page
    assert "Sections short of their quota: 1 of 3." in page


def test_what_other_steps_recorded_is_shown(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add_further_files(run)
    log = [{"step": i, "loss": 1.0, "tokens_per_second": 100.0 * i} for i in (1, 2, 9)]
    write_text(run.train / "log.jsonl", jsonl(log))
    page = squeezed(read(run)[1])
    assert "1.000 0.500 0.250 … 0.750 0.031 0.062 0.125" in page, "chrF of the wordings"
    assert "by whole sections › won 10" in page
    assert "BLEU of all answers together › English" in page
    assert "tokens per second 100.000 200.000 900.000 900.000" in page
    assert "memory expected, in GB › in all 0.500" in page


def test_the_checks_before_training_have_names_in_the_page_s_language(tmp_path: Path) -> None:
    keys = {field.name for field in (*fields(Preflight), *fields(MemoryNeed))} | {"total"}
    assert [key for key in sorted(keys) if f"preflight_{key}" not in WORDS["zh"]] == []
    run = make_run(tmp_path, "zh")
    found = {"trained": ["甲<|im_end|>\n", "乙<|im_end|>\n"], "longest_tokens": 9, "expected_memory_gb": {"total": 0.5}}
    write_json(run.train / "preflight.json", found)
    page = squeezed(read(run)[1])
    assert "三行数据中参与训练的部分 甲<|im_end|>⏎ | 乙<|im_end|>⏎" in page
    assert "最长一行的 token 数 9" in page
    assert "预计占用内存（GB） › 合计 0.500" in page


def test_the_lowest_validation_loss_is_named_and_what_came_after(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    losses = {40: 2.0, 80: 1.25, 120: 1.5}
    write_text(run.train / "log.jsonl", jsonl({"step": step, "eval_loss": loss} for step, loss in losses.items()))
    _, page = read(run)
    assert (
        "The validation loss was lowest at step 80, where the ring is: 1.250. It has risen since, to 1.500" in page.text
    )
    assert "the adapter was trained past that point" in page.text
    write_text(run.train / "recipe.toml", "# a recipe\nkeep_best = true\n")
    _, page = read(run)
    assert "the adapter holds the weights of the lowest" in page.text
    entries = ({"step": step, "eval_loss": loss} for step, loss in {40: 0.148, 80: 0.149}.items())
    write_text(run.train / "log.jsonl", jsonl(entries))
    _, page = read(run)
    assert "lowest at step 40, where the ring is: 0.148." in page.text
    assert "has risen" not in page.text, "by less than a loss scatters"


# --- what else was measured ----------------------------------------------------------------------------

KEY = re.compile(r"\b(?:ci95|gap_closed|win_rate|open_book|by_lang|loglik|hallucination|base_qa|held_form|p_holm)\b")


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            [
                "Forgetting: general questions 20 general questions that the corpus is not about",
                "Not asked, because trained: 2 more questions.",
                "Correct answers (n = 20) 75\u00a0% 50\u00a0% −25 ",
                "Chinese (n = 10) ",
                "per token (nats) −1.00 −1.50 −0.50 ",
                "Inventions Answers that state a number or name",
                "Nonsense without numbers or names is not counted.",
                "answers with something from nowhere in the source (n = 28) 36\u00a0% 0\u00a0% −36 ",
                "numbers and names: from nowhere / stated 10 / 48 0 / 28",
                "Open book: the base with the section before it",
                "Cut, because longer than the model reads: 2 sections.",
                "new wording (n = 10) 0\u00a0% 100\u00a0% 60\u00a0% +40 ",
                "Grades: is the answer right A language model, some text, graded each answer by itself",
                "Judge and score see an answer differently on 1 question: these stand first in each level below.",
                "Not graded, because a call failed: 1 question.",
                "new wording (n = 9) 0\u00a0% / 0\u00a0% / 100\u00a0% 89\u00a0% / 0\u00a0% / 11\u00a0% +89 ",
                " better – / 0.00 – / 0 of 8 0 of 9 / 1 of 1 ",
                "Not judged, because a call failed: 1 question.",
                "total (n = 27) 18 / 9 / 0 ",
                "new wording (n = 9) 9 / 0 / 0 100\u00a0% ",
                "Compared with other models The same questions",
                "Evaluations of this run · 2",
                "2026-01-02 03:04 some tex abcdef01 correct (all facts) 10 (sample: 9 of 30) 0\u00a0% 100\u00a0% +100 ",
                "unknown More in eval/history.jsonl.",
            ],
        ),
        (
            "zh",
            [
                "遗忘：通用问题 向两个模型各问 20 个",
                "正确率（n = 20） 75% 50% −25 ",
                "编造 回答中出现了原文和问题里都没有的数字或名称",
                "不含数字与名称的胡言乱语不计在内。",
                "含有原文全篇都没有的内容的回答（n = 28） ",
                "开卷：基座模型附原文作答 另请基座模型",
                "评分：回答是否正确 由语言模型 some text 对照问题、参考答案与原文，单独给每个回答评分",
                "评审与得分判断不同的有 1 题，在下文各层级中排在最前。有 1 题因调用失败而未评分。",
                "评审模型：哪个回答更好",
                "新问法（n = 9） 0 / 0 / 9 0% ",
                "与其他模型比较",
                "本次运行的历次评测 · 2",
                "10 (抽样：9 / 30) 0% 100% +100 ",
            ],
        ),
    ],
)
def test_every_block_has_a_heading_a_sentence_and_numbers_as_people_write_them(
    tmp_path: Path, lang: str, expected: list[str]
) -> None:
    run = make_run(tmp_path, lang)
    add_further_files(run)
    text = squeezed(read(run)[1])
    assert [words for words in expected if words.replace("\u00a0", " ") not in text] == []
    assert KEY.findall(text) == [], "keys of the files are no words"


@pytest.mark.parametrize(
    ("lang", "stages"), [("en", ["questions", "rewordings", "leak audit"]), ("zh", ["提问", "改写", "泄漏审查"])]
)
def test_stages_have_names_in_the_page_s_language(tmp_path: Path, lang: str, stages: list[str]) -> None:
    run = make_run(tmp_path, lang)
    rejects = [reject(stage, Reason.of("words-not-in-evidence", words="Luna")) for stage in ("base_qa", "audit")]
    write_text(run.dataset / "rejected.jsonl", jsonl(rejects))
    html, page = read(run)
    for stage in stages:
        assert stage in page.text
    assert not re.search(r"base_qa|\baudit\b(?! )", page.text.replace("leak audit", ""))
    assert re.search(rf'<th scope="row">{stages[0]}</th><td data-label="\w+">60</td>', html)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "stage rows in rows out taken out edits 1958 1958 0 leak audit 1958 1900 58"),
        ("zh", "阶段 进入 通过 剔除 人工编辑 1958 1958 0 泄漏审查 1958 1900 58"),
    ],
)
def test_a_check_says_how_many_rows_went_through_and_not_that_it_asked_for_them(
    tmp_path: Path, lang: str, told: str
) -> None:
    run = make_run(tmp_path, lang)
    manifest = json.loads(run.manifest.read_text("utf-8"))
    edits = {"asked": 1958, "received": 1958, "short": 0, "kept": 1958, "rejected": 0}
    manifest["accounting"] |= {"edits": edits, "audit": edits | {"kept": 1900, "rejected": 58}}
    write_json(run.manifest, manifest)
    assert told in squeezed(read(run)[1])


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "A person read 71 pairs: 64 right as they were, 5 mended, 2 dropped; 1 reject let in."),
        ("zh", "人工审阅了 71 组问答：64 组无误，5 组已修改，2 组已删去；另有 1 条被拒绝的内容已救回。"),
    ],
)
def test_what_a_person_read_is_counted_where_anybody_did(tmp_path: Path, lang: str, told: str) -> None:
    run = make_run(tmp_path, lang)
    path = write_report(run, {"accepted": 64, "mended": 5, "dropped": 2, "rescued": 1})
    assert told in squeezed(Page(path.read_text("utf-8")))
    assert told[:8] not in squeezed(read(run)[1])


def test_reasons_and_their_examples_are_in_the_page_s_language(tmp_path: Path) -> None:
    run = make_run(tmp_path, "zh")
    rejects = [
        reject("base_qa", Reason.of("words-not-in-evidence", words="广智"), "谁掉落？", "广智"),
        reject("judge", Reason.of("words", words="Is a is new")),
    ]
    write_text(run.dataset / "rejected.jsonl", jsonl(rejects))
    html, page = read(run)
    assert '<td class="text">证据中没有“…”<ul' in html
    assert "谁掉落？ → 广智（证据中没有“广智”）" in page.text
    assert "Who? → Nobody.（Is a is new）" in page.text, "what a judge wrote is its own"


def test_every_stage_of_a_build_has_a_name() -> None:
    counted = ("dedupe_pairs", "edits", "dedupe_rows", "held_forms", "audit")
    stages = {*get_args(get_type_hints(Reject)["stage"]), *counted}
    assert [stage for stage in sorted(stages) if f"stage_{stage}" not in WORDS["zh"]] == []


@pytest.mark.parametrize(("lang", "told"), [("en", "This is a sample: 9 of 90"), ("zh", "90 个测试问题中只问了 9 个")])
def test_a_sample_and_a_test_without_audit_say_so_at_the_verdict(tmp_path: Path, lang: str, told: str) -> None:
    run = make_run(tmp_path, lang)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    check = {"audit": "edited", "closest": 0.6149}
    metrics |= {"sample": {"asked": 9, "of": 90}, "leakage": "unknown", "leak_check": check}
    write_json(run.metrics, metrics)
    _, page = read(run)
    head = page.text[: page.text.index("tiny <b>")]
    assert told in head
    assert ("changed after the build had audited" if lang == "en" else "在构建审查之后被改动过") in head
    assert "0.61" in head


@pytest.mark.parametrize(
    ("lang", "told", "cell"),
    [
        (
            "en",
            "trained: 3. Of the others leakage is unknown: train.jsonl or test.jsonl was",
            "3 left out, others unknown",
        ),
        ("zh", "问题数：3。其余问题是否泄漏未知：train.jsonl 或 test.jsonl", "剔除 3 题，其余未知"),
    ],
)
def test_after_questions_were_dropped_the_page_says_that_of_the_others_nobody_knows(
    tmp_path: Path, lang: str, told: str, cell: str
) -> None:
    run = make_run(tmp_path, lang)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    metrics |= {"leakage": "dropped 3, rest unknown", "leak_check": {"audit": "edited", "closest": 0.1}}
    write_json(run.metrics, metrics)
    model = {
        "name": "it",
        "leakage": metrics["leakage"],
        "levels": {"wording": metrics["primary"] | {"first": 0, "model": 1}},
    }
    write_json(run.metrics, metrics | {"against": {"first": "monkey", "models": [model]}})
    entry = {"time": "2026-01-02T03:04", "adapter_hash": "a", "test_hash": "b", "leakage": metrics["leakage"]}
    write_text(run.metrics.with_name("history.jsonl"), jsonl([entry | {"primary": metrics["primary"]}]))
    page = squeezed(read(run)[1])
    assert told in page
    assert page.count(cell) == 2, "in the comparison, and in the history"
    write_json(run.metrics, metrics | {"leakage": "dropped 3", "leak_check": {"audit": "stands", "closest": None}})
    assert told.split("3", maxsplit=1)[1][:9] not in squeezed(read(run)[1])


def test_an_older_evaluation_claims_no_reason_that_it_did_not_note_and_no_full_test_under_a_limit(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path)
    metrics = json.loads(run.metrics.read_text("utf-8")) | {"leakage": "unknown", "settings": {"limit": 43}}
    write_json(run.metrics, metrics)
    entry = {"time": "2026-01-02T03:04", "adapter_hash": "a", "test_hash": "b", "leakage": "unknown"}
    past = entry | {"primary": metrics["primary"], "settings": {"limit": 43}}
    write_text(run.metrics.with_name("history.jsonl"), jsonl([past, past | {"sample": None}]))
    page = squeezed(read(run)[1])
    assert "At most 43 test questions were asked; of how many was not noted." in page
    assert "Leakage unknown: this evaluation did not note why." in page
    assert page.count("10 (limit: 43)") == 1, "the other line says that all were asked"


def test_the_page_names_the_engine_where_it_was_not_transformers(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    entry = {"time": "2026-01-02T03:04", "adapter_hash": "a", "test_hash": "b", "leakage": "none"}
    past = entry | {"primary": metrics["primary"]}
    of_vllm = {"settings": {"engine": "vllm 0.32.0", "precision": "bfloat16"}}
    write_text(run.metrics.with_name("history.jsonl"), jsonl([past, past | of_vllm]))
    assert squeezed(read(run)[1]).count("vllm 0.32.0, bfloat16") == 1, "in the history"
    write_json(run.metrics, metrics | of_vllm)
    assert "Both models answered through vllm 0.32.0, bfloat16: the adapter merged" in squeezed(read(run)[1])


@pytest.mark.parametrize(
    ("lang", "head", "sentence"),
    [
        ("en", "and general knowledge fell", "the right answers became clearly less likely"),
        ("zh", "，通用知识有损失", "正确答案的对数似然明显下降"),
    ],
)
def test_a_fall_of_the_likelihood_alone_is_said_at_the_verdict_and_in_its_block(
    tmp_path: Path, lang: str, head: str, sentence: str
) -> None:
    run = make_run(tmp_path, lang)
    assert head not in squeezed(read(run)[1])
    add_further_files(run)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    metrics["forgetting"] |= {"ci95": [-0.5, 0.1]}
    write_json(run.metrics, metrics)
    text = squeezed(read(run)[1])
    assert head in text
    assert sentence in text


@pytest.mark.parametrize(
    ("lang", "bound", "useless"),
    [
        ("en", "a bound to compare tuning with", "this student cannot use a section that it is given"),
        ("zh", "边看边答", "这个学生模型不会利用所给的章节"),
    ],
)
def test_a_base_that_reads_in_vain_is_no_bound(tmp_path: Path, lang: str, bound: str, useless: str) -> None:
    run = make_run(tmp_path, lang)
    add_further_files(run)
    text = squeezed(read(run)[1])
    assert (bound in text, useless in text) == (True, False)
    metrics = json.loads(run.metrics.read_text("utf-8"))
    for rates in metrics["open_book"]["levels"].values():
        rates["open_book"] = rates["base"]
    write_json(run.metrics, metrics)
    text = squeezed(read(run)[1])
    assert (bound in text, useless in text) == (False, True)


# --- what is missing -----------------------------------------------------------------------------------


def test_missing_parts_are_said(tmp_path: Path) -> None:
    run = Run(tmp_path / "fresh")
    run.folder.mkdir()
    _, page = read(run)
    for words in (
        "Nothing was trained yet",
        "no loss was logged",
        "No recipe",
        "no dataset manifest",
        "No answers yet",
    ):
        assert words in page.text
    write_json(run.manifest, {"splits": {"train": 5}})
    _, page = read(run)
    assert "not recorded" in page.text
    assert "train 5" in page.text.replace("\n", " ")
    write_text(run.dataset / "train.jsonl", json.dumps({"kind": "base", "lang": "zh"}) + "\n")
    assert "尚未训练" in read(run)[1].text, "before there are answers, the rows' language counts"


def test_few_sections_leakage_and_a_torn_file(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    rows = [answer_row("wording", i, "en", "No.", "REFERENCE") for i in range(3)]
    metrics = summarise(rows, base_model="b", adapter="a", leakage="unknown", settings={"decoding": "greedy"})
    write_json(run.metrics, metrics)
    _, page = read(run)
    assert "Too few sections for a verdict" in page.text
    assert "Leakage unknown" in page.text
    assert "decoded greedily" in page.text
    metrics["leakage"] = "dropped 4"
    write_json(run.metrics, metrics)
    assert "because they had been trained: 4" in read(run)[1].text
    write_json(run.metrics, summarise([], base_model="b", adapter="a", leakage="none", settings={}))
    assert "no verdict" in read(run)[1].text
    run.metrics.write_text("[]", "utf-8")
    with pytest.raises(DataError, match=r"metrics\.json holds no JSON object"):
        write_report(run)
    run.answers.write_text('{"id": ', "utf-8")
    with pytest.raises(DataError, match="line 1"):
        write_report(run)


def test_a_rise_in_the_control_is_explained(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    rows = [answer_row("section", i, "en", "No.", "REFERENCE") for i in range(9)]
    write_json(run.metrics, summarise(rows, base_model="b", adapter="a", leakage="unknown", settings={}))
    _, page = read(run)
    assert "part of the gain is not knowledge" in page.text
    assert "leakage is not ruled out; format" in page.text


# --- size ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_thousand_answers_make_a_page_of_less_than_three_megabytes(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tuned = "There were some 99 of them, Sun Wukong said, in this long chapter of the book, and 7 more beside."
    rows = [answer_row("wording", i, "en", f"I count {i}. " * 20, tuned) for i in range(250)]
    write_text(run.answers, jsonl(rows))
    assert len(read(run)[0]) < 250 * 3000
