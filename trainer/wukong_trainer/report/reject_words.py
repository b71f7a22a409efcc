"""Why a candidate or row is not in the dataset, in Chinese: rejected.jsonl holds the reasons in English."""

from __future__ import annotations

import re
from functools import cache

_SOURCE = {"evidence": "证据", "base question": "基础问题", "base answer": "基础回答"}
_HELD = {"wording": "新问法", "question": "新问题", "section": "未训练章节", "validation": "验证集"}

_CHINESE = {
    "edits.jsonl, line {}: {reason}": "edits.jsonl 第 {} 行：{reason}",
    "schema: {reason}": "格式不符：{reason}",
    # The reply.
    "“{}” is missing": "缺少“{}”",
    "“{}” is not of type {}": "“{}”的类型不是 {}",
    "the item is not of type {}": "该条的类型不是 {}",
    "“{}” has a property that was not asked for": "“{}”含有多余的字段",
    "the item has a property that was not asked for": "该条含有多余的字段",
    "“{}” breaks {} {}": "“{}”不符合 {} {}",
    "the item breaks {} {}": "该条不符合 {} {}",
    "the body is not JSON": "响应不是 JSON",
    "the body is longer than 8 MiB and was cut there": "响应超过 8 MiB，在此处截断",
    "the body is not a JSON object": "响应不是 JSON 对象",
    "the body holds an error, not a reply": "响应是错误信息，不是回复",
    "the reply has no choices": "回复中没有 choices",
    "the teacher refused: {}": "教师模型拒绝回答：{}",
    "stopped by the provider's content filter (finish_reason content_filter)": (
        "被服务商的内容过滤拦截（finish_reason content_filter）"
    ),
    "cut off at max_tokens in a run of white space (finish_reason length)": (
        "输出大段空白，到 max_tokens 被截断（finish_reason length）"
    ),
    "cut off at max_tokens (finish_reason length)": "到 max_tokens 被截断（finish_reason length）",
    "the content is empty and the text stands in {}: turn thinking off": "正文为空，文字在 {} 里：请关闭思考模式",
    "the content is empty": "正文为空",
    "the content is not text": "正文不是文本",
    "only thinking, no answer": "只有思考过程，没有回答",
    "duplicate key “{}”": "键“{}”重复",
    "a JSON array, not an object": "是 JSON 数组，不是对象",
    "a lone surrogate: text that is not valid Unicode": "含孤立代理字符，不是有效的 Unicode 文本",
    "nested more than {} levels deep": "嵌套超过 {} 层",
    "more than {} entries in one list": "一个列表里超过 {} 项",
    "a number that is not valid JSON": "含有不合 JSON 规范的数字",
    "no JSON object in the reply": "回复中没有 JSON 对象",
    "broken JSON at character {}: {}": "JSON 在第 {} 个字符处损坏：{}",
    "the provider rejected the request ({}): {}": "服务商拒绝了请求（{}）：{}",
    "no answer after {} tries: {}": "尝试 {} 次仍没有回复：{}",
    "more than the {} pairs asked for": "超出所要的 {} 对问答",
    "more than the {} wordings asked for": "超出所要的 {} 种说法",
    # A question and its answer.
    "question longer than {} characters": "问题超过 {} 个字符",
    "answer longer than {} characters": "回答超过 {} 个字符",
    "holds an invisible character: {}": "含有看不见的字符：{}",
    "answer holds a numeral of more than {} characters": "回答含有超过 {} 个字符的数字",
    "not a question: it does not end in a question mark": "不是问题：没有以问号结尾",
    "does not stand alone: “{}”": "离开原文就看不懂：“{}”",
    "no question in it": "没有问出内容",
    "the question states its answer": "问题里已经说出答案",
    "more than {} pieces of evidence": "证据超过 {} 条",
    "evidence is not in the section: “{}”": "证据不在该章节中：“{}”",
    "evidence says nothing: “{}”": "证据没有内容：“{}”",
    "evidence is longer than two sentences, one row or one item: “{}”": "证据超过两句话、一行表格或一个列表项：“{}”",
    "“{}” is not in the evidence": "证据中没有“{}”",
    "{} is not in the evidence": "证据中没有 {}",
    "“{}” is of another fact": "“{}”属于另一个事实",
    "nothing of the answer is in the evidence": "回答的内容都不在证据中",
    "“{}” is the opposite of the {source}": "“{}”与{source}相反",
    "“{}” denies what the {source} says": "“{}”否定了{source}所说",
    "the {source}'s “{}” is gone": "缺少{source}里的“{}”",
    "“{}” mixes what the {source} keeps apart": "“{}”混淆了{source}中分开说的内容",
    "“{}” is under another heading in the {source}": "“{}”在{source}中属于另一个表头",
    "what the answer gives is under another heading in the {source}": "回答所说的在{source}中属于另一个表头",
    "the judge gave no reason": "评审没有给出理由",
    # Other wordings.
    "repeats the base question": "与基础问题重复",
    "repeats the base answer": "与基础回答重复",
    "repeats another wording of the same question": "与同一问题的另一种问法重复",
    "repeats another wording of the same answer": "与同一回答的另一种说法重复",
    "a question, not an answer": "是问题，不是回答",
    "speaks of its source: “{}”": "提到了出处：“{}”",
    "most of the answer is gone": "回答的大部分内容丢失",
    "number {} is gone": "缺少数字 {}",
    "number {} is new": "多出数字 {}",
    "“{}” is gone": "缺少“{}”",
    "the scale of “{}” is gone": "缺少“{}”的数量级",
    "“{}” is new": "多出“{}”",
    "condition “{}” is gone": "缺少条件“{}”",
    "condition “{}” is new": "多出条件“{}”",
    "scope “{}” is new": "多出范围“{}”",
    "negation added": "多出否定",
    "negation dropped": "缺少否定",
    "“{}” asks of more": "“{}”多问了别的",
    "“{}” is of another row": "“{}”属于表格的另一行",
    # Rows.
    "dropped by edits.jsonl, line {}": "由 edits.jsonl 第 {} 行删去",
    "same question as {} “{}” ({} alike)": "问题相同，保留的是 {}“{}”（相似度 {}）",
    "nearly the same question as {} “{}” ({} alike)": "问题几乎相同，保留的是 {}“{}”（相似度 {}）",
    "conflict: same question, other answer “{}” as {} “{}” ({} alike)": (
        "冲突：问题相同，回答不同“{}”，保留的是 {}“{}”（相似度 {}）"
    ),
    "conflict: same question, other answer “{}” ({} alike)": "冲突：问题相同，回答不同“{}”（相似度 {}）",
    "its question form is held out": "它的句式已留作测试",
    "{} alike to a held-out question ({level}): “{}”": "与留出问题（{level}）的相似度为 {}：“{}”",
}
"""By the reasons as the build writes them. {} is a value, {reason} another reason; of two that fit the first counts."""
LONGEST = 3000
"""Characters of a reason; the build writes none that is longer."""


def chinese_reason(reason: str, stage: str = "") -> str:
    """A reason of rejected.jsonl in Chinese, its values as they are; one that the build does not write stays as it is.

    Args:
        stage: where the candidate was rejected; what the judge says is its own words.

    >>> chinese_reason("condition “若下雨” is gone"), chinese_reason("edits.jsonl, line 7: number 12 is new")
    ('缺少条件“若下雨”', 'edits.jsonl 第 7 行：多出数字 12')
    """
    if stage == "judge" or len(reason) > LONGEST:
        return _CHINESE.get(reason, reason)
    for english, chinese in _patterns():
        if match := english.fullmatch(reason):
            named = match.groupdict()
            values = [match[i] for i in range(1, english.groups + 1) if i not in english.groupindex.values()]
            level = named.get("level", "")
            return chinese.format(
                *values,
                reason=chinese_reason(named.get("reason", "")),
                source=_SOURCE.get(named.get("source", ""), ""),
                level=_HELD.get(level, level),
            )
    return reason


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What a reason matches that is made from an entry of the table, and its Chinese."""
    slots = {"": "(.*)", "source": f"(?P<source>{'|'.join(_SOURCE)})"}
    patterns = []
    for english, chinese in _CHINESE.items():
        text, *rest = re.split(r"\{(\w*)\}", english)
        pieces = [re.escape(text)]
        for slot, text in zip(rest[::2], rest[1::2], strict=True):
            pieces += [slots.get(slot, f"(?P<{slot}>.*)"), re.escape(text)]
        patterns.append((re.compile("".join(pieces), re.DOTALL), chinese))
    return patterns
