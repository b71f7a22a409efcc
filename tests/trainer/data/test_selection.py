from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from wukong_pipe.errors import DataError
from wukong_trainer.data.examples import Example, TrainingData, digest_of
from wukong_trainer.data.selection import Mix, cleaned, garbage, mixed, parse_mix, sampled, selected, split_off
from wukong_trainer.recipe import Recipe, load_recipe, overridden


def rows(count: int, prefix: str = "") -> list[Example]:
    return [Example(f"{prefix}第{i}问？", f"答{i}", where=f"{prefix}rows, line {i + 1}") for i in range(count)]


def data_of(*examples: Example, validation: list[Example] | None = None) -> TrainingData:
    return TrainingData(list(examples), validation or [], digest_of(examples))


@pytest.fixture
def plain() -> Recipe:
    """A recipe that takes all rows as they are."""
    return load_recipe("tiny")


def test_a_recipe_that_asks_for_nothing_changes_nothing(plain: Recipe) -> None:
    data = data_of(*rows(5))
    assert selected(data, plain) == data


def test_exact_duplicates_and_garbage_are_left_out_and_each_is_listed_with_its_reason() -> None:
    twin = Example("第1问？", "答1", where="rows, line 9")
    other = Example("第1问？", "另一个答案", where="rows, line 10")
    broken = Example("乱码？", "锟斤拷锟斤拷", where="rows, line 11")
    data = cleaned(data_of(*rows(3), twin, other, broken))
    assert data.train == [*rows(3), other]
    assert data.left_out == [
        {"row": "rows, line 9", "reason": "duplicate of rows, line 2"},
        {"row": "rows, line 11", "reason": "garbage: characters lost to a wrong encoding"},
    ]
    assert data.facts["cleaned"] == "2 of 6 rows left out: 1 exact duplicates, 1 garbage"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("天命人".encode().decode("latin-1"), "wrong encoding"),
        ("it\u2019s".encode().decode("cp1252"), "wrong encoding"),
        ("一\ufffd二", "wrong encoding"),
        ("一\x00二", "control"),
        ("？！……", "no letter"),
        ("哈" * 20, "twenty times"),
        ("它的高度是 1000000000000000000000000 米。", ""),
        ("42", ""),
        ("São Paulo, naïve café, Ångström", ""),
        ("第一行\n\t第二行", ""),
        ("哈" * 19, ""),
        ("立即购买！点击链接", ""),
    ],
)
def test_garbage_is_what_can_teach_nothing_and_no_more(answer: str, told: str) -> None:
    reason = garbage(Example("问？", answer))
    assert told in reason
    assert bool(told) == bool(reason)


def test_a_sample_is_a_seeded_share_and_the_rest_is_listed() -> None:
    data = sampled(data_of(*rows(200)), 0.05, 7)
    assert data == sampled(data_of(*rows(200)), 0.05, 7)
    assert data.train != sampled(data_of(*rows(200)), 0.05, 8).train
    assert (len(data.train), len(data.left_out)) == (10, 190)
    assert {row.where for row in data.train}.isdisjoint(entry["row"] for entry in data.left_out)


def test_a_sample_of_few_rows_holds_at_least_one() -> None:
    assert len(sampled(data_of(*rows(3)), 0.01, 0).train) == 1


def test_the_split_is_the_tutorials_own() -> None:
    """random.seed(42); random.shuffle(rows); the first 90 % are trained."""
    theirs = rows(50)
    random.Random(42).shuffle(theirs)
    data = split_off(data_of(*rows(50)), 0.1, 42)
    assert set(data.train) == set(theirs[:45])
    assert set(data.validation) == set(theirs[45:])
    assert data.facts["validation"] == "5 of 50 rows, split off with seed 42"


def test_no_watched_question_is_trained_in_another_row_or_a_later_turn() -> None:
    again = [Example(f"第{i}问！", "另一个") for i in range(20)]
    later = [Example("继续", "好", history=((f"第{i}问？", f"答{i}"),)) for i in range(20)]
    data = split_off(data_of(*rows(20), *again, *later), 0.25, 1)
    assert len(data.validation) == 15
    assert {row.instruction for row in data.validation if not row.history}.isdisjoint(
        row.instruction for row in data.train
    )
    assert {row.history[0][0] for row in data.validation if row.history}.isdisjoint(
        row.history[0][0] for row in data.train if row.history
    )


def test_data_with_validation_rows_of_its_own_keeps_them() -> None:
    data = split_off(data_of(*rows(9), validation=rows(2, "v")), 0.5, 0)
    assert (len(data.train), data.validation) == (9, rows(2, "v"))


def test_rows_that_all_ask_the_same_cannot_be_split_and_it_says_so() -> None:
    data = split_off(data_of(Example("问？", "一"), Example("问？", "二")), 0.5, 0)
    assert (len(data.train), data.validation) == (2, [])
    assert data.facts["validation"].startswith("none")


@pytest.fixture
def general(tmp_path: Path) -> Path:
    path = tmp_path / "general.jsonl"
    lines = [json.dumps({"question": f"general {i}?", "answer": "yes"}) for i in range(30)]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_general_rows_make_up_their_share_and_the_dataset_is_another_one(general: Path) -> None:
    data = data_of(*rows(90))
    both = mixed(data, Mix(general, 0.1), 3)
    assert both == mixed(data, Mix(general, 0.1), 3)
    assert [row.instruction.startswith("general") for row in both.train] == [False] * 90 + [True] * 10
    assert both.hash != data.hash
    assert len(both.questions()) == 100
    assert both.facts["mixed in"] == f"10 of the 30 rows of {general}, 10.0% of the training rows"


def test_too_few_general_rows_are_all_taken_and_it_says_so(general: Path) -> None:
    both = mixed(data_of(*rows(30)), Mix(general, 0.8), 0)
    assert len(both.train) == 60
    assert "50.0% of the training rows (all there are; 80% would take 120)" in both.facts["mixed in"]


def test_a_general_question_that_is_watched_or_tested_is_not_trained(general: Path) -> None:
    data = data_of(*rows(70), validation=[Example("General 3", "?")])
    both = mixed(data, Mix(general, 0.3), 0, [Example("General 5", "?")])
    assert not {"general 3?", "general 5?"} & {row.instruction for row in both.train}
    reason = "its question is watched or tested"
    assert both.left_out == [{"row": f"{general}, line {line}", "reason": reason} for line in (4, 6)]


def test_a_students_own_rows_wait_for_the_student() -> None:
    mix = parse_mix("own:0.2")
    assert mix.is_own
    assert not parse_mix("./own.jsonl:0.2").is_own
    assert mix.rows_beside(40) == 10
    assert selected(data_of(*rows(40)), load_recipe("tiny"), mix).train == rows(40)


@pytest.mark.parametrize("text", ["rows.jsonl", "rows.jsonl:2", "rows.jsonl:0", ":0.1", "rows.jsonl:nan", "a:b"])
def test_a_mix_that_is_not_written_so_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="FILE:SHARE"):
        parse_mix(text)


def test_a_mix_names_a_file_and_a_share() -> None:
    assert parse_mix("data:x/general.jsonl:0.25") == Mix(Path("data:x/general.jsonl"), 0.25)


def test_reasoning_that_is_not_trained_is_counted(plain: Recipe) -> None:
    data = data_of(Example("问？", "答", think="想"), *rows(2))
    assert selected(data, plain).facts["reasoning"].startswith("1 rows have some")
    assert "reasoning" not in selected(data, overridden(plain, thinking=True)).facts


def test_cleaning_comes_before_the_sample_and_the_split(plain: Recipe) -> None:
    data = data_of(*rows(100), *rows(100))
    recipe = overridden(plain, clean=True, sample=0.5, validation=0.2)
    done = selected(data, recipe)
    assert (len(done.train), len(done.validation), len(done.left_out)) == (40, 10, 150)


def test_nothing_left_to_train_on_is_an_error(plain: Recipe) -> None:
    with pytest.raises(DataError, match="None of the rows"):
        selected(data_of(Example("？", "！")), overridden(plain, clean=True))
