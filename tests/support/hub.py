"""A Hugging Face Hub on loopback: enough of its HTTP interface to create a repository and commit to it.

Weights go the way of LFS: the preupload says so, a batch request names where to, and the commit holds their hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Hub:
    """What the server is told to say, and what it was asked."""

    kind: str = "datasets"
    """Of the repository, `me/tea`: "datasets" or "models"."""
    private: bool = True
    """Whether the repository is, once it is there."""
    exists: bool = False
    siblings: tuple[str, ...] = ()
    refuse: int = 0
    """Answer every request with this status."""
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(method, path) of every request."""
    authorization: set[str] = field(default_factory=set)
    created: dict[str, Any] = field(default_factory=dict)
    committed: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    received: bytes = b""
    """All bodies, one after the other."""
    stored: dict[str, bytes] = field(default_factory=dict)
    """By hash, what came by LFS."""

    @property
    def address(self) -> str:
        """Of the repository's page."""
        return f"{self.url}/datasets/me/tea" if self.kind == "datasets" else f"{self.url}/me/tea"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON of the answer to a request."""
        if self.refuse:
            return self.refuse, {"error": f"You don't have the rights to create {self.kind} under this namespace"}
        if path == "/api/repos/create":
            self.created = json.loads(body)
            return (409 if self.exists else 200), {"url": self.address, "error": "already created"}
        if path == "/api/validate-yaml":
            return 200, {"warnings": [], "errors": []}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"transfer": "basic", "objects": [self._wanted(each) for each in json.loads(body)["objects"]]}
        if method == "PUT":
            self.stored[path.rpartition("/")[2]] = body
            return 200, {}
        if method == "GET":
            siblings = [{"rfilename": name} for name in self.siblings]
            return 200, {"id": "me/tea", "private": self.private, "sha": "0" * 40, "siblings": siblings}
        if "/preupload/" in path:
            files = json.loads(body)["files"]
            return 200, {"files": [{"path": file["path"], **_way_of(file["path"])} for file in files]}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.committed[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                self.committed[line["value"]["path"]] = self.stored[line["value"]["oid"]]
            elif line["key"] == "deletedFile":
                self.deleted.append(line["value"]["path"])
        return 200, {"commitUrl": f"{self.address}/commit/1", "commitOid": "1"}

    def _wanted(self, file: dict[str, Any]) -> dict[str, Any]:
        upload = {"href": f"{self.url}/lfs/{file['oid']}"}
        return {"oid": file["oid"], "size": file["size"], "actions": {"upload": upload}}


def _way_of(path: str) -> dict[str, Any]:
    """How a file is to be sent."""
    return {"uploadMode": "lfs" if path.endswith((".safetensors", ".gguf")) else "regular", "shouldIgnore": False}


@contextmanager
def hub(**told: Any) -> Iterator[Hub]:
    """The server, for the time of the block."""
    state = Hub(**told)

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            state.asked.append((self.command, path))
            state.authorization.add(self.headers.get("Authorization", ""))
            state.received += body
            assert self.command != "PUT" or path.endswith(hashlib.sha256(body).hexdigest())
            status, answer = state.answer(self.command, path, body)
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PUT = reply  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
