"""The files and batches of a provider on loopback, as OpenAI documents them, with what can go wrong between.

Source: https://developers.openai.com/api/docs/guides/batch and the reference of its Files and Batches. The script that
answers live calls answers a batch's lines, on the same bill. Left out: usage on the batch, expiry of files, their list.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.support.provider import NO_LIMITS, NO_MODELS, Limits, Provider, Response, Script, in_turn, refusal

ENDPOINT = "/v1/chat/completions"
DONE = ("completed", "failed", "expired", "cancelled")

UNDONE = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "The batch was cancelled before this request executed.",
    "request_timeout": "The underlying call to the model timed out.",
}
"""Why a line has no response: the codes the reference lists for a line's error."""


@dataclass(frozen=True, slots=True)
class BatchBehaviour:
    """How the server treats the next batch, and the file that is uploaded for it."""

    steps: int = 3
    """Steps from made to done, at least one. Those between answer their share of the lines; the last of them, with all
    lines answered, is finalizing. For 3: validating, in_progress, finalizing, completed."""
    step_seconds: float | None = None
    """None: every GET of the batch is a step; seeing it in the list is none. Else the clock takes one so often."""
    fail: dict[str, Any] | None = None
    """The first step fails the whole batch with this code, message, line and param."""
    expire_after: int | None = None
    """The window closes when so many lines are answered."""
    lose: int = 0
    """Results that stand in no file, though they are counted and charged."""
    duplicate: int = 0
    """Results that stand in their file twice."""
    most_requests: int = 50_000
    """An upload with more lines gets a 400."""
    most_bytes: int = 200_000_000
    """A larger upload gets a 413."""
    absent: bool = False
    """Files can be uploaded, but /v1/batches is a 404."""
    creation: Literal["answered", "500", "cut"] = "answered"
    """What the client sees of POST /v1/batches. The batch is made in any case."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a client uploaded, or that a batch wrote."""

    id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }


class BatchProvider(Provider):
    """A provider with /v1/files and /v1/batches. Each behaviour is for one batch, the last for all that follow."""

    def __init__(self, script: Script, behaviours: Sequence[BatchBehaviour], models: Response, limits: Limits) -> None:
        super().__init__(script, models, limits)
        self.files: dict[str, StoredFile] = {}
        """What was uploaded or written, and not deleted, by id."""
        self.batches: dict[str, Batch] = {}
        """Every batch ever made, by id, oldest first."""
        self._behaviours = behaviours
        self._written = 0
        self._desk = threading.Lock()

    def page(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        url = urlsplit(target)
        if not url.path.startswith(("/v1/files", "/v1/batches")):
            return super().page(method, target, headers, body)
        with self._desk:
            behaviour = self._behaviours[min(len(self.batches), len(self._behaviours) - 1)]
            match [method, *url.path.split("/")[2:]]:
                case ["POST", "files"]:
                    return self._upload(headers["content-type"], body, behaviour)
                case ["GET" | "DELETE", "files", file_id]:
                    return self._file(method, file_id)
                case ["GET", "files", file_id, "content"]:
                    return self._file("content", file_id)
                case [_, "batches", *_] if behaviour.absent:
                    return refusal(404, "no such page")
                case ["POST", "batches"]:
                    return self._create(json.loads(body), behaviour)
                case ["GET", "batches"]:
                    return self._list({name: values[-1] for name, values in parse_qs(url.query).items()})
                case ["GET", "batches", batch_id]:
                    return self._batch(batch_id, cancel=False)
                case ["POST", "batches", batch_id, "cancel"]:
                    return self._batch(batch_id, cancel=True)
                case _:
                    return refusal(404, "no such page")

    def store(self, filename: str, purpose: str, content: bytes) -> StoredFile:
        """Keep a file under a new id."""
        self._written += 1
        file = StoredFile(f"file-{self._written}", filename, purpose, content, int(time.time()))
        self.files[file.id] = file
        return file

    def _upload(self, content_type: str, body: bytes, behaviour: BatchBehaviour) -> Response:
        form = _form(content_type, body)
        if form.get("purpose", ("", b""))[1] != b"batch" or "file" not in form:
            return _invalid("a file and purpose=batch are needed", "purpose")
        filename, content = form["file"]
        if len(content) > behaviour.most_bytes:
            return refusal(413, f"Maximum content size limit ({behaviour.most_bytes}) exceeded.", code="file_too_large")
        if sum(1 for line in content.split(b"\n") if line.strip()) > behaviour.most_requests:
            return _invalid(f"The file has more than the {behaviour.most_requests} requests of a batch.", "file")
        return _ok(self.store(filename, "batch", content).as_json())

    def _file(self, verb: str, file_id: str) -> Response:
        if file_id not in self.files:
            return refusal(404, f"No such File object: {file_id}", type="invalid_request_error", param="id", code=None)
        if verb == "DELETE":
            del self.files[file_id]
            return _ok({"id": file_id, "object": "file", "deleted": True})
        if verb == "content":
            return Response(body=self.files[file_id].content, headers={"content-type": "application/octet-stream"})
        return _ok(self.files[file_id].as_json())

    def _create(self, order: dict[str, Any], behaviour: BatchBehaviour) -> Response:
        file = self.files.get(order.get("input_file_id", ""))
        metadata = order.get("metadata") or {}
        if file is None or file.purpose != "batch":
            return _invalid("input_file_id is not a file with purpose=batch", "input_file_id")
        if order.get("endpoint") != ENDPOINT:
            return _invalid(f"endpoint must be {ENDPOINT}", "endpoint")
        if order.get("completion_window") != "24h":
            return _invalid("completion_window must be 24h", "completion_window")
        if len(metadata) > 16 or any(
            len(key) > 64 or not isinstance(value, str) or len(value) > 512 for key, value in metadata.items()
        ):
            return _invalid("metadata is 16 pairs at most, keys of 64 and values of 512 characters", "metadata")
        batch = Batch(len(self.batches) + 1, file, metadata, behaviour, self)
        self.batches[batch.id] = batch
        if behaviour.creation == "500":
            message = "The server had an error while processing your request. Sorry about that!"
            return refusal(500, message, type="server_error", param=None, code=None)
        return replace(_ok(batch.as_json()), cut=behaviour.creation == "cut")

    def _list(self, query: dict[str, str]) -> Response:
        newest_first = list(reversed(self.batches.values()))
        limit = int(query.get("limit", 20))
        if not 1 <= limit <= 100:
            return _invalid("limit is between 1 and 100", "limit")
        start = 0
        if "after" in query:
            if query["after"] not in self.batches:
                return _invalid("after is no batch", "after")
            start = 1 + newest_first.index(self.batches[query["after"]])
        shown = newest_first[start : start + limit]
        for batch in shown:
            batch.advance(polled=False)
        return _ok(
            {
                "object": "list",
                "data": [batch.as_json() for batch in shown],
                "first_id": shown[0].id if shown else None,
                "last_id": shown[-1].id if shown else None,
                "has_more": start + limit < len(newest_first),
            }
        )

    def _batch(self, batch_id: str, *, cancel: bool) -> Response:
        batch = self.batches.get(batch_id)
        if batch is None:
            return refusal(404, f"No batch found with id '{batch_id}'.", type="invalid_request_error")
        batch.advance(polled=not cancel)
        if cancel and not batch.cancel():
            return refusal(409, f"Cannot cancel a batch with status '{batch.status}'.", type="invalid_request_error")
        return _ok(batch.as_json())


@contextmanager
def batch_provider(
    script: Script | Sequence[Response],
    *behaviours: BatchBehaviour,
    models: Response = NO_MODELS,
    limits: Limits = NO_LIMITS,
) -> Iterator[BatchProvider]:
    """A provider that answers by `script`, live and in batches; no behaviours at all are `BatchBehaviour()`."""
    script = script if callable(script) else in_turn(script)
    server = BatchProvider(script, behaviours or [BatchBehaviour()], models, limits)
    with server.running():
        yield server


class Batch:
    """One batch on the server. It moves only when somebody looks at it."""

    def __init__(
        self, number: int, file: StoredFile, metadata: dict[str, str], behaviour: BatchBehaviour, server: BatchProvider
    ) -> None:
        self.id = f"batch_{number}"
        self.metadata = metadata
        self.status = "validating"
        self._input_file_id = file.id
        self._lines, self._errors = _validated(file.content)
        if behaviour.fail is not None:
            self._errors = [{"code": None, "message": None, "param": None, "line": None, **behaviour.fail}]
        self._behaviour = behaviour
        self._server = server
        self._results: list[dict[str, Any]] = []
        self._steps = 0
        self._cancelled_at = 0
        self._made = time.monotonic()
        self._created_at = int(time.time())
        self._entered: dict[str, int] = {}
        self._output_file_id: str | None = None
        self._error_file_id: str | None = None

    def advance(self, *, polled: bool) -> None:
        """Bring the batch to where it stands now: a step on if it was polled, or wherever the clock is."""
        rule = self._behaviour
        if self.status in DONE:
            return
        if rule.step_seconds is None:
            self._steps += polled
        else:
            self._steps = int((time.monotonic() - self._made) / rule.step_seconds)
        if self.status == "cancelling":
            if self._steps > self._cancelled_at:
                self._finish("cancelled", "batch_cancelled")
        elif self._steps == 0:
            return
        elif self._errors:
            self._enter("failed")
        else:
            in_time = len(self._lines) if rule.expire_after is None else min(rule.expire_after, len(self._lines))
            worked = len(self._lines) if self._steps >= rule.steps - 1 else len(self._lines) * self._steps // rule.steps
            self._answer(min(in_time, worked))
            if self._steps < rule.steps:
                self._enter("finalizing" if self._steps == rule.steps - 1 else "in_progress")
            elif in_time < len(self._lines):
                self._finish("expired", "batch_expired")
            else:
                self._finish("completed", "")

    def cancel(self) -> bool:
        """Whether the batch can still be cancelled. What is answered stays; the next step is the last."""
        if self.status in DONE:
            return False
        if self.status != "cancelling":
            self._cancelled_at = self._steps
            self._enter("cancelling")
        return True

    def as_json(self) -> dict[str, Any]:
        accepted = self.status not in ("validating", "failed")
        completed = sum(map(_succeeded, self._results))
        moments = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "errors": {"object": "list", "data": self._errors} if self.status == "failed" else None,
            "input_file_id": self._input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self._output_file_id,
            "error_file_id": self._error_file_id,
            "created_at": self._created_at,
            "expires_at": self._created_at + 24 * 3600,
            **{f"{moment}_at": self._entered.get(moment) for moment in moments},
            "request_counts": {
                "total": len(self._lines) if accepted else 0,
                "completed": completed,
                "failed": len(self._results) - completed,
            },
            "metadata": self.metadata or None,
        }

    def _enter(self, status: str) -> None:
        self.status = status
        self._entered.setdefault(status, int(time.time()))

    def _answer(self, upto: int) -> None:
        for line in self._lines[len(self._results) : upto]:
            self._server.lines.append(line["body"])
            response = self._server.play(line["body"])
            if response.cut:
                self._conclude(line, error="request_timeout")
            else:
                self._conclude(line, response)

    def _conclude(self, line: dict[str, Any], response: Response | None = None, error: str | None = None) -> None:
        number = len(self._results) + 1
        answer = None
        if response is not None:
            request_id = f"req_{self.id}_{number}"
            answer = {"status_code": response.status, "request_id": request_id, "body": _body(response)}
        self._results.append(
            {
                "id": f"batch_req_{self.id}_{number}",
                "custom_id": line["custom_id"],
                "response": answer,
                "error": None if error is None else {"code": error, "message": UNDONE[error]},
            }
        )

    def _finish(self, status: str, why_undone: str) -> None:
        for line in self._lines[len(self._results) :]:
            self._conclude(line, error=why_undone)
        chance = random.Random(self.id)
        written = chance.sample(self._results, k=len(self._results) - self._behaviour.lose)
        written += written[: self._behaviour.duplicate]
        chance.shuffle(written)
        self._output_file_id = self._write("output", [line for line in written if _succeeded(line)])
        self._error_file_id = self._write("error", [line for line in written if not _succeeded(line)])
        self._enter(status)

    def _write(self, kind: str, lines: list[dict[str, Any]]) -> str | None:
        """The id of a file with `lines`. A batch without successes, or without errors, has no such file."""
        if not lines:
            return None
        # Unescaped: an answer may hold U+2028, which ends a line for str.splitlines but not in JSON lines.
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        return self._server.store(f"{self.id}_{kind}.jsonl", "batch_output", content.encode("utf-8")).id


def _succeeded(result: dict[str, Any]) -> bool:
    return result["response"] is not None and result["response"]["status_code"] == 200


def _body(response: Response) -> Any:
    try:
        return json.loads(response.body)
    except ValueError:
        return response.body.decode("utf-8", "replace")


def _validated(content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lines of an input file, and what is wrong with it: code, message, param and line, as OpenAI reports them."""
    lines: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(content.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw.decode("utf-8"))  # Decoded: a byte order mark is an error here, as it is there.
        except ValueError:
            line = None
        problem: tuple[str, str, str | None]
        if not isinstance(line, dict):
            problem = ("invalid_json_line", "This line is not parseable as valid JSON.", None)
        elif missing := [name for name in ("custom_id", "method", "url", "body") if not line.get(name)]:
            problem = ("missing_required_parameter", f"Missing required parameter: '{missing[0]}'.", missing[0])
        elif line["custom_id"] in seen:
            message = f"The custom_id '{line['custom_id']}' for this request is a duplicate of another request."
            problem = ("duplicate_custom_id", message, "custom_id")
        elif (line["method"], line["url"]) != ("POST", ENDPOINT):
            message = "The URL provided for this request does not match the batch endpoint."
            problem = ("invalid_url", message, "url")
        elif lines and line["body"].get("model") != lines[0]["body"].get("model"):
            message = (
                f"The model '{line['body'].get('model')}' for this request does not match the rest of the batch. "
                "Each batch must contain requests for a single model."
            )
            problem = ("mismatched_model", message, "body.model")
        else:
            seen.add(line["custom_id"])
            lines.append(line)
            continue
        errors.append(dict(zip(("code", "message", "param"), problem, strict=True)) | {"line": number})
    if not lines and not errors:
        message = "The input file is empty. Please ensure that your batch contains at least one request."
        errors = [{"code": "empty_file", "message": message, "param": None, "line": None}]
    return lines, errors


def _form(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The fields of a multipart/form-data body (RFC 7578): name to file name, or nothing, and content."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if boundary is None:
        return {}
    form = {}
    for part in body.split(b"--" + boundary[1].encode("ascii"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        named = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode("utf-8")))
        form[named["name"]] = (named.get("filename", ""), content.removesuffix(b"\r\n"))
    return form


def _ok(answer: dict[str, Any]) -> Response:
    return Response(body=json.dumps(answer).encode("utf-8"))


def _invalid(message: str, param: str) -> Response:
    return refusal(400, message, type="invalid_request_error", param=param, code=None)
