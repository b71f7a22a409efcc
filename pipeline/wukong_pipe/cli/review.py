"""`review`: a person reads the rows in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from wukong_pipe.cli.options import debug_option, err, named_or_last, run_option, runs_dir_option
from wukong_pipe.commands.review import run_answer_review, run_review
from wukong_pipe.workspace import Workspace


@click.command("review")
@click.option("--answers", is_flag=True, help="Grade the answers of the last evaluation instead, blind.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free one.")
@click.option("--browser/--no-browser", default=True, help="Whether to open the page in the browser.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of the page.  [default: the documents']")
@click.option(
    "--enough",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=0.05,
    show_default=True,
    help="The share of wrong pairs under which enough was read.",
)
@click.option("--source", type=click.Path(path_type=Path), help="The source, or the folder above it, if it was moved.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of the sources.")
@runs_dir_option
@run_option
@debug_option
def review_command(
    port: int,
    lang: Literal["zh", "en"] | None,
    enough: float,
    source: Path | None,
    encoding: str,
    runs_dir: Path,
    run: str,
    *,
    answers: bool,
    browser: bool,
) -> None:
    """Read, accept and mend the rows in a browser.

    The page shows each pair beside its source, says what to read first and after each pair how many of all may be
    wrong, and runs the free checks on what is typed. Every decision is a line of the run's edits.jsonl, saved at once;
    the next `wukong-pipe build` applies it. It stands on 127.0.0.1 and answers to the printed address alone; it needs
    the extra “review”. From another machine, reach it through `ssh -L 8080:127.0.0.1:8080 HOST` and --port 8080.

    With --answers it shows what base and tuned model answered, one answer at a time and without saying whose it is.
    Each grade (right, partly, wrong) is a line of eval/grades.jsonl; `wukong-pipe report` shows how far judge and score
    agree with them.

    \b
    Examples:
      wukong-pipe review
      wukong-pipe review --answers
      wukong-pipe review --run blackwukong --lang en
      wukong-pipe review --port 8080 --no-browser
    """
    chosen = named_or_last(Workspace(runs_dir), run)
    if answers:
        run_answer_review(
            chosen, port=port, opens_browser=browser, lang=lang, source=source, encoding=encoding, err=err
        )
        return
    run_review(
        chosen,
        port=port,
        opens_browser=browser,
        lang=lang,
        enough=enough,
        source=source,
        encoding=encoding,
        err=err,
    )
