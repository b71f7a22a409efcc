"""What a build costs and how it is held: prices, ceilings, a part first, asking again, stopping."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import rows_of, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import Provider, Response, completion, provider
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.client import TeacherSettings

pytestmark = pytest.mark.usefixtures("empty_home")

SIZE = ["--variants", "4", "--max-pairs", "3", "--run", "book"]
PRICES = ["--price-in", "2", "--price-out", "8"]
WORST_OUT = 2000
"""Tokens that a call may be billed for at most, as --max-tokens."""


def arguments(server: Provider, corpus: Path, *more: str) -> list[str]:
    return ["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m", *SIZE, *more]


def build(server: Provider, corpus: Path, *more: str) -> int:
    return main(arguments(server, corpus, *more))


def dataset(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(run_in(folder).dataset.iterdir())}


def cost(bill: tuple[int, int]) -> Decimal:
    return Decimal(2 * bill[0] + 8 * bill[1]) / 1_000_000


@pytest.fixture
def corpus(corpora: Path) -> Path:
    return corpora / "apollo.md"


# --- what it will cost ----------------------------------------------------------------------------------------


def test_a_dry_run_prices_each_stage_and_spends_nothing(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, *PRICES, "--currency", "EUR", "--dry-run") == 0
        shown = capsys.readouterr().out
        assert build(server, corpus, *PRICES, "--currency", "EUR", "--dry-run", "--json") == 0
        plan = json.loads(capsys.readouterr().out)
    assert re.search(r"^pairs +\d+ +[\d,]+ +[\d,]+ +\d+\.\d+ EUR$", shown, re.MULTILINE)
    assert re.search(r"^wordings .* EUR$", shown, re.MULTILINE)
    stages = plan["stages"].values()
    expected = sum(cost((stage["tokens_in"], stage["tokens_out"])) for stage in stages)
    assert plan["cost"] == f"{expected:.4f} EUR"
    assert server.requests == []


def test_a_limited_build_shows_its_pairs_with_evidence_and_the_price_of_the_rest(
    empty_home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, "--limit", "3", *PRICES) == 0
        shown = capsys.readouterr().out
        tried = len(server.requests)
        for row in rows_of(run_in(empty_home)):
            if row["variant"] == "base":
                assert row["instruction"] in shown
                assert row["output"] in shown
                assert all(" ".join(evidence.split()) in shown for evidence in row["evidence"])
        price = re.search(r"The rest: (\d+) sections, about (\d+) calls, .* out, (\d+\.\d+) USD; ", shown)
        assert price, shown
        assert build(server, corpus, *PRICES) in {0, 3}
        # What the first build bought was not bought again; a pair may since be held out, so not all of it is used.
        assert len(server.requests) == journalled(empty_home)
    assert int(price[2]) == pytest.approx(len(server.requests) - tried, rel=0.35)
    with Journal(empty_home / "runs" / "journal.sqlite") as journal:
        sections = sum(call.stage == "base_qa" and call.attempt == 0 for call in journal.calls())
    assert int(price[1]) == sections - 3


def test_a_limited_build_of_many_pairs_shows_a_dozen_of_them_from_all_over(
    empty_home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["build", str(corpus), "--teacher", "offline", "--limit", "10", "--variants", "1", "--run", "book"]) == 0
    )
    shown = capsys.readouterr().out.splitlines()
    pairs = [line for line in shown if re.match(r"apollo\.md:\d+  ", line)]
    kept = read_json(run_in(empty_home).manifest)["accounting"]["dedupe_pairs"]["kept"]
    assert len(pairs) == 12 < kept
    assert f"… and {kept - 12} more pairs: `wukong-pipe inspect N` shows those of a section." in shown


def test_the_manifest_compares_the_estimate_with_what_happened(empty_home: Path, corpus: Path) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, "--limit", "4", *PRICES) == 0
        first = dataset(empty_home)
        # The prices of the first build stand in the journal, and so in the manifest of the second.
        assert build(server, corpus, "--limit", "4") == 0
    assert dataset(empty_home) == first
    stages = read_json(run_in(empty_home).manifest)["calls"]
    used = [stage["used"] for stage in stages.values()]
    billed = server.bill
    assert sum(stage["tokens_in"] for stage in used) == billed[0]
    assert sum(Decimal(stage["cost"]["USD"]) for stage in used) == cost(billed)
    assert all(stage["estimated"]["calls"] >= stage["used"]["calls"] for stage in stages.values())


# --- ceilings -------------------------------------------------------------------------------------------------


def dear() -> Callable[[dict[str, Any]], Response]:
    """Answers well, and bills a good part of what it was offered."""
    good = GoodTeacher()

    def answer(request: dict[str, Any]) -> Response:
        body = json.loads(good(request).body)
        body["usage"] = {"prompt_tokens": 1000, "completion_tokens": 1000}
        return Response(body=json.dumps(body).encode())

    return answer


def test_a_ceiling_is_never_passed_and_a_higher_one_goes_on(
    empty_home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, "--limit", "4", *PRICES) == 0
    whole = dataset(empty_home)
    calls = len(server.requests)
    for name in ("journal.sqlite", "journal.sqlite.copy-1"):
        (empty_home / "runs" / name).unlink()
    tokens = ["--max-tokens", str(WORST_OUT)]
    with provider(dear()) as server:
        ceiling = "0.06"
        for _ in range(2):
            assert build(server, corpus, "--limit", "4", *PRICES, *tokens, "--max-cost", ceiling) == 3
            told = capsys.readouterr().err
            assert "The ceiling of 0.0600 USD" in told
            assert "--max-cost" in told
            assert "Go on with" not in told
            assert 0 < cost(server.bill) <= Decimal(ceiling)
        assert 0 < len(server.requests) < calls
        assert build(server, corpus, "--limit", "4", *PRICES, *tokens, "--max-cost", "5") == 0
        assert len(server.requests) == server.unique == calls
    after = dataset(empty_home)
    assert after.keys() == whole.keys()


def test_a_ceiling_of_calls_counts_what_earlier_builds_of_the_run_made(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, "--limit", "4", "--max-calls", "3") == 3
        assert len(server.requests) == 3
        assert build(server, corpus, "--limit", "4", "--max-calls", "5") == 3
        assert len(server.requests) == 5
        assert "--max-calls" in capsys.readouterr().err
        assert build(server, corpus, "--limit", "4") == 0


@pytest.mark.parametrize(
    "options",
    [["--max-cost", "5"], ["--price-in", "1"], ["--price-in", "1", "--price-out", "-2"], ["--max-cost", "many"]],
)
def test_money_that_cannot_be_counted_is_a_usage_error(corpus: Path, options: list[str]) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpus, *options) == 2
    assert server.requests == []


def test_a_provider_that_overcharges_is_named_and_stops_a_build_with_a_ceiling(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = GoodTeacher()

    def greedy(request: dict[str, Any]) -> Response:
        answer = json.loads(good(request).body)
        answer["usage"]["completion_tokens"] = 1_000_000
        return Response(body=json.dumps(answer).encode())

    with provider(greedy) as server:
        assert build(server, corpus, *PRICES, "--max-cost", "5", "--concurrency", "4") == 3
        told = capsys.readouterr().err
        assert f"{server.base_url} billed 100 tokens in and 1000000 out" in told
        # The first call goes alone, so nothing was in flight with it.
        assert len(server.requests) == 1
        assert build(server, corpus, *PRICES, "--limit", "2") == 0
        assert "Warning: http" in capsys.readouterr().err


# --- asking again ---------------------------------------------------------------------------------------------


class Forgetful:
    """Answers nothing of a section's pairs until it was asked for them so many times."""

    def __init__(self, times: int) -> None:
        self.good, self.times = GoodTeacher(), times
        self.asked: dict[str, int] = {}

    def __call__(self, request: dict[str, Any]) -> Response:
        prompt = request["messages"][-1]["content"]
        if "<source>" not in prompt:
            return self.good(request)
        self.asked[prompt] = self.asked.get(prompt, 0) + 1
        return completion('{"pairs": []}') if self.asked[prompt] <= self.times else self.good(request)


def test_what_stayed_short_is_asked_again_and_a_later_plain_build_gives_the_same_bytes(
    empty_home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(Forgetful(4)) as server:
        assert build(server, corpus, "--limit", "2") == 3
        told = capsys.readouterr().err
        assert "Ask for the rest with: wukong-pipe build" in told
        assert "wukong-pipe build --reask short " in told
        assert len(server.requests) == 2 * 3
        assert build(server, corpus, "--limit", "2", "--reask", "short") == 0
        assert len([asked for asked in server.requests if "<source>" in json.dumps(asked)]) == 2 * 5
        asked = len(server.requests)
        after = dataset(empty_home)
        for more in ([], ["--reask", "short"], ["--reask", "rejected"]):
            assert build(server, corpus, "--limit", "2", *more) == 0
            assert dataset(empty_home) == after
        assert len(server.requests) == asked


def test_one_section_is_asked_again_by_its_id_and_an_id_of_nothing_is_told(
    empty_home: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(Forgetful(3)) as server:
        assert build(server, corpus, "--limit", "2") == 3
        sections = {row["section_id"] for row in read_jsonl(run_in(empty_home).dataset / "rejected.jsonl")}
        sections |= {entry["id"] for entry in read_json(run_in(empty_home).manifest)["quota"]}
        one = sorted(sections)[0]
        before = len(server.requests)
        assert build(server, corpus, "--limit", "2", "--reask", one, "--reask", "no-such-id") == 3
        assert "--reask names no section or trained pair: no-such-id" in capsys.readouterr().err
        assert {row["section_id"] for row in rows_of(run_in(empty_home))} == {one}
        assert len([asked for asked in server.requests[before:] if "<source>" in json.dumps(asked)]) == 1


def test_a_reply_that_was_cut_is_asked_for_half_as_much(empty_home: Path, corpus: Path) -> None:
    good = GoodTeacher()
    wanted: list[int] = []

    def short_of_breath(request: dict[str, Any]) -> Response:
        answer = good(request)
        prompt = request["messages"][-1]["content"]
        if "<source>" not in prompt:
            return answer
        count = int(re.search(r"^(?:请写出|Write) (\d+)", prompt, re.MULTILINE)[1])  # type: ignore[index]
        wanted.append(count)
        return completion('{"pairs": [{"question": "Wh', "length") if count > 2 else answer

    with provider(short_of_breath) as server:
        build(server, corpus, "--limit", "1", "--max-pairs", "4")
    assert wanted == [4, 2, 2]
    assert rows_of(run_in(empty_home))


# --- stopping -------------------------------------------------------------------------------------------------


@pytest.fixture
def slow() -> Iterator[Provider]:
    """Answers well, each time after half a second."""
    good = GoodTeacher()
    with provider(lambda request: replace(good(request), delay=0.5)) as server:
        yield server


def started(server: Provider, corpus: Path) -> subprocess.Popen[str]:
    """A build in a process of its own, once it has calls in flight beside some that were answered."""
    command = [sys.executable, "-m", "wukong_pipe.cli", *arguments(server, corpus, "--limit", "4")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: len(server.requests) >= 3 and server.in_flight >= 2)
    return process


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def journalled(folder: Path) -> int:
    with Journal(folder / "runs" / "journal.sqlite") as journal:
        return len(list(journal.calls()))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_keeps_what_is_in_flight_and_says_how_to_go_on(
    empty_home: Path, corpus: Path, slow: Provider, number: signal.Signals
) -> None:
    process = started(slow, corpus)
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130, told
    assert "calls in flight are finished and kept" in told
    assert "Go on with: wukong-pipe build" in told
    assert "Traceback" not in told
    assert journalled(empty_home) == len(slow.requests)
    assert build(slow, corpus, "--limit", "4") == 0
    assert len(slow.requests) == slow.unique


@pytest.mark.slow
def test_the_second_signal_stops_at_once(empty_home: Path, corpus: Path, slow: Provider) -> None:
    process = started(slow, corpus)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130, told
    assert "go on with: wukong-pipe build" in told
    assert "Traceback" not in told
    # What was cut off may have been billed, and is booked so.
    with Journal(empty_home / "runs" / "journal.sqlite") as journal:
        unknown = [send for send in journal.sends() if send.outcome in {"unknown", "open"}]
        assert len(unknown) >= 1
        assert all(send.tokens_out == 8192 for send in unknown)
        assert len(unknown) + journalled(empty_home) == len(slow.requests)
    assert build(slow, corpus, "--limit", "4") == 0
    assert len(slow.requests) - slow.unique <= len(unknown)


# --- a provider that fails ------------------------------------------------------------------------------------


def test_an_upstream_that_always_fails_sees_the_promised_number_of_requests(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "wukong_pipe.providers.known_providers.TeacherSettings", partial(TeacherSettings, backoff=0.001)
    )
    with provider(lambda _: Response(500, b"no")) as server:
        assert build(server, corpus, "--concurrency", "16") == 3
    assert len(server.requests) == 9
    assert "failed 9 times in a row" in capsys.readouterr().err
