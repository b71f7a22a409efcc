"""Rules that turn a sentence into a question: a question word takes the place of one part, and that part is the answer.

    石庚在2018年立项。 → 石庚在哪一年立项 → 2018年
    Eagle carried two astronauts. → Eagle carried how many astronauts → two

A rule is a pattern and the words that replace its match. The group `answer` is the answer; the replacement may repeat
other groups of the pattern. The first rule that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Rule = tuple[re.Pattern[str], str]


def _rules(rules: Iterable[tuple[str, str]]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in rules)


ZH_MEASURE = "分钟|小时|[个件种颗名位条段张处级套场座类只部次款项步天岁米家回]"
"""Chinese measure words that a count is asked with: 几个, 多少分钟."""
# A number is asked for only where it is whole: not the end of a longer one, of 第三 or of a name such as PS5.
_ZH_WHOLE = r"(?<![第零一二两三四五六七八九十百千万\dA-Za-z.])"
_ZH_TENS = "[二三四五六七八九]?十[一二三四五六七八九]?"
_ZH_MEMBERS = "[两三四五六七八九十]+[^，、两三四五六七八九十]{1,3}"
_ZH_PLACED = "位于|来自|取自|发生在|藏在|守在|显示在|坐落在|坐落于|出生于|生于"
_ZH_DONE_BY = "开启|掉落|制作|开发|担任|演唱|扮演|设计|发行|出版|创作|提供|建造|主持|撰写|管理|负责|栽培"

_ZH_DATES = [
    (r"(?P<answer>\d{4}年\d{1,2}月\d{1,2}日)", "哪一天"),
    (r"(?P<answer>\d{4}年\d{1,2}月)(?!\d)", "哪年哪月"),
    (r"(?P<answer>\d{4}年)(?![版代\d])", "哪一年"),
]
ZH_DATE_RULES = _rules(_ZH_DATES)
# In Chinese the question word stands where its answer stood.
ZH_RULES = _rules(
    [
        (
            r"^(?:[^，]+，)*?(?P<answer>[^，]+)，(?P<who>[^，]{1,12}?)(?:因此|因而|所以)(?P<clause>[^，]+)$",
            "{who}为什么{clause}",
        ),
        (r"^因为(?P<answer>[^，]+)，(?:所以)?(?P<clause>.+)$", "为什么{clause}"),
        *_ZH_DATES,
        (
            rf"(?P<verb>分为|主要有|使用)(?P<answer>[^，]{{0,80}}?[、和与][^，]{{0,80}}?)(?P<count>{_ZH_MEMBERS})(?=，|$)",
            "{verb}哪{count}",
        ),
        (r"(?P<verb>包括|主要有|分为)(?P<answer>[^，]+?[、和与][^，]+)(?=，|$)", "{verb}哪些"),
        (rf"{_ZH_WHOLE}(?P<answer>\d+(?:\.\d+)?[万亿]?(?P<measure>{ZH_MEASURE}|元|人))", "多少{measure}"),
        (rf"{_ZH_WHOLE}(?P<answer>\d+[万亿])(?=，|$)", "多少"),
        (rf"(?!^){_ZH_WHOLE}(?P<answer>(?:[两二三四五六七八九]|十)(?P<measure>{ZH_MEASURE}))", "几{measure}"),
        (rf"{_ZH_WHOLE}(?P<answer>{_ZH_TENS}(?P<measure>{ZH_MEASURE}))", "多少{measure}"),
        (rf"(?P<verb>{_ZH_PLACED})(?P<answer>[^，、的]{{2,12}})(?<![后前时])(?=，|$)", "{verb}哪里"),
        (r"通过(?P<answer>[^，]{2,16}?)来(?P<verb>[^，]+)", "怎样{verb}"),
        (r"通过(?P<answer>[^，]{2,16}?)(?P<verb>获得|得到|取得|前往|进入)", "怎样{verb}"),
        (r"(?P<verb>用来|用于)(?P<answer>[^，]{2,30})(?=，|$)", "{verb}做什么"),
        (r"(?P<verb>名叫|叫做|叫作|称为|称作|合称|又称|简称)(?P<answer>[^，]{2,16})(?=，|$)", "{verb}什么"),
        (rf"由(?P<answer>[^，]{{1,10}}?)(?P<verb>{_ZH_DONE_BY})", "由谁{verb}"),
        (r"(?P<verb>消耗)(?P<answer>[^，]{2,3})(?=，|$)", "{verb}什么"),
        (
            r"(?P<verb>需要|获得|得到|擅长|掉落)(?P<answer>(?:(?![才在再可消])[^，]){2,12})(?=，|$)",
            "{verb}什么",
        ),
    ]
)

_EN_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
EN_DATE = re.compile(
    rf",? (?:on|in|at) (?P<answer>(?:\d{{1,2}}:\d{{2}} on )?(?:(?:\d{{1,2}} )?{_EN_MONTH} )?\d{{4}})\b"
)
"""A date with its preposition. English asks for it in front: when was it that …"""
_EN_COUNT = (
    r"(?:\d[\d,]*(?:\.\d+)?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?"
    r"|(?:four|six|seven|eight|nine)teen|thirteen|fifteen|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_EN_PLURAL = r"(?:(?!and|or|to|in)[a-z-]+ ){0,2}[a-z]+s\b"
_EN_NO_NAME = "(?:The|An?|In|On|At|Its?|This|That|These|Those|Each|[A-Z][a-z]+s)"
_EN_NAME = r"[A-Z][\w.-]*(?: (?:of |the )?[A-Z][\w.-]*)*"
_EN_VERB = (
    "[a-z]+ed|built|made|took|flew|held|gave|led|won|wrote|found|put|began|became|hit|met|left|had|was|were|is|are"
)
# In English the question word stands there only as in a quiz (Eagle carried how many astronauts?); what cannot be asked
# so becomes a cleft sentence (why was it that …).
EN_RULES = _rules(
    [
        (r"^(?P<clause>.+?),? because (?P<answer>[^,]+)$", "why was it that {clause}"),
        (r"^Because (?P<answer>[^,]+), (?P<clause>.+)$", "why was it that {clause}"),
        (r"^(?P<clause>.+) so that (?P<answer>.+)$", "for what purpose was it that {clause}"),
        (
            rf"^(?P<about>(?:(?:About|Roughly|Over|Nearly|Almost|More than) )?)(?P<answer>(?i:{_EN_COUNT}))(?= [a-z])",
            "{about}how many",
        ),
        (rf"(?<=[a-z,] )(?P<answer>{_EN_COUNT})(?= {_EN_PLURAL}| (?:km|kg|m|kN|MN|psi)\b)", "how many"),
        (rf"(?<=[a-z] )by (?P<answer>{_EN_NAME})(?=$|,)", "by whom"),
        (rf"(?P<verb>called|named|known as) (?P<answer>(?:the )?{_EN_NAME})(?=$|,)", "{verb} what"),
        (rf"^(?!{_EN_NO_NAME} )(?P<answer>{_EN_NAME})(?= (?:{_EN_VERB})\b)", "who or what"),
    ]
)
