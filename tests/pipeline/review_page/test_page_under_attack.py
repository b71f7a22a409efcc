"""What hostile rows, other pages and other names of this machine can do to the page in a real browser: nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.building import run_in
from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reviewed import BOOK, about, build, library_of
from tests.support.served import served
from wukong_pipe.files import jsonl, read_jsonl, write_text
from wukong_pipe.printable import printable
from wukong_pipe.reasons import Reason
from wukong_pipe.review.library import Library
from wukong_pipe.review_page.app import application
from wukong_pipe.review_page.desk import Desk
from wukong_pipe.review_page.security import Access

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]

PAYLOADS = (Path(__file__).parents[2] / "support" / "payloads.txt").read_text("utf-8").splitlines()
ODD = "\u202egnp.exe \u2066 \x1b[31m\x07"
LEAVES = "leaves.test"
"""The payloads ask it for what they load; here it is a server of the test."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is served, and who may open it."""

    origin: str
    access: Access
    library: Library

    @property
    def address(self) -> str:
        return f"{self.origin}/?token={self.access.token}"


@dataclass(frozen=True, slots=True)
class Beyond:
    """Another server on this machine, which shows the files of a folder."""

    folder: Path
    port: int
    asked: list[str] = field(default_factory=list)
    """What it was asked for."""


@pytest.fixture(scope="module")
def beyond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beyond]:
    folder, asked = tmp_path_factory.mktemp("beyond"), list[str]()

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, *_: object) -> None:
            if self.path != "/favicon.ico":
                asked.append(self.path)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Beyond(folder, server.server_port, asked)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, beyond: Beyond) -> Iterator[Chromium]:
    # evil.test: a name that an attacker gave this machine's address to.
    rules = f"--host-resolver-rules=MAP {LEAVES} 127.0.0.1:{beyond.port}, MAP evil.test 127.0.0.1"
    with chromium(tmp_path_factory.mktemp("profile"), rules) as running:
        running.open(f"http://{LEAVES}/there")
        assert beyond.asked.pop() == "/there", "what leaves is seen"
        yield running


@contextmanager
def page_of(folder: Path) -> Iterator[Page]:
    library, access = library_of(folder), Access()
    with served(application(Desk(library, "en", 0.05), access)) as origin:
        yield Page(origin, access, library)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, browser: Chromium) -> Iterator[Page]:
    """A run with each payload in the headings, texts, rejects and decisions of a section; the browser was let in."""
    folder = tmp_path_factory.mktemp("hostile")
    build(
        folder,
        BOOK
        + "".join(
            f"\n## {text} {ODD}\n\n{text}\n\n| {text} | 兵器 |\n|---|---|\n| {text} | 己{at}刀 |\n\n"
            f"```\n{text}\n```\n\n戊{at}的兵器是己{at}刀。\n"
            for at, text in enumerate(PAYLOADS)
        ),
    )
    run = run_in(folder)
    rejects, edits, library = [], [], library_of(folder)
    for at, text in enumerate(PAYLOADS):
        pair = about(library, f"己{at}刀")
        where = {"section_id": pair.section_id, "source": pair.source, "heading_path": [*pair.title]}
        said = {"question": text, "answer": text, "evidence": [1]}
        reason = Reason.of("asks-broader", words=text)
        rejects += [
            {"id": f"{at:04x}{place}", "stage": "verify", **reason.to_json(), "reason": text, "doubt": text}
            | {"candidate": candidate, "reply": text, "call": "", "lines": [1, 2], **where}
            for place, candidate in enumerate((said, text))
        ]
        old = {"instruction": text, "output": text}
        line = {"ok": True, "output": f"{text} {ODD}", "facts": [[text, text], ["己"]], "note": text, "tags": [text]}
        edits += [{"id": pair.id, **line, "old": old, "section_id": pair.section_id}]
        edits += [{"id": row.id, "instruction": f"{text}{row.id}"} for row in pair.rows]
    write_text(run.dataset / "rejected.jsonl", jsonl([*read_jsonl(run.dataset / "rejected.jsonl"), *rejects]))
    write_text(run.edits, jsonl(edits))
    with page_of(folder) as page:
        browser.open(page.address)
        yield page


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("plain")
    build(folder)
    with page_of(folder) as page:
        yield page


# --- what somebody wrote --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(len(PAYLOADS)), ids=PAYLOADS)
def test_what_somebody_wrote_is_text(browser: Chromium, hostile: Page, place: int) -> None:
    text = PAYLOADS[place]
    pair = about(hostile.library, f"己{place}刀")
    query = urlencode({"pair": pair.id, "words": text, "tag": text})
    browser.open(f"{hostile.origin}/?{query}")
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
    browser.press("e")
    assert browser.run("document.querySelector('.editing [name=answer]').value") == f"{text} {printable(ODD)}"
    assert browser.run(f"document.querySelector('#rejects').textContent.split({text!r}).length") > 4
    browser.press("Escape")
    browser.press("j")
    browser.press("k")
    browser.run("new Promise((done) => setTimeout(done, 100))")
    assert_nothing_ran(browser, hostile)


@pytest.mark.parametrize("path", ["/", "/table", "/bulk"])
def test_what_somebody_wrote_is_text_on_pages_of_many(browser: Chromium, hostile: Page, path: str) -> None:
    browser.open(hostile.origin + path)
    if path == "/bulk":
        for action in ("accept", "replace"):
            browser.run(
                "document.querySelector('[name=find]').value = 'ran=1';"
                "document.querySelector('[name=by]').value = '<img src=x onerror=ran=1>';"
                f"document.querySelector('[value={action}]').click()"
            )
            browser.until("document.querySelector('#preview h2') !== null")
    assert_nothing_ran(browser, hostile)


def assert_nothing_ran(browser: Chromium, page: Page) -> None:
    assert browser.run("typeof ran") == "undefined"
    assert browser.complaints == []
    assert [address for address in browser.requests if not address.startswith(f"{page.origin}/")] == []


def test_nothing_runs_or_leaves_even_where_escaping_were_forgotten(
    browser: Chromium, plain: Page, beyond: Beyond
) -> None:
    browser.open(plain.address)
    for text in PAYLOADS:
        if "http-equiv" in text:
            # No policy keeps a page from being left: against this one escaping stands alone.
            continue
        browser.run(f"htmx.swap('#pair', {text!r}, {{swapStyle: 'beforeend'}})")
        browser.run("new Promise((done) => setTimeout(done, 50))")
        assert browser.run("typeof ran") == "undefined", text
        assert beyond.asked == [], text
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)


# --- other pages ----------------------------------------------------------------------------------------------------


ATTACK = """<!doctype html><title>evil</title>
<iframe name=inner src="{target}/"></iframe><iframe name=sink></iframe>
<img src="{target}/state?seen=0"><script src="{target}/assets/review.js"></script>
<link rel=stylesheet href="{target}/assets/review.css">
<form id=form method=post target=sink action="{target}/pair/{pair}"><input name=action value=drop></form>
<script>
const body = new URLSearchParams({{action: "drop"}}), send = {{method: "POST", credentials: "include", body}};
window.read = "";
window.done = (async () => {{
  for (const mode of ["no-cors", "cors"]) {{
    await fetch("{target}/pair/{pair}", {{...send, mode}}).catch(() => 0);
    await fetch("{target}/undo", {{...send, mode}}).catch(() => 0);
    await fetch("{target}/", {{credentials: "include", mode}}).then(async (got) => {{ read += await got.text(); }})
      .catch(() => 0);
  }}
  navigator.sendBeacon("{target}/pair/{pair}", body);
  document.getElementById("form").submit();
  await new Promise((done) => setTimeout(done, 500));
}})();
</script>"""


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "evil.test"])
def test_a_page_of_another_origin_reads_nothing_decides_nothing_and_frames_nothing(
    browser: Chromium, plain: Page, beyond: Beyond, name: str
) -> None:
    pair = plain.library.pairs[0].id
    (beyond.folder / "index.html").write_text(ATTACK.format(target=plain.origin, pair=pair), "utf-8")
    browser.open(plain.address)
    assert browser.run("document.querySelector('#question') !== null"), "the browser has the cookie"
    browser.open(f"http://{name}:{beyond.port}/index.html")
    browser.run("done")
    assert browser.run("document.title") == "evil"
    assert browser.run("read") == ""
    assert browser.run("typeof isWide") == "undefined", "not even a script of ours is lent"
    assert any("Framing" in complaint and "blocked" in complaint for complaint in browser.complaints)
    assert not plain.library.run.edits.exists()


def test_another_name_of_this_machine_is_shown_nothing(browser: Chromium, plain: Page) -> None:
    port = urlsplit(plain.origin).port
    for path in ("/", f"/?token={plain.access.token}", "/assets/review.js"):
        browser.open(f"http://evil.test:{port}{path}")
        assert browser.run("document.body.innerText") == "This page answers to 127.0.0.1 and localhost alone."
        assert browser.run("document.cookie") == ""


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/bulk", "/assets/review.js"])
def test_without_the_token_nothing_is_shown(browser: Chromium, plain: Page, path: str) -> None:
    browser.call("Network.clearBrowserCookies")
    browser.open(plain.origin + path)
    assert browser.run("document.body.innerText").startswith("Open the address that `wukong-pipe review` printed")


def test_the_token_is_not_in_the_address_and_no_script_can_read_the_cookie(browser: Chromium, plain: Page) -> None:
    browser.open(plain.address)
    assert plain.access.token not in browser.run("location.href + document.documentElement.outerHTML")
    assert browser.run("document.cookie") == ""
