"""A person reads a run of a real teacher in a real browser, with keys alone, and builds what was decided.

133 pairs of the Apollo corpus, with the ten rows that the verifier rejected.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import kept_run
from tests.support.answered import make_run
from tests.support.chromium import CHROMIUM, Chromium, chromium
from tests.support.reader import PROGRESS, SAID, Reader
from tests.support.review_server import ReviewServer, reviewing
from wukong_pipe.edits.reviewed import reviewed
from wukong_pipe.files import read_jsonl
from wukong_pipe.records import FILES
from wukong_pipe.workspace import Run
from wukong_trainer.report.page import write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the page in"),
]

READ = 100
MOMENTS = {25: 0.0, 50: 0.005, 75: 0.02}
"""When the server is killed: with so many pairs read, so many seconds after a key."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run, built."""
    folder = tmp_path_factory.mktemp("apollo")
    kept_run.lay(folder)
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def lines_of(run: Run) -> dict[str, tuple[str, str]]:
    """The line of each row, by its id, and the file it stands in; in order."""
    lines = [(name, line) for name in FILES.values() for line in (run.dataset / name).read_text("utf-8").splitlines()]
    return {json.loads(line)["id"]: (name, line) for name, line in lines}


def decide(reader: Reader) -> None:
    """Of a hundred pairs drop five and mend ten, two of them in their question."""
    place = len(reader.read)
    if place % 20 == 9:
        reader.drop()
    elif place in (34, 84):
        reader.mend_question(" In short?")
    elif place % 10 == 4:
        reader.mend_answer(" That is all.")
    else:
        reader.accept()


def kill_while_deciding(server: ReviewServer, reader: Reader, seconds: float, run: Run) -> None:
    """Kill the server some time after a key: what the page confirmed is on the disk, and it confirms nothing more."""
    pair = reader.current
    reader.tab.press("a")
    time.sleep(seconds)
    server.kill()
    time.sleep(0.5)
    if reader.current != pair:
        reader.accepted.add(pair)
    standing = {line["id"] for line in read_jsonl(run.edits)} & {row["pair_id"] for row in rows(run)}
    assert reader.read <= standing
    assert standing - reader.read <= {pair}, "written, and killed before it could say so"
    reader.accepted |= standing - reader.read
    pair = reader.current
    reader.tab.press("a")
    reader.tab.until("document.querySelector('#message').className === 'problem'")
    assert reader.current == pair


def rows(run: Run) -> list[dict[str, str]]:
    """All rows of the dataset."""
    return [json.loads(line) for _, line in lines_of(run).values()]


def to_rescue(run: Run) -> dict[str, str]:
    """Three rejects of the verifier in three sections, each with a question of a pair there."""
    found: dict[str, tuple[str, str]] = {}
    for line in read_jsonl(run.dataset / "rejected.jsonl"):
        if line["stage"] == "verify":
            inside = [row["instruction"] for row in rows(run) if row["section_id"] == line["section_id"]]
            found[line["section_id"]] = (line["id"], max(inside, key=len))
    return dict(list(found.values())[:3])


def read_through_kills(home: Path, reader: Reader, run: Run) -> None:
    """Read until a hundred pairs are read; the server is killed now and then, and started again."""
    moments = dict(MOMENTS)
    while len(reader.read) < READ:
        with reviewing(home) as server:
            reader.open(server)
            assert reader.tab.run(PROGRESS) == len(reader.read)
            while len(reader.read) < READ and (seconds := moments.pop(len(reader.read), None)) is None:
                decide(reader)
            if seconds is not None:
                kill_while_deciding(server, reader, seconds, run)


def decide_in_two_windows(reader: Reader, server: ReviewServer, profile: Path) -> None:
    """A second window sees what the first one decided; what is undone in one is undone in both."""
    with chromium(profile) as second:
        reader.press("g")
        pair = reader.current
        second.open(server.address)
        second.open(f"{server.origin}/?pair={pair}")
        reader.drop()
        second.until(f"{PROGRESS} === {READ + 1} && {SAID}.includes('another window')")
        assert second.run("document.querySelector('#pair .where .state').textContent") == "dropped"
        assert reader.undo() == pair
        second.until(f"{PROGRESS} === {READ}")
        assert second.complaints == []


def search_and_rescue(reader: Reader, run: Run) -> None:
    """Find pairs by words, and let three rejects in."""
    asked = [row for row in rows(run) if "lunar module" in f"{row['instruction']}\n{row['output']}".casefold()]
    assert reader.search("LUNAR MODULE") == len({row["pair_id"] for row in asked}) > 1
    assert reader.search("no such words") == 0
    for reject, question in to_rescue(run).items():
        reader.rescue(question, reject)


def test_a_session_by_keys_survives_kills_and_the_next_build_does_what_was_decided(
    home: Path, browser: Chromium, tmp_path: Path
) -> None:
    run = Run(home / "runs" / "apollo")
    before, reader = lines_of(run), Reader(browser)
    read_through_kills(home, reader, run)
    with reviewing(home) as server:
        reader.open(server)
        # What the page of the killed server asked for and complained of came late.
        browser.requests.clear()
        browser.complaints.clear()
        search_and_rescue(reader, run)
        decide_in_two_windows(reader, server, tmp_path / "profile")
        reader.accept()
        assert reader.undo() not in reader.read
        pair = reader.current
        assert browser.complaints == []
        browser.call("Page.reload")
        browser.until("document.readyState === 'complete' && document.activeElement.id === 'question'")
        assert reader.current == pair
        assert browser.run(PROGRESS) == len(reader.read) == READ
        assert all(address.startswith(server.origin) for address in browser.requests)
    assert "0 calls made" in kept_run.build(home)
    assert_as_decided(before, lines_of(run), reader)
    counts = reviewed(run).counts
    assert counts == {"accepted": 85, "mended": 10, "dropped": 5, "rescued": 3}
    report = write_report(make_run(tmp_path), counts).read_text("utf-8")
    assert "A person read 100 pairs: 85 right as they were, 10 mended, 5 dropped; 3 rejects let in." in report


def assert_as_decided(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]], reader: Reader) -> None:
    """The dataset differs in what was decided, and in nothing else."""
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    old = {id_: json.loads(line) for id_, (_, line) in before.items()}
    assert gone == {id_ for id_, row in old.items() if row["pair_id"] in reader.dropped}
    assert len(new) == len(reader.rescued) == 3
    assert [id_ for id_ in before if id_ in after] == [id_ for id_ in after if id_ in before], "in the order it had"
    changed = {id_ for id_ in before.keys() & after.keys() if before[id_] != after[id_]}
    mended = {id_ for id_, row in old.items() if row["pair_id"] in reader.answers}
    assert changed == mended | reader.questions.keys()
    for id_ in changed:
        row = json.loads(after[id_][1])
        assert before[id_][0] == after[id_][0]
        expected = {"output": reader.answers.get(row["pair_id"]), "instruction": reader.questions.get(id_)}
        changes = {key: text for key, text in expected.items() if text is not None}
        assert row == old[id_] | changes | {"verified": "unasked"}, "the verifier read other words"
