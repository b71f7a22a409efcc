"""A conversation with a tuned model: its turns, and each answer in pieces as it comes, with thoughts marked."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from wukong_trainer.data.examples import Message
from wukong_trainer.data.thoughts import CLOSE, OPEN, opens_thought
from wukong_trainer.inference.generate import stream
from wukong_trainer.use.tuned_model import Tuned


@dataclass(slots=True)
class Conversation:
    """The turns so far; thoughts are not among them, as Qwen's own template leaves them out."""

    tuned: Tuned
    max_new_tokens: int
    turns: list[Message] = field(default_factory=list)

    def answer(self, question: str) -> Generator[tuple[bool, str], None, None]:
        """The answer in pieces, each with whether it is thought; what was said before the end, or before the
        generator is closed, becomes a turn."""
        self.turns.append({"role": "user", "content": question})
        prompt = self.tuned.text(self.turns)
        # Some templates open the thought themselves.
        thinking = opens_thought(prompt)
        reply = ""
        try:
            with closing(stream(self.tuned.model, self.tuned.tokenizer, prompt, self.max_new_tokens)) as pieces:
                for thought, text in apart(pieces, thinking):
                    reply += "" if thought else text
                    yield thought, text
        finally:
            self.turns.append({"role": "assistant", "content": reply.strip()})

    def clear(self) -> None:
        """Forget all turns."""
        self.turns.clear()


def apart(pieces: Iterable[str], thinking: bool = False) -> Iterator[tuple[bool, str]]:
    """The text of a stream in pieces, each with whether it stands in a <think> block; the tags are left out, and
    white space behind them.

    A tag may be spread over pieces: what may become one is held back.

    >>> list(apart(["<thi", "nk>先想", "想</think>答案"]))
    [(True, '先想'), (True, '想'), (False, '答案')]
    """
    buffer, fresh = "", True
    for piece in pieces:
        buffer += piece
        while True:
            buffer = buffer.lstrip() if fresh else buffer
            tag = CLOSE if thinking else OPEN
            before, found, after = buffer.partition(tag)
            if not found:
                break
            if before:
                yield thinking, before
            buffer, thinking, fresh = after, not thinking, True
        keep = next((n for n in range(len(tag) - 1, 0, -1) if buffer.endswith(tag[:n])), 0)
        ready, buffer = buffer[: len(buffer) - keep], buffer[len(buffer) - keep :]
        if ready:
            fresh = False
            yield thinking, ready
    if buffer:
        yield thinking, buffer
