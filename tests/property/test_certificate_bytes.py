"""Any damaged certificate or revocation list is an input error or another certificate, no crash."""

from __future__ import annotations

import bundlekit
import pytest

from evkit.core.errors import InputError
from evkit.identity.certificate import load_certificate
from evkit.identity.crl import create_crl, load_crl

ROOT, OFFICER = (signer.certificate for signer in bundlekit.people()[:2])
LIST = create_crl(bundlekit.people().root, [], at=bundlekit.START)


@pytest.mark.parametrize("mask", [1, 2, 4, 8, 16, 32, 64, 128])
@pytest.mark.parametrize(
    ("data", "load"),
    [
        (ROOT.pem, load_certificate), (ROOT.der, load_certificate),
        (OFFICER.pem, load_certificate), (OFFICER.der, load_certificate),
        (LIST.pem, load_crl), (LIST.der, load_crl),
    ],
    ids=["root-pem", "root-der", "officer-pem", "officer-der", "crl-pem", "crl-der"],
)  # fmt: skip
def test_every_flipped_bit(data, load, mask):
    for at in range(len(data)):
        try:
            found = load(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
        except InputError:
            continue
        assert found.der != b""
