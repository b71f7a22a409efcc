from __future__ import annotations

from wukong_pipe.eval_screen import evaluation_lines


def test_answers_that_were_cut_off_are_said_and_a_few_are_not() -> None:
    wording = {"base": {"stopped_by_eos": 0.96}, "tuned": {"stopped_by_eos": 0.25}}
    metrics = {
        "primary": {"verdict": "no evidence"},
        "levels": {"wording": wording, "question": {}, "section": {}},
        "settings": {"max_new_tokens": 64},
    }
    told = "Cut off: 75% of the tuned answers had not ended at --max-new-tokens 64, and are scored as far as they go."
    assert list(evaluation_lines(metrics)) == [told]
    assert list(evaluation_lines(metrics | {"levels": {}})) == []
