"""The teacher against a provider on loopback: what is sent and retried, and how a run ends."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socketserver
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.asking import GOOD, KEY, ask_all, fails, failures, request, settings
from tests.support.provider import Limits, Provider, Response, Script, completion, provider, refusal
from wukong_pipe.errors import StoppedShort, TeacherError
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers import connection, http_calls
from wukong_pipe.providers.client import TeacherSettings, checked_key, new_client
from wukong_pipe.providers.live import OpenAIBackend
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.refusals import classify
from wukong_pipe.teacher.requests import Reply

# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, "Incorrect API key provided", code="invalid_api_key"),
        refusal(402, "Insufficient Balance"),
        refusal(403, "Country not supported"),
        refusal(404, "The model `m` does not exist", code="model_not_found"),
        refusal(429, "You exceeded your current quota", type="insufficient_quota"),
        refusal(405, "Method Not Allowed"),
    ],
)
def test_an_account_or_model_error_ends_the_run_at_once_in_the_providers_words(
    tmp_path: Path, answer: Response
) -> None:
    words = json.loads(answer.body)["error"]["message"]
    with provider(lambda _: answer) as server:
        kind, message = fails(tmp_path, server)
    assert (kind, len(server.requests)) == (TeacherError, 1)
    assert words in message
    assert str(answer.status) in message
    with provider([completion(GOOD), answer]) as server:
        kind, message = fails(tmp_path, server, ["first", "second", "third"])
    assert (kind, len(server.requests)) == (StoppedShort, 2)
    assert words in message


@pytest.mark.parametrize(
    "answer",
    [
        refusal(408, "timeout"),
        refusal(409, "conflict"),
        refusal(429, "Rate limit reached"),
        refusal(500, "boom"),
        Response(502, b"<html><body>Bad Gateway</body></html>", {"content-type": "text/html"}),
        refusal(503, "overloaded"),
        replace(completion(GOOD), cut=True),
        replace(completion(GOOD), delay=0.6),
    ],
)
def test_what_may_pass_is_retried_exactly_as_often_as_promised(tmp_path: Path, answer: Response) -> None:
    with provider(lambda _: answer) as server:
        kind, message = fails(tmp_path, server, deadline=0.3)
    assert (kind, len(server.requests)) == (StoppedShort, 3)
    assert "failed 3 times" in message
    with provider([answer, answer, completion(GOOD)]) as server:
        (reply,), asker = ask_all(tmp_path, settings(server.base_url, deadline=0.3), ["ask"])
    assert reply.value == json.loads(GOOD)
    assert (len(server.requests), asker.bought) == (3, 1)
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(failures(journal)) == 5
        assert len(list(journal.calls())) == 1


def test_a_slow_drip_of_blanks_ends_at_the_deadline(tmp_path: Path) -> None:
    with provider(lambda _: replace(completion(GOOD), drip=3.0)) as server:
        kind, message = fails(tmp_path, server, deadline=0.4, retries=0)
    assert kind is StoppedShort
    assert "no answer within 0.4" in message


def test_a_server_on_this_machine_has_longer_to_answer_because_its_processor_writes_slowly() -> None:
    here, there = (TeacherSettings("m", url).deadline for url in ("http://127.0.0.1:8080/v1", "https://api.x.com/v1"))
    assert (here, there) == (1800, 300)
    assert TeacherSettings("m", "http://127.0.0.1:8080/v1", deadline=5).deadline == 5


def test_a_drip_that_ends_in_an_answer_before_the_deadline_is_an_answer(tmp_path: Path) -> None:
    with provider(lambda _: replace(completion(GOOD), drip=0.2)) as server:
        (reply,), _ = ask_all(tmp_path, settings(server.base_url), ["ask"])
    assert reply.problem is None


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "Content Exists Risk"),
        refusal(400, "Input data may contain inappropriate content.", code="data_inspection_failed"),
        refusal(400, "This model's maximum context length is 4096 tokens", code="context_length_exceeded"),
        Response(413, b"<html>413 Request Entity Too Large</html>"),
        refusal(403, "Your input was flagged"),
    ],
)
def test_a_refused_request_is_that_attempts_answer_and_is_never_sent_again(tmp_path: Path, answer: Response) -> None:
    with provider([answer, completion(GOOD)]) as server:
        replies, asker = ask_all(tmp_path, settings(server.base_url), ["bad", "good"])
        again, _ = ask_all(tmp_path, settings(server.base_url), ["bad", "good"])
    assert replies == again
    assert replies[0].value is None
    assert str(replies[0].problem).startswith(f"the provider rejected the request ({answer.status})")
    assert replies[1].problem is None
    assert len(server.requests) == 2
    assert asker.bought == 2


def test_an_unclear_400_before_any_success_ends_the_run(tmp_path: Path) -> None:
    with provider(lambda _: refusal(400, "Unknown field: enable_thinking")) as server:
        kind, message = fails(tmp_path, server)
    assert (kind, len(server.requests)) == (TeacherError, 1)
    assert "Unknown field: enable_thinking" in message


def test_three_unclear_400_in_a_row_end_the_run_and_fewer_do_not(tmp_path: Path) -> None:
    odd, good = refusal(422, "no"), completion(GOOD)
    with provider([good, odd, odd, good, odd, odd, odd]) as server:
        kind, message = fails(tmp_path, server, [str(number) for number in range(9)])
    assert (kind, len(server.requests)) == (StoppedShort, 7)
    assert "422" in message


def test_a_connection_refused_at_the_start_ends_at_once_and_later_is_retried(tmp_path: Path) -> None:
    with provider([completion(GOOD)]) as server:
        address = server.base_url
        ask_all(tmp_path, settings(address), ["warm"])
    with pytest.raises(TeacherError, match="No connection to"):
        ask_all(tmp_path, settings(address), ["ask"])
    with pytest.raises(TeacherError, match="No connection to"):
        ask_all(tmp_path, settings("http://no-such-host.invalid/v1"), ["ask"])
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(failures(journal)) == 2

    async def dies_after_one() -> None:
        with Journal(tmp_path / "journal.sqlite") as journal, provider([completion(GOOD)]) as mortal:
            async with OpenAIBackend(settings(mortal.base_url), journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                await asker.ask(request("one"), 0)
                mortal.stop()
                # One request that fails to the end may be at fault itself; two in a row are the server's end.
                assert str((await asker.ask(request("two"), 0)).problem).startswith("no answer after 3 tries")
                await asker.ask(request("three"), 0)

    with pytest.raises(StoppedShort, match="failed 3 times"):
        asyncio.run(dies_after_one())


def test_after_the_end_of_the_run_a_worker_that_waits_does_not_knock_again(tmp_path: Path) -> None:
    async def run(server: Provider) -> None:
        with Journal(tmp_path / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(server.base_url), journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                await in_pool(["one", "two"], lambda text: asker.ask(request(text), 0), 2, stop=asker.stop)

    script = [refusal(429, "slow down", {"retry-after": "0.3"}), refusal(401, "bad key"), completion(GOOD)]
    with provider(script) as server, pytest.raises(TeacherError):
        asyncio.run(run(server))
    assert len(server.requests) == 2


def ask_at_once(path: Path, server: Provider, texts: Sequence[str]) -> list[Reply]:
    async def run() -> list[Reply]:
        with Journal(path / "journal.sqlite") as journal:
            async with OpenAIBackend(settings(server.base_url), journal, Ledger(journal, "run")) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                return await in_pool(texts, lambda text: asker.ask(request(text), 0), len(texts), stop=asker.stop)

    return asyncio.run(run())


def test_others_go_beside_the_first_call_long_before_it_is_answered(tmp_path: Path) -> None:
    three_more = threading.Event()

    def script(_: dict[str, Any]) -> Response:
        if not asked:
            asked.append("first")
            return replace(completion(GOOD), delay=4.0, until=three_more)
        asked.append("more")
        if len(asked) == 4:
            three_more.set()
        return completion(GOOD)

    asked: list[str] = []
    with provider(script) as server:
        assert all(reply.value for reply in ask_at_once(tmp_path, server, ["one", "two", "three", "four"]))
        assert server.times[-1] - server.times[0] < 4.0


@pytest.mark.parametrize("status", [401, 402, 404])
def test_what_is_refused_within_the_head_start_of_the_first_call_is_found_out_by_one(
    tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_calls, "HEAD_START", 4.0)
    with provider(lambda _: replace(refusal(status, "no"), delay=0.3)) as server:
        with pytest.raises(TeacherError):
            ask_at_once(tmp_path, server, ["one", "two", "three", "four"])
        assert len(server.requests) == 1


def test_making_the_client_is_no_part_of_the_head_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_slowly(settings: TeacherSettings) -> Any:
        time.sleep(2 * http_calls.HEAD_START)  # As where openai is imported first.
        return new_client(settings)

    monkeypatch.setattr(connection, "new_client", made_slowly)
    with provider(lambda _: replace(refusal(401, "no"), delay=0.05)) as server:
        with pytest.raises(TeacherError):
            ask_at_once(tmp_path, server, ["one", "two", "three", "four"])
        assert len(server.requests) == 1


# --- the support ladder -------------------------------------------------------------------------------------


def kinds(server: Provider) -> list[str | None]:
    return [(asked.get("response_format") or {}).get("type") for asked in server.requests]


def supports(*allowed: str | None) -> Script:
    def script(asked: dict[str, Any]) -> Response:
        kind = (asked.get("response_format") or {}).get("type")
        return completion(GOOD) if kind in allowed else refusal(400, f"response_format {kind} is not supported")

    return script


@pytest.mark.parametrize(
    ("allowed", "first", "next_build"),
    [
        (["json_schema"], ["json_schema"], ["json_schema"]),
        (["json_object"], ["json_schema", "json_object"], ["json_object"]),
        ([None], ["json_schema", "json_object", None], [None]),
    ],
)
def test_a_refused_rung_is_stepped_down_and_remembered_by_the_next_build(
    tmp_path: Path, allowed: list[str | None], first: list[str | None], next_build: list[str | None]
) -> None:
    with provider(supports(*allowed)) as server:
        replies, _ = ask_all(tmp_path, settings(server.base_url), ["one", "two"])
        assert kinds(server) == [*first, *next_build]
        ask_all(tmp_path, settings(server.base_url), ["three"])
        assert kinds(server) == [*first, *next_build, *next_build]
        again, _ = ask_all(tmp_path, settings(server.base_url), ["one", "two"])
    assert [reply.problem for reply in replies] == [None, None]
    # The rung is how the server was spoken to, no part of what was asked.
    assert replies == again
    assert len(server.requests) == len(first) + 2 * len(next_build)


def test_a_complaint_about_the_format_below_the_last_rung_is_an_error(tmp_path: Path) -> None:
    with provider(lambda _: refusal(422, "response_format? what response_format")) as server:
        kind, _ = fails(tmp_path, server)
    assert (kind, len(server.requests)) == (TeacherError, 3)


def test_a_model_that_wants_max_completion_tokens_gets_it(tmp_path: Path) -> None:
    words = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."

    def script(asked: dict[str, Any]) -> Response:
        return refusal(400, words, param="max_tokens") if "max_tokens" in asked else completion(GOOD)

    with provider(script) as server:
        replies, _ = ask_all(tmp_path, settings(server.base_url), ["one", "two"])
    assert [reply.problem for reply in replies] == [None, None]
    assert len(server.requests) == 3


def test_a_model_that_takes_no_temperature_is_asked_without_and_the_journal_knows_what_was_meant(
    tmp_path: Path,
) -> None:
    words = "Unsupported value: 'temperature' does not support 0.7 with this model."

    def script(asked: dict[str, Any]) -> Response:
        return refusal(400, words, param="temperature") if "temperature" in asked else completion(GOOD)

    with provider(script) as server:
        teacher = settings(server.base_url, temperature=0.7)
        replies, _ = ask_all(tmp_path, teacher, ["one", "two"])
        again, asker = ask_all(tmp_path, teacher, ["one", "two"])
        other, _ = ask_all(tmp_path, settings(server.base_url), ["one"])
    assert [reply.problem for reply in replies] == [None, None]
    assert (again, asker.bought) == (replies, 0)
    assert ["temperature" in asked for asked in server.requests] == [True, False, False, False]
    assert other[0].call != replies[0].call


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("'temperature' is not supported with this model.", "temperature"),
        ("Unsupported parameter: 'temperature'", "temperature"),
        ("`temperature` is deprecated for this model", "temperature"),
        ("temperature must be between 0 and 2", "unclear"),
        ("input flagged: 'the temperature of the corpse' is not allowed", "rejected"),
    ],
)
def test_only_a_model_that_takes_no_temperature_is_asked_without(words: str, kind: str) -> None:
    assert classify(400, words, rungs_left=False, limit_name="", has_temperature=True) == kind


def test_a_key_in_a_status_line_stands_in_no_file_and_on_no_screen(tmp_path: Path) -> None:
    class Echoing(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"your key " + KEY.encode("ascii") + b" is bad\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echoing) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        with pytest.raises(StoppedShort) as ended:
            ask_all(tmp_path, replace(settings(url, retries=0), api_key=KEY), ["ask"])
        server.shutdown()
    assert "[key] is bad" in str(ended.value)
    assert all(KEY.encode("ascii") not in file.read_bytes() for file in tmp_path.iterdir())


def test_a_complaint_about_a_temperature_that_was_not_sent_ends_the_run(tmp_path: Path) -> None:
    with provider(lambda _: refusal(400, "temperature? what temperature")) as server:
        kind, _ = fails(tmp_path, server)
    assert (kind, len(server.requests)) == (TeacherError, 1)


# --- what is said on the screen -----------------------------------------------------------------------------


def said_while_asking(path: Path, teacher: TeacherSettings, count: int, at_a_time: int = 16) -> list[str]:
    """What the user is told while so many requests are answered."""
    said = list[str]()

    async def run() -> None:
        with Journal(path / "journal.sqlite") as journal:
            async with OpenAIBackend(teacher, journal, Ledger(journal, "run"), said.append) as backend:
                asker = JournalledTeacher(journal, backend, "run")
                replies = await in_pool([str(number) for number in range(count)], partial(ask, asker), at_a_time)
        assert all(reply.value is not None for reply in replies)

    async def ask(asker: JournalledTeacher, text: str) -> Reply:
        return await asker.ask(request(text), 0)

    asyncio.run(run())
    return said


@pytest.mark.slow
def test_refusals_by_chance_are_waited_out_and_said(tmp_path: Path) -> None:
    chance = Random(3)

    def script(_: dict[str, Any]) -> Response:
        refused = chance.random() < 0.1
        return refusal(429, "busy", {"retry-after": "0.2"}) if refused else replace(completion(GOOD), delay=0.02)

    with provider(script) as server:
        said = said_while_asking(tmp_path, settings(server.base_url, concurrency=16), 400)
        refused = len(server.requests) - 400
    assert refused > 20
    assert any("of the calls (429), however few are sent" in line for line in said)
    assert len(said) <= 4


@pytest.mark.slow
def test_one_call_in_five_refused_by_chance_ends_no_run(tmp_path: Path) -> None:
    chance = Random(5)

    def script(_: dict[str, Any]) -> Response:
        return refusal(429, "busy", {"retry-after": "0.01"}) if chance.random() < 0.2 else completion(GOOD)

    with provider(script) as server:
        teacher = settings(server.base_url, concurrency=8, retries=8)
        replies, _ = ask_all(tmp_path, teacher, [str(number) for number in range(100)])
    assert all(reply.value is not None for reply in replies)


@pytest.mark.slow
def test_a_limit_of_calls_at_a_time_is_said(tmp_path: Path) -> None:
    with provider(lambda _: replace(completion(GOOD), delay=0.5), limits=Limits(at_once=6)) as server:
        said = said_while_asking(tmp_path, settings(server.base_url, concurrency=16), 100)
    assert any("refuses calls (429): kept to about" in line for line in said)


def test_a_timeout_is_said_when_it_happens(tmp_path: Path) -> None:
    with provider([replace(completion(GOOD), delay=0.5), completion(GOOD)]) as server:
        (line,) = said_while_asking(tmp_path, settings(server.base_url, deadline=0.2), 1)
    assert line.startswith("No answer within 0.2 seconds (--timeout)")


# --- redirects and cookies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("first", [False, True])
def test_no_redirect_is_followed_and_where_it_points_is_said(tmp_path: Path, status: int, first: bool) -> None:
    with provider(lambda _: completion(GOOD)) as elsewhere:
        target = f"{elsewhere.base_url}/chat/completions"
        redirect = Response(status, b"", {"location": target})
        with provider([redirect] if first else [completion(GOOD), redirect]) as server:
            kind, message = fails(tmp_path, server, ["one", "two"])
        assert elsewhere.requests == []
    assert kind is (TeacherError if first else StoppedShort)
    assert target in message
    assert "not followed" in message


def test_a_cookie_is_not_sent_back(tmp_path: Path) -> None:
    answer = replace(completion(GOOD), headers={"set-cookie": "who=you; Path=/"})
    with provider(lambda _: answer) as server:
        ask_all(tmp_path, settings(server.base_url), ["one", "two", "three"])
    assert all("cookie" not in headers for headers in server.headers)


# --- keys and proxies ---------------------------------------------------------------------------------------


def test_the_key_is_in_no_file_error_log_or_repr(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = refusal(401, f"Incorrect API key provided: {KEY}")
    with provider([completion(f"your key is {KEY}"), refusal(500, f"key {KEY}"), echo]) as server:
        _, message = fails(tmp_path, server, ["one", "two"])
        assert [headers["authorization"] for headers in server.headers] == [f"Bearer {KEY}"] * 3
        assert KEY not in repr(settings(server.base_url))
    assert "Incorrect API key provided: [key]" in message
    assert KEY not in caplog.text
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()


@pytest.mark.parametrize("key", ["sk-tok\nen-12345", "密钥sk-12345678", "sk-1234 5678", "sk-\x7f1234567"])
def test_a_malformed_key_is_told_without_showing_it(key: str) -> None:
    with pytest.raises(TeacherError, match="malformed") as caught:
        checked_key(key)
    assert "sk-" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_white_space_around_a_key_is_taken_off(tmp_path: Path) -> None:
    with provider([completion(GOOD)]) as server:
        ask_all(tmp_path, settings(server.base_url, api_key=f" {KEY}\n"), ["ask"])
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_server_without_keys_gets_a_placeholder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with provider([completion(GOOD)]) as server:
        ask_all(tmp_path, settings(server.base_url, api_key=""), ["ask"])
    assert server.headers[0]["authorization"] == "Bearer no-key-needed"


def test_a_loopback_server_is_reached_past_every_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with provider([completion(GOOD)]) as server:
        (reply,), _ = ask_all(tmp_path, settings(server.base_url), ["ask"])
    assert reply.problem is None


def test_a_proxy_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(TeacherError, match="ALL_PROXY"):
        ask_all(tmp_path, settings("http://example.invalid/v1"), ["ask"])


# --- Retry-After --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [{"retry-after": "0.4"}, {"retry-after-ms": "400"}])
def test_retry_after_is_waited_for(tmp_path: Path, header: dict[str, str]) -> None:
    with provider([refusal(429, "slow down", header), completion(GOOD)]) as server:
        ask_all(tmp_path, settings(server.base_url), ["ask"])
    assert 0.4 <= server.times[1] - server.times[0] < 1.5


# --- keys that a provider says back in another spelling -----------------------------------------------------


@pytest.mark.parametrize("before", ["", "x", "Bearer "])
@pytest.mark.parametrize("key", [KEY, "sk-a+b/c~d?e:1234"])
def test_a_key_said_back_in_base64_backwards_or_in_hexadecimal_is_masked(key: str, before: str) -> None:
    teacher = settings("http://x/v1", api_key=key)
    whole = f"{before}{key}!".encode()
    for spelt in (base64.b64encode(whole), base64.urlsafe_b64encode(whole), whole[::-1], whole.hex().upper().encode()):
        scrubbed = teacher.scrub(b'{"error": "' + spelt + b'"}')
        assert b"[key]" in scrubbed
        assert len(scrubbed) <= len(b'{"error": "[key]"}') + 2 * len(before + "!") + 10
