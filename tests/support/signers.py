"""A root, an officer, a log key and entries for tests; keys stay in memory, so they are fast."""

from __future__ import annotations

import datetime as dt
import functools
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evkit.identity.certificate import (
    Certificate,
    OfficerDetails,
    create_root,
    issue_officer,
    valid_for,
)
from evkit.identity.signer import FileSigner, LogSigner
from evkit.ledger import dsse
from evkit.ledger.commitments import commit_all
from evkit.ledger.event import Actor, Context, Draft, Head, Recorded, Subject, Tool, build

AT = dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC)
ORIGIN = "agency.example/station-1"
AGENCY = "National Cyber Agency"


class People(NamedTuple):
    """Signers of one small agency."""

    root: FileSigner
    officer: FileSigner
    other: FileSigner
    log: LogSigner


def private_key(secret: int) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from a number, the same in every run."""
    return ec.derive_private_key(secret, ec.SECP256R1())


def make_root(secret: int = 11, days: int = 3650, name: str = "Evidence root") -> FileSigner:
    """A root valid from `AT`."""
    key = private_key(secret)
    return FileSigner(create_root(key, agency=AGENCY, name=name, validity=valid_for(AT, days)), key)


def make_officer(root: FileSigner, secret: int = 12, **changes: object) -> FileSigner:
    """An officer under a root, valid for a year from `AT`."""
    fields = {
        "officer": "a-officer",
        "name": "افسر اول",
        "agency": AGENCY,
        "rank": "Sub-Inspector",
        "badge": "LHR/123",
        "roles": ("officer", "analyst"),
    }
    key = private_key(secret)
    certificate = issue_officer(
        root, key.public_key(), OfficerDetails(**(fields | changes)), valid_for(AT, 365)
    )
    return FileSigner(certificate, key)


@functools.cache
def people() -> People:
    """Root, two officers and a log key, made once."""
    root = make_root()
    return People(
        root=root,
        officer=make_officer(root),
        other=make_officer(root, 13, officer="b-ali", name="Second Keeper", roles=("custodian",)),
        log=LogSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)),
    )


def make_context(certificate: Certificate, **changes: object) -> Context:
    """A context of the second event of a ledger, without a case."""
    fields: dict[str, object] = {
        "recorded": Recorded("2026-11-22T09:00:00.000Z", "+05:00", "system"),
        "actor": Actor.of(certificate),
        "tool": Tool("evkit", "0.1.0"),
        "head": Head(ORIGIN, 1, "ab" * 32),
    }
    return Context(**(fields | changes))


def make_draft(**changes: object) -> Draft:
    """A draft about two exhibits with most parts filled."""
    fields: dict[str, object] = {
        "kind": "seal",
        "case": "C-2026.1",
        "exhibits": ("C-2026.1/E1", "C-2026.1/E2"),
        "fields": {"seal": ["S-1", "S-2"], "remarks": "ثبوت کی تحویل"},
        "subjects": (Subject("C-2026.1/E1#registration", {"sha256": "cd" * 32}),),
    }
    return Draft(**(fields | changes))


def make_entry(draft: Draft | None = None, signer: FileSigner | None = None, **context) -> bytes:
    """The envelope bytes of one signed event."""
    draft = draft or make_draft()
    signer = signer or people().officer
    commitments, _ = commit_all(draft.sensitive)
    fields: dict[str, object] = {"commitments": commitments}
    if draft.case is not None:
        fields["case_seq"] = 1
    if draft.kind == "station":
        fields["head"] = None
    payload = build(draft, make_context(signer.certificate, **(fields | context)))
    return dsse.encode(dsse.sign(payload, dsse.IN_TOTO, signer))
