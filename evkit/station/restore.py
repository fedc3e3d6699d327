"""Reading a backup: every file is checked against the list before anything is used."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from evkit.core import durable, ejson
from evkit.core.errors import CheckFailedError, InputError
from evkit.core.limits import MAX_SMALL_FILE, read_file, read_stream
from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes
from evkit.merkle.tree import HASH_SIZE, is_size
from evkit.station import backup, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 20
_PRIVATE = b"keys/"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a backup says about itself.

    Attributes:
        origin, size, root: the head of the ledger in it.
        files: size and SHA-256 by name.
    """

    origin: str
    size: int
    root: bytes
    files: dict[bytes, tuple[int, str]]


def unpack(source: bytes, target: bytes) -> Listing:
    """Copy a backup (tar or folder) into the folder `target`, every file checked.

    Args:
        source: the backup.
        target: an empty folder.

    Raises:
        InputError: it is not a backup, or holds names it must not.
        CheckFailedError: a file is missing, unlisted, or not the one that was backed up.
    """
    listing = parse_listing(_read_list(source))
    seen: set[bytes] = set()
    for name, handle in _members(source):
        if name == backup.LIST:
            continue
        if name not in listing.files or name in seen:
            raise _failed(source, name, "is not in the backup's list, or is in the backup twice")
        seen.add(name)
        if _copy(handle, name, target) != listing.files[name]:
            raise _failed(source, name, "is not the file that was backed up")
    for name in sorted(listing.files.keys() - seen):
        raise _failed(source, name, "is missing")
    return listing


def parse_listing(data: bytes) -> Listing:
    """Read `backup.json`.

    Raises:
        InputError: it is not one.
    """
    value = ejson.as_object(ejson.loads(data), "the backup's list")
    rows = value.get("files")
    if value.get("schema") != backup.SCHEMA or not isinstance(rows, list):
        raise InputError(f"the backup's list is not `{backup.SCHEMA}`")
    files: dict[bytes, tuple[int, str]] = {}
    for row in rows:
        row = ejson.as_object(row, "a row of the backup's list")  # noqa: PLW2901 - the same, checked
        name, size, digest = from_fields(row), row.get("size"), row.get("sha256")
        if not _safe(name) or not is_size(size) or not isinstance(digest, str) or name in files:
            raise InputError(f"the backup's list holds a bad row for `{escape_bytes(name)}`")
        files[name] = (size, digest)
    origin, size = value.get("origin"), value.get("size")
    try:
        root = bytes.fromhex(str(value.get("root")))
    except ValueError:
        root = b""
    if not isinstance(origin, str) or not is_size(size) or len(root) != HASH_SIZE:
        raise InputError("the backup's list does not name the head of its ledger")
    if layout.LEDGER not in files or layout.CONFIG not in files:
        raise InputError("the backup lacks the ledger or the configuration")
    return Listing(origin=origin, size=size, root=root, files=files)


def _safe(name: bytes) -> bool:
    """Say whether a name stays inside the folder and can be in a backup."""
    parts = name.split(b"/")
    inside = not any(part in {b"", b".", b".."} for part in parts)
    return inside and b"\0" not in name and b"\\" not in name and name != backup.LIST


def _read_list(source: bytes) -> bytes:
    if os.path.isdir(source):
        return read_file(os.path.join(source, backup.LIST))
    for name, handle in _members(source):
        if name == backup.LIST:
            return read_stream(handle, MAX_SMALL_FILE, "backup.json")
    raise InputError(f"`{escape_bytes(source)}` is not a backup: it holds no `backup.json`")


def _members(source: bytes) -> Iterator[tuple[bytes, BinaryIO]]:
    """Yield name and content of every file; InputError for anything else than plain files."""
    if os.path.isdir(source):
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    raise InputError(f"`{escape_bytes(path)}` is not a plain file")
                with open(path, "rb") as handle:
                    yield os.path.relpath(path, source), handle
        return
    try:
        with contextlib.closing(tarfile.open(os.fsdecode(source), "r:")) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                name = os.fsencode(member.name)
                if content is None or (name != backup.LIST and not _safe(name)):
                    raise InputError(f"the backup holds `{escape_bytes(name)}`, not a plain file")
                yield name, cast("BinaryIO", content)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"`{escape_bytes(source)}` is not a readable tar file: {error}") from error


def _copy(handle: BinaryIO, name: bytes, target: bytes) -> tuple[int, str]:
    path = os.path.join(target, name)
    durable.make_dir(os.path.dirname(path), 0o755)
    digest, size = hashlib.sha256(), 0
    with durable.NewFile(path, mode=_mode(name)) as writer:
        while block := handle.read(_BLOCK):
            digest.update(block)
            size += len(block)
            writer.write(block)
        writer.commit()
    return size, digest.hexdigest()


def _mode(name: bytes) -> int:
    if name.startswith(_PRIVATE) or name.endswith(layout.LEDGER):
        return 0o600
    if name.startswith(layout.CASES + b"/"):
        return 0o444
    return 0o644


def _failed(source: bytes, name: bytes, what: str) -> CheckFailedError:
    return CheckFailedError(
        f"`{escape_bytes(name)}` of the backup `{escape_bytes(source)}` {what}",
        hint="use another backup; this one was changed or is damaged",
    )
