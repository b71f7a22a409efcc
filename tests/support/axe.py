"""axe-core, the checker of accessibility, run in a page of a real browser.

It lies in the wheel of `axe-playwright-python`, which `make setup` installs without Playwright itself.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support.chromium import Chromium

GRAVE = ("serious", "critical")


@cache
def _script() -> str:
    spec = find_spec("axe_playwright_python")
    assert spec is not None, "axe-core is not here: make setup installs it"
    return Path(str(spec.origin)).with_name("axe.min.js").read_text("utf-8")


def findings(tab: Chromium) -> list[dict[str, Any]]:
    """What axe finds in the page that is open, all rules but the experimental ones: each with its impact and places."""
    tab.run(f"{_script()}; true")
    found = json.loads(tab.run("axe.run().then((found) => JSON.stringify(found.violations))"))
    return [
        {
            "rule": each["id"],
            "impact": each["impact"],
            "places": [f"{node['html'][:200]}: {node['failureSummary']}" for node in each["nodes"]],
        }
        for each in found
    ]


def grave(tab: Chromium) -> list[dict[str, Any]]:
    """The findings that are serious or critical."""
    return [each for each in findings(tab) if each["impact"] in GRAVE]
