"""Two hubs on loopback, each with one dataset, `me/rows`: enough of their HTTP interfaces for a download."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

COMMIT = "0" * 40
BLOB = "a" * 40


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def dataset_hub(content: bytes) -> Iterator[str]:
    """Hugging Face's hub with `content` as the dataset's train.jsonl; gives the address for HF_ENDPOINT."""

    class Handler(_Hub):
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

    with _serving(Handler) as address:
        yield address


@contextmanager
def modelscope_hub(files: dict[str, bytes]) -> Iterator[str]:
    """ModelScope's hub with the dataset's files by their paths; gives the address for MODELSCOPE_ENDPOINT."""

    class Handler(_Hub):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            wanted = parse_qs(address.query).get("FilePath", [""])[0]
            if address.path == "/api/v1/datasets/me/rows/repo/tree":
                entries = [
                    {"Name": Path(path).name, "Path": path, "Type": "blob", "Size": len(content), "Revision": COMMIT}
                    | {"Sha256": hashlib.sha256(content).hexdigest()}
                    for path, content in files.items()
                ]
                self._send(200, json.dumps({"Code": 200, "Success": True, "Data": {"Files": entries}}).encode())
            elif address.path == "/api/v1/datasets/me/rows/repo" and wanted in files:
                self._send(200, files[wanted])
            else:
                self._send(404, b'{"Code": 10010205001, "Success": false, "Message": "not found"}')

    with _serving(Handler) as address:
        yield address


@contextmanager
def _serving(handler: type[_Hub]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
