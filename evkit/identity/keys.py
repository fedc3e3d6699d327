"""Keys at rest: officers' keys under a passphrase, log keys as machine keys. Created once.

An officer's key file is PKCS#8 in PEM, encrypted with PBES2: scrypt with N = 2^17, r = 8, p = 1 and
AES-256-CBC (RFC 5958, RFC 8018, RFC 7914). The `openssl` program reads such a file only up to
N = 2^14, because it limits scrypt to 32 MiB; `docs/spec/keys-and-certificates.md` has the recipe
with `openssl kdf`. The parameters of a file are capped before anything is computed, so a hostile
file cannot take all memory or time.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from evkit.core import durable
from evkit.core.errors import IdentityError, InputError
from evkit.core.limits import read_file
from evkit.core.text import escape_bytes
from evkit.identity import der, p256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 17, 8, 1
MAX_MEMORY = 256 << 20  # bytes: 128 · N · r
MAX_WORK = 1 << 22  # N · r · p; evkit's own is 2^20
MAX_FILE = 64 << 10
MAX_PASSPHRASE = 4096
_MODE = 0o600
_SALT_SIZES = range(8, 65)
_KEY_SIZE = 32
_IV_SIZE = 16
_OID_PBES2 = bytes.fromhex("2a864886f70d01050d")
_OID_SCRYPT = bytes.fromhex("2b06010401da47040b")
_OID_AES_256_CBC = bytes.fromhex("60864801650304012a")
_LABEL = "ENCRYPTED PRIVATE KEY"
_PEM = re.compile(
    rb"\s*-----BEGIN ([A-Z0-9 ]{1,40})-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*"
)


class Scrypt(NamedTuple):
    """Parameters of the key derivation and of the cipher in a key file."""

    salt: bytes
    n: int
    r: int
    p: int
    iv: bytes


def create_key_file(path: str | bytes, passphrase: str | bytes) -> EllipticCurvePrivateKey:
    """Make a new P-256 key, write it encrypted with mode 0600, and return it.

    Raises:
        IdentityError: the passphrase is empty or too long.
        RefusedError: the file exists.
        StorageError: it cannot be written.
    """
    key = p256.generate()
    durable.write_new(path, encrypt_key(key, passphrase), mode=_MODE)
    return key


def load_key_file(path: str | bytes, passphrase: str | bytes) -> EllipticCurvePrivateKey:
    """Read an encrypted key file.

    Raises:
        IdentityError: the file is missing, the passphrase is wrong, or it is not such a key.
    """
    shown = escape_bytes(os.fsencode(path))
    try:
        return decrypt_key(read_file(path, MAX_FILE), passphrase)
    except InputError as error:
        raise IdentityError(
            f"cannot use the key file `{shown}`: {error.message}",
            hint=error.hint or "give the key file that `evkit officer enrol` wrote, or a copy",
        ) from error
    except IdentityError as error:
        raise IdentityError(f"`{shown}`: {error.message}", hint=error.hint) from error


def encrypt_key(
    key: EllipticCurvePrivateKey, passphrase: str | bytes, *, n: int = SCRYPT_N
) -> bytes:
    """Return the PEM text of a key file; salt and initial vector are new each time.

    Args:
        key: P-256 private key.
        passphrase: text (taken as UTF-8) or bytes.
        n: scrypt's N; lower only to hand the key to a program that cannot read evkit's.

    Raises:
        IdentityError: the passphrase is empty or too long.
    """
    secret = _passphrase(passphrase)
    plain = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pad = 16 - len(plain) % 16
    params = Scrypt(secrets.token_bytes(32), n, SCRYPT_R, SCRYPT_P, secrets.token_bytes(_IV_SIZE))
    encryptor = Cipher(algorithms.AES256(_derive(secret, params)), modes.CBC(params.iv)).encryptor()
    sealed = encryptor.update(plain + bytes((pad,)) * pad) + encryptor.finalize()
    return _pem(der.sequence(_header(params), der.octets(sealed)))


def decrypt_key(data: bytes, passphrase: str | bytes) -> EllipticCurvePrivateKey:
    """Return the key of a key file's PEM text.

    Raises:
        InputError: not an encrypted key of this kind, or its parameters are over the caps.
        IdentityError: the passphrase is wrong, or it is not a P-256 key.
    """
    secret = _passphrase(passphrase)
    params, sealed = _parse(_unpem(data))
    decryptor = Cipher(algorithms.AES256(_derive(secret, params)), modes.CBC(params.iv)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    pad = padded[-1]
    wrong = IdentityError(
        "the passphrase is wrong, or the file is damaged",
        hint="check Caps Lock and the keyboard layout, and try again",
    )
    if not 1 <= pad <= _IV_SIZE or padded[-pad:] != bytes((pad,)) * pad:
        raise wrong
    try:
        key = serialization.load_der_private_key(padded[:-pad], None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise wrong from error
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise IdentityError("the file holds a key, but not an ECDSA P-256 key")


def generate_log_key(path: str | bytes) -> Ed25519PrivateKey:
    """Make a new Ed25519 log key, write it as PKCS#8 with mode 0600, and return it.

    Raises:
        RefusedError: the file exists.
        StorageError: it cannot be written.
    """
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    durable.write_new(path, pem, mode=_MODE)
    return key


def load_log_key(path: str | bytes) -> Ed25519PrivateKey:
    """Read a log key file.

    Raises:
        IdentityError: the file is missing, holds something else, or is open to other users.
    """
    shown = escape_bytes(os.fsencode(path))
    if os.name != "nt" and os.path.exists(path) and os.stat(path).st_mode & 0o077:
        raise IdentityError(
            f"the log key `{shown}` is open to other users of this machine",
            hint=f"close it: chmod 600 {shown}; if somebody may have copied it, go on with "
            "`evkit station recover`",
        )
    try:
        key = serialization.load_pem_private_key(read_file(path, MAX_FILE), None)
    except InputError as error:
        raise IdentityError(
            f"cannot use the log key: {error.message}",
            hint="a restored backup has no log key; see `evkit station recover`",
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IdentityError(f"`{shown}` is not an unencrypted key in PEM") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise IdentityError(f"`{shown}` is not an Ed25519 key")
    return key


def _passphrase(passphrase: str | bytes) -> bytes:
    try:
        secret = passphrase.encode() if isinstance(passphrase, str) else passphrase
    except UnicodeEncodeError as error:
        raise IdentityError("the passphrase holds bytes that are not UTF-8 text") from error
    if not secret:
        raise IdentityError("the passphrase is empty", hint="choose at least four random words")
    if len(secret) > MAX_PASSPHRASE:
        raise IdentityError(f"the passphrase is over {MAX_PASSPHRASE} bytes")
    return secret


def _derive(secret: bytes, params: Scrypt) -> bytes:
    memory = 128 * params.r * (params.n + params.p + 2) + (1 << 20)
    return hashlib.scrypt(
        secret,
        salt=params.salt,
        n=params.n,
        r=params.r,
        p=params.p,
        maxmem=memory,
        dklen=_KEY_SIZE,
    )


def _header(params: Scrypt) -> bytes:
    scrypt = der.sequence(
        der.octets(params.salt),
        der.integer(params.n),
        der.integer(params.r),
        der.integer(params.p),
        der.integer(_KEY_SIZE),
    )
    kdf = der.sequence(der.wrap(der.OID, _OID_SCRYPT), scrypt)
    cipher = der.sequence(der.wrap(der.OID, _OID_AES_256_CBC), der.octets(params.iv))
    return der.sequence(der.wrap(der.OID, _OID_PBES2), der.sequence(kdf, cipher))


def _parse(data: bytes) -> tuple[Scrypt, bytes]:
    """Return parameters and ciphertext of an EncryptedPrivateKeyInfo."""
    reader = der.Reader(data)
    outer = reader.sequence()
    reader.end()
    algorithm = outer.sequence()
    sealed = outer.take(der.OCTET_STRING)
    outer.end()
    _need(algorithm, _OID_PBES2, "PBES2")
    parts = algorithm.sequence()
    algorithm.end()
    kdf, cipher = parts.sequence(), parts.sequence()
    parts.end()
    _need(kdf, _OID_SCRYPT, "scrypt")
    numbers = kdf.sequence()
    kdf.end()
    _need(cipher, _OID_AES_256_CBC, "AES-256-CBC")
    iv = cipher.take(der.OCTET_STRING)
    cipher.end()
    salt = numbers.take(der.OCTET_STRING)
    n, r, p = numbers.integer(), numbers.integer(), numbers.integer()
    size = _KEY_SIZE if numbers.at_end() else numbers.integer()
    numbers.end()
    if size != _KEY_SIZE or len(iv) != _IV_SIZE or len(salt) not in _SALT_SIZES:
        raise InputError("the key file has a salt, key length or vector of an unsupported size")
    if not sealed or len(sealed) % 16:
        raise InputError("the encrypted part of the key file has an impossible length")
    _check_cost(n, r, p)
    return Scrypt(salt, n, r, p, iv), sealed


def _check_cost(n: int, r: int, p: int) -> None:
    # RFC 7914 section 2: a power of two below 2^(128 r / 8); from r = 4 on the caps are lower
    if n < 2 or n & (n - 1) or r < 1 or p < 1 or (r < 4 and n >= 1 << 16 * r):  # noqa: PLR2004
        raise InputError("the key file has impossible scrypt parameters")
    if 128 * n * r > MAX_MEMORY or n * r * p > MAX_WORK:
        raise InputError(
            f"the key file asks for scrypt with N={n}, r={r}, p={p}, which is over the limit",
            hint="evkit writes N=131072, r=8, p=1 and reads up to twice the memory of that",
        )


def _need(reader: der.Reader, oid: bytes, name: str) -> None:
    if reader.take(der.OID) != oid:
        raise InputError(
            f"the key file is not encrypted with {name}",
            hint="convert it: openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc -in OLD -out NEW",
        )


def _pem(data: bytes) -> bytes:
    text = base64.b64encode(data)
    lines = b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text), 64))
    label = _LABEL.encode()
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, lines, label)


def _unpem(data: bytes) -> bytes:
    match = _PEM.fullmatch(data) if len(data) <= MAX_FILE else None
    if match is None:
        raise InputError("the file is not one PEM block")
    if match[1] != _LABEL.encode():
        raise InputError(
            "the file does not hold an encrypted private key",
            hint="officers' keys are kept only under a passphrase: "
            "openssl pkcs8 -topk8 -scrypt -v2 aes-256-cbc -in OLD -out NEW",
        )
    try:
        return base64.b64decode(match[2].replace(b"\r", b"").replace(b"\n", b""), validate=True)
    except ValueError as error:
        raise InputError("the key file holds damaged base64") from error
