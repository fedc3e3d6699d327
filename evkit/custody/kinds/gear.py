"""Kinds about what the station works with: blockers and docks, media, and hash sets."""

from __future__ import annotations

from evkit.custody.kinds.model import choice, field, kind, text

EQUIPMENT = ("write-blocker", "dock", "reader", "adapter", "computer", "other")
CATEGORIES = ("known", "notable")
USES = ("master", "second", "working", "disclosure", "transport", "other")

KINDS = (
    kind(
        "equipment", "station", "a write blocker, a dock or a reader is put on the list, or tested",
        (
            text("name", "short name of the piece, as on its sticker", required=True),
            choice("what", "what it is", *EQUIPMENT),
            text("make", "make"),
            text("model", "model"),
            text("serial", "serial number"),
            text("firmware", "firmware"),
            field("tested", "date", "day of its test"),
            choice("test_result", "what the test said", "passed", "failed"),
            text("test_report", "number or place of the report of the test"),
            text("tested_by", "who tested it"),
            text("retired", "why it is no longer used"),
            text("remarks", "anything a reader should know"),
        ),
    ),
    kind(
        "medium", "station", "a destination medium is put on the list",
        (
            text("label", "label written on it", required=True),
            text("make", "make"),
            text("model", "model"),
            text("serial", "serial number"),
            text("capacity", "capacity as printed on it"),
            text("file_system_uuid", "UUID of its file system"),
            choice("use", "what it is for", *USES),
            text("wiped", "how it is known that it was empty"),
            text("retired", "why it is no longer used"),
            text("remarks", "anything a reader should know"),
        ),
    ),
    kind(
        "hashset", "station", "a hash set is imported into the station",
        (
            text("name", "name of the set", required=True),
            choice("category", "what a match means", *CATEGORIES),
            field("sensitive_material", "flag", "names of what it hits stay out of every output"),
            text("release", "version of the source"),
            field("source", "object", "the file it was made from, with its digest and format"),
            field("entries", "integer", "entries of the source that were taken"),
            field("left_out", "object", "entries that were not, by reason"),
            field("digests", "object", "digests of each algorithm"),
            field("file", "object", "the file of the set with its digest"),
            text("remarks", "anything a reader should know"),
        ),
    ),
    kind(
        "hashset-remove", "station", "a hash set is no longer used",
        (
            text("name", "name of the set", required=True),
            field("file", "object", "the file of the set with its digest"),
            text("why", "why it is no longer used"),
        ),
    ),
)  # fmt: skip
