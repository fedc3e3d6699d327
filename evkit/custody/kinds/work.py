"""Kinds about data: acquired, taken in, inventoried, verified. Written by their own commands."""

from __future__ import annotations

from evkit.custody.kinds.model import (
    ANALYST,
    CUSTODIAN,
    HANDLES,
    OFFICER,
    choice,
    field,
    kind,
    text,
)

RESULTS = ("complete", "with-gaps", "stopped", "failed")
MADE_BY = ("evkit", "other-tool")

_SOURCE = (
    field("source", "object", "the source as found: path, make, model, serial, size"),
    field("host", "object", "the computer used: name, system, versions"),
    field("plan", "object", "what was going to be done"),
    field("preflight", "object", "checks made before the first read"),
    field("log", "object", "acquisition log: how much is known of each item"),
    text("type", "full, partition, range, targeted or live"),
    text("scope", "what was taken and why that is enough"),
    text("reason", "why not everything was taken"),
    text("format", "format of the image"),
    field("write_blocker", "object", "write blocker: make, model, serial, last test"),
    field("not_known", "list", "what was asked before the first read and was not known"),
)
_RESULT = (
    choice("result", "how it ended", *RESULTS, required=True),
    choice("made_by", "evkit or another tool", *MADE_BY),
    text("error", "why it stopped or failed"),
    field("started", "digest", "event id of the start"),
    field("media", "object", "size and digests of the content"),
    field("artifacts", "objects", "files of the acquisition with their digests"),
    field("files", "integer", "number of files taken in"),
    field("bytes", "integer", "bytes taken in"),
    field("unread", "object", "what could not be read"),
    field("part", "object", "the part of the source that was taken, when it was not all of it"),
    field("selection", "object", "of a targeted one: the list, what was seen, copied, not there"),
    field("container", "object", "of an E01: compression, GUID, files, what it could not say"),
    field("copies", "objects", "copies outside the station: folder, medium, how each was verified"),
    field("verification", "object", "the second reading of the image and its outcome"),
    field("source_reread", "object", "the second reading of the source and its outcome"),
    field("tool", "object", "the other tool: name, version"),
    field("log", "object", "acquisition log: how much is known of each item"),
)
_DERIVED = (
    field("derived_from", "refs", "the acquisition it was made from, when it was not the thing"),
    field("parent", "object", "what is on record of that acquisition, and whether it agrees"),
)
_INTAKE = (
    choice("kind", "what kind of delivery", "files", "image", "phone", "cctv", "provider", "cloud",
           "ram", "photo", "paper"),
    field("in_place", "flag", "digested where it lies, not copied"),
    field("derived_from", "refs", "what it was copied or made from"),
    field("expected", "object", "digests stated by provider or tool, and whether they agree"),
    text("clock_shown", "date and time that the recorder showed"),
    text("clock_actual", "right time at that moment"),
    text("extraction_tool", "tool and version of the extraction"),
    text("extraction_type", "logical, file system, physical"),
    text("order", "order or request that the delivery answers"),
    text("period", "period that the delivery covers"),
    text("provider", "who delivered"),
    text("ram_tool", "tool that took the memory"),
    text("ram_host", "computer whose memory was taken"),
    text("working_order", "how it is known that the system worked properly"),
)  # fmt: skip

KINDS = (
    kind(
        "acquire-start",
        "acquisition",
        "imaging begins: plan and pre-flight",
        (*_SOURCE, *_DERIVED),
        roles=(OFFICER, ANALYST),
        traits=(HANDLES,),
    ),
    kind(
        "acquire-end",
        "acquisition",
        "imaging ended",
        (*_SOURCE, *_DERIVED, *_RESULT),
        roles=(OFFICER, ANALYST),
    ),
    kind(
        "intake-start",
        "acquisition",
        "taking in of files begins",
        (*_SOURCE, *_INTAKE),
        roles=(OFFICER, ANALYST, CUSTODIAN),
    ),
    kind(
        "intake-end",
        "acquisition",
        "taking in of files ended",
        (*_SOURCE, *_INTAKE, *_RESULT),
        roles=(OFFICER, ANALYST, CUSTODIAN),
    ),
    kind(
        "inventory",
        "acquisition",
        "list of everything found in the data",
        (
            text("engine", "engine that read the file systems"),
            text("engine_version", "its version"),
            field("rows", "integer", "rows of the inventory"),
            field("row_root", "digest", "root over the rows"),
            field("engine_rows", "integer", "rows that depend on the engine"),
            field("engine_root", "digest", "root over them"),
            field("database", "object", "the inventory file with its digest"),
            field("coverage", "object", "totals that add up"),
            field("unread_files", "object", "known files in places that were not read"),
            field("digested", "object", "streams digested while the image was read back, or again"),
            choice("result", "how it ended", *RESULTS),
            text("error", "why it stopped or failed"),
        ),
        roles=(OFFICER, ANALYST),
    ),
    kind(
        "marks",
        "acquisition",
        "streams of an inventory were looked up in hash sets",
        (
            field("inventory", "object", "the inventory: file, rows, root over them"),
            field("sets", "objects", "the sets: name, digest, category, sensitive"),
            field("file", "object", "the file of the marks with its digest"),
            field("counts", "object", "streams looked up and marked"),
        ),
        roles=(OFFICER, ANALYST),
    ),
    kind(
        "verify",
        "acquisition",
        "recorded digests were compared again",
        (
            choice("result", "the answer", "pass", "fail", "undecided", required=True),
            field("checks", "object", "what was checked and what was not"),
            field("expected", "object", "digests on record"),
            field("found", "object", "digests found"),
            field("damage", "objects", "where they differ"),
            text("where", "medium or folder that was read"),
            field(
                "read",
                "objects",
                "the copy of each acquisition that was read, where it was not only the station's",
            ),
        ),
    ),
)
