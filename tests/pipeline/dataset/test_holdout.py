"""Held-out questions: section 7 of the design, level by level, on rows and corpora made up at random."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rows import deduped, family, pair
from wukong_pipe.dataset.holdout import MIN_FORM_USES, Holdout, hold_out
from wukong_pipe.dataset.holdout_plan import Plan, plan
from wukong_pipe.language.normal_form import normalise
from wukong_pipe.language.similarity import TAU, same_key_facts, similarity
from wukong_pipe.records import QAPair, Row

NAMES = frozenset({"出云棍", "飞龙宝杖", "石敢当", "Eagle"})


def freely(_: str) -> str:
    return ""


def leaks(rows: Sequence[Row], names: frozenset[str]) -> list[tuple[str, str]]:
    """Every (held-out question, training question) that is a leak, by comparing all with all."""
    train = [one for one in rows if one.split == "train"]
    return [
        (held.instruction, one.instruction)
        for held in rows
        for one in train
        if held.split != "train"
        and (
            normalise(held.instruction) == normalise(one.instruction)
            or (
                similarity(held.instruction, one.instruction) >= TAU
                and (held.pair_id == one.pair_id or same_key_facts(held.instruction, one.instruction, names))
            )
        )
    ]


# --- any corpus ---------------------------------------------------------------------------------------------

THINGS = ["出云棍", "飞龙宝杖", "石敢当", "第一回", "第二回", "Eagle", "土地庙"]
ASKS = ["的来源", "的价格", "在哪里", "由谁掉落", "有何用处"]
FRAMES = [
    "{}是什么？",
    "请问{}是什么？",
    "请问，{}是什么呢？",
    "谁知道{}？",
    "{}如何？",
    "说到{}，该怎么回答？",
]


@st.composite
def corpora(draw: st.DrawFn) -> list[list[Row]]:
    """Families whose questions are made of few words, so that many of them are alike; facts asked twice."""
    families = []
    for number in range(draw(st.integers(1, 9))):
        thing, what = draw(st.sampled_from(THINGS)), draw(st.sampled_from(ASKS))
        where = f"节{draw(st.integers(0, 3))}"
        evidence = f"句{draw(st.integers(0, 2))}。"
        frames = draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=6, unique=True))
        wordings = [frame.format(thing + what) for frame in frames]
        base = pair(wordings[0], f"答{number}", where, evidence)
        families.append(family(base, wordings[1:]))
    return families


def split_of(families: Sequence[Sequence[Row]], share: float) -> tuple[Plan, list[Row], Holdout]:
    """What a build does: base rows, plan, wordings only of what is trained, dedupe, hold out."""
    bases, _ = deduped([own[0] for own in families], NAMES)
    pairs = [pair_of(one) for one in bases]
    chosen = plan(pairs, share)
    kept = {one.pair_id for one in bases}
    trained = {one.id for one in pairs if not chosen.level(one)}
    rows = [
        one for own in families if own[0].pair_id in kept for one in (own if own[0].pair_id in trained else own[:1])
    ]
    unique, _ = deduped(rows, NAMES)
    return chosen, unique, hold_out(unique, chosen, share, NAMES, freely)


def pair_of(base: Row) -> QAPair:
    made = pair(base.instruction, base.output, base.heading_path[-1], base.evidence[0])
    assert made.id == base.pair_id
    return made


@given(corpora(), st.sampled_from([0.0, 0.1, 0.34, 0.5]))
@settings(max_examples=200, deadline=None)
def test_nothing_leaks_and_nothing_vanishes(families: list[list[Row]], share: float) -> None:
    chosen, unique, held = split_of(families, share)
    train = [one for one in held.rows if one.split == "train"]
    assert leaks(held.rows, NAMES) == []
    assert not {one.section_id for one in train} & chosen.sections
    assert not {one.pair_id for one in train} & chosen.pairs
    dropped = [*(drop.row.id for drop in held.dropped), *(one.id for one in held.untrained)]
    assert Counter([*(one.id for one in held.rows), *dropped]) == Counter(one.id for one in unique)
    assert all(drop.row.split == "train" and drop.reason for drop in held.dropped)
    asked = {one.pair_id for one in held.rows if one.split == "validation" or one.level == "wording"}
    assert asked <= {one.pair_id for one in train}


@given(corpora(), st.sampled_from([0.1, 0.34]))
@settings(max_examples=200, deadline=None)
def test_each_level_holds_what_it_is_called_after(families: list[list[Row]], share: float) -> None:
    chosen, unique, held = split_of(families, share)
    trained = {one.pair_id for one in unique} - chosen.pairs
    for one in held.rows:
        if one.level == "section":
            assert (one.split, one.section_id in chosen.sections) == ("test", True)
        elif one.level == "question":
            assert (one.split, one.pair_id in chosen.pairs) == ("test", True)
        elif one.level == "wording":
            assert (one.split, one.variant, one.pair_id in trained) == ("test", "paraphrase", True)
        else:
            assert one.split in {"train", "validation"}
            assert one.split == "train" or one.variant == "paraphrase"


@given(corpora())
@settings(max_examples=200, deadline=None)
def test_the_highest_similarity_left_is_the_true_one(families: list[list[Row]]) -> None:
    _, _, held = split_of(families, 0.3)
    train = [one for one in held.rows if one.split == "train"]
    left = [
        similarity(out.instruction, one.instruction)
        for out in held.rows
        for one in train
        if out.split != "train" and same_key_facts(out.instruction, one.instruction, NAMES)
    ]
    assert held.highest_similarity == max(left, default=0.0) < TAU


@given(corpora())
@settings(max_examples=100, deadline=None)
def test_a_split_depends_on_the_rows_and_not_on_their_order(families: list[list[Row]]) -> None:
    rows, _ = deduped([one for own in families for one in own], NAMES)
    chosen = plan([pair_of(one) for one in rows if one.variant == "base"], 0.3)
    forward = hold_out(rows, chosen, 0.3, NAMES, freely)
    backward = hold_out(rows[::-1], chosen, 0.3, NAMES, freely)
    assert {one.id: (one.split, one.level) for one in forward.rows} == {
        one.id: (one.split, one.level) for one in backward.rows
    }


# --- at least one each --------------------------------------------------------------------------------------


def big_corpus(sections: int) -> list[list[Row]]:
    """Two pairs of one fact in each section, each asking for what the other names, with seven far-apart wordings."""
    frames = [
        "{}是什么？",
        "请问该怎样理解{}？",
        "说到{}，答案是哪个？",
        "谁能讲讲{}？",
        "我想知道{}，它记在哪里？",
        "词条“{}”写了什么？",
        "如果有人问起{}，怎么回答？",
    ]
    return [
        family(
            pair(frames[0].format(asked), answer, f"节{n}", "同一句。"),
            [frame.format(asked) for frame in frames[1:]],
        )
        for n in range(sections)
        for thing, holder in [(f"甲{n}{n * 7}的器物", f"持有乙{n}{n * 7}者之姓名")]
        for asked, answer in ((thing, holder), (holder, thing))
    ]


@pytest.mark.parametrize("sections", [2, 5, 12])
def test_every_level_and_validation_hold_at_least_one(sections: int) -> None:
    _, _, held = split_of(big_corpus(sections), 0.05)
    counts = Counter(one.level or one.split for one in held.rows)
    assert min(counts[level] for level in ("wording", "question", "section", "validation", "train")) >= 1


def test_every_trained_pair_that_can_spare_a_wording_is_asked_about() -> None:
    chosen, _, held = split_of(big_corpus(6), 0.1)
    wordings = defaultdict(list)
    for one in held.rows:
        wordings[one.level].append(one)
    asked = {one.pair_id for one in wordings["wording"]}
    trained = {one.pair_id for one in held.rows if one.split == "train"}
    assert asked == trained
    assert chosen.sections


def test_a_wording_written_for_the_test_of_a_pair_that_trains_nothing_goes_and_what_fell_for_it_comes_back() -> None:
    (own, wording), (other, like_it) = (
        family(pair("出云棍由谁掉落？", "石敢当"), ["打败哪位妖王能得到出云棍？"]),
        family(pair("哪件武器最重？", "狼牙棒"), ["打败哪位妖王能得到出云棍呢？"]),
    )
    tested = replace(wording, split="test", level="wording")
    nothing = Plan(frozenset(), frozenset())
    # Its own pair is not there: dropped by an edit, say.
    held = hold_out([tested, other, like_it], nothing, 0.0, frozenset(), freely)
    assert (held.rows, held.dropped, held.untrained) == ([other, like_it], [], [tested])
    held = hold_out([own, tested, other, like_it], nothing, 0.0, frozenset(), freely)
    assert (held.rows, [drop.row for drop in held.dropped], held.untrained) == ([own, tested, other], [like_it], [])


def test_a_corpus_of_one_section_trains_it() -> None:
    chosen, _, held = split_of(big_corpus(1), 0.1)
    assert chosen.sections == frozenset()
    assert {one.level for one in held.rows if one.split == "test"} == {"wording", "question"}
    assert any(one.split == "train" for one in held.rows)


def test_a_single_pair_with_few_wordings_is_trained_whole() -> None:
    rows = family(pair("出云棍是什么？"), ["请问怎样理解出云棍？"])
    held = hold_out(rows, plan([pair_of(rows[0])], 0.1), 0.1, NAMES, freely)
    assert [one.split for one in held.rows] == ["train", "train"]


def test_nothing_in_nothing_out() -> None:
    assert plan([], 0.1) == Plan(frozenset(), frozenset())
    assert hold_out([], plan([], 0.1), 0.1, NAMES, freely) == Holdout([], [], 0.0)


# --- forms --------------------------------------------------------------------------------------------------


def test_a_form_is_held_out_whole_so_that_no_training_row_uses_it() -> None:
    frames = [
        "{}是什么？",
        "请问该怎样理解{}？",
        "说到{}，答案是哪个？",
        "谁能讲讲{}？",
        "我想知道{}，它记在哪里？",
    ]

    def form_of(question: str) -> str:
        ends = {frame.split("{}")[1]: f"zh/define/{i}" for i, frame in enumerate(frames)}
        starts = {frame.split("{}")[0]: f"zh/define/{i}" for i, frame in enumerate(frames) if i}
        return next(
            (form for start, form in starts.items() if question.startswith(start)),
            next((form for end, form in ends.items() if question.endswith(end)), ""),
        )

    things = [f"第{n}件名为{chr(0x4E00 + 97 * n)}{chr(0x5E00 + 89 * n)}之物" for n in range(MIN_FORM_USES + 4)]
    families = [
        family(pair(frames[0].format(thing), f"答{n}", "节"), [frame.format(thing) for frame in frames[1:]])
        for n, thing in enumerate(things)
    ]
    # Pairs that have one wording and cannot spare it, one of each form.
    for n, frame in enumerate(frames[1:]):
        thing = f"第{90 + n}种名为{chr(0x6E00 + 97 * n)}{chr(0x7E00 + 89 * n)}之兽"
        families.append(family(pair(frames[0].format(thing), f"答{90 + n}", "节"), [frame.format(thing)]))
    rows = [one for own in families for one in own]
    held = hold_out(rows, Plan(frozenset(), frozenset()), 0.1, NAMES, form_of)
    tested = {form_of(one.instruction) for one in held.rows if one.level == "wording"}
    trained = {form_of(one.instruction) for one in held.rows if one.split == "train"}
    assert len(tested - trained) == 1
    (form,) = tested - trained
    assert sum(form_of(one.instruction) == form for one in held.rows) == len(things)
    (dropped,) = [drop for drop in held.of_held_forms if form_of(drop.row.instruction) == form]
    assert str(dropped.reason) == "its question form is held out"


def test_a_near_copy_of_a_held_out_wording_of_its_own_pair_leaks_however_it_is_spelt() -> None:
    base = pair("What was the mass of the probe?", "4 t", "S")
    rows = family(
        base,
        [
            "who was the commander of apollo 11 on its landing flight?",
            "Who was the commander of Apollo 11 on its moon landing flight?",
            "Could anybody say how heavy the thing may have been?",
            "Give me a figure for the weight at launch, please?",
            "Tons or kilograms: which number is in the books?",
            "Its heaviness, according to the engineers, amounted to what?",
        ],
    )
    for share in (0.2, 0.4):
        held = hold_out(rows, Plan(frozenset(), frozenset()), share, frozenset(), lambda question: "")
        tested = [one.instruction for one in held.rows if one.split != "train"]
        trained = [one.instruction for one in held.rows if one.split == "train"]
        assert tested
        assert all(similarity(a, b) < TAU for a in tested for b in trained)


# --- a corpus that changes ----------------------------------------------------------------------------------


@given(corpora(), corpora(), st.sampled_from([0.1, 0.34]))
@settings(max_examples=100, deadline=None)
def test_a_wording_is_held_out_or_not_whatever_other_pairs_there_are(
    families: list[list[Row]], others: list[list[Row]], share: float
) -> None:
    own = {row.id for one in families for row in one}

    def tested(of: list[list[Row]]) -> set[str]:
        rows = {row.id: row for one in of for row in one}
        held = hold_out(list(rows.values()), Plan(frozenset(), frozenset()), share, NAMES, freely)
        # Where others ask the same, nothing may be left to train of its pair.
        return {row.id for row in [*held.rows, *held.untrained] if row.split == "test"} & own

    ids = {one[0].pair_id for one in families}
    assert tested(families) == tested([*families, *(one for one in others if one[0].pair_id not in ids)])


def test_wordings_are_held_out_in_about_the_share_that_was_asked_for() -> None:
    rows = [row for own in big_corpus(300) for row in own]
    held = hold_out(rows, Plan(frozenset(), frozenset()), 0.3, NAMES, freely)
    wordings = [row for row in [*held.rows, *(drop.row for drop in held.dropped)] if row.is_paraphrase]
    tested = sum(row.level == "wording" for row in wordings)
    # Of six wordings none lies under 0.3 in 12 of 100 pairs, and these give one all the same.
    assert abs(tested / len(wordings) - (0.3 + 0.7**6 / 6)) < 0.02


def test_a_row_that_is_settled_changes_no_other_rows_split_and_is_never_drawn() -> None:
    families = big_corpus(12)
    whole, rows, held = split_of(families, 0.3)
    words = [(at, base) for at, (base, *_) in enumerate(families)]
    more = [
        replace(base, instruction=f"{base.instruction}另有一问{at}", id=f"new{at}", variant="paraphrase")
        for at, base in words
    ]
    again = hold_out([*rows, *more], whole, 0.3, frozenset(), freely, {row.id for row in more})
    splits = {row.id: (row.split, row.level) for row in again.rows}
    assert {name: split for name, split in splits.items() if not name.startswith("new")} == {
        row.id: (row.split, row.level) for row in held.rows
    }
    mine = [row for row in more if row.section_id not in whole.sections and row.pair_id not in whole.pairs]
    assert mine
    assert {splits[row.id] for row in mine if row.id in splits} == {("train", "")}
