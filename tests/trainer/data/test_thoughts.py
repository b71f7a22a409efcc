from __future__ import annotations

import pytest

from wukong_trainer.data.thoughts import opens_thought, said, split_thought


@pytest.mark.parametrize(
    ("answer", "thought", "rest"),
    [
        ("Eight.", "", "Eight."),
        ("<think>Seven?</think>\n\nEight.", "Seven?", "Eight."),
        ("<think>Seven? No, wait", "Seven? No, wait", ""),
        ("Seven?\n</think>Eight.", "Seven?", "Eight."),
        ("<think></think>Eight.", "", "Eight."),
    ],
)
def test_a_thought_stands_apart_from_what_is_said_even_if_it_never_ends(answer: str, thought: str, rest: str) -> None:
    assert split_thought(answer) == (thought, rest)
    assert said(answer) == rest


def test_a_template_may_open_the_thought_itself() -> None:
    assert opens_thought("<|im_start|>assistant\n<think>\n")
    assert not opens_thought("<|im_start|>assistant\n<think>\n\n</think>\n\n")
