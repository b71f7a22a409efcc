"""What nobody sees is spelt out on terminals and pages, and found in what would be trained on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from wukong_pipe.cli.main import main
from wukong_pipe.printable import printable, unseen_in
from wukong_pipe.screens.build import Steps
from wukong_pipe.screens.console import PrintableConsole

BAD = "\x1b\x9b\x07\x08\x00\x7f\x85\r\u202e\u2066\u200b\u00ad\ufeff\u2028\ud83d\u3164\U000e0041"


@pytest.mark.parametrize("char", BAD)
def test_a_character_that_commands_a_terminal_or_stays_unseen_is_spelt_out(char: str) -> None:
    assert printable(f"甲{char}乙").isprintable()
    assert char.encode("unicode_escape").decode().lstrip("\\xuUr0") in printable(f"甲{char}乙")


@pytest.mark.parametrize(
    "text", ["第一回\n\tA—b “c” 😀", "| 甲　乙\u00a0|\n👩\u200d👩\u200d👧 naïve “…”", "می\u200cخواهم", ""]
)
def test_words_lines_tables_and_pictures_stay_as_they_are(text: str) -> None:
    assert printable(text) == text


@given(st.text())
def test_what_was_spelt_out_once_stays_as_it_is(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize("char", BAD.replace("\ud83d", ""))
@pytest.mark.parametrize("kind", ["line", "text", "table", "bar"])
def test_nothing_that_a_console_prints_commands_the_terminal(char: str, kind: str) -> None:
    console = PrintableConsole(force_terminal=kind == "bar", width=200, markup=False, emoji=False)
    words = f"bad {char}]0;owned [red]"
    with console.capture() as capture:
        if kind == "line":
            console.print(words, style="red")
        elif kind == "text":
            console.print(Text(words))
        elif kind == "table":
            table = Table(words, title=words)
            table.add_row(words)
            console.print(table)
        else:
            with Steps(console).shown() as steps:
                steps("calls", 1, 2, words)
    shown = capture.get()
    assert "owned [red]" in shown
    assert char not in (shown if kind != "bar" else shown.replace("\x1b[", "").replace("\r", ""))


@pytest.mark.parametrize("arguments", [["build", "no\x1b[2J\u202e.md"], ["build", "--no\x1b[2J\u202e"]])
def test_an_error_that_names_what_was_given_commands_no_terminal(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) in {1, 2}
    assert "no\\x1b[2J\\u202e" in capsys.readouterr().err


# --- questions and answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "char",
    "\x00\x07\x08\x1b\x7f\x9b\r\u00ad\u200b\u200c\u200d\u200e\u200f\u202e\u2060\u2066\u3164\ufeff\ud800\U000e0041",
)
@pytest.mark.parametrize("text", ["The mass{}is 5 kg.", "质量{}是五千克。", "{}", "a{}"])
def test_a_character_that_nobody_sees_is_found(text: str, char: str) -> None:
    assert unseen_in(text.format(char)) == printable(f"{char}x")[:-1] or char in "\u200c\u200d"
    assert unseen_in(text.format(char))


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "ไทย\u200bภาษา",
        "👩\u200d🚀 and 👩\U0001f3fd\u200d🚀 and ❤\ufe0f\u200d🔥",
        "שלום\u200f (abc)",
        "a\u00a0b　c\td\ne\r\nf\u2028g",
        "naïve é e\u0301 葛\U000e0100城",
    ],
)
def test_what_a_script_needs_is_in_its_place(text: str) -> None:
    assert unseen_in(text) == ""
