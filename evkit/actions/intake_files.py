"""Taking in files and folders: neutral names, one list, digests on the way."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import expect, taking
from evkit.acquire.imaging import COMPLETE, WITH_GAPS, Artifact
from evkit.core import durable
from evkit.core.errors import UsageError
from evkit.core.text import escape_bytes
from evkit.hashing.digests import MultiDigest
from evkit.hashing.reading import reason
from evkit.hashing.rows import Row as HashRow
from evkit.ledger.event import Subject
from evkit.manifest import filelist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from evkit.acquire.expect import Table
    from evkit.acquire.stopping import Stop
    from evkit.acquire.taking import Content, Found
    from evkit.actions.intake_job import Job, Taken
    from evkit.core.progress import Progress

FOLDER = b"files"
LIST = filelist.NAME.encode()
_BUFFER = 1 << 20
_NAMED = 5  # changed files that are named one by one


class _List:
    """Writes the list of files and digests it."""

    def __init__(self, path: bytes) -> None:
        self._file = durable.NewFile(path, mode=0o444)
        self._digest = MultiDigest(("sha256", "md5"))
        self._buffer = bytearray()
        self.size = 0

    def add(self, row: filelist.Row) -> None:
        """Write one row."""
        self._buffer += filelist.encode_row(row)
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def finish(self) -> dict[str, str]:
        """Give the list its name and return its digests."""
        self._flush()
        self._file.commit()
        return self._digest.digests()

    def close(self) -> None:
        """Remove the list when it was not finished."""
        self._file.__exit__(None, None, None)

    def _flush(self) -> None:
        if self._buffer:
            self.size += len(self._buffer)
            self._digest.update(self._buffer)
            self._file.write(self._buffer)
            self._buffer = bytearray()


@dataclass(frozen=True, kw_only=True)
class Copying:
    """How things are taken in.

    Attributes:
        task: name for the progress.
        names: digest algorithms.
        total: bytes that are expected.
        in_place: digest where it lies, copy nothing.
        reread: read every file twice.
        compare: called with all files when they were read, before anything has its name.
    """

    task: str
    names: Sequence[str]
    total: int
    in_place: bool = False
    reread: bool = False
    compare: Callable[[list[tuple[bytes, HashRow]]], None] | None = None


def take_files(job: Job, folder: bytes, stop: Stop, progress: Progress, taken: Taken) -> None:
    """Take everything below the paths into the acquisition folder, or digest it in place.

    Raises:
        EvkitError: the destination fails, the user stops; what was done so far is in `taken`.
    """
    request = job.request

    def compare(rows: list[tuple[bytes, HashRow]]) -> None:
        taken.table = _compare(job, rows)

    how = Copying(
        task="intake",
        names=request.names,
        total=job.total,
        in_place=request.in_place,
        reread=request.reread,
        compare=None if job.expected is None else compare,
    )
    take_each(taking.survey(request.paths), how, folder, (stop, progress), taken)


def take_each(
    things: Iterable[Found],
    how: Copying,
    folder: bytes,
    hears: tuple[Stop, Progress],
    taken: Taken,
) -> None:
    """Take things into the acquisition folder under neutral names, with their list.

    Raises:
        EvkitError: the destination fails, the user stops; what was done so far is in `taken`.
    """
    stop, progress = hears
    part = os.path.join(folder, FOLDER + durable.PART.encode())
    if not how.in_place:
        durable.make_dir(os.path.join(part), exist_ok=False)
    rows: list[tuple[bytes, HashRow]] = []
    listing = _List(os.path.join(folder, LIST))
    try:
        progress.begin(how.task, how.total)
        with stop.heard_at_once():
            for number, found in enumerate(things, 1):
                content = _content(found, None if how.in_place else part, number, how)
                row = make_row(number, found, content, copied=not how.in_place)
                listing.add(row)
                _count(row, found, taken)
                if how.compare is not None and found.type != taking.FOLDER:
                    rows.append((found.path, _hash_row(row)))
                progress.update(how.task, taken.bytes)
        progress.end(how.task, taken.bytes)
        if how.compare is not None:
            how.compare(rows)
        if not how.in_place:
            taking.name_folder(part, os.path.join(folder, FOLDER))
        digests = listing.finish()
    finally:
        listing.close()
    taken.artifacts.append(
        Artifact(name=filelist.NAME, role="list", size=listing.size, sha256=digests["sha256"])
    )
    taken.subjects.append(Subject("", {"sha256": digests["sha256"]}))
    taken.result = WITH_GAPS if taken.other.get("unreadable") else COMPLETE
    _say_unread(taken)


def make_row(number: int, found: Found, content: Content | None, *, copied: bool) -> filelist.Row:
    """Return the row of one thing; facts that could not be had are left out."""
    facts = found.facts
    state, why = taking.OK, found.error
    target = None
    if found.error is not None:
        state = taking.UNREADABLE
    elif found.type == taking.SYMLINK:
        try:
            target = os.readlink(found.path)
        except OSError as error:
            state, why = taking.UNREADABLE, reason(error)
    elif found.type == taking.SPECIAL and facts is not None:
        why = taking.special_kind(facts)
    elif content is not None:
        state, why = content.state, content.reason
    has = content is not None and content.state != taking.UNREADABLE
    digests = (content.digests or {}) if has and content else {}
    return filelist.Row(
        n=number,
        path=found.name,
        type=found.type,
        state=state,
        name=filelist.neutral_name(number) if has and copied else None,
        size=content.size if has and content else None,
        sha256=digests.get("sha256"),
        md5=digests.get("md5"),
        sha1=digests.get("sha1"),
        sha512=digests.get("sha512"),
        pieces=content.pieces.fields() if has and content and content.pieces else None,
        mode=facts.st_mode & 0o7777 if facts else None,
        uid=facts.st_uid if facts else None,
        gid=facts.st_gid if facts else None,
        mtime_ns=facts.st_mtime_ns if facts else None,
        ctime_ns=facts.st_ctime_ns if facts else None,
        atime_ns=facts.st_atime_ns if facts else None,
        target=target,
        reason=why,
    )


def _content(found: Found, part: bytes | None, number: int, how: Copying) -> Content | None:
    if found.type != taking.FILE or found.error is not None:
        return None
    target = None
    if part is not None:
        name = filelist.neutral_name(number).removeprefix("files/")
        target = os.path.join(part, name.encode("ascii"))
    return taking.take(found.path, target, how.names, reread=how.reread)


def _count(row: filelist.Row, found: Found, taken: Taken) -> None:
    if row.sha256 is not None:
        taken.files += 1
        taken.bytes += row.size or 0
    if row.type != taking.FILE:
        taken.other[row.type] = taken.other.get(row.type, 0) + 1
    if row.state != taking.OK:
        taken.other[row.state] = taken.other.get(row.state, 0) + 1
    if row.state == taking.CHANGED and taken.other[taking.CHANGED] <= _NAMED:
        taken.changed.append(f"{escape_bytes(found.name)}: {row.reason}"[:1000])


def _hash_row(row: filelist.Row) -> HashRow:
    found = {"sha256": row.sha256, "md5": row.md5, "sha1": row.sha1, "sha512": row.sha512}
    digests = {name: value for name, value in found.items() if value is not None}
    return HashRow(row.path, row.type, row.state, row.size, digests, row.target, row.reason)


def _compare(job: Job, rows: list[tuple[bytes, HashRow]]) -> Table | None:
    expected = job.expected
    if expected is None:
        return None
    if expected.known is not None:
        return expect.against_list(expected, rows, job.request.paths)
    files = [row for _, row in rows if row.type == taking.FILE]
    if len(files) != 1:
        raise UsageError(
            f"one digest was stated for {len(files)} files", hint="give a list with `--expect`"
        )
    stated = [("officer", str(expected.algorithm), str(expected.digest))]
    return expect.against_digests(stated, files[0].digests)


def _say_unread(taken: Taken) -> None:
    unread = taken.other.get(taking.UNREADABLE, 0)
    if unread:
        taken.values["unread"] = {"files": unread, "list": filelist.NAME}
        taken.remarks.append(f"{unread} things could not be read; they are rows of the list")
    more = taken.other.get(taking.CHANGED, 0) - _NAMED
    if more > 0:
        taken.changed.append(f"{more} more files changed while they were read; see the list")
