"""Verification of a proof of origin: do these sectors lie in the image, and are they this file?

Two verdicts and never one for the other. *Sectors*: the enclosed blocks lie in the medium whose
piece tree the end of the acquisition recorded. *File*: they are all that a row of the recorded
inventory needs, and nothing else, and the content made of them has the digest of that row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final

from evkit.core.errors import InputError
from evkit.core.ranges import merge, overlap, total
from evkit.core.text import escape
from evkit.hashing import pieces
from evkit.manifest import facts, layout
from evkit.manifest import proof as form
from evkit.verify import history
from evkit.verify.bundle import check_record, require_revocation
from evkit.verify.filecontent import NoContentError
from evkit.verify.proofblocks import Enclosed
from evkit.verify.prooffile import check_file, describe
from evkit.verify.proofrows import check_rows
from evkit.verify.record import check_cases
from evkit.verify.remarks import say_decisions
from evkit.verify.report import (
    AUTHORSHIP,
    FAIL,
    FILE,
    HISTORY,
    PASS,
    RECORD,
    SECTORS,
    UNDECIDED,
    Report,
)
from evkit.verify.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.ledger.event import Entry
    from evkit.manifest.proof import Proof
    from evkit.verify.filecontent import Rows
    from evkit.verify.prooffile import Sink
    from evkit.verify.supplied import Supplied

KIND: Final = "proof-of-origin"
_OTHERS: Final = (
    "that no other entry of the case says something else of this acquisition; a bundle shows that"
)
NOT_PROVEN: Final = (
    "that what the entries say is true; only that the signing officers said it",
    "that the inventory says what the file system says; one made again of the image shows that",
    _OTHERS,
    "anything about the data before the first digest was taken",
    "who made the file, when, or that anybody opened it",
    "that no entry of the station, such as a revocation, is left out beside those enclosed",
)


def verify_origin(
    handle: BinaryIO, label: str, supplied: Supplied, *, sink: Sink | None = None
) -> tuple[Report, bool]:
    """Verify a proof of origin.

    Args:
        handle: the open file.
        label: its name, escaped.
        supplied: what the verifier brought along.
        sink: takes the content that the blocks give.

    Returns:
        The report, and whether the content has the digest that the inventory holds.

    Raises:
        OSError: the file cannot be read.
    """
    asked = (SECTORS, FILE, AUTHORSHIP, RECORD, HISTORY)
    report = Report(label, KIND, no_history=supplied.no_history, questions=asked)
    report.not_proven = list(NOT_PROVEN)
    try:
        proof, at = form.read_proof(handle)
    except InputError as error:
        report.failed(SECTORS, "origin-form", escape(error.message), label)
        return report, False
    if proof.reading == form.FILE:
        report.questions = asked[1:]
    view = _view(proof)
    done = check_record(view, supplied, report, whole_cases=False)
    _check_case(proof, view, done.entries, report)
    ends = _recorded(proof, done.entries, report)
    enclosed = Enclosed(handle, at, proof)
    media = ends.get("media")
    if proof.reading != form.FILE:
        _check_sectors(proof, enclosed, media if isinstance(media, dict) else {}, report)
    rows = check_rows(proof, _inventory(proof, done.entries, report), ends, report)
    matched = rows is not None and check_file(proof, rows, enclosed, report, sink)
    _reach(proof, rows, report)
    if ends.get("result", "complete") != "complete":
        text = f"the acquisition ended as `{escape(str(ends['result']))}`"
        report.remark("origin-result", text, proof.end)
    if rows is not None:
        _unread(ends, enclosed.needed, report)
    history.check_history(done.tree, supplied, [proof.end, proof.inventory], report)
    say_decisions(_facts(done.entries), report, proof.acquisition)
    _deviations(proof, done.entries, report)
    require_revocation(supplied, report)
    return report, matched


def _view(proof: Proof) -> RecordView:
    return RecordView(
        entries=proof.entries,
        checkpoint=proof.checkpoint,
        statement=proof.statement,
        root=proof.root,
        officers={layout.officer_path(key): data for key, data in proof.officers.items()},
        crls={} if proof.crl is None else {layout.CRL: proof.crl},
        leaves=proof.leaves,
    )


def _check_case(
    proof: Proof, view: RecordView, entries: Mapping[int, Entry], report: Report
) -> None:
    """Where the case is enclosed from its first entry on, check that none of it is left out."""
    case = proof.acquisition.partition("/")[0]
    numbers = [entry.event.case_seq for entry in entries.values() if entry.event.case == case]
    if numbers and numbers == list(range(1, len(numbers) + 1)):
        check_cases(view, entries, report)
        last = max(index for index, entry in entries.items() if entry.event.case == case)
        report.not_proven[report.not_proven.index(_OTHERS)] = (
            f"that no entry of the case after entry {last} says something else of this acquisition"
        )


def _deviations(proof: Proof, entries: Mapping[int, Entry], report: Report) -> None:
    """Remark where the two entries say that the procedure was departed from."""
    for index in (proof.end, proof.inventory):
        for found in entries[index].event.deviations if index in entries else ():
            why = f": {escape(found.reason)}" if found.reason else ""
            report.remark("origin-deviation", f"entry {index}: {escape(found.text)}{why}", index)


def _facts(entries: Mapping[int, Entry]) -> dict[str, Any]:
    return facts.facts([(index, entry.event, entry.event_id) for index, entry in entries.items()])


def _part(
    proof: Proof, entries: Mapping[int, Entry], index: int, kinds: frozenset[str]
) -> Mapping[str, Any] | None:
    """Return the fields of an entry about this acquisition, None when it is of another kind."""
    entry = entries.get(index)
    if entry is None or entry.event.kind not in kinds:
        return None
    if proof.acquisition not in entry.event.acquisitions:
        return None
    fields: Mapping[str, Any] = facts.plain(entry.event.fields)
    return fields


def _recorded(proof: Proof, entries: Mapping[int, Entry], report: Report) -> Mapping[str, Any]:
    """Return what the end of the acquisition recorded; empty when that is not here."""
    found = _part(proof, entries, proof.end, facts.ENDS)
    question = report.questions[0]
    shown = escape(proof.acquisition)
    if found is None:
        text = f"entry {proof.end} does not record the end of `{shown}`"
        report.failed(question, "origin-end", text, f"entry {proof.end}")
        return {}
    others = [
        index
        for index in entries
        if index < proof.end and _part(proof, entries, index, facts.ENDS) is not None
    ]
    if others:
        text = f"entry {others[0]} recorded the end of `{shown}` first, and the first end counts"
        report.failed(question, "origin-end", text, f"entry {proof.end}")
    return found


def _inventory(
    proof: Proof, entries: Mapping[int, Entry], report: Report
) -> Mapping[str, Any] | None:
    found = _part(proof, entries, proof.inventory, frozenset({"inventory"}))
    if found is None:
        text = f"entry {proof.inventory} records no inventory of `{escape(proof.acquisition)}`"
        report.failed(FILE, "origin-inventory", text, f"entry {proof.inventory}")
    elif proof.inventory < proof.end:
        text = f"entry {proof.inventory} records an inventory of what ended later, in entry "
        text += str(proof.end)
        report.failed(FILE, "origin-inventory", text, f"entry {proof.inventory}")
    return found


def _check_sectors(
    proof: Proof, enclosed: Enclosed, media: Mapping[str, Any], report: Report
) -> None:
    """Check that the enclosed blocks lie in the recorded medium."""
    where = f"entry {proof.end}"
    recorded = media.get("pieces")
    try:
        size, root = pieces.read_fields(recorded if isinstance(recorded, dict) else {})
    except InputError:
        text = f"entry {proof.end} holds no piece tree of the medium to compare the blocks with"
        report.undecided(SECTORS, "origin-no-pieces", text, where)
        return
    if size != proof.size:
        text = "the proof is about a medium of another length than the one recorded"
        report.failed(SECTORS, "origin-size", text, where, str(size), str(proof.size))
        return
    if not proof.blocks:
        text = "the content has no sector: it is empty, or zeros that are stored nowhere"
        report.undecided(SECTORS, "origin-no-sectors", text)
        return
    try:
        found = enclosed.root(proof)
    except NoContentError as error:
        report.failed(SECTORS, "origin-sectors", escape(error.message), where)
        return
    count = sum(number for _, number in proof.blocks)
    blocks = f"{count:,} {'block' if count == 1 else 'blocks'} of {pieces.BLOCK:,} bytes"
    if found == root:
        text = f"the enclosed sectors ({blocks}) lie at their places in the medium of {size:,} "
        text += f"bytes that entry {proof.end} recorded"
        report.passed(SECTORS, "origin-sectors", text)
    else:
        text = f"the enclosed sectors ({blocks}) do not lie at these places in the medium that "
        text += f"entry {proof.end} recorded"
        shown = found.hex() if found else "a proof of another length"
        report.failed(SECTORS, "origin-sectors", text, where, root.hex(), shown)


def _unread(ends: Mapping[str, Any], needed: list[tuple[int, int]], report: Report) -> None:
    """Remark sectors that could not be read when the image was made."""
    unread = ends.get("unread")
    stated = unread if isinstance(unread, dict) else {}
    listed = stated.get("first")
    first = merge(
        (item[0], item[1])
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, list) and [type(part) for part in item] == [int, int]
    )
    hit = overlap(needed, first)
    if hit:
        text = f"{hit:,} bytes of these sectors could not be read from the device; what stands in "
        text += "their place is filler of the image"
        report.remark("origin-unread", text)
    elif stated.get("bytes") and stated["bytes"] != total(first):
        text = "sectors of the device could not be read, and the record lists only the first of "
        text += "them; whether some of these are among them is not known here"
        report.remark("origin-unread", text)


def _reach(proof: Proof, rows: Rows | None, report: Report) -> None:
    """Say both verdicts in the first line, and what they are about."""
    words = {PASS: "yes", FAIL: "no", UNDECIDED: "undecided"}
    found = [f"{name}: {words[report.answer(name)]}" for name in (SECTORS, FILE)]
    if SECTORS not in report.questions:
        found = found[1:]
    guessed = any(item.code == "origin-guess" for item in report.findings)
    if guessed and report.answer(FILE) != FAIL:
        found[-1] = "file: as guessed"
    elif report.answer(FILE) == PASS and rows is not None:
        deleted = rows.stream["basis"] == "deleted-runs-recorded"
        found[-1] += ", as its deleted record names it" if deleted else ""
    report.lead = ", ".join(found)
    if rows is not None:
        report.reach.insert(0, describe(proof, rows))
