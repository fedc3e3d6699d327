"""What each format of an export cannot say; the sentences stand in the exports themselves."""

from __future__ import annotations

from typing import Final

_NO_PROOF = "Nothing here can be computed again into the row root; the jsonl export can."
NOT_SAID: Final[dict[str, tuple[str, ...]]] = {
    "csv": (
        _NO_PROOF,
        "Left out: extents, NTFS $FILE_NAME times, 8.3 names, resolutions of times, salts.",
        "Names are escaped; so is a sign where it would begin a formula.",
    ),
    "dfxml": (
        _NO_PROOF,
        "A digest of guessed content is told from others only by ev:basis beside it.",
        "Names that XML cannot hold are escaped; ev:filename_b64 holds their bytes.",
        "prec holds whole seconds; a finer resolution stands in ev:resolution_ns.",
        "Times without a zone are local times of the system that wrote them.",
    ),
    "bodyfile": (
        _NO_PROOF,
        "Times are whole seconds; 0 means none. A time without a zone counts as UTC.",
        "An MD5 stands only for content of records in use: a line has no place for a basis.",
        "Left out: other digests, states, types, extents, slack, free space, what is unreadable.",
        "A deleted name whose record is another file's by now has neither times nor size.",
    ),
    "parquet": (
        _NO_PROOF,
        "Left out: salts, 8.3 names, and of rows other than entries what has no column of its own.",
        "A time outside the years 1677 to 2262 stands as decimal nanoseconds in times_beyond.",
    ),
    "case": (
        _NO_PROOF,
        "Only files that were chosen are described; the inventory holds all of them.",
        "Persons named in personal fields are commitments in the record and are left out.",
        "Deviations and remarks stand in the record and its reports, not here.",
    ),
}
