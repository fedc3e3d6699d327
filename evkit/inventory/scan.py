"""An inventory of an image: its partition table, then each volume in a child of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import b64, to_fields
from evkit.core.progress import SILENT, Progress
from evkit.inventory.coverage import Coverage
from evkit.inventory.runner import EngineStoppedError, Limits, messages
from evkit.inventory.source import open_source
from evkit.manifest import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.store import Writer
    from evkit.inventory.wire import Message

_UNKNOWN = {"type": "unknown", "state": "unreadable", "reason": "not-looked-at"}
_ROWS = {"name", "directory", "stream", "error"}
_BUDGET_BASE = 64 << 30  # bytes a hostile volume may make us read beyond 4 times its size


@dataclass(frozen=True, kw_only=True)
class Target:
    """An image to be inventoried.

    Attributes:
        paths: absolute paths of its segments in order.
        name: how the source is called in the inventory (bytes of a file name, or a reference).
        acquisition: `CASE/E1/A1`, or None.
        digests: digests recorded for the decoded medium, by algorithm.
        sector_size: bytes, 0 when not known.
        unread: (offset, length) of ranges that could not be read when the image was made.
    """

    paths: Sequence[bytes]
    name: bytes
    acquisition: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    sector_size: int = 0
    unread: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to inventory.

    Attributes:
        hashes: digest names.
        types: determine file types.
        limits: what a child may use.
        command: another program instead of the engine (tests).
    """

    hashes: tuple[str, ...] = ("md5", "sha256")
    types: bool = True
    limits: Limits = field(default_factory=Limits)
    command: Sequence[str] | None = None


class ImageScan:
    """Writes the rows of one image.

    Args:
        target: the image.
        options: how.
        writer: takes the rows.
        progress: told bytes digested.

    Attributes:
        engines: versions and applied limits, as the children told them.
    """

    def __init__(
        self, target: Target, options: Options, writer: Writer, progress: Progress = SILENT
    ) -> None:
        self._target = target
        self._options = options
        self._writer = writer
        self._progress = progress
        self._size = open_source(target.paths).size
        self.coverage = Coverage(self._size)
        self.engines: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """Write all rows and return the coverage row, which is the last."""
        self._add_source()
        self._progress.begin("inventory", None)
        volumes = self._partitions()
        done = 0
        for number, place in enumerate(volumes, 1):
            done += self._volume(number, place, done)
        self._progress.end("inventory", done)
        row = self.coverage.row()
        self._writer.add(row)
        return row

    def _add(self, row: dict[str, Any]) -> int:
        number = self._writer.add(row)
        self.coverage.take(row)
        return number

    def _add_source(self) -> None:
        target = self._target
        row: dict[str, Any] = {
            "row": "source",
            "kind": "image",
            **to_fields(target.name, "name"),
            "size": self._size,
        }
        if target.sector_size:
            row["sector_size"] = target.sector_size
        if target.digests:
            row["digests"] = dict(target.digests)
        if target.acquisition:
            row["acquisition"] = target.acquisition
        self._add(row)

    def _request(self, task: str, size: int, more: Mapping[str, Any]) -> dict[str, Any]:
        limits = self._options.limits
        return {
            "task": task,
            "paths": [b64(path) for path in self._target.paths],
            "sector_size": self._target.sector_size,
            "types": self._options.types,
            "limits": {
                "memory": limits.memory,
                "cpu": limits.cpu_for(size),
                "files": limits.files + len(self._target.paths),
            },
            **more,
        }

    def _partitions(self) -> list[tuple[int, int, int]]:
        """Write the partition rows; return (partition, offset, size) of what may hold files."""
        parts: list[dict[str, Any]] = []
        try:
            for message in self._ask(self._request("table", 1 << 30, {}), self._options):
                if message.kind == "part":
                    parts.append(self._part(message.fields))
                elif message.kind == "row":
                    self._add_error(message.fields)
        except EngineStoppedError as error:
            self._stopped(error, {"stage": "table"})
        if not parts:
            parts = [
                self._part({"kind": "whole", "table": "none", "offset": 0, "size": self._size})
            ]
        covered = _union([(p["offset"], p["size"]) for p in parts if p["kind"] != "metadata"])
        gaps = _complement(covered, self._size)
        table = str(parts[0]["table"])
        parts += [
            {"row": "partition", "kind": "gap", "table": table, "offset": offset, "size": size,
             "state": "ok"}
            for offset, size in gaps
        ]  # fmt: skip
        parts.sort(key=lambda part: (part["offset"], part["kind"] == "gap", -part["size"]))
        volumes: list[tuple[int, int, int]] = []
        for number, part in enumerate(parts, 1):
            self._add({**part, "partition": number})
            if part["kind"] in {"partition", "whole"} and part["size"]:
                volumes.append((number, part["offset"], part["size"]))
        self.coverage.partition_bytes(
            sum(size for _, size in covered), sum(size for _, size in gaps)
        )
        return volumes

    def _add_error(self, fields: dict[str, Any]) -> None:
        if fields.get("row") != "error":
            raise EngineStoppedError("engine-garbage", "a row that it may not send")
        self._add(fields)

    def _part(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Make a partition row (without its number) and clip it to the image."""
        allowed = {"kind", "table", "offset", "size", "description", "description_b64", "slot",
                   "table_number"}  # fmt: skip
        row: dict[str, Any] = {"row": "partition", "state": "ok"}
        row |= {key: value for key, value in fields.items() if key in allowed}
        offset, size = row.get("offset"), row.get("size")
        if type(offset) is not int or type(size) is not int or offset < 0 or size < 0:
            raise EngineStoppedError("engine-garbage", "a partition without a place")
        if offset + size > self._size:
            missing = offset + size - max(self._size, offset)
            row |= {"state": "damaged", "reason": "beyond-end-of-image"}
            row["detail"] = f"{missing} of {size} bytes are missing"
            row["offset"] = min(offset, self._size)
            row["size"] = max(self._size - offset, 0)
        try:
            rows.check({**row, "partition": 1})
        except InputError as error:
            raise EngineStoppedError("engine-garbage", error.message) from error
        return row

    def _volume(self, fs: int, place: tuple[int, int, int], before: int) -> int:
        """Write the rows of one volume, its own row last; returns the bytes digested."""
        partition, offset, size = place
        request = self._request(
            "volume",
            size,
            {
                "fs": fs,
                "offset": offset,
                "size": size,
                "hashes": list(self._options.hashes),
                "budget": 4 * size + _BUDGET_BASE,
                "unread": [list(item) for item in self._target.unread],
            },
        )
        start = {"row": "filesystem", "fs": fs, "partition": partition, "offset": offset}
        taker = _VolumeRows(self._add, self._writer, fs, start | _UNKNOWN | {"size": size})
        try:
            for message in self._ask(request, self._options):
                taker.take(message)
                if message.kind == "beat":
                    self._progress.update("inventory", before + max(taker.done, message.number))
        except (EngineStoppedError, InputError) as error:
            if isinstance(error, InputError):  # a row that is not one
                error = EngineStoppedError("engine-garbage", error.message)
            self._stopped(error, {"stage": "engine", "fs": fs})
            taker.spoil(error.reason)
        self._add(taker.filesystem())
        return taker.done

    def _ask(self, request: Mapping[str, Any], options: Options) -> Iterator[Message]:
        for message in messages(request, options.limits, options.command):
            if message.kind == "info":
                for key in ("engine", "types", "limits"):
                    value = message.fields.get(key)
                    if isinstance(value, str) and (key != "types" or value != "off"):
                        self.engines[key] = value[:300]
            else:
                yield message

    def _stopped(self, error: EngineStoppedError, where: Mapping[str, Any]) -> None:
        self._add({"row": "error", **where, "reason": error.reason, "detail": error.detail})


class _VolumeRows:
    """Takes what a child says about one volume; keeps its own row until the end is known."""

    def __init__(
        self,
        add: Callable[[dict[str, Any]], int],
        writer: Writer,
        fs: int,
        row: dict[str, Any],
    ) -> None:
        self._add, self._writer, self._fs = add, writer, fs
        self._row = row
        self._stream = -1
        self._spoiled = ""
        self.done = 0

    def take(self, message: Message) -> None:
        """Take one message; raises EngineStoppedError or InputError for what may not be."""
        if message.kind == "fs":
            self._facts(message.fields)
        elif message.kind == "row":
            self._take_row(message.fields)
        elif message.kind == "type" and self._stream >= 0:
            self._writer.add_type(self._stream, message.text)
            self._stream = -1
        elif message.kind != "beat":
            raise EngineStoppedError("engine-garbage", f"an unexpected `{message.kind}`")

    def spoil(self, reason: str) -> None:
        """Remember that the volume was not listed to its end."""
        self._spoiled = reason

    def filesystem(self) -> dict[str, Any]:
        """Return the row of the file system."""
        if self._spoiled:
            more = {"state": "damaged", "reason": self._spoiled, "detail": "not listed to its end"}
            return self._row | more
        return self._row

    def _facts(self, fields: dict[str, Any]) -> None:
        if {"row", "fs", "partition", "offset"} & fields.keys():
            raise EngineStoppedError("engine-garbage", "facts that are not for it to say")
        keep = ("row", "fs", "partition", "offset", "size")
        row = {key: self._row[key] for key in keep} | fields
        rows.check(row)
        self._row = row

    def _take_row(self, fields: dict[str, Any]) -> None:
        if fields.get("row") not in _ROWS or fields.get("fs") != self._fs:
            raise EngineStoppedError("engine-garbage", "a row that it may not send")
        number = self._add(fields)
        self._stream = -1
        if fields["row"] == "stream" and fields["state"] == "ok":
            self._stream = number
            self.done += fields["bytes_digested"]
        elif fields.get("stage") == "engine":
            self.spoil(fields["reason"])


def _union(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Merge (offset, length) ranges that touch or overlap."""
    merged: list[list[int]] = []
    for offset, length in sorted(ranges):
        if not length:
            continue
        if merged and offset <= merged[-1][0] + merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], offset + length - merged[-1][0])
        else:
            merged.append([offset, length])
    return [(offset, length) for offset, length in merged]


def _complement(ranges: Sequence[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Return the gaps between merged ranges within [0, size)."""
    found: list[tuple[int, int]] = []
    at = 0
    for offset, length in ranges:
        if offset > at:
            found.append((at, offset - at))
        at = max(at, offset + length)
    if at < size:
        found.append((at, size - at))
    return found
