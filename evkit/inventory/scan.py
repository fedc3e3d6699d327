"""An inventory of an image (its table, then each volume in a child of its own) or of files."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import b64, to_fields
from evkit.core.progress import SILENT, Progress
from evkit.core.ranges import merge
from evkit.inventory.coverage import Coverage
from evkit.inventory.orphans import BYTES
from evkit.inventory.parts import MAX_PARTS, divide, members, part_row
from evkit.inventory.runner import EngineStoppedError, Limits
from evkit.inventory.schedule import Settings
from evkit.inventory.schedule import ask as ask_engine
from evkit.inventory.taker import VolumeTaker
from evkit.inventory.trees.insides import Insides
from evkit.manifest import rowaccept, rows
from evkit.manifest.rowfacts import Alike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.schedule import Stored
    from evkit.inventory.taker import Sink
    from evkit.inventory.wire import Message
    from evkit.manifest.rowfacts import Facts

_BUDGET_BASE = 64 << 30  # bytes a hostile volume may make us read beyond 4 times its size
_UNKNOWN = {"type": "unknown", "state": "unreadable", "reason": "not-looked-at"}
_TASK = "inventory"


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is inventoried.

    Attributes:
        name: how the source is called in the inventory (bytes of a file name, or a reference).
        paths: absolute paths of the segments of an image in order; empty for files.
        root: folder of files, or of an acquisition of files; empty for an image.
        listed: the list of an intake (`files.jsonl`), or None.
        single: name of the one file in `root` that is meant, empty for all.
        acquisition: `CASE/E1/A1`, or None.
        digests: digests recorded for the decoded medium or the list, by algorithm.
        unread: (offset, length) of ranges that could not be read when the image was made.
    """

    name: bytes
    paths: Sequence[bytes] = ()
    root: bytes = b""
    listed: bytes | None = None
    single: bytes = b""
    acquisition: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    unread: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to inventory.

    Attributes:
        hashes: digest names.
        types: determine file types.
        archives: look into archives and mail among files.
        orphans: list at most so many records to which no name leads; 0 leaves them out.
        orphan_bytes: read at most so many bytes of their contents in a volume.
        slack: digest what lies between the end of a file and the end of its blocks.
        unallocated: digest free blocks, gaps, and what lies behind a file system.
        limits: what a child may use.
        jobs: children of a volume at most; 0 for as many as there are processors.
        command: another program instead of the engine (tests).
    """

    hashes: tuple[str, ...] = ("md5", "sha256")
    types: bool = True
    archives: bool = True
    orphans: int = 0
    orphan_bytes: int = BYTES
    slack: bool = False
    unallocated: bool = False
    limits: Limits = field(default_factory=Limits)
    jobs: int = 0
    command: Sequence[str] | None = None

    def settings(self, stored: Stored | None = None) -> Settings:
        """Return how the engine is run.

        Args:
            stored: what an earlier run kept.
        """
        return Settings(limits=self.limits, command=self.command, jobs=self.jobs, stored=stored)


class Scan:
    """Writes the rows of one target.

    Args:
        target: the image or the files.
        options: how.
        writer: takes the rows.
        progress: told bytes digested.
        ask: answers the requests to the engine, None for children of its own.

    Attributes:
        coverage: the totals so far.
        engines: versions and applied limits, as the children told them.
        differing: entries of an intake's list whose content is not the recorded one.
    """

    def __init__(
        self,
        target: Target,
        options: Options,
        writer: Sink,
        progress: Progress = SILENT,
        ask: Callable[[Mapping[str, Any]], Iterator[Message]] | None = None,
    ) -> None:
        self._target = target
        self._options = options
        self._engine = ask or functools.partial(ask_engine, settings=options.settings(writer))
        self._writer = writer
        self._progress = progress
        self._image: dict[str, Any] = {}
        self._members: dict[tuple[int, int], int] = {}
        self.coverage = Coverage()
        self.engines: dict[str, str] = {}
        self.differing: list[int] = []
        self._insides: Insides | None = None

    def run(self) -> dict[str, Any]:
        """Write all rows and return the coverage row, which is the last.

        Raises:
            InputError: the image cannot be opened at all.
        """
        self._progress.begin(_TASK, None)
        done = self._files() if self._target.root else self._volumes()
        self._progress.end(_TASK, done)
        row = self.coverage.row()
        self._writer.add_bytes(rows.encode(row), rowaccept.facts_of(row))
        return row

    def _add(self, row: dict[str, Any]) -> None:
        facts = rowaccept.facts_of(row)
        self._writer.add_bytes(rows.encode(row), facts)
        self._count((facts,))

    def _count(self, found: Sequence[Facts] | Alike) -> None:
        if isinstance(found, Alike):
            self.coverage.take_alike(found)
            return
        self.coverage.take_all(found)
        self.differing += [row[2] for row in found if row[5] == "differs-from-record"]

    def _add_source(self, kind: str) -> None:
        target = self._target
        row: dict[str, Any] = {"row": "source", "kind": kind, **to_fields(target.name, "name")}
        if kind == "image":
            row["size"] = self._image["size"]
            if self._image["sector_size"]:
                row["sector_size"] = self._image["sector_size"]
        if target.digests:
            row["digests"] = dict(target.digests)
        if target.acquisition:
            row["acquisition"] = target.acquisition
        self._add(row)

    def _files(self) -> int:
        self._add_source("tree")
        more: dict[str, Any] = {
            "root": b64(self._target.root), "hashes": list(self._options.hashes), "fs": 1,
            "archives": self._options.archives, "stored": self._writer.resumed,
        }  # fmt: skip
        if self._target.listed is not None:
            more["list"] = b64(self._target.listed)
        if self._target.single:
            more["single"] = b64(self._target.single)
        if not self._options.archives:
            self.engines["archives"] = "no"
        self._insides = Insides(self._writer, self._count, self._ask, self._inside)
        request = self._request("tree", 1 << 40, more)
        done = self._take(request, {"fs": 1, "offset": 0, "size": 0}, 0)
        return done + self._insides.run(lambda number: self._progress.update(_TASK, done + number))

    def _inside(self, task: str, size: int, more: Mapping[str, Any]) -> dict[str, Any]:
        return self._request(task, size, {"hashes": list(self._options.hashes), **more})

    def _volumes(self) -> int:
        parts, error = self._table()
        if not self._image:
            raise InputError("the image cannot be opened", details={"because": error})
        self._add_source("image")
        if error:
            self._add({"row": "error", "stage": "table", "reason": "table-not-read",
                       "detail": error})  # fmt: skip
        size = self._image["size"]
        if not parts:
            whole = {"kind": "whole", "table": "none", "offset": 0, "size": size}
            parts = [part_row(whole, size)]
        division = divide(parts, size)
        self.coverage.image_bytes(size, division.covered, division.gaps)
        for row in division.rows:
            self._add(row)
        places = [
            (row["partition"], row["offset"], row["size"], member)
            for row in division.rows
            if row["kind"] in {"partition", "whole"} and row["size"]
            for member in range(1, self._members.get((row["offset"], row["size"]), 1) + 1)
        ]
        done = 0
        for number, place in enumerate(places, 1):
            done += self._volume(number, place, done)
        if self._options.unallocated:
            self._gaps([row for row in division.rows if row["kind"] == "gap"])
        return done

    def _gaps(self, gaps: Sequence[Mapping[str, Any]]) -> None:
        """Digest what lies in no partition."""
        size = sum(row["size"] for row in gaps)
        request = self._request(
            "gaps",
            size,
            {
                "hashes": list(self._options.hashes),
                "budget": size,
                "gaps": [[row["partition"], row["offset"], row["size"]] for row in gaps],
                "unread": self._unread(),
            },
        )
        reason, detail = "", ""
        try:
            for message in self._ask(request) if gaps else ():
                if message.kind == "row" and message.fields.get("row") in {"space", "error"}:
                    self._add(message.fields)
                elif message.kind != "beat":
                    reason, detail = "engine-garbage", f"an unexpected `{message.kind}`"
                    break
        except EngineStoppedError as error:
            reason, detail = error.reason, error.detail
        except InputError as error:
            reason, detail = "engine-garbage", error.message
        if reason:
            self._add({"row": "error", "stage": "gaps", "reason": reason, "detail": detail})

    def _unread(self) -> list[list[int]]:
        return [list(item) for item in merge([*self._target.unread, *self._image["gaps"]])]

    def _table(self) -> tuple[list[dict[str, Any]], str]:
        """Return the partitions without gaps, and what went wrong, if anything did."""
        parts: list[dict[str, Any]] = []
        problem = ""
        try:
            for message in self._ask(self._request("table", 1 << 30, {"sector_size": 0})):
                if message.kind == "image" and not self._image:
                    self._image = _image_facts(message.fields)
                elif message.kind == "part" and self._image and len(parts) < MAX_PARTS:
                    part = part_row(message.fields, self._image["size"])
                    self._members[part["offset"], part["size"]] = members(message.fields)
                    parts.append(part)
                elif message.kind == "row" and message.fields.get("row") == "error":
                    problem = str(message.fields.get("detail", ""))[:400] or "not said"
                elif message.kind != "beat":
                    problem = f"engine-garbage: an unexpected `{message.kind}`"
                    break
        except EngineStoppedError as error:
            problem = f"{error.reason}: {error.detail}"
        return parts, problem

    def _volume(self, fs: int, place: tuple[int, int, int, int], before: int) -> int:
        """Write the rows of one volume, its own row last; returns the bytes digested."""
        partition, offset, size, member = place
        request = self._request(
            "volume",
            size,
            {
                "sector_size": self._image["sector_size"],
                "fs": fs,
                "offset": offset,
                "size": size,
                "member": member,
                "hashes": list(self._options.hashes),
                "budget": 4 * size + _BUDGET_BASE,
                "orphans": self._options.orphans,
                "orphan_bytes": self._options.orphan_bytes,
                "slack": self._options.slack,
                "unallocated": self._options.unallocated,
                "unread": self._unread(),
            },
        )
        own = {"fs": fs, "partition": partition, "offset": offset, "size": size}
        return self._take(request, own, before)

    def _take(self, request: Mapping[str, Any], own: Mapping[str, Any], before: int) -> int:
        trees = request["task"] == "tree"
        taker = VolumeTaker(self._writer, self._count, {"row": "filesystem", **own, **_UNKNOWN})
        try:
            for message in self._ask(request):
                if trees and message.kind == "row":  # the row before it has its type by now
                    self._writer.checkpoint()
                if message.kind == "archive" and self._insides is not None:
                    if taker.stream >= 0 or not self._writer.resumed:  # a kept one may be damaged
                        self._insides.found(taker.stream, message.fields)
                    continue
                taker.take(message)
                if message.kind == "beat":
                    self._progress.update(_TASK, before + max(taker.done, message.number))
        except (EngineStoppedError, InputError) as error:
            if isinstance(error, InputError):  # a row that is not one
                error = EngineStoppedError("engine-garbage", error.message)
            row = {"row": "error", "stage": "engine", "fs": own["fs"], "reason": error.reason}
            self._add({**row, "detail": error.detail})
            taker.spoil(error.reason)
        self._add(taker.filesystem())
        if taker.orphans:
            self.coverage.orphans(taker.orphans)
        self._writer.checkpoint()
        return taker.done

    def _request(self, task: str, size: int, more: Mapping[str, Any]) -> dict[str, Any]:
        limits, segments = self._options.limits, self._target.paths
        allowed = {
            "memory": limits.memory,
            "cpu": limits.cpu_for(size),
            "files": limits.files + len(segments),
        }
        return {
            "task": task,
            "paths": [b64(path) for path in segments],
            "types": self._options.types,
            "limits": allowed,
            **more,
        }

    def _ask(self, request: Mapping[str, Any]) -> Iterator[Message]:
        for message in self._engine(request):
            if message.kind != "info":
                yield message
                continue
            for key in ("engine", "libraries", "types", "limits"):
                value = message.fields.get(key)
                if isinstance(value, str) and (key != "types" or value != "off"):
                    self.engines[key] = value[:300]
                    if key != "limits":
                        self._writer.remember(key, value[:300])


def _image_facts(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the medium that a child sent, each checked."""
    size, sector, gaps = fields.get("size"), fields.get("sector_size"), fields.get("gaps")
    top = 2**53
    good = type(size) is int and 0 <= size < top and type(sector) is int and 0 <= sector < top
    if not good or not isinstance(gaps, list):
        raise EngineStoppedError("engine-garbage", "a medium without a size")
    found: list[tuple[int, int]] = []
    for item in gaps:
        if not (isinstance(item, list) and [type(part) for part in item] == [int, int]):
            raise EngineStoppedError("engine-garbage", "a gap without a place")
        found.append((item[0], item[1]))
    return {"size": size, "sector_size": sector, "gaps": found}
