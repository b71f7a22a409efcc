"""What `review` does once its options are read: read the run, take a port, show the page until Ctrl-C."""

from __future__ import annotations

import contextlib
import webbrowser
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from rich.console import Console

from wukong_pipe.commands.listening import HOST, listening
from wukong_pipe.extras import check_installed, training_installed
from wukong_pipe.language.plurals import counted
from wukong_pipe.reasons import Lang
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from starlette.applications import Starlette

_SERVER = ("starlette", "uvicorn")
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
    check_installed(_SERVER, "review")
    with training_installed("review"):
        from wukong_pipe.review.library import Library
        from wukong_pipe.review_page.app import application
        from wukong_pipe.review_page.desk import Desk, language_of
        from wukong_pipe.review_page.security import Access
    with listening(port) as listener:
        library = Library(run, source, encoding)
        library.work_out_doubts()
        desk, access = Desk(library, lang or language_of(library), enough), Access()
        what = f"Review of {run.name}, {counted(len(library.pairs), 'pair')}"
        _serve(application(desk, access), listener, access.token, what, err, opens_browser)
    err.print(_farewell(*library.decisions.since_the_start(), run))


def run_answer_review(
    run: Run,
    *,
    port: int,
    opens_browser: bool,
    lang: Lang | None,
    source: Path | None,
    encoding: str,
    err: Console,
) -> None:
    """Show the answers of the run's evaluation on a local page, to be graded, until Ctrl-C.

    Raises:
        WorkspaceError: nothing was evaluated, or the port is taken.
        DataError: a file of the run cannot be read.
        MissingDependency: the extras `review` and `report` are not installed.
    """
    check_installed(_SERVER, "review,report")
    with training_installed("review,report"):
        from wukong_pipe.review.run_files import read_run
        from wukong_pipe.review.section_texts import SectionTexts
        from wukong_pipe.review_page.answer_desk import AnswerDesk
        from wukong_pipe.review_page.answer_routes import answers_application
        from wukong_pipe.review_page.security import Access
    with listening(port) as listener:
        # Answers to rows of one's own are about no section of a build.
        places = read_run(run).sections if run.manifest.is_file() else {}
        desk, access = AnswerDesk(run, SectionTexts(run, places, source, encoding).get, lang), Access()
        what = f"Answers of {run.name}, {desk.graded} of {desk.goal} graded"
        _serve(answers_application(desk, access), listener, access.token, what, err, opens_browser)
    err.print(f"{desk.graded} of {counted(desk.goal, 'answer')} graded: `wukong-pipe report` shows what that says.")


def _serve(application: Starlette, listener: socket, token: str, what: str, err: Console, opens_browser: bool) -> None:
    """Show a page until Ctrl-C."""
    import uvicorn

    listener.listen()
    address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
    err.print(f"{what}: {address}")
    err.print("For this machine and this address alone. Ctrl-C ends it; every decision is saved at once.")
    if opens_browser:
        # What it prints where there is none is no news: the address stands above.
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(address)
    config = uvicorn.Config(application, ws="none", log_level="warning", timeout_graceful_shutdown=SECONDS_TO_STOP)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _farewell(recorded: int, taken_back: int, run: Run) -> str:
    if not recorded and not taken_back:
        return "No decision was recorded."
    undone = f", {taken_back} of before taken back" if taken_back else ""
    return (
        f"{counted(recorded, 'decision')} recorded{undone} in {run.edits}: the next `wukong-pipe build` applies them."
    )
