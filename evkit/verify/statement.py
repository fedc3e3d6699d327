"""From the root to the log key to the checkpoint: who keeps this ledger, and what its head is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.core import clock
from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.identity.statement import PAYLOAD_TYPE, parse_statement
from evkit.ledger import dsse
from evkit.ledger.checkpoint import is_log_key, parse_checkpoint_own
from evkit.verify.report import RECORD
from evkit.verify.times import Placed, Times
from evkit.verify.validity import tell_clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.identity.statement import StationStatement
    from evkit.ledger.checkpoint import Checkpoint
    from evkit.ledger.event import Entry
    from evkit.verify.report import Report
    from evkit.verify.trust import Trust
    from evkit.verify.view import RecordView


class Station(NamedTuple):
    """The station statement as read, and its id."""

    statement: StationStatement
    event_id: str


def check_statement(
    view: RecordView, trust: Trust, report: Report, *, alone: bool = False
) -> Station | None:
    """Check that the root certified the log key; return the statement when its form is right.

    For a single entry (`alone`) a root that is not at hand leaves the check unmade.
    """
    if view.statement is None:
        report.failed(RECORD, "no-statement", "the station statement is missing")
        return None
    try:
        envelope = dsse.parse_own(view.statement)
        statement = parse_statement(envelope.payload)
        of_type = envelope.payload_type == PAYLOAD_TYPE
    except InputError as error:
        text = f"the station statement cannot be read: {escape(error.message)}"
        report.failed(RECORD, "statement-form", text)
        return None
    if not of_type:
        text = "the envelope of the station statement is of another type"
        report.failed(RECORD, "statement-form", text)
        return None
    report.shown["log key"] = escape(statement.log_key)
    root = trust.certificates.get(envelope.keyid)
    if root is None or not root.is_ca:
        text = f"the root that signed the station statement is not here: sha256:{envelope.keyid}"
        (report.undecided if alone else report.failed)(RECORD, "statement-root", text)
    elif not dsse.verify(envelope, root):
        text = "the station statement is not signed by the root that it names"
        report.failed(RECORD, "statement-signature", text)
    elif trust.trusts(root):
        text = (
            f"the root certifies that `{escape(statement.name)}`, {escape(statement.agency)}, "
            f"keeps the ledger `{escape(statement.origin)}`"
        )
        report.passed(RECORD, "statement", text)
    elif trust.supplied_any:
        text = "the station statement is signed by another root than the one supplied"
        report.failed(RECORD, "statement-other-root", text)
    else:
        text = "no supplied root says that this log key is the station's"
        report.undecided(RECORD, "log-key-uncertified", text)
    return Station(statement, dsse.event_id(envelope))


def check_checkpoint(
    view: RecordView, station: Station | None, entries: Mapping[int, Entry], report: Report
) -> Checkpoint | None:
    """Check form and signature of the checkpoint; return its head when the form is right."""
    if view.checkpoint is None:
        report.failed(RECORD, "no-checkpoint", "the checkpoint is missing")
        return None
    try:
        signed = parse_checkpoint_own(view.checkpoint, cosigned=True)
    except InputError as error:
        text = f"the checkpoint cannot be read: {escape(error.message)}"
        report.failed(RECORD, "checkpoint-form", text)
        return None
    head = signed.checkpoint
    report.shown["head"] = f"{escape(head.origin)} {head.size}:{head.root.hex()}"
    if station is None:
        return head
    statement = station.statement
    try:
        vkey = statement.vkey()
    except InputError as error:
        text = f"the log key of the statement cannot be read: {escape(error.message)}"
        report.failed(RECORD, "statement-form", text)
        return head
    if head.origin != statement.origin or not is_log_key(vkey, head.origin):
        text = "the checkpoint is of another ledger than the one certified"
        report.failed(
            RECORD, "checkpoint-origin", text, "", escape(statement.origin), escape(head.origin)
        )
    elif not signed.verify(vkey):
        text = "the checkpoint is not signed by the log key of the station statement"
        report.failed(RECORD, "checkpoint-signature", text)
    else:
        report.passed(RECORD, "checkpoint", f"the log key signed the head of {head.size} entries")
    _check_time(station, entries, report)
    return head


def _check_time(station: Station, entries: Mapping[int, Entry], report: Report) -> None:
    """Check that the entries were made while the log key was certified."""
    made = station.statement
    span = f"{made.not_before} to {made.not_after}"
    window = Times(entries).within(clock.parse(made.not_before), clock.parse(made.not_after))
    placed: dict[Placed, list[int]] = {}
    for index in entries:
        placed.setdefault(window.place(index), []).append(index)
    for index in placed.get(Placed.OUTSIDE, []):
        text = (
            f"entry {index} was recorded at {entries[index].event.recorded.utc}, as the entries "
            f"beside it outside the time for which the log key is certified ({span})"
        )
        report.failed(RECORD, "statement-time", text, f"entry {index}")
    tell_clock(RECORD, "statement-time", f"the log key ({span})", placed, report)


def check_genesis(
    view: RecordView,
    station: Station | None,
    entries: Mapping[int, Entry],
    trust: Trust,
    report: Report,
) -> None:
    """Check that entry 0 is the first one, is about the statement and signed by the root."""
    entry = entries.get(0)
    where = view.place(0)
    if entry is None:
        report.failed(RECORD, "no-genesis", "the first entry of the ledger is missing", where)
        return
    if station is None:
        return
    event, statement = entry.event, station.statement
    signer = trust.certificates.get(entry.envelope.keyid)
    subjects = {subject.digests.get("sha256") for subject in event.subjects}
    stated = {
        "kind": (event.kind, "station"),
        "subject": (station.event_id in subjects, True),
        "signer": (signer is not None and signer.is_ca and signer == trust.found, True),
        "origin": (event.fields.get("origin"), statement.origin),
        "log key": (event.fields.get("log_key"), statement.log_key),
        "root": (event.fields.get("root"), entry.envelope.keyid),
    }
    wrong = [name for name, (found, expected) in stated.items() if found != expected]
    if wrong:
        text = f"the first entry does not belong to this station statement: {', '.join(wrong)}"
        report.failed(RECORD, "genesis", text, where)
    else:
        report.passed(RECORD, "genesis", "the ledger begins with its station statement")
