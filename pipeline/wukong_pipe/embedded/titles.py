"""The document's title in a question: words that name nothing do not stand alone, so the title goes with them."""

from __future__ import annotations

from wukong_pipe.corpus.units import terms
from wukong_pipe.language.names import latin_names, quoted
from wukong_pipe.records import Section


def titled_group(words: str, section: Section) -> str:
    """What a list lists, in words that stand alone: 主要的葫芦 → 《黑神话：悟空》里主要的葫芦."""
    if _name_something(words, section):
        return words
    return f"《{_title(section)}》里{words}" if section.lang == "zh" else f"{words} in “{_title(section)}”"


def titled_question(words: str, section: Section) -> str:
    """A Chinese question in words that stand alone: 有人在哪一年开山 → 关于《游戏》，有人在哪一年开山."""
    return words if _name_something(words, section) else f"关于《{_title(section)}》，{words}"


def _name_something(words: str, section: Section) -> bool:
    return bool(quoted(words) or latin_names(words)) or any(len(name) > 1 and name in words for name in terms(section))


def _title(section: Section) -> str:
    return section.heading_path[0].strip('《》“”"')
