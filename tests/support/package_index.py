"""A package index on loopback, which real pip downloads wheels from."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO


@dataclass
class Index:
    """What it serves, and what was downloaded."""

    url: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)
    downloaded: list[str] = field(default_factory=list)
    before_wheel: Callable[[str], None] = lambda name: None
    """Called before a wheel is sent."""

    def add(self, package: str, version: str, members: dict[str, bytes]) -> None:
        """Put a wheel with these files into the index; its setup would fail if anything of it were run."""
        name = package.replace("-", "_")
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\nRequires-Dist: no-such-package\n"
        about = f"{name}-{version}.dist-info"
        written = BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr(f"{name}/__init__.py", 'raise SystemExit("executed")\n')
            for member, data in members.items():
                wheel.writestr(f"{name}/{member}", data)
            wheel.writestr(f"{about}/METADATA", metadata)
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
        self.wheels[f"{name}-{version}-py3-none-any.whl"] = written.getvalue()


@contextmanager
def index_served() -> Iterator[Index]:
    """An empty index at `Index.url`, for the time of the block."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, _, name = self.path.strip("/").partition("/")
            if kind == "simple":
                mine = [file for file in index.wheels if file.split("-")[0] == name.replace("-", "_")]
                links = [
                    f'<a href="/files/{file}#sha256={hashlib.sha256(index.wheels[file]).hexdigest()}">{file}</a>'
                    for file in mine
                ]
                body = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
                self._send(200 if mine else 404, "text/html", body)
                return
            index.before_wheel(name)
            index.downloaded.append(name)
            self._send(200, "application/octet-stream", index.wheels[name])

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
