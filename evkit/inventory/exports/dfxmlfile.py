"""One `fileobject` of DFXML 2.0.0-beta.0; the schema fixes the order of its elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.paths import from_fields
from evkit.inventory.exports.dfxmltext import element, empty, evidence, runs, time
from evkit.inventory.exports.job import TYPE_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.inventory.exports.job import Named
    from evkit.inventory.search.find import Entry

_TIMES = (("mtime", "m"), ("ctime", "c"), ("atime", "a"), ("crtime", "b"))
_ORPHANS = b"/$OrphanFiles/"
_NONE: Mapping[str, Any] = {}


def objects(named: Named, volume: Mapping[str, Any], number: int) -> Iterator[str]:
    """Yield the file objects of a name: its own content first, then each named stream.

    Args:
        named: the name with its streams.
        volume: the `filesystem` row.
        number: identifier of the first object; the others count on.
    """
    if named.alone:
        yield _object(named, None, volume, number)
        number += 1
    for entry in named.entries:
        if entry.stream is not None:
            yield _object(named, entry, volume, number)
            number += 1


def _object(named: Named, entry: Entry | None, volume: Mapping[str, Any], number: int) -> str:
    name, stream = named.name or _NONE, (entry.stream if entry else None) or _NONE
    out: list[str] = []
    own: list[str] = []
    if name and name["path"] != "/":
        out.append(f"<parent_object>{element('inode', name['parent'])}</parent_object>")
    if name:
        path = from_fields(name).removeprefix(b"/")
        if "name" in stream:
            path += b":" + from_fields(stream, "name")
        evidence("filename", path, out, own)
    out += _head(name, stream, volume, number)
    out += _record(name, stream, own)
    if "target" in name and not stream:
        evidence("link_target", from_fields(name, "target"), out, own)
    if entry is not None and entry.mime is not None:
        out.append(element("libmagic", entry.mime))
    placed = runs(stream, volume.get("offset", 0))
    if placed is not None:
        out.append(placed)
    for kind, digest in stream.get("digests", {}).items():
        out.append(element("hashdigest", digest, {"type": kind, "ev:basis": stream["basis"]}))
    rows = {"name": named.name_row, "stream": entry.stream_row if entry else None}
    own[:0] = [empty("ev:row", rows), *_own(name, stream)]
    return f"<fileobject>{''.join(out)}{''.join(own)}</fileobject>\n"


def _head(
    name: Mapping[str, Any], stream: Mapping[str, Any], volume: Mapping[str, Any], number: int
) -> Iterator[str]:
    for row in (stream, name):
        if row.get("state", "ok") != "ok":
            text = ", ".join(str(row[key]) for key in ("state", "reason", "detail") if key in row)
            yield element("error", text)
            break
    if "partition" in volume:
        yield element("partition", volume["partition"])
    yield element("id", number)
    yield element("name_type", _name_type(name, stream))
    if "size" in stream:
        yield element("filesize", stream["size"])
    used = _used(name, stream)
    if used is not None:
        yield element("alloc_inode", int(used))
    if name:
        yield element("alloc_name", int(name["allocated"]))
    if not name or from_fields(name).startswith(_ORPHANS):
        yield element("orphan", 1)
    if "compressed" in stream.get("flags", ()):
        yield element("compressed", 1)
    yield element("inode", (name or stream)["inode"])


def _record(name: Mapping[str, Any], stream: Mapping[str, Any], own: list[str]) -> Iterator[str]:
    for field, key in (("mode", "mode"), ("nlink", "links"), ("uid", "uid"), ("gid", "gid")):
        if key in name:
            yield element(field, name[key])
    beyond: dict[str, object] = {}
    for field, letter in _TIMES:
        if letter in name.get("times", _NONE):
            made = time(field, name["times"][letter], name, letter)
            if made is None:
                beyond[f"{field}_ns"] = name["times"][letter]
            else:
                yield made
    if beyond:
        own.append(empty("ev:times_beyond", beyond))
    seq = (stream or name).get("seq")
    if seq is not None:
        yield element("seq", seq)


def _own(name: Mapping[str, Any], stream: Mapping[str, Any]) -> Iterator[str]:
    """Yield what DFXML has no element for."""
    if stream:
        content = {key: stream.get(key) for key in ("basis", "state", "reason", "bytes_digested")}
        content |= {"attr": stream["attr"], "attr_id": stream["attr_id"]}
        yield empty("ev:content", content)
    if "reallocated" in name:
        yield element("ev:reallocated", name["reallocated"])
    if "zone" in name:
        yield element("ev:zone", name["zone"])
    flags = sorted({*name.get("flags", ()), *stream.get("flags", ())})
    if flags:
        yield element("ev:flags", " ".join(flags))
    if "name_times" in name:
        times = name["name_times"]
        yield empty("ev:file_name_times_ns", {f: times.get(k) for f, k in _TIMES})
    if "short" in name and not stream.get("name"):
        out: list[str] = []
        evidence("ev:short_name", from_fields(name, "short"), out, out)
        yield "".join(out)


def _name_type(name: Mapping[str, Any], stream: Mapping[str, Any]) -> str:
    kind = str(name.get("type", "unknown"))
    if "virtual" in name.get("flags", ()):
        return "V" if kind == "directory" else "v"
    if "name" in stream or not name:
        return "r"  # the content, whatever it hangs on
    return TYPE_LETTERS.get(kind, "-")


def _used(name: Mapping[str, Any], stream: Mapping[str, Any]) -> bool | None:
    """Say whether the record is in use; None when it is not known or another file's by now."""
    basis = stream.get("basis")
    if basis in {"allocated", "deleted-runs-recorded", "deleted-contiguous-guess"}:
        return bool(basis == "allocated")
    if not name:
        return None
    if name["allocated"]:
        return True
    return False if "seq" in name and name.get("reallocated") != "yes" else None
