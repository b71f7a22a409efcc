"""The reference: every option of every command, read from the click commands when the docs are built.

A page asks for it with a line of its own:

    {{ options }}

It becomes a heading and a table for each command. The help of the options is English in every language; the words
around it are those of the page's language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from wukong_pipe.cli.main import cli

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PLACE = "{{ options }}"
TABLE_HEAD = {
    "en": "| option | what it does | default, limits |",
    "zh": "| 选项 | 作用（英文，取自程序） | 默认值与范围 |",
}
SETTINGS: dict[str, Any] = {"help_option_names": cli.context_settings["help_option_names"]}
BRACKETS = re.compile(r"\s+\[([^\]]+)\](?=\s|$)")
"""What click puts after the help of an option: `[default: 14; 0<=x<=100]`."""


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """MkDocs calls this for each page before it is rendered."""
    if PLACE not in markdown:
        return markdown
    return markdown.replace(PLACE, options(page.file.src_uri.split("/")[0]))


def options(language: str) -> str:
    """The Markdown of all commands, in the order of `wukong-pipe --help`."""
    return "\n\n".join(
        "\n".join(_command(name, command, TABLE_HEAD[language])) for name, command in cli.commands.items()
    )


def _command(name: str, command: click.Command, head: str) -> Iterator[str]:
    """The heading, help, examples and table of a command."""
    context = click.Context(command, info_name=name, parent=click.Context(cli, info_name="wukong-pipe", **SETTINGS))
    text, _, examples = cleandoc(command.help or "").partition("\b\nExamples:\n")
    yield f"## {name}\n"
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    yield f"{_markdown(' '.join(text.split()))}\n"
    if examples:
        yield "\n".join(["```shell", *(line.strip() for line in examples.strip().splitlines()), "```\n"])
    yield head
    yield "|---|---|---|"
    for option in command.get_params(context):
        if isinstance(option, click.Option) and (record := option.get_help_record(context)):
            yield _row(*record)


def _row(names: str, text: str) -> str:
    """An option of the table; `text` is its help as the terminal shows it."""
    limits = "; ".join(BRACKETS.findall(text)).removeprefix("default: ")
    return f"| `{names}` | {_markdown(BRACKETS.sub('', text))} | {_markdown(limits)} |"


def _markdown(text: str) -> str:
    """Plain text as Markdown: options as code, and what Markdown or HTML would take for its own spelt out."""
    spelt = re.sub(r"([|*_\[\]])", r"\\\1", escape(text.strip(), quote=False))
    return re.sub(r"(?<![\w-])--[a-z][a-z-]+", r"`\g<0>`", spelt)
