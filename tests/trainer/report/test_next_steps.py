"""What to do next: each condition is met by records that call for it, and by no others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answered import all_blocks, answer_row, answered, summarise
from wukong_trainer.report.dataset_tables import StageRejects
from wukong_trainer.report.metrics_file import metrics_of
from wukong_trainer.report.metrics_records import Metrics
from wukong_trainer.report.next_steps import MOST, RunRecords, next_steps
from wukong_trainer.report.words import WORDS

EN, ZH = WORDS["en"], WORDS["zh"]
KNOWING, SILENT = "REFERENCE", "I do not know."


def evaluated(base: str = SILENT, tuned: str = KNOWING, n: int = 12, control: str = SILENT, **blocks: Any) -> Metrics:
    """The metrics of n questions of wording, and of as many on sections that were not trained."""
    reference = {i: answer_row("wording", i, "en", "", "")["reference"] for i in range(n)}
    rows = [answer_row("wording", i, "en", base.replace(KNOWING, reference[i]), tuned) for i in range(n)]
    rows += [answer_row("section", i, "en", SILENT, control) for i in range(50, 50 + n)]
    content = summarise(rows, base_model="tiny", adapter="a", leakage="none", settings={"max_new_tokens": 64})
    return metrics_of(json.loads(json.dumps(content)) | blocks)


def first_words(records: RunRecords) -> list[str]:
    return [sentence.split(":")[0].split(",")[0] for sentence in next_steps(records, EN)]


def only(records: RunRecords) -> str:
    """The one sentence that the records call for; it is said in Chinese, too."""
    (said,) = next_steps(records, EN)
    assert len(next_steps(records, ZH)) == 1
    return said


FALLING = [4 / (1 + i / 9) for i in range(120)]
FLAT = [4.0, 2.0, 1.0, *[0.01] * 60]


def test_nothing_is_known_of_an_empty_run() -> None:
    assert next_steps(RunRecords(), EN) == []


@pytest.mark.parametrize("words", [EN, ZH])
def test_a_better_model_that_has_settled_is_to_be_used(words: Mapping[str, str]) -> None:
    assert next_steps(RunRecords(metrics=evaluated(), losses=FLAT, epochs=2), words) == [words["next_use"]]


def test_a_model_that_is_better_and_mostly_wrong_is_not_yet_to_be_used() -> None:
    whole = evaluated()
    low = replace(whole, primary=replace(whole.primary, tuned=0.25))
    assert only(RunRecords(metrics=low)).endswith("25\u00a0% of the answers are right. " + EN["advice_more_rows"])
    command = "wukong-pipe build docs --variants 8 --run it"
    built = RunRecords(metrics=low, manifest={"settings": {"variants": 8}}, commands=[command, "wukong-pipe eval"])
    assert only(built).endswith("`wukong-pipe build docs --variants 16 --run it`"), "whole, to copy"
    unsettled = replace(built, losses=FALLING, epochs=3)
    assert only(unsettled).startswith("The training loss was still falling"), "one advice on training at a time"


def test_a_loss_that_falls_still_asks_for_more_epochs() -> None:
    falling = RunRecords(losses=FALLING, epochs=3, commands=["wukong-pipe train --epochs 3 --run it"])
    assert only(falling).endswith("`wukong-pipe train --epochs 6 --run it --overwrite`")
    assert only(replace(falling, commands=["wukong-pipe demo"])).endswith("`--epochs 6 --overwrite`")
    assert next_steps(RunRecords(losses=FLAT, epochs=3), EN) == []


def test_a_risen_validation_loss_asks_for_fewer_whatever_the_training_loss_does() -> None:
    risen = RunRecords(losses=FALLING, validation=[2.0, 1.0, 1.5], epochs=3)
    assert "rose from 1.000 to 1.500" in only(risen)
    assert next_steps(replace(risen, best_kept=True), EN) == []


def test_too_few_sections_ask_for_more_of_them() -> None:
    assert "about 4 sections, and a verdict needs 8" in only(RunRecords(metrics=evaluated(n=4)))


def test_a_sample_without_a_verdict_asks_for_all_questions_instead() -> None:
    assert "without `--limit`" in only(RunRecords(metrics=evaluated(n=4, sample={"asked": 8, "of": 40})))


def test_no_difference_says_what_the_test_would_have_found() -> None:
    said = only(RunRecords(metrics=evaluated(tuned=SILENT), manifest={"settings": {"variants": 0}}))
    assert "`--variants 4`" in said
    assert "A true difference of" in said


def test_a_base_that_knows_the_answers_leaves_nothing_to_gain() -> None:
    assert "The base alone answers 100\u00a0% rightly" in only(RunRecords(metrics=evaluated(base=KNOWING)))


def test_harm_comes_first() -> None:
    said = first_words(RunRecords(metrics=evaluated(base=KNOWING, tuned=SILENT), losses=FALLING, epochs=3))
    assert said[0] == "Tuning did harm (new wording"
    assert len(said) == 2
    assert "falling" not in " ".join(said), "no more of what did harm"


def test_a_fall_on_general_questions_asks_for_general_rows() -> None:
    fallen = {"n": 20, "base": 0.75, "tuned": 0.25, "difference": -0.5, "ci95": [-0.7, -0.2], "dropped": 0}
    rest = {"loglik": {"n": 0, "base": 0.0, "tuned": 0.0, "difference": 0.0, "ci95": None}, "by_lang": {}}
    block = fallen | rest | {"explanation": ""}
    forgetting = evaluated(forgetting=block)
    said = next_steps(RunRecords(metrics=forgetting), EN)
    assert "--mix own:0.25" in said[0]
    assert said[1:] == [], "and it is not to be used as it is"
    unshown = evaluated(forgetting=block | {"ci95": [-0.7, 0.1]})
    assert next_steps(RunRecords(metrics=unshown), EN) == [EN["next_use"]]
    likelihoods = {"n": 20, "base": -7.0, "tuned": -9.0, "difference": -2.0, "ci95": [-2.9, -1.3]}
    less_likely = evaluated(forgetting=block | {"ci95": [-0.7, 0.1], "loglik": likelihoods})
    assert next_steps(RunRecords(metrics=less_likely), EN) == said


def test_answers_that_were_cut_off_are_counted() -> None:
    whole = evaluated()
    level = whole.levels["wording"]
    cut = replace(level, tuned=level.tuned | {"stopped_by_eos": 0.75})
    said = next_steps(RunRecords(metrics=replace(whole, levels=whole.levels | {"wording": cut})), EN)[0]
    assert said.startswith("25\u00a0% of the tuned model’s answers were cut off at 64 tokens")


def test_inventions_are_named_where_tuning_made_more_or_there_are_many() -> None:
    blocks = all_blocks([answered(answer_row("wording", i, "en", "I know.", KNOWING)) for i in range(10)])
    found = json.loads(json.dumps(blocks))["hallucination"]
    assert next_steps(RunRecords(metrics=evaluated(hallucination=found)), EN) == [EN["next_use"]]
    many = found | {"tuned": found["base"]}
    said = next_steps(RunRecords(metrics=evaluated(hallucination=many)), EN)[0]
    assert said.startswith("100\u00a0% of the tuned model’s answers state something from nowhere")


def test_a_gain_near_to_the_trained_wordings_alone_asks_for_more_of_them() -> None:
    whole = evaluated()
    level = whole.levels["wording"]
    far = replace(level, difference=0.04, ci95=(-0.1, 0.2))
    parted = replace(level, by_nearness={"near": level, "far": far})
    said = next_steps(RunRecords(metrics=replace(whole, levels=whole.levels | {"wording": parted})), EN)[0]
    assert "(+100 points)" in said
    assert "(+4)" in said


def test_a_judge_that_sees_it_otherwise_is_to_be_read_first() -> None:
    rows = [answered(answer_row("wording", i, "en", SILENT, KNOWING)) for i in range(8)]
    grades = json.loads(json.dumps(all_blocks(rows)))["grades"]
    of_score = grades["levels"]["wording"]["of_score"]
    of_score["tuned"]["kappa"] = 0.25
    assert "(kappa 0.25)" in next_steps(RunRecords(metrics=evaluated(grades=grades)), EN)[0]
    of_score["tuned"]["kappa"] = 0.8
    assert next_steps(RunRecords(metrics=evaluated(grades=grades)), EN) == [EN["next_use"]]


def test_sections_short_of_their_quota_ask_for_another_asking() -> None:
    def with_short(short: int) -> RunRecords:
        return RunRecords(sections=[{"wanted": 4, "short": i < short} for i in range(10)] + [{"short": False}])

    assert only(with_short(2)).startswith("2 of 10 sections fell short")
    assert next_steps(with_short(1), EN) == []


@pytest.mark.parametrize(
    ("n", "stage", "is_named"), [(25, "base_qa", True), (9, "base_qa", False), (25, "dedupe", False)]
)
def test_a_reason_that_took_a_large_share_of_the_candidates_is_named(n: int, stage: str, is_named: bool) -> None:
    refused = StageRejects(n, [("the answer is not in its evidence", n, [])], 0)
    records = RunRecords(rejects={stage: refused}, manifest={"accounting": {"base_qa": {"received": 100}}})
    said = next_steps(records, EN)
    assert bool(said) == is_named
    assert not said or "25 of 100 candidates (questions) were refused" in said[0]


def test_a_weak_verifier_is_named() -> None:
    reader = {"caught": 6, "of_false": 12, "passed": 12, "of_true": 12, "may_clear": False, "may_deny": True}
    verify = {"model": "small", "asked": 9, "supported": 8, "rejected": 1, "unanswered": 0, "sample": {"asked": 0}}
    weak = RunRecords(manifest={"verify": verify | {"calibration": {"en": reader}}})
    assert "The verifier small caught 6 of 12" in only(weak)
    strong = RunRecords(manifest={"verify": verify | {"calibration": {"en": reader | {"may_clear": True}}}})
    assert next_steps(strong, EN) == []


def test_the_list_stays_short() -> None:
    sections = [{"wanted": 4, "short": True}]
    refused = {"base_qa": StageRejects(50, [("x", 50, [])], 0), "answers": StageRejects(50, [("x", 50, [])], 0)}
    manifest = {"accounting": {"base_qa": {"received": 60}}}
    metrics = evaluated(base=KNOWING, tuned=SILENT)
    level = metrics.levels["wording"]
    level = replace(level, tuned=level.tuned | {"stopped_by_eos": 0.0})
    cut = replace(metrics, levels=metrics.levels | {"wording": level})
    records = RunRecords(metrics=cut, losses=FALLING, epochs=1, sections=sections, rejects=refused, manifest=manifest)
    assert len(next_steps(records, EN)) == MOST
