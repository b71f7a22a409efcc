"""Every fault of a provider against a whole build: what it costs, what it keeps, and that nothing vanishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.faults import CALLS, FAULTS, Fault, broken_identities, play

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.vendor}: {fault.name}")
@pytest.mark.usefixtures("empty_home")
def test_a_fault_costs_what_it_must_is_told_and_loses_nothing_that_was_bought(fault: Fault, tmp_path: Path) -> None:
    seen = play(fault, tmp_path)

    assert seen.exit_code == fault.exit_code, seen.error
    assert "Traceback" not in seen.error
    assert fault.says in seen.error
    assert not fault.requests or seen.requests in fault.requests
    if fault.waits:
        least, most = fault.waits
        assert least <= seen.silence <= most

    assert (seen.manifest is not None) == fault.dataset
    assert broken_identities(seen) == []
    if seen.manifest is not None:
        assert seen.manifest["accounting"]["base_qa"]["kept"] == fault.kept
        assert any(fault.reason in reject["reason"] for reject in seen.rejects) or not fault.reason
        assert any(fault.raw in reject["reply"] for reject in seen.rejects) or not fault.raw
        # Every reply is in the journal, good and bad: there is nothing left to buy.
        assert (seen.again_exit_code, seen.again_requests) == (seen.exit_code, 0)
    else:
        assert seen.again_exit_code == 0
        assert (seen.again_requests, seen.asked_twice) == (CALLS - seen.answered, 0)
    assert seen.second_agrees


def test_the_list_holds_each_fault_once() -> None:
    names = [(fault.vendor, fault.name) for fault in FAULTS]
    assert len(set(names)) == len(names) >= 34
