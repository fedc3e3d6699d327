"""The parts of an event as frozen values; `evkit.ledger.event` builds and reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from evkit.core import clock

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from evkit.core.ejson import Json
    from evkit.identity.x509 import Certificate


class Subject(NamedTuple):
    """What an event is about: a name and digests (algorithm → lower-case hex)."""

    name: str
    digests: Mapping[str, str]


class Happened(NamedTuple):
    """When it happened, as stated: RFC 3339 UTC with milliseconds, precision, who says so."""

    time: str
    precision: str
    source: str


class Deviation(NamedTuple):
    """A departure from procedure: a code, what departed, and the officer's reason if given."""

    code: str
    text: str
    reason: str | None = None


class Recorded(NamedTuple):
    """The station's clock when the event was signed."""

    utc: str
    offset: str
    source: str

    @classmethod
    def of(cls, instant: clock.Instant) -> Recorded:
        """Return the record of an instant."""
        return cls(instant.text(), instant.offset, instant.source)

    def moment(self) -> dt.datetime:
        """Return the time as an aware datetime."""
        return clock.parse(self.utc)


class Actor(NamedTuple):
    """Who signed: short name, name, role, SHA-256 of the certificate, rank and badge if any."""

    officer: str
    name: str
    role: str
    certificate: str
    rank: str | None = None
    badge: str | None = None

    @classmethod
    def of(cls, certificate: Certificate, role: str | None = None) -> Actor:
        """Return the actor of a certificate, in its first role unless another one is named."""
        roles = certificate.roles or (certificate.officer,)
        return cls(
            officer=certificate.officer,
            name=certificate.common_name,
            role=role or roles[0],
            certificate=certificate.fingerprint,
            rank=certificate.rank,
            badge=certificate.badge,
        )


class Head(NamedTuple):
    """A head of a ledger: origin, number of entries, root in lower-case hex."""

    origin: str
    size: int
    root: str


class Tool(NamedTuple):
    """The program that wrote the event."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an action wants to record; the station adds the rest.

    Attributes:
        kind: event kind, such as `register`.
        case: case id, None for an event of the station.
        exhibits: `CASE/E1` …
        acquisitions: `CASE/E1/A1` …
        fields: public fields of the kind.
        sensitive: personal values by field name; only salted commitments of them are signed.
        subjects: what it is about; at least one when it is built.
        happened: when it happened, if stated.
        authority, purpose, place: as the officer stated them.
        deviations: departures from procedure.
    """

    kind: str
    case: str | None = None
    exhibits: tuple[str, ...] = ()
    acquisitions: tuple[str, ...] = ()
    fields: Mapping[str, Json] = field(default_factory=dict)
    sensitive: Mapping[str, str] = field(default_factory=dict)
    subjects: tuple[Subject, ...] = ()
    happened: Happened | None = None
    authority: str | None = None
    purpose: str | None = None
    place: str | None = None
    deviations: tuple[Deviation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the station knows when it builds an event.

    Attributes:
        recorded: the station's clock.
        actor: the signing officer.
        tool: program and version.
        head: the stored checkpoint that the officer pins; None only for the first event.
        case_seq: number of the event in its case, from 1; None without a case.
        case_prev: id of the event before it in the case; None for the first.
        commitments: for each name of `Draft.sensitive` its commitment in hex.
    """

    recorded: Recorded
    actor: Actor
    tool: Tool
    head: Head | None = None
    case_seq: int | None = None
    case_prev: str | None = None
    commitments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A signed event as it was read; fields as in `Draft` and `Context`.

    `commitments` stands in place of the sensitive values. Empty means absent.
    """

    kind: str
    recorded: Recorded
    actor: Actor
    tool: Tool
    subjects: tuple[Subject, ...]
    head: Head | None
    case: str | None
    case_seq: int | None
    case_prev: str | None
    exhibits: tuple[str, ...]
    acquisitions: tuple[str, ...]
    fields: Mapping[str, Json]
    commitments: Mapping[str, str]
    happened: Happened | None
    authority: str | None
    purpose: str | None
    place: str | None
    deviations: tuple[Deviation, ...]
