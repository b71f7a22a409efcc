from __future__ import annotations

from tests.support.answered import answered
from wukong_trainer.evaluation.inventions import mark_invented
from wukong_trainer.evaluation.records import AnsweredRow, TestRow
from wukong_trainer.evaluation.sources import Inventions, NoSources


def row(base: str, tuned: str, section: str = "one") -> AnsweredRow:
    sides = {"base": {"answer": base}, "tuned": {"answer": tuned}}
    return answered({"level": "section" if section == "two" else "wording", "heading_path": [section], **sides})


class Years(NoSources):
    """Knows of the years 1968 and 1969, of the latter in the section, and of nothing where the source is gone."""

    def inventions(self, answer: str, row: TestRow) -> Inventions | None:
        if row.heading_path == ("gone",):
            return None
        stated = [word.strip(".") for word in answer.split() if word[0].isdigit()]
        nowhere = [word for word in stated if word not in {"1968", "1969"}]
        outside = None if row.heading_path == ("changed",) else [word for word in stated if word != "1969"]
        return Inventions(nowhere, outside, len(stated))


def test_rates_are_over_what_was_stated_and_over_answers_whose_source_is_known() -> None:
    rows = [row("In 1970 or 1971.", "In 1969."), row("In 1968.", "In 1969.", "two"), row("1", "2", "gone")]
    marked, found = mark_invented(rows, Years())
    assert found is not None
    assert (found["n"], found["missing"]) == (2, 1)
    assert found["base"] == {"stated": 3, "invented": 2, "share": 2 / 3, "answers": 0.5}
    assert found["tuned"] == {"stated": 2, "invented": 0, "share": 0.0, "answers": 0.0}
    assert found["difference"] == -0.5
    assert {level: block["base"]["answers"] for level, block in found["levels"].items()} == {
        "wording": 1.0,
        "section": 0.0,
    }
    assert marked[0].base.invented_terms == ("1970", "1971")
    assert ["invented_terms" in one.to_json()["base"] for one in marked] == [True, True, False]


def test_what_stands_elsewhere_in_the_source_is_told_apart_from_what_stands_nowhere() -> None:
    rows = [row("In 1968.", "In 1969."), row("In 1970.", "In 1969."), row("In 1968.", "In 1968.", "changed")]
    _, found = mark_invented(rows, Years())
    assert found is not None
    assert (found["n"], found["base"]["answers"]) == (3, 1 / 3)
    near = found["outside_section"]
    assert (near["n"], near["base"]["answers"], near["tuned"]["answers"]) == (2, 1.0, 0.0)


def test_inventions_stand_in_no_other_place_of_the_metrics() -> None:
    ((one,), _) = mark_invented([row("In 1970.", "In 1969.")], Years())
    assert one.base.invented_terms == ("1970",)
    assert one.base.measures.keys() == {"stopped_by_eos"}


def test_what_was_thought_before_the_answer_is_not_stated() -> None:
    ((one,), found) = mark_invented([row("<think>1970?</think>In 1969.", "In 1969.")], Years())
    assert found
    assert one.base.invented_terms == ()


def test_without_sources_nothing_is_said() -> None:
    rows = [row("In 1970.", "In 1969.", "gone")]
    assert mark_invented(rows, Years()) == (rows, None)
