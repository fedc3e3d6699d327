"""The second verdict of a proof of origin: the enclosed sectors are this file, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from evkit.core.paths import from_fields
from evkit.core.ranges import merge
from evkit.core.text import escape, escape_bytes, shorten
from evkit.hashing.digests import MultiDigest
from evkit.manifest import proof as form
from evkit.manifest.rows import HOLE
from evkit.verify.filecontent import NoContentError, Touched, content, runs_of
from evkit.verify.report import FILE, PASS, SECTORS

if TYPE_CHECKING:
    from evkit.manifest.proof import Proof
    from evkit.verify.filecontent import Rows
    from evkit.verify.proofblocks import Enclosed
    from evkit.verify.report import Report

    class Sink(Protocol):
        """Takes the content while it is digested."""

        def write(self, data: bytes, /) -> object:
            """Take the next part."""


STRONG: Final = ("sha256", "sha512")
MAIN: Final = frozenset({1, 128, 4352})  # attributes of content: default, $DATA, HFS+ data fork
GUESS: Final = "deleted-contiguous-guess"
_WIDTH = 200
_DELETED = (" (deleted)", " (deleted; whether its record is still its own is not known)")


def check_file(
    proof: Proof, rows: Rows, enclosed: Enclosed, report: Report, sink: Sink | None = None
) -> bool:
    """Make the content of the blocks and compare it with the digest of the row.

    Returns:
        Whether it has that digest.
    """
    stream = rows.stream
    digest = MultiDigest(tuple(stream.get("digests", {})))
    touched = Touched(enclosed)
    try:
        for part in content(proof.reading, rows, touched):
            digest.update(part)
            if sink is not None:
                sink.write(part)
    except NoContentError as error:
        (report.failed if error.wrong else report.undecided)(
            FILE, "origin-content", escape(error.message), f"row {proof.stream}"
        )
        return False
    enclosed.needed = merge(touched.ranges)
    if not _exact(proof, touched, report):
        return False
    _remarks(proof, rows, touched, report)
    if stream["state"] != "ok":
        text = f"the inventory holds no digest of it: {stream['state']}, "
        text += str(stream.get("reason", "no reason given"))
        report.undecided(FILE, "origin-undigested", text, f"row {proof.stream}")
        return False
    if proof.reading == form.STORED:
        text = "it is stored compressed; the sectors are those that the row names, and whether "
        text += "they decode to content with its digest was not checked"
        report.undecided(FILE, "origin-stored", text, f"row {proof.stream}")
        return False
    return _digest(proof, rows, digest.digests(), report)


def describe(proof: Proof, rows: Rows) -> str:
    """Return path, acquisition and size of what the proof is about."""
    text = f"{path_of(rows)} of {escape(proof.acquisition)}"
    size = rows.stream.get("size")
    return text if size is None else f"{text}, {size:,} bytes"


def plain_path(rows: Rows) -> str:
    """Return the escaped path, with `:stream` for a named stream."""
    if rows.name is None:
        text = f"record {rows.stream['inode']} (no name of it is enclosed)"
    else:
        text = escape_bytes(from_fields(rows.name))
    if "name" in rows.stream:
        text += ":" + escape_bytes(from_fields(rows.stream, "name"))
    return text


def path_of(rows: Rows) -> str:
    """Return the path in backticks, shortened, and whether it is deleted."""
    text = plain_path(rows)
    deleted = rows.name is not None and not rows.name["allocated"]
    said = _DELETED[_unsure(rows)] if deleted else ""
    if rows.stream["attr"] not in MAIN:
        said += f" (not its content but its attribute {rows.stream['attr']})"
    return f"`{shorten(text, _WIDTH)}`" + said


def _unsure(rows: Rows) -> bool:
    """Say whether the record of a deleted name may have been given to another file since."""
    return rows.name is not None and rows.name.get("reallocated") == "unknown"


def _exact(proof: Proof, touched: Touched, report: Report) -> bool:
    """Check that no block and no byte is enclosed that the content does not need."""
    runs, needed = runs_of(touched.ranges)
    if runs != proof.blocks:
        text = "other blocks are enclosed than those that the row needs"
        report.failed(FILE, "origin-blocks", text, f"row {proof.stream}")
        return False
    if proof.block_bytes - needed != proof.other_bytes:
        text = "the proof states another number of bytes that are not of the file"
        other, stated = str(proof.block_bytes - needed), str(proof.other_bytes)
        report.failed(FILE, "origin-other-bytes", text, "", other, stated)
        return False
    return True


def _digest(proof: Proof, rows: Rows, found: dict[str, str], report: Report) -> bool:
    stream, where = rows.stream, f"row {proof.stream}"
    for name, stated in stream["digests"].items():
        if found[name] != stated:
            text = f"the content of these sectors is not that of row {proof.stream}"
            report.failed(
                FILE, "origin-digest", text, where, f"{name} {stated}", f"{name} {found[name]}"
            )
            return False
    strong = [name for name in STRONG if name in found]
    if not strong:
        text = "it has the digests of the row, which are none but MD5 or SHA-1"
        report.undecided(FILE, "origin-weak", text, where)
        return True
    shown = f"{strong[0]} {found[strong[0]]} of row {proof.stream}"
    if proof.blocks and SECTORS in report.questions and report.answer(SECTORS) != PASS:
        text = f"the content has {shown}, but its sectors are not shown to be of the image"
        report.undecided(FILE, "origin-apart", text, where)
        return False
    if stream["basis"] == GUESS:
        text = f"as guessed: the content has {shown}; the record of the deleted file says only "
        text += "where it began, and that the rest followed there is a guess"
        report.undecided(FILE, "origin-guess", text, where)
        return True
    text = f"these sectors and no others are {path_of(rows)}: the content has {shown}"
    if SECTORS not in report.questions:
        text = f"the enclosed file is {path_of(rows)}: it has {shown}"
    elif not proof.blocks:
        text = f"{path_of(rows)} has no sectors: the content has {shown}"
    report.passed(FILE, "origin-file", text)
    return True


def _remarks(proof: Proof, rows: Rows, touched: Touched, report: Report) -> None:
    stream, flags = rows.stream, rows.stream.get("flags", ())
    if stream["basis"].startswith("deleted-runs"):
        text = "the file is deleted; its record still names these sectors, which may have been "
        text += "used again since"
        report.remark("origin-deleted", text)
    if "encrypted" in flags:
        report.remark("origin-encrypted", "the content is encrypted; it was digested as it lies")
    if proof.reading == form.RESIDENT:
        text = f"the content lies in record {stream['inode']} itself; the sectors are the boot "
        text += "sector and that record"
        report.remark("origin-resident", text)
    if proof.reading == form.VALID:
        text = "only a part of the file was ever written; the rest reads as zeros, whatever its "
        text += "sectors hold"
        report.remark("origin-valid-length", text)
    holes = sum(length for offset, length in stream.get("extents", ()) if offset == HOLE)
    if holes and proof.reading == form.EXTENTS:
        text = f"{holes:,} bytes of the content are zeros that no sector holds"
        report.remark("origin-holes", text)
    if sum(length for _, length in touched.ranges) > runs_of(touched.ranges)[1]:
        text = "the row names some sectors more than once for this content"
        report.remark("origin-overlap", text)
    if proof.other_bytes:
        text = f"the blocks hold {proof.other_bytes:,} bytes that are not of the file; they can "
        text += "belong to other files"
        report.remark("origin-other", text)
