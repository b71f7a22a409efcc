"""Documents are converted once, in a process of their own, and refused with a sentence where they cannot be."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.made_documents import as_html, write_docx, write_epub, write_pdf, write_pptx, write_scan
from tests.support.made_texts import CHINESE, ENGLISH
from wukong_pipe.conversion import converting, worker
from wukong_pipe.conversion.converting import converted, converter_of
from wukong_pipe.conversion.joining import UNKNOWN
from wukong_pipe.errors import CorpusError


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the processes that converted."""
    commands: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return run(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", noted)
    return commands


def convert(path: Path) -> str:
    return converted(path, path.name, path.parent / "converted", lambda line: None).read_text("utf-8")


def refusal(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        convert(path)
    return str(caught.value)


def test_a_document_is_converted_once_and_again_when_it_changes(tmp_path: Path, runs: list[list[str]]) -> None:
    path = tmp_path / "page.html"
    path.write_text(as_html(ENGLISH), "utf-8")
    first = convert(path)
    assert first.startswith("# Kiln Handbook\n")
    assert convert(path) == first
    assert len(runs) == 1
    path.write_text(as_html(CHINESE), "utf-8")
    assert convert(path).startswith("# 青石窑操作手册\n")
    assert len(runs) == 2


def test_it_is_converted_again_by_another_version_of_its_converter(
    tmp_path: Path, runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    path.write_text(as_html(ENGLISH), "utf-8")
    convert(path)
    monkeypatch.setattr(converting, "RULES", converting.RULES + 1)
    convert(path)
    assert len(runs) == 2
    index = json.loads((tmp_path / "converted" / "index.json").read_text())
    assert index["page.html"]["converter"] == converter_of(path)


def test_what_was_mended_by_hand_is_used_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(as_html(ENGLISH), "utf-8")
    convert(path)
    mended = tmp_path / "converted" / "page.html.md"
    mended.write_text("# Mended\n")
    assert convert(path) == "# Mended\n"
    path.write_text(as_html(CHINESE), "utf-8")
    assert "was edited by hand: remove that" in refusal(path)
    assert mended.read_text() == "# Mended\n"
    mended.unlink()
    assert convert(path).startswith("# 青石窑操作手册\n")


def test_without_the_library_what_was_converted_before_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text(as_html(ENGLISH), "utf-8")
    first = convert(path)
    monkeypatch.setattr(converting, "is_installed", lambda: False)
    assert convert(path) == first


@pytest.mark.parametrize(
    ("name", "make", "sentence"),
    [
        ("scan.pdf", write_scan, "holds pictures of pages and no text: recognise its text first"),
        ("locked.pdf", lambda path: write_scan(path, "secret"), "is locked with a password: save a copy without one."),
        ("broken.pdf", lambda path: path.write_bytes(b"%PDF-1.7\nnothing"), "cannot be read as PDF (PdfminerException"),
        ("broken.docx", lambda path: path.write_bytes(b"PK\x03\x04nothing"), "cannot be read as DOCX ("),
        ("locked.docx", lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1"), "is locked with a password"),
        ("empty.html", lambda path: path.write_text("<html><body></body></html>"), "holds no text."),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value[:12] else "",
)
def test_what_cannot_be_converted_is_refused_with_a_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], object], sentence: str
) -> None:
    make(tmp_path / name)
    told = refusal(tmp_path / name)
    assert told.startswith(f"{tmp_path / name} ")
    assert sentence in told
    assert "\n" not in told
    assert not (tmp_path / "converted" / f"{name}.md").exists()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("signal.raise_signal(signal.SIGALRM)", "takes more than 120 s a page to convert"),
        ("bytearray(64 * 2**30)", "takes more than 4 GiB to convert"),
        ("signal.raise_signal(signal.SIGSEGV)", "brings the converter down (it ended with -11)"),
    ],
)
def test_a_converter_that_hangs_takes_all_memory_or_dies_takes_the_build_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, sentence: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import signal\nfrom pathlib import Path\nread = Path.read_bytes\n"
        f"def read_bytes(path):\n    if path.suffix == '.html':\n        {code}\n    return read(path)\n"
        "Path.read_bytes = read_bytes\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "page.html").write_text(as_html(ENGLISH), "utf-8")
    assert sentence in refusal(tmp_path / "page.html")


def test_the_alarm_ends_a_page_that_takes_too_long(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(as_html(ENGLISH), "utf-8")
    code = (
        "import time; from pathlib import Path; from wukong_pipe.conversion import worker; worker.SECONDS = 1;"
        f"worker._other = lambda path: time.sleep(60); worker.main(Path({str(tmp_path / 'page.html')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=30)
    assert done.returncode == -signal.SIGALRM


def test_pages_that_are_pictures_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    answer = json.dumps({"markdown": "# A\n", "pictures": [2, 5]}).encode()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, answer, b""))
    said: list[str] = []
    converted(tmp_path / "a.pdf", "a.pdf", tmp_path / "converted", said.append)
    assert said == [
        f"{tmp_path / 'a.pdf'}: page 2, 5 holds a picture and no text, and is left out.",
        f"Converted {tmp_path / 'a.pdf'}.",
    ]


@pytest.mark.parametrize(("unknown", "is_refused"), [(2, False), (4, True)])
def test_a_document_most_of_whose_characters_its_fonts_do_not_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unknown: int, is_refused: bool
) -> None:
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    text = UNKNOWN * unknown + "x" * (15 - unknown)
    monkeypatch.setattr("wukong_pipe.conversion.pdf_markdown.markdown", lambda pages: text)
    # No alarm is set: it would end this process.
    monkeypatch.setattr(worker, "SECONDS", 0)
    assert (worker._answer(tmp_path / "a.pdf") == {"error": "unmapped"}) == is_refused


def test_characters_that_cannot_be_read_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pdf(tmp_path / "a.pdf", ENGLISH)
    answer = json.dumps({"markdown": "d\ufffdinvestimento\n", "pictures": []}).encode()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, answer, b""))
    said: list[str] = []
    converted(tmp_path / "a.pdf", "a.pdf", tmp_path / "converted", said.append)
    assert said[0] == f"{tmp_path / 'a.pdf'}: 1 character cannot be read, and stands as “\ufffd”."


# --- the other formats -------------------------------------------------------------------------------------------


def test_word_keeps_headings_lists_and_tables_whose_first_row_is_their_head(tmp_path: Path) -> None:
    write_docx(tmp_path / "a.docx", ENGLISH)
    lines = convert(tmp_path / "a.docx").splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Kiln Handbook",
        "## Firing",
        "## Faults",
        "### Restarting the pusher",
        "## Maintenance",
    ]
    at = lines.index("| Zone | Temperature | Length |")
    assert lines[at + 1 : at + 3] == ["| --- | --- | --- |", "| Preheating | 600 °C | 14 m |"]
    assert "* A red lamp means that a car has left the rails." in lines
    assert not any(ENGLISH.header in line for line in lines)


def test_slides_have_pages_and_their_lines_are_paragraphs(tmp_path: Path) -> None:
    write_pptx(tmp_path / "a.pptx", CHINESE)
    text = convert(tmp_path / "a.pptx")
    assert text.startswith("# 青石窑操作手册\n")
    assert "<!-- page 3 -->\n\n# 故障\n" in text
    assert "\n\n红灯表示有一辆窑车脱离了轨道。\n\n黄灯表示推车机的液压油温度太低。\n\n" in text
    assert "| 烧成带 | 1060 ℃ | 12 米 |\n" in text


def test_of_a_page_of_the_web_the_menu_is_left_out_and_names_are_not_escaped(tmp_path: Path) -> None:
    page = as_html(ENGLISH, navigation=True).replace("forty metres", "snake_case and 2*3*4")
    (tmp_path / "a.html").write_text(page, "utf-8")
    text = convert(tmp_path / "a.html")
    assert text.startswith("# Kiln Handbook\n")
    assert "Menu entry" not in text
    assert ENGLISH.header not in text
    assert "The kiln is snake_case and 2*3*4 long" in text
    assert "```\ndef restart(pusher):\n    pusher.release()\n    pusher.push(force=12)\n```" in text


def test_a_page_in_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "a.htm").write_bytes(as_html(CHINESE).replace("utf-8", "gb18030").encode("gb18030"))
    assert "推车机在入口旁边的控制柜上用下面的程序重新启动：" in convert(tmp_path / "a.htm")


def test_a_book_is_its_chapters_without_its_contents_and_imprint(tmp_path: Path) -> None:
    write_epub(tmp_path / "a.epub", CHINESE)
    text = convert(tmp_path / "a.epub")
    assert "xhtml" not in text
    assert "**Title" not in text
    assert [line for line in text.splitlines() if line.startswith("## ")][1:] == ["## 烧成", "## 故障", "## 保养"]
