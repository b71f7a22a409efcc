"""How the embedded teacher words a question: templates by language and family, and which of them made a question."""

from __future__ import annotations

import re
from functools import lru_cache

from wukong_pipe.records import Lang

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

BLANK = "____"
"""What stands for the part of a sentence that is asked for."""
JOINED: dict[Lang, str] = {"zh": "、", "en": ", "}
"""Between the names of a list."""


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
