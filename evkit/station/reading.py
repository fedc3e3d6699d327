"""From stored bytes to values: events, the station statement, checkpoints, the log key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core.errors import CheckFailedError, IdentityError, InputError
from evkit.core.text import escape
from evkit.station import layout

if TYPE_CHECKING:
    from evkit.identity.certificate import Certificate
    from evkit.identity.ed25519 import Vkey
    from evkit.identity.signer import LogSigner
    from evkit.identity.statement import StationStatement
    from evkit.ledger.event import Event
    from evkit.station.layout import Layout
    from evkit.station.store import Entry, Head


def event_of(entry: Entry) -> Event:
    """Return the event of a stored entry.

    Raises:
        InputError: the entry is damaged; the message names its index.
    """
    from evkit.ledger.event import read_entry

    try:
        found = read_entry(entry.envelope)
    except InputError as error:
        raise InputError(
            f"entry {entry.index} of the ledger is damaged: {error.message}", hint=_DAMAGED
        ) from error
    if found.event_id != entry.event_id:
        raise InputError(f"entry {entry.index} of the ledger is another event", hint=_DAMAGED)
    return found.event


def read_statement(data: bytes, root: Certificate) -> tuple[StationStatement, str]:
    """Return a station statement and the event id of its envelope.

    Raises:
        InputError: it is damaged, or not signed by this root.
    """
    from evkit.identity.statement import PAYLOAD_TYPE, parse_statement
    from evkit.ledger import dsse

    envelope = dsse.parse_own(data)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise InputError("the envelope is not a station statement")
    if not dsse.verify(envelope, root):
        raise InputError("the station statement is not signed by the agency root")
    return parse_statement(envelope.payload), dsse.event_id(envelope)


def check_head(head: Head, origin: str, log: Vkey) -> None:
    """Check that the stored checkpoint is that of the stored head, under the log key.

    Raises:
        CheckFailedError: it is not.
        InputError: it is missing or damaged.
    """
    from evkit.ledger.checkpoint import parse_checkpoint_own

    if head.note is None:
        raise InputError(f"the head of size {head.size} has no checkpoint")
    signed = parse_checkpoint_own(head.note, cosigned=True)
    if signed.checkpoint != (origin, head.size, head.root) or not signed.verify(log):
        raise CheckFailedError(
            f"the stored checkpoint of size {head.size} is not that of the ledger "
            f"`{escape(origin)}`",
            hint=_DAMAGED,
            details={
                "checkpoint": f"{signed.checkpoint.size}:{signed.checkpoint.root.hex()}",
                "ledger": f"{head.size}:{head.root.hex()}",
            },
        )


def log_signer(place: Layout, statement: StationStatement) -> LogSigner:
    """Return the log key of a station.

    Raises:
        IdentityError: it is missing, or not the one in the station statement.
    """
    from evkit.identity.signer import open_log_signer

    path = place.path(layout.LOG_KEY)
    if not os.path.lexists(path):
        raise IdentityError(
            "the station has no log key, so nothing can be appended",
            hint="a restored backup never has it: go on with `evkit station recover`",
        )
    signer = open_log_signer(path, statement.origin)
    if signer.vkey != statement.log_key:
        raise IdentityError(
            "the log key is not the one that the agency root certified for this station",
            details={"key": signer.vkey, "certified": statement.log_key},
        )
    return signer


def sign_head(head: Head, log: LogSigner) -> bytes:
    """Return the signed checkpoint of a committed head."""
    from evkit.ledger.checkpoint import Checkpoint, sign_checkpoint

    return sign_checkpoint(Checkpoint(log.name, head.size, head.root), log)


_DAMAGED = "compare the station with a bundle or a backup (`evkit verify`, `evkit ledger compare`)"
