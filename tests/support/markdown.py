"""Markdown made up for the tests: pieces that parsers stumble over, strung together in any order."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    "# 标题",
    "## Sub",
    "###### ",
    "#",
    " # indented",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\t",
    "    ",
    " ",
    "\u2028",
    "\x85",
    "\x0c",
    "\x00",
    "\ufeff",
    "---\n",
    "---",
    "===\n",
    "...\n",
    "title: x\n",
    "```\n",
    "~~~\n",
    "> ",
    "- ",
    "1. ",
    "**名**：",
    "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "|",
    "<div>\n",
    "<!-- ",
    "[a]: b\n",
    "句子。",
    "A sentence. ",
    "\\",
    "`",
]

markdown = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=80)
"""Any text: broken Markdown first of all, and sometimes no Markdown at all."""
