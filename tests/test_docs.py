"""The docs: both languages say the same, and what they show is what the program takes. `make docs` checks the links."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from docs.hooks import reference, rooms

from tests.test_imports import LEAVES, ROOMS
from wukong_pipe.cli.main import cli
from wukong_trainer.recipe import shipped_recipes

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in (DOCS / "en").glob("*.md"))
LANGUAGES = ("en", "zh")


def page(language: str, name: str) -> str:
    return (DOCS / language / name).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Each code block's language and its lines, without comments and what is aligned by them."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        (language, [line for line in (re.sub(r"(^|\s+)#\s.*", "", line) for line in body.splitlines()) if line.strip()])
        for language, body in found
        if language != "text"
    ]


def commands(text: str) -> list[str]:
    """The `wukong-pipe` commands of the shell and console blocks."""
    lines = [line for language, body in blocks(text) if language in {"shell", "console"} for line in body]
    parts = (part.strip().removeprefix("$ ") for line in lines for part in line.split("&&"))
    return [part for part in parts if part.startswith("wukong-pipe ")]


SHOWN = sorted(
    {
        *(command for name in PAGES for command in commands(page("en", name))),
        *(command for readme in ("README.md", "README.zh-CN.md") for command in commands((ROOT / readme).read_text())),
    }
)


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(path.name for path in (DOCS / "zh").glob("*.md")) == PAGES
    (nav,) = re.findall(r"^nav: \[(.*)\]$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(nav.split(", ")) == PAGES


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_code_headings_tables_and_links(name: str) -> None:
    shapes = []
    for language in LANGUAGES:
        text = page(language, name)
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        shapes.append(
            {
                "blocks": blocks(text),
                "headings": [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)],
                "rows of tables": prose.count("\n|"),
                "admonitions": re.findall(r"^!!! (\w+)", prose, re.MULTILINE),
                "links": [link for link in re.findall(r"\]\(([^)#]+)", prose) if link.endswith(".md")],
            }
        )
    english, chinese = shapes
    assert english == chinese


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_state_the_same_numbers(name: str) -> None:
    # Of three characters or more: small counts are words in one language and digits in the other.
    english, chinese = ({*re.findall(r"\d[\d,.]+\d", page(language, name))} for language in LANGUAGES)
    assert english == chinese


@pytest.mark.parametrize("command", SHOWN)
def test_every_command_shown_is_one_that_the_program_takes(command: str) -> None:
    _, name, *arguments = shlex.split(command.split(" > ")[0])
    # Beneath the command line itself: a command keeps the help options (-h) of the first context it meets.
    cli.commands[name].make_context(name, arguments, parent=click.Context(cli, **cli.context_settings))  # It parses.


def test_the_reference_lists_every_command_with_every_option() -> None:
    for language in LANGUAGES:
        sections = dict(
            re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", reference.options(language), re.MULTILINE | re.DOTALL)
        )
        assert list(sections) == list(cli.commands)
        for name, command in cli.commands.items():
            shown = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
            first_cells = " ".join(re.findall(r"^\| `([^`]+)` \|", sections[name], re.MULTILINE))
            listed = {word for word in re.split(r"[\s,]+", first_cells) if word.startswith("-")}
            assert listed - {"-h", "--help"} == {option for each in shown for option in each.opts + each.secondary_opts}


@pytest.mark.parametrize("package", ROOMS)
def test_the_map_draws_every_room_and_its_page_says_what_each_holds(package: str) -> None:
    drawn = re.findall(r"<text [^>]*>(\w+)</text>", rooms.drawing(package))
    assert sorted(drawn) == sorted(ROOMS[package])
    for language in LANGUAGES:
        _, _, after = page(language, "architecture.md").partition(f"{{{{ rooms {package} }}}}")
        listed = {
            name.split(".")[0] for name in re.findall(r"`([\w.]+)/?`", re.findall(r"(?:^\|.*\n)+", after, re.M)[0])
        }
        assert listed - {leaf.split(".")[1] for leaf in LEAVES} - {"recipes"} == {*ROOMS[package]}


def test_the_map_leaves_out_only_arrows_that_others_imply() -> None:
    def reached(room: str, arrows: rooms.Rooms) -> set[str]:
        return arrows[room].union(*(reached(below, arrows) for below in arrows[room]))

    for package in ROOMS:
        all_arrows = rooms.table(package)
        drawn = rooms.reduced(all_arrows)
        for room in all_arrows:
            assert drawn[room] <= all_arrows[room]
            assert reached(room, drawn) == reached(room, all_arrows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_recipes_page_lists_the_recipes_with_their_students_and_methods(language: str) -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\S+) \| (qlora|lora|full) \|", page(language, "recipes.md"), re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(shipped_recipes())
    for name, student, method in rows:
        recipe = tomllib.loads((ROOT / "trainer/wukong_trainer/recipes" / f"{name}.toml").read_text("utf-8"))
        assert method == recipe["method"]
        assert "/" not in recipe["model"] or recipe["model"].endswith(f"/{student}")


def test_what_the_recipes_page_quotes_of_a_recipe_stands_in_it() -> None:
    recipe = (ROOT / "trainer/wukong_trainer/recipes/qlora.toml").read_text("utf-8")
    (quoted,) = re.findall(r"^```toml\n(.*?)^```", page("en", "recipes.md"), re.MULTILINE | re.DOTALL)
    assert set(quoted.splitlines()) <= set(recipe.splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_measurement_of_the_evidence_page_has_its_file_and_every_file_its_row(language: str) -> None:
    listed = re.findall(r"^\| `(\w+)` \|", page(language, "evidence.md"), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "benchmarks").glob("*.md"))


def test_a_page_shows_nothing_from_the_network_and_its_pictures_are_small() -> None:
    for path in DOCS.glob("*/*.md"):
        assert not re.findall(r"!\[[^]]*\]\(\w+://", path.read_text("utf-8")), path
    for picture in (DOCS / "assets").glob("*.png"):
        assert picture.stat().st_size < 200_000, picture


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_that_the_architecture_page_names_exist(language: str) -> None:
    roots = (ROOT, ROOT / "pipeline", ROOT / "trainer")
    named = re.findall(r"`((?:wukong_\w+|prompts|tests)/[^`]*)`", page(language, "architecture.md"))
    assert len(named) >= 8
    for name in named:
        assert any([*root.glob(name)] for root in roots), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_messages_that_the_troubleshooting_page_quotes_are_ones_that_the_program_prints(language: str) -> None:
    quoted = re.findall(r"^### [\"“](.*)[\"”]$", page(language, "troubleshooting.md"), re.MULTILINE)
    assert len(quoted) >= 8
    source = "".join(
        path.read_text("utf-8") for root in ("pipeline", "trainer") for path in (ROOT / root).rglob("*.py")
    )
    printed = re.sub(r"\{[^{}]*\}", "", re.sub(r'"\s*\n\s*f?"', "", source))
    for message in quoted:
        for piece in message.split("…"):
            assert piece.strip(" .:") in printed, message
