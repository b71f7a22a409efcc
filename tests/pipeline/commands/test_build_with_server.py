"""A build against a real HTTP server: a good teacher is asked once, a bad one hides nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in, rows_of, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, Response, completion, provider, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl

pytestmark = pytest.mark.usefixtures("empty_home")


def build(server: Provider, corpus: Path, *more: str) -> int:
    size = ["--variants", "5", "--max-pairs", "4", "--limit", "5", "--run", "book"]
    return main(["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m", *size, *more])


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_a_second_build_makes_no_request_and_writes_the_same_bytes(empty_home: Path, corpora: Path, name: str) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / name) == 0
        first, asked = files_in(run_in(empty_home).dataset), len(server.requests)
        assert build(server, corpora / name, "--concurrency", "1") == 0
        assert len(server.requests) == asked
    assert files_in(run_in(empty_home).dataset) == first
    manifest = read_json(run_in(empty_home).manifest)
    assert manifest["teacher"]["model"] == "m"
    assert manifest["teacher"]["language_model"]
    assert manifest["teacher"]["parameters"] == {"max_tokens": 8192}
    assert manifest["calls"]["base_qa"]["used"]["tokens_out"] > 0
    assert manifest["accounting"]["base_qa"]["kept"] >= 12
    assert len(rows_of(run_in(empty_home))) > 50


def test_with_the_server_gone_the_journal_answers(empty_home: Path, corpora: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / "apollo.md") == 0
    first = files_in(run_in(empty_home).dataset)
    assert build(server, corpora / "apollo.md") == 0
    assert files_in(run_in(empty_home).dataset) == first


def test_the_bytes_do_not_depend_on_how_many_are_asked_at_once(empty_home: Path, corpora: Path) -> None:
    bytes_of = []
    for concurrency in ("1", "16"):
        with provider(GoodTeacher()) as server:
            # The journal's keys hash the server's address, which stands in the rows as `call`.
            assert build(server, corpora / "apollo.md", "--runs-dir", f"{concurrency}/runs",
                         "--concurrency", concurrency) == 0  # fmt: skip
        rows = rows_of(run_in(empty_home / concurrency))
        bytes_of.append([{key: value for key, value in row.items() if key != "call"} for row in rows])
    assert bytes_of[0] == bytes_of[1]


def test_a_build_stopped_half_way_goes_on_and_ends_as_one_never_stopped(
    empty_home: Path, corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = GoodTeacher()
    left = 7

    def script(request: dict[str, Any]) -> Response:
        nonlocal left
        left -= 1
        if left < 0:
            return Response(402, b'{"error": {"message": "out of money"}}')
        return teacher(request)

    with provider(script) as server:
        assert build(server, corpora / "apollo.md", "--concurrency", "1") == 3
        assert "out of money" in capsys.readouterr().err
        left = 10**6
        assert build(server, corpora / "apollo.md") == 0
        stopped, asked = files_in(run_in(empty_home).dataset), len(server.requests)
        # A build never stopped, at the same address.
        assert build(server, corpora / "apollo.md", "--runs-dir", "other/runs") == 0
        assert len(server.requests) - asked == asked - 1
    assert files_in(run_in(empty_home / "other").dataset) == stopped


NONSENSE: list[tuple[Callable[[], Response], str]] = [
    (lambda: completion("As a language model I cannot."), "reply"),
    (lambda: completion('{"pairs": "many"}'), "reply"),
    (lambda: Response(200, b"<html>busy</html>"), "reply"),
    (
        lambda: completion(
            json.dumps({"pairs": [{"question": "Who is Zork?", "answer": "Quux", "evidence": ["no such words"]}]})
        ),
        "base_qa",
    ),
    (lambda: completion('{"pairs": [3, null, {"question": "?"}]}'), "base_qa"),
]


@pytest.mark.parametrize(("answer", "stage"), NONSENSE)
def test_a_server_that_answers_nonsense_yields_no_row_and_every_reply_is_shown(
    empty_home: Path,
    corpora: Path,
    capsys: pytest.CaptureFixture[str],
    answer: Callable[[], Response],
    stage: str,
) -> None:
    with provider(lambda _: answer()) as server:
        assert build(server, corpora / "apollo.md") == 3
    run = run_in(empty_home)
    assert rows_of(run) == []
    rejects = read_jsonl(run.dataset / "rejected.jsonl")
    assert {reject["stage"] for reject in rejects} == {stage}
    # Five sections, three attempts each; every call is among the rejects.
    assert len(server.requests) == 15 == len({reject["call"] for reject in rejects})
    assert all(reject["reason"] for reject in rejects)
    tally = read_json(run.manifest)["accounting"]["base_qa"]
    assert tally["kept"] == 0
    assert tally["asked"] == tally["received"] + tally["short"]
    error = capsys.readouterr().err
    assert "Ask for the rest with: wukong-pipe build --reask short" in error
    assert ("is in rejected.jsonl" in error) == bool(rejects)
    assert "Error" not in error
    assert "Traceback" not in error


def test_what_exceeds_a_quota_is_told_and_not_kept(empty_home: Path, corpora: Path) -> None:
    teacher = GoodTeacher()

    def generous(request: dict[str, Any]) -> Response:
        content = json.loads(json.loads(teacher(request).body)["choices"][0]["message"]["content"])
        for items in content.values():
            items.extend(items[:1])
        return completion(json.dumps(content))

    with provider(generous) as server:
        assert build(server, corpora / "apollo.md") == 0
    run = run_in(empty_home)
    stages = [reject["stage"] for reject in read_jsonl(run.dataset / "rejected.jsonl")]
    assert stages.count("surplus") == len(server.requests)
    tally = read_json(run.manifest)["accounting"]["base_qa"]
    assert tally["received"] == tally["kept"] <= tally["asked"]


def test_a_context_too_short_for_the_prompts_is_said_on_the_screen_in_the_servers_words(
    corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "request (973 tokens) exceeds the available context size (512 tokens), try increasing it"
    with provider(lambda _: refusal(400, words, code="exceed_context_size_error")) as server:
        assert build(server, corpora / "apollo.md") == 3
    assert f"the provider rejected the request (400): {words}" in " ".join(capsys.readouterr().out.split())


# --- spellings of facts ------------------------------------------------------------------------------------------


def spelt(request: dict[str, Any]) -> bool:
    """Whether a request asks for spellings."""
    return '"spellings": [' in request["messages"][0]["content"]


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_each_section_is_asked_once_for_spellings_and_its_rows_carry_them(
    empty_home: Path, corpora: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / name) == 0
        assert sum(map(spelt, server.requests)) == 5
    assert " facts" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("spellings "))
    rows = rows_of(run_in(empty_home))
    several = [row for row in rows if any(len(fact) == 2 for fact in row["facts"])]
    assert all(other == first[::-1] for row in several for first, other in (f for f in row["facts"] if len(f) == 2))
    assert {row["split"] for row in several} >= {"train", "test"}
    manifest = read_json(run_in(empty_home).manifest)
    assert manifest["settings"]["spellings"] == 8
    asked, checked = (manifest["accounting"][stage] for stage in ("spellings", "check_spellings"))
    assert asked["asked"] == asked["kept"] > 10
    assert checked["received"] == checked["kept"] + checked["rejected"] > 5
    rejects = read_jsonl(run_in(empty_home).dataset / "rejected.jsonl")
    assert sum(reject["stage"] == "spellings" for reject in rejects) == checked["rejected"]
    calls = manifest["calls"]["spellings"]
    assert calls["used"]["calls"] == calls["estimated"]["calls"] == 5


def test_no_spellings_are_bought_where_nothing_is_held_out(empty_home: Path, corpora: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / "apollo.md", "--holdout", "0") == 0
        assert not any(map(spelt, server.requests))
    assert "spellings" not in read_json(run_in(empty_home).manifest)["accounting"]


def test_a_teacher_that_spells_nothing_leaves_the_rows_as_they_are_and_the_lack_is_told(
    empty_home: Path, corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = GoodTeacher()

    def speechless(request: dict[str, Any]) -> Response:
        return completion("I would rather not.") if spelt(request) else teacher(request)

    with provider(speechless) as server:
        assert build(server, corpora / "apollo.md") == 0
        assert sum(map(spelt, server.requests)) == 3 * 5
        assert "facts with spellings" in " ".join(capsys.readouterr().err.split())
        rows = rows_of(run_in(empty_home))
        assert all(len(fact) == 1 for row in rows for fact in row["facts"])
        tally = read_json(run_in(empty_home).manifest)["accounting"]["spellings"]
        assert tally["short"] == tally["asked"] > 0 == tally["received"]
        rejects = read_jsonl(run_in(empty_home).dataset / "rejected.jsonl")
        assert sum(reject["stage"] == "reply" for reject in rejects) == 3 * 5
        before = len(server.requests)
        assert build(server, corpora / "apollo.md") == 0
        assert len(server.requests) == before
        assert build(server, corpora / "apollo.md", "--reask", "short") == 0
        assert len(server.requests) == before + 3 * 5


def test_an_edited_section_alone_is_asked_again_for_spellings(empty_home: Path) -> None:
    book = empty_home / "book.md"
    text = "# Book\n" + "".join(
        f"\n## Part {n}\n\nThe ring of {n} is a band of gold. The dome of {n} is a roof of glass.\n" for n in "abcdefgh"
    )
    book.write_text(text)
    with provider(GoodTeacher()) as server:
        assert build(server, book, "--limit", "9") == 0
        before = sum(map(spelt, server.requests))
        book.write_text(text.replace("ring of c is a band of gold", "ring of c is a band of iron"))
        assert build(server, book, "--limit", "9") == 0
        assert (before, sum(map(spelt, server.requests))) == (8, 9)
