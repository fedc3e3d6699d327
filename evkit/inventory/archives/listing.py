"""Rows of one archive: its members as `name` and `stream` rows, digested while they pass.

Nothing is unpacked to a disk. An archive inside is listed right after the row of the stream that
holds it: where it lies when that can be read at random, else from memory, else in a second pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.core.text import escape
from evkit.inventory.archives.caps import CapError, ReadError, words_of
from evkit.inventory.archives.oddnames import oddities
from evkit.inventory.archives.packages import Names
from evkit.inventory.archives.sink import Sink
from evkit.inventory.archives.stated import Stated

if TYPE_CHECKING:
    from evkit.inventory.archives.content import Content
    from evkit.inventory.archives.entries import Entry, Source
    from evkit.inventory.archives.job import Job

READ = 1 << 18


class Archive:
    """One archive while it is listed.

    Args:
        job: what all of one file share.
        content: its bytes.
        kind: `zip`, `tar`, …
        depth: 1 for a file of the tree.

    Attributes:
        count: members so far; the number of the last one.
        note: what a reader of the archive's row must know although nothing is wrong.
        stated: what the archive states of its own members.
    """

    def __init__(self, job: Job, content: Content, kind: str, depth: int = 1) -> None:
        self.job, self.content, self.kind, self.depth = job, content, kind, depth
        self.fs = job.next_fs()
        self.count = 0
        self.note = ""
        self._seen: dict[int, int] = {}
        self._names = Names()
        self.stated = Stated(job.hashes, self.fs, self.number_of)

    def run(self) -> None:
        """Send all rows, the archive's own last.

        Raises:
            CapError: a cap was reached; the rows so far stand.
        """
        send = self.job.sender
        send.send("archive", {"fs": self.fs, "type": self.kind, "size": self.content.size})
        capped: CapError | None = None
        state: dict[str, Any] = {"state": "ok"}
        try:
            self.job.budget.deep(self.depth)
            self.job.reader_of(self.kind)(self)
        except CapError as error:
            capped, state = error, error.fields()
        except ReadError as error:
            state = error.fields()
        except (MemoryError, RecursionError) as error:
            state = ReadError("engine-memory", type(error).__name__, "unreadable").fields()
        except OSError as error:
            state = ReadError("read-error", escape(error.strerror or ""), "unreadable").fields()
        except Exception as error:  # noqa: BLE001 - a reader of hostile bytes; a row, not an end
            state = ReadError("engine-error", words_of(error)).fields()
        if self.note and "detail" not in state:
            state["detail"] = self.note
        for package in self._names.found():
            self.stated.package(package)
            self.stated.numbered(package.name, self.number_of(package.name))
        for row in self.stated.finish():
            send.row(row)
        top: dict[str, Any] = {
            "row": "directory", "fs": self.fs, "inode": 0, "seq": 0, "path": "/",
            "allocated": True, "entries": self.count, **state,
        }  # fmt: skip
        send.row(top)
        send.send("fs", {"type": self.kind, "size": self.content.size, **state})
        if capped is not None:
            raise capped

    def member(self, entry: Entry) -> int:
        """Send the name of a member and return its number.

        Raises:
            CapError: there are too many.
        """
        budget = self.job.budget
        budget.member()
        self.count += 1
        row = self._name(entry)
        self._names.add(entry.path)
        self.job.sender.row(row)
        self.job.sender.beat(budget.done)
        return self.count

    def inside(self, content: Content, kind: str) -> None:
        """List an archive in this one, right after the row of the stream that holds it."""
        Archive(self.job, content, kind, self.depth + 1).run()

    def number_of(self, path: bytes) -> int:
        """Return the number of an earlier member of this name, or 0."""
        return self._seen.get(hash(path), 0)

    def add(self, entry: Entry, source: Source) -> Sink:
        """Send a member and its content, read to the end unless `source` says why not.

        Raises:
            CapError: a cap was reached.
        """
        sink = Sink(self, self.member(entry), entry, source)
        problem = source.problem
        if problem is None and source.open is not None:
            try:
                reader = source.open()
                while block := reader.read(READ):
                    sink.write(block)
            except ReadError as error:
                problem = error
            except MemoryError:
                problem = ReadError("engine-memory", "", "unreadable")
        sink.end(problem)
        if isinstance(problem, CapError):
            raise problem
        return sink

    def error(self, reason: str, detail: str, path: bytes = b"") -> None:
        """Send an error row: something of the archive that belongs to no member."""
        row: dict[str, Any] = {
            "row": "error", "fs": self.fs, "stage": "archive", "reason": reason, "detail": detail,
        }  # fmt: skip
        self.job.sender.row(row | (to_fields(path) if path else {}))

    def _name(self, entry: Entry) -> dict[str, Any]:
        path, most = entry.path, self.job.budget.caps.name
        problem = entry.problem
        if len(path) > most:
            path = path[:most]
            problem = ReadError("name-too-long", f"{len(entry.path)} bytes, the first are shown")
        shown = path[:-1] if entry.type == "directory" and path.endswith(b"/") else path
        row: dict[str, Any] = {
            "row": "name", "fs": self.fs, "inode": self.count, "seq": 0, **to_fields(b"/" + shown),
            **to_fields(shown.rpartition(b"/")[2], "name"), "parent": entry.parent,
            "type": entry.type, "allocated": True, "state": "ok",
        }  # fmt: skip
        if entry.times:
            row["times"] = {key: str(value) for key, value in entry.times.items()}
            row |= {"zone": entry.zone, "resolution": dict.fromkeys(entry.times, entry.step)}
        for key in ("mode", "uid", "gid"):
            value = getattr(entry, key)
            if value is not None:
                row[key] = value
        if entry.target is not None:
            row |= to_fields(entry.target[:most], "target")
        found = oddities(entry.path, entry.target)
        if entry.note is not None:
            found.append(entry.note)
        first = self._seen.setdefault(hash(entry.path), self.count)
        if first != self.count:
            found.insert(0, ("duplicate-name", f"as member {first}"))
        if found:
            row["reason"] = found[0][0]
            row["detail"] = "; ".join(text for _, text in found)
        if problem is not None:
            row |= problem.fields()
        return row
