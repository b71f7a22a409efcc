"""What can be read as a corpus, and the sentence for everything that cannot."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.made_documents import as_html, write_pdf, write_scan
from tests.support.made_texts import CHINESE, ENGLISH
from wukong_pipe.conversion import converting
from wukong_pipe.corpus.sources import passed_over, read_sources
from wukong_pipe.errors import CorpusError
from wukong_pipe.extras import install_command


def fails(path: Path, encoding: str = "utf-8") -> str:
    with pytest.raises(CorpusError) as caught:
        read_sources([path], encoding)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_is_a_source_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "书.md"
    path.write_bytes("# 书\r\n正文。\r\n".encode())
    (source,) = read_sources([path])
    assert (source.name, source.path, source.text) == ("书.md", path, "# 书\r\n正文。\r\n")


def test_a_folder_gives_its_markdown_in_the_order_of_the_names_and_passes_over_the_rest(
    tmp_path: Path,
) -> None:
    for name in ("b.md", "a/z.markdown", "a/y.TXT", "picture.png", ".git/hidden.md", "notes.pdf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"text of {name}")
    assert [source.name for source in read_sources([tmp_path])] == ["a/y.TXT", "a/z.markdown", "b.md"]


def test_gb18030_is_read_when_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes("# 黑神话\n".encode("gb18030"))
    assert read_sources([path], "gb18030")[0].text == "# 黑神话\n"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes("\ufeff# 书\n".encode())
    assert read_sources([path])[0].text == "# 书\n"


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    assert fails(tmp_path / "no.md") == f"{tmp_path}/no.md does not exist."


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_an_empty_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text(text, "utf-8")
    assert fails(tmp_path / "a.md") == f"{tmp_path}/a.md is empty."


def test_a_file_in_another_encoding_names_line_and_cure(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"# ok\n\n" + "黑神话".encode("gb18030"))
    assert fails(tmp_path / "a.md") == (
        f"{tmp_path}/a.md, line 3 is not utf-8 but looks like gb18030: convert the file to UTF-8, or, where all files "
        "are so, give --encoding gb18030."
    )


@pytest.mark.parametrize(
    ("data", "named", "right"),
    [
        ("# 黑神话\n\n悟空的兵器是金箍棒。".encode("gb18030"), "utf-8", "gb18030"),
        ("# 黑神話\n\n悟空的兵器是金箍棒，他很厲害。".encode("big5"), "utf-8", "big5"),
        ("Café Müller, Straße\n".encode("latin-1"), "utf-8", "cp1252"),
        ("“Quoted” – naïve\n".encode("cp1252"), "utf-8", "cp1252"),
        ("# Book\n\nBread costs 3 €.".encode("utf-16"), "utf-8", "utf-16"),
        ("# Book\n\nMüller bakes bread.".encode("utf-16-le"), "utf-8", "utf-16-le"),
        ("Bread costs 3 € or £ 2.\n".encode(), "gb18030", "utf-8"),
        ("# 黑神话\n".encode(), "ascii", "utf-8"),
        ("# 龘\n\n囍靐龗麤，犇鱻驫羴。".encode("gb18030"), "utf-8", "gb18030"),
        ("# 天命之人\n\n孫悟空與楊戩鬥於灌江口，變化無窮。".encode("gb18030"), "utf-8", "gb18030"),
        ("# 本\n\n彼の武器は如意棒です。とても強い。\n".encode("cp932"), "utf-8", "cp932"),
        ("# 책\n\n그의 무기는 여의봉이다. 그는 매우 강하다. 산에 산다.\n".encode("euc-kr"), "utf-8", "euc-kr"),
    ],
)
def test_the_encoding_that_is_advised_is_the_one_that_reads_the_file(
    tmp_path: Path, data: bytes, named: str, right: str
) -> None:
    (tmp_path / "a.md").write_bytes(data)
    assert fails(tmp_path / "a.md", named).endswith(f"--encoding {right}.")
    (source,) = read_sources([tmp_path / "a.md"], right)
    assert source.text.encode(right).removeprefix(codecs.BOM_UTF16_LE) == data.removeprefix(codecs.BOM_UTF16_LE)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0", "is a ZIP archive, as .docx"),
        (b"%PDF-1.7\n", "is a PDF, and no text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff", "is no text in"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_document_or_picture_with_the_name_of_a_text_gets_no_advice_on_encodings(
    tmp_path: Path, data: bytes, what: str, encoding: str
) -> None:
    (tmp_path / "a.md").write_bytes(data)
    told = fails(tmp_path / "a.md", encoding)
    assert what in told
    assert "--encoding" not in told


@pytest.mark.parametrize(
    ("stray", "encoding"),
    [(b"\xff", "utf-8"), (b"\xff", "gb18030"), (b"\x92", "utf-8"), ("石".encode()[:2], "utf-8")],
)
def test_utf_8_with_a_stray_byte_is_damaged_and_no_other_encoding(tmp_path: Path, stray: bytes, encoding: str) -> None:
    (tmp_path / "a.md").write_bytes("# 黑神话\n\n悟空的兵器是".encode() + stray + "金箍棒。\n他很厉害。\n".encode())
    assert fails(tmp_path / "a.md", encoding) == (
        f"{tmp_path}/a.md is damaged UTF-8 at line 3: mend that line in an editor."
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Η πέτρα έχει ένα όπλο. Ζει στο βουνό.\n", "iso8859-7"),
        ("# Книга\n\nСемён живёт у озера и печёт хлеб.\n", "cp1251"),
    ],
)
def test_bytes_of_no_encoding_that_can_be_told_get_no_guess_but_a_cure(
    tmp_path: Path, text: str, encoding: str
) -> None:
    (tmp_path / "a.md").write_bytes(text.encode(encoding))
    assert fails(tmp_path / "a.md").endswith(
        "any encoding that could be guessed: save it as UTF-8 in the program that it was written with, or leave it out."
    )


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_an_encoding_that_does_not_exist_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.md").write_text("x")
    assert fails(tmp_path / "a.md", encoding) == f"“{encoding}” is no text encoding; try utf-8 or gb18030."


@pytest.fixture
def without_converter(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the extra `convert` away."""
    return lambda: monkeypatch.setattr(converting, "find_spec", lambda _: None)


def test_every_file_of_a_folder_that_is_no_source_is_named(
    tmp_path: Path, without_converter: Callable[[], None]
) -> None:
    assert passed_over([tmp_path / "none.md"]) == ""
    for name in ("a.md", "b.png", ".git/c.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    assert (
        passed_over([tmp_path], tmp_path / "runs" / "r" / "converted")
        == f"Passed over 1 file (1 .png): {tmp_path / 'b.png'}."
    )
    for name in ("p1.pdf", "p2.PDF", "p3.docx", "sub/p4.xlsx", "LICENSE"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    into = tmp_path / "runs" / "r" / "converted"
    # Those that can be converted are sources.
    assert passed_over([tmp_path], into) == (
        f"Passed over 3 files (1 without suffix, 1 .png, 1 .xlsx): {tmp_path / 'LICENSE'}, {tmp_path / 'b.png'}, "
        f"{tmp_path / 'sub' / 'p4.xlsx'}; .xlsx can be converted with markitdown."
    )
    without_converter()
    names = ", ".join(str(tmp_path / name) for name in ("LICENSE", "b.png", "p1.pdf"))
    assert passed_over([tmp_path], into) == (
        f"Passed over 6 files (2 .pdf, 1 without suffix, 1 .png, 1 .docx, 1 .xlsx): {names} and 3 more; to have them "
        f"converted, {install_command('convert')}; .xlsx can be converted with markitdown."
    )
    (tmp_path / "a.md").unlink()
    documents = ", ".join(str(tmp_path / name) for name in ("p1.pdf", "p2.PDF", "p3.docx"))
    assert fails(tmp_path) == (
        f"{tmp_path} holds no Markdown (*.md, *.markdown, *.txt), but {documents} and 1 more; to have them converted, "
        f"{install_command('convert')}; .xlsx can be converted with markitdown."
    )


def test_a_folder_without_markdown_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    assert fails(tmp_path) == f"{tmp_path} holds no Markdown (*.md, *.markdown, *.txt)."


@pytest.mark.parametrize(
    ("name", "converter"),
    [("a.odt", "pandoc"), ("a.XLSX", "markitdown")],
)
def test_a_file_of_another_format_names_a_converter(tmp_path: Path, name: str, converter: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF")
    assert re.search(rf"{name} is no Markdown; convert it first, .*{converter}", fails(tmp_path / name))


def test_two_files_of_one_name_are_both_named(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.md").write_text("text")
    with pytest.raises(CorpusError, match=r"x/a\.md and .*y/a\.md are both named a\.md"):
        read_sources([tmp_path / "x", tmp_path / "y"])
    assert [source.name for source in read_sources([tmp_path])] == ["x/a.md", "y/a.md"]


def test_the_same_path_given_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    assert [source.name for source in read_sources([tmp_path / "a.md", tmp_path / "a.md"])] == ["a.md"]


def test_a_file_that_changes_while_it_is_used_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# before\n")
    (source,) = read_sources([path])
    assert (source.characters, source.text) == (9, "# before\n")
    path.write_text("# after\n")
    with pytest.raises(CorpusError, match=r"a\.md has just been changed; run the command again\."):
        _ = source.text


# --- documents that are converted ------------------------------------------------------------------------------------


def test_a_document_is_a_source_by_its_own_name_and_its_text_is_markdown(tmp_path: Path) -> None:
    (tmp_path / "docs" / "part").mkdir(parents=True)
    (tmp_path / "docs" / "part" / "a.html").write_text(as_html(ENGLISH), "utf-8")
    (tmp_path / "docs" / "b.md").write_text("# B\n")
    markdown, page = read_sources([tmp_path / "docs"], into=tmp_path / "converted")
    assert (markdown.name, markdown.markdown, markdown.converter) == ("b.md", None, "")
    assert page.name == "part/a.html"
    assert page.markdown == tmp_path / "converted" / "part" / "a.html.md"
    assert page.text == page.markdown.read_text("utf-8")
    assert page.converter.startswith("markitdown ")


def test_of_a_folder_a_document_that_cannot_be_read_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# A\n")
    write_scan(tmp_path / "docs" / "b.pdf")
    said: list[str] = []
    sources = read_sources([tmp_path / "docs"], into=tmp_path / "converted", say=said.append)
    assert [source.name for source in sources] == ["a.md"]
    assert said[-1].startswith(f"Passed over: {tmp_path / 'docs' / 'b.pdf'} holds pictures of pages and no text")
    with pytest.raises(CorpusError, match="holds pictures of pages and no text"):
        read_sources([tmp_path / "docs" / "b.pdf"], into=tmp_path / "converted")
    (tmp_path / "docs" / "a.md").unlink()
    with pytest.raises(CorpusError, match="docs holds no document that can be read"):
        read_sources([tmp_path / "docs"], into=tmp_path / "converted")


def test_a_document_beside_its_markdown_is_passed_over(tmp_path: Path) -> None:
    for name in ("a.md", "a.pdf", "b.docx", "b.docx.md"):
        (tmp_path / name).write_text("# Text\n")
    assert [source.name for source in read_sources([tmp_path], into=tmp_path / "converted")] == ["a.md", "b.docx.md"]
    assert passed_over([tmp_path], tmp_path / "converted").startswith("Passed over 2 files (1 .pdf, 1 .docx): ")


def test_what_runs_keep_of_documents_is_no_source_of_a_folder_around_them(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(as_html(ENGLISH), "utf-8")
    into = tmp_path / "runs" / "r" / "converted"
    for _ in range(2):
        assert [source.name for source in read_sources([tmp_path], into=into)] == ["a.html"]
    assert [source.name for source in read_sources([tmp_path], into=tmp_path / "runs" / "s" / "converted")] == [
        "a.html"
    ]
    assert passed_over([tmp_path], into) == ""


def test_without_the_extra_a_document_says_what_installs_it(
    tmp_path: Path, without_converter: Callable[[], None]
) -> None:
    write_pdf(tmp_path / "a.pdf", CHINESE)
    without_converter()
    with pytest.raises(CorpusError) as caught:
        read_sources([tmp_path / "a.pdf"], into=tmp_path / "converted")
    assert str(caught.value) == (
        f"{tmp_path / 'a.pdf'} is no Markdown; to have it converted, {install_command('convert')}."
    )
