"""A reject stands alone, doubts come together; which of them costs a candidate its place depends on who reads."""

from __future__ import annotations

from collections.abc import Iterator

from wukong_pipe.checks.findings import Finding, findings, rejected, worst
from wukong_pipe.reasons import Reason

AWAY, NEW, NONE = Reason.of("given-away"), Reason.of("number-new", number="13"), Reason.of("no-question")


def test_a_reject_is_all_that_is_said_and_no_check_behind_it_runs() -> None:
    def unreached() -> Iterator[Reason | None]:
        yield None
        raise AssertionError("a check behind the reject ran")

    found = findings(iter([None, NONE]), unreached())
    assert found == (Finding(NONE, "reject"),)
    assert worst(found) == rejected(found) == NONE


def test_doubts_come_all_and_reject_only_where_no_verifier_reads_them() -> None:
    found = findings([None], [AWAY, None, NEW])
    assert found == (Finding(AWAY, "doubt"), Finding(NEW, "doubt"))
    assert (worst(found), rejected(found)) == (AWAY, None)


def test_nothing_found_is_no_reason() -> None:
    assert findings([None], [None]) == ()
    assert worst(()) is None
