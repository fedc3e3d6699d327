r"""Files in which an export states digests of its other files.

Layouts as published, none of them specified by its maker:

- Cellebrite `.ufd`: an ini file, ASCII or UTF-16 with a mark, sections `[General]` (`UfdVer`,
  `AcquisitionTool`), `[Dumps]` (part = file), `[SHA256]` (file = hex), `[Hash]` (an HMAC that only
  the maker's programs can check). Synthetic but true-to-form files in the tests of an open-source
  viewer (Apache-2.0, `UfdVer` 1.2) and the header of the MIT-licensed CORE-FFX `ufed` module.
  Sections `[MD5]` and `[SHA1]` are read the same way; they were not seen.
- Cellebrite UFDR: a zip with `report.xml` (namespace `http://pa.cellebrite.com/report/2.0`); its
  `taggedFiles/file/metadata/item` elements named `Local Path`, `MD5`, `SHA256` state digests of
  members, with backslashes in the path. Format notes of DFIRScience/UFDR2DIR (MIT) and test data
  of a public Rust reader.
- lists as of `md5sum` and BSD `digest`, and tables (CSV) with a column of names and one of digests,
  as providers send them.

Not seen: a `.ufd` of a physical extraction in parts, digests in other codings than hex.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Protocol

from evkit.core.text import escape
from evkit.inventory.archives.claims import MOST, Claim, raw
from evkit.inventory.archives.ufdr import Report

SIZE = 16 << 20  # bytes of one that is kept in memory
_SUM = re.compile(rb"\\?([0-9A-Fa-f]{32,128}) [ *](.+)")
_BSD = re.compile(rb"(?:MD5|SHA1|SHA256|SHA512) ?\((.+)\) = ([0-9A-Fa-f]{32,128})")
_SECTION = re.compile(r"\[([^\]]{1,64})\]")
_DIGEST_COLUMN = re.compile(r"(?:hash)?(md5|sha1|sha256|sha512)(?:hash|sum|checksum|digest|value)?")
_NAME_COLUMNS = ("filename", "filepath", "file", "path", "fullpath", "name")
_SUM_ENDS = (b".md5", b".sha1", b".sha256", b".sha512")
_SUM_NAMES = (b"md5sums", b"sha1sums", b"sha256sums", b"sha512sums")


class Statement(Protocol):
    """Takes the bytes of a file that may state digests."""

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""

    def close(self) -> Claim | None:
        """Return what it says, None when it states nothing."""


def statement_of(path: bytes) -> Statement | None:
    """Return what reads a file of this name, None when its name does not speak of digests."""
    name = path.rpartition(b"/")[2].lower()
    if name == b"report.xml":
        return Report()
    if name.endswith(b".ufd"):
        return Kept("ufd")
    if name.endswith(_SUM_ENDS) or name.startswith(_SUM_NAMES):
        return Kept("sums")
    if name.endswith(b".csv"):
        return Kept("csv")
    return None


class Kept:
    """A statement that is read when all of it is there.

    Args:
        form: `ufd`, `sums` or `csv`.
    """

    def __init__(self, form: str) -> None:
        self._form, self._data, self._over = form, bytearray(), False

    def feed(self, block: bytes) -> None:
        """Take the next bytes; a table whose first line is none is let go."""
        if self._over or len(self._data) + len(block) > SIZE:
            self._over, self._data = True, bytearray()
            return
        self._data += block
        if self._form == "csv" and len(self._data) >= 4096 and _columns(self._data) is None:  # noqa: PLR2004
            self._over, self._data = True, bytearray()

    def close(self) -> Claim | None:
        """Return what it says."""
        data = bytes(self._data)
        if self._form == "ufd":
            return Claim("cellebrite-ufd", detail="too large") if self._over else read_ufd(data)
        if self._over:
            return None
        return read_sums(data) if self._form == "sums" else read_table(data)


def read_ufd(data: bytes) -> Claim | None:
    """Read a `.ufd`, None when it is something else of that name."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    sections: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] = []
    for line in text.splitlines():
        if match := _SECTION.fullmatch(line.strip()):
            current = sections.setdefault(match[1].strip().lower(), [])
        elif "=" in line and len(current) <= MOST:
            key, _, value = line.partition("=")
            current.append((key.strip(), value.strip()))
    general = {key.lower(): value for key, value in sections.get("general", [])}
    if "dumps" not in sections and "ufdver" not in general:
        return None
    claim = Claim("cellebrite-ufd", tool=escape(general.get("acquisitiontool", ""))[:200])
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        for name, value in sections.get(algorithm, []):
            claim.add(raw(name), value, algorithm)
    known = {name for name, _, _ in claim.digests} | set(claim.unstated)
    parts = {raw(value).replace(b"\\", b"/") for _, value in sections.get("dumps", []) if value}
    claim.unstated += sorted(parts - known)
    if any(key.lower() == "hmac" for key, _ in sections.get("hash", [])):
        claim.detail = "its HMAC can only be checked by the maker's programs"
    return claim


def read_sums(data: bytes) -> Claim | None:
    """Read a list as of md5sum, None when no line is one of such a list."""
    claim = Claim("digest-list")
    for line in data.splitlines():
        if match := _SUM.fullmatch(line):
            claim.add(match[2], match[1].decode("ascii"))
        elif match := _BSD.fullmatch(line):
            claim.add(match[1], match[2].decode("ascii"))
    return claim if claim.digests else None


def read_table(data: bytes) -> Claim | None:
    """Read a table with a column of names and at least one of digests, None for any other."""
    columns = _columns(data)
    if columns is None:
        return None
    named, hashed = columns
    claim = Claim("digest-table")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    try:
        for number, line in enumerate(csv.reader(io.StringIO(text, newline=""))):
            if not number or len(line) <= named or not line[named]:
                continue
            for column, algorithm in hashed:
                if column < len(line) and line[column]:
                    claim.add(raw(line[named]), line[column], algorithm)
    except csv.Error:
        claim.detail = "the table is damaged"
    return claim if claim.digests else None


def _columns(data: bytes | bytearray) -> tuple[int, list[tuple[int, str]]] | None:
    """Return the column of names and those of digests, from the first line."""
    first = bytes(data[:4096]).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    try:
        line = next(csv.reader([first.decode("utf-8", "replace")]), [])
    except csv.Error:
        return None
    plain = ["".join(c for c in cell.lower() if c.isalnum()) for cell in line]
    hashed = [(at, m[1]) for at, cell in enumerate(plain) if (m := _DIGEST_COLUMN.fullmatch(cell))]
    named = next((plain.index(name) for name in _NAME_COLUMNS if name in plain), None)
    return (named, hashed) if named is not None and hashed else None
