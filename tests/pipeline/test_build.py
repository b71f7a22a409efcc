"""The whole build with the embedded teacher: what comes out, what a second build does, what an edit costs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.dataset.test_holdout import leaks
from tests.support.building import ROW_KEYS, SMALL, build_offline, calls_of, files_in, rows_of, run_in, source
from wukong_pipe.corpus.sources import Source, read_sources
from wukong_pipe.corpus.split import split
from wukong_pipe.corpus.units import terms
from wukong_pipe.errors import CorpusError
from wukong_pipe.files import read_json, read_jsonl
from wukong_pipe.journal.store import Journal
from wukong_pipe.stages.settings import BuildSettings

SAMPLES = ["blackwukong.md", "apollo.md"]
BOOK = "# 书\n" + "".join(
    f"\n## 第{n}章\n\n甲{n}的兵器是乙{n}刀。丙{n}的住处是丁{n}山。\n\n- **戊{n}**：住在己{n}洞里。\n"
    for n in range(1, 6)
)
FEW = BuildSettings(variants=4, holdout=0.0)


def sample(corpora: Path, name: str) -> list[Source]:
    return read_sources([corpora / name])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_candidate_is_accounted_for(tmp_path: Path, corpora: Path, name: str) -> None:
    built, _ = build_offline(tmp_path, sample(corpora, name))
    run = run_in(tmp_path)
    manifest, rows, rejects = (
        read_json(run.manifest),
        rows_of(run),
        read_jsonl(run.dataset / "rejected.jsonl"),
    )
    tallies: dict[str, dict[str, int]] = manifest["accounting"]
    for tally in tallies.values():
        assert tally["asked"] == tally["received"] + tally["short"]
        assert tally["received"] == tally["kept"] + tally["rejected"]
    stages = Counter(reject["stage"] for reject in rejects)
    for stage, rejected in (
        ("base_qa", tallies["base_qa"]["rejected"]),
        ("paraphrase", tallies["paraphrase"]["rejected"]),
        ("dedupe", tallies["dedupe_pairs"]["rejected"] + tallies["dedupe_rows"]["rejected"]),
        ("held_form", tallies["held_forms"]["rejected"]),
        ("audit", tallies["audit"]["rejected"]),
    ):
        assert stages[stage] == rejected
    assert len({reject["id"] for reject in rejects}) == len(rejects)
    assert all(reject["reason"] and reject["section_id"] and reject["lines"] for reject in rejects)
    pairs = tallies["base_qa"]["kept"] - tallies["dedupe_pairs"]["rejected"]
    assert pairs == tallies["dedupe_pairs"]["kept"] == len(built.pairs)
    assert pairs + tallies["paraphrase"]["kept"] == tallies["dedupe_rows"]["received"]
    assert tallies["dedupe_rows"]["kept"] == tallies["held_forms"]["received"]
    assert tallies["audit"]["kept"] == len(rows) == len(built.rows)
    assert sum(entry["kept"] for entry in manifest["quota"]) == tallies["base_qa"]["kept"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_can_be_traced_to_its_lines_and_its_call(tmp_path: Path, corpora: Path, name: str) -> None:
    build_offline(tmp_path, sample(corpora, name))
    lines = (corpora / name).read_text("utf-8").split("\n")
    with Journal(tmp_path / "runs" / "journal.sqlite") as journal:
        calls = {call.key: call.stage for call in journal.calls()}
    rows = rows_of(run_in(tmp_path))
    assert len({row["id"] for row in rows}) == len(rows) > 100
    for row in rows:
        assert {key: type(value) for key, value in row.items()} == ROW_KEYS
        first, last = row["lines"]
        for evidence in row["evidence"]:
            assert evidence in "\n".join(lines[first - 1 : last])
            assert last - first == evidence.count("\n")
        assert calls[row["call"]] == ("paraphrase" if row["variant"] == "paraphrase" else "base_qa")
        assert row["source"] == name
        assert row["teacher"].startswith("offline@")


@pytest.mark.parametrize("name", SAMPLES)
def test_no_held_out_question_is_trained(tmp_path: Path, corpora: Path, name: str) -> None:
    built, _ = build_offline(tmp_path, sample(corpora, name), replace(SMALL, limit=12))
    names = frozenset(term for section in built.sections for term in terms(section) if len(term) > 1)
    assert leaks(built.rows, names) == []
    train = [row for row in built.rows if row.split == "train"]
    held = Counter(row.level or row.split for row in built.rows)
    assert min(held[level] for level in ("wording", "section", "validation", "train")) >= 1
    assert not {row.section_id for row in train} & {row.section_id for row in built.rows if row.level == "section"}
    assert not {row.pair_id for row in train} & {row.pair_id for row in built.rows if row.level == "question"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_second_build_makes_no_call_and_writes_the_same_bytes(tmp_path: Path, corpora: Path, name: str) -> None:
    _, first = build_offline(tmp_path, sample(corpora, name))
    before = files_in(run_in(tmp_path).dataset)
    _, again = build_offline(tmp_path, sample(corpora, name))
    assert files_in(run_in(tmp_path).dataset) == before
    assert first.calls_made > 0 == first.calls_from_journal
    assert (again.calls_made, again.calls_from_journal) == (0, first.calls_made)
    rows = {"train.jsonl", "val.jsonl", "test.jsonl"}
    assert rows | {"rejected.jsonl", "manifest.json", "README.md", "dataset_info.json"} == set(before)
    build_offline(tmp_path / "elsewhere", sample(corpora, name))
    assert files_in(run_in(tmp_path / "elsewhere").dataset) == before


def test_a_limit_buys_nothing_that_the_whole_build_would_buy_again(tmp_path: Path) -> None:
    _, part = build_offline(tmp_path, [source(BOOK)], replace(FEW, limit=2))
    _, whole = build_offline(tmp_path, [source(BOOK)], FEW)
    _, alone = build_offline(tmp_path / "other", [source(BOOK)], FEW)
    assert whole.calls_from_journal == part.calls_made > 0
    assert whole.calls_made + part.calls_made == alone.calls_made
    assert files_in(run_in(tmp_path).dataset) == files_in(run_in(tmp_path / "other").dataset)


def test_an_edited_section_re_asks_only_itself(tmp_path: Path) -> None:
    build_offline(tmp_path, [source(BOOK)], FEW)
    before = calls_of(tmp_path)
    edited = BOOK.replace("甲3的兵器是乙3刀。", "\n\n甲3的兵器是庚3枪。")
    build_offline(tmp_path, [source(edited)], FEW)
    new = calls_of(tmp_path)[len(before) :]
    assert Counter(stage for stage, _ in new)["base_qa"] == 1
    assert all("第3章" in request for _, request in new)
    assert not any(f"第{n}章" in request for _, request in new for n in (1, 2, 4, 5))


def test_what_stands_elsewhere_does_not_change_a_sections_calls(tmp_path: Path) -> None:
    """Locality: the same section in a longer book, in another order, is asked the same."""
    build_offline(tmp_path, [source(BOOK)], FEW)
    _, other = build_offline(tmp_path, [source(BOOK), source("# 别的\n\n石庚的兵器是辛刀。\n", "z.md")], FEW, "two")
    assert other.calls_made == 2
    head, *chapters = BOOK.split("\n## ")
    turned = "\n## ".join([head, *chapters[::-1]])
    _, backwards = build_offline(tmp_path, [source(turned + "\n")], FEW, "turned")
    # The section at the end of a file lacks the blank line, so two sections are others.
    assert backwards.calls_made <= 2 * (1 + 3)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("# 书\n\n石甲的兵器是乙刀。石丙的住处是丁山。\n", ["书"]),
        ("石甲的兵器是乙刀。石丙的住处是丁山。\n", ["book"]),
        ("\ufeff石甲的兵器是乙刀。\r\n\r\n石丙的住处是丁山。\r\n", ["book"]),
    ],
)
def test_a_corpus_of_one_section_or_without_headings_is_built(tmp_path: Path, text: str, path: list[str]) -> None:
    (tmp_path / "book.md").write_bytes(text.encode())
    built, _ = build_offline(tmp_path, sample(tmp_path, "book.md"), BuildSettings())
    assert built.shortfall.sections == []
    rows = rows_of(run_in(tmp_path))
    assert {tuple(row["heading_path"]) for row in rows} == {tuple(path)}
    assert {row["output"] for row in rows if row["split"] == "train"} == {"乙刀", "丁山"}
    assert {row["level"] for row in rows if row["split"] == "test"} == {"wording"}


def test_a_corpus_that_says_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nothing to ask about in book\.md"):
        build_offline(tmp_path, [source("# A\n\n## B\n")])
    assert not run_in(tmp_path).dataset.exists()


def test_repeated_and_contradicting_passages_are_told_in_the_rejects(tmp_path: Path) -> None:
    said = ("石甲的兵器是乙刀。", "石甲的兵器是乙刀。它很长。", "石甲的兵器是丙枪。")
    text = "# 书\n" + "".join(f"\n## {n}\n\n{words}\n" for n, words in enumerate(said))
    build_offline(tmp_path, [source(text)], FEW)
    run = run_in(tmp_path)
    kept = {row["id"]: row for row in rows_of(run)}
    told = [reject for reject in read_jsonl(run.dataset / "rejected.jsonl") if reject["stage"] == "dedupe"]
    assert [reject["reason"].split(" as ")[0] for reject in told] == [
        "same question",
        "conflict: same question, other answer “乙刀”",
    ]
    assert len({reject["id"] for reject in told}) == len(told)
    for reject in told:
        (named,) = [row for row in kept.values() if row["id"] in reject["reason"]]
        assert named["instruction"] == reject["candidate"]["instruction"]


def test_no_variants_and_no_holdout_mean_just_that(tmp_path: Path) -> None:
    built, _ = build_offline(tmp_path, [source(BOOK)], BuildSettings(variants=0, holdout=0.0))
    assert {(row.variant, row.split) for row in built.rows} == {("base", "train")}
    assert len(built.rows) == 15
    assert not any(stage == "paraphrase" for stage, _ in calls_of(tmp_path))


def test_the_manifest_names_what_the_dataset_is_a_function_of(tmp_path: Path) -> None:
    build_offline(tmp_path, [source(BOOK)], FEW)
    manifest: dict[str, Any] = read_json(run_in(tmp_path).manifest)
    assert [entry["name"] for entry in manifest["sources"]] == ["book.md"]
    assert manifest["settings"]["variants"] == 4
    assert len(manifest["prompts"]) == 4
    assert manifest["teacher"]["language_model"] is False
    assert manifest["coverage"]["overall"] == 1.0
    assert manifest["citations_mended"] == 0
    assert str(tmp_path) not in json.dumps(manifest)


def test_evidence_covers_what_the_quota_was_counted_from(tmp_path: Path) -> None:
    built, _ = build_offline(tmp_path, [source(BOOK)], FEW)
    by_section = built.manifest["coverage"]["by_section"]
    assert [entry["units"] for entry in by_section] == [3] * 5
    assert [entry["wanted"] for entry in built.manifest["quota"]] == [3] * 5
    assert "".join(section.text for section in split(BOOK, "book.md")) == BOOK


def test_a_section_that_is_not_asked_stands_in_the_quota_with_the_reason(tmp_path: Path) -> None:
    text = BOOK + "\n## 封面\n\n![封面](a.png)\n\n## 附录\n\n### 图\n\n石甲住在甲山。\n"
    built, _ = build_offline(tmp_path, [source(text)], FEW)
    quota = built.manifest["quota"]
    assert [(entry["section"], entry["not_asked"]) for entry in quota[5:]] == [
        ("书 › 封面", "only-image"),
        ("书 › 附录 › 图", ""),
    ], "a heading of others alone is not missed"
    assert sum(entry["kept"] for entry in quota) == built.manifest["accounting"]["base_qa"]["kept"]


def test_coverage_counts_code_and_not_what_is_worth_nothing(tmp_path: Path) -> None:
    text = (
        "# 安装\n\n石甲住在甲山。步骤如下。\n\n![图](a.png)\n\n```\n}\n```\n\n运行：\n\n```\npip install shijia\n```\n"
    )
    built, _ = build_offline(tmp_path, [source(text)], FEW)
    (entry,) = built.manifest["coverage"]["by_section"]
    assert (entry["units"], entry["covered"]) == (2, 2)
