"""A page of the review on a real port of this machine, served by a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from wukong_pipe.commands.listening import HOST, listening


@contextmanager
def served(application: ASGIApp) -> Iterator[str]:
    """The origin that it answers at."""
    with listening(0) as listener:
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(application, ws="none", log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
