"""What an evaluation found besides the right answers, as headings, sentences and tables of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wukong_trainer.report.difference_records import Ends, Rates
from wukong_trainer.report.history import PastEvaluation, past_evaluation
from wukong_trainer.report.leakage import leakage_cell
from wukong_trainer.report.metrics_records import JudgeResult, Level, Metrics, Rivals
from wukong_trainer.report.side_records import AllInventions, Forgetting, InventionRates, OpenBookBound
from wukong_trainer.report.tables import NOTHING, Table, figure
from wukong_trainer.report.words import Words, filled, percent
from wukong_trainer.scoring.figures import interval, points

HISTORY = 30
"""Evaluations that the page shows."""
_PAIR = ("base", "tuned", "difference", "interval")
_TALLY = ("wins", "ties", "losses", "p")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, sentences below it, and a table."""

    key: str
    """Of its entry in metrics.json, and of the heading's text."""
    sentences: Sequence[str]
    table: Table
    is_cut: bool = False
    """Whether the file holds more than the table."""


def blocks_of(metrics: Metrics, words: Words) -> Iterator[Block]:
    """A block for each further part of the evaluation, in the page's order."""
    for key, block_of in _BLOCKS.items():
        if part := getattr(metrics, key):
            yield block_of(part, words)


def _forgetting(forgetting: Forgetting, words: Words) -> Block:
    sentences = [
        filled(words["forgetting_about"], n=forgetting.n),
        words[f"forgetting_{forgetting.change}"],
    ]
    if forgetting.dropped:
        sentences.append(filled(words["forgetting_dropped"], n=forgetting.dropped))
    of_langs = [(words[lang], rates) for lang, rates in forgetting.by_lang.items()]
    shown = [(words["rates_plot"], forgetting), *(of_langs if len(of_langs) > 1 else [])]
    lines = [
        (_of_n(name, rates.n, words), [*_rates(rates, words), *_change(rates.difference, rates.ci95)])
        for name, rates in shown
    ]
    loglik = forgetting.loglik
    if loglik.n:
        ends = " … ".join(f"{end:+.2f}" for end in loglik.ci95 or ()) or NOTHING
        cells = [f"{loglik.base:.2f}", f"{loglik.tuned:.2f}", f"{loglik.difference:+.2f}", ends]
        lines.append((words["loglik"], [cell.replace("-", "−") for cell in cells]))
    return Block("forgetting", sentences, _table(_PAIR, words, lines))


def _inventions(inventions: AllInventions, words: Words) -> Block:
    sentences = [words["hallucination_about"]]
    if inventions.missing:
        sentences.append(filled(words["without_source"], n=inventions.missing))
    places: list[tuple[str, InventionRates]] = [
        ("nowhere", inventions),
        ("outside_section", inventions.outside_section),
    ]
    places = [(place, rates) for place, rates in places if rates.n]
    lines = [_inventing(words[place], rates, words) for place, rates in places]
    levels = [_inventing("– " + words[level], rates, words) for level, rates in inventions.levels.items()]
    lines[1:1] = levels if len(levels) > 1 else []
    for place, rates in places:
        counts = [f"{side.invented} / {side.stated}" for side in (rates.base, rates.tuned)]
        lines.append((words[f"terms_{place}"], [*counts, "", ""]))
    return Block("hallucination", sentences, _table(_PAIR, words, lines))


def _inventing(name: str, rates: InventionRates, words: Words) -> tuple[str, list[str]]:
    sides = [percent(side.answers, words) for side in (rates.base, rates.tuned)]
    return _of_n(name, rates.n, words), [*sides, *_change(rates.difference, rates.ci95)]


def _open_book(book: OpenBookBound, words: Words) -> Block:
    sentences = [words["open_book_about" if book.helps else "open_book_useless"]]
    if book.cut:
        sentences.append(filled(words["open_book_cut"], n=book.cut))
    if book.missing:
        sentences.append(filled(words["open_book_missing"], n=book.missing))
    lines = []
    for level, rates in book.levels.items():
        closed = NOTHING if rates.gap_closed is None else percent(rates.gap_closed, words)
        cells = [*_rates(rates, words), percent(rates.open_book, words), *_change(rates.difference, rates.ci95), closed]
        lines.append((_of_n(words[level], rates.n, words), cells))
    columns = ("base", "tuned", "with_section", "behind", "interval", "gap_closed")
    return Block("open_book", sentences, _table(columns, words, lines))


def _judge(judge: JudgeResult, words: Words) -> Block:
    sentences = [words["judge_about"]]
    if judge.unjudged:
        sentences.append(filled(words["judge_unjudged"], n=judge.unjudged))
    levels = [(words[level], rates) for level, rates in judge.levels.items()]
    lines = []
    for name, rates in [*([(words["total"], judge)] if len(levels) != 1 else []), *levels]:
        agrees = rates.agreement
        cells = [
            f"{rates.wins} / {rates.ties} / {rates.losses}",
            percent(rates.win_rate, words),
            " … ".join(percent(end, words) for end in rates.ci95),
            NOTHING if rates.consistency is None else percent(rates.consistency, words),
            NOTHING if agrees.share is None else _of_n(percent(agrees.share, words), agrees.n, words),
        ]
        lines.append((_of_n(name, rates.n, words), cells))
    columns = ("wtl", "win_rate", "interval", "consistency", "agreement")
    return Block("judge", sentences, _table(columns, words, lines))


def _against(rivals: Rivals, words: Words) -> Block:
    lines = [
        (
            f"{model.name} · {_of_n(words[level], rates.n, words)}",
            [
                percent(rates.first, words),
                percent(rates.model, words),
                *_change(rates.difference, rates.ci95),
                leakage_cell(model.leakage, words),
            ],
        )
        for model in rivals.models
        for level, rates in model.levels.items()
    ]
    columns = ("this_run", "other_model", "difference", "interval", "leakage_column")
    return Block("against", [words["against_about"].format(first=rivals.first)], _table(columns, words, lines))


_BLOCKS: dict[str, Callable[[Any, Words], Block]] = {
    "forgetting": _forgetting,
    "hallucination": _inventions,
    "open_book": _open_book,
    "judge": _judge,
    "against": _against,
}


# --- all scores of a level ---------------------------------------------------------------------------------------


def score_table(level: Level, words: Words) -> Table:
    """Every mean score of both models, and what the difference proves."""
    lines = []
    for score in level.base | level.compared:
        cells = [figure(level.base.get(score)), figure(level.tuned.get(score))]
        if its := level.compared.get(score):
            ends = " … ".join(map(figure, its.ci95 or ())) or NOTHING
            cells += [figure(its.difference), ends, *map(figure, (its.p_holm, its.p, its.smallest_effect))]
        lines.append((words.get(score, score), cells + [NOTHING] * (7 - len(cells))))
    return _table(("base", "tuned", "difference", "ci95", "p_holm", "p", "smallest_effect"), words, lines)


def tally_table(level: Level, words: Words) -> Table:
    """What is counted by whole sections, and the BLEU of all answers together."""
    counts = {f"{words['by_section']} › {words[key]}": getattr(level.by_section, key) for key in _TALLY}
    if level.alone:
        counts = {words["alone"]: level.alone, **counts}
    lines = [(name, [figure(count), NOTHING, NOTHING]) for name, count in counts.items()]
    for lang, bleu in level.corpus_bleu.items():
        cells = [NOTHING, figure(bleu["base"]), figure(bleu["tuned"])]
        lines.append((f"{words['corpus_bleu']} › {words.get(lang, lang)}", cells))
    return _table(("value", "base", "tuned"), words, lines)


# --- past evaluations --------------------------------------------------------------------------------------------


def history_block(entries: Sequence[Mapping[str, Any]], words: Words) -> Block:
    """The last evaluations of a run, oldest first, a line each. An entry of another version is left out."""
    lines = [_past_line(past, words) for entry in entries[-HISTORY:] if (past := past_evaluation(entry))]
    table = _table(("adapter", "test_set", "score", "n", *_PAIR, "verdict", "leakage_column"), words, lines)
    return Block("history", [words["history_about"]], table, is_cut=len(lines) < len(entries))


def _past_line(past: PastEvaluation, words: Words) -> tuple[str, list[str]]:
    result, n = past.primary, str(past.primary.n)
    if past.sample:
        text = words["sample_limit_short" if "limit" in past.sample else "sample_short"]
        n += f" ({text.format(**past.sample)})"
    verdict = " · ".join([words[f"verdict_{result.verdict}"], *filter(None, (past.judge, past.engine))])
    named = words.get(result.metric, result.metric)
    cells = [past.adapter, past.test_set, named, n, *_rates(result, words), *_change(result.difference, result.ci95)]
    return past.minute, [*cells, verdict, leakage_cell(past.leakage, words)]


# --- cells -------------------------------------------------------------------------------------------------------


def _table(columns: Sequence[str], words: Words, lines: Sequence[tuple[str, Sequence[str]]]) -> Table:
    return Table([words[column] for column in columns], lines)


def _of_n(name: str, n: int, words: Words) -> str:
    return words["of_n"].format(what=name, n=n)


def _rates(rates: Rates, words: Words) -> list[str]:
    return [percent(rates.base, words), percent(rates.tuned, words)]


def _change(difference: float, ends: Ends) -> list[str]:
    """A difference and its interval, in points."""
    return [points(difference), interval(ends)]
