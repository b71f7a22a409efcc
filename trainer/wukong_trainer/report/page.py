"""What a run proved, for people: `report.html`, one page that loads nothing.

Everything shown may have been written by a model or stand in somebody's corpus: it is text, never markup, and
characters that would turn a line around are shown as escapes.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from wukong_pipe import bounded
from wukong_pipe.errors import DataError
from wukong_pipe.printable import printable
from wukong_pipe.workspace import MANIFEST, Run, read_jsonl, read_object, write_text
from wukong_trainer.evaluation.history import history
from wukong_trainer.evaluation.metrics import LEVELS
from wukong_trainer.report.blocks import blocks_of, history_lines
from wukong_trainer.report.comparisons import OUTCOMES, comparisons, outcome
from wukong_trainer.report.json_table import Table, as_table
from wukong_trainer.report.leakage_words import leakage_said
from wukong_trainer.report.marks import mark, mark_reference
from wukong_trainer.report.plots import differences_plot, loss_plot, loss_points, lowest, rates_plot
from wukong_trainer.report.reject_words import chinese_reason
from wukong_trainer.report.words import WORDS, Language, filled
from wukong_trainer.scoring.figures import engine_of, has_risen, percent, points, sample_of

HERE = Path(__file__).parent
KNOWN = frozenset({"primary", "levels", "base_model", "adapter", "leakage", "leak_check", "sample", "settings"})
"""Blocks of metrics.json that the page has its own words for; any other is shown as a table."""
OWN_PLACE = frozenset(
    {"n", "sections", "base", "tuned", "difference", "ci95", "verdict", "wilson95", "mcnemar", "by_form", "by_kind"}
    | {"wins", "ties", "losses", "explanation", "causes", "p", "smallest_effect"}
)
"""Entries of a level that the page has its own place for."""
MEASURES = frozenset(
    {"key_fact_hit", "f1", "rouge_l", "chrf", "exact", "loglik", "loglik_per_char", "stopped_by_eos", "length_ratio"}
    | {"by_section", "corpus_bleu", "bleu", "repetition", "refused", "p", "zh", "en"}
    | {"smallest_effect", "mcnemar", "wins", "ties", "losses", "difference", "ci95", "p_holm", "verdict"}
)
"""Keys that the page has words for wherever they stand."""
REASONS = 12
"""Reasons shown a stage; what the teacher's words make unique is counted together."""
EXAMPLES = 2
HISTORY = 30
"""Evaluations that the page shows."""
MOST = 8000
"""Characters of any text that the page shows; a recipe has some thousand."""
LONG = 300
"""Characters of a reject, or of a value nobody here knows, that the page shows."""


def write_report(run: Run) -> Path:
    """Write `report.html` of a run from its manifest, dataset, training log, recipe, metrics and answers.

    The page is self-contained (no request, and all of it is there without its script), in Chinese when most answers
    are, else in English. What is not there yet is said plainly on the page.

    Returns:
        The path of the page.

    Raises:
        DataError: one of the run's files cannot be read; the sentence names it.
    """
    answers = _rows(run.answers)
    metrics = _metrics(run.metrics)
    log = _rows(run.train / "log.jsonl")
    dataset = {name: _rows(run.dataset / f"{name}.jsonl") for name in ("train", "val", "test")}
    manifest = read_object(run.manifest, MANIFEST) if run.manifest.is_file() else {}
    recipe = run.train / "recipe.toml"
    recipe_text = bounded.read_bytes(recipe, bounded.MIB).decode("utf-8", "replace") if recipe.is_file() else ""
    lang = _language(answers or [row for rows in dataset.values() for row in rows])
    words = WORDS[lang]
    lines = comparisons(metrics)
    style, script = ((HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    page = _template(lang).render(
        name=run.name,
        lang=lang,
        w=words,
        style=Markup(style),
        script=Markup(script),
        hashes={"style": _csp_hash(style), "script": _csp_hash(script)},
        metrics=metrics,
        trained=run.trained,
        sample=sample_of(metrics),
        engine=engine_of(metrics),
        leakage=leakage_said(metrics, words) if metrics else "",
        lines=lines,
        rates=Markup(rates_plot(lines, _line_name(words), words["rates_plot"], _RATE[lang])) if lines else "",
        differences=Markup(differences_plot(lines, _line_name(words), words["differences_plot"])) if lines else "",
        scores=[(line, _scores(line), as_table(_others(line))) for line in lines if not line["part"]],
        blocks=(blocks := list(blocks_of(metrics, words, _RATE[lang]))),
        others=_other_blocks(metrics, {block["key"] for block in blocks}),
        history=_history(history(run.metrics.with_name("history.jsonl")), words, _RATE[lang]),
        loss=Markup(loss_plot(log, words)),
        losses=_losses(log),
        logged=_logged(log),
        preflight=as_table(_preflight(_object(run.train / "preflight.json"), words)),
        recipe=recipe_text,
        best_kept=re.search(r"^keep_best = true$", recipe_text, re.MULTILINE) is not None,
        manifest=manifest,
        kinds=_kinds(dataset),
        sections=_sections(manifest),
        calls=_calls(manifest),
        rejects=_rejects(_rows(run.dataset / "rejected.jsonl"), lang),
        groups=_groups(answers),
        places=_places(answers),
        outcomes=OUTCOMES,
    )
    write_text(run.report, page)
    return run.report


# --- reading -------------------------------------------------------------------------------------------


def _rows(path: Path) -> list[dict[str, Any]]:
    return read_jsonl(path) if path.is_file() else []


def _object(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} where there is no file.

    Raises:
        DataError: it holds something else.
    """
    return read_object(path, {}) if path.is_file() else {}


def _metrics(path: Path) -> dict[str, Any]:
    """metrics.json; {} where nothing was evaluated.

    Raises:
        DataError: it lacks what the page is about.
    """
    metrics = _object(path)
    kinds = {"primary": dict, "levels": dict, "leakage": str, "settings": dict}
    lacking = [f"“{name}”" for name, kind in kinds.items() if not isinstance(metrics.get(name), kind)]
    if metrics and not lacking and metrics["primary"].get("n"):
        level = metrics["primary"].get("level")
        lacking = [] if level in metrics["levels"] else [f"the level “{level}”"]
    if metrics and lacking:
        raise DataError(f"{path} lacks {' and '.join(lacking)}: run “wukong-pipe eval” again.")
    return metrics


def _language(rows: list[dict[str, Any]]) -> Language:
    return "zh" if 2 * sum(row.get("lang") == "zh" for row in rows) > len(rows) else "en"


def _percent_zh(share: float) -> str:
    # Chinese sets no space before the sign.
    return percent(share).replace("\u00a0", "")


_RATE: dict[Language, Callable[[float], str]] = {"en": percent, "zh": _percent_zh}


# --- the page's own frame ------------------------------------------------------------------------------


@cache
def _template(lang: Language) -> Template:
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
    environment.filters["percent"] = _RATE[lang]
    environment.filters["points"] = points
    environment.filters["figure"] = _figure
    environment.filters["filled"] = filled
    environment.filters["say"] = lambda key: words.get(key, key)
    environment.filters["stage"] = lambda stage: words.get(f"stage_{stage}", stage)
    environment.filters["path"] = lambda keys: " › ".join(words[key] if key in MEASURES else key for key in keys)
    return environment.get_template("page.html.j2")


def _shown(text: str) -> str:
    """A text as the page has it: long ones cut, whatever place they stand in."""
    return printable(text if len(text) <= MOST else text[:MOST] + "…")


def _csp_hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"


def _figure(value: Any) -> str:
    """A value nobody here knows more about, short enough for a table cell."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        text = f"{value:.3f}" if 0.001 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
        return "−" + text[1:] if text.startswith("-") else text
    if isinstance(value, list):
        return " … ".join(map(_figure, value)) if len(value) == 2 else _short(", ".join(map(_figure, value)))
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


# --- scores --------------------------------------------------------------------------------------------


def _line_name(words: dict[str, str]) -> Callable[[Any], str]:
    def name(line: Any) -> str:
        part = "part_base" if line["part"] == "base" else _short(line["part"])
        what = f"  – {words.get(part, part)}" if part else words[line["level"]]
        return words["of_n"].format(what=what, n=line["n"])

    return name


def _scores(line: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The mean scores of a level by metric, with what is known of each difference."""
    found = {key: {"base": value, "tuned": line["tuned"].get(key)} for key, value in line["base"].items()}
    for inner in _by_metric(line):
        for key, comparison in inner.items():
            found.setdefault(key, {}).update({name: comparison[name] for name in comparison if name != "n"})
    return list(found.items())


def _by_metric(line: dict[str, Any]) -> Iterable[dict[str, dict[str, Any]]]:
    """The entries of a level that compare metric by metric, whatever they are called."""
    for key, value in line.items():
        if key not in OWN_PLACE and isinstance(value, dict) and value:
            inner = value.values()
            if all(isinstance(each, dict) and "difference" in each for each in inner):
                yield value


def _others(line: dict[str, Any]) -> dict[str, Any]:
    """What else a level holds."""
    comparing = [id(value) for value in _by_metric(line)]
    return {
        key: value
        for key, value in line.items()
        if key not in OWN_PLACE | {"level", "part"} and id(value) not in comparing
    }


def _other_blocks(metrics: dict[str, Any], shown: set[str]) -> list[tuple[str, Table]]:
    """The blocks of metrics.json that the page has no words for."""
    others = {key: value if isinstance(value, dict) else {"value": value} for key, value in metrics.items()}
    tables = [(key, as_table(value)) for key, value in others.items() if key not in KNOWN | shown]
    return [(key, table) for key, table in tables if table["lines"]]


def _history(entries: list[dict[str, Any]], words: dict[str, str], percent: Callable[[float], str]) -> dict[str, Any]:
    """The last evaluations; those that another version wrote are counted as cut."""
    lines: list[Any] = []
    for entry in entries[-HISTORY:]:
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            lines += history_lines([entry], words, percent)["lines"]
    return history_lines([], words, percent) | {"lines": lines, "cut": len(lines) < len(entries)}


# --- training ------------------------------------------------------------------------------------------


def _losses(log: list[dict[str, Any]]) -> dict[str, Any]:
    """The last losses, and where the validation loss was lowest."""
    curves = {"train": loss_points(log, "loss"), "validation": loss_points(log, "eval_loss")}
    found: dict[str, Any] = {name: curve[-1][1] for name, curve in curves.items() if curve}
    if curves["validation"]:
        found["step"], found["lowest"] = lowest(curves["validation"])
        found["step"] = f"{found['step']:g}"
        found["risen"] = has_risen(found["lowest"], found["validation"])
    return found


def _logged(log: list[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    """(name, [lowest, median, highest, last]) of whatever else was logged as numbers while training."""
    found: dict[str, list[float]] = {}
    for line in log:
        for key, value in line.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                found.setdefault(key, []).append(float(value))
    return [
        (key, [min(values), median(values), max(values), values[-1]])
        for key, values in found.items()
        if key not in {"step", "epoch", "loss", "eval_loss"}
    ]


def _preflight(found: dict[str, Any], words: dict[str, str]) -> dict[str, Any]:
    """What was looked at before training, with the page's words for keys; what they do not know stays as it is."""
    named = {}
    for key, value in found.items():
        told = _preflight(value, words) if isinstance(value, dict) else value
        if key == "trained" and isinstance(value, list):
            told = " | ".join(str(text).replace("\n", "⏎") for text in value)
        named[words.get(f"preflight_{key}", key)] = told
    return named


# --- dataset -------------------------------------------------------------------------------------------


def _kinds(dataset: dict[str, list[dict[str, Any]]]) -> list[tuple[str, list[int]]]:
    """(kind, rows in train, validation, test)."""
    counts = [Counter(str(row.get("kind", "")) for row in rows) for rows in dataset.values()]
    return [(kind, [count[kind] for count in counts]) for kind in sorted(set().union(*counts))]


def _sections(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Coverage and quota of every section, in the order of the source."""
    quota = {entry.get("id"): entry for entry in manifest.get("quota") or []}
    covered = (manifest.get("coverage") or {}).get("by_section") or []
    ids = {entry.get("id") for entry in covered}
    sections = [quota.get(entry.get("id"), {}) | entry for entry in covered]
    sections += [entry for key, entry in quota.items() if key not in ids]
    return [
        section | {"short": section.get("kept", 0) < section.get("wanted", 0)}
        for section in sections
        if isinstance(section.get("section"), str)
    ]


def _calls(manifest: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(stage, what its calls used): calls, tokens, cost by currency."""
    stages = manifest.get("calls") or {}
    return [(stage, entry["used"]) for stage, entry in stages.items() if isinstance(entry, dict) and entry.get("used")]


def _rejects(rejects: list[dict[str, Any]], lang: Language) -> dict[str, Any]:
    """Rejects counted by stage and kind of reason, most frequent first, each with examples."""

    def told(reason: str, stage: str) -> str:
        return _short(chinese_reason(reason, stage) if lang == "zh" else reason)

    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for reject in rejects:
        groups.setdefault((str(reject.get("stage", "")), _kind_of(str(reject.get("reason", "")))), []).append(reject)
    stages: dict[str, Any] = {}
    for (stage, reason), found in sorted(groups.items(), key=lambda group: -len(group[1])):
        entry = stages.setdefault(stage, {"n": 0, "reasons": [], "others": 0})
        entry["n"] += len(found)
        if len(entry["reasons"]) < REASONS:
            examples = [(_candidate(reject), told(str(reject.get("reason", "")), stage)) for reject in found[:EXAMPLES]]
            entry["reasons"].append((told(reason, stage), len(found), examples))
        else:
            entry["others"] += 1
    return {"n": len(rejects), "stages": stages}


def _kind_of(reason: str) -> str:
    """A reason without what the teacher wrote: “Luna 9” is not in the evidence and “Kiev” is not … are one kind."""
    without = re.sub(r"“.*”", "“…”", reason, flags=re.DOTALL)
    return re.sub(r"\b[0-9a-f]{16}\b|\b\d+(?:\.\d+)?\b", "…", without)


def _candidate(reject: dict[str, Any]) -> str:
    """What was proposed, or what came instead, in one line."""
    candidate = reject.get("candidate")
    fields = candidate if isinstance(candidate, dict) else {}
    said = [str(fields[key]) for key in ("instruction", "question", "output", "answer") if fields.get(key)]
    what = " → ".join(said) or str(candidate or reject.get("reply") or "–")
    return _short(" ".join(what.split()))


# --- questions and answers -----------------------------------------------------------------------------


def _groups(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The held-out questions by level, those on which tuning changed something first."""
    places = {place: i for i, (place, _) in enumerate(_places(answers))}
    groups = []
    for level in LEVELS:
        rows = [_card(row, places) for row in answers if row.get("level") == level]
        rows.sort(key=lambda row: OUTCOMES.index(row["outcome"]))
        if rows:
            groups.append({"level": level, "rows": rows, "counts": Counter(row["outcome"] for row in rows)})
    return groups


def _place(row: dict[str, Any]) -> str:
    return " › ".join([str(row.get("source", "")), *map(str, row.get("heading_path") or [])])


def _places(answers: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """(section of the source, questions about it), in the order of the answers."""
    return list(Counter(_place(row) for row in answers).items())


def _card(row: dict[str, Any], places: dict[str, int]) -> dict[str, Any]:
    place = _place(row)
    sides = {
        side: mark(
            row[side]["answer"],
            row["reference"],
            f"{row['instruction']}\n{place}",
            row[side].get("invented_terms") or (),
        )
        for side in ("base", "tuned")
    }
    said = {"outcome": outcome(row), "place": place, "section": places[place]}
    return row | said | {"marked": sides, "marked_reference": mark_reference(row["reference"])}
