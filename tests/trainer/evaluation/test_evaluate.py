from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.once import made_once
from tests.support.precision import in_both_precisions
from tests.trainer.conftest import FACTS
from wukong_pipe.errors import DataError, ModelError, WorkspaceError
from wukong_pipe.files import read_json, read_jsonl, sha256_of, write_json
from wukong_pipe.workspace import RECORD, Run
from wukong_trainer.data.examples import TrainingData
from wukong_trainer.data.files import read_training_data
from wukong_trainer.data.selection import Mix, mixed, split_off
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.history import history_of
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.evaluation.sources import NoSources
from wukong_trainer.inference.generate import Answer, prompt_text
from wukong_trainer.models.loading import Place
from wukong_trainer.recipe import Recipe, overridden
from wukong_trainer.training import sft

SETTINGS = Settings(batch=8, max_new_tokens=8)


def row(number: int, question: str, answer: str, level: str = "wording") -> dict[str, Any]:
    return {
        "instruction": question,
        "input": "",
        "output": answer,
        "id": f"row{number}",
        "pair_id": f"pair{number}",
        "section_id": f"section{number % 4}",
        "kind": "paraphrase",
        "level": level,
        "lang": "zh",
        "source": "a.md",
        "heading_path": ["棍"],
    }


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> Run:
    """A run with an adapter, and test questions that it was not trained on; trained once, and each test's own copy."""

    def train(folder: Path) -> None:
        run = Run(folder / "run")
        run.dataset.mkdir(parents=True)
        write(run.dataset / "train.jsonl", [row(i, question, answer) for i, (question, answer) in enumerate(FACTS)])
        sft.train(run, read_training_data(run.dataset), recipe, evaluate=False)
        rows = [row(i, f"请你告诉我，{question}", answer) for i, (question, answer) in enumerate(FACTS[:6])]
        write(run.dataset / "test.jsonl", [*rows, row(9, "未训练的是什么？", "丁", "section")])
        as_built(run)

    shutil.copytree(made_once(tmp_path_factory, f"evaluated-{recipe.precision}", train) / "run", tmp_path / "run")
    return Run(tmp_path / "run")


def as_built(run: Run) -> None:
    """Note the dataset's files as a build does that has audited them."""
    files = {name: sha256_of(run.dataset / name) for name in ("train.jsonl", "test.jsonl")}
    write_json(run.manifest, {"files": files})


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rows), "utf-8")


def test_base_and_tuned_answer_every_question_and_all_of_it_is_kept(run: Run) -> None:
    metrics, answers = evaluate(run, SETTINGS)
    assert read_json(run.metrics) == json.loads(json.dumps(metrics))
    assert read_jsonl(run.answers) == json.loads(json.dumps(answers))
    assert len(answers) == 7
    assert metrics["primary"]["n"] == 6
    assert metrics["leakage"] == "none"
    assert metrics["levels"]["section"]["n"] == 1
    for answer in answers:
        for name in ("base", "tuned"):
            assert {"answer", "stopped_by_eos", "loglik", "fact_hit", "f1"} <= answer[name].keys()


@in_both_precisions
def test_the_tuned_student_finds_the_answers_likelier_than_its_base(run: Run) -> None:
    metrics, _ = evaluate(run, SETTINGS)
    wording = metrics["levels"]["wording"]
    assert wording["tuned"]["loglik"] > wording["base"]["loglik"]


@in_both_precisions
def test_base_answers_are_those_of_the_model_without_its_adapter_in_the_precision_of_the_training(
    run: Run, recipe: Recipe, place: Place
) -> None:
    from wukong_trainer.data.examples import chat_prompt
    from wukong_trainer.inference.generate import answer_all
    from wukong_trainer.models.loading import load_model, load_tokenizer

    metrics, answers = evaluate(run, SETTINGS)
    model = load_model(recipe.model, "qlora", place)
    prompts = [chat_prompt(answer["instruction"], recipe.system) for answer in answers]
    alone = answer_all(model, load_tokenizer(recipe.model), prompts, 8, 8)
    assert [answer["base"]["answer"] for answer in answers] == [answer.text for answer in alone]
    assert metrics["settings"]["precision"] == f"NF4, {str(place.dtype).removeprefix('torch.')}"


def test_an_adapter_trained_on_test_questions_is_refused_or_they_are_dropped_and_counted(run: Run) -> None:
    rows = read_jsonl(run.dataset / "test.jsonl")
    write(run.dataset / "test.jsonl", [*rows, row(20, f" {FACTS[0][0]} ", FACTS[0][1])])
    with pytest.raises(ModelError, match=r"trained on 1 of these 8 test questions.*--drop-leaked"):
        evaluate(run, SETTINGS)
    assert not run.metrics.exists()
    as_built(run)
    metrics, answers = evaluate(run, Settings(batch=8, max_new_tokens=8, drop_leaked=True))
    assert metrics["leakage"] == "dropped 1"
    assert len(answers) == 7


def test_a_light_rewording_of_a_trained_question_is_a_leak_in_any_test_but_the_audited_one(
    run: Run, tmp_path: Path
) -> None:
    rows = [row(30, "请问第7号棍的来历是什么？", "甲"), row(31, "第99号棍的来历是什么？", "乙")]
    write(tmp_path / "mine.jsonl", rows)
    lightly = "trained on 1 of these 2 test questions, 1 of them lightly reworded (“请问第7号棍的来历是什么？”"
    with pytest.raises(ModelError, match=re.escape(f"{lightly} for “第7号棍的来历是什么”, 0.80 alike)")):
        evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")
    metrics, answers = evaluate(run, replace(SETTINGS, drop_leaked=True), test=tmp_path / "mine.jsonl")
    assert [answer["id"] for answer in answers] == ["row31"]
    assert metrics["leakage"] == "dropped 1, rest unknown", "the build has audited other rows"
    assert metrics["leak_check"] == {"audit": "other test", "closest": 0.0}
    # The build has looked at the same words, and knows more names than eval does.
    write(run.dataset / "test.jsonl", rows)
    as_built(run)
    metrics, _ = evaluate(run, SETTINGS)
    assert (metrics["leakage"], metrics["leak_check"]) == ("none", {"audit": "stands", "closest": None})


class Apes(NoSources):
    """A corpus that tells two kinds of ape apart."""

    def names(self) -> frozenset[str]:
        return frozenset({"猴王", "猴子"})


def test_twins_that_name_other_things_are_no_leak_where_the_corpus_s_names_are_known(
    run: Run, tmp_path: Path, recipe: Recipe
) -> None:
    write(tmp_path / "rows.jsonl", [row(1, "花果山的猴王后来怎样了？", "甲"), row(2, "水帘洞里有什么？", "乙")])
    sft.train(run, read_training_data(tmp_path / "rows.jsonl"), overridden(recipe, epochs=0.5), evaluate=False)
    write(
        tmp_path / "mine.jsonl", [row(3, "在花果山的猴王后来怎样了？", "丙"), row(4, "花果山的猴子后来怎样了？", "丁")]
    )
    asked = replace(SETTINGS, drop_leaked=True)
    _, answers = evaluate(run, asked, Apes(), test=tmp_path / "mine.jsonl")
    assert [answer["id"] for answer in answers] == ["row4"]


@pytest.mark.parametrize("name", ["train.jsonl", "test.jsonl"])
def test_files_edited_since_the_build_are_not_audited_and_the_verdict_says_so(run: Run, name: str) -> None:
    with (run.dataset / name).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row(40, "山后的石桥是谁修的？", "石匠"), ensure_ascii=False) + "\n")
    metrics, _ = evaluate(run, SETTINGS)
    assert metrics["leakage"] == "unknown"
    assert metrics["leak_check"]["audit"] == "edited"
    assert 0 < metrics["leak_check"]["closest"] < 0.7


def test_rows_that_no_build_made_were_audited_by_nobody(run: Run) -> None:
    run.manifest.unlink()
    metrics, _ = evaluate(run, SETTINGS)
    assert (metrics["leakage"], metrics["leak_check"]["audit"]) == ("unknown", "none")


def test_an_evaluation_of_a_sample_says_of_how_many_questions_it_is_one(run: Run) -> None:
    metrics, _ = evaluate(run, replace(SETTINGS, limit=3))
    assert metrics["sample"] == {"asked": 3, "of": 7}
    metrics, _ = evaluate(run, replace(SETTINGS, limit=7))
    assert metrics["sample"] is None
    assert [entry["sample"] for entry in read_jsonl(history_of(run))] == [{"asked": 3, "of": 7}, None]


def test_a_sample_counts_what_is_left_after_leaks_were_dropped_and_dropping_alone_makes_none(
    run: Run, tmp_path: Path
) -> None:
    leak = row(20, *FACTS[0])
    write(tmp_path / "mine.jsonl", [leak, row(21, "谁修了山后的石桥？", "石匠"), row(22, "山门前有几棵松树？", "三棵")])
    for limit, sample in ((2, {"asked": 1, "of": 3}), (None, None)):
        settings = replace(SETTINGS, limit=limit, drop_leaked=True)
        metrics, answers = evaluate(run, settings, test=tmp_path / "mine.jsonl")
        assert metrics["leakage"] == "dropped 1, rest unknown"
        assert metrics["sample"] == sample
        assert len(answers) == (1 if limit else 2)


def test_an_adapter_without_its_record_makes_leakage_unknown(run: Run, recipe: Recipe) -> None:
    record = read_json(run.adapter / RECORD)
    del record["questions"]
    write_json(run.adapter / RECORD, record)
    metrics, _ = evaluate(run, SETTINGS, base_model=recipe.model)
    assert metrics["leakage"] == "unknown"


class Polite(NoSources):
    """A corpus whose questions were made with two templates."""

    def form(self, question: str) -> str:
        return "polite" if question.startswith("请你") else "plain"


def test_after_a_rebuild_nobody_knows_whether_the_new_questions_leak(run: Run) -> None:
    write(run.dataset / "train.jsonl", [row(0, "另一个问题是什么？", "另一个答案")])
    metrics, answers = evaluate(run, SETTINGS, Polite())
    assert metrics["leakage"] == "unknown"
    assert {answer["form"] for answer in answers} == {""}


def test_rows_that_name_no_section_stand_each_for_itself_and_those_of_a_group_count_once(
    run: Run, tmp_path: Path
) -> None:
    plain = [{"instruction": f"第{i}个谁？", "output": f"铁匠{i}"} for i in range(10)]
    write(tmp_path / "mine.jsonl", plain)
    metrics, answers = evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")
    primary = metrics["primary"]
    assert (primary["sections"], primary["alone"]) == (10, 10)
    assert primary["verdict"] == "no evidence"
    assert len({answer["cluster"] for answer in answers}) == 10
    for key in ("group", "section_id"):
        grouped = [entry | {key: f"g{i % 3}"} for i, entry in enumerate(plain)]
        write(tmp_path / "mine.jsonl", grouped)
        metrics, _ = evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")
        assert (metrics["primary"]["sections"], metrics["primary"]["alone"]) == (3, 0)
        assert metrics["primary"]["verdict"] == "too few sections"


def test_an_input_is_asked_and_checked_for_leaks_as_it_was_trained(run: Run, recipe: Recipe, tmp_path: Path) -> None:
    rows = [{"instruction": "译", "input": word, "output": "词"} for word in ("猴", "马")]
    write(tmp_path / "translate.jsonl", rows)
    sft.train(run, read_training_data(tmp_path / "translate.jsonl"), recipe, evaluate=False)
    with pytest.raises(ModelError, match="trained on 2 of these 2"):
        evaluate(run, SETTINGS, test=tmp_path / "translate.jsonl")


@pytest.mark.parametrize(
    "wrong",
    [
        {"instruction": "", "output": "x"},
        {"instruction": "问", "output": " "},
        {"instruction": "问", "output": "答", "level": "hard"},
        {"instruction": "问", "output": "答", "heading_path": 5},
        {"instruction": "问", "output": "答", "source": ["a.md"]},
    ],
)
def test_a_wrong_test_row_is_named_before_anything_is_asked(run: Run, tmp_path: Path, wrong: dict[str, Any]) -> None:
    write(tmp_path / "mine.jsonl", [wrong])
    with pytest.raises(DataError, match=r"mine\.jsonl, line 1"):
        evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")


def test_an_adapter_of_another_base_model_is_refused(run: Run, recipe: Recipe, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(recipe.model, other)
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    with pytest.raises(ModelError, match="trained on another base model"):
        evaluate(run, SETTINGS, base_model=str(other))


def test_eval_before_train_names_the_command_that_comes_first(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="wukong-pipe train --run empty"):
        evaluate(Run(tmp_path / "empty"), SETTINGS)


def test_instruction_and_output_rows_will_do_for_a_test(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "mine.jsonl", [{"instruction": "谁打造了它？", "output": "铁匠", "id": 7}])
    metrics, answers = evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")
    assert metrics["primary"]["n"] == 1
    assert answers[0]["lang"] == "zh"


def test_a_limit_takes_questions_from_all_over_the_file(run: Run) -> None:
    _, answers = evaluate(run, Settings(batch=8, max_new_tokens=2, limit=2))
    assert [answer["id"] for answer in answers] == ["row0", "row3"]


def test_wordings_are_told_apart_by_whether_their_form_was_trained(run: Run) -> None:
    _, answers = evaluate(run, SETTINGS, Polite())
    assert {answer["form"] for answer in answers if answer["level"] == "wording"} == {"unseen"}
    assert {answer["form"] for answer in answers if answer["level"] == "section"} == {"seen"}


def test_a_fully_tuned_model_is_compared_with_its_base(tmp_path: Path, data: TrainingData, recipe: Recipe) -> None:
    from wukong_trainer.recipe import overridden

    run = Run(tmp_path / "full")
    sft.train(run, data, overridden(recipe, method="full", epochs=1.0), evaluate=False)
    write(tmp_path / "mine.jsonl", [{"instruction": "谁打造了它？", "output": "铁匠"}])
    metrics, _ = evaluate(run, SETTINGS, test=tmp_path / "mine.jsonl")
    assert metrics["adapter"] == "model"


def test_rows_split_off_may_be_tested_and_rows_trained_may_not(tmp_path: Path, recipe: Recipe) -> None:
    run = Run(tmp_path / "run")
    rows = [{"question": question, "answer": answer} for question, answer in FACTS]
    write(tmp_path / "rows.jsonl", rows)
    data = split_off(read_training_data(tmp_path / "rows.jsonl"), 0.25, 42)
    sft.train(run, data, overridden(recipe, epochs=0.5), evaluate=False)
    write(tmp_path / "watched.jsonl", [example.to_json() for example in data.validation])
    metrics, answers = evaluate(run, SETTINGS, test=tmp_path / "watched.jsonl")
    assert metrics["leakage"] == "unknown", "no build has held these pairs or sections out"
    assert len(answers) == 6
    with pytest.raises(ModelError, match="trained on 18 of these 24"):
        evaluate(run, SETTINGS, test=tmp_path / "rows.jsonl")


def test_a_later_turn_is_no_leak_of_the_same_words_after_another_beginning(tmp_path: Path, recipe: Recipe) -> None:
    def talk(topic: str) -> dict[str, Any]:
        turns = [("user", f"讲讲{topic}。"), ("assistant", topic), ("user", "继续。"), ("assistant", "好。")]
        return {"messages": [{"role": role, "content": text} for role, text in turns]}

    run = Run(tmp_path / "run")
    write(tmp_path / "rows.jsonl", [talk("山"), talk("水")])
    sft.train(run, read_training_data(tmp_path / "rows.jsonl"), overridden(recipe, epochs=1.0), evaluate=False)
    write(tmp_path / "other.jsonl", [talk("火")])
    metrics, answers = evaluate(run, SETTINGS, test=tmp_path / "other.jsonl")
    assert [answer["instruction"] for answer in answers] == ["讲讲火。", "继续。"]
    assert metrics["leakage"] == "unknown"
    write(tmp_path / "other.jsonl", [talk("水")])
    with pytest.raises(ModelError, match="trained on 2 of these 2"):
        evaluate(run, SETTINGS, test=tmp_path / "other.jsonl")


def test_with_general_rows_mixed_in_the_run_s_own_audit_no_longer_speaks_for_the_adapter(
    run: Run, tmp_path: Path, recipe: Recipe
) -> None:
    write(tmp_path / "general.jsonl", [{"instruction": f"general {i}?", "output": "yes"} for i in range(9)])
    data = mixed(read_training_data(run.dataset), Mix(tmp_path / "general.jsonl", 0.1), 0)
    sft.train(run, data, overridden(recipe, epochs=0.5), evaluate=False)
    metrics, _ = evaluate(run, SETTINGS)
    assert metrics["leakage"] == "unknown"


@pytest.mark.parametrize("style", ["chat", "instruction"])
def test_what_was_thought_before_an_answer_is_not_scored(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, style: Any
) -> None:
    run = Run(tmp_path / "run")
    rows = [{"question": question, "think": "想", "answer": answer} for question, answer in FACTS]
    write(tmp_path / "rows.jsonl", rows)
    data = split_off(read_training_data(tmp_path / "rows.jsonl"), 0.25, 42)
    sft.train(run, data, overridden(recipe, style=style, thinking=True, epochs=0.5), evaluate=False)
    write(tmp_path / "watched.jsonl", [example.to_json() for example in data.validation])
    asked: list[str] = []

    def answer_all(model: Any, tokenizer: Any, prompts: Any, *rest: Any, **how: Any) -> list[Answer]:  # noqa: ARG001
        asked.extend(prompt_text(tokenizer, messages, **how) for messages in prompts)
        return [Answer(f"<think>\n{'无关' * 9}\n</think>\n\n{row.output}", True) for row in data.validation][
            : len(prompts)
        ]

    monkeypatch.setattr("wukong_trainer.inference.asked_models.answer_all", answer_all)
    metrics, answers = evaluate(run, replace(SETTINGS, general=0), test=tmp_path / "watched.jsonl")
    assert metrics["levels"]["wording"]["tuned"]["length_ratio"] == 1
    assert answers[0]["tuned"]["answer"].startswith("<think>")
    assert {"\n\nInstruction: " in text for text in asked} == {style == "instruction"}
