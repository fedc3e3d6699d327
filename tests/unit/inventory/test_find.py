"""Finding entries, and the exports."""

from __future__ import annotations

import csv
import io
import os

import inventorykit as kit
import pytest

from evkit.core.errors import RefusedError, UsageError
from evkit.inventory.export import COLUMNS, csv_lines, export, safe_cell
from evkit.inventory.find import Criteria, entries, parse_digest, parse_sizes, show_time
from evkit.manifest import rows
from evkit.merkle.tree import root


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


def test_the_json_lines_prove_themselves(inventory, tmp_path):
    path = os.fsencode(tmp_path / "x.jsonl")
    count = export(inventory, "jsonl", path)
    leaves = {False: [], True: []}
    with open(path, "rb") as handle:
        for line in handle:
            engine, number, salt, row = rows.parse_export_line(line)
            assert number == len(leaves[engine])
            leaves[engine].append(rows.row_leaf(salt, row))
    assert count == len(leaves[False]) + len(leaves[True])
    assert root(leaves[False]).hex() == inventory.meta["row_root"]
    assert root(leaves[True]).hex() == inventory.meta["engine_root"]
    with pytest.raises(RefusedError):
        export(inventory, "jsonl", path)


def test_the_csv_is_safe_and_whole(inventory):
    raw = b"".join(csv_lines(inventory))
    assert raw.count(b"\r\n") == raw.count(b"\n")
    table = list(csv.DictReader(io.StringIO(raw.decode("utf-8"), newline="")))
    assert tuple(table[0]) == COLUMNS
    kinds = [line["row"] for line in table]
    assert kinds.count("entry") == 10
    assert {"source", "filesystem", "directory", "coverage"} <= set(kinds)
    for line in table:
        for cell in line.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert "\n" not in cell
            assert "\r" not in cell
    digests = [line["sha256"] for line in table if line["sha256"]]
    assert len(digests) == 9
    assert all(line["basis"] for line in table if line["sha256"])
    assert any(line["path"] == "/نوٹ.txt" for line in table)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_disarmed(text):
    assert safe_cell(text).startswith("'")
    assert safe_cell("1" + text.strip()).startswith("1")
