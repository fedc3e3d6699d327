"""Write `expected.json`: what other programs find in the sample images.

    python sample_images/make_expected.py [--from FOLDER] [--to FILE]

The names come from `fls`, the contents from `icat`, the digests from `sha256sum` and `md5sum`;
nothing of evkit is used. Beside them stands what the builders put in (`path`, `true_sha256`), so
that a name or a recovered content that is *not* the true one can be seen.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from build import IMAGES  # noqa: E402
from builder import exported  # noqa: E402
from builder.tools import run, version  # noqa: E402

_LINE = re.compile(rb"(./.) (\* )?([0-9-]+)(\(realloc\))?:\t(.*)", re.DOTALL)
_CONTENT = ("r/r", "-/r", "d/r", "l/l")  # file, deleted file, stream of a folder, symbolic link
_PROGRAMS = (
    ("fls", "-V"),
    ("mke2fs", "-V"),
    ("mkntfs", "-V"),
    ("xorriso", "-version"),
    ("faketime", "--version"),
    ("sha256sum", "--version"),
)


def text_fields(name, value):
    """Return `{name: text}`, with `{name}_b64` when the bytes are not plain printable UTF-8."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and text.isprintable():
        return {name: text}
    shown = value.decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)
    return {name: shown, f"{name}_b64": base64.b64encode(value).decode()}


def digests(data):
    """Return SHA-256 and MD5 by `sha256sum` and `md5sum`."""
    return {
        "sha256": run("sha256sum", give=data).split()[0].decode(),
        "md5": run("md5sum", give=data).split()[0].decode(),
    }


def volumes(path):
    """Return the allocated partitions as (start, length) in sectors, from `mmls`."""
    try:
        table = run("mmls", "-a", str(path)).decode()
    except RuntimeError:  # mmls finds no partition table
        return [(0, path.stat().st_size // 512)]
    found = re.findall(
        r"^[0-9]{3}:  (?:[0-9]{3}:)?[0-9]{3} +([0-9]+) +[0-9]+ +([0-9]+)", table, re.MULTILINE
    )
    return [(int(start), int(length)) for start, length in found]


def _truth(wanted, listed, *, deleted):
    """Return the builder's item of a listed name, or None for what the file system adds."""
    name = listed.replace(b"/.:", b":")  # the second name of a stream of a folder
    for item in wanted:
        if item.listed == name and item.deleted == deleted:
            return item
    for item in wanted:
        if item.listed == name:
            return item
    return None


def _content(wanted, item):
    """Return the bytes that the builder put under a name."""
    if item.hard_link:
        return next(other.data for other in wanted if other.path == item.target)
    return item.data


def _read(path, start, row):
    """Return size and digests of what `icat` gives, or its error."""
    option = [] if row["allocated"] else ["-r"]
    try:
        data = run("icat", *option, "-o", str(start), str(path), row["address"])
    except RuntimeError as error:
        return {"error": str(error).split("\n")[0]}
    return {"size": len(data), **digests(data)}


def entry(path, start, line, wanted):
    """Return the row of one line of `fls`."""
    kind, gone, address, again, listed = _LINE.fullmatch(line).groups()
    row = {"address": address.decode(), "type": kind.decode(), "allocated": not gone}
    if again:
        row["reallocated"] = True
    item = _truth(wanted, listed, deleted=bool(gone))
    row |= text_fields("listed", listed)
    if item is None:
        row["system"] = True
    elif item.path != listed and not item.stream:
        row |= text_fields("path", item.path)
    if row["type"] in _CONTENT:
        row |= _read(path, start, row)
        if item is not None and item.kind == "symlink":
            row |= text_fields("target", item.target)
        elif item is not None:
            true = run("sha256sum", give=_content(wanted, item)).split()[0].decode()
            row |= {"true_sha256": true, "same": true == row.get("sha256")}
    if item is not None and item.remark:
        row["remark"] = item.remark
    return row


def image_document(path, image):
    """Return what is found in one image."""
    wanted = image.items()
    found = []
    for start, length in volumes(path):
        lines = run("fls", "-r", "-p", "-o", str(start), str(path)).split(b"\n")
        kind = run("fsstat", "-t", "-o", str(start), str(path)).decode().strip()
        rows = [entry(path, start, line, wanted) for line in lines if line]
        found.append(
            {"start": start * 512, "size": length * 512, "file_system": kind, "entries": rows}
        )
    data = path.read_bytes()
    head = {"name": image.NAME, "title": image.TITLE, "size": len(data), **digests(data)}
    return head | {"volumes": found}


def exported_rows(folder):
    """Return the exported files with their digests."""
    rows = []
    for name in sorted(exported.files()):
        data = (folder / exported.FOLDER / name).read_bytes()
        rows.append({"path": name, "size": len(data), **digests(data)})
    return rows


def main():
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--from", dest="source", type=Path, default=HERE)
    parser.add_argument("--to", type=Path, default=HERE / "expected.json")
    given = parser.parse_args()
    document = {
        "schema": "evkit-sample-images/1",
        "programs": {command[0]: version(*command) for command in _PROGRAMS},
        "images": [image_document(given.source / image.NAME, image) for image in IMAGES],
        "exported": exported_rows(given.source),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    given.to.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
