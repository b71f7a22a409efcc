"""`build --verify` against real HTTP servers: bought once, accounted for, and by whom the user says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.batches import BatchBehaviour, BatchProvider
from tests.support.building import files_in, rows_of, run_in
from tests.support.faults import impatience
from tests.support.good_teacher import GoodTeacher
from tests.support.provider import NO_LIMITS, NO_MODELS, Provider, Response, completion, provider, refusal
from wukong_pipe.cli.main import main
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.journal.store import Journal

pytestmark = pytest.mark.usefixtures("empty_home")
SIZE = ["--variants", "5", "--max-pairs", "4", "--limit", "4", "--run", "book"]


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading that all other tests leave out."""
    monkeypatch.delenv("WUKONG_BUILD_VERIFY")


def build(server: Provider, corpus: Path, *more: str) -> int:
    return main(["build", str(corpus), "--base-url", server.base_url, "--teacher-model", "m", *SIZE, *more])


def is_reading(request: dict[str, Any]) -> bool:
    """Whether a request is one of a second reading: its reply has the schema of one."""
    properties = request["response_format"]["json_schema"]["schema"]["properties"]
    items = [value["items"].get("properties", {}) for value in properties.values()]
    return any(("question" in item and "answer" in item and "facts" not in item) or "reason" in item for item in items)


@pytest.mark.parametrize("name", ["blackwukong.md", "apollo.md"])
def test_a_build_reads_twice_accounts_for_it_and_asks_nothing_the_second_time(
    empty_home: Path, corpora: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / name) == 0
        first, asked = files_in(run_in(empty_home).dataset), len(server.requests)
        assert build(server, corpora / name, "--concurrency", "1") == 0
        assert len(server.requests) == asked
        assert sum(map(is_reading, server.requests)) > 10
    assert files_in(run_in(empty_home).dataset) == first
    manifest = read_json(run_in(empty_home).manifest)
    verify = manifest["verify"]
    assert verify["asked"] == verify["supported"] + verify["rejected"] + verify["unanswered"] > 10
    assert manifest["accounting"]["base_qa"]["received"] == sum(
        manifest["accounting"]["base_qa"][part] for part in ("kept", "rejected")
    )
    assert manifest["calls"]["verify"]["used"]["calls"] > 10
    # A reader that finds no fault may clear no doubt, and the user is told so.
    (reader,) = verify["calibration"].values()
    assert (reader["may_deny"], reader["may_clear"]) == (True, False)
    assert "may reject, but clears no doubt" in " ".join(capsys.readouterr().err.split())


def test_the_test_asks_what_calls_of_its_own_wrote_and_every_question_of_it_was_read(
    empty_home: Path, corpora: Path
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / "apollo.md", "--holdout", "0.3") == 0
    manifest, rows = read_json(run_in(empty_home).manifest), rows_of(run_in(empty_home))
    tally = manifest["accounting"]["heldout_wordings"]
    assert tally["kept"] > 10
    held = [row for row in rows if row["split"] == "validation" or row["level"] == "wording"]
    assert {row["prompt"].partition(".")[0] for row in held} == {"heldout_wordings"}
    assert "unasked" not in {row["verified"] for row in held}
    assert manifest["verify"]["unread"] == {}
    # All wordings that were bought for training train, but for those that are too close to a test question.
    trained = [row for row in rows if row["split"] == "train" and row["variant"] == "paraphrase"]
    lost = [
        one for one in read_jsonl(run_in(empty_home).dataset / "rejected.jsonl") if one["stage"] in ("audit", "dedupe")
    ]
    assert len(trained) + len(lost) == manifest["accounting"]["paraphrase"]["kept"]
    assert {row["pair_id"] for row in held} <= {row["pair_id"] for row in rows if row["split"] == "train"}


def test_what_the_verifier_denies_is_a_reject_in_its_words(empty_home: Path, corpora: Path) -> None:
    class Denier(GoodTeacher):
        """Answers no question about the book before it sees the given answer, and finds every third one wrong."""

        def __call__(self, request: dict[str, Any]) -> Response:
            response = super().__call__(request)
            if "黑神话" not in request["messages"][1]["content"] or not is_reading(request):
                return response
            reply = json.loads(json.loads(response.body)["choices"][0]["message"]["content"])
            for number, item in enumerate(next(iter(reply.values()))):
                if "answer" in item:
                    item["answer"] = "not said"
                elif "right" in item and number % 3 == 0:
                    item |= {"right": "neither" if item["right"] == "both" else False, "reason": "it is not so"}
            return completion(json.dumps(reply, ensure_ascii=False))

    with provider(Denier()) as server:
        assert build(server, corpora / "blackwukong.md", "--min-fill", "0") == 0
    rejects = [one for one in read_jsonl(run_in(empty_home).dataset / "rejected.jsonl") if one["stage"] == "verify"]
    assert len(rejects) == read_json(run_in(empty_home).manifest)["verify"]["rejected"] > 0
    assert {one["code"] for one in rejects} == {"verifier-denies"}
    assert all({"doubt", "id", "candidate"} <= one.keys() for one in rejects)


def test_a_model_that_writes_whole_numbers_with_a_point_gives_the_same_rows(empty_home: Path, corpora: Path) -> None:
    class Pointed(GoodTeacher):
        """Cites unit 1.0, and speaks of question 1.0."""

        def __call__(self, request: dict[str, Any]) -> Response:
            content = json.loads(super().__call__(request).body)["choices"][0]["message"]["content"]
            return completion(json.dumps(json.loads(content, parse_int=float), ensure_ascii=False))

    for teacher, runs in ((GoodTeacher(), "whole"), (Pointed(), "pointed")):
        with provider(teacher) as server:
            assert build(server, corpora / "apollo.md", "--limit", "2", "--runs-dir", f"{runs}/runs") == 0
    # The two servers stand at other ports, and so the calls have other keys.
    whole, pointed = (
        [row | {"call": ""} for row in rows_of(run_in(empty_home / runs))] for runs in ("whole", "pointed")
    )
    assert len(whole) > 10
    assert pointed == whole


class Picky(GoodTeacher):
    """Writes one wording too few, and finds of the book's answers and wordings the first of each call wrong.

    Its server does not answer the first request that asks for the key `broken`, however often it is sent; of the
    calibration's or of the book's.
    """

    broken, is_book = "", True
    _unanswered = ""

    def __call__(self, request: dict[str, Any]) -> Response:
        prompt = request["messages"][1]["content"]
        if self.broken in keys_asked(request) and ("黑神话" in prompt) == self.is_book:
            self._unanswered = self._unanswered or prompt
            if self._unanswered == prompt:
                return refusal(503, "busy")
        reply = json.loads(json.loads(super().__call__(request).body)["choices"][0]["message"]["content"])
        if "questions" in reply:
            reply["questions"] = reply["questions"][1:] or reply["questions"]
        if is_reading(request) and "黑神话" in prompt:
            first, *others = next(iter(reply.values()))
            for item in [first, *others]:
                item |= {"answer": "not said"} if "answer" in item else {}
            if others and "reason" in first:
                first["reason"] = "it is not so"
                first["right" if "right" in first else "relation"] = "neither" if "right" in first else "other"
        return completion(json.dumps(reply, ensure_ascii=False))


def keys_asked(request: dict[str, Any]) -> set[str]:
    """The keys of an item of the reply that a request asks for, where it is one of a second reading."""
    (array,) = request["response_format"]["json_schema"]["schema"]["properties"].values()
    return set(array["items"]["properties"]) if is_reading(request) else set()


@pytest.mark.parametrize(("broken", "is_book"), [("answer", True), ("right", True), ("asks", True), ("right", False)])
def test_after_calls_without_an_answer_the_same_command_ends_as_if_they_had_come(
    empty_home: Path, corpora: Path, broken: str, is_book: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, book = Picky(), empty_home / "blackwukong.md"
    # A short book, of which all pairs are tested in other words.
    book.write_text((corpora / "blackwukong.md").read_text("utf-8").partition("### ")[0], "utf-8")
    with provider(teacher) as server, impatience(deadline=5.0, longest_wait=1.0):
        # A reader who finds fault leaves every build short, and so each makes all of its attempts.
        assert build(server, book, "--min-fill", "1", "--runs-dir", "well/runs") == 3
        teacher.broken, teacher.is_book = broken, is_book
        assert build(server, book, "--min-fill", "1") == 3
        said = " ".join(capsys.readouterr().err.split())
        assert ("The verifier's server did not answer about" if is_book else "calibration (zh) is not finished") in said
        teacher.broken = ""
        assert build(server, book, "--min-fill", "1") == 3
    assert files_in(run_in(empty_home).dataset) == files_in(run_in(empty_home / "well").dataset)
    assert journalled(empty_home) == journalled(empty_home / "well")


def journalled(folder: Path) -> set[str]:
    with Journal(folder / "runs" / "journal.sqlite") as journal:
        return {call.key for call in journal.calls()}


def test_another_model_on_another_server_reads_and_never_sees_the_teachers_key(
    corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = GoodTeacher()
    with provider(teacher) as first, provider(teacher) as second:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-teacher")
        elsewhere = ["--verifier-base-url", second.base_url, "--verifier-model", "reader"]
        assert build(first, corpora / "apollo.md", *elsewhere) == 0
        assert not any(map(is_reading, first.requests))
        assert all(map(is_reading, second.requests))
        assert {request["model"] for request in second.requests} == {"reader"}
        assert not any("sk-of-the-teacher" in str(headers) for headers in second.headers)
        before = len(second.requests)
        monkeypatch.setenv("VERIFIER_API_KEY", "sk-of-the-reader")
        assert build(first, corpora / "apollo.md", *elsewhere, "--runs-dir", "other/runs") == 0
        assert all("sk-of-the-reader" in str(headers) for headers in second.headers[before:])


def test_in_batches_a_build_that_reads_twice_gives_the_bytes_of_live_calls(
    empty_home: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wukong_pipe.providers.batch_api.POLL", 0.02)
    with BatchProvider(GoodTeacher(), [BatchBehaviour()], NO_MODELS, NO_LIMITS).running() as server:
        assert build(server, corpora / "apollo.md", "--limit", "2", "--runs-dir", "live/runs") == 0
        assert build(server, corpora / "apollo.md", "--limit", "2", "--batch") == 0
        assert isinstance(server, BatchProvider)
        assert len(server.batches) >= 5
    assert files_in(run_in(empty_home).dataset) == files_in(run_in(empty_home / "live").dataset)


def test_none_reads_nothing_and_the_embedded_teacher_needs_a_reader_by_name(
    empty_home: Path, corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        assert build(server, corpora / "apollo.md", "--verify", "none") == 0
        assert not any(map(is_reading, server.requests))
    assert {row["verified"] for row in rows_of(run_in(empty_home))} == {"unasked"}
    assert main(["build", str(corpora / "apollo.md"), "--teacher", "offline", "--verify", "all"]) == 2
    assert "--verify needs a language model" in capsys.readouterr().err


def test_a_setting_of_an_earlier_version_is_told_what_stands_in_its_place(
    corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("wukong.toml").write_text("[build]\njudge = true\n", "utf-8")
    assert main(["build", str(corpora / "apollo.md"), "--teacher", "offline"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert 'wukong.toml: judge of [build] is now verify: write verify = "doubtful"' in said


def test_a_verifier_elsewhere_wants_a_model_and_a_key_of_its_own(
    corpora: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with provider(GoodTeacher()) as server:
        for url, words in (
            ("https://api.deepseek.com/v1", "give it as VERIFIER_API_KEY"),
            ("http://127.0.0.1:9/v1", "with --verifier-model"),
        ):
            assert build(server, corpora / "apollo.md", "--verifier-base-url", url) == 1
            assert words in " ".join(capsys.readouterr().err.split())
        assert server.requests == []
        # The same server is the same, however it is written, and reads with the teacher's model.
        assert build(server, corpora / "apollo.md", "--limit", "1", "--verifier-base-url", server.base_url + "/") == 0
        assert {request["model"] for request in server.requests} == {"m"}
