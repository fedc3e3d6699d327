"""Files that cannot be read now, and sources of evidence beside a bundle."""

from __future__ import annotations

import bundlekit
import pytest

from evkit.core.errors import InputError
from evkit.manifest.tree import FolderTree, MemoryTree, Unreadable
from evkit.verify import page
from evkit.verify.bundle import verify_bundle
from evkit.verify.report import CONTENT, UNDECIDED, Report
from evkit.verify.sources import ChainSource, Keeper, TreeSource


class Failing(MemoryTree):
    """A tree in which one file cannot be read."""

    def __init__(self, files, bad, error):
        super().__init__(files, "test")
        self._bad, self._error = bad, error

    def open(self, name):
        if name == self._bad:
            raise self._error
        return super().open(name)


@pytest.mark.parametrize(
    "name",
    ["data/exhibits/K-7/E1/A1/image.raw", "README.txt", "data/exhibits/K-7/E2/A1/files/000001"],
)
def test_a_file_that_cannot_be_read_is_undecided(name):
    ledger, data = bundlekit.full()
    tree = Failing(ledger.bundle(**data), name, Unreadable("cannot read"))
    report = verify_bundle(tree, bundlekit.with_anchor(ledger))
    assert report.answer(CONTENT) == UNDECIDED
    assert report.unreadable == 1
    assert report.exit_code == 5


def test_a_damaged_zip_entry_is_a_failure():
    ledger = bundlekit.small()
    tree = Failing(ledger.bundle(), "README.txt", InputError("CRC"))
    assert verify_bundle(tree, bundlekit.with_anchor(ledger)).exit_code == 4


def source(files, shared=None):
    return TreeSource(MemoryTree(files), Report("x", "bundle"), shared=shared or {})


def test_files_are_found_by_the_end_of_their_path():
    files = {"a/C/E1/A1/x": b"1", "E2/A1/x": b"22", "A7/x": b"333", "y": b"4444"}
    found = source(files)
    assert found.place("C/E1/A1", "x") == "a/C/E1/A1/x"
    assert found.size("C/E2/A1", "x") == 2
    assert found.place("C/E9/A7", "x") == "A7/x"
    assert found.place("C/E1/A1", "y") == "y"
    assert found.place("C/E1/A1", "z") is None
    keeper = Keeper(3)
    assert len(found.digest("C/E9/A7", "x", keeper)) == 64
    assert keeper.data == b"333"
    found.digest("C/E1/A1", "y", small := Keeper(3))
    assert small.data is None


def test_an_ambiguous_name_is_not_guessed():
    assert source({"a/x": b"", "b/x": b""}).place("C/E1/A1", "x") is None
    assert source({"x": b""}, {"x": 2}).place("C/E1/A1", "x") is None
    assert source({"p/E1/A1/x": b"", "q/E1/A1/x": b""}).place("C/E1/A1", "x") is None


@pytest.mark.parametrize(
    "path",
    ["K-7/E4/A1/x", "E4/A1/x", "2026-1/E2/A1/x", "second/2026-1/E2/A1/x", "K-7/E2/A3/x", "A3/x"],
)
def test_a_file_in_the_folder_of_another_acquisition_is_not_taken(path):
    assert source({path: b""}).place("K-7/E2/A1", "x") is None


@pytest.mark.parametrize("path", ["stick/E2/A1/x", "stick/A1/x", "E2/A1/x", "stick/x"])
def test_a_file_in_a_plain_folder_is_taken(path):
    assert source({path: b"", "K-7/E4/A1/x": b""}).place("K-7/E2/A1", "x") == path


def test_sources_in_order():
    chain = ChainSource([source({"a": b"1"}), source({"a": b"22", "b": b"3"})])
    assert chain.size("C/E1/A1", "a") == 1
    assert chain.place("C/E1/A1", "b") == "b"
    assert chain.place("C/E1/A1", "c") is None
    assert chain.digest("C/E1/A1", "c") is None


def test_a_folder_that_is_too_deep(tmp_path):
    deep = tmp_path / "/".join("d" * 70)
    deep.mkdir(parents=True)
    with pytest.raises(InputError, match="nested"):
        FolderTree(str(tmp_path))
    with pytest.raises(InputError, match="not a folder"):
        FolderTree(str(tmp_path / "absent"))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE html>\n<html lang="en"><body><p class="x">a &lt; b</p></body></html>',
        '<style>\np { color: red; }\n</style><td class="num" dir="ltr">1</td><br>',
        "plain text with src=x and onclick=y and javascript: and url(x)",
    ],
)
def test_plain_pages(text):
    assert page.refused(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>", "<SCRIPT>", "<p onclick='x'>", "<p  class=\"x\">", "<p class=x>", "<p/>",
        "<img>", "<a>", "<meta content=\"x\">", "<!-- -->", "<?x?>", "<![CDATA[", "a < b", "<",
        "<p\n>", "<style>@import 'x'</style>", "<style>p{background:URL (x)}</style>",
        "<style>p{a:\\75rl(x)}</style>", "<style media=\"x\">", "</p >", "<!doctype html>",
    ],
)  # fmt: skip
def test_pages_that_are_refused(text):
    assert page.refused(text)


def test_digests_are_collected_anywhere():
    value = {"a": ["x " + "ab" * 32, {"b": "cd" * 32}], "c": "ef" * 33, "d": 1}
    assert page.digests_in(value) == {"ab" * 32, "cd" * 32}
