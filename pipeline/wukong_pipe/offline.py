"""The embedded teacher: pairs and paraphrases by template, from tables, bold lead-ins, lists and sentences.

It needs no key and no network, is deterministic and works on any Markdown, Chinese or English. It is a baseline
and a way to try the whole path, not a language model: the manifest says so. It answers the same requests as a
real teacher, in the same JSON, through the same journal and checks.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from wukong_pipe.offline_answers import reworded
from wukong_pipe.records import Lang, Section
from wukong_pipe.split import MAX_CHARS
from wukong_pipe.teacher import AnswerTask, BaseQATask, ParaphraseTask, Request
from wukong_pipe.text import CJK, digest, latin_names, normalise, numbers, quoted
from wukong_pipe.units import Unit, terms, units

# The first template of a family asks the base question; the others are its paraphrases. They are kept far apart
# in wording, so that holding one out says something: see `form_of`.
TEMPLATES: dict[Lang, dict[str, tuple[str, ...]]] = {
    "zh": {
        "attribute": (
            "{e}的{a}是什么？",
            "说到{e}，它的{a}该怎么回答？",
            "关于{e}，{a}这一项写的是哪个？",
            "能告诉我{e}对应的{a}吗？",
            "{a}这一栏里，{e}填的是什么内容？",
            "查一下{e}：{a}是哪一个？",
            "就{a}而言，{e}属于哪种情况？",
            "谁知道{e}有怎样的{a}？",
            "我想了解{e}，请问{a}是？",
            "资料上给{e}记的{a}是哪个？",
            "要填{e}的{a}，应当写什么？",
            "如果有人问起{e}的{a}，正确答案是什么？",
            "{e}——{a}为何？",
            "请问，{a}方面{e}是怎么记载的？",
            "单看{a}，{e}具体是什么情况？",
            "请说出{e}那一行的{a}，是什么呢？",
            "有谁能讲讲{a}吗，对象是{e}？",
        ),
        "define": (
            "{e}是什么？",
            "能介绍一下{e}吗？",
            "请问怎样理解{e}？",
            "{e}指的是怎样的内容？",
            "说说看，{e}究竟是怎么回事？",
            "关于{e}，资料里是如何描述的？",
            "我刚听说{e}，谁来解释？",
            "提到{e}时，应该知道哪一点？",
            "如果要给{e}写一句说明，该写什么？",
            "{e}有什么值得一提的？",
            "怎么用一句话概括{e}？",
            "词条“{e}”下面写了什么？",
            "对{e}该有怎样的认识？",
            "想弄清楚{e}，答案在哪一句？",
            "有人问{e}，该怎么回答？",
            "请讲讲{e}，它的要点是什么？",
            "{e}这个说法对应着什么解释？",
        ),
        "cloze": (
            "“{s}”这句话的空白处应填什么？",
            "请补全：“{s}”，横线上是什么？",
            "下面这句缺了一处：“{s}”，缺的是什么？",
            "“{s}”——横线处的内容是哪个？",
            "读“{s}”，空缺的部分该写什么？",
            "如果把“{s}”补充完整，要填进哪个内容？",
            "“{s}”里省略掉的是什么？",
            "填空：“{s}”，答案是？",
            "“{s}”一句中，被隐去的是哪个？",
            "谁能把“{s}”补齐，横线代表什么？",
            "考一考：“{s}”，空格里是什么？",
            "原句是“{s}”，请问横线原来写着什么？",
            "要让“{s}”成立，横线上应是什么？",
            "“{s}”，这里的横线替换了什么？",
            "请问“{s}”的空当对应什么？",
            "这句“{s}”少了一截，少的是什么？",
            "把“{s}”念完整，横线处读作什么？",
        ),
        "ask": (
            "请问{q}？",
            "你知道{q}吗？",
            "{q}，有谁清楚？",
            "考考你：{q}？",
            "想请教一下，{q}呢？",
            "有个问题：{q}？",
            "我一直好奇，{q}？",
            "如果被问到{q}，怎么回答才对？",
            "谁能说出{q}？",
            "麻烦告诉我，{q}？",
            "{q}——正确的说法是？",
            "{q}，你还记得吗？",
            "朋友想打听{q}，怎么告诉他？",
            "来一道问答题：{q}？",
            "我忘了，{q}来着？",
            "可否回答：{q}？",
            "做笔记要写明{q}，应当怎么写？",
        ),
        "list": (
            "{x}有哪些？",
            "{x}都包括哪些？",
            "能列举{x}吗？",
            "请列出{x}，一共是哪些？",
            "讲到{x}，能举出哪几个？",
            "{x}分别叫什么？",
            "谁能数一数{x}？",
            "我想要一份{x}的名单，上面该写哪些？",
            "盘点一下{x}：有哪几样？",
            "{x}由哪些组成？",
            "如果要把{x}逐一写下来，会写哪些？",
            "{x}，你能一口气报出来吗？",
            "有人在统计{x}，该记下什么？",
            "{x}的完整清单是怎样的？",
            "数得上的{x}究竟是哪些？",
            "想认全{x}，要记住哪些名字？",
            "怎么把{x}逐个说出来？",
        ),
        "reverse": (
            "{a}是{v}的{k}是哪一个？",
            "哪一个{k}的{a}是{v}？",
            "有个{k}，{a}写着{v}，叫什么名字？",
            "已知{a}为{v}，求{k}的名称？",
            "什么{k}对应的{a}恰好是{v}？",
            "如果某个{k}以{v}为{a}，它叫什么？",
            "请根据{a}“{v}”说出{k}的名字，是什么？",
            "我只记得{a}是{v}，那是哪个{k}呢？",
            "在各个{k}当中，谁的{a}填的是{v}？",
            "看到{v}这个{a}，应该想到哪个{k}？",
            "{v}作为{a}，属于哪个{k}？",
            "凭{a}这条线索——{v}，能认出哪个{k}？",
            "反过来问：{a}等于{v}的{k}叫什么？",
            "要找{a}为{v}的{k}，找到的会是谁？",
            "哪个{k}跟{v}这个{a}配在一起？",
            "{k}里面，由{v}充当{a}的名叫什么？",
            "提示是{a}：{v}，谜底是哪个{k}？",
        ),
    },
    "en": {
        "attribute": (
            "What is the {a} of {e}?",
            "When it comes to {e}, which {a} is given?",
            "Could you tell me the {a} for {e}?",
            "Under {a}, what stands beside {e}?",
            "Look up {e}: which {a} belongs to it?",
            "As far as the {a} goes, what applies to {e}?",
            "Who knows which {a} {e} had?",
            "I need one detail on {e}, namely its {a}. What is it?",
            "{e} is listed with what {a}?",
            "If someone asks about the {a} of {e}, what is the right answer?",
            "In the column “{a}”, what is written for {e}?",
            "Please name the {a} that goes with {e}, what would it be?",
            "How do the records fill in {a} in the case of {e}?",
            "{e} and its {a}: what do we know?",
            "Regarding {a}, what can be said of {e}?",
            "Can anyone remind me what {e} has as {a}?",
            "For the entry {e}, the {a} reads how?",
        ),
        "define": (
            "What is {e}?",
            "Could you describe {e} for me?",
            "How would you explain {e} in a sentence?",
            "Having just come across {e}, what should one know about it?",
            "What is said on the subject of {e}?",
            "Who can tell me more about {e}?",
            "In short, how is {e} characterised?",
            "If asked to define {e}, which words fit?",
            "Which description belongs to {e}?",
            "What comes under the entry “{e}”?",
            "Please say what {e} stands for, will you?",
            "What makes {e} worth mentioning?",
            "How should one understand {e}?",
            "Can you sum up {e} briefly?",
            "Someone mentioned {e}. What did they mean?",
            "What is there to learn regarding {e}?",
            "How do the notes present {e}?",
        ),
        "cloze": (
            "Which words fill the gap in “{s}”?",
            "Complete the sentence “{s}”: what goes in the blank?",
            "Something is missing from “{s}”. What is it?",
            "“{s}” - what stands where the line is?",
            "Reading “{s}”, what was left out?",
            "To finish “{s}”, what has to be written on the line?",
            "What did the line in “{s}” replace?",
            "Fill in: “{s}”, and the answer is?",
            "In “{s}”, which part has been hidden?",
            "Who can complete “{s}”, and with what?",
            "Quick quiz: “{s}”, what is blanked?",
            "The original of “{s}” had what in place of the line?",
            "For “{s}” to be right, what must be inserted?",
            "“{s}”: what does the blank stand for?",
            "What would make “{s}” whole again?",
            "One piece of “{s}” is gone; which one?",
            "Say “{s}” aloud with the blank filled: what do you put there?",
        ),
        "ask": (
            "Please tell me: {q}?",
            "Do you happen to know: {q}?",
            "A quick question: {q}?",
            "Here is one for you: {q}?",
            "If somebody wants to know “{q}”, what is the right reply?",
            "Can anyone answer this: {q}?",
            "I keep forgetting: {q}?",
            "Quiz time! {q}?",
            "The question was “{q}”; what would you say?",
            "{q}, do you remember?",
            "Help me out here: {q}?",
            "For the record, {q}?",
            "What would you answer to “{q}”?",
            "Let me ask you something: {q}?",
            "{q}? Who has the answer?",
            "Something to look up: {q}?",
            "{q} - what do the facts say?",
        ),
        "list": (
            "Can you list {x}?",
            "What are {x}, one by one?",
            "Who or what belongs to {x}?",
            "Which names come up under {x}?",
            "Please enumerate {x}, which are they?",
            "How does the list of {x} read?",
            "If you had to write down {x}, what would you write?",
            "Name {x}: which ones are there?",
            "Which entries make up {x}?",
            "What would a complete roll of {x} contain?",
            "Somebody is counting {x}; which should be counted?",
            "Could somebody go through {x} in order?",
            "When people speak of {x}, which do they mean?",
            "From first to last, what were {x}?",
            "{x}: which are meant?",
            "To learn {x} by heart, what has to be remembered?",
            "What comes to mind as {x}, item by item?",
        ),
        "reverse": (
            "Which {k} has {v} as {a}?",
            "{v} is the {a} of which {k}?",
            "For which {k} is the {a} given as {v}?",
            "Given the {a} {v}, what {k} is it?",
            "What is the name of the {k} whose {a} is {v}?",
            "Suppose {v} is remembered as the {a}; which {k} was that?",
            "Among the {k} entries, where does {a} read {v}?",
            "To which {k} does the {a} {v} belong?",
            "The clue is {a}: {v}. Which {k} fits?",
            "Turned around: the {a} is {v}, so who or what is the {k}?",
            "If the {a} happens to be {v}, we speak of which {k}?",
            "Can you find the {k} with {v} under {a}?",
            "What {k} goes together with {v}, its {a}?",
            "Seeing {v} as {a}, of which {k} do you think?",
            "{v} (as {a}) points to which {k}?",
            "Someone noted {v} for {a}. Of what {k} was this said?",
            "Pick the {k} that had {v} for its {a}: which one?",
        ),
    },
}

_BLANK = "____"
REVERSE_EVERY = 4
"""Of this many rows that could be asked for from the answer's side, one is: each takes the place of another pair."""

_NOT_BEFORE_IS = "既也就还都正不却仍总便更又只才曾原本而或但若"
_ZH_VAGUE = re.compile(r"(?:这|那|该|此|其|它|他|她|当年|另|两者|二者|前者|后者)")
_ZH_ATTRIBUTE = re.compile(
    rf"(?P<e>(?:《[^》]+》|[^，；：、《》]){{1,20}})的(?P<a>[^，；：、的]{{2,10}})(?<![{_NOT_BEFORE_IS}])是"
    r"(?P<v>[^，；]{1,30})"
)
_ZH_IS = re.compile(
    rf"(?P<e>(?:《[^》]+》|[^，；：、的《》]{{2,16}}?))(?<![{_NOT_BEFORE_IS}])就?是(?P<v>[^，；]{{2,40}})"
)
_EN_ATTRIBUTE = re.compile(
    r"(?:The|Its) (?P<a>[a-z][a-z -]{2,24}) of (?P<e>[^,;:]{2,40}?) (?:is|was|were|are) (?P<v>[^,;]{1,60})"
)
_EN_IS = re.compile(r"(?P<e>[^,;:]{2,40}?) (?:is|was) (?P<v>(?:a|an|the) [^,;]{2,80})")
_EN_VAGUE = re.compile(r"(?:It|This|That|There|These|Those|He|She|They|Here|One)\b")
_ZH_MEASURE = "分钟|小时|[个件种颗名位条段张处级套场座类只部次款项步天岁米家回]"
_DATE_OR_NUMBER = re.compile(
    r"\d{4}年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2} [A-Z][a-z]+ \d{4}|\d{1,2}:\d{2}"
    rf"|\d+(?:[,.]\d+)*(?:\s?[%％]|[万亿]?(?:{_ZH_MEASURE})|[万亿]|\s?(?:[mb]illion|km|kg|m)\b)?"
)

_ZH_LAST = re.compile(rf".*[的是在于把被将为用与和向从让使会能以并](?P<v>[{CJK}]{{2,12}})")
_ZH_COUNT = r"(?<![第零一二两三四五六七八九十百千万\dA-Za-z.])"
_ZH_TEN = "[两二三四五六七八九]|十"
# In Chinese the question word stands where its answer does: what a pattern matches is replaced by the words beside
# it, and its group v is the answer.
_ZH_WHEN = (
    (re.compile(r"(?P<v>\d{4}年\d{1,2}月\d{1,2}日)"), "哪一天"),
    (re.compile(r"(?P<v>\d{4}年\d{1,2}月)(?!\d)"), "哪年哪月"),
    (re.compile(r"(?P<v>\d{4}年)(?![版代\d])"), "哪一年"),
)
_ZH_ASKS = (
    (re.compile(r"^(?:[^，]+，)*?(?P<v>[^，]+)，(?P<s>[^，]{1,12}?)(?:因此|因而|所以)(?P<e>[^，]+)$"), "{s}为什么{e}"),
    (re.compile(r"^因为(?P<v>[^，]+)，(?:所以)?(?P<e>.+)$"), "为什么{e}"),
    *_ZH_WHEN,
    (
        re.compile(
            r"(?P<p>分为|主要有|使用)(?P<v>[^，]*?[、和与][^，]*?)(?P<n>[两三四五六七八九十]+[^，、两三四五六七八九十]{1,3})(?=，|$)"
        ),
        "{p}哪{n}",
    ),
    (re.compile(r"(?P<p>包括|主要有|分为)(?P<v>[^，]+?[、和与][^，]+)(?=，|$)"), "{p}哪些"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>\d+(?:\.\d+)?[万亿]?(?P<n>{_ZH_MEASURE}|元|人))"), "多少{n}"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>\d+[万亿])(?=，|$)"), "多少"),
    (re.compile(rf"(?!^){_ZH_COUNT}(?P<v>(?:{_ZH_TEN})(?P<n>{_ZH_MEASURE}))"), "几{n}"),
    (re.compile(rf"{_ZH_COUNT}(?P<v>[二三四五六七八九]?十[一二三四五六七八九]?(?P<n>{_ZH_MEASURE}))"), "多少{n}"),
    (
        re.compile(
            r"(?P<p>位于|来自|取自|发生在|藏在|守在|显示在|坐落在|坐落于|出生于|生于)(?P<v>[^，、的]{2,12})(?<![后前时])(?=，|$)"
        ),
        "{p}哪里",
    ),
    (re.compile(r"通过(?P<v>[^，]{2,16}?)来(?P<r>[^，]+)"), "怎样{r}"),
    (re.compile(r"通过(?P<v>[^，]{2,16}?)(?P<r>获得|得到|取得|前往|进入)"), "怎样{r}"),
    (re.compile(r"(?P<p>用来|用于)(?P<v>[^，]{2,30})(?=，|$)"), "{p}做什么"),
    (re.compile(r"(?P<p>名叫|叫做|叫作|称为|称作|合称|又称|简称)(?P<v>[^，]{2,16})(?=，|$)"), "{p}什么"),
    (
        re.compile(
            r"由(?P<v>[^，]{1,10}?)(?P<r>开启|掉落|制作|开发|担任|演唱|扮演|设计|发行|出版|创作|提供|建造|主持|撰写|管理|负责|栽培)"
        ),
        "由谁{r}",
    ),
    (re.compile(r"(?P<p>消耗)(?P<v>[^，]{2,3})(?=，|$)"), "{p}什么"),
    (re.compile(r"(?P<p>需要|获得|得到|擅长|掉落)(?P<v>(?:(?![才在再可消])[^，]){2,12})(?=，|$)"), "{p}什么"),
)

_EN_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_EN_DATE = re.compile(rf",? (?:on|in|at) (?P<v>(?:\d{{1,2}}:\d{{2}} on )?(?:(?:\d{{1,2}} )?{_EN_MONTH} )?\d{{4}})\b")
_EN_COUNT = (
    r"(?:\d[\d,]*(?:\.\d+)?|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?"
    r"|(?:four|six|seven|eight|nine)teen|thirteen|fifteen|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
)
_EN_NO_NAME = "(?:The|An?|In|On|At|Its?|This|That|These|Those|Each|[A-Z][a-z]+s)"
_EN_NAME = r"[A-Z][\w.-]*(?: (?:of |the )?[A-Z][\w.-]*)*"
_EN_DID = (
    "[a-z]+ed|built|made|took|flew|held|gave|led|won|wrote|found|put|began|became|hit|met|left|had|was|were|is|are"
)
# In English it does so only as in a quiz (Eagle carried how many astronauts?), or the sentence is turned into a cleft.
_EN_ASKS = (
    (re.compile(r"^(?P<e>.+?),? because (?P<v>[^,]+)$"), "why was it that {e}"),
    (re.compile(r"^Because (?P<v>[^,]+), (?P<e>.+)$"), "why was it that {e}"),
    (re.compile(r"^(?P<e>.+) so that (?P<v>.+)$"), "for what purpose was it that {e}"),
    (
        re.compile(rf"^(?P<p>(?:(?:About|Roughly|Over|Nearly|Almost|More than) )?)(?P<v>(?i:{_EN_COUNT}))(?= [a-z])"),
        "{p}how many",
    ),
    (
        re.compile(
            rf"(?<=[a-z,] )(?P<v>{_EN_COUNT})(?= (?:(?!and|or|to|in)[a-z-]+ ){{0,2}}[a-z]+s\b| (?:km|kg|m|kN|MN|psi)\b)"
        ),
        "how many",
    ),
    (re.compile(rf"(?<=[a-z] )by (?P<v>{_EN_NAME})(?=$|,)"), "by whom"),
    (re.compile(rf"(?P<p>called|named|known as) (?P<v>(?:the )?{_EN_NAME})(?=$|,)"), "{p} what"),
    (re.compile(rf"^(?!{_EN_NO_NAME} )(?P<v>{_EN_NAME})(?= (?:{_EN_DID})\b)"), "who or what"),
)

_PART_OF_MORE = re.compile(r"(?:[A-Z][\w.-]*|between \S+ and) $|[、和与][^，]{1,6}$")
"""Before a number: it is part of a name (Apollo 11), of a range, or counts what was just listed."""
_GOES_ON = re.compile(r"(?<![时后前中里])，.*|, (?:and|but|while) .*")
_EN_SMALL = frozenset({"the", "a", "an", "about", "nearly", "over", "more"})

QUESTION_WORDS: dict[Lang, tuple[str, ...]] = {
    "zh": ("哪一天", "哪一年", "多少个", "几个", "哪里", "什么", "怎样", "由谁", "为什么", "哪些"),
    "en": ("when was it that", "how many", "who or what", "by whom", "why was it that", "what"),
}
"""What an invented question of the ask family asks with."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ZH_DIGITS = "一二三四五六七八九十"
_NUMBERED = re.compile(r"(\d{1,9})[.)][ \t]+$")
_ZH_LISTED = re.compile(r"(?:下表|下列|以下)(?:列出|列举|给出)了?(?P<x>[^，]+)")
_ZH_OF = re.compile(r"(?P<x>.{2,}?)的[^的]{2,4}")
_EN_LISTED = re.compile(
    r"(?:The following|This|The) (?:table|list) (?:lists|gives|shows|names) (?P<x>.+?)(?:, with .+)?"
)


@dataclass(frozen=True, slots=True)
class Fact:
    """What one template family can ask of one unit.

    {"family": "attribute", "slots": {"e": "出云棍", "a": "来源"}, "answer": "石敢当", "units": [{…}]}
    """

    family: str
    slots: tuple[tuple[str, str], ...]
    answer: str
    units: tuple[Unit, ...]
    """What carries the answer: one unit, but for a list."""

    def question(self, lang: Lang, template: int) -> str:
        return TEMPLATES[lang][self.family][template].format(**dict(self.slots))


@lru_cache(maxsize=1)
def teacher_id() -> str:
    """Model id of the embedded teacher: it carries the hash of its code, so a changed template is a new teacher."""
    code = (Path(__file__), Path(__file__).with_name("offline_answers.py"))
    return f"offline@{digest(*(file.read_text('utf-8') for file in code))[:8]}"


def answer(request: Request, attempt: int) -> str:
    """The embedded teacher's reply to a request, as the JSON text a language model would have sent.

    It says all the questions it has at once: a later `attempt` could only repeat what the checks refused, so it is
    empty.
    """
    task = request.task
    assert task is not None, "templates judge nothing"
    if isinstance(task, AnswerTask):
        return json.dumps({"answers": answer_wordings(task, attempt)}, ensure_ascii=False)
    if isinstance(task, ParaphraseTask):
        return json.dumps({"questions": [] if attempt else paraphrases(task)}, ensure_ascii=False)
    assert isinstance(task, BaseQATask), task
    pairs = [
        {
            "question": fact.question(task.section.lang, 0),
            "answer": fact.answer,
            "evidence": [unit.text for unit in fact.units],
            "kind": "reverse" if fact.family == "reverse" else "base",
        }
        for fact in ([] if attempt else _chosen(task))
    ]
    return json.dumps({"pairs": pairs}, ensure_ascii=False)


def _chosen(task: BaseQATask) -> list[Fact]:
    """As many facts as asked for, in the order of the source.

    Where each unit can have one, it has one; lists and questions from the answer's side then take the place of table
    cells that most rows share. Where there are more units than pairs, those with short exact answers come first.
    """
    covered = {normalise(question) for question in task.covered}
    known = [fact for fact in facts(task.section) if normalise(fact.question(task.section.lang, 0)) not in covered]
    order = {"attribute": 0, "define": 1, "ask": 2, "cloze": 3, "reverse": 4, "list": 5}
    ranks: list[tuple[int, ...]] = [(1, order[fact.family]) for fact in known]
    of_unit = [fact.units[0] for fact in known]
    if len(set(of_unit)) <= task.quota:
        shared = Counter((dict(fact.slots)["a"], fact.answer) for fact in known if fact.family == "attribute")
        twins = {(fact.answer, dict(fact.slots)["v"]) for fact in known if fact.family == "reverse"}
        for i, fact in enumerate(known):
            slots = dict(fact.slots)
            if of_unit[i] not in of_unit[:i]:
                ranks[i] = (0,)
            elif fact.family == "reverse" or (slots.get("e"), fact.answer) in twins:
                ranks[i] = (1, 0)
            elif fact.family == "attribute":
                ranks[i] = (2, shared[slots["a"], fact.answer])
    ranked = sorted(range(len(known)), key=lambda i: (ranks[i], i))
    return [known[i] for i in sorted(ranked[: task.quota])]


def paraphrases(task: ParaphraseTask) -> list[str]:
    """Other wordings of a question this teacher asked; none where it did not ask it.

    The templates are taken from an offset that depends on the question, so that a dataset of few variants a
    question still holds all of them.
    """
    lang = task.section.lang
    fact = next((fact for fact in facts(task.section) if fact.question(lang, 0) == task.question), None)
    if fact is None:
        return []
    count = len(TEMPLATES[lang][fact.family]) - 1
    offset = int(digest(task.question), 16) % count
    wordings = (fact.question(lang, 1 + (offset + i) % count) for i in range(count))
    covered = {normalise(question) for question in task.covered}
    return [wording for wording in wordings if normalise(wording) not in covered][: task.count]


def answer_wordings(task: AnswerTask, attempt: int) -> list[str]:
    """Whole sentences that give the answer to a question this teacher asked; none where it did not ask it.

    A later attempt takes what it has from the end: what stands first was refused.
    """
    lang = task.section.lang
    fact = next((fact for fact in facts(task.section) if fact.question(lang, 0) == task.question), None)
    if fact is None:
        return []
    said = fact.units[0].words.strip().rstrip("。.！!；;")
    covered = {normalise(wording) for wording in task.covered}
    wordings = reworded(lang, fact.family, dict(fact.slots), task.answer, said)
    left = [wording for wording in wordings if normalise(wording) not in covered]
    return left[-task.count :] if attempt else left[: task.count]


@lru_cache(maxsize=4096)
def facts(section: Section) -> tuple[Fact, ...]:
    """What the templates can ask of a section, in its order; each base question once."""
    seen: set[str] = set()
    found = []
    said = units(section)
    turned = _turned(said)
    for i, unit in enumerate(said):
        own = [*_facts(unit, section), *_listed(said, i, section), *(fact for fact in turned if fact.units == (unit,))]
        for fact in own:
            question = normalise(fact.question(section.lang, 0))
            if fact.answer and question not in seen:
                seen.add(question)
                found.append(fact)
    return tuple(found)


def _facts(unit: Unit, section: Section) -> Iterator[Fact]:
    if unit.kind == "row":
        for name, cell in zip(unit.header[1:], unit.cells[1:], strict=False):
            if unit.cells[0] and name and cell and normalise(cell) not in normalise(unit.cells[0]):
                yield Fact("attribute", (("e", unit.cells[0]), ("a", _common(name))), cell, (unit,))
        return
    words = unit.words.strip().rstrip("。.！!；;")
    if not unit.facts:
        return
    if unit.lead and words:
        yield Fact("define", (("e", unit.lead),), words, (unit,))
        return
    yield from _sentence(words, unit, section)


def _common(name: str) -> str:
    """A table's heading as it stands inside a sentence: “Birth year” becomes “birth year”, “ID” stays."""
    return name[0].lower() + name[1:] if name[1:] and name[1:].islower() else name


def _turned(said: Sequence[Unit]) -> list[Fact]:
    """Table rows asked for by a value that no other row of the section holds, of every few rows one."""
    rows = [unit for unit in said if unit.kind == "row"]
    uses = Counter(normalise(cell) for row in rows for cell in set(row.cells))
    found = []
    for row in rows:
        for name, cell in zip(row.header[1:], row.cells[1:], strict=False):
            own, value = normalise(row.cells[0]), normalise(cell)
            # The pair takes the place of another cell's: a row of two columns has none to give.
            if len(row.header) < 3 or not (own and value and name and row.header[0]) or uses[own] > 1:
                continue
            if uses[value] == 1 and own not in value and value not in own:
                slots = (("a", _common(name)), ("v", cell), ("k", _common(row.header[0])))
                found.append(Fact("reverse", slots, row.cells[0], (row,)))
                break
    return found[::REVERSE_EVERY]


def _listed(said: Sequence[Unit], at: int, section: Section) -> Iterator[Fact]:
    """What a sentence announces: the names of all rows of the table, or items of the list, that follow it."""
    words = said[at].words.strip().rstrip("。.：:")
    match = (_ZH_LISTED if section.lang == "zh" else _EN_LISTED).fullmatch(words)
    if said[at].facts or not match:
        return
    last = at + 1
    while last < len(said) and said[last].kind != "sentence" and said[last].kind == said[at + 1].kind:
        last += 1
    members = said[at + 1 : last]
    names = [unit.cells[0] if unit.kind == "row" else unit.lead for unit in members]
    # At the end of a long section the table may go on in the next.
    if len(names) < 2 or not all(names) or (last == len(said) and len(section.text) > MAX_CHARS // 2):
        return
    what = match["x"]
    if section.lang == "zh":
        what = _whole_list(what, members[0].header[0] if members[0].header else "")
    if what:
        yield Fact("list", (("x", _placed(what, section)),), _JOINED[section.lang].join(names), (said[at], *members))


_JOINED: dict[Lang, str] = {"zh": "、", "en": ", "}


def _whole_list(what: str, header: str) -> str:
    """What a Chinese announcement lists, "" where that is not the table's first column or only a part of all there are.

    主要的葫芦 → 主要的葫芦；常用丹药的功效 → 常用丹药；部分成就的达成条件 → ""
    """
    if what.startswith(("部分", "一些", "若干")):
        return ""
    of = _ZH_OF.fullmatch(what)
    return next((words for words in (what, of["x"] if of else "") if header and words.endswith(header)), "")


def _placed(words: str, section: Section) -> str:
    """Words that stand alone: with the document's title where they name nothing."""
    if _names(words, section):
        return words
    return f"《{_title(section)}》里{words}" if section.lang == "zh" else f"{words} in “{_title(section)}”"


def _names(words: str, section: Section) -> bool:
    return bool(quoted(words) or latin_names(words)) or any(len(name) > 1 and name in words for name in terms(section))


def _title(section: Section) -> str:
    return section.heading_path[0].strip('《》“”"')


def _sentence(words: str, unit: Unit, section: Section) -> Iterator[Fact]:
    """One fact of a sentence: an attribute, a definition, a question word in place of a part, or else a gap."""
    chinese = section.lang == "zh"
    vague = (_ZH_VAGUE if chinese else _EN_VAGUE).match(words)
    patterns = (_ZH_ATTRIBUTE, _ZH_IS) if chinese else (_EN_ATTRIBUTE, _EN_IS)
    # What a Chinese sentence says first is complete; an English comma may stand anywhere.
    clause = words.partition("，")[0] if chinese else words
    attribute = patterns[0].fullmatch(clause)
    definition = patterns[1].fullmatch(clause)
    if attribute and not vague:
        yield Fact("attribute", (("e", attribute["e"]), ("a", attribute["a"])), attribute["v"], (unit,))
    elif definition and not vague:
        yield Fact("define", (("e", definition["e"]),), definition["v"], (unit,))
    elif not vague and (asked := _asked(words, section, dated=True)):
        yield Fact("ask", (("q", asked[0]),), asked[1], (unit,))
    elif step := _step(unit, section):
        yield Fact("attribute", (("e", section.heading_path[-1]), ("a", step)), words, (unit,))
    elif not vague and (asked := _asked(words, section)):
        yield Fact("ask", (("q", asked[0]),), asked[1], (unit,))
    elif gap := _gap(words, section):
        start, end = gap
        yield Fact("cloze", (("s", words[:start] + _BLANK + words[end:]),), words[start:end], (unit,))


def _asked(words: str, section: Section, *, dated: bool = False) -> tuple[str, str] | None:
    """(question without its mark, answer): a sentence with a question word in place of one part of it.

    Args:
        dated: ask for a date only.
    """
    if section.lang == "en":
        found = list(_EN_DATE.finditer(words))
        if len(found) == 1:
            rest = words[: found[0].start()] + words[found[0].end() :]
            return f"when was it that {_inside(rest, section)}", found[0]["v"]
    rules = (_ZH_WHEN if dated else _ZH_ASKS) if section.lang == "zh" else () if dated else _EN_ASKS
    for pattern, question in rules:
        for match in pattern.finditer(words):
            if words.count(match["v"]) != 1 or _PART_OF_MORE.search(words[: match.start()]):
                continue
            groups = {name: part or "" for name, part in match.groupdict().items()}
            if section.lang == "en" and "e" in groups:
                groups["e"] = _inside(groups["e"], section)
            # What a sentence goes on to say about something else is no part of the question.
            rest = _GOES_ON.sub("", words[match.end() :])
            text = words[: match.start()] + question.format(**groups) + rest
            return (_about(text, section) if section.lang == "zh" else _inside(text, section)), match["v"]
    return None


def _about(words: str, section: Section) -> str:
    """A Chinese question that stands alone: with the document's title where it names nothing."""
    return words if _names(words, section) else f"关于《{_title(section)}》，{words}"


def _inside(words: str, section: Section) -> str:
    """An English sentence as it stands behind other words: small at its start, unless that is a name."""
    first = words.split(" ", 1)[0]
    small = first.lower()
    said_small = re.search(rf"(?<![\w-]){re.escape(small)}(?![\w-])", section.text)
    named = first in section.title or latin_names(f"{first} x")
    return small + words[len(first) :] if small in _EN_SMALL or (said_small and not named) else words


def _step(unit: Unit, section: Section) -> str:
    """Which step of the section's only numbered list an item is, in words; "" for any other unit."""
    if unit.kind != "item" or len(section.heading_path) < 2:
        return ""
    numbered = [_NUMBERED.search(section.text, 0, other.start) for other in units(section) if other.kind == "item"]
    own = _NUMBERED.search(section.text, 0, unit.start)
    if not own or sum(int(match[1]) == int(own[1]) for match in numbered if match) > 1:
        return ""
    number = int(own[1])
    if str(number) in numbers(unit.words):
        return ""  # Asking for step 2 would state that 2.
    if section.lang == "zh":
        return f"第{_ZH_DIGITS[number - 1]}步" if 0 < number <= len(_ZH_DIGITS) else ""
    return f"{_ORDINALS[number - 1]} step" if 0 < number <= len(_ORDINALS) else ""


def _could_be_asked(part: str) -> bool:
    """Whether a part of a sentence is whole: it begins with a word and closes what it opens, no more."""
    return bool(part.strip()) and part[0] not in "、，；：》」』”" and part.count("《") == part.count("》")


def _gap(words: str, section: Section) -> tuple[int, int] | None:
    """The part of a sentence to ask for: a date or number, a name the section marks, a quoted term, else its end."""
    candidates = [match.span() for match in _DATE_OR_NUMBER.finditer(words)]
    names = (terms(section) | quoted(words) | latin_names(words)) - {section.heading_path[0]}
    for name in sorted(names, key=lambda term: (-len(term), term)):
        # Not at the start: there stands what the sentence is about.
        at = words.find(name, 1)
        if at > 0:
            candidates.append((at, at + len(name)))
    tail = re.search(rf"[^，；：,;:]+$|(?<=[{CJK}])[^，]{{2,12}}$", words)
    if tail and tail.start() > 0:
        candidates.append((tail.start() + len(tail.group()) - len(tail.group().lstrip()), tail.end()))
    if last := _ZH_LAST.fullmatch(words):
        candidates.append(last.span("v"))
    if words and " " in words:
        candidates.append((words.rindex(" ") + 1, len(words)))
    elif len(words) > 6:
        candidates += [(len(words) - length, len(words)) for length in (4, 3)]
    # What stands elsewhere in the sentence too would be given away by it.
    return next(
        (
            (start, end)
            for start, end in candidates
            if words[:start].strip() and _could_be_asked(words[start:end]) and words.count(words[start:end]) == 1
        ),
        None,
    )


# --- the forms of questions ----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[int, str, re.Pattern[str]], ...]:
    """(literal length, name, pattern) of every template, the most literal first: it is the most telling match."""
    found = []
    for lang, families in TEMPLATES.items():
        for family, templates in families.items():
            for i, template in enumerate(templates):
                literal = re.split(r"\{(\w)\}", template)
                pattern = "".join(
                    re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(literal)
                )
                found.append((sum(map(len, literal[::2])), f"{lang}/{family}/{i}", re.compile(pattern)))
    return tuple(sorted(found, key=lambda entry: (-entry[0], entry[1])))


@lru_cache(maxsize=65536)
def form_of(question: str) -> str:
    """Name of the template a question was made with, "" for a question of another teacher.

    Two wordings that differ only in the thing asked about have one form. Where questions come from templates, a
    held-out wording whose form training rows use tests less than one whose form none of them uses.
    """
    return next((name for _, name, pattern in _patterns() if pattern.fullmatch(question)), "")


# --- the language of questions, without the facts --------------------------------------------------------------


MADE_UP_FACTS = 300
"""So few invented facts that each comes back in many wordings during pre-training."""


def made_up_pairs(lang: Lang, texts: Sequence[str], seed: int, facts: int = MADE_UP_FACTS) -> Iterator[tuple[str, str]]:
    """Questions and answers about invented things, endlessly, to pre-train the embedded student on.

    Names, attributes and answers are strung together at random from the characters (words, in English) of
    `texts`. There are only `facts` of them, each asked in turn in all wordings of its family, of the families that
    `texts` hold questions of (of all, where they hold none), and as in real text one thing has a description and
    several attributes. So the student learns what a pre-trained model knows, that a question's wording does not
    change its answer but what it asks for does, and none of the facts of `texts`.
    """
    rng = random.Random(seed)
    pattern = rf"[{CJK}]" if lang == "zh" else r"\S+"
    pieces = sorted({piece for text in texts for piece in re.findall(pattern, text)})
    if not pieces:
        return
    families = {form.split("/")[1] for form in map(form_of, texts) if form} or set(TEMPLATES[lang])
    world = list(islice((fact for fact in _made_up_facts(rng, pieces, lang) if fact[0] in families), facts))
    while True:
        rng.shuffle(world)
        for family, slots, reply in world:
            yield rng.choice(TEMPLATES[lang][family]).format(**slots), reply


def _made_up_facts(rng: random.Random, pieces: Sequence[str], lang: Lang) -> Iterator[tuple[str, dict[str, str], str]]:
    """(family, slots, answer) of invented facts, endlessly: of each thing one of every family, and two attributes."""

    joiner = "" if lang == "zh" else " "

    def invented(low: int, high: int) -> str:
        return joiner.join(rng.choices(pieces, k=rng.randint(low, high)))

    attributes = [invented(1, 3) for _ in range(12)]
    kinds = [invented(1, 2) for _ in range(6)]
    while True:
        name = invented(2, 4)
        yield "define", {"e": name}, invented(2, 8)
        for attribute in rng.sample(attributes, 2):
            value = invented(1, 6)
            yield "attribute", {"e": name, "a": attribute}, value
        yield "reverse", {"a": attribute, "v": value, "k": rng.choice(kinds)}, name
        yield "cloze", {"s": joiner.join([name, invented(1, 4), _BLANK, invented(0, 4)]).strip()}, invented(1, 4)
        asked = rng.choice(QUESTION_WORDS[lang])
        yield "ask", {"q": joiner.join([name, invented(1, 4), asked, invented(0, 3)]).strip()}, invented(1, 4)
        yield "list", {"x": joiner.join([name, invented(1, 2)])}, _JOINED[lang].join(invented(1, 3) for _ in range(3))
