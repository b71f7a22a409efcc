"""The hash of content ids."""

from __future__ import annotations

from wukong_pipe.language.hashing import digest


def test_a_digest_keeps_its_parts_apart_and_takes_what_is_no_unicode() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("\ud800") != digest("\ud801")
    assert len(digest("")) == 16
