"""Events: in-toto statements about evidence. Built here, read strictly, kept as exact bytes.

The payload is an in-toto Statement v1 with predicate type `urn:evkit:event:v1`, written as evkit
JSON; the envelope is `evkit.ledger.dsse`. See `docs/spec/event.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.ledger import dsse
from evkit.ledger.eventreader import (
    GENESIS,
    MAX_PAYLOAD,
    PRECISIONS,
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    parse_event,
)
from evkit.ledger.parts import (
    Actor,
    Context,
    Deviation,
    Draft,
    Event,
    Happened,
    Head,
    Recorded,
    Subject,
    Tool,
)

if TYPE_CHECKING:
    from evkit.core.ejson import Json

__all__ = [
    "GENESIS",
    "PRECISIONS",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "Actor",
    "Context",
    "Deviation",
    "Draft",
    "Entry",
    "Event",
    "Happened",
    "Head",
    "Recorded",
    "Subject",
    "Tool",
    "build",
    "parse_event",
    "read_entry",
]


class Entry(NamedTuple):
    """A ledger entry as read: exact bytes, envelope, event, and the event's id in hex."""

    data: bytes
    envelope: dsse.Envelope
    event: Event
    event_id: str


def build(draft: Draft, context: Context) -> bytes:
    """Return the payload of an event.

    Raises:
        InputError: a value cannot be signed, the commitments are not those of the sensitive
            fields, or the payload is too large.
    """
    if context.commitments.keys() != draft.sensitive.keys():
        raise InputError("the commitments are not those of the sensitive fields")
    subjects: list[Json] = [
        {"digest": dict(subject.digests), "name": subject.name} for subject in draft.subjects
    ]
    payload = ejson.dumps(
        {
            "_type": STATEMENT_TYPE,
            "predicate": _predicate(draft, context),
            "predicateType": PREDICATE_TYPE,
            "subject": subjects,
        }
    )
    if len(payload) > MAX_PAYLOAD:
        raise InputError(
            f"the event has {len(payload)} bytes, over the limit of {MAX_PAYLOAD}",
            hint="take large content in as a file and name it by its digest",
        )
    parse_event(payload)
    return payload


def read_entry(data: bytes) -> Entry:
    """Read a ledger entry in evkit's own form; the signature is not checked here.

    Raises:
        InputError: the envelope or the event is malformed, or the envelope's key id is not the
            certificate that the event names.
    """
    envelope = dsse.parse_own(data)
    if envelope.payload_type != dsse.IN_TOTO:
        raise InputError("the envelope does not hold an event")
    event = parse_event(envelope.payload)
    if event.actor.certificate != envelope.keyid:
        raise InputError("the key id of the envelope is not the certificate named in the event")
    return Entry(data, envelope, event, dsse.event_id(envelope))


def _predicate(draft: Draft, context: Context) -> dict[str, Json]:
    """Return the predicate; what is absent or empty is left out."""
    everything: dict[str, Json] = {
        "kind": draft.kind,
        "case": draft.case,
        "case_seq": context.case_seq,
        "case_prev": context.case_prev,
        "exhibits": draft.exhibits,
        "acquisitions": draft.acquisitions,
        "recorded": context.recorded._asdict(),
        "happened": draft.happened._asdict() if draft.happened else None,
        "actor": _present(context.actor._asdict()),
        "authority": draft.authority,
        "purpose": draft.purpose,
        "place": draft.place,
        "deviations": [_present(deviation._asdict()) for deviation in draft.deviations],
        "head": context.head._asdict() if context.head else None,
        "fields": dict(draft.fields),
        "commitments": dict(context.commitments),
        "tool": context.tool._asdict(),
    }
    return _present(everything)


def _present(document: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in document.items() if value not in (None, "", (), [], {})}
