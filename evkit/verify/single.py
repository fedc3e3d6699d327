"""Single files: a manifest alone, or an entry with its proof. Each answers only what it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.ledger.event import read_entry
from evkit.ledger.tlog_proof import parse_proof_own
from evkit.manifest import contents, layout, model
from evkit.merkle.proof import root_from_inclusion
from evkit.merkle.tree import leaf_hash
from evkit.verify import authorship, manifest, statement
from evkit.verify.content import Counts, check_acquisition, check_ends
from evkit.verify.remarks import say_decisions
from evkit.verify.report import CONTENT, HISTORY, RECORD, Report
from evkit.verify.times import Times
from evkit.verify.trust import Trust
from evkit.verify.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.ledger.checkpoint import Checkpoint
    from evkit.manifest.model import Manifest
    from evkit.verify.sources import Source
    from evkit.verify.supplied import Supplied

_WHOLE = "verify the whole bundle for that"


def verify_manifest(
    data: bytes,
    label: str,
    beside: RecordView,
    supplied: Supplied,
    *,
    exhibits: Callable[[Manifest, Report], Source] | None = None,
) -> Report:
    """Verify `manifest.json` without its bundle.

    Args:
        data: the file.
        label: its name, escaped.
        beside: certificates that were found beside it; its other parts are not used.
        supplied: what the verifier brought along.
        exhibits: gives the source of evidence to compare, None when there is none.
    """
    report = Report(label, "manifest", no_history=supplied.no_history)
    report.not_proven = list(model.NOT_PROVEN)
    trust = _trust(beside, supplied, report)
    signed = manifest.check_signature(data, trust, Times({}), report, alone=True)
    report.undecided(RECORD, "no-ledger", f"the ledger is not in a manifest; {_WHOLE}")
    report.undecided(HISTORY, "no-ledger", f"the ledger is not in a manifest; {_WHOLE}")
    if signed is None:
        return report
    made = signed[0]
    report.reach.append(f"case {escape(made.case)}, what the issuer signed and nothing behind it")
    say_decisions(made.facts, report)
    if exhibits is None:
        text = "no evidence was supplied to compare (`--exhibits DIR`)"
        report.undecided(CONTENT, "nothing-supplied", text)
    else:
        _compare(made, exhibits(made, report), report)
    return report


def verify_proof(
    proof: bytes | None,
    envelope: bytes | None,
    label: str,
    beside: RecordView,
    supplied: Supplied,
) -> Report:
    """Verify an entry with its `.tlog-proof`.

    Args:
        proof: the proof file, None when it was not found.
        envelope: the entry, None when it was not found.
        label: name of what was given, escaped.
        beside: certificates and the station statement found beside it.
        supplied: what the verifier brought along.
    """
    report = Report(label, "proof" if proof else "entry", no_history=supplied.no_history)
    trust = _trust(beside, supplied, report)
    text = "an entry by itself holds no data of exhibits"
    report.undecided(CONTENT, "no-data", text)
    try:
        read = None if proof is None else parse_proof_own(proof)
        entry = None if envelope is None else read_entry(envelope)
    except InputError as error:
        report.failed(RECORD, "proof-form", escape(error.message), label)
        return report
    if entry is None or envelope is None:
        text = "the entry itself was not found beside the proof"
        report.undecided(RECORD, "no-entry", text, label)
        return report
    index = read.index if read else 0
    view = RecordView(
        entries={index: envelope},
        checkpoint=read.note if read else None,
        statement=beside.statement,
        root=beside.root,
        officers=beside.officers,
        crls=beside.crls,
    )
    authorship.check_authorship(view, {index: entry}, trust, report, alone=True)
    event = entry.event
    what = f"entry {index}" if read else "an entry"
    report.reach.append(f"{what} ({escape(event.kind)}), recorded {event.recorded.utc}")
    report.reach.append("one entry, not its case")
    if read is None:
        text = "the proof of the entry (`.tlog-proof`) was not found beside it"
        report.undecided(RECORD, "no-proof", text, label)
        return report
    if beside.statement is None:
        text = "the station statement was not found beside the proof, so its log key is unknown"
        report.undecided(RECORD, "no-statement", text, label)
        station = None
    else:
        station = statement.check_statement(view, trust, report, alone=True)
    head = statement.check_checkpoint(view, station, {index: entry}, report)
    if head is not None:
        found = root_from_inclusion(index, head.size, leaf_hash(envelope), read.hashes)
        if found == head.root:
            text = f"entry {index} is in the ledger of {head.size} entries"
            report.passed(RECORD, "inclusion", text)
        else:
            text = f"entry {index} is not at its place in the ledger of {head.size} entries"
            report.failed(RECORD, "inclusion", text, label, head.root.hex(), (found or b"").hex())
        _history(head, supplied, report)
    return report


def _trust(beside: RecordView, supplied: Supplied, report: Report) -> Trust:
    trust = Trust(supplied, report)
    trust.take_root(beside.root, layout.ROOT)
    trust.take_officers(beside.officers)
    trust.take_crls(beside.crls)
    trust.judge_roots()
    return trust


def _history(head: Checkpoint, supplied: Supplied, report: Report) -> None:
    """A proof holds one head; only an anchor of exactly that size can be compared."""
    for slip in supplied.slips:
        if slip.head_lost:
            report.undecided(HISTORY, "memo-slip", f"{slip.label}: {slip.text}")
    if not supplied.anchors:
        text = "no head held outside was supplied (`--memo`, `--anchor SIZE:ROOT`)"
        report.undecided(HISTORY, "no-anchor", text)
    for anchor in supplied.anchors:
        if not anchor.fits(head.origin):
            text = f"{anchor.label} is of another ledger than `{escape(head.origin)}`"
            report.undecided(HISTORY, "anchor-origin", text)
        elif anchor.size != head.size:
            text = (
                f"{anchor.label} has {anchor.size} entries, the head in the proof {head.size}; "
                "comparing them takes the whole ledger or a bundle"
            )
            report.undecided(HISTORY, "anchor-size", text)
        elif anchor.root == head.root:
            report.passed(HISTORY, "anchor", f"{anchor.label}: it is the head in the proof")
        else:
            text = f"{anchor.label} is another history of {head.size} entries (a fork)"
            report.failed(HISTORY, "fork", text, "", anchor.root.hex(), head.root.hex())


def _compare(made: Manifest, source: Source, report: Report) -> None:
    total = Counts()
    try:
        acquisitions: Mapping[str, contents.Acquisition] = contents.acquisitions(made.facts)
    except InputError as error:
        report.failed(RECORD, "facts-form", escape(error.message))
        return
    check_ends(made.facts, report)
    for acquisition in acquisitions.values():
        names = [
            artifact.name
            for artifact in acquisition.artifacts
            if source.place(acquisition.ref, artifact.name) is not None
        ]
        listed = acquisition.of_role(contents.LIST_ROLE) if acquisition.is_list else []
        if any(artifact.name in names for artifact in listed):
            names.append(contents.FILES_NAME)
        total = total.plus(check_acquisition(acquisition, source, report, names))
    if total.files and not total.wrong:
        text = f"{total.files} files, {total.bytes:,} bytes, are those in the manifest"
        report.passed(CONTENT, "exhibits", text)
    if not total.files:
        text = "none of the recorded files was found in the folder given with `--exhibits`"
        report.undecided(CONTENT, "nothing-supplied", text)
