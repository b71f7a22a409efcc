"""The report in a real browser: nothing is refused or fetched, the filter and the search work, and print shows all."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.answered import HOSTILE, add_further_files, answer_row, make_run
from tests.support.chromium import CHROMIUM, Chromium, chromium
from wukong_pipe.files import jsonl, write_json, write_text
from wukong_trainer.report.page import write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here to show the report in"),
]

SHOWN = "document.querySelectorAll('article.card:not([hidden])').length"
SEARCH = """new Promise((done) => {
  const form = document.getElementById("filter");
  form.elements.%s.value = %r;
  form.dispatchEvent(new Event("input"));
  const before = performance.now();
  setTimeout(() => requestAnimationFrame(() => done([%s, performance.now() - before])), 90);
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


def shown_with(browser: Chromium, field: str, value: str) -> int:
    """How many questions are left once `value` stands in that field of the form."""
    left, _ = browser.run(SEARCH % (field, value, SHOWN))
    return int(left)


def hostile_page(folder: Path, lang: str = "en") -> Path:
    run = make_run(folder, lang, source=HOSTILE)
    add_further_files(run, HOSTILE)
    return write_report(run)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_asks_for_nothing_and_nothing_of_it_is_refused(browser: Chromium, tmp_path: Path, width: int) -> None:
    page = hostile_page(tmp_path, "zh")
    browser.open(page, width)
    assert browser.run("document.readyState") == "complete"
    assert browser.complaints == []
    assert browser.requests == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth") <= width, "nothing sticks out of a phone"
    assert browser.run("getComputedStyle(document.querySelector('.verdict')).fontWeight") == "700", "it has its style"
    assert browser.run("getComputedStyle(document.querySelector('figure path[stroke]')).stroke").startswith("rgb")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_table_and_no_command_is_cut_on_a_phone(browser: Chromium, tmp_path: Path, lang: str) -> None:
    run = make_run(tmp_path, lang)
    add_further_files(run)
    command = f"wukong-pipe eval --max-new-tokens 64 --run {'monkey-' * 9} --general 20 --open-book"
    write_json(run.folder / "build.json", {"seconds": 1, "calls_made": 1, "calls_from_journal": 0, "command": command})
    browser.open(write_report(run), 390)
    browser.run("document.querySelectorAll('details').forEach((fold) => { fold.open = true })")
    boxes = "[...document.querySelectorAll('.wide, pre')]"
    assert browser.run(f"{boxes}.length") > 10
    assert browser.run(f"{boxes}.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.innerText)") == []
    sides = "[...document.querySelectorAll('td[data-label]')].map((td) => getComputedStyle(td, '::before').textAlign)"
    assert set(browser.run(sides)) == {"left"}, "every label stands at the edge"
    assert browser.run("document.querySelector('.made pre').innerText") == command, "as one copies it"
    options = "[...document.querySelectorAll('.made pre span')].filter((word) => word.innerText.startsWith('--'))"
    assert browser.run(f"Math.max(...{options}.map((word) => word.getBoundingClientRect().height))") < 25, "a line"


def test_what_a_model_wrote_cannot_run_even_where_escaping_were_forgotten(browser: Chromium, tmp_path: Path) -> None:
    page = hostile_page(tmp_path)
    html = page.read_text("utf-8")
    holes = "<script>document.title = 'run'</script><img src='http://192.0.2.1/x' onerror=\"document.title = 'run'\">"
    page.write_text(html.replace("<main>", f"<main>{holes}"), "utf-8")
    browser.open(page)
    assert browser.run("document.title") == "monkey – wukong-pipe Report"
    assert all("Content Security Policy" in complaint for complaint in browser.complaints)
    assert any("Loading the image" in complaint for complaint in browser.complaints)


def test_the_form_filters_by_outcome_level_section_and_words(browser: Chromium, tmp_path: Path) -> None:
    browser.open(hostile_page(tmp_path))
    assert browser.run(SHOWN) == 28
    assert browser.run("document.getElementById('shown').textContent") == "28 of 28 questions shown"
    assert shown_with(browser, "outcome", "both_wrong") == 9
    assert shown_with(browser, "level", "wording") == 0
    assert browser.run("[...document.querySelectorAll('.group')].every((group) => group.hidden)")
    assert shown_with(browser, "outcome", "") == 10
    assert shown_with(browser, "search", "CHAPTER 3") == 1
    assert browser.run("document.getElementById('shown').textContent") == "1 of 28 questions shown"
    browser.run("document.querySelector('button[type=reset]').click()")
    browser.run("new Promise((done) => setTimeout(done, 20))")
    assert browser.run(SHOWN) == 28
    assert shown_with(browser, "section", "0") == 2, "the question and the other wording of one section"
    assert browser.complaints == []


def test_without_its_script_all_of_the_page_is_there(browser: Chromium, tmp_path: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(hostile_page(tmp_path))
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run(SHOWN) == 28
    assert browser.run("document.getElementById('filter').hidden")


def test_the_keyboard_reaches_the_form_and_every_field_has_a_name(browser: Chromium, tmp_path: Path) -> None:
    browser.open(hostile_page(tmp_path))
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"] and "role" in node
    }
    assert {("combobox", "outcome"), ("combobox", "level"), ("searchbox", "search the text")} <= named
    assert ("image", "Correct answers") in named
    assert ("region", "Coverage and questions by section") in named
    browser.run("document.querySelector('input[type=search]').focus()")
    for char in "chapter 3":
        browser.call("Input.dispatchKeyEvent", type="char", text=char)
    browser.run("new Promise((done) => setTimeout(done, 150))")
    assert browser.run(SHOWN) == 2, "in two wordings"


def test_the_page_prints(browser: Chromium, tmp_path: Path) -> None:
    browser.open(hostile_page(tmp_path))
    printed = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    assert printed.startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert browser.run("getComputedStyle(document.getElementById('filter')).display") == "none"
        assert browser.run("getComputedStyle(document.querySelector('.card')).contentVisibility") == "visible"
        folded = "document.querySelector('details.fold:not([open]) table').checkVisibility()"
        assert browser.run(folded), "what is folded on the screen is open on paper"
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.long
def test_two_thousand_answers_are_shown_and_searched(browser: Chromium, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    tuned = "There were some 99 of them, Sun Wukong said, in this long chapter of the book, and 7 more beside."
    rows = [answer_row("wording", i, "en", f"I count {i}. " * 20, tuned) for i in range(2000)]
    write_text(run.answers, jsonl(rows))
    page = write_report(run)
    assert page.stat().st_size < 2 * 3_000_000
    browser.open(page)
    for words in ("chapter 17", "chapter 170"):
        left, _ = browser.run(SEARCH % ("search", words, SHOWN))
        assert left < 2000
