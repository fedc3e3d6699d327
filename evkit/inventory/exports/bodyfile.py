"""The bodyfile that `mactime` of The Sleuth Kit reads: a line for each name and stream.

Comment lines, which `mactime` skips, say what the file is and what it cannot say. A digest stands
only where it needs no basis beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from evkit.core.paths import from_fields
from evkit.core.text import escape_bytes
from evkit.inventory.exports.job import TYPE_LETTERS
from evkit.inventory.exports.unsaid import NOT_SAID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.inventory.exports.job import Job, Named

_SECOND = 1_000_000_000
# what would be taken for a mark of the format when it is part of a name
_MARK = re.compile(r" (?=\(deleted(?:-realloc)?\)|\(\$FILE_NAME\)|-> )")
_HEX = re.compile("%(?=[0-9A-Fa-f]{2})")  # mactime decodes %41
_NONE: Mapping[str, Any] = {}


def parts(job: Job) -> Iterator[bytes]:
    """Yield the lines."""
    yield b"# evkit bodyfile: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime\n"
    for name, value in job.about().items():
        yield f"# {name}: {value}\n".encode()
    for text in NOT_SAID["bodyfile"]:
        yield f"# {text}\n".encode()
    volumes = {row["fs"]: row for _, row in job.inventory.rows("filesystem")}
    several = len(volumes) > 1
    for named in job.groups():
        row = named.name or named.entries[0].stream or _NONE
        volume = volumes.get(row["fs"], _NONE)
        prefix = f"fs{row['fs']}:" if several else ""
        for line in _lines(named, prefix, attributed=volume.get("type") == "ntfs"):
            yield line.encode("utf-8")


def field(raw: bytes) -> str:
    r"""Return a name that stays one field: escaped, `|` as `\x7c`, marks and `%41` disarmed."""
    text = escape_bytes(raw).replace("|", "\\x7c")
    return _MARK.sub(r"\\x20", _HEX.sub(r"\\x25", text))


def mode(name: Mapping[str, Any]) -> str:
    """Return `r/rrwxr-xr-x`: type of the name, type and permissions of the record."""
    letter = TYPE_LETTERS.get(str(name.get("type", "unknown")), "-")
    if "virtual" in name.get("flags", ()):
        letter = "V" if letter == "d" else "v"
    if "mode" not in name:
        return f"{letter}/{'-' * 10}"
    bits = int(name["mode"])
    shown = [char if bits & (256 >> n) else "-" for n, char in enumerate("rwxrwxrwx")]
    for place, bit, char in ((2, 0o4000, "s"), (5, 0o2000, "s"), (8, 0o1000, "t")):
        if bits & bit:
            shown[place] = char if shown[place] == "x" else char.upper()
    return f"{letter}/{letter}{''.join(shown)}"


def _lines(named: Named, prefix: str, *, attributed: bool) -> Iterator[str]:
    name = named.name or _NONE
    if name:
        path = prefix + field(from_fields(name))
    else:
        inode = (named.entries[0].stream or _NONE)["inode"]
        path = f"{prefix}(no name, record {inode})"
    mark, times = _mark(name), name.get("times", _NONE)
    if "name_times" in name:
        inode = f"{name['inode']}-48" if attributed else str(name["inode"])
        yield _line("0", f"{path} ($FILE_NAME){mark}", inode, name, (0, name["name_times"]))
    if named.alone:
        target = from_fields(name, "target") if "target" in name else b""
        shown = f"{path} -> {field(target)}" if target else path
        yield _line("0", shown + mark, str(name["inode"]), name, (len(target), times))
    for entry in named.entries:
        stream = entry.stream
        if stream is None:
            continue
        inode = str(stream["inode"])
        if attributed:
            inode += f"-{stream['attr']}-{stream['attr_id']}"
        own = ":" + field(from_fields(stream, "name")) if "name" in stream else ""
        md5 = stream.get("digests", _NONE).get("md5", "0")
        yield _line(
            md5 if stream["basis"] == "allocated" else "0",
            path + own + (mark if name else ""),
            inode,
            name,
            (stream.get("size", 0), times),
        )


def _mark(name: Mapping[str, Any]) -> str:
    if name.get("allocated", True):
        return ""
    return " (deleted-realloc)" if name.get("reallocated") == "yes" else " (deleted)"


def _line(
    md5: str, shown: str, inode: str, name: Mapping[str, Any], values: tuple[int, Mapping[str, str]]
) -> str:
    size, times = values
    stamps = [str(int(times.get(letter, "0")) // _SECOND) for letter in "amcb"]
    owner = (str(name.get("uid", 0)), str(name.get("gid", 0)))
    cells = (md5, shown, inode, mode(name), *owner, str(size), *stamps)
    return "|".join(cells) + "\n"
