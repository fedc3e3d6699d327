"""The rows in a proof of origin: proven under the recorded row root, each with its part to play."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import proof as form
from evkit.manifest import rows
from evkit.merkle.ranges import root_from_ranges
from evkit.verify.filecontent import Rows, is_mft, needs_mft
from evkit.verify.inventory import other_content
from evkit.verify.report import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.manifest.proof import Proof
    from evkit.verify.report import Report

IN_USE: Final = "allocated"


def check_rows(
    proof: Proof,
    recorded: Mapping[str, Any] | None,
    ends: Mapping[str, Any],
    report: Report,
) -> Rows | None:
    """Check that the rows are those of the recorded inventory and belong together.

    Args:
        proof: holds them.
        recorded: fields of the inventory event, None when there is none.
        ends: fields of the end of the acquisition.
        report: takes the findings.

    Returns:
        The rows by their part, None when one check failed.
    """
    if recorded is None:
        return None
    where = f"entry {proof.inventory}"
    count, stated = recorded.get("rows"), recorded.get("row_root")
    found = root_of(proof, count) if type(count) is int else None
    if found is None or found.hex() != stated:
        text = f"the rows are not those of the inventory that entry {proof.inventory} recorded"
        shown = found.hex() if found else "a proof of another form"
        report.failed(FILE, "origin-rows", text, where, escape(str(stated)), shown)
        return None
    try:
        made = by_part(proof)
    except InputError as error:
        report.failed(FILE, "origin-rows", escape(error.message), where)
        return None
    problem = other_content(made.source, ends, proof.acquisition, proof.size)
    if problem:
        report.failed(FILE, "origin-source", problem, where)
        return None
    numbers = ", ".join(str(row.number) for row in proof.rows)
    text = f"rows {numbers} are rows of the inventory of {count:,} rows that entry "
    text += f"{proof.inventory} recorded"
    report.passed(FILE, "origin-rows", text)
    return made


def root_of(proof: Proof, count: int) -> bytes | None:
    """Return the root that the rows lead to in an inventory of `count` rows, None if malformed."""
    ranges: list[tuple[int, int]] = []
    for row in proof.rows:
        if ranges and ranges[-1][1] == row.number:
            ranges[-1] = (ranges[-1][0], row.number + 1)
        else:
            ranges.append((row.number, row.number + 1))
    leaves = [rows.row_leaf(row.salt, row.data) for row in proof.rows]
    return root_from_ranges(ranges, count, leaves, proof.row_hashes)


def by_part(proof: Proof) -> Rows:
    """Return the rows by their part.

    Raises:
        InputError: a row is not one, is not needed, or does not belong to the others.
    """
    read = {row.number: rows.parse(row.data) for row in proof.rows}
    stream = read.pop(proof.stream)
    if stream["row"] != "stream":
        raise InputError(f"row {proof.stream} is not that of a stream")
    name = None
    if proof.name is not None:
        name = read.pop(proof.name, None)
        if name is None or name["row"] != "name" or not _joined(name, stream):
            raise InputError(f"row {proof.name} is not a name of row {proof.stream}")
    source, system, mft = read.pop(0, None), None, None
    for number, row in read.items():
        if row["row"] == "filesystem" and row["fs"] == stream["fs"] and system is None:
            system = row
        elif row["row"] == "stream" and is_mft(row, stream) and needs_mft(proof.reading):
            if mft is not None or row["state"] != "ok":
                raise InputError(f"row {number} is not the one table of records")
            mft = row
        else:
            raise InputError(f"row {number} is not needed for row {proof.stream}")
    if source is None or source["row"] != "source" or system is None:
        raise InputError("the rows of the source and of the file system are not enclosed")
    if "within" in system:
        raise InputError(f"row {proof.stream} lies inside an archive and has no place of its own")
    if (source["kind"] == "tree") != (proof.reading == form.FILE):
        raise InputError("files and sectors are mixed up")
    return Rows(stream=stream, source=source, filesystem=system, name=name, mft=mft)


def _joined(name: Mapping[str, Any], stream: Mapping[str, Any]) -> bool:
    """Say whether a name leads to a stream; a deleted one never leads to content in use."""
    lost = not name["allocated"] and (name["reallocated"] == "yes" or stream["basis"] == IN_USE)
    return not lost and all(name.get(key) == stream[key] for key in ("fs", "inode", "seq"))
