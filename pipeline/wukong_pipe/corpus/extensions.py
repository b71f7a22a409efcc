"""What MkDocs, VuePress, MyST and GitHub add to Markdown, rewritten as CommonMark line by line.

An admonition, a content tab and an alert become a quotation, a definition becomes a list item, and the marks of a
container become blank lines. Each line stays the line it was, so a block still knows where it stands in the source.

    !!! note "Proxies"        > ###### Proxies         > [!TIP]          >
        They are read.        > They are read.         > Read this.      > Read this.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"([ \t]*)([^\r\n]*)(\r\n?|\n|\Z)")
_BEGINS = re.compile(r"(?<![^\r\n])[ \t]*(?:!!!|\?\?\?|===[!+ \t]|:::|: |:\t|>[> \t]*\[!|\([\w:.-]+\)=)")
"""Looked for first: most texts have none of these."""
_ADMONITION = re.compile(
    r"""(?:!!!|\?\?\?\+?)[ \t]+[\w-]+(?:[ \t]+[\w-]+)*(?:[ \t]+["'](?P<title>[^"\n]*)["'])?[ \t]*"""
    r"""|===[!+]?[ \t]+["'](?P<tab>[^"\n]+)["'][ \t]*"""
)
_ALERT = re.compile(r"(?P<quote>>[> \t]*)\[![\w-]+\][+-]?[ \t]*(?P<title>.*)")
_CONTAINER = re.compile(
    r":{3,}[ \t]*\{?(?:attention|caution|code-group|danger|details|hint|important|info|note|success|tabs?|tip|warning)"
    r"\b\}?(?P<title>.*)|:{3,}[ \t]*"
)
_LABEL = re.compile(r"\([\w:.-]+\)=[ \t]*")
"""What MyST calls a target: a name for links to the heading below."""
_DEFINITION = re.compile(r":(?=[ \t]+\S)")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_INDENT = 4
"""Columns by which MkDocs indents the body of an admonition."""
_DEEPEST = 8
"""Admonitions inside one another, at most: each line is written out with the marks of all it stands in."""


def as_commonmark(text: str) -> str:
    """The text with as many lines, in which a parser of CommonMark finds the content of admonitions and the like."""
    if not _BEGINS.search(text):
        return text
    reader = _Lines()
    return "".join(reader.line(*match.groups()) for match in _LINE.finditer(text) if match.group())


class _Lines:
    """Knows of each line which admonitions and which code it stands in."""

    def __init__(self) -> None:
        self._columns: list[int] = []
        """Where the admonitions begin that the line stands in, outermost first."""
        self._fence, self._fence_depth = "", 0
        """The mark of the code fence that is open, and in how many admonitions."""
        self._before = ""
        """The last line that was not blank."""

    def line(self, white: str, content: str, end: str) -> str:
        if not content:
            return (self._quoted(0).rstrip(" ") or white) + end
        column = len(white.expandtabs(_INDENT))
        while self._columns and column < self._columns[-1] + _INDENT:
            self._columns.pop()
        if len(self._columns) < self._fence_depth:
            self._fence, self._fence_depth = "", 0
        prefix = self._quoted(column) if self._columns else white
        written = content if self._is_code(content) else self._rewritten(content, column)
        self._before = content
        # A line without a character would make one line end of "\r" before and "\n" behind it.
        return prefix + (written or " ") + end

    def _quoted(self, column: int) -> str:
        """The marks of the quotations that the line stands in, and the spaces before its first word."""
        marks, at = "", 0
        for begin in self._columns:
            marks += " " * (begin - at) + "> "
            at = begin + _INDENT
        return marks + " " * (column - at)

    def _is_code(self, content: str) -> bool:
        """Whether a line opens a fence, closes it or stands in one."""
        fence = _FENCE.match(content)
        if not self._fence:
            if fence and not ("`" in fence[1] and "`" in fence[2]):
                self._fence, self._fence_depth = fence[1], len(self._columns)
            return bool(self._fence)
        if fence and fence[1].startswith(self._fence) and not fence[2].strip():
            self._fence, self._fence_depth = "", 0
        return True

    def _rewritten(self, content: str, column: int) -> str:
        if len(self._columns) < _DEEPEST and (match := _ADMONITION.fullmatch(content)):
            self._columns.append(column)
            return _title("> ", match["title"] or match["tab"] or "")
        if match := _ALERT.fullmatch(content):
            return _title(match["quote"], match["title"])
        if _LABEL.fullmatch(content):
            return ""
        if match := _CONTAINER.fullmatch(content):
            return _title("> ", match["title"] or "") if (match["title"] or "").strip() else ""
        if self._before and not self._before.startswith("|"):
            return _DEFINITION.sub("-", content, count=1) if _DEFINITION.match(content) else content
        return content


def _title(quote: str, title: str) -> str:
    """A title as a heading that heads no section, because it stands in a quotation."""
    return f"{quote}###### {title}" if title.strip() else quote
