"""Asking a model through vLLM: greedy answers, and how likely it finds the reference answers.

Prompts go there as the tokens that transformers would see, answers come back as tokens: vLLM's own templates, and the
sampling that the weights' generation config asks for, have no part in it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Message
from wukong_trainer.data.thoughts import OPEN, opens_thought
from wukong_trainer.inference.answer_cache import ModelAnswers
from wukong_trainer.inference.generate import Answer, AnswerProgress, Likelihood, encode, prompt_text, stops_of
from wukong_trainer.inference.vllm_server import Server
from wukong_trainer.recipe import Style

if TYPE_CHECKING:
    from openai import AsyncOpenAI

PATIENCE = 3600.0
"""Seconds for one request, most of which it may wait for its turn."""

T = TypeVar("T", Answer, Likelihood)


@dataclass(frozen=True, slots=True)
class VllmEngine:
    """An `Engine`: a server of the model answers, started where an answer is not known yet."""

    weights: str
    """What the server serves: a folder or a hub's id."""
    tokenizer: Any
    style: Style
    thinking: bool
    cache: ModelAnswers
    open: Callable[[], Server]

    def answers(
        self, prompts: Sequence[list[Message]], max_new_tokens: int, batch: int, progress: AnswerProgress
    ) -> list[Answer]:
        """Greedy answers to the prompts, in their order; `batch` of them are in flight at once.

        Raises:
            ModelError: vLLM does not start, dies, or refuses a prompt, as it does one longer than the model reads.
        """
        texts = [prompt_text(self.tokenizer, messages, self.style, self.thinking) for messages in prompts]
        rows = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        stops = stops_of(self.weights, self.tokenizer)

        def request(i: int, room: int) -> dict[str, Any]:
            return {
                "prompt": rows[i],
                "max_tokens": min(max_new_tokens, room),
                "temperature": 0,
                "stop_token_ids": sorted(stops),
                # Those are all that end an answer, whatever vLLM takes for the end of turn.
                "ignore_eos": True,
                "return_token_ids": True,
            }

        def read(i: int, choice: dict[str, Any]) -> Answer:
            ended = _is_ended(choice)
            ids = choice["token_ids"][:-1] if ended else choice["token_ids"]
            text = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
            return Answer(f"{OPEN}\n{text}" if opens_thought(texts[i]) else text, ended)

        keys = [self.cache.key("answer", text, max_new_tokens) for text in texts]

        def is_whole(choice: dict[str, Any]) -> bool:
            return _is_ended(choice) or len(choice["token_ids"]) >= max_new_tokens

        return self._each(rows, keys, request, read, Answer, batch, progress, is_whole)

    def likelihoods(
        self, prompts: Sequence[list[Message]], references: Sequence[str], batch: int, progress: AnswerProgress
    ) -> list[Likelihood]:
        """How likely the model finds each reference answer after its prompt; see `generate.likelihood_all`.

        Raises:
            ModelError: see `answers`.
        """
        texts = [prompt_text(self.tokenizer, messages, self.style, self.thinking) for messages in prompts]
        pairs = [encode(self.tokenizer, text, reference) for text, reference in zip(texts, references, strict=True)]

        def request(i: int, room: int) -> dict[str, Any]:  # noqa: ARG001
            # vLLM generates at least one token, though none is wanted.
            return {"prompt": pairs[i][0], "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}

        def read(i: int, choice: dict[str, Any]) -> Likelihood:
            ids, start = pairs[i]
            if choice == _NO_NUMBERS:
                return Likelihood(math.nan, math.nan)
            logs = choice["prompt_logprobs"][start:]
            total = sum(log[str(token)]["logprob"] for token, log in zip(ids[start:], logs, strict=True))
            return Likelihood(total / (len(ids) - start), total / max(1, len(references[i])))

        keys = [self.cache.key("likelihood", *pair) for pair in pairs]
        return self._each([ids for ids, _ in pairs], keys, request, read, Likelihood, batch, progress)

    def _each(
        self,
        rows: Sequence[list[int]],
        keys: Sequence[str],
        request: Callable[[int, int], dict[str, Any]],
        read: Callable[[int, dict[str, Any]], T],
        kind: type[T],
        batch: int,
        progress: AnswerProgress,
        is_whole: Callable[[dict[str, Any]], bool] = lambda choice: True,
    ) -> list[T]:
        """What vLLM makes of every row, in order; what the cache holds is not asked again.

        Args:
            is_whole: whether a choice is to be kept: one that was cut for want of memory may be longer another time.
        """
        found = self.cache.known(keys, kind)
        left = sorted((i for i in range(len(rows)) if i not in found), key=lambda i: (-len(rows[i]), i))
        # Before the clock of the answers runs: a start takes longer than many of them.
        server = self.open() if left else None
        progress(len(found), len(rows))
        if server is None:
            return [found[i] for i in range(len(rows))]

        def took(choices: Mapping[int, dict[str, Any]]) -> None:
            made = {i: read(i, choice) for i, choice in choices.items()}
            self.cache.add({keys[i]: asdict(answer) for i, answer in made.items() if is_whole(choices[i])})
            found.update(made)
            progress(len(found), len(rows))

        asyncio.run(_ask(server, {i: rows[i] for i in left}, request, took, batch))
        return [found[i] for i in range(len(rows))]


_NO_NUMBERS: dict[str, Any] = {"computes": "NaN"}


def _is_ended(choice: dict[str, Any]) -> bool:
    """Whether an answer ended by itself; raises ValueError where vLLM gave it up."""
    if choice["finish_reason"] not in ("stop", "length"):
        raise ValueError(f"finish_reason {choice['finish_reason']}")
    return bool(choice["finish_reason"] == "stop")


async def _ask(
    server: Server,
    rows: Mapping[int, list[int]],
    request: Callable[[int, int], dict[str, Any]],
    took: Callable[[Mapping[int, dict[str, Any]]], None],
    batch: int,
) -> None:
    """Send a request for each row, `batch` at once, and hand over the choices as they come.

    Args:
        request: makes the request of a row from how many tokens there is room for behind it.

    Raises:
        ModelError: vLLM dies, or refuses a row.
    """
    turn = asyncio.Semaphore(batch)
    with _one_sentence(server):
        async with _client_of(server) as client:
            most = await _context(client)
            longest = max(len(row) for row in rows.values())
            # vLLM generates at least one token.
            if longest >= most:
                raise ModelError(
                    f"A question with what stands around it is {longest} tokens long, and vLLM reads fewer than {most} "
                    "of this model here: leave out such questions, or --engine vllm."
                )

            async def choice(i: int, row: list[int]) -> tuple[int, dict[str, Any]]:
                async with turn:
                    return i, await _choice(client, {"model": server.name, **request(i, most - len(row))})

            tasks = {asyncio.create_task(choice(i, row)) for i, row in rows.items()}
            try:
                while tasks:
                    done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    failures = [failure for task in done if (failure := task.exception())]
                    # What came beside a failure was bought, too.
                    took(dict(task.result() for task in done if not task.exception()))
                    if failures:
                        raise failures[0]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def _client_of(server: Server) -> AsyncOpenAI:
    import openai

    return openai.AsyncOpenAI(
        base_url=server.url,
        api_key="none",
        max_retries=0,
        timeout=PATIENCE,
        # HTTP_PROXY would capture http://127.0.0.1, too.
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
    )


async def _context(client: AsyncOpenAI) -> int:
    """How many tokens the server reads of a text with its answer."""
    import openai

    (model,) = json.loads((await client.get("/models", cast_to=openai.HttpxBinaryResponseContent)).content)["data"]
    return int(model["max_model_len"])


async def _choice(client: AsyncOpenAI, body: dict[str, Any]) -> dict[str, Any]:
    """What the server makes of one request."""
    import openai

    try:
        reply = await client.post("/completions", cast_to=openai.HttpxBinaryResponseContent, body=body)
    except openai.APIStatusError as error:
        # vLLM 0.32 puts NaN into an answer, and cannot write it.
        if "not JSON compliant" in str(error):
            return _NO_NUMBERS
        raise
    choice: dict[str, Any] = json.loads(reply.content)["choices"][0]
    return choice


@contextmanager
def _one_sentence(server: Server) -> Iterator[None]:
    """Turn what the client raises into a sentence for the user.

    Raises:
        ModelError: the server failed, or its answer is not understood.
    """
    import openai

    try:
        yield
    except openai.APIError as error:
        words = error.body.get("message") if isinstance(error.body, dict) else None
        status = error.status_code if isinstance(error, openai.APIStatusError) else 0
        refused = 400 <= status < 500 and status not in (408, 429)
        raise server.failed(str(words or error), refused=refused) from error
    except (LookupError, TypeError, ValueError) as error:
        raise server.failed(f"its answer is not as that of vLLM 0.32 ({error!r})", refused=False) from error
