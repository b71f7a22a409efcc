"""What an answer states that nobody told it: numbers and names that neither section nor question holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wukong_pipe.text import latin_names, normalise, numbers, quoted
from wukong_trainer.open_book import SourceOf
from wukong_trainer.paired import paired, section_of


def invented(answer: str, question: str, source_text: str, lang: str) -> list[str]:  # noqa: ARG001
    """The numbers, quoted terms and Latin names of an answer that neither question nor source holds, sorted."""
    known = f"{question}\n{source_text}"
    text = normalise(known)
    terms = {term for term in quoted(answer) | latin_names(answer) if normalise(term)}
    return sorted((numbers(answer) - numbers(known)) | {term for term in terms if normalise(term) not in text})


def mark_invented(rows: Sequence[dict[str, Any]], source_of: SourceOf) -> dict[str, Any]:
    """`metrics["hallucination"]`; where the section is known each side gets `invented`, 0 or 1, and `invented_terms`.

    Returns:
        n and missing (rows with and without their section); for base and tuned: stated and invented (numbers and
        names), share (invented / stated), answers (share of answers that invent something); difference and ci95 of
        the latter.
    """
    known = [(row, text) for row in rows if (text := source_of(row)) is not None]
    stated = {"base": 0, "tuned": 0}
    for row, text in known:
        for side in stated:
            answer, question, lang = row[side]["answer"], row["instruction"], row["lang"]
            source = "\n".join([*row["heading_path"], text])
            terms = list(invented(answer, question, source, lang))
            row[side] |= {"invented": float(bool(terms)), "invented_terms": terms}
            # Before a source that says nothing all that is stated is invented.
            stated[side] += len(invented(answer, "", "", lang))
    inventing = {side: [row[side]["invented"] for row, _ in known] for side in stated}
    answers = paired(inventing["base"], inventing["tuned"], [section_of(row) for row, _ in known])
    sides = {
        side: {
            "stated": stated[side],
            "invented": (count := sum(len(row[side]["invented_terms"]) for row, _ in known)),
            "share": count / stated[side] if stated[side] else 0.0,
            "answers": answers[side],
        }
        for side in stated
    }
    numbers_of = {"n": len(known), "missing": len(rows) - len(known)}
    return numbers_of | sides | {"difference": answers["difference"], "ci95": answers["ci95"]}
