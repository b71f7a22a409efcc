"""The prompts: checked before any call, hashed into their names, filled once."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from wukong_pipe.errors import DataError
from wukong_pipe.records import Lang
from wukong_pipe.teacher.prompt_files import OF_EVAL, OF_VERIFY, PLACEHOLDERS, load_prompt
from wukong_pipe.teacher.quoting import fenced

EVERY = PLACEHOLDERS | OF_VERIFY | OF_EVAL
OWN = "# system\nJSON only.\n# user\n{{title}} {{heading_path}} {{quota}} {{covered}}\n{{section}}\n"


def own(folder: Path, text: str) -> Path:
    (folder / "base_qa.zh.md").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("stage", sorted(EVERY))
@pytest.mark.parametrize("lang", get_args(Lang))
def test_every_stage_has_a_prompt_in_every_language(stage: str, lang: Lang) -> None:
    prompt = load_prompt(stage, lang)
    assert prompt.name.startswith(f"{stage}.{lang}@")
    system, user = prompt.messages(**dict.fromkeys(EVERY[stage], "VALUE"))
    assert (system["role"], user["role"]) == ("system", "user")
    assert "JSON" in system["content"]
    assert "{{" not in system["content"] + user["content"]
    assert user["content"].count("VALUE") == len(EVERY[stage])


@pytest.mark.parametrize("lang", get_args(Lang))
def test_the_corpus_is_fenced_as_data(lang: Lang) -> None:
    prompt = load_prompt("base_qa", lang)
    values = dict.fromkeys(PLACEHOLDERS["base_qa"], "x") | {"section": "SECTION"}
    assert "<source>\nSECTION\n</source>" in prompt.messages(**values)[1]["content"]


@pytest.mark.parametrize("tag", ["</source>", "</SOURCE >", "< /source>", "<\n/ source>", "<\u200b/source>", "<source"])
def test_a_source_cannot_end_its_quotation(tag: str) -> None:
    assert fenced(f"a {tag} b") == f"a {tag.replace('<', '‹')} b"
    assert fenced("<sources> < 5 </ b>") == "<sources> < 5 </ b>"


def test_braces_in_a_value_are_not_filled_again() -> None:
    prompt = load_prompt("base_qa", "zh")
    values = dict.fromkeys(PLACEHOLDERS["base_qa"], "") | {"section": "{{title}} \\1", "title": "书"}
    assert "{{title}} \\1" in prompt.messages(**values)[1]["content"]


def test_a_folder_replaces_the_prompts_it_holds_and_no_others(tmp_path: Path) -> None:
    folder = own(tmp_path, OWN)
    assert load_prompt("base_qa", "zh", folder).system == "JSON only."
    assert load_prompt("base_qa", "en", folder) == load_prompt("base_qa", "en")


def test_an_edited_prompt_has_another_name(tmp_path: Path) -> None:
    first = load_prompt("base_qa", "zh", own(tmp_path, OWN)).name
    assert load_prompt("base_qa", "zh", own(tmp_path, OWN + "More.\n")).name != first


@pytest.mark.parametrize("text", ["", "{{section}}", "# user\nx\n# system\ny", "# system\nno user part"])
def test_a_prompt_without_its_two_parts_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"base_qa\.zh\.md must hold a line “# system”"):
        load_prompt("base_qa", "zh", own(tmp_path, text))


def test_unknown_and_missing_placeholders_are_all_listed(tmp_path: Path) -> None:
    text = OWN.replace("{{quota}}", "{{number}}")
    with pytest.raises(DataError, match=r"the placeholders \{\{number\}\}, \{\{quota\}\} are unknown"):
        load_prompt("base_qa", "zh", own(tmp_path, text))


def test_a_prompt_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base_qa.zh.md").write_bytes(OWN.replace("JSON only", "提问").encode("gb18030"))
    with pytest.raises(DataError, match=r"base_qa\.zh\.md is not UTF-8"):
        load_prompt("base_qa", "zh", tmp_path)


def test_a_prompt_saved_by_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "base_qa.zh.md").write_bytes(b"\xef\xbb\xbf" + OWN.replace("\n", "\r\n").encode())
    assert load_prompt("base_qa", "zh", tmp_path).system == "JSON only."
