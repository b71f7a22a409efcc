"""Asking a student: greedy answers in batches, and how likely it finds the reference answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from accelerate.utils.memory import should_reduce_batch_size
from transformers import GenerationConfig, TextIteratorStreamer

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Message, plain_prompt
from wukong_trainer.data.thoughts import OPEN, opens_thought
from wukong_trainer.inference.answer_cache import ModelAnswers
from wukong_trainer.inference.decoding import decode, greedy
from wukong_trainer.models.loading import load_config, loading
from wukong_trainer.models.templates import rendered
from wukong_trainer.recipe import Style

AnswerProgress = Callable[[int, int], None]
"""Called with (done, total), first with what was known before, then after each result."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a student said, and whether it ended by itself; what it thought before stands in <think> tags."""

    text: str
    stopped_by_eos: bool


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-likelihood of a reference answer with its end of turn, in nats."""

    per_token: float
    per_char: float


def prompt_text(tokenizer: Any, messages: Sequence[Message], style: Style = "chat", thinking: bool = False) -> str:
    """The prompt as text, the template applied once: it already holds every special token.

    Args:
        style: and `thinking`: what the student was trained with; its record holds both.

    Raises:
        ModelError: the template does not take the messages.
    """
    if style == "instruction":
        return added_bos(tokenizer) + plain_prompt(messages)
    return rendered(tokenizer, messages, add_generation_prompt=True, enable_thinking=thinking)


def added_bos(tokenizer: Any) -> str:
    """The BOS that a tokenizer puts before plain text, and so TRL before plain training rows; empty for most."""
    ids = tokenizer("")["input_ids"]
    return str(tokenizer.bos_token) if ids and ids[0] == tokenizer.bos_token_id else ""


def answer_all(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    max_new_tokens: int,
    batch: int,
    progress: AnswerProgress = lambda done, total: None,
    cache: ModelAnswers | None = None,
    *,
    style: Style = "chat",
    thinking: bool = False,
) -> list[Answer]:
    """Greedy answers to the prompts, in their order.

    Args:
        model: the model, or a function that loads it, called only where an answer is not known yet.
        max_new_tokens: an answer is cut there, and then counts as not stopped by EOS.
        batch: prompts a forward pass; part of what an evaluation must repeat to get the same answers in bf16.
        cache: where answers are read from that are known, and kept as they come; below fp32 `REFILLED` batches
            at once.
    """
    texts = [prompt_text(tokenizer, messages, style, thinking) for messages in prompts]

    def ask(ready: Any, places: list[int]) -> Iterator[tuple[int, Answer]]:
        ids = tokenizer([texts[i] for i in places], add_special_tokens=False)["input_ids"]
        for found in decode(ready, tokenizer, ids, stop_ids(ready, tokenizer), max_new_tokens, batch):
            place = places[found.place]
            text = tokenizer.decode(found.tokens, skip_special_tokens=True).strip()
            # Else a thought that is cut off would pass for what was said.
            opened = f"{OPEN}\n" if opens_thought(texts[place]) else ""
            yield place, Answer(opened + text, found.ended)

    keys = [cache.key("answer", text, max_new_tokens, batch) for text in texts] if cache else []
    lengths = [len(text) for text in texts]
    return _in_batches(model, lengths, batch * REFILLED, ask, Answer, progress, cache, keys, is_exact_alone=True)


def stream(model: Any, tokenizer: Any, prompt: str, max_new_tokens: int) -> Generator[str, None, None]:
    """The greedy answer to one prompt, in pieces as they come; closing the generator stops the model.

    Raises:
        Exception: what the model raised, once the pieces before it were given.
    """
    encoded = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(model.device)
    encoded.pop("token_type_ids", None)
    model.eval()
    pieces = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    unwanted = threading.Event()
    failed: list[Exception] = []

    def generate() -> None:
        try:
            with torch.inference_mode():
                model.generate(
                    **encoded,
                    **greedy(tokenizer, stop_ids(model, tokenizer), max_new_tokens),
                    streamer=pieces,
                    stopping_criteria=[
                        lambda ids, scores: torch.full((ids.shape[0],), unwanted.is_set(), device=ids.device)
                    ],
                )
        except Exception as error:
            failed.append(error)
            pieces.end()

    # A daemon: a second Ctrl-C need not wait for the model.
    thread = threading.Thread(target=generate, daemon=True)
    thread.start()
    try:
        yield from pieces
    finally:
        unwanted.set()
        thread.join()
    if failed:
        raise failed[0]


def stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer: the tokenizer's EOS and those of the model's generation config."""
    return _ends(model.generation_config, tokenizer)


def stops_of(weights: str, tokenizer: Any) -> frozenset[int]:
    """The same of weights that are not loaded: a folder or a hub's id.

    Raises:
        ModelError: their configuration cannot be read.
    """
    with loading(weights):
        try:
            config = GenerationConfig.from_pretrained(weights)
        except OSError:  # They have none of their own.
            config = GenerationConfig.from_model_config(load_config(weights))
    return _ends(config, tokenizer)


def _ends(config: GenerationConfig, tokenizer: Any) -> frozenset[int]:
    ids = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    return frozenset(token for token in [tokenizer.eos_token_id, *ids] if token is not None)


def likelihood_all(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[Message]],
    references: Sequence[str],
    batch: int,
    progress: AnswerProgress = lambda done, total: None,
    cache: ModelAnswers | None = None,
    *,
    style: Style = "chat",
    thinking: bool = False,
) -> list[Likelihood]:
    """How likely the model finds each reference answer after its prompt, the prompt masked.

    The answer's tokens and its end of turn count: the same tokens that training puts into the loss. `model` and
    `cache` are as in `answer_all`.
    """
    texts = [prompt_text(tokenizer, messages, style, thinking) for messages in prompts]
    rows = [encode(tokenizer, text, reference) for text, reference in zip(texts, references, strict=True)]

    def look(ready: Any, places: list[int]) -> Iterator[tuple[int, Likelihood]]:
        for i, total in zip(places, _log_likelihoods(ready, tokenizer, [rows[i] for i in places]), strict=True):
            yield i, Likelihood(total / (len(rows[i][0]) - rows[i][1]), total / max(1, len(references[i])))

    keys = [cache.key("likelihood", *row, batch) for row in rows] if cache else []
    lengths = [len(ids) for ids, _ in rows]
    return _in_batches(model, lengths, batch, look, Likelihood, progress, cache, keys, is_exact_alone=False)


@torch.inference_mode()
def _log_likelihoods(model: Any, tokenizer: Any, rows: list[tuple[list[int], int]]) -> list[float]:
    """The log-likelihood of each row's answer, in nats; rows are token ids and where the answer begins."""
    longest = max(len(tokens) for tokens, _ in rows)
    ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for n, (tokens, _) in enumerate(rows):
        ids[n, : len(tokens)] = torch.tensor(tokens)
        mask[n, : len(tokens)] = 1
    # No logits before the first answer's: a prompt with a section in it has thousands of tokens.
    first = min(start for _, start in rows) - 1
    output = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), logits_to_keep=longest - first)
    logits = output.logits[:, :-1].float()
    logs = torch.log_softmax(logits, dim=-1).gather(-1, ids[:, first + 1 :, None].to(model.device))[..., 0].cpu()
    return [float(logs[n, start - 1 - first : len(tokens) - 1 - first].sum()) for n, (tokens, start) in enumerate(rows)]


def encode(tokenizer: Any, text: str, reference: str) -> tuple[list[int], int]:
    """Token ids of prompt, answer and end of turn, and where the answer begins: as TRL has them, in one piece, since
    some tokenizers begin every text with a space."""
    whole = tokenizer(text + reference + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return whole, len(tokenizer(text, add_special_tokens=False)["input_ids"])


T = TypeVar("T", Answer, Likelihood)

REFILLED = 4
"""So many batches of answers are decoded together: a row whose answer has ended takes their next prompt.

Few, since below fp32 they are kept together, too, and a killed evaluation loses them: an answer depends there on what
is decoded beside it, and is to be the same after a kill.
"""


def _in_batches(
    model: Any,
    lengths: Sequence[int],
    size: int,
    work: Callable[[Any, list[int]], Iterator[tuple[int, T]]],
    kind: type[T],
    progress: AnswerProgress,
    cache: ModelAnswers | None,
    keys: Sequence[str],
    *,
    is_exact_alone: bool,
) -> list[T]:
    """What `work` makes of every place, in order, `size` places at a time; what the cache holds is not asked again.

    The longest go first: running out of memory shows at once, not after an hour.

    Args:
        work: called with the model and places; gives each place's result as it comes.
        is_exact_alone: in fp32 a result does not depend on what it is computed with, and is kept as it comes.

    Raises:
        ModelError: there is too little memory for a batch, or an answer is longer than the model can read.
    """
    found = cache.known(keys, kind) if cache else {}
    left = sorted((i for i in range(len(lengths)) if i not in found), key=lambda i: (-lengths[i], i))
    progress(len(found), len(lengths))
    ready = None
    for start in range(0, len(left), size):
        if ready is None:
            ready = model if isinstance(model, torch.nn.Module) else model()
            ready.eval()
        places = left[start : start + size]
        made: dict[int, T] = {}
        keep_each = is_exact_alone and ready.dtype is torch.float32
        try:
            for place, result in work(ready, places):
                made[place] = result
                if cache and keep_each:
                    cache.add({keys[place]: asdict(result)})
                progress(len(found) + len(made), len(lengths))
        except IndexError as error:
            # PyTorch's, where a model has learned a place for each token and no more.
            if "out of range in self" not in str(error):
                raise
            raise ModelError(
                "A question with its answer is longer than the model can read: lower --max-new-tokens, or leave out "
                "the longest questions."
            ) from error
        except RuntimeError as error:
            if not should_reduce_batch_size(error):
                raise
            raise ModelError(
                "There is not memory enough to ask so many questions at a time: give eval a smaller --batch."
            ) from error
        if cache and not keep_each:
            cache.add({keys[i]: asdict(answer) for i, answer in made.items()})
        found |= made
    return [found[i] for i in range(len(lengths))]
