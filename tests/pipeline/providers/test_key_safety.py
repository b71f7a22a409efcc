"""The API key is in no file, log or traceback: all logs at DEBUG, crashes, and providers that say it back."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.batches import BatchBehaviour, BatchProvider, batch_provider
from tests.support.building import files_in
from tests.support.good_teacher import GoodTeacher
from tests.support.killing import quiet_environment
from tests.support.provider import Response, completion, refusal

KEY = "sk-canary+0123/4567:89abcdef~"
"""Other in every encoding."""
BOOK = "# 书\n\n## 一\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n\n## 二\n\n石戊的坐骑是己马。\n"


@dataclass(frozen=True, slots=True)
class Step:
    """One `wukong-pipe build` against a provider that says the key back, and how it must end."""

    name: str
    code: int
    words: str
    """In what it prints: proof that what was meant did happen."""
    says: str = "good"
    """How the provider answers."""
    arguments: tuple[str, ...] = ("--debug",)
    environment: dict[str, str] = field(default_factory=dict)
    crash: str = ""
    """What happens in the middle of a call: "exception" or "abort"."""


LOGIN = f"user:{quote(KEY, safe='')}"
AWAY = ("--base-url", "http://teacher.invalid/v1", "--debug")
STEPS = [
    Step("ok", 0, "Next: wukong-pipe train"),
    Step("in-a-reply", 3, "Ask for the rest with", "reply", ()),
    Step("shown-401", 1, "Error: The teacher", "401", ()),
    Step("401", 1, "TeacherError: The teacher", "401"),
    Step("400", 1, "no request with [key]", "400"),
    Step("escaped", 1, "no request with [key]", "escaped"),
    Step("500", 1, "last with: confused by [key]", "500"),
    Step("models", 1, "which offers [key]", arguments=("--teacher-model", "", "--debug")),
    Step("batch", 0, "batch_1: completed", arguments=("--batch", "--debug")),
    Step("batch-line", 1, "Incorrect API key provided: [key]", "401", ("--batch", "--debug")),
    Step("batch-failed", 1, "line 1 holds [key]", arguments=("--batch", "--debug")),
    Step("exception", 1, "RuntimeError: crashed", crash="exception"),
    Step("abort", -signal.SIGABRT, "Fatal Python error: Aborted", crash="abort"),
    Step("newline", 1, "character 30 of", environment={"OPENAI_API_KEY": f"{KEY}\nX-Evil: 1"}),
    Step("non-ascii", 1, "character 30 of", environment={"OPENAI_API_KEY": f"{KEY}é"}),
    Step("url", 1, "must not carry a user name", arguments=("--base-url", f"http://{LOGIN}@127.0.0.1:9/v1", "--debug")),
    Step(
        "proxy-gone", 1, "No connection to", arguments=AWAY, environment={"HTTP_PROXY": f"http://{LOGIN}@127.0.0.1:9"}
    ),
    Step("proxy-odd", 1, "proxy settings", arguments=AWAY, environment={"ALL_PROXY": f"gopher://{LOGIN}@127.0.0.1:9"}),
]

WRAPPER = """
import faulthandler, json, logging, os, sys
from unittest import mock

faulthandler.enable()
logging.basicConfig(level=logging.DEBUG, handlers=[logging.StreamHandler(), logging.FileHandler("debug.log")])
import openai
import rich.traceback
from wukong_pipe.cli import main as cli
from wukong_pipe.teacher import ledger
from wukong_pipe.providers import batch_api
from wukong_pipe.providers import client

made = client.TeacherSettings.__post_init__

def hurried(settings):
    made(settings)
    for name, value in {"retries": 1, "backoff": 0.001}.items():
        object.__setattr__(settings, name, value)

def crash(body):
    raise RuntimeError("crashed")

client.TeacherSettings.__post_init__ = hurried
batch_api.POLL = 0.01
for step in json.load(sys.stdin):
    if pid := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        continue
    os.environ.update(step["environment"])
    output = os.open(step["name"] + ".txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    happens = {"exception": crash, "abort": lambda body: os.abort()}.get(step["crash"], ledger.read_completion)
    if step["crash"]:
        rich.traceback.install(show_locals=True, locals_max_string=None, width=300)
    code = 1
    try:
        with mock.patch.object(ledger, "read_completion", happens):
            code = cli.main(step["arguments"])
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    os._exit(code)
"""


def teacher() -> Any:
    """Answers well but for the key, which it says wherever it may; the model's name says how."""
    good = GoodTeacher()
    headers = {"x-echo": KEY, "www-authenticate": f'Bearer realm="{KEY}"'}

    def script(request: dict[str, Any]) -> Response:
        match request["model"].split(":")[0]:
            case "401":
                return refusal(401, f"Incorrect API key provided: {KEY}.", headers, code=KEY)
            case "400":
                return refusal(400, f"no request with {KEY}", headers)
            case "escaped":
                escaped = KEY.replace("/", "\\/").replace("+", "\\u002B").replace("s", "\\u0073")
                return Response(400, f'{{"error": {{"message": "no request with {escaped}"}}}}'.encode(), headers)
            case "500":
                return Response(500, f"<html>confused by {KEY}</html>".encode(), headers)
            case "reply":
                return completion(f"I know your key: {KEY}")
        answer = json.loads(good(request).body)
        return Response(200, json.dumps({**answer, "id": KEY, "system_fingerprint": KEY}).encode(), headers)

    return script


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What all the steps have left: how each ended, the folder with all it wrote, and the provider."""

    codes: dict[str, int]
    folder: Path
    server: BatchProvider

    def output(self, step: str) -> str:
        return (self.folder / f"{step}.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("home")
    (folder / "book.md").write_text(BOOK, "utf-8")
    models = Response(200, json.dumps({"data": [{"id": KEY}]}).encode(), {"x-echo": KEY})
    failure = {"code": KEY, "message": f"line 1 holds {KEY}", "line": 1}
    # Two waves that end well, one that does not, and the file that is refused.
    batches = (*3 * [BatchBehaviour()], BatchBehaviour(fail=failure))
    with batch_provider(teacher(), *batches, models=models) as server:
        orders = []
        for step in STEPS:
            arguments = ["build", "book.md", "--variants", "2", "--run", step.name, "--base-url", server.base_url]
            # A model of its own: what another step bought must not be in the journal.
            arguments += ["--teacher-model", f"{step.says}:{step.name}", *step.arguments]
            orders.append({**asdict(step), "arguments": arguments})
        environment = {**quiet_environment(), "OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug", "PYTHONASYNCIODEBUG": "1"}
        for name in list(environment):
            if name.lower().endswith("_proxy"):
                del environment[name]
        done = subprocess.run(
            [sys.executable, "-P", "-X", "dev", "-c", WRAPPER],
            input=json.dumps(orders),
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment,
            text=True,
            check=True,
        )
        codes = map(int, done.stdout.split())
        yield Aftermath(dict(zip((step.name for step in STEPS), codes, strict=True)), folder, server)


def spellings(secret: str) -> list[bytes]:
    """`secret` as it stands, in hexadecimal, percent-encoded, as JSON, and in base64 wherever it begins in a triple."""
    found = [secret, secret.encode().hex(), quote(secret), quote(secret, safe=""), json.dumps(secret).strip('"')]
    found.append(json.dumps(secret).strip('"').replace("/", "\\/"))
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret.encode()).decode("ascii")
        # The first and the last characters hold bits of what stands beside it.
        inner = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
        found += [inner, inner.replace("+", "-").replace("/", "_")]
    return [spelling.encode("ascii") for spelling in dict.fromkeys(found)]


def places_of(secret: str, folder: Path) -> list[str]:
    """Where in the files below `folder`, each with some bytes around it."""
    return [
        f"{name}: {data[max(0, place - 100) : place + 60]!r}"
        for name, data in files_in(folder).items()
        for spelling in spellings(secret)
        if (place := data.find(spelling)) >= 0
    ]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_each_build_ended_as_it_was_meant_to(aftermath: Aftermath, step: Step) -> None:
    output = aftermath.output(step.name)
    assert aftermath.codes[step.name] == step.code, output[-3000:]
    assert step.words in " ".join(output.split())


def test_the_provider_was_given_the_key_and_everything_was_logged(aftermath: Aftermath) -> None:
    given = {headers.get("authorization") for headers in aftermath.server.headers}
    assert given == {f"Bearer {KEY}"}
    log = (aftermath.folder / "debug.log").read_text("utf-8")
    assert "HTTP Request: POST http://127.0.0.1" in log
    assert "Building HTTP request" in log
    assert "Using selector" in log


def test_what_the_provider_said_is_kept_without_the_key(aftermath: Aftermath) -> None:
    kept = files_in(aftermath.folder / "runs")
    assert b"I know your key: [key]" in kept["in-a-reply/dataset/rejected.jsonl"]
    assert any(b'"system_fingerprint": "[key]"' in data for name, data in kept.items() if "journal" in name)


def test_a_crash_shows_the_local_variables_of_every_frame(aftermath: Aftermath) -> None:
    output = aftermath.output("exception")
    assert "settings = TeacherSettings(" in output
    assert "choice = TeacherChoice(" in output


def test_the_key_is_in_no_file_no_log_and_no_traceback(aftermath: Aftermath) -> None:
    assert places_of(KEY, aftermath.folder) == []


@pytest.mark.parametrize("prefix", ["", "u:", "u:p"])
def test_the_search_finds_the_key_in_every_spelling(tmp_path: Path, prefix: str) -> None:
    said = f"{prefix}{KEY}!".encode()
    for number, data in enumerate([said, base64.b64encode(said), base64.urlsafe_b64encode(said), said.hex().encode()]):
        (tmp_path / str(number)).write_bytes(b"before " + data + b" after")
    (tmp_path / "url").write_text(f"http://{quote(KEY, safe='')}@host")
    (tmp_path / "json").write_text(json.dumps({"a": KEY}).replace("/", "\\/"))
    assert {place.split(":")[0] for place in places_of(KEY, tmp_path)} == {"0", "1", "2", "3", "url", "json"}
