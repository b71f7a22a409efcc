"""The conversation on the terminal: a line in, an answer out as it comes, until the user leaves."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, TextIO

import click
from rich.console import Console

from wukong_pipe.extras import training_installed
from wukong_pipe.printable import printable
from wukong_pipe.workspace import Run

if TYPE_CHECKING:
    from wukong_trainer.use.chat import Conversation

LEAVE, CLEAR = ("/exit", "/quit"), "/clear"


def run_chat(run: Run, *, model: str, max_new_tokens: int, err: Console) -> None:
    """Answer the lines of stdin until its end, /exit, or Ctrl-C twice.

    Raises:
        WukongError: see `wukong_trainer.use.tuned_model.load_tuned`.
    """
    with training_installed():
        from wukong_trainer.use.chat import Conversation
        from wukong_trainer.use.tuned_model import load_tuned
    err.print(f"Loading {run.name}…", style="dim")
    conversation = Conversation(load_tuned(run, model), max_new_tokens)
    err.print("Ask away. /clear starts afresh, /exit leaves, Ctrl-C stops an answer.", style="dim")
    interrupted = False
    while True:
        try:
            line = _line(sys.stdin)
            if line is None or line in LEAVE:
                return
            interrupted = False
            if line == CLEAR:
                conversation.clear()
                err.print("Starting afresh.", style="dim")
            elif line:
                _show(conversation, line)
        except KeyboardInterrupt:
            if interrupted:
                return
            interrupted = True
            err.print("\nStopped; Ctrl-C once more leaves.", style="dim")


def _line(stdin: TextIO) -> str | None:
    """The next line without the white space around it; None at the end."""
    if stdin.isatty():
        try:
            import readline  # noqa: F401  # Gives input() its editing and history.

            return input("> ").strip()
        except EOFError:
            return None
    # A pipe may hold bytes that are no text, which no tokenizer reads.
    line = stdin.readline().encode("utf-8", "replace").decode()
    return line.strip() if line else None


def _show(conversation: Conversation, question: str) -> None:
    """Print the answer as it comes, thoughts dim; not through rich, whose buffer prints twice what is interrupted."""
    thought_before = False
    with closing(conversation.answer(question)) as pieces:
        for thought, text in pieces:
            if thought_before and not thought:
                click.echo()
            thought_before = thought
            click.echo(click.style(printable(text), dim=True) if thought else printable(text), nl=False)
    click.echo()
