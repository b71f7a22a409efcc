"""The report shows what hostile models wrote as text, loads nothing, and says what is missing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wukong_pipe.errors import DataError
from wukong_pipe.workspace import Run, jsonl, write_json, write_text
from wukong_trainer.metrics import summarise
from wukong_trainer.report import answers_table, visible, write_report
from wukong_trainer.scores import score

HOSTILE = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script>\x1b[31mred\x07 \u202egnp.exe \ud800 [bold]b[/]"
)
VOID = {"meta", "br", "line", "polyline", "circle", "img", "link", "input"}


def answer_row(level: str, number: int, lang: str, base: str, tuned: str, **fields: Any) -> dict[str, Any]:
    """An answers.jsonl row with real scores; the reference holds its number, which is its key fact."""
    reference = (
        f"共有 {number + 100} 个。"
        if lang == "zh"
        else f"There were {number + 100} of them in the whole of this long chapter."
    )
    sides = {
        side: {"answer": text, "stopped_by_eos": side == "tuned", "loglik": -1.5, "loglik_per_char": -0.7}
        | score(text, reference, lang)
        for side, text in (("base", base), ("tuned", tuned.replace("REFERENCE", reference)))
    }
    question = f"第{number}章有多少个妖怪？" if lang == "zh" else f"How many monsters has chapter {number}?"
    where = {
        "section_id": f"s{number}",
        "source": "guide.md",
        "heading_path": ["Guide", f"Chapter <{number}>"],
    }
    row = {"id": f"{level}{number}", "pair_id": f"p{number}", "kind": "base", "level": level, "form": "seen"}
    return row | where | {"lang": lang, "instruction": question, "reference": reference} | sides | fields


def make_run(folder: Path, lang: str = "en", **fields: Any) -> Run:
    """A run with everything in it: ten wins, a tie on every level, one hostile answer."""
    run = Run(folder / "monkey")
    rows = [
        answer_row("wording", i, lang, "I do not know.", "REFERENCE", form="seen" if i % 2 else "unseen")
        for i in range(10)
    ]
    rows += [answer_row("question", i, lang, "No.", "REFERENCE", kind="reverse") for i in range(9)]
    rows += [answer_row("section", i + 50, lang, HOSTILE, HOSTILE, **fields) for i in range(9)]
    write_text(run.answers, "".join(json.dumps(row) + "\n" for row in rows))
    metrics = summarise(rows, base_model="tiny <b>", adapter="runs/monkey/adapter", leakage="none", settings={})
    write_json(run.metrics, metrics)
    log: list[dict[str, Any]] = [
        {"step": i, "loss": 4 / (1 + i / 9), "epoch": i / 40, "learning_rate": 2e-4} for i in range(1, 121)
    ]
    log += [{"step": i, "eval_loss": 4 / (1 + i / 11)} for i in (40, 80, 120)] + [{"step": 121, "loss": float("nan")}]
    write_text(run.train / "log.jsonl", jsonl(log))
    write_text(run.train / "recipe.toml", 'method = "qlora"\nsystem = "</pre><script>"\n')
    counts = {"asked": 60, "received": 58, "short": 2, "kept": 50, "rejected": 8}
    manifest = {
        "splits": {"train": 400, "validation": 20, "test": 28},
        "accounting": {"base_qa": counts, "paraphrase": counts},
        "coverage": {"overall": 0.934, "by_section": []},
        "audit": {"dropped": 3, "highest_similarity": 0.61},
        "teacher": {"model": "qwen3-235b", "calls": 12},
        "sources": [{"source": "guide.md", "sha256": "ab"}],
    }
    write_json(run.manifest, manifest)
    return run


class Page(HTMLParser):
    """Tags, attributes and text of a page, and whether every tag that opens is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(run: Run) -> tuple[str, Page]:
    html = write_report(run).read_text("utf-8")
    page = Page(html)
    assert page.open == []
    return html, page


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hostile_answers_stay_text(tmp_path: Path, lang: str) -> None:
    html, page = read(make_run(tmp_path, lang, instruction=HOSTILE, source=HOSTILE, kind=HOSTILE, form=HOSTILE))
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "b", "iframe", "link", "base", "form", "object"}
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert "<img src=x onerror=alert(1)></script><script>" in page.text
    assert "\\x1b[31mred\\x07 \\u202egnp.exe \\ud800" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert 'system = "</pre><script>"' in page.text


def test_the_page_carries_a_csp_and_loads_nothing(tmp_path: Path) -> None:
    html, page = read(make_run(tmp_path))
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not re.search(r"https?://|url\(|@import", html)
    assert not [key for _, attributes in page.tags for key in attributes if key in {"src", "href", "srcset"}]


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            [
                "Tuning helped",
                "10 held-out wordings",
                "0\u00a0% to 100\u00a0%",
                "question form not seen",
                "correct",
                "93\u00a0%",
            ],
        ),
        ("zh", ["微调有效", "10 个留出问法", "训练中没见过的句式", "未训练章节", "正确", "错误", "0.61"]),
    ],
)
def test_the_page_says_what_was_found(tmp_path: Path, lang: str, expected: list[str]) -> None:
    html, page = read(make_run(tmp_path, lang))
    assert [words for words in expected if words not in page.text] == []
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in html
    assert page.text.count("Chapter <") == 28, "every held-out question is on the page"
    curves = [a["points"] for tag, a in page.tags if tag == "polyline" and "train" in (a["class"] or "")]
    assert len((curves[0] or "").split()) == 120, "the step without a finite loss is left out"


def test_missing_parts_are_said(tmp_path: Path) -> None:
    run = Run(tmp_path / "fresh")
    run.folder.mkdir()
    _, page = read(run)
    for words in (
        "Not evaluated yet",
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


def test_few_sections_leakage_and_a_torn_file(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    rows = [answer_row("wording", i, "en", "No.", "REFERENCE") for i in range(3)]
    metrics = summarise(rows, base_model="b", adapter="a", leakage="unknown", settings={})
    write_json(run.metrics, metrics)
    _, page = read(run)
    assert "Too few sections for a verdict" in page.text
    assert "Leakage unknown" in page.text
    metrics["leakage"] = "dropped 4"
    write_json(run.metrics, metrics)
    assert "because they had been trained: 4" in read(run)[1].text
    write_json(run.metrics, summarise([], base_model="b", adapter="a", leakage="none", settings={}))
    assert "no verdict" in read(run)[1].text
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


def test_a_curve_of_one_step_and_of_very_many(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    write_text(run.train / "log.jsonl", jsonl([{"step": 1, "loss": 0.0}]))
    assert [a for tag, a in read(run)[1].tags if tag == "circle"]
    write_text(run.train / "log.jsonl", jsonl({"step": i, "loss": 1 / i} for i in range(1, 9000)))
    points = next(a["points"] or "" for tag, a in read(run)[1].tags if tag == "polyline").split()
    assert len(points) <= 502
    assert points[0].startswith("46.0,")
    assert points[-1].startswith("500.0,"), "the last step is always on the curve"


def test_visible_keeps_what_can_be_read() -> None:
    assert visible("第一回\n\tA—b “c” 😀") == "第一回\n\tA—b “c” 😀"
    assert visible("a\r\x00\u2028\U000e0041") == "a\\x0d\\x00\\u2028\\U000e0041"


def terminal(metrics: dict[str, Any], answers: list[dict[str, Any]], **options: Any) -> str:
    console = Console(width=100, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(answers_table(metrics, answers, **options))
    return captured.get()


def test_the_terminal_table_shows_wins_then_a_loss_as_text() -> None:
    rows = [answer_row("wording", i, "en", "No idea.", "REFERENCE") for i in range(9)]
    rows.append(answer_row("wording", 9, "en", "There were 109 of them.", HOSTILE))
    metrics = summarise(rows, base_model="b", adapter="a", leakage="none", settings={})
    shown = terminal(metrics, rows, examples=3)
    plain = re.sub("\x1b\\[[0-9;]*m", "", shown)
    assert re.search(r"wording +10 +10 +10\u00a0% +90\u00a0% +\+80 +\+\d+ … \+\d+ +better", plain)
    assert "better" in plain
    assert [f"chapter {i}?" in plain for i in (0, 4, 1, 9)] == [True, True, False, True]
    assert "\x07" not in shown
    # The last column of the last table, its folded lines put together again.
    last = "".join(line[67:].strip() for line in plain.splitlines()[-8:])
    assert "\\x1b[31mred\\x07" in last
    assert "[bold]b[/]" in last, "markup is shown, not obeyed"
    assert terminal(metrics, rows, examples=0).count("chapter") == 0


def test_the_terminal_table_of_nothing() -> None:
    assert "Leakage: none" in terminal(summarise([], base_model="b", adapter="a", leakage="none", settings={}), [])
