"""The tables of an inventory file, and the short keys by which rows are found again.

A row's own bytes are the only place where a fact stands. The key tables hold short copies for
looking rows up; whoever finds a row through them compares the row itself.
"""

from __future__ import annotations

import binascii
import itertools
import struct
import zlib
from itertools import repeat
from typing import TYPE_CHECKING, Final

from evkit.manifest.rowfacts import ALGORITHMS, Alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from evkit.manifest.rowfacts import Facts, Judged

SCHEMA = "evkit/inventory/2"
PART_SCHEMA = "evkit/inventory-part/1"
_PREFIX: Final = 15  # hex digits of a digest that are its key: 60 bits

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (n INTEGER PRIMARY KEY, salt BLOB NOT NULL, row TEXT NOT NULL);
CREATE TABLE engine_rows (n INTEGER PRIMARY KEY, salt BLOB NOT NULL, row TEXT NOT NULL);
CREATE TABLE name_keys (n INTEGER PRIMARY KEY, fs INTEGER, inode INTEGER, name INTEGER);
CREATE TABLE stream_keys (n INTEGER PRIMARY KEY, fs INTEGER, inode INTEGER, size INTEGER,
  md5 INTEGER, sha1 INTEGER, sha256 INTEGER, sha512 INTEGER);
CREATE TABLE other_keys (n INTEGER PRIMARY KEY, kind TEXT);
CREATE TABLE state_keys (n INTEGER PRIMARY KEY, kind TEXT, state TEXT);
CREATE TABLE type_keys (n INTEGER PRIMARY KEY, stream INTEGER, mime TEXT);
"""
INDEXES = """
CREATE INDEX name_by_name ON name_keys (name);
CREATE INDEX name_by_inode ON name_keys (fs, inode);
CREATE INDEX stream_by_inode ON stream_keys (fs, inode);
CREATE INDEX stream_by_size ON stream_keys (size);
CREATE INDEX stream_by_md5 ON stream_keys (md5) WHERE md5 IS NOT NULL;
CREATE INDEX stream_by_sha1 ON stream_keys (sha1) WHERE sha1 IS NOT NULL;
CREATE INDEX stream_by_sha256 ON stream_keys (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX stream_by_sha512 ON stream_keys (sha512) WHERE sha512 IS NOT NULL;
CREATE INDEX other_by_kind ON other_keys (kind);
CREATE INDEX state_by_kind ON state_keys (kind, state);
CREATE INDEX type_by_stream ON type_keys (stream);
CREATE INDEX type_by_mime ON type_keys (mime);
"""
VIEWS = """
CREATE VIEW names AS SELECT n, json_extract(row,'$.fs') AS fs, json_extract(row,'$.inode') AS inode,
  json_extract(row,'$.seq') AS seq, json_extract(row,'$.path') AS path,
  json_extract(row,'$.name') AS name, json_extract(row,'$.type') AS type,
  json_extract(row,'$.allocated') AS allocated, json_extract(row,'$.reallocated') AS reallocated,
  CAST(json_extract(row,'$.times.m') AS INTEGER) AS mtime_ns, json_extract(row,'$.zone') AS zone
  FROM name_keys JOIN rows USING (n);
CREATE VIEW streams AS SELECT n, json_extract(row,'$.fs') AS fs,
  json_extract(row,'$.inode') AS inode, json_extract(row,'$.seq') AS seq,
  json_extract(row,'$.attr') AS attr, json_extract(row,'$.attr_id') AS attr_id,
  json_extract(row,'$.name') AS name, json_extract(row,'$.size') AS size,
  json_extract(row,'$.basis') AS basis, json_extract(row,'$.state') AS state,
  json_extract(row,'$.digests.md5') AS md5, json_extract(row,'$.digests.sha1') AS sha1,
  json_extract(row,'$.digests.sha256') AS sha256
  FROM stream_keys JOIN rows USING (n);
"""
KEY_TABLES = {"name_keys": 4, "stream_keys": 8, "other_keys": 2, "state_keys": 3}  # columns


def name_key(name: bytes) -> int:
    """Return the key of a file name: CRC-32 of its UTF-8 with the case folded."""
    folded = name.lower() if name.isascii() else name.decode("utf-8").casefold().encode("utf-8")
    return zlib.crc32(folded)


def digest_key(digest: bytes | str | None) -> int | None:
    """Return the key of a digest in hex: the number of its first 15 digits."""
    return None if digest is None else int(digest[:_PREFIX], 16)


def keys(first: int, facts: Iterable[Facts]) -> tuple[list[tuple[object, ...]], ...]:
    """Return what the `KEY_TABLES` hold for rows that follow each other.

    Args:
        first: number of the first row.
        facts: of the rows.
    """
    found: tuple[list[tuple[object, ...]], ...] = ([], [], [], [])
    names, streams, others, states = found
    for number, row in enumerate(facts, first):
        kind = row[0]
        if kind == "name":
            names.append((number, row[1], row[2], name_key(row[11])))
        elif kind == "stream":
            size = row[9]
            digests = [key and int(key[:_PREFIX], 16) for key in row[12:16]]
            streams.append((number, row[1], row[2], size if size >= 0 else None, *digests))
        else:
            others.append((number, kind))
        if row[4] and row[4] != "ok":
            states.append((number, kind, row[4]))
    return found


def keys_of(first: int, judged: Judged) -> Iterator[Iterable[tuple[object, ...]]]:
    """Yield the same as `keys`, table by table, faster where rows are alike.

    Args:
        first: number of the first row.
        judged: what is said of the rows.
    """
    found: tuple[list[Iterable[tuple[object, ...]]], ...] = ([], [], [], [])
    names, streams, _, _ = found
    for part in judged.parts:
        if not isinstance(part, Alike):
            for table, values in zip(found, keys(first, part), strict=True):
                table.append(values)
        elif part.kind == "name":
            names.append(_names(first, part))
        else:
            streams.append(_streams(first, part))
        first += len(part)
    return map(itertools.chain.from_iterable, found)


def _names(first: int, part: Alike) -> Iterable[tuple[object, ...]]:
    names = part.names
    plain = b"".join(names).isascii()
    found = map(zlib.crc32, map(bytes.lower, names)) if plain else map(name_key, names)
    return zip(itertools.count(first), repeat(part.fs), map(int, part.inodes), found, strict=False)


def _streams(first: int, part: Alike) -> Iterable[tuple[object, ...]]:
    columns = [_digest_keys(part.digests.get(name)) for name in ALGORITHMS]
    numbers = itertools.count(first), repeat(part.fs), map(int, part.inodes), map(int, part.sizes)
    return zip(*numbers, *columns, strict=False)


def _digest_keys(digests: Sequence[bytes] | None) -> Iterable[int | None]:
    """Return the `digest_key` of many: 15 digits behind a zero are eight bytes."""
    if digests is None:
        return repeat(None)
    text = b"".join([b"0" + digest[:_PREFIX] for digest in digests])
    return struct.unpack(f">{len(digests)}Q", binascii.unhexlify(text))
