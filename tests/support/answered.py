"""A run as `report` finds it: answers with real scores, metrics, log, recipe and dataset, and hostile words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wukong_pipe.files import jsonl, read_jsonl, write_json, write_text
from wukong_pipe.language.fact_matching import Facts
from wukong_pipe.reasons import Reason
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation import metrics
from wukong_trainer.evaluation.forgetting import GeneralQuestion, forgetting
from wukong_trainer.evaluation.grading import grade_rates, graded, submissions
from wukong_trainer.evaluation.inventions import mark_invented
from wukong_trainer.evaluation.judge import both_orders, judged, summary
from wukong_trainer.evaluation.open_book import open_book
from wukong_trainer.evaluation.records import AnsweredRow, Grade, ScoredAnswer, TestRow
from wukong_trainer.evaluation.rivals import Rival, against
from wukong_trainer.evaluation.sources import Comparison, Inventions, JudgeReply, NoSources, Submission
from wukong_trainer.inference.asked_models import Contender
from wukong_trainer.scoring.facts import Wanted
from wukong_trainer.scoring.scores import score

HOSTILE = (
    "<img src=x onerror=alert(1)></script></style><script>alert(2)</script>{{ 7*7 }} $x$ \"' --> \x1b[31mred\x07 "
    "\u202egnp.exe \u2066 \ud800 [bold]b[/]"
)


def scored(side: Mapping[str, Any]) -> ScoredAnswer:
    """A side of a row of answers.jsonl; only the scores that a test is about need stand there."""
    others = ("answer", "stopped_by_eos", "invented_terms", "grade")
    scores = {name: value for name, value in side.items() if name not in others}
    return ScoredAnswer(side.get("answer", "x"), side.get("stopped_by_eos", True), scores)


def answered(row: Mapping[str, Any]) -> AnsweredRow:
    """A row of answers.jsonl; only the keys that a test is about need stand there."""
    texts: Any = {"id": "a", "pair_id": "a", "section_id": "a", "kind": "base", "level": "wording", "lang": "en"}
    texts = {key: row.get(key, text) for key, text in (texts | {"source": "a.md"}).items()}
    headings = tuple(row.get("heading_path", ["A"]))
    cluster = "\x1f".join([texts["source"], *headings])
    example = Example(row.get("instruction", "Who?"), row.get("reference", "He."))
    facts: Facts = row.get("facts", (("a fact",),))
    test = TestRow(**texts, cluster=cluster, heading_path=headings, example=example, facts=facts, facts_from="named")
    test = replace(test, nearness=row.get("nearness", ""))
    return AnsweredRow(test, row.get("form", ""), scored(row["base"]), scored(row["tuned"]))


def summarise(rows: Sequence[Mapping[str, Any]], **about: Any) -> dict[str, Any]:
    """`metrics.summarise` of rows of answers.jsonl."""
    return metrics.summarise([answered(row) for row in rows], **about)


def answer_row(level: str, number: int, lang: str, base: str, tuned: str, **fields: Any) -> dict[str, Any]:
    """An answers.jsonl row with real scores; the reference holds its number, which is its key fact."""
    reference = (
        f"共有 {number + 100} 个。"
        if lang == "zh"
        else f"There were {number + 100} of them in the whole of this long chapter."
    )
    question = f"第{number}章有多少个妖怪？" if lang == "zh" else f"How many monsters has chapter {number}?"
    sides = {
        side: {"answer": text, "stopped_by_eos": side == "tuned", "loglik": -1.5, "loglik_per_char": -0.7}
        | score(text, Wanted.of(question, reference), lang)
        for side, text in (("base", base), ("tuned", tuned.replace("REFERENCE", reference)))
    }
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


def reject(stage: str, reason: Reason, question: str = "Who?", answer: str = "Nobody.") -> dict[str, Any]:
    """A line of rejected.jsonl."""
    candidate = {"question": question, "answer": answer}
    return {"stage": stage, **reason.to_json(), "reason": str(reason), "candidate": candidate, "reply": "{…}"}


class Library(NoSources):
    """Sources in which answers that "know" invent something, and a judge that prefers the longer answer.

    It fails on the first question, grades answers that hold the reference as right, and the first of these as wrong.

    Args:
        text: what is invented, and why an answer is preferred or graded so.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def inventions(self, answer: str, row: TestRow) -> Inventions:  # noqa: ARG002
        return Inventions([self._text], [self._text, "7"], 3) if "know" in answer else Inventions([], [], 1)

    def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
        right = [one.reference in one.answer for one in submissions]
        right[right.index(True, 2)] = False
        grades = [Grade("right" if is_right else "wrong", self._text) for is_right in right]
        return [Grade("ungraded"), *grades[1:]]

    def judge_replies(self, comparisons: Sequence[Comparison]) -> list[JudgeReply | None]:
        return [None, *(JudgeReply("A" if len(one.a) >= len(one.b) else "B", self._text) for one in comparisons[1:])]


def all_blocks(rows: Sequence[AnsweredRow], text: str = "some model") -> dict[str, Any]:
    """The blocks that other steps of an evaluation add, as they make them: of the rows, with `text` for a name."""
    questions = [
        GeneralQuestion(lang, "", Example("Who?", "He."), ("He.",)) for lang in ("zh", "en") for _ in range(10)
    ]
    known = [scored({"fact_hit": float(i % 4 > 0), "loglik": -1.0}) for i in range(20)]
    forgotten = [scored({"fact_hit": float(i % 2), "loglik": -1.5}) for i in range(20)]
    library = Library(text)
    rows, hallucination = mark_invented(rows, library)
    rows = [
        replace(row, open_book=row.tuned if i % 3 else row.base, against={text: row.base}) for i, row in enumerate(rows)
    ]
    rival = Rival(Contender(text, "weights", "lora", "weights", ""), {}, [])
    return {
        "forgetting": forgetting(questions, known, forgotten, 2),
        "hallucination": hallucination,
        "open_book": open_book(rows, 2),
        "grades": {"judge": text} | grade_rates(graded(rows, library.grades(submissions(rows, library)))),
        "judge": summary(judged(rows, library.judge_replies(both_orders(rows, library)))),
        "against": against(rows, "monkey", [rival], None),
    }


def add_further_files(run: Run, text: str = "some text") -> None:
    """What other steps may leave behind, `text` in every place that holds some."""
    sections = [("Guide", 4, 4, 3, 3), (text, 10, 3, 8, 2)]
    manifest = {
        "splits": {"train": 3, "validation": 1, "test": 1},
        "coverage": {
            "overall": 0.5,
            "by_section": [{"section": name, "id": name, "units": u, "covered": c} for name, u, c, _, _ in sections],
        },
        "quota": [{"section": name, "id": name, "wanted": want, "kept": kept} for name, _, _, want, kept in sections],
        "calls": {"base_qa": {"used": {"calls": 7, "tokens_in": 1234, "tokens_out": 99, "cost": {text: "0.25"}}}},
        "teacher": {"model": text},
        "sources": [{"name": text}],
        "accounting": {text: {"asked": 1}},
    }
    write_text(run.manifest, json.dumps(manifest))
    kinds = {"train": ["base", "paraphrase", text], "val": ["paraphrase"], "test": ["base"]}
    for name, found in kinds.items():
        write_text(run.dataset / f"{name}.jsonl", "".join(json.dumps({"kind": kind}) + "\n" for kind in found))
    rejects = [reject("base_qa", Reason.of("words-not-in-evidence", words=f"Luna {i}"), text) for i in range(40)]
    rejects += [
        reject(text, Reason.of("words", words=text)),
        {"stage": "reply", "reason": "the content is empty", "reply": text},
    ]
    write_text(run.dataset / "rejected.jsonl", "".join(json.dumps(line) + "\n" for line in rejects))
    answers = read_jsonl(run.answers)
    metrics = json.loads(run.metrics.read_text("utf-8")) | all_blocks([answered(row) for row in answers], text)
    metrics["levels"]["wording"]["compared"]["chrf"] |= {"difference": 0.5, "ci95": [0.25, 0.75], "p_holm": 0.03125}
    metrics["levels"]["wording"]["compared"]["chrf"] |= {"p": 0.0625, "smallest_effect": 0.125}
    write_text(run.metrics, json.dumps(metrics))
    entry = {"time": "2026-01-02T03:04:05+00:00", "adapter_hash": text, "test_hash": "abcdef0123", "leakage": "unknown"}
    past = entry | {"primary": metrics["primary"]}
    entries = [past, past | {"sample": {"asked": 9, "of": 30}}, {"when": text, "primary": {"tuned": 0.125}}]
    write_text(run.metrics.with_name("history.jsonl"), "".join(json.dumps(entry) + "\n" for entry in entries))
    write_text(run.train / "preflight.json", json.dumps({"trained": [text], "expected_memory_gb": {"total": 0.5}}))
