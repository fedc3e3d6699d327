"""Finding entries."""

from __future__ import annotations

import os

import inventorykit as kit
import pytest

from evkit.core.errors import UsageError
from evkit.inventory.search.find import Criteria, entries, parse_digest, parse_sizes, show_time


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("find")
    tree = folder / "tree"
    tree.mkdir()
    for name, content in (
        (b"Report.TXT", b"one"), (b"report-2.txt", b"two!"), (b"copy.txt", b"one"),
        (b"=HYPERLINK(1).txt", b"f"), ("نوٹ.txt".encode(), b"urdu"), (b'q",\r\n.txt', b"q"),
        (b"-1\xff", b"bad"), (b"@x", b"at"), (b"\tx", b"tab"),
    ):  # fmt: skip
        with open(os.path.join(os.fsencode(tree), name), "wb") as handle:
            handle.write(content)
    made = kit.scan(tree, folder / "i.db")
    yield made
    made.close()


def _paths(inventory, **criteria):
    return {entry.shown for entry in entries(inventory, Criteria(**criteria))}


def test_by_name_ignoring_case(inventory):
    assert _paths(inventory, name="report*") == {"/Report.TXT", "/report-2.txt"}
    assert _paths(inventory, name="REPORT.txt") == {"/Report.TXT"}


def test_by_digest_size_and_path(inventory):
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert _paths(inventory, digest=digest) == {"/Report.TXT", "/copy.txt"}
    assert _paths(inventory, digest=digest, name="copy*") == {"/copy.txt"}
    assert _paths(inventory, size=(3, 3), path="/co") == {"/copy.txt"}
    assert _paths(inventory, size=(4, 4)) == {"/report-2.txt", "/نوٹ.txt"}
    assert _paths(inventory, size=(0, 1)) == {"/=HYPERLINK(1).txt", '/q",\\x0d\\x0a.txt'}
    assert _paths(inventory, type="text/*", name="copy*") == {"/copy.txt"}
    assert _paths(inventory, deleted=True) == set()


@pytest.mark.parametrize(
    ("text", "value"),
    [("4096", (4096, 4096)), ("1kB..2KiB", (1000, 2048)), ("..5", (0, 5)), ("7..", (7, 2**53))],
)
def test_sizes(text, value):
    assert parse_sizes(text) == value


@pytest.mark.parametrize("text", ["", "x", "5..4", "-1", "1..2..3"])
def test_bad_sizes(text):
    with pytest.raises(UsageError):
        parse_sizes(text)


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "a" * 63])
def test_bad_digests(text):
    with pytest.raises(UsageError):
        parse_digest(text)


def test_times_out_of_the_calendar_are_still_shown():
    assert show_time("1078084677513052800", "utc") == "2004-02-29T19:57:57.513052800Z"
    assert show_time("-9223372036854775807", "utc").startswith("1677")
    assert show_time("0", "local-unknown") == "1970-01-01T00:00:00.000000000"
