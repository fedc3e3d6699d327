"""The real openssl on what evkit writes, and evkit on what openssl writes."""

from __future__ import annotations

import hashlib
import re
import subprocess

import pytest
from signers import AT, make_entry, make_root, people

from evkit.core.errors import IdentityError
from evkit.identity import keys, p256
from evkit.identity.certificate import load_certificate
from evkit.identity.crl import Revocation, create_crl
from evkit.identity.x509 import Certificate
from evkit.ledger import dsse
from evkit.ledger.checkpoint import Checkpoint, parse_checkpoint_own, sign_checkpoint

WHEN = str(int(AT.timestamp()) + 86_400)


@pytest.fixture
def openssl(program, tmp_path):
    path = program("openssl")

    def run(*arguments, data=None, ok=True):
        done = subprocess.run(
            [path, *arguments], cwd=tmp_path, input=data, capture_output=True, check=False
        )
        assert (done.returncode == 0) == ok, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture
def files(tmp_path):
    """root.crt, officer.crt and a revocation list on disk."""
    root, officer = people().root, people().officer
    (tmp_path / "root.crt").write_bytes(root.certificate.pem)
    (tmp_path / "officer.crt").write_bytes(officer.certificate.pem)
    return tmp_path


def test_chain(openssl, files):
    said = openssl(
        "verify", "-x509_strict", "-check_ss_sig", "-attime", WHEN, "-CAfile", "root.crt",
        "officer.crt",
    )  # fmt: skip
    assert said == b"officer.crt: OK\n"
    (files / "other.crt").write_bytes(make_root(99).certificate.pem)
    openssl("verify", "-attime", WHEN, "-CAfile", "other.crt", "officer.crt", ok=False)
    late = str(int(AT.timestamp()) + 400 * 86_400)
    openssl("verify", "-attime", late, "-CAfile", "root.crt", "officer.crt", ok=False)


def test_text(openssl, files):
    said = openssl("x509", "-in", "officer.crt", "-noout", "-text", "-nameopt", "utf8").decode()
    assert "CN=افسر اول" in said
    assert re.search("X509v3 Key Usage: critical\\s+Digital Signature, Non Repudiation\n", said)
    assert re.search(
        "X509v3 Extended Key Usage: *\n\\s+(1.3.6.1.5.5.7.3.36|Document Signing)", said
    )
    assert re.search("X509v3 Basic Constraints: critical\\s+CA:FALSE", said)
    assert "URI:urn:evkit:officer:a-officer, URI:urn:evkit:role:officer" in said
    assert "NIST CURVE: P-256" in said
    root = openssl("x509", "-in", "root.crt", "-noout", "-text").decode()
    assert re.search("X509v3 Basic Constraints: critical\\s+CA:TRUE, pathlen:0", root)
    assert re.search("Usage: critical\\s+Digital Signature, Certificate Sign, CRL Sign", root)


def test_names_are_utf8_strings(openssl, files):
    said = openssl("asn1parse", "-in", "officer.crt", "-inform", "PEM").decode()
    name = re.search("commonName\n.*?prim: (\\w+)", said)
    assert name is not None
    assert name[1] == "UTF8STRING"


def test_fingerprint(openssl, files):
    said = openssl("x509", "-in", "officer.crt", "-noout", "-fingerprint", "-sha256").decode()
    found = said.strip().split("=")[1].replace(":", "").lower()
    assert found == people().officer.certificate.fingerprint


def test_revocation_list(openssl, files):
    cert = people().officer.certificate
    crl = create_crl(people().root, [Revocation(cert.serial, AT, "compromise", AT)], at=AT)
    (files / "root.crl").write_bytes(crl.pem)
    said = openssl("crl", "-in", "root.crl", "-noout", "-text", "-CAfile", "root.crt").decode()
    assert cert.serial.upper() in said
    assert "Key Compromise" in said
    openssl(
        "verify", "-crl_check", "-attime", WHEN, "-CAfile", "root.crt", "-CRLfile", "root.crl",
        "officer.crt", ok=False,
    )  # fmt: skip
    empty = create_crl(people().root, [], at=AT)
    (files / "empty.crl").write_bytes(empty.pem)
    openssl(
        "verify", "-crl_check", "-attime", WHEN, "-CAfile", "root.crt", "-CRLfile", "empty.crl",
        "officer.crt",
    )  # fmt: skip


def test_envelope_signature(openssl, files):
    envelope = dsse.parse_own(make_entry())
    (files / "pae").write_bytes(dsse.pae(envelope.payload_type, envelope.payload))
    (files / "sig").write_bytes(envelope.signature)
    (files / "key.pem").write_bytes(openssl("x509", "-in", "officer.crt", "-noout", "-pubkey"))
    said = openssl("dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "pae")
    assert said == b"Verified OK\n"
    digest = openssl("dgst", "-sha256", "-r", "pae").decode().split(" ")[0]
    assert digest == dsse.event_id(envelope)
    (files / "pae").write_bytes(dsse.pae(envelope.payload_type, envelope.payload + b" "))
    openssl("dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "pae", ok=False)


def test_checkpoint_signature(openssl, files):
    log = people().log
    signed = parse_checkpoint_own(sign_checkpoint(Checkpoint(log.name, 1, b"\x03" * 32), log))
    (files / "text").write_bytes(signed.note.text)
    (files / "sig").write_bytes(signed.note.signatures[0].signature)
    (files / "log.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + log.public.key)
    arguments = (
        "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "log.der", "-rawin",
        "-in", "text", "-sigfile", "sig",
    )  # fmt: skip
    assert b"Verified Successfully" in openssl(*arguments)
    (files / "text").write_bytes(signed.note.text + b"x")
    openssl(*arguments, ok=False)


def test_openssl_reads_our_encoding(openssl, files):
    """With a cost that openssl admits (32 MiB) it opens the file directly."""
    key = p256.generate()
    (files / "low.key").write_bytes(keys.encrypt_key(key, "راز", n=1 << 14))
    public = openssl("pkey", "-in", "low.key", "-passin", "pass:راز", "-pubout", "-outform", "DER")
    assert public == p256.public_der(key.public_key())
    openssl("pkey", "-in", "low.key", "-passin", "pass:wrong", "-noout", ok=False)


def test_recipe_for_a_key_file(openssl, files):
    """The recipe of docs/spec/keys-and-certificates.md, for the cost that evkit writes."""
    key = keys.create_key_file(str(files / "officer.key"), "open sesame")
    parsed = openssl("asn1parse", "-in", "officer.key").decode()
    octets = re.findall("OCTET STRING +\\[HEX DUMP\\]:([0-9A-F]+)", parsed)
    numbers = re.findall("INTEGER +:([0-9A-F]+)", parsed)
    salt, iv, sealed = octets
    assert [int(number, 16) for number in numbers] == [2**17, 8, 1, 32]
    derived = openssl(
        "kdf", "-keylen", "32", "-kdfopt", "pass:open sesame", "-kdfopt", f"hexsalt:{salt}",
        "-kdfopt", "n:131072", "-kdfopt", "r:8", "-kdfopt", "p:1",
        "-kdfopt", "maxmem_bytes:200000000", "SCRYPT",
    ).decode()  # fmt: skip
    plain = openssl(
        "enc", "-d", "-aes-256-cbc", "-K", derived.strip().replace(":", ""), "-iv", iv,
        data=bytes.fromhex(sealed),
    )  # fmt: skip
    public = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=plain)
    assert public == p256.public_der(key.public_key())


def test_key_files_of_openssl(openssl, files):
    """PKCS#8 with scrypt written by openssl is read; other encryption is named."""
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "plain.pem")
    openssl(
        "pkcs8", "-topk8", "-scrypt", "-v2", "aes-256-cbc", "-in", "plain.pem", "-out", "s.key",
        "-passout", "pass:word",
    )  # fmt: skip
    key = keys.load_key_file(str(files / "s.key"), "word")
    public = openssl("pkey", "-in", "plain.pem", "-pubout", "-outform", "DER")
    assert p256.public_der(key.public_key()) == public
    with pytest.raises(IdentityError, match="passphrase is wrong"):
        keys.load_key_file(str(files / "s.key"), "other")
    openssl("pkcs8", "-topk8", "-in", "plain.pem", "-out", "p.key", "-passout", "pass:word")
    with pytest.raises(IdentityError, match="scrypt") as caught:
        keys.load_key_file(str(files / "p.key"), "word")
    assert "openssl pkcs8" in caught.value.hint
    with pytest.raises(IdentityError):
        keys.load_key_file(str(files / "plain.pem"), "word")


def test_log_key_file(openssl, files):
    key = keys.generate_log_key(str(files / "log.key"))
    public = openssl("pkey", "-in", "log.key", "-pubout", "-outform", "DER")
    assert public[-32:] == key.public_key().public_bytes_raw()


def test_certificates_of_openssl(openssl, files):
    """A certificate that openssl made is read and judged outside the profile."""
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=Somebody", "-days", "30",
    )  # fmt: skip
    found = load_certificate((files / "c.pem").read_bytes())
    assert isinstance(found, Certificate)
    assert found.common_name == "Somebody"
    assert found.problems
    assert hashlib.sha256(found.der).hexdigest() == found.fingerprint
    data = b"signed by openssl"
    (files / "d").write_bytes(data)
    low = 0
    for _ in range(12):
        signature = openssl("dgst", "-sha256", "-sign", "k.pem", "d")
        assert p256.verify_any(found.public_key, signature, data)
        low += found.verify(signature, data)
    assert low < 12  # about half of openssl's signatures have a high s, which evkit refuses
