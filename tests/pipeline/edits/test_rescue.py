"""Rejects that a user lets in: each becomes the row it would have been, nothing else changes, and no test is spoilt."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.building import files_in, rows_of, run_in
from tests.support.careless_teacher import CarelessTeacher
from tests.support.provider import provider
from tests.support.rows import family, pair, section
from wukong_pipe.cli.main import main
from wukong_pipe.edits.edits_file import Edit
from wukong_pipe.edits.rescue import Known, rescuable, rescue, with_rescued
from wukong_pipe.edits.reviewed import accepted_rows
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Lang, Reject
from wukong_pipe.review.library import Library
from wukong_pipe.teacher.prompt_files import Prompt, load_prompt
from wukong_pipe.teacher.requests import excerpt

Json = dict[str, Any]
CORPORA = Path(__file__).parents[3] / "corpora"


@dataclass(frozen=True, slots=True)
class Bought:
    """A run whose answers are all in the journal, and the command that builds it again."""

    folder: Path
    command: list[str]

    def build(self, *edits: Json) -> None:
        """Build with these edits; nobody is there to be asked."""
        run = run_in(self.folder)
        text = "".join(json.dumps(edit, ensure_ascii=False) + "\n" for edit in edits)
        run.edits.write_text(text, "utf-8")
        assert main(self.command) == 0
        assert read_json(run.folder / "build.json")["calls_made"] == 0

    @property
    def rows(self) -> dict[str, Json]:
        return {row["id"]: row for row in rows_of(run_in(self.folder))}

    @property
    def rejects(self) -> list[Json]:
        return read_jsonl(run_in(self.folder).dataset / "rejected.jsonl")

    @property
    def manifest(self) -> Json:
        found: Json = read_json(run_in(self.folder).manifest)
        return found

    def reject(self, stage: str, **about: Any) -> Json:
        """The first reject of a stage that has what is asked for."""
        return next(
            one for one in self.rejects if one["stage"] == stage and all(one[key] == about[key] for key in about)
        )

    def becomes(self, reject: Json) -> Json:
        """The row that a rescued reject became."""
        return self.rows[self.manifest["edits"]["rescued"][reject["id"]]]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Bought:
    folder = tmp_path_factory.mktemp("bought")
    size = ["--variants", "5", "--max-pairs", "4", "--limit", "4", "--run", "book", "--overwrite"]
    with provider(CarelessTeacher()) as server:
        command = ["build", str(CORPORA / "apollo.md"), "--base-url", server.base_url, "--teacher-model", "m", *size]
        assert main([*command, "--runs-dir", str(folder / "runs")]) == 0
    return Bought(folder, command)


@pytest.fixture
def bought(once: Bought, tmp_path: Path) -> Bought:
    shutil.copytree(once.folder / "runs", tmp_path / "runs")
    return Bought(tmp_path, [*once.command, "--runs-dir", str(tmp_path / "runs")])


# --- what comes in ------------------------------------------------------------------------------------------------


def in_trained_section(bought: Bought) -> set[str]:
    return {row["section_id"] for row in bought.rows.values() if row["split"] == "train"}


def sums(bought: Bought) -> None:
    """Nothing vanished, and what is rejected stands in the file."""
    tallies, rejects = bought.manifest["accounting"], Counter(one["stage"] for one in bought.rejects)
    rescued = len(bought.manifest["edits"].get("rescued", {}))
    of_items = ("base_qa", "paraphrase", "heldout_wordings")
    surplus = sum(tallies[stage]["rejected"] for stage in of_items)
    assert sum(rejects[stage] for stage in (*of_items, "surplus")) == surplus + SURPLUS - rescued
    assert rejects["edit"] == tallies["edits"]["rejected"]
    assert rejects["dedupe"] == tallies["dedupe_pairs"]["rejected"] + tallies["dedupe_rows"]["rejected"]
    assert rejects["audit"] == tallies["audit"]["rejected"]
    written = tallies["dedupe_pairs"]["kept"] + tallies["paraphrase"]["kept"] + tallies["heldout_wordings"]["kept"]
    assert tallies["edits"]["received"] == written + rescued
    assert tallies["edits"]["kept"] == tallies["dedupe_rows"]["received"]
    assert tallies["audit"]["kept"] == len(bought.rows)


SURPLUS = 27
"""What the careless teacher wrote too much."""


def test_every_kind_comes_in_where_it_belongs_and_nothing_else_changes(bought: Bought) -> None:
    before, rejects = bought.rows, bought.rejects
    trained = in_trained_section(bought)
    doubted = next(one for one in rejects if one["stage"] == "base_qa" and one["section_id"] in trained)
    wording, test = bought.reject("paraphrase"), bought.reject("heldout_wordings")
    surplus = next(one for one in rejects if one["code"] == "surplus-wordings" and one["section_id"] in trained)
    chosen = [doubted, wording, test, surplus]
    bought.build(*({"id": one["id"], "rescue": True} for one in chosen))
    after, (row, *_) = bought.rows, [bought.becomes(one) for one in chosen]
    came = {bought.becomes(one)["id"] for one in chosen}
    assert after == before | {name: after[name] for name in came}
    assert bought.rejects == [one for one in rejects if one not in chosen]
    sums(bought)
    assert (row["instruction"], row["output"]) == (doubted["candidate"]["question"], doubted["candidate"]["answer"])
    assert (row["split"], row["variant"], row["verified"]) == ("train", "base", "unasked")
    # It cites what another pair of its section cites.
    assert {one["fact_id"] for one in before.values() if one["evidence"] == row["evidence"]} == {row["fact_id"]}
    its = next(one for one in before.values() if one["instruction"] == wording["candidate"]["base"])
    expected = {"instruction": wording["candidate"]["question"], "variant": "paraphrase", "split": "train"}
    assert bought.becomes(wording) == its | expected | {
        key: bought.becomes(wording)[key] for key in ("id", "prompt", "call", "verified")
    }
    assert bought.becomes(wording)["prompt"].startswith("paraphrase.en@")
    tested = bought.becomes(test)
    assert (tested["split"], tested["level"]) == ("test", "wording")
    assert tested["prompt"].startswith("heldout_wordings.en@")


def test_what_is_taken_back_leaves_the_bytes_of_before(bought: Bought) -> None:
    before = files_in(run_in(bought.folder).dataset)
    name = bought.reject("base_qa")["id"]
    bought.build({"id": name, "rescue": True})
    assert files_in(run_in(bought.folder).dataset) != before
    again = files_in(run_in(bought.folder).dataset)
    bought.build({"id": name, "rescue": True})
    assert files_in(run_in(bought.folder).dataset) == again
    bought.build({"id": name, "rescue": True}, {"id": name, "undo": True})
    assert files_in(run_in(bought.folder).dataset) == before


def test_a_reject_comes_in_as_mended_and_keeps_the_id_of_the_teachers_words(bought: Bought) -> None:
    reject = bought.reject("base_qa")
    bought.build({"id": reject["id"], "rescue": True})
    name = bought.becomes(reject)["id"]
    bought.build({"id": reject["id"], "rescue": True, "output": "Apollo.", "instruction": "Which programme was it?"})
    row = bought.becomes(reject)
    assert (row["id"], row["instruction"], row["output"]) == (name, "Which programme was it?", "Apollo.")
    assert row["facts"] == [["Apollo"]]
    bought.build({"id": reject["id"], "rescue": True, "output": "Apollo.", "facts": [["Apollo", "the Apollo"]]})
    assert bought.becomes(reject)["facts"] == [["Apollo", "the Apollo"]]


def test_a_row_that_came_in_is_edited_by_its_own_id_and_by_its_pairs(bought: Bought) -> None:
    reject = bought.reject("base_qa")
    bought.build({"id": reject["id"], "rescue": True})
    row = bought.becomes(reject)
    bought.build({"id": reject["id"], "rescue": True}, {"id": row["pair_id"], "ok": True, "output": "Apollo it is."})
    assert bought.becomes(reject)["output"] == "Apollo it is."
    bought.build({"id": reject["id"], "rescue": True}, {"id": row["id"], "drop": True})
    assert row["id"] not in bought.rows
    sums(bought)


def test_a_pair_of_a_section_that_is_held_out_is_tested_and_never_trained(bought: Bought) -> None:
    held = {row["section_id"] for row in bought.rows.values() if row["level"] == "section"}
    reject = next(one for one in bought.rejects if one["stage"] == "base_qa" and one["section_id"] in held)
    bought.build({"id": reject["id"], "rescue": True})
    assert (bought.becomes(reject)["split"], bought.becomes(reject)["level"]) == ("test", "section")


# --- what stays out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["paraphrase", "base_qa"])
def test_a_rescue_pushes_out_no_row_and_what_repeats_one_stands_among_the_duplicates(
    bought: Bought, stage: str
) -> None:
    before, reject = bought.rows, bought.reject(stage)
    other = next(row for row in before.values() if row["level"] == "wording")
    bought.build({"id": reject["id"], "rescue": True, "instruction": other["instruction"]})
    assert bought.rows == before
    (duplicate,) = [one for one in bought.rejects if one["stage"] == "dedupe"]
    assert duplicate["values"]["kept"] == other["id"]
    sums(bought)


def test_a_test_question_close_to_what_is_trained_stays_out_and_costs_no_row(
    bought: Bought, capsys: pytest.CaptureFixture[str]
) -> None:
    before, reject = bought.rows, bought.reject("heldout_wordings")
    bought.build({"id": reject["id"], "rescue": True, "instruction": reject["candidate"]["base"] + " "})
    assert bought.rows == before
    assert reject in bought.rejects
    told = " ".join(capsys.readouterr().err.split())
    assert "edits.jsonl, line 1 rescues nothing: it is too close to what is trained or tested" in told
    sums(bought)


def test_a_rescue_of_what_no_user_may_write_stays_out_and_is_told(
    bought: Bought, capsys: pytest.CaptureFixture[str]
) -> None:
    reject = bought.reject("base_qa")
    bought.build({"id": reject["id"], "rescue": True, "output": "Apollo\u202e"})
    assert reject in bought.rejects
    assert r"line 1 rescues nothing: holds an invisible character: \u202e" in " ".join(capsys.readouterr().err.split())
    sums(bought)


def test_a_rescue_whose_reject_is_gone_is_an_unused_edit(bought: Bought, capsys: pytest.CaptureFixture[str]) -> None:
    before = bought.rows
    bought.build({"id": "0123456789abcdef", "rescue": True})
    assert bought.rows == before
    assert bought.manifest["edits"]["unused"] == ["0123456789abcdef"]
    told = " ".join(capsys.readouterr().err.split())
    assert "edits.jsonl, line 1: there is no reject 0123456789abcdef in this build." in told


PAIR = {"question": "Who?", "answer": "He.", "evidence": [1]}
WORDING = {"base": "Who?", "question": "Which person?"}
CUT = excerpt("He. " * 100, 100)


@pytest.mark.parametrize(
    ("reject", "code"),
    [
        ({"stage": "base_qa", "code": "amount-not-in-evidence", "candidate": PAIR}, ""),
        ({"stage": "base_qa", "code": "answer-too-long", "candidate": PAIR}, ""),
        ({"stage": "verify", "code": "verifier-denies", "candidate": PAIR}, ""),
        ({"stage": "verify", "code": "asks-broader", "candidate": WORDING}, ""),
        ({"stage": "surplus", "code": "surplus-pairs", "candidate": PAIR}, ""),
        ({"stage": "paraphrase", "code": "number-new", "candidate": WORDING}, ""),
        ({"stage": "heldout_wordings", "code": "given-away", "candidate": WORDING}, ""),
        ({"stage": "reply", "code": "broken-json", "candidate": {}}, "rescue-reply"),
        ({"stage": "answers", "code": "number-new", "candidate": {**WORDING, "answer": "She."}}, "rescue-answer"),
        ({"stage": "verify", "code": "verifier-denies", "candidate": {**WORDING, "answer": "She."}}, "rescue-answer"),
        ({"stage": "spellings", "code": "spelling-denies", "candidate": {"fact": "x"}}, "rescue-spelling"),
        ({"stage": "surplus", "code": "surplus-facts", "candidate": {"fact": 1, "words": "x"}}, "rescue-no-text"),
        ({"stage": "edit", "code": "dropped-by-edit", "candidate": PAIR}, "rescue-edited"),
        ({"stage": "dedupe", "code": "same-question", "candidate": PAIR}, "rescue-duplicate"),
        ({"stage": "paraphrase", "code": "repeats-question-wording", "candidate": WORDING}, "rescue-duplicate"),
        ({"stage": "held_form", "code": "held-form", "candidate": PAIR}, "rescue-leak"),
        ({"stage": "audit", "code": "held-question", "candidate": PAIR}, "rescue-leak"),
        ({"stage": "heldout_wordings", "code": "like-other-question", "candidate": WORDING}, "rescue-leak"),
        ({"stage": "base_qa", "code": "no-unit-cited", "candidate": PAIR}, "rescue-no-evidence"),
        ({"stage": "surplus", "code": "surplus-pairs", "candidate": {**PAIR, "evidence": []}}, "rescue-no-evidence"),
        ({"stage": "base_qa", "code": "schema", "candidate": {"question": "Who?", "evidence": [1]}}, "rescue-no-text"),
        ({"stage": "base_qa", "code": "schema", "candidate": {**PAIR, "answer": 7}}, "rescue-no-text"),
        (
            {"stage": "base_qa", "code": "answer-too-long", "candidate": {**PAIR, "answer": CUT}},
            "rescue-cut",
        ),
        ({}, "rescue-no-text"),
        ({"stage": "base_qa", "candidate": "hm"}, "rescue-no-text"),
    ],
)
def test_what_can_be_rescued_and_why_the_rest_cannot(reject: Mapping[str, Any], code: str) -> None:
    reason = rescuable(reject)
    assert (reason.code if reason else "") == code


def test_rescued_rows_stand_behind_those_of_their_pair_or_section() -> None:
    sections = [section("甲"), section("乙"), section("丙")]
    one, two, other = pair("甲一？", where="甲"), pair("甲二？", where="甲"), pair("丙一？", where="丙")
    rows = [*family(one, ["甲一一？"]), *family(two), *family(other)]
    wording, new, first = (
        family(one, ["甲一二？"])[1],
        family(pair("甲三？", where="甲"))[0],
        family(pair("乙？", where="乙"))[0],
    )
    order = [row.instruction for row in with_rescued(rows, [first, new, wording], sections)]
    assert order == ["甲一？", "甲一一？", "甲一二？", "甲二？", "甲三？", "乙？", "丙一？"]


def test_what_was_rescued_counts_as_accepted(bought: Bought) -> None:
    reject = bought.reject("paraphrase")
    bought.build({"id": reject["id"], "rescue": True})
    found = accepted_rows(run_in(bought.folder))
    assert [row for row in bought.rows.values() if found.holds(row)] == [bought.becomes(reject)]
    assert found.counts == {"accepted": 0, "mended": 0, "dropped": 0, "rescued": 1}


# --- all of it at once --------------------------------------------------------------------------------------------


def test_edits_of_all_kinds_change_what_they_say_and_leave_the_rest_as_it_was(bought: Bought) -> None:
    before, rejects = rows_of(run_in(bought.folder)), bought.rejects
    families: dict[str, list[Json]] = {}
    for row in before:
        if row["level"] != "section":
            families.setdefault(row["pair_id"], []).append(row)
    accepted, mended, dropped, taken_back, other = list(families.values())[:5]
    wording = next(row for row in other if row["variant"] == "paraphrase" and row["split"] == "train")
    gone = next(row for row in accepted if row["variant"] == "paraphrase" and row["split"] == "train")
    doubted = next(
        one for one in rejects if one["stage"] == "base_qa" and one["section_id"] in in_trained_section(bought)
    )
    bought.build(
        {"id": accepted[0]["pair_id"], "ok": True, "note": "read twice", "tags": ["sure"]},
        {"id": gone["id"], "drop": True},
        {"id": mended[0]["pair_id"], "ok": True, "output": mended[0]["output"] + ", as the source says"},
        {"id": dropped[0]["pair_id"], "drop": True, "section_id": dropped[0]["section_id"]},
        {"id": taken_back[0]["pair_id"], "drop": True},
        {"id": taken_back[0]["pair_id"], "undo": True},
        {"id": wording["id"], "instruction": "Is there anybody who could say it in one word?"},
        {"id": doubted["id"], "rescue": True, "note": "the number is right"},
    )
    expected = []
    for row in before:
        if row["id"] == wording["id"]:
            row = row | {"instruction": "Is there anybody who could say it in one word?", "verified": "unasked"}
        if row["pair_id"] == mended[0]["pair_id"]:
            answer = mended[0]["output"] + ", as the source says"
            row = row | {"output": answer, "verified": "unasked", "facts": bought.rows[row["id"]]["facts"]}
        if row["id"] != gone["id"] and row["pair_id"] != dropped[0]["pair_id"]:
            expected.append(row)
    came = bought.becomes(doubted)
    after = rows_of(run_in(bought.folder))
    assert [row for row in after if row != came] == expected
    assert [one for one in bought.rejects if one["stage"] != "edit"] == [one for one in rejects if one != doubted]
    assert len([one for one in bought.rejects if one["stage"] == "edit"]) == len(dropped) + 1
    counts = {"accepted": 1, "mended": 1, "dropped": 1, "rescued": 1}
    assert accepted_rows(run_in(bought.folder)).counts == counts
    sums(bought)


# --- what a verifier denied ---------------------------------------------------------------------------------------

HERE = section("节", "## 节\n\n出云棍由石敢当掉落。\n")
KEPT = replace(pair("出云棍由谁掉落？", "石敢当", evidence="出云棍由石敢当掉落。"), section=HERE, lines=(3, 3))
PROMPTS: Mapping[str, Mapping[Lang, Prompt]] = {
    stage: {"zh": load_prompt(stage, "zh")} for stage in ("base_qa", "paraphrase", "heldout_wordings")
}
KNOWN = Known.of([KEPT], [KEPT], family(KEPT), "m", PROMPTS)


def denied(subject: str, **candidate: Any) -> Reject:
    """What a verifier denied of a reply about that subject."""
    reason = Reason.of("verifier-denies", words="no")
    return Reject("verify", reason, HERE, candidate, call="call", place=f"{subject}/0", id="it")


@pytest.mark.parametrize(
    ("reject", "split", "prompt"),
    [
        (denied(HERE.id, question="石敢当掉落什么？", answer="出云棍", evidence=[1]), "train", "base_qa"),
        (denied(KEPT.id, base=KEPT.question, question="哪位妖王掉落出云棍？"), "train", "paraphrase"),
        (
            denied(f"{KEPT.id}/heldout_wordings", base=KEPT.question, question="谁身上有它？"),
            "test",
            "heldout_wordings",
        ),
    ],
)
def test_what_a_verifier_denied_comes_in_as_what_it_was_written_for(reject: Reject, split: str, prompt: str) -> None:
    (row,) = rescue([reject], [Edit(id="it", rescue=True)], KNOWN).rows
    assert (row.split, row.prompt.partition(".")[0], row.verified) == (split, prompt, "unasked")
    assert row.evidence == ("出云棍由石敢当掉落。",)


def test_the_same_row_comes_in_once() -> None:
    wording = denied(KEPT.id, base=KEPT.question, question="哪位妖王掉落出云棍？")
    edits = [Edit(id="it", rescue=True), Edit(id="again", rescue=True)]
    rescued = rescue([wording, replace(wording, id="again")], edits, KNOWN)
    assert (len(rescued.rows), [reason.code for _, reason in rescued.refused]) == (1, ["rescue-duplicate"])


def test_a_pair_whose_evidence_does_not_stand_in_its_section_stays_out() -> None:
    reject = denied(HERE.id, question="石敢当掉落什么？", answer="出云棍", evidence=[7])
    rescued = rescue([reject], [Edit(id="it", rescue=True)], KNOWN)
    assert [reason.code for _, reason in rescued.refused] == ["no-unit-cited"]
    reject = denied(HERE.id, question="石敢当掉落什么？", answer="出云棍", evidence=["石敢当掉落万物。"])
    rescued = rescue([reject], [Edit(id="it", rescue=True)], KNOWN)
    assert [reason.code for _, reason in rescued.refused] == ["evidence-not-in-section"]


def test_a_rescued_row_that_repeats_another_is_not_said_to_be_there(
    bought: Bought, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = next(row for row in bought.rows.values() if row["split"] == "train")
    reject = bought.reject("paraphrase")
    bought.build({"id": reject["id"], "rescue": True, "instruction": kept["instruction"]})
    assert bought.manifest["edits"]["rescued"][reject["id"]] not in bought.rows
    sums(bought)
    assert f"“{kept['instruction'][:80]}”, which an edit asks for, is left out: " in capsys.readouterr().err
    library = Library(run_in(bought.folder))
    # Its section is as it was, and it says why it is not there.
    assert library.stale == []
    assert [one.reason.code for one in library.rejects(reject["section_id"]) if one.stage == "dedupe"]
