"""Things counted in messages."""

from __future__ import annotations

from wukong_pipe.language.plurals import counted


def test_one_thing_is_counted_in_the_singular() -> None:
    assert [counted(n, "section") for n in (0, 1, 2, 1200)] == [
        "0 sections",
        "1 section",
        "2 sections",
        "1,200 sections",
    ]
