"""The blocks of metrics.json besides the scores, as the page's own headings, sentences and tables of ready text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from wukong_trainer.report.leakage import leakage_cell
from wukong_trainer.report.words import Words, filled
from wukong_trainer.scoring.figures import interval, past_evaluation, points, rivals
from wukong_trainer.scoring.intervals import MIN_SECTIONS

Percent = Callable[[float], str]
Block = dict[str, Any]
"""{"key", "says": [sentences], "columns": [headings], "lines": [(name, [cells])]}; cells are text."""


def blocks_of(metrics: Mapping[str, Any], words: Words, percent: Percent) -> Iterator[Block]:
    """The blocks that are there, in the page's order, with the keys they have in metrics.json.

    Args:
        percent: how a share is written in the page's language.
    """
    for key, block_of in _BLOCKS.items():
        if key in metrics:
            try:
                yield {"key": key} | block_of(metrics[key], words, percent)
            except (KeyError, TypeError, AttributeError):
                # Another version's block: the page shows it as it stands, and the rest of the page is worth having.
                continue


def _forgetting(block: Mapping[str, Any], words: Words, percent: Percent) -> Block:
    low, high = block["ci95"]
    few = block["n"] < MIN_SECTIONS
    found = (
        "few" if few else "lost" if high < 0 else "unknown" if block["base"] < 0.1 else "gained" if low > 0 else "none"
    )
    says = [filled(words["forgetting_about"], n=block["n"]), words[f"forgetting_{found}"]]
    if block["dropped"]:
        says.append(filled(words["forgetting_dropped"], n=block["dropped"]))
    of_langs = [(words[lang], its) for lang, its in block["by_lang"].items()]
    lines = [
        (words["of_n"].format(what=name, n=its["n"]), [percent(its["base"]), percent(its["tuned"]), *_change(its)])
        for name, its in [(words["rates_plot"], block), *(of_langs if len(of_langs) > 1 else [])]
    ]
    loglik = block["loglik"]
    if loglik["n"]:
        ends = " … ".join(f"{end:+.2f}" for end in loglik["ci95"] or ()) or "–"
        figures = [f"{loglik['base']:.2f}", f"{loglik['tuned']:.2f}", f"{loglik['difference']:+.2f}", ends]
        lines.append((words["loglik"], [figure.replace("-", "−") for figure in figures]))
    return _block(says, _PAIR, words, lines)


def _hallucination(block: Mapping[str, Any], words: Words, percent: Percent) -> Block:
    says = [words["hallucination_about"]]
    if block["missing"]:
        says.append(filled(words["without_source"], n=block["missing"]))
    told = [
        (name, its) for name, its in (("nowhere", block), ("outside_section", block["outside_section"])) if its["n"]
    ]
    lines = [_share(words[name], its, words, percent) for name, its in told]
    levels = [_share("– " + words[level], its, words, percent) for level, its in block["levels"].items()]
    lines[1:1] = levels if len(levels) > 1 else []
    for name, its in told:
        counts = [f"{its[side]['invented']} / {its[side]['stated']}" for side in ("base", "tuned")]
        lines.append((words[f"terms_{name}"], [*counts, "", ""]))
    return _block(says, _PAIR, words, lines)


def _open_book(block: Mapping[str, Any], words: Words, percent: Percent) -> Block:
    says = [words["open_book_about"]]
    says += [filled(words[f"open_book_{key}"], n=block[key]) for key in ("cut", "missing") if block[key]]
    lines = [
        (
            words["of_n"].format(what=words[level], n=its["n"]),
            [
                *(percent(its[key]) for key in ("base", "tuned", "open_book")),
                *_change(its),
                "–" if its["gap_closed"] is None else percent(its["gap_closed"]),
            ],
        )
        for level, its in block["levels"].items()
    ]
    return _block(says, ("base", "tuned", "with_section", "behind", "interval", "gap_closed"), words, lines)


def _judge(block: Mapping[str, Any], words: Words, percent: Percent) -> Block:
    says = [words["judge_about"]]
    if block["unjudged"]:
        says.append(filled(words["judge_unjudged"], n=block["unjudged"]))
    levels = list(block["levels"].items())
    told = [(words["total"], block)] if len(levels) != 1 else []
    lines = []
    for name, its in [*told, *((words[level], its) for level, its in levels)]:
        agreed = its["agreement"]
        agrees = "–" if agreed["share"] is None else words["of_n"].format(what=percent(agreed["share"]), n=agreed["n"])
        won = f"{its['wins']} / {its['ties']} / {its['losses']}"
        rate = f"{percent(its['ci95'][0])} … {percent(its['ci95'][1])}"
        consistent = "–" if its["consistency"] is None else percent(its["consistency"])
        cells = [won, percent(its["win_rate"]), rate, consistent, agrees]
        lines.append((words["of_n"].format(what=name, n=its["n"]), cells))
    return _block(says, ("wtl", "win_rate", "interval", "consistency", "agreement"), words, lines)


def _against(block: Mapping[str, Any], words: Words, percent: Percent) -> Block:
    lines = [
        (
            f"{line['name']} · {words['of_n'].format(what=words[line['level']], n=line['n'])}",
            [percent(line["first"]), percent(line["model"]), *_change(line), leakage_cell(line["leakage"], words)],
        )
        for line in rivals(block)
    ]
    columns = ("this_run", "other_model", "difference", "interval", "leakage_column")
    return _block([words["against_about"].format(first=block["first"])], columns, words, lines)


_BLOCKS: dict[str, Callable[[Mapping[str, Any], Words, Percent], Block]] = {
    "forgetting": _forgetting,
    "hallucination": _hallucination,
    "open_book": _open_book,
    "judge": _judge,
    "against": _against,
}
_PAIR = ("base", "tuned", "difference", "interval")


def history_lines(entries: Sequence[Mapping[str, Any]], words: Words, percent: Percent) -> Block:
    """Past evaluations, oldest first, a line each.

    Raises:
        KeyError: an entry is of another version.
    """
    lines = []
    for line in map(past_evaluation, entries):
        sample = line["sample"]
        said = "sample_limit_short" if sample and "limit" in sample else "sample_short"
        n = str(line["n"]) + (f" ({words[said].format(**sample)})" if sample else "")
        verdict = words[f"verdict_{line['verdict']}"] + (f" · {line['engine']}" if line["engine"] else "")
        figures = [percent(line["base"]), percent(line["tuned"]), *_change(line), verdict]
        known = [line["adapter"], line["test_set"], n]
        lines.append((line["time"], [*known, *figures, leakage_cell(line["leakage"], words)]))
    columns = ("adapter", "test_set", "n", "base", "tuned", "difference", "interval", "verdict", "leakage_column")
    return _block([words["history_about"]], columns, words, lines)


def _block(
    says: Sequence[str], columns: Sequence[str], words: Words, lines: Sequence[tuple[str, Sequence[str]]]
) -> Block:
    return {"says": says, "columns": [words[column] for column in columns], "lines": lines}


def _share(name: str, block: Mapping[str, Any], words: Words, percent: Percent) -> tuple[str, list[str]]:
    """A line of the share of answers that invent something."""
    sides = [percent(block[side]["answers"]) for side in ("base", "tuned")]
    return words["of_n"].format(what=name, n=block["n"]), [*sides, *_change(block)]


def _change(block: Mapping[str, Any]) -> list[str]:
    """The difference and its interval, in points."""
    return [points(block["difference"]), interval(block["ci95"])]
