"""The command line: one sentence and an exit code for everything that goes wrong, and nothing overwritten."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in, rows_of, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Response, completion, provider, refusal
from wukong_pipe.cli.main import COMMANDS, OptionNames, cli, main
from wukong_pipe.files import read_json, read_jsonl

pytestmark = pytest.mark.usefixtures("workspace")

BOOK = "# 书\n\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n\n## 二\n\n石戊的坐骑是己马。\n"


@pytest.fixture
def workspace(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with a built dataset in runs/book, in which the test stands."""
    (empty_home / "book.md").write_text(BOOK, "utf-8")
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5"]) == 0
    capsys.readouterr()
    return empty_home


def error_of(capsys: pytest.CaptureFixture[str], code: int, expected_code: int = 1) -> str:
    """The one sentence of a failed command."""
    shown = capsys.readouterr()
    assert code == expected_code, shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err
    (line,) = shown.err.strip().split("\n")
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def kept(folder: Path) -> dict[str, bytes]:
    """What a failed command must leave as it is: everything but the journal, where failed calls are noted."""
    return {name: data for name, data in files_in(folder).items() if "journal.sqlite" not in name}


# --- bad inputs ---------------------------------------------------------------------------------------------


def make_bad_inputs(folder: Path) -> None:
    (folder / "empty.md").write_text("")
    (folder / "gb.md").write_bytes("# 黑神话\n".encode("gb18030"))
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7")
    (folder / "paper.odt").write_bytes(b"PK")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"x")
    (folder / "afile").write_text("in the way")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "base_qa.zh.md").write_text("no parts")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no.md"], "no.md does not exist."),
        (["empty.md"], "empty.md is empty."),
        (["gb.md"], "give --encoding gb18030."),
        (["pictures"], "pictures holds no Markdown (*.md, *.markdown, *.txt)."),
        (["paper.pdf"], "paper.pdf cannot be read as PDF ("),
        (["paper.odt"], "paper.odt is no Markdown; convert it first, for example with pandoc"),
        (["book.md", "--encoding", "klingon"], "“klingon” is no text encoding"),
        (["book.md"], "OpenAI needs a key. Three ways on: "),
        (["book.md", "--base-url", "https://api.deepseek.com"], "DeepSeek needs a key."),
        (["book.md", "--base-url", "nonsense"], "--base-url must be an http:// or https:// address"),
        (["book.md", "--teacher", "offline", "--runs-dir", "afile/runs"], "Cannot write to the runs folder afile/runs"),
        (["book.md", "--teacher", "offline", "--runs-dir", "afile"], "Cannot write to the runs folder afile"),
        (["book.md", "--run", "../x"], "'../x' is no run name"),
        (
            ["book.md", "--teacher", "offline", "--prompts", "prompts"],
            "base_qa.zh.md must hold a line “# system”",
        ),
    ],
)
def test_a_bad_input_is_one_sentence_and_overwrites_nothing(
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    make_bad_inputs(workspace)
    before = kept(workspace)
    code = main(["build", *arguments])
    assert words in error_of(capsys, code)
    assert kept(workspace) == before


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(401, "Incorrect API key provided: sk-secret-123."), "answered 401: Incorrect API key"),
        (refusal(404, "The model `m` does not exist", code="model_not_found"), "answered 404: The model `m`"),
        (refusal(402, "Insufficient Balance"), "answered 402: Insufficient Balance"),
        (refusal(429, "You exceeded your quota", code="insufficient_quota"), "answered 429"),
    ],
)
def test_a_provider_that_refuses_is_quoted(
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: Response,
    words: str,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-123")
    before = kept(workspace)
    with provider(lambda _: answer) as server:
        code = main(["build", "book.md", "--base-url", server.base_url, "--teacher-model", "m"])
    message = error_of(capsys, code)
    assert words in message
    assert "sk-secret-123" not in message
    assert kept(workspace) == before
    assert not any(b"sk-secret-123" in data for data in files_in(workspace).values())


def test_a_server_without_a_default_model_lists_what_it_offers(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offered = Response(200, json.dumps({"data": [{"id": "qwen3"}, {"id": "glm-4"}]}).encode())
    before = kept(workspace)
    with provider([], offered) as server:
        code = main(["build", "book.md", "--base-url", server.base_url])
    assert error_of(capsys, code) == (
        f"--teacher-model is needed: there is no default for {server.base_url}, which offers glm-4, qwen3."
    )
    assert kept(workspace) == before


def test_a_refused_connection_names_the_address(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    before = kept(workspace)
    code = main(["build", "book.md", "--base-url", url, "--teacher-model", "m"])
    assert f"No connection to {url}" in error_of(capsys, code)
    assert kept(workspace) == before


def test_a_dataset_edited_by_hand_is_not_overwritten_unasked(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["build", "book.md", "--teacher", "offline", "--variants", "5"]
    built = kept(workspace)
    file = workspace / "runs" / "book" / "dataset" / "train.jsonl"
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    before = kept(workspace)
    message = error_of(capsys, main(again))
    assert message.startswith("runs/book/dataset/train.jsonl was edited since it was built")
    assert "--overwrite" in message
    assert kept(workspace) == before != built
    assert main([*again, "--overwrite"]) == 0
    assert file.read_bytes() == built["runs/book/dataset/train.jsonl"]


def test_another_corpus_of_the_same_name_is_not_taken_for_it(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "book").mkdir()
    (workspace / "book" / "other.md").write_text(BOOK)
    before = kept(workspace)
    message = error_of(capsys, main(["build", "book", "--teacher", "offline"]))
    file, folder = workspace / "book.md", workspace / "book"
    assert message == (
        f"The run “book” was built from {file}, and {folder} is not that: name a run of its own with --run NAME, or "
        "replace what is there with --run book."
    )
    assert kept(workspace) == before


def test_two_files_of_one_name_have_no_run_in_common_unless_that_is_asked_for(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "other").mkdir()
    (workspace / "other" / "book.md").write_text("# 山\n\n## 一\n\n山甲的兵器是乙斧。\n", "utf-8")
    before = kept(workspace)
    build = ["build", "other/book.md", "--teacher", "offline"]
    message = error_of(capsys, main(build))
    assert f"built from {workspace}/book.md, and {workspace}/other/book.md is not that" in message
    assert kept(workspace) == before
    assert main([*build, "--run", "book"]) == 0
    assert {row["heading_path"][0] for row in rows_of(run_in(workspace))} == {"山"}
    assert "Since the last build: edited book.md." in capsys.readouterr().err


def test_a_run_whose_name_is_none_any_more_is_built_by_the_words_that_name_it(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / "runs" / "book").rename(workspace / "runs" / "my book")
    (workspace / "other").mkdir()
    (workspace / "other" / "my book.md").write_text("# 山\n\n## 一\n\n山甲的兵器是乙斧。\n", "utf-8")
    build = ["build", "other/my book.md", "--teacher", "offline"]
    _, said, words = error_of(capsys, main(build)).rpartition("replace what is there with ")
    assert said
    assert main([*build, *shlex.split(words.removesuffix("."))]) == 0
    assert {row["heading_path"][0] for row in rows_of(run_in(workspace, "my book"))} == {"山"}


def test_files_of_the_folder_of_a_run_come_and_go_and_are_named(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = workspace / "docs"
    docs.mkdir()
    build = ["build", "docs", "--teacher", "offline", "--variants", "2"]
    (docs / "a.md").write_text(BOOK, "utf-8")
    assert main(build) == 0
    assert "Since the last build" not in capsys.readouterr().err
    (docs / "a.md").rename(docs / "c.md")
    (docs / "b.md").write_text("# 山\n\n## 一\n\n山甲的兵器是乙斧。\n", "utf-8")
    assert main(build) == 0
    assert "Since the last build: added b.md, c.md; gone a.md." in capsys.readouterr().err
    assert {row["source"] for row in rows_of(run_in(workspace, "docs"))} == {"b.md", "c.md"}
    assert main(build) == 0
    assert "Since the last build" not in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["{", "[]", '{"sources": 3}', "\xff"])
def test_a_damaged_manifest_is_replaced_with_overwrite_which_the_sentence_names(
    workspace: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    good, manifest = rows_of(run_in(workspace)), run_in(workspace).manifest
    manifest.write_text(broken, "latin-1")
    build = ["build", "book.md", "--teacher", "offline", "--variants", "5"]
    for named in ([], ["--run", "book"]):
        assert error_of(capsys, main([*build, *named])).endswith(
            "This is that step: to replace what is there, give --overwrite."
        )
    for named in ([], ["--run", "book"]):
        manifest.write_text(broken, "latin-1")
        assert main([*build, *named, "--overwrite"]) == 0
        assert rows_of(run_in(workspace)) == good
        assert read_json(manifest)["sources"]


def test_a_damaged_manifest_is_not_replaced_by_the_dataset_of_other_files(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(workspace).manifest.write_text("{", "utf-8")
    (workspace / "other").mkdir()
    (workspace / "other" / "book.md").write_text(BOOK + "石庚的坐骑是辛马。\n", "utf-8")
    message = error_of(capsys, main(["build", "other/book.md", "--teacher", "offline", "--overwrite"]))
    assert f"built from {workspace}/book.md" in message


def test_with_a_damaged_note_of_the_places_the_same_texts_are_built_again_and_others_where_that_is_asked_for(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = run_in(workspace).folder / "build.json"
    build = ["build", "book.md", "--teacher", "offline", "--variants", "5"]
    note.write_text("{", "utf-8")
    assert main(build) == 0
    assert read_json(note)["sources"] == {"book.md": str(workspace / "book.md")}
    note.write_text("{", "utf-8")
    (workspace / "book.md").write_text(BOOK + "石庚的坐骑是辛马。\n", "utf-8")
    capsys.readouterr()
    assert error_of(capsys, main(build)).endswith("or replace what is there with --run book.")
    assert main([*build, "--run", "book"]) == 0
    assert read_json(note)["sources"] == {"book.md": str(workspace / "book.md")}


HOLDER = """
import sys
from pathlib import Path
from wukong_pipe.workspace import Workspace
with Workspace(Path("runs")).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_the_pid_of_the_first(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = kept(workspace)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        code = main(["build", "book.md", "--teacher", "offline"])
        holder.kill()
    assert error_of(capsys, code).startswith(f"Process {holder.pid} is writing to runs;")
    assert kept(workspace) == before
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5"]) == 0


def test_the_traceback_is_shown_only_when_asked_for() -> None:
    with pytest.raises(Exception, match=r"no\.md does not exist"):
        main(["build", "no.md", "--debug"])


def test_a_command_without_a_run_says_how_to_make_one(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["train", "--runs-dir", "nothing"])
    assert "wukong-pipe build PATH" in error_of(capsys, code)
    assert not (empty_home / "nothing").exists()


@pytest.mark.parametrize(
    "arguments",
    [["train"], ["eval"], ["report"], ["ask", "谁？"], ["chat"], ["export"], ["serve"], ["inspect"]],
    ids=lambda arguments: arguments[0],
)
def test_a_run_that_is_not_there_is_refused_with_the_names_of_those_that_are(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    before = kept(workspace)
    code = main([*arguments, "--run", "bok"])
    assert error_of(capsys, code) == "There is no run “bok” in runs; there are book."
    assert kept(workspace) == before


def test_the_journal_of_a_run_without_calls_names_the_runs_that_have_some(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["journal", "--run", "bok"])
    assert error_of(capsys, code) == "The journal holds no call of the run “bok”, but of book."


# --- usage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["build", "book.md", "--variant", "3"],
        ["build", "book.md", "--variants", "many"],
        ["build", "book.md", "--variants", "100000"],
        ["train", "--lr", "100"],
        ["build", "book.md", "--holdout", "0.9"],
        ["build", "book.md", "--teacher", "parrot"],
        ["build", "book.md", "--extra-body", "{"],
        ["build", "book.md", "--extra-body", "[1]"],
        ["build", "book.md", "--prompts", "no-such-folder"],
        ["biuld", "book.md"],
        ["--verbose"],
    ],
)
def test_a_command_line_that_is_wrong_exits_2_and_writes_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    before = files_in(workspace)
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert "Error: " in shown
    assert "Traceback" not in shown
    assert files_in(workspace) == before


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], *([name, "-h"] for name in cli.commands)])
def test_help_exits_0(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 0
    assert "wukong-pipe" in capsys.readouterr().out


def test_help_lists_the_commands_in_the_order_of_use_and_cuts_no_line_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in lines]
    assert names == list(cli.commands)
    assert names.index("build") < names.index("train") < names.index("eval") < names.index("report")
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_says_of_a_command_what_its_own_help_says_first(name: str) -> None:
    assert cli.commands[name].name == name
    assert COMMANDS[name].help == cli.commands[name].get_short_help_str(limit=200)


# --- what a build shows -------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_ask_and_writes_nothing(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_in(workspace)
    arguments = ["build", "book.md", "--dry-run", "--runs-dir", "new/runs"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "2 sections, 3 pairs to ask for" in shown
    assert "Nothing was spent" in shown
    assert main([*arguments, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["sections"], plan["pairs"]) == (2, 3)
    calls = {stage: expected["calls"] for stage, expected in plan["stages"].items()}
    assert calls == {"base_qa": 2, "paraphrase": 3, "heldout_wordings": 3, "spellings": 2}
    assert files_in(workspace) == before
    assert not (workspace / "new").exists()


def test_a_build_says_what_it_made_and_what_comes_next(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5"]) == 0
    shown = capsys.readouterr()
    # Two sections, and the wordings of the pairs that are trained.
    calls = read_json(workspace / "runs" / "book" / "build.json")["calls_from_journal"]
    assert f"0 calls made, {calls} from the journal" in shown.out
    assert "Read some rows first: wukong-pipe review --run book" in shown.out
    assert "Next: wukong-pipe train --run book" in shown.out


def test_a_report_before_any_training_says_on_page_and_screen_that_training_comes_next(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report"]) == 0
    assert "Next: wukong-pipe train --run book" in capsys.readouterr().out
    page = (workspace / "runs" / "book" / "report.html").read_text("utf-8")
    assert "尚未训练：请先运行 “wukong-pipe train”" in page
    assert "尚未评测" not in page


def test_json_prints_one_object_on_stdout(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "5", "--json"]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["run"] == "book"
    assert shown["build"] == read_json(workspace / "runs" / "book" / "build.json")
    assert shown["splits"]["train"] == sum(row["split"] == "train" for row in rows_of(run_in(workspace)))


def test_single_sections_that_stay_short_are_one_line_and_the_chain_goes_on(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "# 书\n\n## 一\n\n"
        + "".join(f"石甲的兵器{n}是乙刀{n}。" for n in range(9))
        + "\n\n## 二\n\n石戊的坐骑是己马。\n"
    )
    (workspace / "book.md").write_text(text, "utf-8")
    good = GoodTeacher()

    def of_the_first_alone(request: dict[str, Any]) -> Response:
        return completion('{"pairs": []}') if "石戊" in request["messages"][-1]["content"] else good(request)

    with provider(of_the_first_alone) as server:
        code = main(["build", "book.md", "--base-url", server.base_url, "--teacher-model", "m", "--run", "s",
                     "--variants", "3"])  # fmt: skip
    shown = capsys.readouterr()
    assert code == 0, shown.err
    (line,) = [line for line in shown.err.splitlines() if line.startswith("Short of what was asked for: ")]
    assert line.endswith("书 › 二, 0 of 1 pairs (the teacher gave no more). --reask short asks for it again.")
    assert "Error" not in shown.err
    assert "Next: wukong-pipe train --run s" in shown.out


def test_the_embedded_teacher_is_not_asked_again_for_what_it_does_not_have(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = ["build", "book.md", "--teacher", "offline", "--variants", "100"]
    assert main(build) == 3
    told = capsys.readouterr().err
    assert "Short of what was asked for: " in told
    assert "--reask" not in told
    assert "The embedded teacher says the same again: lower --min-fill" in told
    assert read_jsonl(run_in(workspace).dataset / "rejected.jsonl") == []
    assert "rejected.jsonl" not in told
    assert main([*build, "--min-fill", "0"]) == 0
    assert "--reask" not in capsys.readouterr().err


def test_a_build_that_falls_short_as_a_whole_exits_3_and_says_how_to_ask_for_the_rest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with provider(lambda _: completion('{"pairs": []}')) as server:
        build = ["build", "book.md", "--base-url", server.base_url, "--teacher-model", "m", "--run", "s"]
        assert main(build) == 3
        shown = capsys.readouterr()
        assert main([*build, "--min-fill", "0"]) == 0
    assert (
        "The checks kept 0% of the pairs and wordings that were asked for, and --min-fill wants 80%.\n" in shown.err
    ), "nothing was rejected: there is nothing to look up"
    assert "Ask for the rest with: wukong-pipe build --reask short book.md" in shown.err
    assert "书 › 一, 0 of 2 pairs" in shown.err
    assert "Error" not in shown.err
    assert "Next:" not in shown.out


def test_a_teacher_that_answers_no_json_is_quoted_and_nothing_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with provider(lambda _: completion("Sure! Here are some\npairs for you.")) as server:
        assert main(["build", "book.md", "--base-url", server.base_url, "--teacher-model", "m", "--run", "s"]) == 3
    shown = capsys.readouterr()
    assert (
        "The teacher m does not answer in JSON; its first words were “Sure! Here are some pairs for you.”" in shown.err
    )
    assert "quota" not in shown.err
    assert "coverage" not in shown.out
    assert "alike" not in shown.out


# --- where settings come from -------------------------------------------------------------------------------


def planned_pairs(capsys: pytest.CaptureFixture[str], *more: str) -> int:
    assert main(["build", "book.md", "--dry-run", "--json", *more]) == 0
    pairs = json.loads(capsys.readouterr().out)["pairs"]
    assert isinstance(pairs, int)
    return pairs


def test_a_flag_beats_the_environment_and_the_environment_beats_wukong_toml(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    section = "".join(f"石甲的兵器{n}是乙刀{n}。" for n in range(9))
    (workspace / "book.md").write_text(f"# 书\n\n{section}\n", "utf-8")
    assert planned_pairs(capsys) == 9
    (workspace / "wukong.toml").write_text("[build]\nmax-pairs = 4\n")
    assert planned_pairs(capsys) == 4
    monkeypatch.setenv("WUKONG_BUILD_MAX_PAIRS", "3")
    assert planned_pairs(capsys) == 3
    assert planned_pairs(capsys, "--max-pairs", "2") == 2


def test_a_wrong_value_is_told_with_the_place_where_it_stands(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "wukong.toml").write_text('[build]\nmax-pairs = "many"\n')
    assert main(["build", "book.md", "--dry-run"]) == 2
    assert "It stands in wukong.toml, under [build], as max-pairs." in capsys.readouterr().err
    monkeypatch.setenv("WUKONG_BUILD_MAX_PAIRS", "abc")
    assert main(["build", "book.md", "--dry-run"]) == 2
    assert "It stands in the environment variable WUKONG_BUILD_MAX_PAIRS." in capsys.readouterr().err
    assert main(["build", "book.md", "--dry-run", "--max-pairs", "few"]) == 2
    assert "It stands" not in capsys.readouterr().err


@pytest.mark.parametrize("value", ["{", "[1]", '{"model": "m"}'])
def test_a_wrong_extra_body_is_told_with_the_place_where_it_stands(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    (workspace / "wukong.toml").write_text(f"[build]\nextra-body = '{value}'\n[eval]\nextra-body = '{value}'\n")
    for command in (["build", "book.md"], ["eval", "--judge"]):
        assert main(command) == 2
        told = capsys.readouterr().err
        assert "Invalid value for '--extra-body': it " in told
        assert f"It stands in wukong.toml, under [{command[0]}], as extra-body." in told
    monkeypatch.setenv("WUKONG_BUILD_EXTRA_BODY", value)
    assert main(["build", "book.md"]) == 2
    assert "It stands in the environment variable WUKONG_BUILD_EXTRA_BODY." in capsys.readouterr().err
    assert main(["build", "book.md", "--extra-body", value]) == 2
    assert "It stands" not in capsys.readouterr().err


def test_the_teachers_own_variables_come_last(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(GoodTeacher()) as server, provider(lambda _: refusal(401, "wrong door")) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-000")
        (workspace / "wukong.toml").write_text('[build]\nteacher-model = "m"\nvariants = 3\n')
        assert main(["build", "book.md", "--run", "one"]) == 0
        assert {headers["authorization"] for headers in server.headers} == {"Bearer sk-canary-000"}
        monkeypatch.setenv("WUKONG_BUILD_BASE_URL", other.base_url)
        capsys.readouterr()
        assert "wrong door" in error_of(capsys, main(["build", "book.md", "--run", "two"]))
        assert main(["build", "book.md", "--run", "one", "--base-url", server.base_url]) == 0
    assert not any(b"sk-canary" in data for data in files_in(workspace).values())


def test_timeout_ends_a_slow_call_which_is_sent_again(capsys: pytest.CaptureFixture[str]) -> None:
    good, asked = GoodTeacher(), 0

    def script(request: dict[str, Any]) -> Response:
        nonlocal asked
        asked += 1
        return replace(good(request), delay=4.0 if asked == 1 else 0.0)

    with provider(script) as server:
        arguments = ["--run", "slow", "--base-url", server.base_url, "--teacher-model", "m", "--timeout", "2"]
        assert main(["build", "book.md", "--variants", "2", *arguments]) == 0
    assert "No answer within 2 seconds (--timeout), 1 so far" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_option_can_stand_in_the_configuration_under_its_own_name(command: str) -> None:
    """What the check lets pass, click must read: a name known to one alone would be ignored in silence."""
    options = [one for one in cli.commands[command].params if one.param_type_name == "option"]
    flags = {flag.removeprefix("--").replace("-", "_") for one in options for flag in one.opts}
    assert flags == {one.name for one in options} == OptionNames()[command]


def test_the_run_can_be_named_in_the_environment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUKONG_BUILD_RUN", "named")
    assert main(["build", "book.md", "--teacher", "offline"]) == 0
    assert run_in(workspace, "named").manifest.is_file()


def test_unknown_settings_are_all_named_before_anything_runs(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "wukong.toml").write_text("[build]\nvariant = 4\n[evla]\nlimit = 1\n")
    message = error_of(capsys, main(["build", "book.md", "--dry-run"]))
    assert "unknown settings: build.variant, evla" in message
    (workspace / "wukong.toml").unlink()
    monkeypatch.setenv("WUKONG_BUILD_VARIANT", "4")
    message = error_of(capsys, main(["build", "book.md", "--dry-run"]))
    assert message.startswith("Unknown environment variables: WUKONG_BUILD_VARIANT;")


def test_the_demo_replaces_no_run_that_it_did_not_make(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "book.md", "--teacher", "offline", "--variants", "2", "--run", "demo"]) == 0
    before = files_in(workspace)
    assert main(["demo", "--corpus", "book.md"]) == 1
    assert "was not made by the demo" in capsys.readouterr().err
    assert files_in(workspace) == before
