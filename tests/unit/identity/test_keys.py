"""Key files: created once, read back, parameters capped, wrong passphrase explained."""

from __future__ import annotations

import hashlib
import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evkit.core.errors import IdentityError, InputError, RefusedError
from evkit.identity import der, keys, p256

CHEAP = 1 << 10


def _cheap(passphrase="x", n=CHEAP):
    key = p256.generate()
    return key, keys.encrypt_key(key, passphrase, n=n)


def _same(a, b):
    return a.private_numbers() == b.private_numbers()


def test_create_and_load(tmp_path):
    path = tmp_path / "k.key"
    key = keys.create_key_file(str(path), "راز کا لفظ")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert _same(keys.load_key_file(str(path), "راز کا لفظ".encode()), key)
    params, _ = keys._parse(keys._unpem(path.read_bytes()))
    assert (params.n, params.r, params.p) == (2**17, 8, 1)
    assert len(params.salt) == 32
    before = path.read_bytes()
    with pytest.raises(RefusedError):
        keys.create_key_file(str(path), "other")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["k.key"]


def test_the_library_reads_it():
    """Another implementation of PBES2 and scrypt opens the file."""
    key = p256.generate()
    found = serialization.load_pem_private_key(keys.encrypt_key(key, "word"), b"word")
    assert _same(found, key)


def test_no_two_files_are_alike():
    key = p256.generate()
    assert keys.encrypt_key(key, "x", n=CHEAP) != keys.encrypt_key(key, "x", n=CHEAP)


@pytest.mark.parametrize("attempt", [f"wrong {n}" for n in range(12)])
def test_wrong_passphrase(attempt):
    _, pem = _cheap("right")
    with pytest.raises(IdentityError, match="passphrase is wrong") as caught:
        keys.decrypt_key(pem, attempt)
    assert caught.value.hint
    assert attempt not in str(caught.value)


def test_empty_and_long_passphrases():
    key = p256.generate()
    for bad in ("", b"", "x" * 5000):
        with pytest.raises(IdentityError):
            keys.encrypt_key(key, bad, n=CHEAP)


def test_damaged_everywhere():
    """No single changed byte of the DER gives the key or any other exception than ours."""
    key, pem = _cheap()
    body = bytearray(keys._unpem(pem))
    opened = 0
    for at in range(len(body)):
        body[at] ^= 0x01
        try:
            found = keys.decrypt_key(keys._pem(bytes(body)), "x")
        except (InputError, IdentityError):
            pass
        else:
            opened += 1
            assert not _same(found, key)
        body[at] ^= 0x01
    assert opened <= 32  # a bit of the private number may change; the file has no checksum


def test_a_changed_private_number_is_noticed_by_the_signer():
    """CBC has no checksum; the certificate's public key is what a signer compares with."""
    from signers import people

    from evkit.identity.signer import FileSigner

    with pytest.raises(IdentityError):
        FileSigner(people().officer.certificate, p256.generate())


def test_truncated():
    _, pem = _cheap()
    for size in range(0, len(pem) - 1, 3):
        with pytest.raises((InputError, IdentityError)):
            keys.decrypt_key(pem[:size], "x")


def _with(n=CHEAP, r=8, p=1, salt=b"s" * 16, iv=b"i" * 16, sealed=b"c" * 160):
    header = keys._header(keys.Scrypt(salt, n, r, p, iv))
    return keys._pem(der.sequence(header, der.octets(sealed)))


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2**19},  # 512 MiB
        {"n": 2**62},
        {"r": 2**20},
        {"p": 2**20},
        {"n": 2**17, "r": 8, "p": 64},
        {"n": 2**10 + 1},
        {"n": 1},
        {"n": 0},
        {"r": 0},
        {"p": 0},
        {"salt": b""},
        {"salt": b"s" * 65},
        {"iv": b"i" * 15},
        {"sealed": b""},
        {"sealed": b"c" * 17},
    ],
)
def test_parameters_are_capped(change, monkeypatch):
    """Nothing is derived from a file whose parameters are over the caps."""
    monkeypatch.setattr(hashlib, "scrypt", None)
    with pytest.raises(InputError):
        keys.decrypt_key(_with(**change), "x")


def test_the_cap_admits_twice_the_memory():
    keys._check_cost(2**18, 8, 1)
    with pytest.raises(InputError):
        keys._check_cost(2**18, 16, 1)


def test_other_ciphers_are_named():
    key = p256.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    with pytest.raises(InputError, match="scrypt") as caught:
        keys.decrypt_key(pem, "x")
    assert "openssl pkcs8" in caught.value.hint


def test_unencrypted_keys_are_refused():
    key = p256.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(InputError, match="encrypted"):
        keys.decrypt_key(pem, "x")


def test_another_curve_is_refused():
    pem = keys.encrypt_key(ec.generate_private_key(ec.SECP384R1()), "x", n=CHEAP)
    with pytest.raises(IdentityError, match="P-256"):
        keys.decrypt_key(pem, "x")


def test_missing_file_names_the_path(tmp_path):
    with pytest.raises(IdentityError, match="nowhere"):
        keys.load_key_file(str(tmp_path / "nowhere"), "x")


def test_oversized_file(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"A" * (keys.MAX_FILE + 1))
    with pytest.raises(IdentityError, match="limit"):
        keys.load_key_file(str(path), "x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o606])
def test_a_log_key_that_others_can_read(tmp_path, mode):
    path = tmp_path / "log.key"
    keys.generate_log_key(path)
    os.chmod(path, mode)
    with pytest.raises(IdentityError, match="other users") as caught:
        keys.load_log_key(path)
    assert "chmod 600" in caught.value.hint
    os.chmod(path, 0o400)
    keys.load_log_key(path)


def test_log_key(tmp_path):
    path = tmp_path / "log.key"
    key = keys.generate_log_key(str(path))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    found = keys.load_log_key(str(path))
    assert found.private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(RefusedError):
        keys.generate_log_key(str(path))
    path.chmod(0o600)
    path.write_bytes(_cheap()[1])
    with pytest.raises(IdentityError):
        keys.load_log_key(str(path))
    with pytest.raises(IdentityError, match="log key"):
        keys.load_log_key(str(tmp_path / "none"))


@pytest.mark.parametrize(("n", "r"), [(1 << 16, 1), (1 << 21, 1)])
def test_parameters_that_scrypt_does_not_have(n, r):
    """RFC 7914: N is below 2^(128 r / 8); the library raises its own error for more."""
    params = keys.Scrypt(b"s" * 16, n, r, 1, b"i" * 16)
    data = keys._pem(der.sequence(keys._header(params), der.octets(b"x" * 32)))
    with pytest.raises(InputError, match="impossible scrypt"):
        keys.decrypt_key(data, "x")


def test_a_passphrase_that_is_not_text():
    _, pem = _cheap()
    with pytest.raises(IdentityError, match="UTF-8"):
        keys.decrypt_key(pem, "\udc80")
