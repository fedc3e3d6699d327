"""CSV: whole, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata

import exportkit as kit
import pytest

from evkit.inventory.exports.csvtext import COLUMNS, SIGNS, safe_cell
from evkit.inventory.exports.unsaid import NOT_SAID


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    with kit.hostile(tmp_path_factory.mktemp("csv") / "i.db") as inventory:
        return kit.data(inventory, "csv")


def test_lines_and_columns(raw):
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    table = kit.table(raw)
    assert tuple(table[0]) == COLUMNS
    kinds = [line["row"] for line in table]
    assert kinds.count("entry") == 1 + 3 * len(kit.HOSTILE)
    assert {"source", "filesystem", "coverage", "about"} <= set(kinds)
    said = [line["detail"] for line in table if line["kind"] == "not-said"]
    assert tuple(said) == NOT_SAID["csv"]


def test_every_name_comes_back_exactly(raw):
    table = [line for line in kit.table(raw) if line["row"] == "entry"]
    paths = {kit.unescape(line["path"]) for line in table}
    assert {b"/" + name for name in kit.HOSTILE} <= paths
    assert {b"/d/" + name for name in kit.HOSTILE} <= paths
    assert {kit.unescape(line["stream"]) for line in table} - {b""} == set(kit.HOSTILE)
    assert {kit.unescape(line["target"]) for line in table} - {b""} == set(kit.HOSTILE)


@pytest.mark.parametrize("separator", [",", ";", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_no_reader_sees_a_formula_whatever_it_splits_at(raw, separator, quote):
    text = raw.decode("utf-8")
    for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote):
        for cell in line:
            assert cell.strip().strip(quote).strip()[:1] not in {*SIGNS, "\t"}, cell


def test_a_digest_never_stands_without_its_basis(raw):
    found = [line for line in kit.table(raw) if line["md5"] or line["sha256"]]
    assert found
    assert all(line["basis"] for line in found if line["row"] == "entry")


@pytest.mark.parametrize("sign", SIGNS)
def test_formulas_are_disarmed(sign):
    for start in ("", " ", "\u3000", "\xa0 "):
        assert sign not in safe_cell(f"{start}{sign}SUM(1)")
    for before in (";", "x,", "a | ", "'", '"', "x;\u3000"):
        assert sign not in safe_cell(f"{before}{sign}SUM(1)")
    assert safe_cell(f"a{sign}b") == f"a{sign}b"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\x00=1"])
def test_control_characters_never_begin_a_cell(text):
    assert safe_cell(text).startswith("\\x")


def test_slack_and_free_space_say_how_they_are_known(tmp_path):
    with kit.made(tmp_path / "i.db", [kit.source(), kit.filesystem(), kit.space()]) as inventory:
        lines = kit.table(kit.data(inventory, "csv"))
        rows = kit.frame(kit.data(inventory, "parquet"))[0].to_pylist()
    line = next(line for line in lines if line["row"] == "space")
    assert (line["kind"], line["basis"], line["offset"]) == ("unallocated", "bitmap", "16384")
    assert line["detail"] == "all bytes are zero"
    row = next(row for row in rows if row["row"] == "space")
    assert (row["kind"], row["basis"], row["md5"]) == ("unallocated", "bitmap", line["md5"])
    assert row["extents"] == [{"offset": 16384, "length": 512}]


def test_every_sign_that_stands_for_one_of_a_formula_is_known():
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        folded = unicodedata.normalize("NFKC", chr(code)).lstrip()
        assert folded[:1] not in {"=", "+", "-", "@"} or chr(code) in SIGNS, hex(code)
