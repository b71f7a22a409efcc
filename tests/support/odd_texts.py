"""Texts that are odd in the ways that numerals, dates and letters can be."""

from __future__ import annotations

from hypothesis import strategies as st

_PIECES = """
twıce TWİCE thrice dozen mıllıon million Aprİl May June 三 十 百 万 亿 零 第 百分之 年 月 日 回 km 小时 ½
¼ ⁶ ² ٣ ９ 1 0 . , - and half hundred aged p.m. $ ſecond K ﬁve is the 黄眉
"""
TEXTS = st.lists(st.sampled_from(_PIECES.split()) | st.text(max_size=3), max_size=12).flatmap(
    lambda pieces: st.sampled_from(["", " "]).map(lambda space: space.join(pieces))
)
