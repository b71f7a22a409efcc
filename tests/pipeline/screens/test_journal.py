"""The summary of the journal: what was bought, what it is booked at, and what is not known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wukong_pipe.journal.records import Call, Prices, Purchase, Tokens, now
from wukong_pipe.journal.store import Journal
from wukong_pipe.screens.journal import as_json, summary, summary_table, total

USD = Prices(Decimal("0.5"), Decimal("1.5"))
CNY = Prices(Decimal(2), Decimal(8), "CNY")


def wanted(key: str, run: str = "r", model: str = "m", prompt: str = "base_qa.zh@1", url: str = "http://x") -> Purchase:
    return Purchase(key, url, model, 0, run, prompt.split(".")[0], prompt, b"{}")


def call(purchase: Purchase) -> Call:
    values: tuple[Any, ...] = (b"{}", 200, 0, 60, 40, 1.0, now())
    return Call(*astuple(purchase), *values)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Two runs, two currencies, every outcome, calls of the embedded teacher, and a batch that is under way."""
    with Journal(tmp_path / "journal.sqlite") as journal:
        purchases = [wanted("a"), wanted("b"), wanted("c"), wanted("d")]
        answered, refused, unknown, _open = journal.open_sends(purchases, [Tokens(100, 200)] * 4, 0, USD)
        journal.record(call(purchases[0]), answered, Tokens(60, 40))
        journal.close_send(refused, "unbilled", Tokens(), 429, 1.0, "slow down")
        journal.close_send(unknown, "unknown", Tokens(100, 200), None, 1.0, "cut")
        other = wanted("e", run="[s]", model="n[b]", prompt="paraphrase.zh@2")
        (send,) = journal.open_sends([other], [Tokens(100, 200)], 0, CNY)
        journal.record(call(other), send, Tokens(1_000_000, 0))
        unpriced = wanted("f", run="[s]", model="n[b]", prompt="paraphrase.zh@2")
        (send,) = journal.open_sends([unpriced], [Tokens(100, 200)], 0, None)
        journal.record(call(unpriced), send, Tokens(7, 7))
        for name in ("g", "h"):
            journal.record(call(wanted(name, model="offline-1", url="offline")))
        batched = [wanted("i"), wanted("j")]
        sends = journal.open_sends(batched, [Tokens(10, 20)] * 2, 0, USD)
        journal.name_batch(journal.open_batch("mark", list(zip(batched, sends, strict=True))), "batch-7")
        ended = [wanted("k", run="t")]
        (send,) = journal.open_sends(ended, [Tokens(10, 20)], 0, None)
        journal.end_batch(journal.open_batch("other", [(ended[0], send)]))
        journal.record(call(ended[0]), send, Tokens(5, 5))
        yield journal


def test_each_run_model_and_prompt_has_its_line_and_so_has_an_open_batch(journal: Journal) -> None:
    places = [(line.run, line.model, line.prompt, line.batch) for line in summary(journal)]
    assert places == [
        ("r", "m", "base_qa.zh@1", ""),
        ("[s]", "n[b]", "paraphrase.zh@2", ""),
        ("r", "m", "base_qa.zh@1", "batch-7"),
        ("t", "m", "base_qa.zh@1", ""),
        ("r", "offline-1", "base_qa.zh@1", ""),
    ]


def test_a_line_counts_outcomes_tokens_and_what_is_not_known(journal: Journal) -> None:
    first, second, batch, _, embedded = summary(journal)
    assert (first.answered, first.failed, first.open) == (1, 2, 1)
    assert first.tokens == Tokens(60 + 100 + 100, 40 + 200 + 200)
    assert first.unknown == Tokens(200, 400)
    assert first.cost == {"USD": USD.cost(first.tokens)}
    assert second.cost == {"CNY": Decimal(2)}
    assert second.tokens == Tokens(1_000_007, 7)
    assert (batch.answered, batch.open, batch.unknown) == (0, 2, Tokens(20, 40))
    assert (embedded.answered, embedded.tokens, embedded.cost) == (2, Tokens(), {})


def test_the_total_counts_every_request_once_and_keeps_currencies_apart(journal: Journal) -> None:
    lines = summary(journal)
    everything = total(lines)
    assert everything.answered + everything.failed + everything.open == 9 + 2
    sends = list(journal.sends())
    assert everything.tokens == Tokens(sum(s.tokens_in for s in sends), sum(s.tokens_out for s in sends))
    assert everything.cost == {"USD": USD.cost(Tokens(280, 480)), "CNY": Decimal(2)}


def test_the_table_shows_names_as_they_are_and_ends_in_the_total(journal: Journal) -> None:
    console = Console(width=200, record=True)
    console.print(summary_table(summary(journal)))
    rows = console.export_text().splitlines()
    assert any("[s]" in row and "n[b]" in row and "2.0000 CNY" in row for row in rows)
    assert any("in batch batch-7" in row for row in rows)
    assert rows[-1].split()[:4] == ["total", "6", "2", "3"]
    assert rows[-1].endswith("2.0000 CNY, 0.0009 USD")


def test_the_json_has_exact_amounts(journal: Journal) -> None:
    report = json.loads(json.dumps(as_json(summary(journal))))
    assert len(report["lines"]) == 5
    assert report["lines"][2]["batch"] == "batch-7"
    assert report["total"]["cost"] == {"CNY": "2", "USD": "0.000860"}
    assert report["total"]["unknown_tokens_in"] == 220


def test_an_empty_journal_has_a_total_of_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "empty.sqlite") as journal:
        assert summary(journal) == []
        assert as_json([])["total"]["answered"] == 0
        assert summary_table([]).row_count == 1


def test_usage_of_any_size_can_be_summed(tmp_path: Path) -> None:
    most = Tokens(2**63 - 1, 0)
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.open_sends([wanted("a"), wanted("b")], [most, most], 0, USD)
        assert total(summary(journal)).tokens == most + most
