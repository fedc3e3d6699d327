"""Small hash sets, and sources of them, for tests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
from pathlib import Path

from evkit.core.progress import SILENT
from evkit.inventory.hashsets import build, formats, model

CREATED = "2026-11-22T09:00:00.000Z"


def digests(number: int, names=("sha256", "sha1", "md5")) -> list[bytes]:
    """The digests of the content `number`."""
    return [hashlib.new(name, str(number).encode()).digest() for name in names]


def header(**more) -> model.Header:
    source = model.Source(name=b"list.txt", size=5, sha256="0" * 64, format="plain")
    values = {
        "name": "own", "category": "notable", "sensitive": False, "created": CREATED,
        "evkit": "0.1.0", "source": source, "entries": 0,
    }  # fmt: skip
    return model.Header(**(values | more))


def write(path: Path, entries, run: int = build.RUN, **more) -> build.Written:
    """Write a set of entries, each a list of raw digests."""
    with build.Builder(os.fsencode(path.parent), run) as builder:
        for entry in entries:
            builder.add(entry)
        return builder.write(os.fsencode(path), header(**more))


class Taken:
    """A builder that keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[tuple[bytes, ...]] = []
        self.left: dict[str, int] = {}

    def add(self, found) -> None:
        self.entries.append(tuple(found))

    def leave_out(self, reason: str) -> None:
        self.left[reason] = self.left.get(reason, 0) + 1


def taken(path: Path, form: str | None = None, categories=()) -> Taken:
    """What an importer makes of a file."""
    found = Taken()
    raw = os.fsencode(path)
    formats.take(raw, form or formats.recognise(raw), found, SILENT, categories)
    return found


def nsrl(path: Path, rows, *, table="FILE", version=True) -> Path:
    """Write a database as the minimal RDSv3 has it; rows are (sha256, sha1, md5, name)."""
    base = sqlite3.connect(path)
    base.execute(
        f"CREATE TABLE {table} (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL,"
        " md5 VARCHAR NOT NULL, crc32 VARCHAR, file_name VARCHAR NOT NULL,"
        " file_size INTEGER NOT NULL, package_id INTEGER NOT NULL)"
    )
    base.execute("CREATE TABLE PKG (package_id INTEGER, name VARCHAR)")
    if version:
        base.execute(
            "CREATE TABLE VERSION (version VARCHAR, build_set VARCHAR, build_date TIMESTAMP,"
            " release_date TIMESTAMP, description VARCHAR)"
        )
        base.execute("INSERT INTO VERSION VALUES ('2026.09.1', 'modern', '', '2026-09-15', 'x')")
    base.executemany(
        f"INSERT INTO {table} VALUES (?, ?, ?, 'DEADBEEF', ?, 5, 1)",
        rows,
    )
    base.commit()
    base.close()
    return path


def nsrl_row(number: int) -> tuple[str, str, str, str]:
    return (*(digest.hex().upper() for digest in digests(number)), f"file{number}.dll")


def vics(path: Path, numbers, *, version="2.0", coded=False, cases=False) -> Path:
    """Write a Project VIC list."""

    def text(digest: bytes) -> str:
        return base64.b64encode(digest).decode() if coded else digest.hex().upper()

    media = []
    for number in numbers:
        _, sha1, md5 = digests(number)
        media.append({
            "MediaID": number, "Category": number % 3, "MD5": text(md5), "SHA1": text(sha1),
            "MediaSize": 2835, "Exifs": [{"PropertyName": "Model", "PropertyValue": "}]\\\""}],
        })  # fmt: skip
    key = "@odata.context" if version == "2.0" else "odata.metadata"
    value = [{"CaseID": "c", "Media": media}] if cases else media
    path.write_text(json.dumps({key: "http://example.org/$metadata#Media", "value": value}))
    return path
