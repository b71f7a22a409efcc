"""What a tuned model says when it is asked on its own: that of the evaluation, whole or piece by piece."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.precision import in_both_precisions
from tests.support.tuning import ANSWER, FACTS, SYSTEM
from wukong_pipe.errors import ModelError
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.evaluation.evaluate import evaluate
from wukong_trainer.evaluation.settings import Settings
from wukong_trainer.inference.generate import stream
from wukong_trainer.models.loading import Place
from wukong_trainer.recipe import Precision
from wukong_trainer.use.chat import Conversation, apart
from wukong_trainer.use.tuned_model import Tuned, ask, ask_base, load_tuned

QUESTION = FACTS[-1][0]


@pytest.fixture(scope="module")
def tuned(tuned_run: Run) -> Tuned:
    return load_tuned(tuned_run)


@in_both_precisions
def test_it_answers_in_the_precision_of_its_training_what_it_was_trained_on_and_its_base_does_not(
    tuned_run_in: Callable[[Precision], Run], precision: Precision, place: Place
) -> None:
    tuned = load_tuned(tuned_run_in(precision))
    assert tuned.model.dtype is place.dtype
    assert ask(tuned, QUESTION, 20).text == ANSWER
    assert ask(tuned, QUESTION, 20).stopped_by_eos
    assert ask_base(tuned, QUESTION, 20).text != ANSWER


def test_both_say_what_the_evaluation_heard(tuned: Tuned, tuned_run: Run, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(tuned_run.folder, run.folder)
    (run.dataset / "test.jsonl").write_text('{"instruction": "丁是什么？", "output": "戊"}\n', "utf-8")
    _, (row,) = evaluate(run, Settings(batch=1, max_new_tokens=12))
    assert ask(tuned, "丁是什么？", 12).text == row["tuned"]["answer"]
    assert ask_base(tuned, "丁是什么？", 12).text == row["base"]["answer"]


def test_a_base_with_other_weights_is_refused(tuned_run: Run, tuned: Tuned, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tuned.base, other)
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\x00\x00\x80\x3f")
    with pytest.raises(ModelError, match="trained on another base model"):
        load_tuned(tuned_run, str(other))


def test_a_conversation_starts_with_the_prompt_of_the_training(tuned: Tuned) -> None:
    assert tuned.system == SYSTEM
    turns = [
        {"role": "user", "content": "一"},
        {"role": "assistant", "content": "二"},
        {"role": "user", "content": "三"},
    ]
    assert tuned.prompt(turns[:1]) == chat_prompt("一", SYSTEM)
    assert tuned.prompt(turns) == [*chat_prompt("一", SYSTEM), *turns[1:]]


def user(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}]


def test_the_pieces_of_an_answer_make_up_the_answer(tuned: Tuned) -> None:
    for question in (QUESTION, "别的问题是什么？"):
        pieces = list(stream(tuned.model, tuned.tokenizer, tuned.text(user(question)), 12))
        assert "".join(pieces).strip() == ask(tuned, question, 12).text


def test_closing_the_stream_stops_the_model(tuned: Tuned) -> None:
    threads = threading.active_count()
    # The base has not learnt to stop, and all that it may say takes long.
    with tuned.model.disable_adapter():
        started = time.monotonic()
        pieces = stream(tuned.model, tuned.tokenizer, tuned.text(user(QUESTION)), 120)
        next(pieces)
        pieces.close()
        stopped = time.monotonic() - started
        list(stream(tuned.model, tuned.tokenizer, tuned.text(user(QUESTION)), 120))
    assert threading.active_count() == threads
    assert stopped < (time.monotonic() - started) / 2


def test_what_the_model_raises_is_raised_to_who_reads_the_stream(tuned: Tuned) -> None:
    with pytest.raises(ValueError, match="max_new_tokens"):
        list(stream(tuned.model, tuned.tokenizer, tuned.text(user(QUESTION)), -1))


def test_a_conversation_remembers_its_turns_until_it_is_cleared(tuned: Tuned) -> None:
    conversation = Conversation(tuned, 20)
    said = "".join(text for _, text in conversation.answer(QUESTION))
    assert said == ANSWER
    list(conversation.answer("为什么？"))
    assert [turn["role"] for turn in conversation.turns] == ["user", "assistant", "user", "assistant"]
    assert conversation.turns[1]["content"] == ANSWER
    conversation.clear()
    assert "".join(text for _, text in conversation.answer(QUESTION)) == ANSWER


def test_an_answer_that_is_stopped_stays_in_the_conversation_as_far_as_it_went(tuned: Tuned) -> None:
    conversation = Conversation(tuned, 20)
    with closing(conversation.answer(QUESTION)) as pieces:
        _, first = next(pieces)
    assert conversation.turns[-1] == {"role": "assistant", "content": first.strip()}


@pytest.mark.parametrize(
    ("text", "opened", "expected"),
    [
        ("<think>\n先想想\n</think>\n\n答案", False, [(True, "先想想\n"), (False, "答案")]),
        ("想</think>答", True, [(True, "想"), (False, "答")]),
        ("没有<b>想</b>", False, [(False, "没有<b>想</b>")]),
        ("<think>一直想", False, [(True, "一直想")]),
        ("a < b <thin", False, [(False, "a < b <thin")]),
    ],
)
def test_thoughts_are_told_apart_wherever_the_pieces_are_cut(
    text: str, opened: bool, expected: list[tuple[bool, str]]
) -> None:
    for size in range(1, len(text) + 1):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        joined: list[tuple[bool, str]] = []
        for thought, part in apart(pieces, opened):
            if joined and joined[-1][0] == thought:
                joined[-1] = (thought, joined[-1][1] + part)
            else:
                joined.append((thought, part))
        assert joined == expected
