"""A Hugging Face Hub on loopback that serves one dataset, `me/rows`: enough of its HTTP interface for a download."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0" * 40
BLOB = "a" * 40


@contextmanager
def dataset_hub(content: bytes) -> Iterator[str]:
    """Serve `content` as the dataset's train.jsonl; gives the address for HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if "me/rows" not in self.path:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif self.path.startswith("/api/datasets/me/rows/tree"):
                entry = {"type": "file", "path": "train.jsonl", "size": len(content), "oid": BLOB}
                self._send(200, json.dumps([entry]).encode())
            elif self.path.startswith("/api/"):
                known = {"id": "me/rows", "sha": COMMIT, "private": False, "siblings": [{"rfilename": "train.jsonl"}]}
                self._send(200, json.dumps(known).encode())
            elif self.path.endswith("/train.jsonl"):
                self._send(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{BLOB}"'})
            else:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
