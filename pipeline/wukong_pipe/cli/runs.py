"""`runs` and `completion`: what is there, and the shell's help in naming it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from click.shell_completion import get_completion_class

from wukong_pipe.cli.options import debug_option, err, json_option, out, runs_dir_option
from wukong_pipe.printable import one_line
from wukong_pipe.screens.runs import runs_table, summaries
from wukong_pipe.workspace import Workspace


@click.command("runs")
@runs_dir_option
@json_option
@debug_option
def runs_command(**options: Any) -> None:
    """Show all runs; * marks the one used last.

    Of each: rows, adapter, base model, verdict, date and size.

    \b
    Examples:
      wukong-pipe runs
      wukong-pipe runs --json
    """
    workspace = Workspace(options["runs_dir"])
    found = summaries(workspace)
    if options["json"]:
        print(json.dumps({"runs": [asdict(summary) for summary in found]}))
    elif found:
        out.print(runs_table(found))
        for summary in found:
            if summary.damaged:
                err.print(f"{one_line(summary.run)}: {one_line(summary.damaged)}", style="yellow")
    else:
        out.print(f"There is no run in {workspace.folder}: start with `wukong-pipe build PATH`.")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands in your shell.

    \b
    Examples:
      wukong-pipe completion bash >> ~/.bashrc
      wukong-pipe completion zsh >> ~/.zshrc
      wukong-pipe completion fish > ~/.config/fish/completions/wukong-pipe.fish
    """
    script = get_completion_class(shell)
    assert script is not None
    print(script(context.find_root().command, {}, "wukong-pipe", "_WUKONG_PIPE_COMPLETE").source())
