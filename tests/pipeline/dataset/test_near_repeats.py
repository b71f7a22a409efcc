"""Near repeats found part by part: what comparing all rows with all finds, however they are split."""

from __future__ import annotations

import pickle
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

import pytest
from benchmarks.dedupe import rows_of
from benchmarks.dedupe_questions import questions as made_questions
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import row
from wukong_pipe.dataset import near_repeats as near_repeats_module
from wukong_pipe.dataset.dedupe import Deduped, Kind, dedupe
from wukong_pipe.dataset.leak_audit import Held, Trained, closest_held
from wukong_pipe.dataset.near_repeats import MANY, NEAR, NEAR_IN_FAMILY, Groups, near_repeats, parts_of
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.numerals import numbers
from wukong_pipe.language.similarity import same_key_facts, similarity
from wukong_pipe.records import Row

P = TypeVar("P")
R = TypeVar("R")
STEM = "在第{}章的石窟之中一共可以遇到哪几位会使用法术的{}"
NAMES = frozenset({"头目", "妖怪"})

questions = st.builds(
    lambda stem, chapter, who, end: f"{stem.format(chapter, who)}{end}",
    st.sampled_from([STEM, f"请问{STEM}"]),
    st.sampled_from("一二"),
    st.sampled_from(["头目", "妖怪", "人物"]),
    st.sampled_from(["", "？", "呢？", "啊", "吗？"]),
) | st.sampled_from(["", "？", "谁"])
some_rows = st.lists(st.builds(row, questions, st.sampled_from("甲乙丙"), st.sampled_from("子丑寅卯")), max_size=24)


def told(found: Deduped) -> tuple[list[int], list[tuple[Row, Row, float, Kind]]]:
    return [*found.places], [(gone.row, gone.kept, gone.similarity, gone.kind) for gone in found.removals]


@given(some_rows, st.integers(1, 30))
@settings(deadline=None)
def test_the_size_of_the_parts_changes_nothing(rows: list[Row], size: int) -> None:
    assert told(dedupe(rows, NAMES, part_size=size)) == told(dedupe(rows, NAMES))


@given(some_rows, st.integers(1, 30))
@settings(deadline=None)
def test_parts_find_what_comparing_all_with_all_finds(rows: list[Row], size: int) -> None:
    normals = [normalise(one.instruction) for one in rows]
    left = [at for at, normal in enumerate(normals) if normal not in normals[:at]]
    repeats: dict[int, tuple[int, float]] = {}
    # Each row meets all earlier ones before a later one meets it.
    for j, i in ((j, i) for j in left for i in left if i < j):
        one, other = rows[i], rows[j]
        alike = similarity(one.instruction, other.instruction)
        is_family = one.pair_id == other.pair_id
        is_near = alike >= NEAR_IN_FAMILY if is_family else alike >= NEAR and one.output == other.output
        if is_near and not {i, j} & repeats.keys() and same_key_facts(one.instruction, other.instruction, NAMES):
            repeats[j] = i, alike
    found = (one for part in parts(rows, size, left) for one in near_repeats(part))
    assert {gone: (stays, alike) for gone, stays, alike in found} == repeats


def parts(rows: Sequence[Row], size: int, left: Sequence[int] | None = None) -> Sequence[Groups]:
    return parts_of(
        rows,
        range(len(rows)) if left is None else left,
        array("Q", (hash(one.output) % 2**64 for one in rows)),
        array("Q", (hash(one.pair_id) % 2**64 for one in rows)),
        NAMES,
        size,
    )


@given(some_rows, st.integers(1, 30))
@settings(deadline=None)
def test_rows_that_may_repeat_each_other_stand_in_one_part(rows: list[Row], size: int) -> None:
    split = parts(rows, size)
    places = [place for part in split for place in part.places]
    assert len(places) == len({*places})
    part_of = {place: at for at, part in enumerate(split) for place in part.places}
    for i, j in combinations(range(len(rows)), 2):
        if rows[i].output == rows[j].output or rows[i].pair_id == rows[j].pair_id:
            assert part_of[i] == part_of[j]
    for part in split:
        assert [*part.places] == sorted(part.places)
        assert [*part.questions] == [rows[place].instruction for place in part.places]
        # Without its last group a part is smaller than it may be.
        sizes = [part.group.count(group) for group in {*part.group}]
        assert min(sizes) > 1
        assert len(part.places) < size + max(sizes)


def test_a_row_that_is_alone_with_its_answer_and_its_pair_is_in_no_part() -> None:
    rows = [row("谁？", "甲", "子"), row("哪里？", "乙", "丑"), row("何时？", "甲", "寅")]
    (part,) = parts(rows, 9)
    assert [*part.places] == [0, 2]
    assert [*parts(rows[:2], 9)] == [] == [*parts([], 9)]


def test_a_group_that_is_larger_than_a_part_stays_whole() -> None:
    rows = [row(STEM.format("一", f"第几位{at}"), "甲", f"节{at}") for at in range(MANY)]
    few = [row("谁？", "乙", "子"), row("是谁？", "乙", "丑")]
    assert [len(part.places) for part in parts([*rows, *few], 10)] == [MANY, 2]


def test_a_large_group_is_split_by_the_numbers_in_its_questions() -> None:
    rows = [row(STEM.format(at % 3 + 1, f"第几位{'甲' * at}"), "甲", f"节{at}") for at in range(MANY + 1)]
    split = parts(rows, 1)
    assert [len(part.places) for part in split] == [17, 17, 17]
    assert all(len({numbers(question) for question in map(str, part.questions)}) == 1 for part in split)


def test_a_larger_group_is_split_by_the_names_in_its_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_repeats_module, "LARGE", MANY)
    rows = [
        row(f"在石窟之中可以遇到哪一位{who}{'甲' * at}", "甲", f"节{at}")
        for at in range(26)
        for who in ("头目", "妖怪")
    ]
    assert [len(part.places) for part in parts(rows, 1)] == [26, 26]


words = st.sampled_from(["Level", "level", "Kiln", "“kiln”", "kiln", "Lēvel", "ＬＥＶＥＬ", "roof", "", "before"])


@given(st.lists(st.tuples(words, words, st.sampled_from("?!…")), min_size=MANY + 1, max_size=2 * MANY))
@settings(deadline=None)
def test_a_name_that_is_written_in_two_ways_parts_no_repeats(made: list[tuple[str, str, str]]) -> None:
    names = frozenset({"Level", "Kiln", "roof", "LEVEL"})
    asked = [f"In the very long and winding tunnel, what {one} stands beside the {two}{end}" for one, two, end in made]
    rows = [row(question, "a car", str(at)) for at, question in enumerate(asked)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(near_repeats_module, "LARGE", MANY)
        split = parts_of(rows, range(len(rows)), [1] * len(rows), range(len(rows)), names, 1)
    together = {frozenset((i, j)) for part in split for i, j in combinations(part.places, 2)}
    for i, j in combinations(range(len(rows)), 2):
        if same_key_facts(asked[i], asked[j], names) and asked[i].count("before") == asked[j].count("before"):
            assert frozenset((i, j)) in together


@pytest.mark.parametrize("size", [100, 700, 10**6])
def test_parts_can_be_sent_elsewhere(size: int) -> None:
    made, names = made_questions(3_000)
    rows = rows_of(made)
    sent: list[int] = []

    def elsewhere(function: Callable[[P], R], parts: Sequence[P]) -> list[R]:
        sent.extend(len(pickle.dumps(part)) for part in parts)
        return [pickle.loads(pickle.dumps(function))(pickle.loads(pickle.dumps(part))) for part in parts]

    found = dedupe(rows, names, elsewhere, size)
    assert told(found) == told(dedupe(rows, names))
    assert any(gone.kind == "near-question" for gone in found.removals)
    assert (len(sent) == 1) == (size == 10**6)


class Counted(str):
    """A name that counts how often it is compared with another object."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Counted.times += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_names_that_are_sent_with_each_part_are_compared_once_a_part_and_not_once_a_question() -> None:
    names = frozenset(Counted(f"第{at}个名字") for at in range(500))
    rows = [
        row(f"{end}{STEM.format('一', name)}", "甲", f"{end}{name}")
        for name in "天地玄黄宇宙洪荒"
        for end in ("", "请问")
    ]
    (part,) = parts(rows, 99)
    audited = Trained.of(rows, Held.of(rows, names))
    for _ in range(2):
        Counted.times = 0
        repeats = near_repeats(pickle.loads(pickle.dumps(replace(part, names=names))))
        closest = closest_held(pickle.loads(pickle.dumps(audited)))
        assert repeats
        assert len(closest) == len(rows)
        assert Counted.times < 3 * len(names)
