"""Models that are asked questions: what identifies one, loading it when a question needs it, and one interface for
transformers and vLLM."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

import torch
import transformers

from wukong_pipe.files import sha256_of
from wukong_pipe.language.hashing import digest
from wukong_trainer.data.examples import Message
from wukong_trainer.inference.answer_cache import AnswerCache, ModelAnswers
from wukong_trainer.inference.generate import Answer, Likelihood, answer_all, likelihood_all, stops_of
from wukong_trainer.inference.vllm_engine import VllmEngine
from wukong_trainer.inference.vllm_server import Server, Vllm, serving
from wukong_trainer.models.adapters import load_adapter
from wukong_trainer.models.fingerprint import fingerprint
from wukong_trainer.models.loading import Place, choose_place, load_config, load_model, load_tokenizer
from wukong_trainer.recipe import Method, Style

StepProgress = Callable[[str, int, int], None]
"""Called with (step, done, total)."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One model as it is asked."""

    name: str
    weights: str
    """A Hugging Face id or folder: the base under an adapter, or a model on its own."""
    method: Method
    """How the weights are loaded: in NF4 for qlora."""
    tokenizer: str
    system: str
    style: Style = "chat"
    thinking: bool = False
    adapter: Path | None = None
    """The adapter on the weights; None asks the weights alone."""
    place: Place = field(default_factory=choose_place)
    """Where they compute, and in which precision."""

    @property
    def precision(self) -> str:
        """What transformers computes in with these weights here."""
        dtype = str(torch.float32 if self.method == "full" else self.place.dtype).removeprefix("torch.")
        return f"NF4, {dtype}" if self.method == "qlora" else dtype

    def identity(self, tokenizer: Any, vllm: Vllm | None = None) -> str:
        """Hash of all that its answers depend on, besides the question.

        Args:
            tokenizer: the contender's, loaded.
            vllm: what answers, where it is not transformers.
        """
        stops = sorted(stops_of(self.weights, tokenizer))
        spelling = Path(self.tokenizer) / "tokenizer.json"
        read_by = sha256_of(spelling) if spelling.is_file() else self.tokenizer
        config = load_config(self.weights).to_json_string()
        weights = (fingerprint(self.weights), config, read_by, str(stops), tokenizer.eos_token)
        if vllm is not None:
            return digest(*weights, vllm.engine, vllm.dtype, str(vllm.on_cpu))
        adapter: tuple[str, ...] = ()
        if self.adapter is not None:
            adapter = (fingerprint(str(self.adapter)), sha256_of(self.adapter / "adapter_config.json"))
        versions = (torch.__version__, transformers.__version__)
        return digest(*weights, self.method, str(self.place.dtype), self.place.device, *versions, *adapter)


class Loader:
    """Holds the weights that were asked last: base and tuned share them, the adapter switched off for the base."""

    def __init__(self) -> None:
        self._key: tuple[str, ...] = ()
        self._model: Any = None

    def model(self, contender: Contender, adapter: Path | None) -> Any:
        """The contender's weights under `adapter`, or alone.

        Raises:
            ModelError: they cannot be loaded.
        """
        key = (contender.weights, contender.method, str(contender.place.dtype), str(adapter or ""))
        if key != self._key:
            # Two sets of weights need not fit at once.
            self._key, self._model = (), None
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            model = load_model(contender.weights, contender.method, contender.place)
            self._model = model if adapter is None else load_adapter(model, adapter)
            self._key = key
        return self._model


class Engine(Protocol):
    """What makes a contender answer. Results come in the order of the prompts, and are cached."""

    def answers(
        self, prompts: Sequence[list[Message]], max_new_tokens: int, batch: int, progress: Callable[[int, int], None]
    ) -> list[Answer]:
        """Greedy answers, each cut at so many tokens, `batch` prompts at a time."""

    def likelihoods(
        self,
        prompts: Sequence[list[Message]],
        references: Sequence[str],
        batch: int,
        progress: Callable[[int, int], None],
    ) -> list[Likelihood]:
        """How likely each reference is after its prompt."""


@dataclass(frozen=True, slots=True)
class InProcess:
    """transformers, in this process."""

    contender: Contender
    tokenizer: Any
    cache: ModelAnswers
    open: Callable[[], Any]
    """Gives the model, and loads it where that was not done yet."""

    def answers(
        self, prompts: Sequence[list[Message]], max_new_tokens: int, batch: int, progress: Callable[[int, int], None]
    ) -> list[Answer]:
        return answer_all(
            self.open,
            self.tokenizer,
            prompts,
            max_new_tokens,
            batch,
            progress,
            self.cache,
            style=self.contender.style,
            thinking=self.contender.thinking,
        )

    def likelihoods(
        self,
        prompts: Sequence[list[Message]],
        references: Sequence[str],
        batch: int,
        progress: Callable[[int, int], None],
    ) -> list[Likelihood]:
        return likelihood_all(
            self.open,
            self.tokenizer,
            prompts,
            references,
            batch,
            progress,
            self.cache,
            style=self.contender.style,
            thinking=self.contender.thinking,
        )


@dataclass(frozen=True, slots=True)
class ModelSession:
    """A contender that is ready to be asked."""

    contender: Contender
    tokenizer: Any
    batch: int
    engine: Engine
    progress: StepProgress

    def answers(self, prompts: Sequence[list[Message]], max_new_tokens: int, step: str) -> list[Answer]:
        """Greedy answers to the prompts, in their order; `step` names the progress."""
        return self.engine.answers(prompts, max_new_tokens, self.batch, partial(self.progress, step))

    def likelihoods(self, prompts: Sequence[list[Message]], references: Sequence[str], step: str) -> list[Likelihood]:
        """How likely each reference is after its prompt, in their order; `step` names the progress."""
        return self.engine.likelihoods(prompts, references, self.batch, partial(self.progress, step))


@contextmanager
def at_work(
    contender: Contender,
    loader: Loader,
    answers: AnswerCache,
    batch: int,
    progress: StepProgress,
    shared: Path | None = None,
    vllm: Vllm | None = None,
) -> Iterator[ModelSession]:
    """The contender, ready to be asked.

    Args:
        answers: what was answered before, and where new answers are kept.
        shared: an adapter that is on the weights all the same, switched off, because it is asked next.
        vllm: asks vLLM, which then serves the contender's weights for the time of the block, and no adapter.
    """
    tokenizer = load_tokenizer(contender.tokenizer)
    cached = ModelAnswers(answers, contender.identity(tokenizer, vllm))
    with ExitStack() as off:
        if vllm is not None:
            step = f"{contender.name}: starting vLLM"

            @cache
            def server() -> Server:
                found = off.enter_context(serving(vllm, contender.weights, lambda: progress(step, 0, 1)))
                progress(step, 1, 1)
                return found

            ask = VllmEngine(contender.weights, tokenizer, contender.style, contender.thinking, cached, server)
            yield ModelSession(contender, tokenizer, batch, ask, progress)
            return
        adapter = contender.adapter or shared
        is_off = False

        def ready() -> Any:
            nonlocal is_off
            model = loader.model(contender, adapter)
            if contender.adapter is None and adapter is not None and not is_off:
                off.enter_context(model.disable_adapter())
                is_off = True
            return model

        yield ModelSession(contender, tokenizer, batch, InProcess(contender, tokenizer, cached, ready), progress)
