"""Whether a GGUF in llama.cpp is the tuned model: the same token ids, the same answers, and what its bits cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wukong_pipe.errors import ModelError
from wukong_pipe.workspace import Run
from wukong_trainer.data.examples import Message, chat_prompt
from wukong_trainer.data.thoughts import said
from wukong_trainer.evaluation.questions import read_test_rows
from wukong_trainer.evaluation.records import TestRow
from wukong_trainer.inference.answer_cache import AnswerCache, ModelAnswers
from wukong_trainer.inference.generate import answer_all, prompt_text
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.known_models import Say
from wukong_trainer.models.loading import Place, load_model
from wukong_trainer.scoring.score_names import PRIMARY
from wukong_trainer.scoring.scores import score
from wukong_trainer.use.export import questions_of, spread
from wukong_trainer.use.llama_cpp import LlamaCpp, answering

QUESTIONS = 20
ANSWER_TOKENS = 64
SCORED_TOKENS = 256
"""Where an answer that is scored is cut, as `eval` cuts it."""
BATCH = 8


@dataclass(frozen=True, slots=True)
class FactHits:
    """What a GGUF answers right of the test questions, beside what transformers does with the same merged weights.

    {"questions": 150, "transformers": 0.9, "llama_cpp": 0.88, "lost": 5, "won": 2}
    """

    questions: int
    transformers: float
    llama_cpp: float
    lost: int
    """Questions that transformers answers right, and llama.cpp does not."""
    won: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> FactHits:
        """From the hit of each question, in transformers and in llama.cpp."""
        pairs = list(zip(ours, theirs, strict=True))
        lost, won = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
        return cls(len(pairs), sum(ours) / len(pairs), sum(theirs) / len(pairs), lost, won)


@dataclass(frozen=True, slots=True)
class GgufCheck:
    """How a GGUF compares with the merged model.

    {"questions": 20, "same_ids": 20, "same_answers": 18, "first_other": ["甲是什么？", "乙。", "丙。"],
     "seconds": 1.2, "adds_bos": False, "fact_hits": None}
    """

    questions: int
    same_ids: int
    """Questions whose prompts have the token ids of the training, with the system message given and without."""
    same_answers: int
    first_other: tuple[str, str, str] | None
    """A question, the answer of transformers, and that of llama.cpp; None where all are the same."""
    seconds: float
    """That one question took both together."""
    adds_bos: bool
    """Whether llama.cpp, and so Ollama, puts BOS before a prompt."""
    fact_hits: FactHits | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trained:
    """The merged model in transformers, in the form of its training; loaded where an answer is not known yet."""

    run: Run
    record: dict[str, Any]
    tokenizer: Any
    place: Place

    @property
    def system(self) -> str:
        return str(self.record.get("system", ""))

    @property
    def form(self) -> dict[str, Any]:
        return {"style": self.record.get("style", "chat"), "thinking": self.record.get("thinking", False)}

    def prompt_ids(self, prompt: Sequence[Message]) -> list[int]:
        text = prompt_text(self.tokenizer, prompt, **self.form)
        return list(map(int, self.tokenizer(text, add_special_tokens=False)["input_ids"]))

    def answers(self, prompts: Sequence[list[Message]], max_new_tokens: int) -> list[str]:
        """Its greedy answers; kept, for the next type of file is compared with the same."""
        merged = str(self.run.merged)
        kept = AnswerCache(self.run.answers.with_name("answers.partial.jsonl"))
        cache = ModelAnswers(kept, f"{fingerprint(merged)} {self.place.dtype} {self.place.device}")

        def model() -> Any:
            return load_model(merged, "lora", self.place)

        answers = answer_all(model, self.tokenizer, prompts, max_new_tokens, BATCH, cache=cache, **self.form)
        return [answer.text for answer in answers]


def check(trained: Trained, file: Path, scored: int, say: Say) -> GgufCheck:
    """Ask both the run's questions, one after the other: both at once may not fit into memory.

    Args:
        scored: so many test questions are scored, too; 0 for none.

    Raises:
        ModelError: llama.cpp reads another prompt than was trained, or cannot load the file.
    """
    prompts, rows = _prompts(trained), scored_rows(trained.run, scored)
    row_prompts = [row.example.prompt(trained.system, trained.form["style"]) for row in rows]
    longest = max(len(trained.prompt_ids(prompt)) for prompt in [*prompts, *row_prompts])
    llama = partial(answering, file, longest + SCORED_TOKENS, log_of(trained.run))
    started = time.monotonic()
    with llama() as server:
        for prompt in prompts:
            _check_ids(trained, server, prompt)
        theirs = _answers(trained, server, prompts, ANSWER_TOKENS)
        adds_bos = bool(server.ids(""))
    ours = trained.answers(prompts, ANSWER_TOKENS)
    seconds = (time.monotonic() - started) / len(prompts)
    hits = None
    if rows:
        say(f"Asking transformers and llama.cpp {len(rows)} test questions: about {seconds * len(rows):.0f} seconds.")
        our_hits = _hits(trained.answers(row_prompts, SCORED_TOKENS), rows)
        with llama() as server:
            hits = FactHits.of(our_hits, _hits(_answers(trained, server, row_prompts, SCORED_TOKENS), rows))
    asked = zip(prompts, ours, theirs, strict=True)
    others = [(prompt[-1]["content"], one, other) for prompt, one, other in asked if one != other]
    return GgufCheck(
        questions=len(prompts),
        same_ids=len(prompts),
        same_answers=len(prompts) - len(others),
        first_other=others[0] if others else None,
        seconds=seconds,
        adds_bos=adds_bos,
        fact_hits=hits,
    )


def scored_rows(run: Run, count: int) -> list[TestRow]:
    """So many of the run's test questions that can be scored, spread over its file; none where there is no file."""
    file = run.dataset / "test.jsonl"
    if not count or not file.is_file():
        return []
    rows = [row for row in read_test_rows(file) if score("", row.wanted, row.lang)[PRIMARY] is not None]
    return spread(rows, count)


def _prompts(trained: Trained) -> list[list[Message]]:
    questions = questions_of(trained.run, trained.record, QUESTIONS)
    return [chat_prompt(question, trained.system) for question in questions]


def _as_user(trained: Trained, prompt: list[Message]) -> list[Message]:
    """The conversation without the training's system message, which the GGUF says itself."""
    return prompt[1:] if prompt[0] == {"role": "system", "content": trained.system} else prompt


def _check_ids(trained: Trained, llama: LlamaCpp, prompt: list[Message]) -> None:
    wanted = trained.prompt_ids(prompt)
    for asked in (_as_user(trained, prompt), prompt):
        found = llama.prompt_ids(asked)
        if found != wanted:
            at = next((i for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(wanted))
            read, trained_on = (trained.tokenizer.decode(ids[at : at + 5]) for ids in (found, wanted))
            raise ModelError(
                f"llama.cpp reads another prompt than was trained: in “{prompt[-1]['content']}”, from token {at} on, "
                f"{read!r} for {trained_on!r}. Nothing was exported; `wukong-pipe serve` serves the adapter as it is."
            )


def _answers(trained: Trained, llama: LlamaCpp, prompts: Sequence[list[Message]], max_new_tokens: int) -> list[str]:
    return [llama.answer(_as_user(trained, prompt), max_new_tokens).text for prompt in prompts]


def _hits(answers: Sequence[str], rows: Sequence[TestRow]) -> list[float]:
    pairs = zip(answers, rows, strict=True)
    return [float(score(said(answer), row.wanted, row.lang)[PRIMARY] or 0) for answer, row in pairs]


def log_of(run: Run) -> Path:
    """Where llama.cpp says what it does while it is asked."""
    return run.folder / "llama.cpp.log"
