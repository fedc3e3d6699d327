"""Inventories made of rows, and readers that take each export back to names and values."""

from __future__ import annotations

import base64
import csv
import io
import os
import re
from pathlib import Path

from evkit.core.paths import to_fields
from evkit.inventory.database.reader import Inventory
from evkit.inventory.database.store import Writer
from evkit.inventory.exports.formats import parts_of
from evkit.inventory.exports.job import Job
from evkit.manifest.rows import _KINDS as row_kinds

DFXML = "{http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML}"
OWN = "{urn:evkit:dfxml:1}"
HOSTILE = (
    b"=cmd|' /C calc'!A0", b"a;=1+1", b"b,-2", b'q"=3', b"'quoted", b"''x", b" =4", b"\xc2\xa0+5",
    "＝全".encode(), "x;－1".encode(), b"tab\there", b"line\nbreak", b"cr\rhere", b"pipe|name",
    b"100%41.txt", b"back\\slash", b"\\x0a", b"esc\x1b[31m", b"nul-less\x01", b"bad\xff\xfe",
    "half\udcff".encode("utf-8", "surrogateescape"), b"\xed\xa0\x80", "نوٹ.txt".encode(),
    "photo_\u202egpj.exe".encode(), "\ufeffbom".encode(), "\ufffe\uffff".encode(),
    "\u2028sep\u0085".encode(), b"]]><!--", b"<b>&amp;", b"x (deleted)", b"y (deleted-realloc)",
    b"z ($FILE_NAME)", b"l -> m", b"a:b", b"# comment", b"%", b"-1", b"@x", "𝟘emoji😀".encode(),
    "a\u0301".encode(), "\u00e1".encode(), b"{}", b"%7C", b" ", b"trailing ", b"CON", b"..x",
)  # fmt: skip
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u\{([0-9a-f]+)\})")


def source(**more) -> dict:
    return {"row": "source", "kind": "image", "name": "disk.raw", "size": 1 << 20, **more}


def filesystem(fs=1, **more) -> dict:
    return {"row": "filesystem", "fs": fs, "type": "ext4", "offset": 4096, "size": 1 << 19,
            "state": "ok", **more}  # fmt: skip


def name(path: bytes, inode: int, **more) -> dict:
    last = path.rpartition(b"/")[2]
    return {"row": "name", "fs": 1, "inode": inode, "seq": 0, **to_fields(path),
            **to_fields(last, "name"), "parent": 2, "type": "file", "allocated": True,
            "state": "ok", **more}  # fmt: skip


def stream(inode: int, **more) -> dict:
    row = {"row": "stream", "fs": 1, "inode": inode, "seq": 0, "attr": 1, "attr_id": 0, "size": 3,
           "bytes_digested": 3, "basis": "allocated", "state": "ok",
           "digests": {"md5": f"{inode:032x}", "sha256": f"{inode:064x}"},
           "extents": [[8192, 3]], **more}  # fmt: skip
    return {field: value for field, value in row.items() if value is not None}


def space(**more) -> dict:
    return {"row": "space", "what": "unallocated", "derived": "bitmap", "fs": 1, "size": 512,
            "bytes_digested": 512, "digests": {"md5": "0" * 32}, "extents": [[16384, 512]],
            "zeros": True, "state": "ok", **more}  # fmt: skip


def made(path: Path, rows: list[dict], types: dict[int, str] | None = None) -> Inventory:
    """Write rows with a coverage row after them, and open the inventory."""
    kinds = [row["row"] for row in rows]
    groups = {name: {} for name in row_kinds["coverage"][1] - {"result", "errors"}}
    coverage = groups | {
        "row": "coverage", "result": "complete", "bytes": {"image": 1 << 20},
        "filesystems": {}, "directories": {}, "names": {"listed": kinds.count("name")},
        "streams": {"listed": kinds.count("stream")}, "spaces": {"listed": kinds.count("space")},
        "errors": kinds.count("error"),
    }  # fmt: skip
    with Writer(os.fsencode(path)) as writer:
        for row in (*rows, coverage):
            writer.add(row)
        for number, mime in (types or {}).items():
            writer.add_type(number, mime)
        writer.finish({"engine": "libtsk 4.15.0, pytsk3 1", "hashes": "md5,sha256"})
    return Inventory(os.fsencode(path))


def hostile(path: Path) -> Inventory:
    """An inventory whose names, streams, short names and link targets are all hostile."""
    rows = [source(), filesystem(), name(b"/", 2, type="directory")]
    for number, text in enumerate(HOSTILE, 10):
        rows += [
            name(b"/" + text, number, **to_fields(text[:8], "short")),
            stream(number),
            stream(number, attr=2, **to_fields(text, "name")),
        ]
        rows.append(name(b"/d/" + text, 1000 + number, type="symlink", **to_fields(text, "target")))
    return made(path, rows)


def data(inventory: Inventory, kind: str) -> bytes:
    """The bytes of an export; made twice, which must give the same."""
    first, second = (b"".join(parts_of(kind)(Job(inventory))) for _ in range(2))
    assert first == second
    return first


def unescape(text: str) -> bytes:
    """Take back `core.text.escape_bytes`."""

    def back(match: re.Match) -> str:
        if match[1]:
            code = int(match[1], 16)
            return chr(code if code < 0x80 else 0xDC00 + code)
        return chr(int(match[2], 16)) if match[2] else "\\"

    return _ESCAPED.sub(back, text).encode("utf-8", "surrogateescape")


def table(raw: bytes) -> list[dict[str, str]]:
    """The lines of the CSV."""
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8"), newline="")))


def body(raw: bytes) -> list[list[str]]:
    """The fields of a bodyfile's lines."""
    lines = raw.decode("utf-8").removesuffix("\n").split("\n")
    return [line.split("|") for line in lines if not line.startswith("#")]


def files(raw: bytes) -> list:
    """The file objects of a DFXML document."""
    from lxml import etree

    return list(etree.fromstring(raw).iter(f"{DFXML}fileobject"))


def exact(item, field: str = "filename") -> bytes | None:
    """The bytes of a name of a file object."""
    coded = item.findtext(f"{OWN}{field}_b64")
    text = item.findtext(f"{DFXML}{field}")
    if coded is not None:
        return base64.b64decode(coded, validate=True)
    return None if text is None else text.encode("utf-8")


def schema(vectors: Path):
    """The XML schema of DFXML 2.0.0-beta.0."""
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(vectors / "dfxml" / "dfxml.xsd")))


def frame(raw: bytes):
    """The Parquet export as (table, metadata)."""
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(pa.BufferReader(raw))
    return file.read(), file.schema_arrow.metadata
