"""The trust folder: created once, checked on reading, other agencies' roots."""

from __future__ import annotations

import os

import pytest

from evkit.core import clock
from evkit.core.errors import CaseError, InputError, RefusedError, UsageError
from evkit.identity import p256
from evkit.identity.certificate import create_root, valid_for
from evkit.station import layout


def _root(agency: str) -> bytes:
    validity = valid_for(clock.now().utc, 100)
    return create_root(p256.generate(), agency=agency, name="Root", validity=validity).pem


def test_other_roots(station):
    added = station.trust.add_root(_root("PFSA"))
    assert [root.agency for root in station.trust.other_roots()] == ["PFSA"]
    with pytest.raises(RefusedError):
        station.trust.add_root(added.pem)
    with pytest.raises(RefusedError, match="own agency"):
        station.trust.add_root(station.trust.root().pem)
    station.trust.add_root(_root("NAB"))
    assert station.trust.remove_root("sha256:" + added.fingerprint[:12]) == added
    assert [root.agency for root in station.trust.other_roots()] == ["NAB"]
    with pytest.raises(CaseError):
        station.trust.remove_root(added.fingerprint)
    with pytest.raises(UsageError):
        station.trust.remove_root("")


def test_only_roots_are_roots(made, station):
    for data in (b"", b"x" * 100, made.officer.certificate.pem, b"\x30\x03\x02\x01\x01"):
        with pytest.raises(InputError):
            station.trust.add_root(data)
    assert station.trust.other_roots() == []


@pytest.mark.parametrize("name", [layout.ROOT_CERTIFICATE, layout.STATEMENT])
def test_damage_is_noticed(made, name):
    path = os.path.join(os.fsencode(made.path), name)
    with open(path, "rb") as handle:
        good = handle.read()
    for at in range(30, len(good) - 30, 37):
        with open(path, "wb") as handle:
            handle.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with made.open() as station, pytest.raises(InputError):
            station.trust.statement()
    for content in (b"", good[:-20], good * 2):
        with open(path, "wb") as handle:
            handle.write(content)
        with made.open() as station, pytest.raises(InputError):
            station.trust.statement()


def test_a_revocation_list_of_somebody_else(made, station):
    from evkit.identity.crl import create_crl
    from evkit.identity.signer import FileSigner

    key = p256.generate()
    other = create_root(key, agency="X", name="R", validity=valid_for(clock.now().utc, 10))
    station.trust.replace_crl(create_crl(FileSigner(other, key), [], at=clock.now().utc))
    with pytest.raises(InputError, match="not signed by the agency root"):
        station.trust.crl()
