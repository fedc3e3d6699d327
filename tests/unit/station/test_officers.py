"""Officers: enrolment is signed twice, revocation holds, names are unique."""

from __future__ import annotations

import hashlib
import os

import pytest
import stations
from stations import note

from evkit.core import clock, durable
from evkit.core.errors import IdentityError, RefusedError, UsageError
from evkit.identity import keys
from evkit.identity.certificate import check_chain, create_root, valid_for
from evkit.identity.names import OfficerDetails
from evkit.identity.signer import FileSigner
from evkit.ledger.event import read_entry
from evkit.station import layout
from evkit.station.officers import choose, enrol, revoke, rows


@pytest.fixture(autouse=True)
def cheap_keys(monkeypatch):
    def cheap(secret: bytes, params) -> bytes:
        return hashlib.sha256(params.salt + secret).digest()

    monkeypatch.setattr(keys, "_derive", cheap)


def details(officer: str = "fourth-analyst", **more: object) -> OfficerDetails:
    values = {"name": "Fourth Analyst", "agency": stations.AGENCY, "roles": ("officer",)}
    return OfficerDetails(officer=officer, **{**values, **more})


def test_root_and_officer_both_sign(made, station):
    done = enrol(station, details(rank="ASI", badge="77"), made.root, b"her own")
    entry = read_entry(done.envelope)
    certificate = station.trust.officer("fourth-analyst")
    assert entry.envelope.keyid == certificate.fingerprint
    assert certificate.verify(entry.envelope.signature, _signed(entry))
    assert certificate.signed_by(station.trust.root())
    assert done.event.fields["certificate_pem"] == certificate.pem.decode()
    assert done.event.fields["certificate"] == certificate.fingerprint
    signer = station.signer("fourth-analyst", b"her own")
    assert station.record(note("C1", "x"), signer).event.actor.rank == "ASI"
    with pytest.raises(IdentityError, match="passphrase"):
        station.signer("fourth-analyst", b"somebody else's")


def _signed(entry) -> bytes:
    from evkit.ledger.dsse import pae

    return pae(entry.envelope.payload_type, entry.envelope.payload)


def test_key_files_are_private_and_written_once(made, station):
    enrol(station, details(), made.root, b"pw")
    path = station.place.officer_key("fourth-analyst")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, "rb") as handle:
        before = handle.read()
    with pytest.raises(RefusedError, match="enrolled already"):
        enrol(station, details(), made.root, b"pw")
    with open(path, "rb") as handle:
        assert handle.read() == before


def test_another_root_cannot_enrol(made, station):
    key = keys.create_key_file(station.place.home + b"/other.key", b"x")
    other = create_root(
        key, agency=stations.AGENCY, name="Other", validity=valid_for(clock.now().utc, 10)
    )
    with pytest.raises(IdentityError, match="not the agency root of this station"):
        enrol(station, details(), FileSigner(other, key), b"pw")
    assert not os.path.exists(station.place.officer_key("fourth-analyst"))


def test_a_key_without_enrolment_cannot_sign(made, station):
    station.place.officer_key("x")
    done = enrol(station, details(), made.root, b"pw")
    assert done.index == station.head().size - 1
    from evkit.station.officers import _issue

    key = keys.create_key_file(station.place.home + b"/ghost.key", b"x")
    ghost = _issue(made.root, key.public_key(), details("ghost"), 10)
    with pytest.raises(IdentityError, match="not enrolled"):
        station.record(note("C1", "boo"), FileSigner(ghost, key))


def test_bad_details(made, station):
    for bad in (details(officer="root"), details(roles=()), details(name="a\u202eb")):
        with pytest.raises(UsageError):
            enrol(station, bad, made.root, b"pw")


def test_revocation(made, station):
    assert all(row.usable for row in rows(station))
    done = revoke(station, stations.CUSTODIAN, made.root, "ended")
    assert done.event.actor.certificate == made.root.certificate.fingerprint
    with pytest.raises(IdentityError, match="is revoked"):
        station.record(note("C1", "x"), made.custodian)
    station.record(note("C1", "the other one still can"), made.officer)
    crl = station.trust.crl()
    assert crl.find(made.custodian.certificate.serial).reason == "ended"
    result = check_chain(made.custodian.certificate, [station.trust.root()], clock.now().utc, [crl])
    assert result.state == "revoked"
    by_name = {row.certificate.officer: row for row in rows(station)}
    assert not by_name[stations.CUSTODIAN].usable
    assert by_name[stations.OFFICER].usable
    with pytest.raises(RefusedError, match="revoked already"):
        revoke(station, stations.CUSTODIAN, made.root, "ended")


def test_the_ledger_alone_is_enough_to_refuse_a_revoked_key(made, station):
    """Somebody removes the revocation list."""
    from evkit.station import layout

    revoke(station, stations.CUSTODIAN, made.root, "ended")
    os.unlink(station.place.path(layout.CRL))
    with pytest.raises(IdentityError, match="is revoked"):
        station.record(note("C1", "x"), made.custodian)


def test_compromise_needs_a_time(made, station):
    moment = clock.parse("2026-11-20T00:00:00+05:00")
    with pytest.raises(UsageError):
        revoke(station, stations.CUSTODIAN, made.root, "compromise")
    with pytest.raises(UsageError):
        revoke(station, stations.CUSTODIAN, made.root, "ended", moment)
    with pytest.raises(UsageError):
        revoke(station, stations.CUSTODIAN, made.root, "because")
    done = revoke(station, stations.CUSTODIAN, made.root, "compromise", moment)
    assert done.event.fields["invalid_from"] == "2026-11-19T19:00:00.000Z"
    assert done.event.fields["compromise"] is True
    crl = station.trust.crl()
    assert crl.find(made.custodian.certificate.serial).invalid_from == moment


def test_the_list_of_revocations_grows(made, station):
    first = station.trust.crl()
    assert len(first.revocations) == 0  # there is a list from the first day on
    revoke(station, stations.CUSTODIAN, made.root, "ended")
    revoke(station, stations.OFFICER, made.root, "superseded")
    crl = station.trust.crl()
    assert crl.number == first.number + 2
    assert len(crl.revocations) == 2


def test_choosing_the_officer(made, station):
    assert choose(station, "second-keeper") == "second-keeper"
    with pytest.raises(IdentityError, match="which officer") as caught:
        choose(station, None)
    assert "`third-officer`" in caught.value.hint
    revoke(station, stations.CUSTODIAN, made.root, "ended")
    assert choose(station, None) == stations.OFFICER
    revoke(station, stations.OFFICER, made.root, "ended")
    with pytest.raises(IdentityError, match="no officer"):
        choose(station, None)
    for wrong in ("nobody", "../root", "a/b", "", "سنا"):
        if wrong:
            with pytest.raises(IdentityError):
                choose(station, wrong)


def test_a_revocation_in_the_ledger_shows_without_the_list(made, station):
    """The list was not written, or an old one was put back: the ledger is the record."""
    path = station.place.path(layout.CRL)
    with open(path, "rb") as handle:
        before = handle.read()
    done = revoke(station, stations.CUSTODIAN, made.root, "ended")
    durable.replace(path, before)
    row = {r.certificate.officer: r for r in rows(station)}[stations.CUSTODIAN]
    assert not row.usable
    assert row.revoked == clock.parse(done.event.recorded.utc)
    assert choose(station, None) == stations.OFFICER
