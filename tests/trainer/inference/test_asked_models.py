from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from wukong_trainer.inference.answer_cache import AnswerCache
from wukong_trainer.inference.asked_models import Contender, InProcess, Loader, at_work
from wukong_trainer.models.loading import load_tokenizer


def test_answers_that_another_token_ended_are_not_taken_for_this_model_s(student: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(student))
    shutil.copytree(student, tmp_path / "same")
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(65)
    tokenizer.save_pretrained(tmp_path / "other")
    first = Contender("tuned", str(student), "qlora", str(student), "")
    twin, other = (replace(first, tokenizer=str(tmp_path / name), name=name) for name in ("same", "other"))
    keys = []
    for contender in (first, twin, other):
        with at_work(contender, Loader(), AnswerCache(tmp_path / "kept.jsonl"), 8, lambda *_: None) as model:
            assert isinstance(model.engine, InProcess)
            keys.append(model.engine.cache.key("answer", "prompt"))
    assert keys[0] == keys[1] != keys[2]


def test_answers_of_a_model_whose_own_end_was_mended_are_asked_anew(student: Path, tmp_path: Path) -> None:
    shutil.copytree(student, tmp_path / "mended")
    own = json.loads((student / "generation_config.json").read_text("utf-8"))
    (tmp_path / "mended" / "generation_config.json").write_text(json.dumps(own | {"eos_token_id": [2, 65]}))
    keys = set()
    for weights in (student, tmp_path / "mended"):
        contender = Contender("base", str(weights), "full", str(student), "")
        with at_work(contender, Loader(), AnswerCache(tmp_path / "kept.jsonl"), 8, lambda *_: None) as model:
            assert isinstance(model.engine, InProcess)
            keys.add(model.engine.cache.key("answer", "prompt"))
    assert len(keys) == 2
