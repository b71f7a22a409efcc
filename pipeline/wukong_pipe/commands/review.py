"""What `review` does once its options are read: read the run, take a port, show the page until Ctrl-C."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path

from rich.console import Console

from wukong_pipe.commands.listening import HOST, listening
from wukong_pipe.extras import training_installed
from wukong_pipe.language.plurals import counted
from wukong_pipe.reasons import Lang
from wukong_pipe.workspace import Run

SECONDS_TO_STOP = 2
"""How long an answer in flight may take once the server is told to stop."""


def run_review(
    run: Run,
    *,
    port: int,
    opens_browser: bool,
    lang: Lang | None,
    enough: float,
    source: Path | None,
    encoding: str,
    err: Console,
) -> None:
    """Show the run's pairs on a local page until Ctrl-C.

    Args:
        lang: of the page; None for the language that most pairs are in.

    Raises:
        WorkspaceError: the run has no dataset, or the port is taken.
        DataError: a file of the run cannot be read.
        MissingDependency: the extra `review` is not installed.
    """
    with training_installed("review"):
        import uvicorn

        from wukong_pipe.review.app import application
        from wukong_pipe.review.desk import Desk, language_of
        from wukong_pipe.review.library import Library
        from wukong_pipe.review.security import Access
    with listening(port) as listener:
        library = Library.of(run, source, encoding)
        library.work_out_doubts()
        desk, access = Desk(library, lang or language_of(library), enough), Access()
        listener.listen()
        address = f"http://{HOST}:{listener.getsockname()[1]}/?token={access.token}"
        err.print(f"Review of {run.name}, {counted(len(library.pairs), 'pair')}: {address}")
        err.print("For this machine and this address alone. Ctrl-C ends it; every decision is saved at once.")
        if opens_browser:
            # What it prints where there is none is no news: the address stands above.
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)
        config = uvicorn.Config(
            application(desk, access),
            ws="none",
            log_level="warning",
            timeout_graceful_shutdown=SECONDS_TO_STOP,
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    err.print(_farewell(desk.recorded, desk.taken_back, run))


def _farewell(recorded: int, taken_back: int, run: Run) -> str:
    if not recorded and not taken_back:
        return "No decision was recorded."
    undone = f", {taken_back} taken back" if taken_back else ""
    return (
        f"{counted(recorded, 'decision')} recorded{undone} in {run.edits}: the next `wukong-pipe build` applies them."
    )
