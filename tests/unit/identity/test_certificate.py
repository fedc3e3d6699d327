"""Certificates, their judgement at a time, and revocation lists."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from signers import AGENCY, AT, make_officer, make_root, people, private_key

from evkit.core.errors import IdentityError, InputError, UsageError
from evkit.identity import ecdsa
from evkit.identity.authority import signed
from evkit.identity.certificate import (
    OfficerDetails,
    Validity,
    check_chain,
    create_root,
    issue_officer,
    load_certificate,
    suggest_slug,
    valid_for,
)
from evkit.identity.crl import Revocation, create_crl, load_crl
from evkit.identity.signer import FileSigner
from evkit.identity.x509 import Certificate

DAY = dt.timedelta(days=1)


def test_officer_fields():
    cert = people().officer.certificate
    assert cert.officer == "a-officer"
    assert cert.common_name == "افسر اول"
    assert (cert.rank, cert.badge, cert.agency, cert.unit) == (
        "Sub-Inspector",
        "LHR/123",
        AGENCY,
        None,
    )
    assert cert.roles == ("officer", "analyst")
    assert not cert.is_ca
    assert cert.problems == ()
    assert (cert.not_before, cert.not_after) == (AT, AT + 365 * DAY)
    root = people().root.certificate
    assert root.is_ca
    assert root.officer == "root"
    assert root.problems == ()


def test_pem_and_der_give_the_same(tmp_path):
    cert = people().officer.certificate
    assert load_certificate(cert.pem) == load_certificate(cert.der) == cert
    assert load_certificate(b"a text above\n" + cert.pem).fingerprint == cert.fingerprint
    with pytest.raises(InputError, match="2 certificates"):
        load_certificate(cert.pem * 2)


def test_signing_is_deterministic_and_low_s():
    signer = people().officer
    for data in (b"", b"a", b"b" * 1000):
        signature = signer.sign(data)
        assert signature == signer.sign(data)
        assert ecdsa.is_low_s(signature)
        assert signer.certificate.verify(signature, data)
        assert not signer.certificate.verify(signature, data + b"x")
        r, s = ecdsa.strict_der(signature)
        high = ecdsa.to_der(r, ecdsa.ORDER - s)
        assert not signer.certificate.verify(high, data)


def test_issuing_is_reproducible_but_for_the_serial():
    root = people().root
    assert root.certificate.signed_by(root.certificate)
    assert people().officer.certificate.signed_by(root.certificate)
    assert not people().officer.certificate.signed_by(people().other.certificate)


def test_every_flipped_byte_is_noticed():
    """A changed certificate is unreadable, has another fingerprint and never counts as ok."""
    cert, root = people().officer.certificate, people().root.certificate
    body = bytearray(cert.der)
    for at in range(len(body)):
        body[at] ^= 0x04
        try:
            found = load_certificate(bytes(body))
        except InputError:
            pass
        else:
            assert found.fingerprint != cert.fingerprint
            assert not check_chain(found, [root], AT).ok
        body[at] ^= 0x04


def test_unused_bits_of_the_signature_are_refused():
    """A signature that ends in zero bits can be said to be shorter; libraries take that."""
    root = people().root
    for _ in range(400):  # the serial number is random, so each one has another signature
        cert = make_officer(root).certificate
        if not cert.der[-1] & 0x0F:
            break
    else:
        pytest.fail("no signature ended in four zero bits")
    body = bytearray(cert.der)
    unused = len(body) - len(x509.load_der_x509_certificate(cert.der).signature) - 1
    assert body[unused] == 0
    body[unused] = 4
    assert check_chain(cert, [root.certificate], AT).ok
    found = load_certificate(bytes(body))
    assert "around its signature" in " ".join(found.problems)
    assert not check_chain(found, [root.certificate], AT).ok


def test_truncated():
    der = people().officer.certificate.der
    for size in range(len(der)):
        with pytest.raises(InputError):
            load_certificate(der[:size])
    with pytest.raises(InputError):
        load_certificate(der + b"\x00")
    with pytest.raises(InputError):
        load_certificate(b"\x30" * 20_000)
    with pytest.raises(InputError):
        load_certificate(b"\x30" * 100_000)


def test_second_encoding_of_the_root_signature_is_bad():
    """A high-S signature on a certificate is the same certificate with another fingerprint."""
    cert, root = people().officer.certificate, people().root.certificate
    inner = x509.load_der_x509_certificate(cert.der)
    r, s = ecdsa.strict_der(inner.signature)
    twin = Certificate(signed(inner.tbs_certificate_bytes, ecdsa.to_der(r, ecdsa.ORDER - s)))
    assert twin.fingerprint != cert.fingerprint
    result = check_chain(twin, [root], AT)
    assert result.state == "bad"
    assert "signature" in result.detail


def test_chain_states():
    root, cert = people().root.certificate, people().officer.certificate
    result = check_chain(cert, [root], AT + DAY)
    assert result.ok
    assert result.root == root
    assert not result.revocation_checked
    assert "not checked" in result.detail
    assert check_chain(cert, [], AT).state == "untrusted"
    assert check_chain(cert, [make_root(99).certificate], AT).state == "untrusted"
    assert check_chain(cert, [cert], AT).state == "bad"  # an officer is nobody's root
    assert check_chain(cert, [make_root(99).certificate, root], AT).ok
    assert check_chain(cert, [root], AT - DAY).state == "expired"
    late = check_chain(cert, [root], AT + 366 * DAY)
    assert late.state == "expired"
    assert "2027-11-22T09:00:00.000Z" in late.detail
    assert check_chain(root, [root], AT).ok


def test_same_names_other_key_is_untrusted():
    """A root with the same names and another key does not pass for the real one."""
    impostor = make_root(77)
    cert = make_officer(impostor).certificate
    assert check_chain(cert, [people().root.certificate], AT).state == "untrusted"


def test_root_expires():
    root = make_root(21, days=366)
    key = private_key(22)
    details = OfficerDetails(officer="x", name="X", agency=AGENCY, roles=("officer",))
    with pytest.raises(UsageError):
        issue_officer(root, key.public_key(), details, valid_for(AT, 400))
    with pytest.raises(UsageError):
        issue_officer(root, key.public_key(), details, Validity(AT + DAY, AT))


def _foreign(root, **changes):
    """A certificate under the root that differs from the profile in one point."""
    key = private_key(31)
    options = {
        "usage": ("digital_signature", "content_commitment"),
        "eku": True,
        "officer": ["urn:evkit:officer:a-officer"],
        "roles": ["urn:evkit:role:officer"],
        "ca": False,
        "critical": False,
        "hash": hashes.SHA256(),
    } | changes
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "X")]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(AT)
        .not_valid_after(AT + DAY)
        .add_extension(x509.BasicConstraints(ca=options["ca"], path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier(root.certificate.key_identifier, None, None), critical=False
        )
    )
    if options["usage"]:
        usage = x509.KeyUsage(**{name: name in options["usage"] for name in names})
        builder = builder.add_extension(usage, critical=True)
    if options["eku"]:
        oid = x509.ObjectIdentifier(
            "1.3.6.1.5.5.7.3.36" if options["eku"] is True else options["eku"]
        )
        builder = builder.add_extension(x509.ExtendedKeyUsage([oid]), critical=False)
    uris = [x509.UniformResourceIdentifier(uri) for uri in options["officer"] + options["roles"]]
    if uris:
        builder = builder.add_extension(x509.SubjectAlternativeName(uris), critical=False)
    if options["critical"]:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    body = builder.sign(private_key(1), options["hash"]).tbs_certificate_bytes
    return Certificate(signed(body, root.sign(body)))


def test_profile():
    root = people().root
    assert check_chain(_foreign(root), [root.certificate], AT).ok


@pytest.mark.parametrize(
    "change",
    [
        {"usage": ("digital_signature",)},
        {"usage": ("content_commitment",)},
        {"usage": ()},
        {"usage": ("digital_signature", "content_commitment", "key_cert_sign"), "ca": False},
        {"eku": False},
        {"eku": "1.3.6.1.5.5.7.3.1"},
        {"officer": []},
        {"officer": ["urn:evkit:officer:a", "urn:evkit:officer:b"]},
        {"officer": ["urn:evkit:officer:../x"]},
        {"officer": ["urn:evkit:officer:root"]},
        {"roles": []},
        {"roles": ["urn:evkit:role:Big Boss"]},
        {"critical": True},
        {"ca": True},
    ],
)
def test_outside_the_profile_is_bad(change):
    root = people().root
    result = check_chain(_foreign(root, **change), [root.certificate], AT)
    assert result.state == "bad", result


def test_an_intermediate_authority_is_not_a_root():
    """A certificate for a CA issued by the root does not let its holder name officers."""
    root = people().root
    usage = ("digital_signature", "key_cert_sign", "crl_sign")
    middle = _foreign(root, ca=True, usage=usage)
    assert middle.problems == ()
    assert check_chain(middle, [middle], AT).state == "bad"
    assert check_chain(middle, [root.certificate], AT).state == "bad"
    below = make_officer(FileSigner(make_root(31).certificate, private_key(31)), 45).certificate
    assert check_chain(below, [root.certificate, middle], AT).state != "ok"


def test_key_of_another_curve():
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "X")])
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(AT)
        .not_valid_after(AT + DAY)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(InputError, match="P-256"):
        load_certificate(cert.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize(
    "change",
    [
        {"officer": "Root"},
        {"officer": "root"},
        {"officer": ""},
        {"officer": "a/b"},
        {"officer": "-a"},
        {"name": ""},
        {"name": " x"},
        {"name": "a\nb"},
        {"name": "a\u202eb"},
        {"name": "ع" * 33},
        {"agency": "x" * 65},
        {"rank": ""},
        {"badge": "#1"},
        {"roles": ()},
        {"roles": ("officer", "officer")},
        {"roles": ("root",)},
        {"roles": ("Officer",)},
    ],
)
def test_details_that_cannot_stand(change):
    with pytest.raises(UsageError):
        make_officer(people().root, 41, **change)


def test_only_a_root_issues():
    officer = people().officer
    with pytest.raises(IdentityError):
        make_officer(officer, 42)
    with pytest.raises(IdentityError):
        create_crl(officer, [], at=AT)
    with pytest.raises(UsageError):
        create_root(private_key(1), agency="", name="x", validity=valid_for(AT, 1))


def test_suggested_short_names():
    assert suggest_slug("First Officer", None) == "first-officer"
    assert suggest_slug("افسر اول", "LHR/123") == "lhr-123"
    assert suggest_slug("افسر اول", None) is None
    assert suggest_slug("Root", "7") == "7"


def test_revocation():
    root = people().root
    cert = people().officer.certificate
    crl = create_crl(root, [Revocation(cert.serial, AT + 10 * DAY, "ended")], at=AT + 10 * DAY)
    assert load_crl(crl.pem).der == load_crl(crl.der).der == crl.der
    before = check_chain(cert, [root.certificate], AT + 9 * DAY, [crl])
    assert before.ok
    assert before.revocation_checked
    assert before.revocation is not None
    after = check_chain(cert, [root.certificate], AT + 10 * DAY, [crl])
    assert after.state == "revoked"
    assert "ended" in after.detail
    other = check_chain(people().other.certificate, [root.certificate], AT + DAY, [crl])
    assert other.ok
    assert other.revocation_checked
    assert other.revocation is None


def test_compromise_counts_from_invalid_from():
    root, cert = people().root, people().officer.certificate
    entry = Revocation(cert.serial, AT + 10 * DAY, "compromise", AT + 3 * DAY)
    crl = load_crl(create_crl(root, [entry], at=AT + 10 * DAY).der)
    assert crl.find(cert.serial) == entry
    assert check_chain(cert, [root.certificate], AT + 2 * DAY, [crl]).ok
    assert check_chain(cert, [root.certificate], AT + 3 * DAY, [crl]).state == "revoked"


def test_lists_that_do_not_count():
    """A stale list still revokes, but does not show that anything is unrevoked."""
    root, cert = people().root, people().officer.certificate
    stale = create_crl(root, [], at=AT, days=30)
    result = check_chain(cert, [root.certificate], AT + 31 * DAY, [stale])
    assert result.ok
    assert not result.revocation_checked
    foreign = create_crl(make_root(99), [Revocation(cert.serial, AT)], at=AT)
    result = check_chain(cert, [root.certificate], AT + DAY, [foreign])
    assert result.ok
    assert not result.revocation_checked
    with pytest.raises(UsageError):
        create_crl(root, [Revocation("5", AT, "boredom")], at=AT)


def test_high_s_list_is_ignored():
    root, cert = people().root, people().officer.certificate
    crl = create_crl(root, [], at=AT)
    r, s = ecdsa.strict_der(crl._crl.signature)
    twin = load_crl(signed(crl._crl.tbs_certlist_bytes, ecdsa.to_der(r, ecdsa.ORDER - s)))
    assert not twin.signed_by(root.certificate)
    assert not check_chain(cert, [root.certificate], AT, [twin]).revocation_checked


def test_damaged_lists():
    root = people().root.certificate
    crl = create_crl(people().root, [Revocation("abc", AT)], at=AT)
    body = bytearray(crl.der)
    for at in range(len(body)):
        body[at] ^= 0x01
        try:
            found = load_crl(bytes(body))
        except InputError:
            pass
        else:
            assert not found.signed_by(root)
        body[at] ^= 0x01
    for size in range(0, len(body), 7):
        with pytest.raises(InputError):
            load_crl(bytes(body[:size]))


def test_signer_needs_its_own_key():
    with pytest.raises(IdentityError):
        FileSigner(people().officer.certificate, private_key(5))


def test_a_revocation_list_has_one_spelling():
    """The library ignores how many bits of the signature are called unused."""
    root = people().root
    for number in range(1, 9):
        crl = create_crl(root, [], at=AT, number=number)
        head = len(crl.der) - len(crl._crl.signature) - 1
        assert crl.der[head] == 0
        try:
            twin = load_crl(crl.der[:head] + b"\x01" + crl.der[head + 1 :])
        except InputError:
            continue
        assert crl.signed_by(root.certificate)
        assert not twin.signed_by(root.certificate)
        return
    pytest.fail("no list whose signature ends with a zero bit")
