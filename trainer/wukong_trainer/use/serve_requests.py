"""What a request to the endpoint may ask, as OpenAI's clients write it; all else is refused by name.

A field that would change the answer is obeyed or refused; only fields that say who asks are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from wukong_trainer.data.examples import Message

MOST_MESSAGES = 2000
COOLEST = 0.01
"""Lower temperatures are computed as infinite numbers; 0 is greedy."""


def _not_too_cool(temperature: float) -> float:
    if 0 < temperature < COOLEST:
        raise ValueError(f"must be 0, which is greedy, or from {COOLEST} to 2")
    return temperature


Nothing = Annotated[float, Field(ge=0, le=0)]
# transformers compares each with all of the vocabulary before the first token.
StopText = Annotated[str, StringConstraints(min_length=1, max_length=16)]
TokenCount = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """A piece of a message's text."""

    model_config = ConfigDict(strict=True)

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """A message; what clients send back with an answer, such as `refusal`, is passed over."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part]

    def message(self) -> Message:
        """The message as a chat template knows it."""
        text = self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class TextFormat(_Strict):
    type: Literal["text"]


class TemplateOptions(_Strict):
    enable_thinking: bool


class ChatRequest(_Strict):
    """The body of /v1/chat/completions.

    {"model": "blackwukong", "messages": [{"role": "user", "content": "出云棍怎样获得？"}], "max_tokens": 200}
    """

    messages: Annotated[list[Turn], Field(min_length=1, max_length=MOST_MESSAGES)]
    model: str | None = None
    stream: bool | None = None
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    temperature: Annotated[float, Field(ge=0, le=2), AfterValidator(_not_too_cool)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: StopText | Annotated[list[StopText], Field(min_length=1, max_length=4)] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=2)] | None = None
    chat_template_kwargs: TemplateOptions | None = None
    # Only as the values that ask for nothing.
    n: Literal[1] | None = None
    presence_penalty: Nothing | None = None
    logprobs: Literal[False] | None = None
    response_format: TextFormat | None = None
    # They change no answer.
    stream_options: dict[str, Any] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None

    def limit(self) -> int | None:
        """Tokens at which the answer is cut; None where the request does not say."""
        return self.max_completion_tokens or self.max_tokens

    def sampling(self) -> dict[str, Any]:
        """Arguments of a GenerationConfig: greedy, as evaluated, unless a temperature is named."""
        if not self.temperature:
            return {"do_sample": False}
        top_p = {} if self.top_p is None else {"top_p": self.top_p}
        return {"do_sample": True, "temperature": self.temperature, **top_p}

    def passed_on(self) -> dict[str, Any]:
        """What transformers' handler reads itself."""
        options = self.chat_template_kwargs
        given = {
            "stream": bool(self.stream),
            "seed": self.seed,
            "stop": self.stop,
            "frequency_penalty": self.frequency_penalty,
            "chat_template_kwargs": options.model_dump() if options else None,
        }
        return {name: value for name, value in given.items() if value is not None}


class PromptRequest(_Strict):
    """The body of /generate: {"prompt": "出云棍怎样获得？"}."""

    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    max_new_tokens: TokenCount | None = None


def complaint(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The parameter and the sentence of the first thing that is wrong with a request."""
    first = errors[0]
    # A body's place begins with “body”; the alternatives of a type follow the name.
    where = [str(step) for step in first["loc"] if step != "body"][:3]
    parameter = ".".join(where)[:100]
    if first["type"] == "extra_forbidden":
        return parameter, f"“{parameter}” is not supported here."
    if not parameter:
        return "", "The body must be a JSON object, sent as application/json."
    return parameter, f"“{parameter}”: {first['msg']}."
