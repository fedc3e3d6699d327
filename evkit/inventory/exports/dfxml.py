"""DFXML 2.0.0-beta.0, valid against its schema, written as it goes.

An image is a `diskimageobject` with its partition table and its volumes; files are volumes alone.
What the schema has no word for stands in elements of the namespace `urn:evkit:dfxml:1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.core.paths import from_fields
from evkit.inventory.exports.dfxmlfile import objects
from evkit.inventory.exports.dfxmltext import (
    DC,
    DFXML,
    OWN,
    attrs,
    element,
    empty,
    evidence,
)  # fmt: skip
from evkit.inventory.exports.unsaid import NOT_SAID
from evkit.manifest.rows import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.inventory.exports.job import Job

VERSION = "2.0.0-beta.0"
_WRITTEN = frozenset({"source", "partition", "filesystem", "name", "stream", "coverage"})
_REST = tuple(kind for kind in KINDS if kind not in _WRITTEN)
_BYTES = ("path", "name", "description", "target", "short")


def parts(job: Job) -> Iterator[bytes]:
    """Yield the document piece by piece."""
    for text in _document(job):
        yield text.encode("utf-8")


def _document(job: Job) -> Iterator[str]:
    source = next(row for _, row in job.others("source"))
    yield "<?xml version='1.0' encoding='UTF-8'?>\n"
    names = {"xmlns": DFXML, "xmlns:dc": DC, "xmlns:ev": OWN, "version": VERSION}
    yield f"<dfxml{attrs(names)}>\n"
    yield from _header(job, source)
    image = source["kind"] == "image"
    if image:
        yield "<diskimageobject>\n"
        yield from _medium(job, source)
    yield from _volumes(job)
    if image:
        yield "</diskimageobject>\n"
    for number, row in job.others(*_REST):
        if row["row"] in {"error", "space"} or row.get("state", "ok") != "ok":
            yield _plain(number, row)
    for _, row in job.others("coverage"):
        groups = {group: part for group, part in row.items() if isinstance(part, dict)}
        counts = {f"{group}_{key}": n for group, part in groups.items() for key, n in part.items()}
        totals = {"result": row["result"], "errors": row["errors"], **counts}
        yield empty("ev:coverage", totals) + "\n"
    yield "</dfxml>\n"


def _header(job: Job, source: Mapping[str, Any]) -> Iterator[str]:
    about = job.about()
    yield "<metadata>\n" + element("dc:type", "Inventory of file systems") + "\n"
    for name, value in about.items():
        yield element("ev:about", value, {"name": name}) + "\n"
    for text in NOT_SAID["dfxml"]:
        yield element("ev:not_said", text) + "\n"
    own: list[str] = []
    out: list[str] = []
    evidence("image_filename", from_fields(source, "name"), out, own)
    yield "".join(own) + "</metadata>\n<creator>"
    yield element("program", "evkit") + element("version", __version__)
    for part in about.get("engine", "").split(", "):
        name, _, version = part.rpartition(" ")
        if name:
            yield empty("library", {"name": name, "version": version})
    yield f"</creator>\n<source>{''.join(out)}</source>\n"


def _medium(job: Job, source: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of the image: its digests, and where its partitions lie."""
    partitions = [row for _, row in job.others("partition")]
    table = [row for row in partitions if row["kind"] == "partition"]
    for row in partitions:
        if row["kind"] != "partition":
            yield _plain(None, row)
    digests = "".join(
        element("hashdigest", digest, {"type": name})
        for name, digest in source.get("digests", {}).items()
    )
    if "size" in source:
        run = attrs({"img_offset": 0, "len": source["size"]})
        yield f"<byte_runs><byte_run{run}>{digests}</byte_run></byte_runs>\n"
    if source.get("sector_size"):
        yield element("sector_size", source["sector_size"]) + "\n"
    if not table:
        return
    yield f"<partitionsystemobject>{element('pstype_str', table[0]['table'])}\n"
    for row in table:
        run = empty("byte_run", {"img_offset": row["offset"], "len": row["size"]})
        state = {f"ev:{key}": row.get(key) for key in ("partition", "table", "state", "reason")}
        yield f"<partitionobject{attrs(state)}><byte_runs>{run}</byte_runs>"
        if "slot" in row:
            yield element("partition_index", row["slot"])
        if "description" in row:
            out: list[str] = []
            evidence("ptype_str", from_fields(row, "description"), out, [])
            yield "".join(out)
        yield "</partitionobject>\n"
    yield "</partitionsystemobject>\n"


def _volumes(job: Job) -> Iterator[str]:
    """Yield the volumes with their files, in the order of the inventory."""
    volumes = {row["fs"]: row for _, row in job.others("filesystem")}
    written: set[int] = set()
    now: int | None = None
    number = 1
    for named in job.groups():
        first = named.entries[0]
        row = named.name or first.stream or {}
        fs = int(row["fs"])
        if fs != now:
            if now is not None:
                yield _close(volumes.get(now, {}))
            yield _open(fs, volumes.get(fs, {}))
            written.add(fs)
            now = fs
        for text in objects(named, volumes.get(fs, {}), number):
            number += 1
            yield text
    if now is not None:
        yield _close(volumes.get(now, {}))
    for fs, row in volumes.items():
        if fs not in written:
            yield _open(fs, row) + _close(row)


def _open(fs: int, row: Mapping[str, Any]) -> str:
    out = [f"<volume{attrs({'ev:fs': fs, 'ev:within': row.get('within')})}>"]
    if row:
        run = empty("byte_run", {"img_offset": row["offset"], "len": row["size"]})
        out += [f"<byte_runs>{run}</byte_runs>", element("partition_offset", row["offset"])]
        if row.get("block_size"):
            out.append(element("block_size", row["block_size"]))
        out.append(element("ftype_str", row["type"]))
        if "blocks" in row:
            out.append(element("block_count", row["blocks"]))
        out.append(element("allocated_only", 0))
    return "".join(out) + "\n"


def _close(row: Mapping[str, Any]) -> str:
    if row.get("state", "ok") == "ok":
        return "</volume>\n"
    text = ", ".join(str(row[key]) for key in ("state", "reason", "detail") if key in row)
    return element("error", text) + "</volume>\n"


def _plain(number: int | None, row: Mapping[str, Any]) -> str:
    """Return a row that has no place in DFXML as an element of our own."""
    values: dict[str, object] = {"n": number}
    coded: list[str] = []
    rest = [
        f"<byte_runs>{empty('byte_run', {'img_offset': offset, 'len': length})}</byte_runs>"
        for offset, length in row.get("extents", ())
    ]
    rest += [
        element("hashdigest", digest, {"type": kind, "ev:basis": row.get("derived", "none")})
        for kind, digest in row.get("digests", {}).items()
    ]
    for key, value in row.items():
        if key in {"extents", "digests"}:
            continue
        if key in _BYTES:
            shown: list[str] = []
            evidence(f"ev:{key}", from_fields(row, key), shown, coded)
            coded[:0] = shown
        elif key != "row" and not key.endswith("_b64"):
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            values[key] = text.lower() if isinstance(value, bool) else text
    return f"<ev:{row['row']}{attrs(values)}>{''.join((*coded, *rest))}</ev:{row['row']}>\n"
