"""Where the facts of a test come from, and how often the answer to another question of the section hits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.answered import answered
from wukong_trainer.data.examples import Example
from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.evaluation.score_checks import cross_hits, fact_counts

SIDE: dict[str, Any] = {"fact_hit": 0.0}


def row(pair: str, reference: str, *facts: str, section: str = "A") -> TestRow:
    given = {"pair_id": pair, "facts": tuple((fact,) for fact in facts), "heading_path": [section]}
    test = answered(given | {"base": SIDE, "tuned": SIDE}).test
    return replace(test, example=Example("Who?", reference))


def test_a_sibling_whose_answer_holds_the_fact_is_a_cross_hit() -> None:
    rows = [row("p", "The giant.", "giant"), row("q", "The smith, a friend of the giant.", "smith")]
    assert cross_hits(rows) == {"n": 2, "hits": 1, "share": 0.5}
    wordings = [rows[0], *rows]
    assert cross_hits(wordings) == cross_hits(rows), "the wordings of a pair are no siblings"


def test_pairs_of_one_fact_of_other_sections_and_of_other_groups_are_no_siblings() -> None:
    giant = row("p", "The giant.", "giant")
    none = {"n": 0, "hits": 0, "share": None}
    assert cross_hits([giant, row("q", "Giant it is.", "Giant")]) == none
    assert cross_hits([giant, row("q", "The giant's smith.", "smith", section="B")]) == none
    assert cross_hits([giant, row("q", "Yes, the giant.", "Yes")]) == none


def test_every_question_is_counted_by_where_its_facts_come_from() -> None:
    named = row("p", "The giant.", "giant")
    rows = [named, named, replace(named, facts_from="derived"), replace(named, facts=(), facts_from="none")]
    assert fact_counts(rows) == {"named": 2, "derived": 1, "none": 1}
