from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.trainer.conftest import FACTS, SYSTEM
from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import chat_prompt
from wukong_trainer.inference.generate import answer_all, encode, likelihood_all, prompt_text
from wukong_trainer.models.loading import Place, load_model, load_tokenizer

PROMPTS = [chat_prompt(question * (1 + i % 3), SYSTEM) for i, (question, _) in enumerate(FACTS[:9])]


@pytest.fixture(scope="module")
def asked(student: Path) -> tuple[Any, Any]:
    return load_model(str(student), "full", Place("cpu", torch.float32, "a test")), load_tokenizer(str(student))


def test_batches_give_the_answers_that_one_at_a_time_gives_in_the_same_order(asked: tuple[Any, Any]) -> None:
    together = answer_all(*asked, PROMPTS, max_new_tokens=12, batch=4)
    alone = [answer_all(*asked, [prompt], max_new_tokens=12, batch=1)[0] for prompt in PROMPTS]
    assert together == alone


def test_an_answer_counts_as_stopped_exactly_when_the_model_emits_its_end(asked: tuple[Any, Any]) -> None:
    model, tokenizer = asked
    for prompt in PROMPTS:
        encoded = tokenizer(prompt_text(tokenizer, prompt), add_special_tokens=False, return_tensors="pt")
        ids = model.generate(input_ids=encoded["input_ids"], max_new_tokens=6, do_sample=False)
        emitted = ids[0, encoded["input_ids"].shape[1] :].tolist()
        answer = answer_all(model, tokenizer, [prompt], max_new_tokens=6, batch=1)[0]
        assert answer.stopped_by_eos == (tokenizer.eos_token_id in emitted)


def test_every_token_that_the_model_stops_at_ends_an_answer(student: Path) -> None:
    model = load_model(str(student), "full", Place("cpu", torch.float32, "a test"))
    tokenizer = load_tokenizer(str(student))
    encoded = tokenizer(prompt_text(tokenizer, PROMPTS[0]), add_special_tokens=False, return_tensors="pt")
    first = int(model(**encoded).logits[0, -1].argmax())
    model.generation_config.eos_token_id = [first]
    answer = answer_all(model, tokenizer, PROMPTS[:1], max_new_tokens=5, batch=1)[0]
    assert (answer.text, answer.stopped_by_eos) == ("", True)


def test_a_likelihood_is_that_of_the_answers_tokens_and_its_end(asked: tuple[Any, Any]) -> None:
    model, tokenizer = asked
    references = [answer for _, answer in FACTS[:9]]
    batched = likelihood_all(model, tokenizer, PROMPTS, references, batch=4)
    for prompt, reference, likelihood in zip(PROMPTS, references, batched, strict=True):
        before = tokenizer(prompt_text(tokenizer, prompt), add_special_tokens=False, return_tensors="pt")["input_ids"]
        after = tokenizer(reference + "<|im_end|>", add_special_tokens=False, return_tensors="pt")["input_ids"]
        labels = torch.cat([torch.full_like(before, -100), after], dim=1)
        with torch.no_grad():
            loss = float(model(input_ids=torch.cat([before, after], dim=1), labels=labels).loss)
        assert likelihood.per_token == pytest.approx(-loss, abs=1e-4)
        assert likelihood.per_char == pytest.approx(-loss * after.shape[1] / len(reference), abs=1e-3)


def test_progress_tells_of_every_answer(asked: tuple[Any, Any]) -> None:
    told: list[tuple[int, int]] = []
    answer_all(*asked, PROMPTS, max_new_tokens=1, batch=4, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 9) for done in range(10)]


def test_what_is_longer_than_a_model_with_learned_places_is_one_sentence_with_the_cure(asked: tuple[Any, Any]) -> None:
    tokenizer = asked[1]
    sizes: dict[str, Any] = {"n_embd": 16, "n_layer": 1, "n_head": 1, "n_positions": 8, "vocab_size": len(tokenizer)}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=1, eos_token_id=1))
    with pytest.raises(ModelError, match="longer than the model can read"):
        answer_all(model, tokenizer, PROMPTS[:1], max_new_tokens=4, batch=1)


def test_too_little_memory_is_one_sentence_with_the_cure(asked: tuple[Any, Any]) -> None:
    model, tokenizer = asked

    def too_large(module: Any, arguments: Any) -> None:  # noqa: ARG001
        torch.empty(1 << 60)

    with pytest.raises(ModelError, match="smaller --batch"), model.register_forward_pre_hook(too_large):
        answer_all(model, tokenizer, PROMPTS, max_new_tokens=2, batch=4)


def test_an_answer_is_cut_into_tokens_together_with_its_prompt_as_in_training() -> None:
    class Spaced:
        """A tokenizer that begins every text with a space, as those of SentencePiece do."""

        eos_token = "."

        def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
            assert not add_special_tokens
            return {"input_ids": list(map(ord, " " + text))}

    assert encode(Spaced(), "a:", "b") == (list(map(ord, " a:b.")), 3)
