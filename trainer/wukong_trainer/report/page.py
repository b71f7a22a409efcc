"""`report.html`: what a run proved, on one page for people that loads nothing.

A model or somebody's corpus may have written any text on it. So every text is escaped, never markup, and characters
that would turn a line around are spelt out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from wukong_pipe import bounded
from wukong_pipe.files import read_jsonl, read_object, write_text
from wukong_pipe.printable import printable
from wukong_pipe.workspace import MANIFEST, Run
from wukong_trainer.evaluation.answers_to_read import answers_to_read
from wukong_trainer.evaluation.history import history, history_of
from wukong_trainer.evaluation.person_agreement import PersonGrades, person_grades
from wukong_trainer.evaluation.person_grades import read_grades
from wukong_trainer.report.answer_cards import groups_of, places_of
from wukong_trainer.report.blocks import blocks_of, history_block, score_table, tally_table
from wukong_trainer.report.comparisons import OUTCOMES, ComparisonLine, comparisons, is_hit
from wukong_trainer.report.dataset_tables import (
    accounting_of,
    calls_of,
    rejects_by_stage,
    reviewed_sentence,
    rows_by_kind,
    sections_of,
)
from wukong_trainer.report.grades import denial, grades_block
from wukong_trainer.report.leakage import leakage_sentences
from wukong_trainer.report.marks import unmarked
from wukong_trainer.report.metrics_file import read_metrics
from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.next_steps import RunRecords, next_steps
from wukong_trainer.report.person_block import person_block
from wukong_trainer.report.plots import BROAD, Log, differences_plot, loss_plot, loss_points, rates_plot
from wukong_trainer.report.provenance import provenance
from wukong_trainer.report.section_scores import section_scores
from wukong_trainer.report.tables import shortened
from wukong_trainer.report.training_tables import last_losses, logged_table, preflight_table
from wukong_trainer.report.verification import second_reading, verification_block
from wukong_trainer.report.words import WORDS, Language, Words, filled, percent
from wukong_trainer.scoring.figures import points

HERE = Path(__file__).parent
MOST = 8000
"""Characters of any text that the page shows; a recipe has some thousand."""


def write_report(run: Run, reviewed: Mapping[str, int] = MappingProxyType({})) -> Path:
    """Write `report.html` of a run from its manifest, dataset, training log, recipe, metrics and answers.

    The page is self-contained: it makes no request and shows everything without its script. It is in Chinese if most
    answers are, else in English. Where a part of the run is not there yet, the page says so.

    Args:
        reviewed: what a person decided about the pairs; see `reviewed_sentence`.

    Returns:
        The path of the page.

    Raises:
        DataError: one of the run's files cannot be read; the sentence names it.
    """
    answers, grades = _rows(run.answers), read_grades(run.grades)
    # Not from metrics.json: what was graded since the evaluation counts, too.
    by_person = person_grades(answers_to_read(run.answers), grades) if answers and grades else None
    dataset = {name: _rows(run.dataset / f"{name}.jsonl") for name in ("train", "val", "test")}
    lang = _language(answers or [row for rows in dataset.values() for row in rows])
    words = WORDS[lang]
    metrics = read_metrics(run.metrics) if run.metrics.is_file() else None
    manifest = read_object(run.manifest, MANIFEST) if run.manifest.is_file() else {}
    log, recipe = _rows(run.train / "log.jsonl"), _text(run.train / "recipe.toml")
    of_dataset = _dataset(run, manifest, dataset, words, lang)
    made = provenance(run, manifest, metrics, words)
    page = _template(lang).render(
        name=run.name,
        trained=run.trained,
        metrics=metrics,
        made=made,
        next_steps=[*map(unmarked, next_steps(_records(metrics, log, recipe, made.commands, of_dataset), words))],
        **(_scores(metrics, answers, by_person, words) if metrics else {}),
        history=history_block(history(history_of(run)), words),
        **_training(run, log, recipe, words),
        **of_dataset,
        reviewed=reviewed_sentence(reviewed, words),
        groups=groups_of(answers, grades),
        places=places_of(answers),
    )
    write_text(run.report, page)
    return run.report


def _rows(path: Path) -> list[dict[str, Any]]:
    return read_jsonl(path) if path.is_file() else []


def _language(rows: Sequence[dict[str, Any]]) -> Language:
    return "zh" if 2 * sum(row.get("lang") == "zh" for row in rows) > len(rows) else "en"


# --- the parts of the page ---------------------------------------------------------------------------------------


def _scores(
    metrics: Metrics, answers: Sequence[dict[str, Any]], by_person: PersonGrades | None, words: Words
) -> dict[str, Any]:
    lines = comparisons(metrics)
    named = [(_name(line, words), line.scores) for line in lines]
    levels = metrics.levels.items()
    return {
        "leakage": leakage_sentences(metrics, words),
        "denied": denial(metrics, words),
        "lines": lines,
        "rates": Markup(rates_plot(named, words)) if named else "",
        "differences": Markup(differences_plot(named, words)) if named else "",
        "levels": [(name, level, score_table(level, words), tally_table(level, words)) for name, level in levels],
        "blocks": [
            *filter(None, [section_scores(answers, metrics.primary.level, words)]),
            *([grades_block(metrics.grades, words)] if metrics.grades else []),
            *([person_block(by_person, words)] if by_person else []),
            *blocks_of(metrics, words),
        ],
    }


def _name(line: ComparisonLine, words: Words) -> str:
    """A level or a part of it as the plots name it."""
    part = "part_base" if line.part == "base" else shortened(line.part)
    name = f"  – {words.get(part, part)}" if part else words[line.level]
    return words["of_n"].format(what=name, n=line.scores.n)


def _text(path: Path) -> str:
    return bounded.read_bytes(path, bounded.MIB).decode("utf-8", "replace") if path.is_file() else ""


def _records(
    metrics: Metrics | None, log: Log, recipe: str, commands: Sequence[str], of_dataset: Mapping[str, Any]
) -> RunRecords:
    epochs = re.search(r"^epochs = ([0-9.]+)$", recipe, re.MULTILINE)
    losses, validation = ([loss for _, loss in loss_points(log, key)] for key in ("loss", "eval_loss"))
    return RunRecords(
        metrics=metrics,
        losses=losses,
        validation=validation,
        epochs=float(epochs[1]) if epochs else 0,
        best_kept=_keeps_best(recipe),
        commands=commands,
        manifest=of_dataset["manifest"],
        sections=of_dataset["sections"],
        rejects=of_dataset["rejects"],
    )


def _keeps_best(recipe: str) -> bool:
    return re.search(r"^keep_best = true$", recipe, re.MULTILINE) is not None


def _training(run: Run, log: Log, recipe: str, words: Words) -> dict[str, Any]:
    preflight = run.train / "preflight.json"
    return {
        "loss": {"broad": Markup(loss_plot(log, words, BROAD)), "phone": Markup(loss_plot(log, words))},
        "losses": last_losses(log),
        "logged": logged_table(log, words),
        "preflight": preflight_table(read_object(preflight, {}) if preflight.is_file() else {}, words),
        "recipe": recipe,
        "best_kept": _keeps_best(recipe),
    }


def _dataset(
    run: Run, manifest: dict[str, Any], dataset: dict[str, list[dict[str, Any]]], words: Words, lang: Language
) -> dict[str, Any]:
    reading, rows = second_reading(manifest), [row for part in dataset.values() for row in part]
    return {
        "verification": verification_block(reading, rows, words) if reading else None,
        "manifest": manifest,
        "kinds": rows_by_kind(dataset),
        "sections": sections_of(manifest, lang),
        "accounting": accounting_of(manifest, words),
        "calls": calls_of(manifest),
        "rejects": rejects_by_stage(_rows(run.dataset / "rejected.jsonl"), lang),
    }


# --- the template ------------------------------------------------------------------------------------------------


@cache
def _template(lang: Language) -> Template:
    """page.html.j2 with the words of a language, its filters, style and script."""
    words = WORDS[lang]
    # finalize sees every value before autoescape does, so no place in the template can forget it; what a
    # macro returns is Markup and went through it already.
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) or not isinstance(value, str) else _shown(value),
    )
    environment.filters |= {
        "percent": lambda share: percent(share, words),
        "points": points,
        "is_hit": is_hit,
        "filled": filled,
        "say": lambda key: words.get(key, key),
        "stage": lambda stage: words.get(f"stage_{stage}", stage),
    }
    style, script = ((HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment.globals |= {
        "lang": lang,
        "w": words,
        "outcomes": OUTCOMES,
        "style": Markup(style),
        "script": Markup(script),
        "hashes": {"style": _csp_hash(style), "script": _csp_hash(script)},
    }
    return environment.get_template("page.html.j2")


def _shown(text: str) -> str:
    """A text as the page has it: long ones cut, whatever place they stand in."""
    return printable(text if len(text) <= MOST else text[:MOST] + "…")


def _csp_hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"
