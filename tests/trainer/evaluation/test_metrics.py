"""What stands in metrics.json: the promised shape, every answer counted, and nothing claimed without evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.answered import summarise
from wukong_pipe.errors import DataError


def row(level: str, section: str, base: float, tuned: float, **fields: Any) -> dict[str, Any]:
    """An answers.jsonl row of which only level, section and hits matter."""
    sides = {
        name: {
            "answer": "x",
            "stopped_by_eos": True,
            "loglik": -1.0,
            "fact_hit": hit,
            "length_ratio": 1.0,
        }
        for name, hit in (("base", base), ("tuned", tuned))
    }
    text = {"reference": f"fact of {section}", "kind": "base", "form": "", "source": "a.md", "heading_path": [section]}
    return {"id": f"{level}-{section}", "level": level, "section_id": section, **text, **sides, **fields}


def summary(rows: list[dict[str, Any]], leakage: str = "none") -> dict[str, Any]:
    return summarise(rows, base_model="tiny", adapter="a", leakage=leakage, settings={"max_new_tokens": 64})


def test_summary_has_the_promised_shape() -> None:
    rows = [row("wording", f"s{i}", 0.0, float(i % 3 > 0), form="seen" if i % 2 else "unseen") for i in range(30)]
    rows += [row("question", f"s{i}", 0.0, 1.0, kind="reverse" if i % 2 else "base") for i in range(10)]
    found = summary(rows)
    primary = found["primary"]
    assert (primary["metric"], primary["level"], primary["n"]) == ("fact_hit", "wording", 30)
    assert (primary["base"], primary["tuned"]) == pytest.approx((0.0, 2 / 3))
    assert primary["verdict"] == "better"
    assert primary["ci95"][0] < 2 / 3 < primary["ci95"][1]
    wording = found["levels"]["wording"]
    assert (wording["wins"], wording["ties"], wording["losses"], wording["sections"]) == (20, 10, 0, 30)
    assert wording["base"]["loglik"] == -1.0
    assert {form: block["n"] for form, block in wording["by_form"].items()} == {"seen": 15, "unseen": 15}
    assert set(found["levels"]["question"]["by_kind"]) == {"base", "reverse"}
    assert found["levels"]["section"] == {}
    assert (found["base_model"], found["adapter"], found["leakage"]) == ("tiny", "a", "none")
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_summary_without_wording_rows_claims_nothing() -> None:
    primary = summary([])["primary"]
    assert (primary["n"], primary["ci95"], primary["verdict"]) == (0, [-1.0, 1.0], "too few sections")
    assert "by_form" not in summary([row("wording", "s", 0, 1)])["levels"]["wording"]


def test_a_row_at_no_level_is_an_error_and_nan_stays_out() -> None:
    with pytest.raises(DataError, match="none of the levels"):
        summary([row("", "s", 0, 1)])
    broken = row("wording", "s", 0, 1)
    broken["tuned"]["loglik"] = float("nan")
    assert "loglik" not in summary([broken])["levels"]["wording"]["tuned"]


def test_the_control_names_what_may_lie_behind_a_rise() -> None:
    def control(rows: list[dict[str, Any]], leakage: str = "none") -> dict[str, Any]:
        block: dict[str, Any] = summary(rows, leakage)["levels"]["section"]
        return block

    flat = control([row("section", f"s{i}", 0, 0) for i in range(10)])
    assert flat["explanation"].startswith("no clear rise on untrained sections, where there should be none (0 points, ")
    assert flat["causes"] == []
    few = [control([row("section", f"s{i}", 0, 0) for i in range(n)])["explanation"] for n in (1, 3)]
    assert few[0].startswith(
        "questions about only 1 untrained section: too few to tell a rise (0 points, 95 % interval"
    )
    assert few[1].startswith("questions about only 3 untrained sections: too few")
    assert "fell" in control([row("section", f"s{i}", 1, 0) for i in range(10)])["explanation"]

    risen = [row("section", f"s{i}", 0, 1) for i in range(10)]
    assert control(risen)["causes"] == []
    assert "What may lie behind it: not clear" in control(risen)["explanation"]
    assert control(risen, "unknown")["causes"] == ["leakage"]
    # The same answers are trained elsewhere; and only the tuned model stops by itself.
    trained = [row("wording", f"s{i}", 0, 1) for i in range(10)]
    for answer in risen:
        answer["base"]["stopped_by_eos"] = False
    assert control(risen + trained)["causes"] == ["guessable answers", "format"]


def test_every_score_is_compared_and_all_but_the_primary_one_are_corrected_together() -> None:
    rows = [row("wording", f"s{i}", 0.0, 1.0) for i in range(12)] + [
        row("section", f"t{i}", 0, i % 2) for i in range(12)
    ]
    for answer in rows:
        answer["base"] |= {"repetition": 0.5, "loglik": -3.0}
        answer["tuned"] |= {"repetition": 0.0}
    rows[0]["tuned"]["loglik"] = float("nan")
    levels = summary(rows)["levels"]
    hit, loop, likely = (levels["wording"]["compared"][name] for name in ("fact_hit", "repetition", "loglik"))
    assert "p_holm" not in hit
    assert (loop["better"], loop["wins"], loop["difference"]) == ("lower", 12, -0.5)
    assert (likely["n"], likely["difference"]) == (11, 2.0)
    assert likely["ci95"][0] <= 2.0 <= likely["ci95"][1]
    corrected = [
        block for level in levels.values() for block in level.get("compared", {}).values() if "p_holm" in block
    ]
    assert len(corrected) == 2 * len(levels["wording"]["compared"]) - 1
    assert all(block["p_holm"] >= block["p"] for block in corrected)
    assert "length_ratio" not in levels["wording"]["compared"], "neither long nor short is better"


def test_exact_tests_stand_beside_the_interval_by_question_and_by_section() -> None:
    rows = [row("wording", f"s{i // 5}", 0.0, float(i < 30)) for i in range(40)]
    wording = summary(rows)["levels"]["wording"]
    assert wording["mcnemar"] == {"p": 2 / 2**30, "ignores": "sections"}
    assert wording["by_section"] == {"wins": 6, "ties": 2, "losses": 0, "p": 2 / 2**6}
    assert wording["p"] > wording["mcnemar"]["p"]
    assert summary(rows)["primary"]["smallest_effect"] is None, "sections that go one way whole are few answers"
    more = [row("wording", f"s{i // 5}", 0.0, float(i % 4 > 0)) for i in range(80)]
    assert 0 < summary(more)["primary"]["smallest_effect"] < 0.5


def test_bleu_of_a_level_is_of_all_answers_together_and_a_language_at_a_time() -> None:
    rows = [row("wording", f"s{i}", 0, 1, lang="zh", reference="北京是中国的首都。") for i in range(3)]
    rows.append(row("wording", "e", 0, 1, lang="en", reference="The rocket left the pad on time."))
    for answer in rows:
        answer["tuned"]["answer"] = answer["reference"]
    bleu = summary(rows)["levels"]["wording"]["corpus_bleu"]
    assert {lang: round(sides["tuned"], 6) for lang, sides in bleu.items()} == {"en": 1.0, "zh": 1.0}
    assert bleu["zh"]["base"] < 0.01


def test_bleu_of_all_answers_leaves_thoughts_out_as_every_other_score_does() -> None:
    rows = [row("wording", f"s{i}", 0.0, 1.0, lang="en", reference="It flew in July of that year.") for i in range(3)]
    for one in rows:
        one["tuned"] = one["tuned"] | {"answer": f"<think>Which year?</think>{one['reference']}"}
    assert summary(rows)["levels"]["wording"]["corpus_bleu"]["en"]["tuned"] == pytest.approx(1.0)


def test_yes_or_no_explanations_and_questions_without_facts_stand_apart_from_the_primary_score() -> None:
    rows = [row("wording", f"s{i}", 0.0, 1.0) for i in range(10)]
    recalled = [row("wording", f"e{i}", 0.0, 0.0, kind="explain") for i in range(10)]
    for answer in recalled:
        answer["base"]["fact_recall"], answer["tuned"]["fact_recall"] = 0.25, 0.75
    many = row("wording", "m", 0.0, 0.0, facts=tuple((name,) for name in "abcd"))
    many["base"]["fact_recall"] = many["tuned"]["fact_recall"] = 0.5
    polar = [row("wording", f"p{i}", 1.0, 0.0, facts=(("Yes",),)) for i in range(10)]
    without = row("wording", "n", 0.0, 0.0, facts=())
    found = summary([*rows, *recalled, many, *polar, without])
    assert (found["primary"]["n"], found["primary"]["tuned"]) == (10, 1.0)
    groups = found["groups"]["wording"]
    assert (groups["polar"]["n"], groups["polar"]["difference"]) == (10, -1.0)
    explained = groups["explained"]
    assert (explained["metric"], explained["n"]) == ("fact_recall", 11)
    assert "verdict" not in explained, "a verdict is of a level"
    assert explained["difference"] == pytest.approx(0.5 * 10 / 11)
    assert {kind: block["n"] for kind, block in groups["explained_by_kind"].items()} == {"base": 1, "explain": 10}
    assert groups["unscored"] == 1
    assert sum(found["facts"].values()) == 32


def test_a_level_is_split_by_kind_and_its_wordings_by_how_near_they_are_to_trained_ones() -> None:
    rows = [
        row("wording", f"s{i}", 0.0, 1.0, kind="howto" if i % 3 else "base", nearness="far" if i % 2 else "near")
        for i in range(12)
    ]
    wording = summary(rows)["levels"]["wording"]
    assert {name: block["n"] for name, block in wording["by_kind"].items()} == {"base": 4, "howto": 8}
    assert {name: block["n"] for name, block in wording["by_nearness"].items()} == {"far": 6, "near": 6}
