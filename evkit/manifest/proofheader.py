"""The header of a proof of origin: which fields it has, their limits and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import unb64
from evkit.core.refs import is_ref
from evkit.hashing import pieces
from evkit.manifest.rows import MAX_EXTENTS, MAX_ROW, SALT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = "evkit/proof-of-origin/1"
EXTENTS, VALID, RESIDENT, STORED, FILE = READINGS = (
    "extents", "valid-length", "resident", "stored", "file",
)  # fmt: skip
HASH: Final = 32
MAX_HEADER: Final = 32 << 20
MAX_LEAVES: Final = 1 << 22  # entries of the ledger
MAX_ROWS: Final = 5  # source, file system, name, stream, $MFT
MAX_ENTRIES: Final = 10_000
MAX_RANGES: Final = 2 * MAX_EXTENTS
MAX_ROW_HASHES: Final = 1 << 10  # two for each level of the tree beside each row
MAX_HASHES: Final = 1 << 22
MAX_BLOCKS: Final = 1 << 22  # 64 GiB
_ACQUISITION_PARTS = 3
_KEYS = frozenset(
    {"acquisition", "block_hashes", "blocks", "checkpoint", "end", "entries", "inventory", "leaves",
     "officers", "other_bytes", "reading", "root", "row_hashes", "rows", "schema", "size",
     "statement", "stream"}
)  # fmt: skip
_OPTIONAL = frozenset({"crl", "name"})
_HEX = frozenset("0123456789abcdef")


def check_header(header: Mapping[str, Any]) -> None:
    """Accept the header of a proof or raise InputError."""
    if not _KEYS <= header.keys() <= _KEYS | _OPTIONAL or header["schema"] != SCHEMA:
        raise InputError("the header of the proof has other fields than it should")
    for name in ("size", "end", "inventory", "stream", "other_bytes", "name"):
        if name in header and not _count(header[name]):
            raise InputError(f"`{name}` of the proof is not a number")
    limits = {"leaves": MAX_LEAVES, "row_hashes": MAX_ROW_HASHES, "block_hashes": MAX_HASHES}
    for name, most in limits.items():
        if not _count(header[name], most):
            raise InputError(f"`{name}` of the proof is not a number up to {most}")
    for name in ("checkpoint", "statement", "root", *(["crl"] if "crl" in header else [])):
        if not isinstance(header[name], str):
            raise InputError(f"`{name}` of the proof is not text")
    ref = header["acquisition"]
    whole = isinstance(ref, str) and is_ref(ref) and ref.count("/") == _ACQUISITION_PARTS - 1
    if not whole or header["reading"] not in READINGS:
        raise InputError("the acquisition or the reading of the proof is not one")
    _check_rows(header)
    _check_entries(header)
    _check_blocks(header)


def _check_rows(header: Mapping[str, Any]) -> None:
    rows = header["rows"]
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_ROWS:
        raise InputError(f"a proof holds 1 to {MAX_ROWS} rows")
    before = -1
    for row in rows:
        good = isinstance(row, dict) and row.keys() == {"n", "row", "salt"} and _count(row["n"])
        if not good or not isinstance(row["row"], str) or not isinstance(row["salt"], str):
            raise InputError("a row of the proof is not number, row and salt")
        if len(unb64(row["salt"])) != SALT_BYTES or len(row["row"]) > MAX_ROW:
            raise InputError("a row of the proof has another salt or is too long")
        if row["n"] <= before:
            raise InputError("the rows of the proof are not in the order of their numbers")
        before = row["n"]
    numbers = {row["n"] for row in rows}
    if not {header["stream"], header.get("name", header["stream"])} <= numbers:
        raise InputError("the row that the proof is about is not in it")


def _check_entries(header: Mapping[str, Any]) -> None:
    entries, officers = header["entries"], header["officers"]
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise InputError(f"a proof holds at most {MAX_ENTRIES} entries")
    before = -1
    for item in entries:
        good = isinstance(item, dict) and item.keys() == {"entry", "envelope"}
        if not good or not _count(item["entry"]) or not isinstance(item["envelope"], str):
            raise InputError("an entry of the proof is not index and envelope")
        if item["entry"] <= before:
            raise InputError("the entries of the proof are not in order")
        before = item["entry"]
    if not {header["end"], header["inventory"]} <= {item["entry"] for item in entries}:
        raise InputError("an entry that the proof rests on is not in it")
    if not isinstance(officers, dict) or len(officers) > MAX_ENTRIES:
        raise InputError("the officers of the proof are not certificates by fingerprint")
    for key, text in officers.items():
        if len(key) != 2 * HASH or not _HEX.issuperset(key) or not isinstance(text, str):
            raise InputError("the officers of the proof are not certificates by fingerprint")


def _check_blocks(header: Mapping[str, Any]) -> None:
    blocks, size = header["blocks"], header["size"]
    if not isinstance(blocks, list) or len(blocks) > MAX_RANGES:
        raise InputError(f"a proof holds at most {MAX_RANGES} runs of blocks")
    before, total = -1, 0
    for run in blocks:
        if not isinstance(run, list) or [type(part) for part in run] != [int, int]:
            raise InputError("a run of blocks is not first block and number")
        first, count = run
        if not before < first or count <= 0:
            raise InputError("the runs of blocks are not in order with a block between them")
        before = first + count
        total += count
    if before > pieces.block_count(size) or total > MAX_BLOCKS:
        raise InputError("there are more blocks than the medium or a proof has")
    whole = [[0, pieces.block_count(size)]] if size else []
    if header["reading"] == FILE and (blocks != whole or header["block_hashes"]):
        raise InputError("a proof of a file that was taken in holds the file and no more")


def _count(value: object, most: int = ejson.MAX_INT) -> bool:
    return type(value) is int and 0 <= value <= most
