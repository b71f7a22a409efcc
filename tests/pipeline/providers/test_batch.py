"""Buying by the file: whole builds and single waves against a real server with files and batches.

Whatever happens, the journals' ledgers are not below the provider's bill: see `serve`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.support.asking import GOOD, request, settings
from tests.support.batches import BatchBehaviour, BatchProvider
from tests.support.building import files_in, run_in
from tests.support.good_teacher import GoodTeacher
from tests.support.killing import Forge, forge
from tests.support.provider import NO_LIMITS, NO_MODELS, Response, Script, completion, in_turn, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.commands.askers import EVERYBODY
from wukong_pipe.errors import CeilingReached, Interrupted, StoppedShort, TeacherError, WorkspaceError, WukongError
from wukong_pipe.journal.copies import copies_of
from wukong_pipe.journal.records import Prices, Tokens
from wukong_pipe.journal.store import Journal
from wukong_pipe.providers.batch import BatchBackend
from wukong_pipe.providers.request import JSON_SCHEMA, PROMPT_ONLY
from wukong_pipe.teacher.journalled import JournalledTeacher
from wukong_pipe.teacher.ledger import NO_CEILINGS, Ceilings, Ledger
from wukong_pipe.teacher.pool import in_pool
from wukong_pipe.teacher.replies import MOST_OF_A_REPLY
from wukong_pipe.teacher.requests import Reply, Request

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("empty_home")]

POLL = 0.02
"""Seconds between two looks at a batch, here and in the processes that are killed."""


class Watched(BatchProvider):
    """A provider that notes what it is asked, and can stop in the middle of it."""

    def __init__(self, script: Script, behaviours: Sequence[BatchBehaviour]) -> None:
        super().__init__(script, behaviours or [BatchBehaviour()], NO_MODELS, NO_LIMITS)
        self.pages: list[str] = []
        self.instead: Callable[[str], Response | None] = lambda page: None
        """What is answered in place of the page of this name."""
        self.stop_at = ""
        """The page at which everything stops, once."""
        self.stop_after = False
        """Whether it is done first, and only its answer never leaves."""
        self.stopped = threading.Event()
        self.go = threading.Event()

    def page(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Response:
        name = f"{method} {target.removeprefix('/v1/')}"
        self.pages.append(name)
        if (response := self.instead(name)) is not None:
            return response
        if not self.stop_at or not re.fullmatch(self.stop_at, name):
            return super().page(method, target, headers, body)
        self.stop_at = ""
        answer = super().page(method, target, headers, body) if self.stop_after else Response(500)
        self.stopped.set()
        self.go.wait(20)
        return answer

    @property
    def sizes(self) -> list[int]:
        """How many requests each batch had."""
        inputs = [self.files[batch.as_json()["input_file_id"]] for batch in self.batches.values()]
        return [file.content.count(b"\n") for file in inputs]


Serve = Callable[..., Watched]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts providers; in the end what is booked in all journals is no less than what they charge."""
    servers: list[Watched] = []
    with ExitStack() as stack:

        def start(script: Script | Sequence[Response], *behaviours: BatchBehaviour) -> Watched:
            server = Watched(script if callable(script) else in_turn(script), behaviours)
            stack.enter_context(server.running())
            servers.append(server)
            return server

        yield start
        for server in servers:
            server.go.set()
    booked = Tokens()
    for path in tmp_path.rglob("journal.sqlite"):
        with Journal(path) as journal:
            booked = sum((Tokens(send.tokens_in, send.tokens_out) for send in journal.sends()), booked)
    assert booked.prompt >= sum(server.bill[0] for server in servers)
    assert booked.completion >= sum(server.bill[1] for server in servers)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wukong_pipe.providers.batch_api.POLL", POLL)


# --- whole builds ---------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path, corpora: Path) -> Path:
    """The beginning of a corpus: five sections."""
    path = tmp_path / "apollo.md"
    path.write_text("\n".join((corpora / "apollo.md").read_text("utf-8").splitlines()[:41]) + "\n", "utf-8")
    return path


def command(server: Watched, corpus: Path, *more: str) -> list[str]:
    size = ["--variants", "2", "--max-pairs", "2", "--run", "book"]
    return ["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m", *size, *more]


def live(server: Watched, corpus: Path) -> dict[str, bytes]:
    """The dataset that live calls give, in a workspace of its own."""
    assert main(command(server, corpus, "--runs-dir", "live/runs")) == 0
    return files_in(run_in(Path("live")).dataset)


def dataset() -> dict[str, bytes]:
    return files_in(run_in(Path()).dataset)


def test_a_build_takes_two_waves_and_gives_the_bytes_of_live_calls(serve: Serve, corpus: Path) -> None:
    server = serve(GoodTeacher())
    expected = live(server, corpus)
    asked = len(server.requests)
    assert main(command(server, corpus, "--batch")) == 0
    assert dataset() == expected
    assert len(server.batches) == 2
    assert (len(server.lines), len(server.requests)) == (asked, asked)
    # The journal has all: nobody is asked for anything.
    server.pages.clear()
    for more in ([], ["--batch"]):
        assert main(command(server, corpus, *more)) == 0
    for more in (["--batch"], []):
        assert main(command(server, corpus, "--runs-dir", "live/runs", *more)) == 0
    assert server.pages == []
    assert dataset() == expected


def test_answers_that_a_damaged_journal_lost_are_collected_again_and_not_bought(serve: Serve, corpus: Path) -> None:
    server = serve(GoodTeacher())
    assert main(command(server, corpus, "--batch")) == 0
    expected, sent, path = dataset(), len(server.lines), Path("runs/journal.sqlite")
    for copy in copies_of(path):
        copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE calls SET reply = x'00' WHERE rowid % 3 = 0")
    assert main(["journal", "--recover"]) == 0
    assert main(command(server, corpus, "--batch")) == 0
    assert dataset() == expected
    assert (len(server.batches), len(server.lines)) == (2, sent)


def test_wordings_of_questions_and_answers_go_up_together(
    serve: Serve, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(GoodTeacher())
    assert main(command(server, corpus, "--batch", "--answer-variants", "1")) == 0
    assert len(server.batches) == 2
    assert capsys.readouterr().err.startswith("Two waves of batches (pairs, then wordings), up to three")
    assert main(command(server, corpus, "--batch", "--answer-variants", "1", "--verify", "all")) == 0
    assert capsys.readouterr().err.startswith("Seven waves of batches (the verifier's calibration, two; pairs, then")


def test_a_live_build_that_was_stopped_goes_on_in_batches(serve: Serve, corpus: Path) -> None:
    teacher, left = GoodTeacher(), 10**6

    def script(body: dict[str, Any]) -> Response:
        nonlocal left
        left -= 1
        return refusal(402, "out of money") if left < 0 else teacher(body)

    server = serve(script)
    expected = live(server, corpus)
    asked, left = len(server.requests), 7
    assert main(command(server, corpus, "--concurrency", "1")) == 3
    left = 10**6
    assert main(command(server, corpus, "--batch")) == 0
    assert dataset() == expected
    assert len(server.lines) == asked - 7


def test_the_user_sees_what_to_expect_and_how_each_batch_gets_on(
    serve: Serve, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(GoodTeacher(), BatchBehaviour(steps=4))
    assert main(command(server, corpus, "--batch")) == 0
    lines = [re.sub(r"^\d\d:\d\d ", "", line) for line in capsys.readouterr().err.splitlines()]
    first, second = server.sizes
    assert lines[0].startswith("Two waves of batches (pairs, then wordings), up to three")
    assert lines[1:6] == [
        f"Batch batch_1 is sent: {first} requests.",
        f"Batch batch_1: in_progress, {first // 4} of {first} requests done.",
        f"Batch batch_1: in_progress, {first * 2 // 4} of {first} requests done.",
        f"Batch batch_1: finalizing, {first} of {first} requests done.",
        f"Batch batch_1: completed, {first} of {first} requests done.",
    ]
    assert f"Batch batch_2 is sent: {second} requests." in lines


def test_a_cost_ceiling_holds_and_the_command_goes_on_below_a_higher_one(
    serve: Serve, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(GoodTeacher())
    expected = live(server, corpus)
    capsys.readouterr()
    paid = server.bill[1]
    prices = ["--batch", "--price-in", "0", "--price-out", "1000000", "--max-tokens", "8192"]
    # A reply costs 20 of the 8192 that it might: what five of them leave does not allow a sixth.
    assert main(command(server, corpus, *prices, "--max-cost", str(8192 + 99))) == 3
    assert "1 of 5 requests fit under the ceiling" in capsys.readouterr().err
    assert server.bill[1] - paid == 5 * 20
    assert main(command(server, corpus, *prices, "--max-cost", str(100 * 8192))) == 0
    assert server.bill[1] == 2 * paid
    without_cost = re.compile(rb'"cost": \{.*?\}|"unpriced_calls": \d+', re.DOTALL)
    assert {name: without_cost.sub(b"", data) for name, data in dataset().items()} == {
        name: without_cost.sub(b"", data) for name, data in expected.items()
    }


# --- killed and interrupted -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """Where builds are started that are to be killed; they look as often as those in this process."""
    folder = tmp_path_factory.mktemp("forge")
    code = f"import openai\nfrom wukong_pipe.providers import batch_api\nbatch_api.POLL = {POLL}\n"
    (folder / "sitecustomize.py").write_text(code)
    with forge(folder, {"PYTHONPATH": str(folder)}) as running:
        yield running


KILLS = {
    "before the upload": ("POST files", False),
    "after the upload": ("POST files", True),
    "before the batch is made": ("POST batches", False),
    "before its id arrives": ("POST batches", True),
    "while waiting": ("GET batches/batch_1", False),
    "while collecting": ("GET files/file-3/content", False),
    "in the second wave": ("GET batches/batch_2", True),
}


@pytest.mark.parametrize("where", KILLS)
def test_a_killed_build_is_collected_by_the_next_and_pays_nothing_twice(
    serve: Serve, corpus: Path, forging: Forge, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    teacher = GoodTeacher()
    in_vain = {"left": 0}

    def script(body: dict[str, Any]) -> Response:
        if in_vain["left"]:
            in_vain["left"] -= 1
            return refusal(429, "slow down")
        return teacher(body)

    server = serve(script)
    expected, bill = live(server, corpus), server.bill
    # One line of the first batch is refused, so that there is an error file beside the output file.
    in_vain["left"] = 1
    server.stop_at, server.stop_after = KILLS[where]
    running = forging.start(Path.cwd(), *command(server, corpus, "--batch"))
    assert server.stopped.wait(20)
    running.kill()
    assert running.wait().code == -signal.SIGKILL
    server.go.set()

    requests, paid = len(server.requests), server.bill
    capsys.readouterr()
    assert main(command(server, corpus)) == 1
    assert "collect it with --batch --run book." in capsys.readouterr().err
    assert (len(server.requests), server.bill) == (requests, paid)

    assert main(command(server, corpus, "--batch")) == 0
    assert dataset() == expected
    assert server.bill == (2 * bill[0], 2 * bill[1])
    with Journal(Path("runs/journal.sqlite")) as journal:
        assert "open" not in {send.outcome for send in journal.sends()}
        assert journal.open_batches(server.base_url, "m") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_interrupted_while_it_waits_ends_at_once_and_is_collected_later(
    serve: Serve, corpus: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    server = serve(GoodTeacher())
    expected, bill = live(server, corpus), server.bill
    server.stop_at = "GET batches/batch_1"

    def interrupt() -> None:
        if server.stopped.wait(20):
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert main(command(server, corpus, "--batch")) == 130
    thread.join()
    shown = capsys.readouterr().err
    assert "Stopping; an open batch stays with the provider, and the same command collects it." in shown
    assert shown.splitlines()[-1].startswith("Go on with: wukong-pipe build ")
    server.go.set()
    assert main(command(server, corpus, "--batch")) == 0
    assert dataset() == expected
    assert server.bill == (2 * bill[0], 2 * bill[1])


# --- single waves ---------------------------------------------------------------------------------------------

CHEAP = Prices(Decimal(0), Decimal(1_000_000))
"""One a completion token."""


@dataclass(slots=True)
class BatchedAnswers:
    """What asking brought, and what the user was told."""

    replies: list[Reply] = field(default_factory=list)
    error: WukongError | None = None
    said: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"

    @property
    def problems(self) -> list[str]:
        return [str(reply.problem or "") for reply in self.replies]


def ask(
    server: Watched,
    texts: Sequence[str],
    *,
    run: str = "run",
    attempt: int = 0,
    before: Mapping[str, str] = MappingProxyType({}),
    ceilings: Ceilings = NO_CEILINGS,
    then: Callable[[JournalledTeacher], None] = lambda teacher: None,
    **options: Any,
) -> BatchedAnswers:
    """Ask all texts at the same time, as one build does.

    Args:
        before: text → journal key of the attempt before this one.
        then: called when the server has stopped.
    """

    def asks(text: str) -> Request:
        return replace(request(text), last_call=before.get(text, ""))

    asked = BatchedAnswers()
    unheard: list[Any] = []

    async def asking() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: unheard.append(context))
        with Journal(Path("journal.sqlite")) as journal:
            ledger = Ledger(journal, run, CHEAP, ceilings)
            backend = BatchBackend(settings(server.base_url, **options), journal, ledger, run, asked.said.append)
            teacher = JournalledTeacher(journal, backend, run)

            async def waiting() -> None:
                if server.stop_at:
                    await asyncio.to_thread(server.stopped.wait, 20)
                    then(teacher)

            watching = asyncio.create_task(waiting())
            try:
                asked.replies = await in_pool(
                    texts, lambda text: teacher.ask(asks(text), attempt), EVERYBODY, stop=teacher.stop
                )
            except WukongError as error:
                asked.error = error
            finally:
                await watching
                # Time for what should not happen any more.
                await asyncio.sleep(0.05 if asked.error else 0.0)
                await backend.close()

    asyncio.run(asking())
    if asked.error:
        gc.collect()
    assert unheard == []
    return asked


def sends() -> Counter[str]:
    """The ledger's lines by their outcome."""
    with Journal(Path("journal.sqlite")) as journal:
        return Counter(send.outcome for send in journal.sends())


def is_open() -> bool:
    """Whether a batch may still bring answers."""
    with sqlite3.connect("journal.sqlite") as db:
        return bool(db.execute("SELECT count(*) FROM batches WHERE NOT ended").fetchone()[0])


def good(body: dict[str, Any]) -> Response:  # noqa: ARG001
    return completion(GOOD)


def refusing(word: str, response: Response, times: int = 10**6) -> Script:
    """Refuses what holds a word, so many times."""
    left = times

    def script(body: dict[str, Any]) -> Response:
        nonlocal left
        if word in body["messages"][-1]["content"] and left:
            left -= 1
            return response
        return completion(GOOD)

    return script


def test_what_is_asked_at_the_same_time_goes_up_as_one_file(serve: Serve) -> None:
    server = serve(good)
    assert ask(server, ["a", "b", "c"]).problems == ["", "", ""]
    assert server.sizes == [3]
    assert [page for page in server.pages if page.startswith("POST")] == ["POST files", "POST batches"]
    assert all(body["max_tokens"] == 8192 and "response_format" in body for body in server.lines)
    assert sends() == {"answered": 3}


@pytest.mark.parametrize("limit", ["MOST_REQUESTS", "MOST_BYTES"])
def test_more_than_a_file_takes_goes_up_in_several_at_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    server = serve(good)
    monkeypatch.setattr(f"wukong_pipe.providers.batch.{limit}", {"MOST_REQUESTS": 2, "MOST_BYTES": 1000}[limit])
    assert ask(server, list("abcde")).problems == [""] * 5
    assert server.sizes == [2, 2, 1]
    posts = [page for page in server.pages if page != "GET batches"]
    assert posts[:6] == ["POST files", "POST batches"] * 3


@pytest.mark.parametrize(
    "behaviour",
    [
        BatchBehaviour(most_requests=2),
        BatchBehaviour(most_bytes=1000),
        BatchBehaviour(fail={"code": "token_limit_exceeded", "message": "Enqueued token limit reached for m."}),
    ],
    ids=["requests", "bytes", "queued"],
)
def test_a_file_that_is_too_large_is_halved_and_then_goes_one_after_another(
    serve: Serve, behaviour: BatchBehaviour
) -> None:
    failing = behaviour.fail is not None
    server = serve(good, *([behaviour, BatchBehaviour()] if failing else [behaviour]))
    asked = ask(server, list("abcde"))
    assert asked.problems == [""] * 5
    assert server.sizes == ([5, 2, 2, 1] if failing else [2, 2, 1])
    assert "A file of 5 requests is too large" in "".join(asked.said)
    assert sends() == {"unbilled": 5, "answered": 5}
    # The second was made only when the one before had brought its answers.
    pages = [page for page in server.pages if page.startswith(("POST batches", "GET files"))]
    assert pages[-5:] == ["GET files" + pages[-5][9:], "POST batches", pages[-3], "POST batches", pages[-1]]


def test_one_request_that_is_too_large_for_the_queue_ends_the_run_with_the_providers_words(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(fail={"code": "token_limit_exceeded", "message": "Enqueued token limit."}))
    asked = ask(server, list("abc"))
    assert server.sizes == [3, 1]
    assert isinstance(asked.error, TeacherError)
    assert "failed at " + server.base_url + ": Enqueued token limit. (token_limit_exceeded)." in str(asked)


def test_a_batch_that_fails_for_another_reason_ends_the_run_with_the_providers_words(serve: Serve) -> None:
    fail = {"code": "billing_hard_limit_reached", "message": "Billing hard limit has been reached."}
    server = serve(good, BatchBehaviour(fail=fail), BatchBehaviour())
    asked = ask(server, ["a", "b"])
    assert isinstance(asked.error, TeacherError)
    assert "Batch batch_1 failed" in str(asked)
    assert "Billing hard limit has been reached." in str(asked)
    assert sends() == {"unbilled": 2}
    assert not is_open()
    assert ask(server, ["a", "b"]).problems == ["", ""]


def test_what_expired_is_asked_again_and_costs_nothing(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(expire_after=2), BatchBehaviour())
    assert ask(server, list("abcde")).problems == [""] * 5
    assert server.sizes == [5, 3]
    assert sends() == {"answered": 5, "unbilled": 3}


def test_a_request_that_expires_three_times_ends_the_run(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(expire_after=0))
    asked = ask(server, ["a", "b"])
    assert server.sizes == [2, 2, 2]
    assert isinstance(asked.error, StoppedShort)
    assert "brought no answer 3 times, last with: This request could not be executed before" in str(asked)
    assert not is_open()


@pytest.mark.parametrize("expire_after", [None, 2])
def test_a_lost_line_counts_as_paid_and_is_asked_again(serve: Serve, expire_after: int | None) -> None:
    server = serve(good, BatchBehaviour(lose=3, expire_after=expire_after), BatchBehaviour())
    assert ask(server, [*list("abc")[: expire_after or 3], "d"]).problems == [""] * ((expire_after or 3) + 1)
    assert sends()["unknown"] == 3


def test_a_line_that_timed_out_counts_as_paid_and_is_asked_again(serve: Serve) -> None:
    server = serve(refusing("bad", Response(cut=True, billed=(100, 20)), times=1))
    assert ask(server, ["bad", "b"]).problems == ["", ""]
    assert sends() == {"answered": 2, "unknown": 1}


def test_of_a_line_that_comes_twice_the_first_counts(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(duplicate=3))
    assert ask(server, list("abc")).problems == [""] * 3
    assert sends() == {"answered": 3}


def test_of_a_line_that_is_too_long_the_beginning_is_the_answer_and_it_is_not_asked_again(serve: Serve) -> None:
    server = serve(refusing("long", completion("x" * 20_000_000)))
    assert ask(server, ["long", "b"]).problems == ["the body is longer than 8 MiB and was cut there", ""]
    assert sends() == {"answered": 2}
    with Journal(Path("journal.sqlite")) as journal:
        assert max(len(call.reply) for call in journal.calls()) == MOST_OF_A_REPLY


def test_lines_that_refuse_a_form_go_up_in_another_until_one_is_taken_and_the_rung_is_remembered(serve: Serve) -> None:
    def script(body: dict[str, Any]) -> Response:
        if "max_tokens" in body:
            return refusal(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return refusal(400, "response_format is not supported") if "response_format" in body else completion(GOOD)

    server = serve(script)
    assert ask(server, ["a", "b"]).problems == ["", ""]
    assert server.sizes == [2, 2, 2, 2]
    assert sends() == {"answered": 2, "unbilled": 6}
    with Journal(Path("journal.sqlite")) as journal:
        assert journal.rung(server.base_url, "m") == PROMPT_ONLY
        assert {call.rung for call in journal.calls()} == {PROMPT_ONLY}
    assert ask(server, ["c"]).problems == [""]
    assert server.sizes == [2, 2, 2, 2, 1, 1]


def test_lines_that_want_max_completion_tokens_get_it_in_every_file(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(body: dict[str, Any]) -> Response:
        if "max_tokens" in body:
            return refusal(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return completion(GOOD)

    server = serve(script)
    monkeypatch.setattr("wukong_pipe.providers.batch.MOST_REQUESTS", 2)
    assert ask(server, list("abc")).problems == [""] * 3
    assert server.sizes == [2, 1, 2, 1]


def test_lines_that_refuse_a_temperature_go_up_without_it_in_every_file(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(body: dict[str, Any]) -> Response:
        return refusal(400, "'temperature' is not supported.") if "temperature" in body else completion(GOOD)

    server = serve(script)
    monkeypatch.setattr("wukong_pipe.providers.batch.MOST_REQUESTS", 2)
    assert ask(server, list("abc"), temperature=0.7).problems == [""] * 3
    assert server.sizes == [2, 1, 2, 1]


def test_after_a_blank_reply_a_request_goes_up_without_a_format_in_a_file_of_its_own(serve: Serve) -> None:
    server = serve([completion(" "), completion(GOOD), completion(GOOD)])
    blank = ask(server, ["a"]).replies[0].call
    assert ask(server, ["a", "b"], attempt=1, before={"a": blank}).problems == ["", ""]
    assert server.sizes == [1, 1, 1]
    assert ["response_format" in body for body in server.lines] == [True, True, False]
    with Journal(Path("journal.sqlite")) as journal:
        assert [call.rung for call in journal.calls()] == [JSON_SCHEMA, JSON_SCHEMA, PROMPT_ONLY]


def test_a_moderated_line_is_that_requests_answer_and_not_asked_again(serve: Serve) -> None:
    server = serve(refusing("bad", refusal(400, "flagged by moderation")))
    for _ in range(2):
        asked = ask(server, ["bad", "b"])
        assert asked.problems == ["the provider rejected the request (400): flagged by moderation", ""]
    assert server.sizes == [2]


def test_a_line_refused_without_a_reason_is_rejected_among_answers_and_ends_a_run_without_any(serve: Serve) -> None:
    server = serve(refusing("bad", refusal(400, "invalid value")))
    asked = ask(server, ["bad", "bad too"])
    assert isinstance(asked.error, TeacherError)
    assert "answered 400: invalid value." in str(asked)
    assert sends() == {"unbilled": 2}
    rejected = "the provider rejected the request (400): invalid value"
    assert ask(server, ["bad 1", "bad 2", "bad 3", "bad 4", "b"]).problems == [*[rejected] * 4, ""]


@pytest.mark.parametrize(("status", "outcome"), [(429, "unbilled"), (500, "unknown")])
def test_a_line_that_fails_for_now_is_asked_three_times_and_then_stays_unanswered(
    serve: Serve, status: int, outcome: str
) -> None:
    server = serve(refusing("bad", refusal(status, "not now")))
    asked = ask(server, ["bad", "b"])
    assert server.sizes == [2, 1, 1]
    assert asked.problems == [f"no answer after 3 tries: {status}: not now", ""]
    assert sends() == {"answered": 1, outcome: 3}
    # The next build tries again.
    assert isinstance(ask(server, ["bad"]).error, StoppedShort)
    assert len(server.lines) == 2 + 1 + 1 + 3


def test_a_line_that_says_that_no_call_can_succeed_ends_the_run_and_keeps_the_others(serve: Serve) -> None:
    server = serve(refusing("bad", refusal(429, "You exceeded your current quota", code="insufficient_quota"), times=1))
    asked = ask(server, ["bad", "b"])
    assert isinstance(asked.error, StoppedShort)
    assert "exceeded your current quota" in str(asked)
    assert not is_open()
    assert ask(server, ["bad", "b"]).problems == ["", ""]
    assert server.sizes == [2, 1]


def test_without_a_batch_api_the_sentence_says_to_build_without_batch(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(absent=True))
    asked = ask(server, ["a"])
    assert isinstance(asked.error, TeacherError)
    assert str(asked.error).endswith("has no Batch API (no such page): build without --batch.")
    assert sends() == {"unbilled": 1}
    assert not is_open()


@pytest.mark.parametrize("page", ["POST files", "POST batches"])
def test_a_wrong_key_ends_the_run_and_leaves_nothing_booked(serve: Serve, page: str) -> None:
    server = serve(good)
    server.instead = lambda name: refusal(401, "Incorrect API key provided") if name == page else None
    asked = ask(server, ["a"])
    assert isinstance(asked.error, TeacherError)
    assert "answered 401: Incorrect API key provided. Check OPENAI_API_KEY." in str(asked)
    assert sends() == {"unbilled": 1}
    assert not is_open()


def test_a_key_that_is_wrong_when_the_batch_is_collected_loses_nothing(serve: Serve) -> None:
    server = serve(good)
    server.instead = lambda name: refusal(401, "Incorrect API key") if name.startswith("GET") else None
    assert isinstance(ask(server, ["a"]).error, StoppedShort)
    assert is_open()
    server.instead = lambda name: None
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1]


def test_a_server_that_is_not_there_is_told_at_once_and_nothing_stays_booked(serve: Serve) -> None:
    server = serve(good)
    server.stop()
    asked = ask(server, ["a"], retries=8, backoff=60.0)
    assert isinstance(asked.error, TeacherError)
    assert str(asked.error).startswith(f"No connection to {server.base_url} (ConnectError: ")
    assert sends() == {"unbilled": 1}
    assert not is_open()


HICCUPS = {
    "503": refusal(503, "overloaded"),
    "429": refusal(429, "slow down", {"retry-after-ms": "1"}),
    "cut": Response(body=b'{"id": "batch_1", "status": "completed"}', cut=True),
    "a proxy's page": Response(body=b"<html>please log in</html>", headers={"content-type": "text/html"}),
    "half of an answer": Response(body=b'{"id": "batch'),
}


@pytest.mark.parametrize("what", HICCUPS)
def test_a_provider_that_answers_wrongly_now_and_then_is_asked_again(serve: Serve, what: str) -> None:
    server = serve(good)
    turns: Counter[str] = Counter()

    def instead(page: str) -> Response | None:
        turns[page] += 1
        return HICCUPS[what] if turns[page] % 2 and "content" not in page else None

    server.instead = instead
    assert ask(server, ["a", "b"]).problems == ["", ""]
    assert server.sizes == [2]


def test_a_provider_that_fails_on_and_on_ends_the_run_and_the_next_collects(serve: Serve) -> None:
    server = serve(good)
    server.instead = lambda name: HICCUPS["503"] if name.startswith("GET") else None
    asked = ask(server, ["a"])
    assert isinstance(asked.error, StoppedShort)
    assert "failed 3 times in a row, last with: 503: overloaded. What was sent stays with the provider" in str(asked)
    server.instead = lambda name: None
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1]


@pytest.mark.parametrize("answer", [b"<html>please log in</html>", b""])
def test_results_that_are_none_are_not_taken_for_lost_ones(serve: Serve, answer: bytes) -> None:
    server = serve(good)
    server.instead = lambda name: Response(body=answer) if name.endswith("content") else None
    asked = ask(server, ["a"])
    assert isinstance(asked.error, StoppedShort)
    assert "Batch batch_1: its file file-2 came from " in str(asked)
    server.instead = lambda name: None
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1]


@pytest.mark.parametrize("creation", ["500", "cut"])
def test_a_batch_whose_creation_seemed_to_fail_is_found_and_not_made_twice(serve: Serve, creation: Any) -> None:
    server = serve(good, BatchBehaviour(creation=creation))
    assert ask(server, ["a", "b"]).problems == ["", ""]
    assert server.sizes == [2]


@pytest.mark.parametrize("creation", ["500", "cut"])
def test_a_batch_of_unknown_creation_is_not_made_again_while_the_provider_does_not_say(
    serve: Serve, creation: Any
) -> None:
    server = serve(good, BatchBehaviour(creation=creation))
    server.instead = lambda name: refusal(404, "no such page") if name.startswith("GET batches?") else None
    for _ in range(2):
        assert isinstance(ask(server, ["a"]).error, StoppedShort)
    assert is_open()
    assert sends() == {"open": 1}
    server.instead = lambda name: None
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1]


def test_a_batch_that_enters_the_list_late_is_found_all_the_same(serve: Serve) -> None:
    server = serve(good, BatchBehaviour(creation="cut"))
    server.instead = lambda name: refusal(403, "not now") if name.startswith("GET batches?") else None
    assert isinstance(ask(server, ["a"]).error, StoppedShort)
    looks = iter([Response(body=b'{"object": "list", "data": [], "has_more": false}')])

    def instead(page: str) -> Response | None:
        if page.startswith("GET batches/"):
            return HICCUPS["503"]
        return next(looks, None) if page.startswith("GET batches?") else None

    server.instead = instead
    assert isinstance(ask(server, ["a"]).error, StoppedShort)
    # From now on its id is known.
    server.instead = lambda name: refusal(403, "not now") if name.startswith("GET batches?") else None
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1]


def test_a_batch_the_provider_does_not_know_is_asked_again_only_when_it_can_bring_nothing_any_more(
    serve: Serve,
) -> None:
    server = serve(good)
    server.instead = lambda name: refusal(404, "No batch found") if name.startswith("GET batches/") else None
    for _ in range(2):
        asked = ask(server, ["a"])
        assert isinstance(asked.error, StoppedShort)
        assert "Batch batch_1 is not known at " in str(asked)
        assert "or its results are not (No batch found): is this the key it was sent with?" in str(asked)
    assert server.sizes == [1]
    server.instead = lambda name: None
    with sqlite3.connect("journal.sqlite") as db:
        db.execute("UPDATE batches SET remote = 'batch_of_old', created = '2020-01-01T00:00:00+00:00'")
    assert ask(server, ["a"]).problems == [""]
    assert server.sizes == [1, 1]
    assert sends() == {"unknown": 1, "answered": 1}


def test_what_is_on_its_way_in_a_batch_of_another_run_is_not_bought_again(serve: Serve) -> None:
    server = serve(good)
    server.instead = lambda name: refusal(401, "no") if name.startswith("GET") else None
    ask(server, ["a"], run="one")
    server.instead = lambda name: None
    asked = ask(server, ["a"], run="two")
    assert isinstance(asked.error, WorkspaceError)
    assert str(asked.error) == (
        "Batch batch_1 of the run “one” may still bring this answer: collect it with --batch --run one."
    )
    assert ask(server, ["a"], run="one").problems == [""]
    assert ask(server, ["a"], run="two").problems == [""]
    assert server.sizes == [1]


def test_a_ceiling_of_calls_sends_what_fits_and_then_ends(serve: Serve) -> None:
    server = serve(good)
    asked = ask(server, list("abcde"), ceilings=Ceilings(calls=3))
    assert server.sizes == [3]
    assert isinstance(asked.error, CeilingReached)
    assert asked.said[0].startswith("3 of 5 requests fit under the ceiling")
    assert ask(server, list("abcde"), ceilings=Ceilings(calls=5)).problems == [""] * 5
    assert server.sizes == [3, 2]


def test_what_answers_leave_of_a_cost_ceiling_is_used_for_the_rest(serve: Serve) -> None:
    server = serve(good)
    # Each may cost 40 and costs 20.
    assert ask(server, list("abcde"), ceilings=Ceilings(cost=Decimal(120)), max_tokens=40).problems == [""] * 5
    assert server.sizes == [3, 1, 1]


@pytest.mark.parametrize(
    ("page", "after"),
    [
        ("POST files", True),
        ("POST batches", False),
        ("POST batches", True),
        ("GET batches/batch_1", True),
        ("GET files/file-2/content", True),
    ],
)
def test_a_stop_at_any_time_ends_the_asking_at_once_and_the_next_run_collects(
    serve: Serve, page: str, after: bool
) -> None:
    server = serve(good)
    server.stop_at, server.stop_after = page, after
    asked = ask(server, ["a", "b"], then=lambda teacher: teacher.stop(Interrupted("stop")))
    assert isinstance(asked.error, Interrupted)
    server.go.set()
    assert ask(server, ["a", "b"]).problems == ["", ""]
    assert len(server.lines) == 2


def test_nothing_is_sent_after_a_stop(serve: Serve) -> None:
    server = serve(good)
    server.stop_at, server.stop_after = "POST files", True

    def then(teacher: JournalledTeacher) -> None:
        teacher.stop(Interrupted("stop"))
        server.go.set()

    assert isinstance(ask(server, ["a"], then=then).error, Interrupted)
    assert server.pages == ["POST files"]
