"""The records of a build: what many of them have in common is held once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.support.rows import family, pair, section
from wukong_pipe.reasons import Reason
from wukong_pipe.records import Reject, with_ids


def test_all_rows_of_a_pair_share_its_ids_its_headings_and_its_evidence() -> None:
    base = pair("甲的兵器是什么？")
    for row in family(base, ["甲用的是什么兵器？", "什么是甲的兵器？"]):
        assert row.pair_id is base.id
        assert row.fact_id is base.fact_id
        assert row.section_id is base.section.id
        assert row.heading_path is base.section.heading_path
        assert row.evidence is base.evidence


def test_two_pairs_that_differ_in_the_answer_alone_are_two_of_one_fact() -> None:
    one, other = pair("甲的兵器是什么？", "乙刀"), pair("甲的兵器是什么？", "丙剑")
    assert one.id != other.id
    assert one.fact_id == other.fact_id
    assert pair("甲的兵器是什么？", "乙刀", evidence="别的。").fact_id != one.fact_id


def test_an_edited_section_is_another_section_and_a_moved_one_is_not() -> None:
    here = section("节", "正文。")
    assert replace(here, first_line=7).id == here.id
    assert replace(here, text="正文！").id != here.id
    assert replace(here, header="| 表 |").id != here.id


def test_a_row_that_was_taken_out_is_written_as_it_was() -> None:
    (row,) = family(pair("甲的兵器是什么？"))
    assert Reject("audit", Reason.of("held-form"), section("节"), row).to_json()["candidate"] == row.to_json()


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("0123"))))
def test_each_reject_has_an_id_of_its_own_that_what_is_rejected_elsewhere_does_not_change(
    places: list[tuple[str, str]],
) -> None:
    def ids(of: list[tuple[str, str]]) -> list[str]:
        rejects = [Reject("base_qa", Reason.of("no-question"), section("节"), call=c, place=p) for c, p in of]
        return [reject.id for reject in with_ids(rejects)]

    every = ids(places)
    assert len(set(every)) == len(every)
    for here in set(places):
        assert ids([place for place in places if place == here]) == [
            id_ for id_, place in zip(every, places, strict=True) if place == here
        ]
