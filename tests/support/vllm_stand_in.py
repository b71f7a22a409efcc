"""A stand-in for vLLM, where none is installed: an executable `vllm` that really serves a model over HTTP on loopback.

It knows the part of vLLM 0.32.0's protocol that is used here, answers in the shapes that were seen of it, and fails in
the ways that were seen. The process is real, and so are its port and its end; the model behind it stands in the test's
own process, where torch is loaded already, and is transformers'.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

VERSION = "0.32.0"
DIED_AT_START = """\
(APIServer pid=18143) INFO 11-22 17:14:06 [model.py:733] Resolved architecture: Qwen2ForCausalLM
(Worker pid=19601) ERROR 11-22 17:14:31 [multiproc_executor.py:1001] WorkerProc failed to start.
(Worker pid=19601) ERROR 11-22 17:14:31 [multiproc_executor.py:1001] Traceback (most recent call last):
(Worker pid=19601) ERROR 11-22 17:14:31 [multiproc_executor.py:1001] ValueError: Available memory on node 0 \
(19.53/23.54 GiB) on kv cache allocation is less than requested memory for kv (4000.0 GiB).
(EngineCore pid=19565) ERROR 11-22 17:14:32 [core.py:1510] Exception: WorkerProc initialization failed due to an \
exception in a background process. See stack trace for root cause.
(APIServer pid=18143) Traceback (most recent call last):
(APIServer pid=18143) RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
 - ... skipped remainder
"""
DIED_HALF_WAY = """\
(APIServer pid=22407) ERROR 11-22 17:26:52 [async_llm.py:906] AsyncLLM output_handler failed.
(APIServer pid=22407) ERROR 11-22 17:26:52 [async_llm.py:906]     raise self._format_exception(outputs) from None
(APIServer pid=22407) ERROR 11-22 17:26:52 [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError: EngineCore \
encountered an issue. See stack trace (above) for the root cause.
INFO:     Application shutdown complete.
nanobind: leaked 4 instances!
"""
_EXECUTABLE = """#!{python}
import argparse, json, os, sys, threading, time, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if sys.argv[1:] == ["--version"]:
    print("{version}+cpu")
    sys.exit(0)
parser = argparse.ArgumentParser(prog="vllm")
parser.add_argument("verb", choices=["serve"])
parser.add_argument("model")
for name in ("served-model-name", "host", "dtype", "generation-config", "max-model-len", "tensor-parallel-size"):
    parser.add_argument("--" + name)
parser.add_argument("--port", type=int)
for name in ("disable-uvicorn-access-log", "enforce-eager"):
    parser.add_argument("--" + name, action="store_true")
given = vars(parser.parse_args())
opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
def behind(path, body):
    request = urllib.request.Request("{url}" + path, json.dumps(body).encode(), method="POST")
    try:
        with opener.open(request) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
start = json.loads(behind("/start", dict(given, environment=dict(os.environ), pid=os.getpid()))[1])
print(start["log"], flush=True)
if start["fate"] == "dies":
    sys.exit(1)
if start["fate"] == "hangs":
    time.sleep(600)
class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments):
        pass
    def answer(self, body):
        status, reply = behind(self.path, {{"server": start["server"], "body": body}})
        if status == 599:
            print(reply.decode(), flush=True)
            os._exit(1)
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
    def do_GET(self):
        self.answer(None)
    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
class Server(ThreadingHTTPServer):
    request_queue_size = 512
Server((given["host"], given["port"]), Front).serve_forever()
"""


@dataclass
class StandIn:
    """What the servers started so far were, and what the next ones are to do."""

    executable: Path
    max_model_len: int = 1024
    dies_at_start: bool = False
    hangs_at_start: bool = False
    gives_up: str = ""
    """The finish_reason of every answer, where it is not the true one."""
    dies_after: int | None = None
    """Completions that a server answers before its engine dies."""
    started: list[dict[str, Any]] = field(default_factory=list)
    """The options of each server, with its `environment` and `pid`."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all completions."""
    _models: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON of a request; 599 is the engine's death."""
        with self._lock:
            if path == "/start":
                return 200, self._start(body)
            started, model = self.started[body["server"]], self._models[body["server"]]
            if path == "/health":
                return 200, None
            if path == "/v1/models":
                about = {"id": started["served_model_name"], "object": "model", "max_model_len": self.max_model_len}
                return 200, {"object": "list", "data": [about]}
            if path != "/v1/completions":
                return 404, {"detail": "Not Found"}
            return self._complete(body["body"], started, model)

    def _start(self, options: dict[str, Any]) -> dict[str, Any]:
        self.started.append(options)
        if self.dies_at_start or self.hangs_at_start:
            self._models.append(None)
            return {"fate": "dies" if self.dies_at_start else "hangs", "log": DIED_AT_START}
        model = AutoModelForCausalLM.from_pretrained(options["model"], dtype=getattr(torch, options["dtype"]))
        self._models.append(model.eval())
        return {"fate": "serves", "server": len(self.started) - 1, "log": "Application startup complete."}

    def _complete(self, body: dict[str, Any], started: dict[str, Any], model: Any) -> tuple[int, Any]:
        if body["model"] != started["served_model_name"]:
            return refused(404, "NotFoundError", f"The model `{body['model']}` does not exist.")
        prompt, most = body["prompt"], body["max_tokens"]
        if len(prompt) > self.max_model_len:
            return refused(
                400,
                "BadRequestError",
                f"This model's maximum context length is {self.max_model_len} tokens. However, your prompt contains "
                f"{len(prompt)} input tokens, which exceeds this limit even without any output tokens.",
            )
        if min(most, self.max_model_len - len(prompt)) < 1:
            return refused(400, "BadRequestError", "max_tokens must be at least 1, got 0.")
        if self.dies_after is not None and len(self.asked) >= self.dies_after:
            return 599, DIED_HALF_WAY
        self.asked.append(body)
        ids = torch.tensor([prompt])
        # What the weights ask for counts unless the server is told otherwise, and 1 is the default temperature.
        own = model.generation_config.repetition_penalty
        hot = body.get("temperature", 1) != 0
        with torch.inference_mode():
            made = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=min(most, self.max_model_len - len(prompt)),
                do_sample=hot,
                eos_token_id=body.get("stop_token_ids") or None,
                pad_token_id=0,
                repetition_penalty=1.0 if started["generation_config"] == "vllm" else own,
            )[0, len(prompt) :].tolist()
            logs = torch.log_softmax(model(ids).logits[0].float(), dim=-1)
        if body.get("prompt_logprobs") is not None and logs.isnan().any():
            return refused(400, "BadRequestError", "Out of range float values are not JSON compliant")
        ended = made[-1] in (body.get("stop_token_ids") or [])
        seen = [None] + [{str(t): {"logprob": float(logs[n, t]), "rank": 1}} for n, t in enumerate(prompt[1:])]
        choice = {
            "index": 0,
            "text": "",
            "finish_reason": self.gives_up or ("stop" if ended else "length"),
            "stop_reason": made[-1] if ended else None,
            "token_ids": made if body.get("return_token_ids") else None,
            "prompt_logprobs": seen if body.get("prompt_logprobs") is not None else None,
        }
        return 200, {"object": "text_completion", "model": body["model"], "choices": [choice]}


def refused(status: int, kind: str, message: str) -> tuple[int, Any]:
    return status, {"error": {"message": message, "type": kind, "param": None, "code": status}}


@contextmanager
def vllm_stand_in(folder: Path) -> Iterator[StandIn]:
    """An executable `vllm` in `folder`, and what stands behind it."""
    stand_in = StandIn(folder / "vllm")

    class Behind(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, reply = stand_in.reply(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Behind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        stand_in.executable.write_text(_EXECUTABLE.format(python=sys.executable, version=VERSION, url=url))
        stand_in.executable.chmod(0o755)
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
