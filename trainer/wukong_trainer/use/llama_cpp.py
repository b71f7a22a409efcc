"""A llama.cpp at work on one GGUF for the time of a block, asked as its users ask it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import torch

from wukong_pipe.errors import ModelError
from wukong_trainer.data.examples import Message
from wukong_trainer.inference.generate import Answer

# HTTP_PROXY would capture http://127.0.0.1, too.
_OPENER = build_opener(ProxyHandler({}))
_ADDRESS = re.compile(r" on (http://127\.0\.0\.1:\d+)/v1, ")
SILENCE = 300.0
"""A server that has said nothing for so many seconds will not start."""


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """The server, under its address."""

    url: str

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """The token ids of a conversation, by the GGUF's own template, up to where the answer begins."""
        return self.ids(str(self._post("/apply-template", {"messages": list(messages)})["prompt"]))

    def ids(self, text: str) -> list[int]:
        """The token ids of a text as a prompt: special tokens are read, and BOS is added where the GGUF says so."""
        asked = {"content": text, "add_special": True, "parse_special": True}
        return list(map(int, self._post("/tokenize", asked)["tokens"]))

    def answer(self, messages: Sequence[Message], max_new_tokens: int) -> Answer:
        """The greedy answer; thoughts stay in their tags."""
        asked = {
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": max_new_tokens,
            "reasoning_format": "none",
            "cache_prompt": False,
        }
        choice = self._post("/v1/chat/completions", asked)["choices"][0]
        return Answer(str(choice["message"]["content"] or "").strip(), choice["finish_reason"] == "stop")

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with _OPENER.open(request) as reply:
                found = json.loads(reply.read())
        except HTTPError as error:
            raise ModelError(
                f"llama.cpp refuses a question: {error.read()[:300].decode('utf-8', 'replace')}"
            ) from error
        except (OSError, ValueError) as error:
            raise ModelError(f"llama.cpp stopped while it was asked ({error}).") from error
        return dict(found)


@contextmanager
def answering(file: Path, context: int, log: Path) -> Iterator[LlamaCpp]:
    """A llama.cpp that answers about the GGUF; a process of its own, for what is wrong with a file kills it.

    Args:
        context: tokens of a prompt with its answer.
        log: where it says what it does.

    Raises:
        ModelError: it does not start.
    """
    threads = str(torch.get_num_threads())
    options = ["--port", "0", "--slots", "1", "--context", str(context), "--threads", threads]
    command = [sys.executable, "-P", "-m", "wukong_trainer.llama_server", str(file), *options]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "wukong_trainer.inference.watchdog", *command],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        yield LlamaCpp(_address(process, log))
    finally:
        process.stdin.close()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while True:
        said = log.read_text("utf-8", errors="replace")
        if found := _ADDRESS.search(said):
            return found[1]
        if process.poll() is not None or time.time() - log.stat().st_mtime > SILENCE:
            lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
            errors = [line for line in lines if " E " in line or "rror" in line]
            raise ModelError(f"llama.cpp cannot load the model: {(errors or lines)[-1][:300]} (its log: {log}).")
        time.sleep(0.1)
