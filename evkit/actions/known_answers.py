"""The known answers of `evkit selftest`, each from a published source where there is one.

A check is a function that says whether this installation gives the known answer. The number of
checks is fixed: a selftest that runs fewer has failed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import EvkitError

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 32

_ABC = {  # FIPS 180-4 and RFC 1321
    "md5": "900150983cd24fb0d6963f7d28e17f72",
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}
_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
           "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
_ROOTS = [  # transparency-dev/merkle, testonly/constants.go: trees of 0 to 8 leaves
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_PIECES = "0a6bc7b1fc7902c15a57847cc4b9d42f7efb18c88d63d8ef6786a7ea55ffb2af"
_DSSE_KEY = (  # secure-systems-lab/dsse, protocol.md 1.0.2, test vectors
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMrCrzAH3CVTAOQ0jgMeCvVTiaRJaRP"
    "RDOv8UMs6U4SvKc6pnrIDOoSYI3fdA=="
)
_DSSE_SIGNATURE = (
    "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
)
_NOTE = (  # C2SP signed-note.md
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXm"
    "RKuwHjG1Yu72IneyaQM=\n"
)
_NOTE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_ED25519 = (  # Wycheproof ed25519_test.json, test 1: empty message
    "7d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa",
    (
        "d4fbdb52bfa726b44d1786a8c0d171c3e62ca83c9e5bbe63de0bb2483f8fd6cc"
        "1429ab72cafc41ab56af02ff8fcc43b99bfe4c7ae940f60f38ebaa9d311c4007"
    ),
)
_KEY_FILE = b"""-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAgXqfYUjhFAsQICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBCZwwVXcZLa+YKteaEr91axBIGQmE+xXDf7YlFP
gpxxT6rPqfdzYbLkRLrHrs3JxjcNKX5AjIg6x1OXvLlJmKMmOUPRFs6G8gTSdFJO
xnxMPOMMXYpSmFlVR8yZmIW/hM22OfyaHrudVDc5ARLbstRka9WmAvRvdUMQmxsv
twhqDApnSjSmSETlpEOSSB2zASKWfX6N5rWPA8Ko7CMdzIfz0lUv
-----END ENCRYPTED PRIVATE KEY-----
"""  # the key of RFC 6979 A.2.5 in a file that `openssl pkcs8 -topk8 -scrypt` wrote
_RFC6979 = (  # r and s for the message "sample"; s as published, which is high
    0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
    0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
)
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COMMITMENT = "6945b50af599efcfeb5c04a766d5b24e7f9842e21e711b36a84465bf97f77920"
_MEMO = (
    "7n d802k 351at 0001g 0203u 0405n 0607z f8a6x 0809u 0a0bn 0c0dz 0e0ft b55eg 1011p 1213g 1415u "
    "1617n ffb9g 1819g 1a1bu 1c1dn 1e1fz b241r"
)


class Check(NamedTuple):
    """One known answer: the package it is about, what it is, the function that tries it."""

    package: str
    name: str
    passes: Callable[[], bool]


def checks() -> list[Check]:
    """Return all checks in order."""
    found = [
        Check("hashing", f"{name} of `abc`", lambda name=name: _digest(name))  # type: ignore[misc]
        for name in _ABC
    ]
    table: dict[str, dict[str, Callable[[], bool]]] = {
        "core": {
            "evkit JSON is sorted and compact": _json,
            "JSON with a repeated key is refused": lambda: _json_refused(b'{"a":1,"a":1}'),
            "JSON with a float is refused": lambda: _json_refused(b'{"a":1.0}'),
            "JSON with 2^53 is refused": lambda: _json_refused(b'{"a":9007199254740992}'),
            "control and bidi characters are escaped": _escape,
            "a path that is not UTF-8 survives": _path,
            "a time is read and written": _time,
        },
        "merkle": {
            "roots of RFC 6962 for 0 to 8 leaves": _roots,
            "inclusion proofs lead to the root": lambda: _inclusion(flip=False),
            "a changed inclusion proof is refused": lambda: _inclusion(flip=True),
            "consistency proofs lead to both roots": lambda: _consistency(flip=False),
            "a changed consistency proof is refused": lambda: _consistency(flip=True),
            "the path of tile 1234067": _tile,
        },
        "pieces": {"the piece tree of 2,000,000 bytes": _pieces},
        "identity": {
            "a key file of openssl (scrypt, AES-256-CBC)": lambda: _key() is not None,
            "a wrong passphrase is refused": _wrong_passphrase,
            "the signature of RFC 6979 with low S": _rfc6979,
            "a signature with high S is refused": _high_s,
            "an Ed25519 signature (Wycheproof)": lambda: _ed25519(flip=False),
            "a changed Ed25519 signature is refused": lambda: _ed25519(flip=True),
        },
        "ledger": {
            "the pre-authentication encoding of DSSE": _pae,
            "the DSSE test vector": lambda: _dsse(b"hello world"),
            "the DSSE test vector with another body is refused": lambda: not _dsse(b"hello worle"),
            "the signed note of C2SP": lambda: _note(_NOTE),
            "the signed note with another text is refused": _changed_note,
            "a salted commitment": _commitment,
        },
        "manifest": {
            "the groups of a memo": _memo,
            "a slip in a memo is found and named": _slip,
        },
    }
    for package, entries in table.items():
        found += [Check(package, name, run) for name, run in entries.items()]
    return found


def _digest(name: str) -> bool:
    from evkit.hashing.digests import MultiDigest

    digest = MultiDigest([name])
    digest.update(b"a")
    digest.update(b"bc")
    return digest.digests() == {name: _ABC[name]}


def _json() -> bool:
    from evkit.core import ejson

    value: dict[str, ejson.Json] = {"b": [1, True, None], "a": 'é"\n'}
    return ejson.dumps(value) == '{"a":"é\\"\\n","b":[1,true,null]}'.encode()


def _json_refused(data: bytes) -> bool:
    from evkit.core import ejson

    try:
        ejson.loads(data)
    except EvkitError:
        return True
    return False


def _escape() -> bool:
    from evkit.core.text import escape, escape_bytes

    return (
        escape("a\x1b[2J\u202eb\\") == "a\\x1b[2J\\u{202e}b\\\\"
        and escape_bytes(b"\xff") == "\\xff"
    )


def _path() -> bool:
    from evkit.core import paths

    raw = b"dir/\xff\nname"
    return paths.from_fields(paths.to_fields(raw)) == raw


def _time() -> bool:
    from evkit.core import clock

    moment = clock.parse("2026-11-22T14:05:00+05:00")
    return clock.format_utc(moment) == "2026-11-22T09:05:00.000Z"


def _hashes() -> list[bytes]:
    from evkit.merkle.tree import leaf_hash

    return [leaf_hash(bytes.fromhex(leaf)) for leaf in _LEAVES]


def _roots() -> bool:
    from evkit.merkle.tree import Frontier, root

    leaves, edge = _hashes(), Frontier()
    grown = [edge.root()]
    for leaf in leaves:
        edge.append(leaf)
        grown.append(edge.root())
    whole = [root(leaves[:size]) for size in range(len(leaves) + 1)]
    return [item.hex() for item in grown] == [item.hex() for item in whole] == _ROOTS


def _flipped(proof: list[bytes]) -> list[bytes]:
    return [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]] if proof else [bytes(32)]


def _inclusion(*, flip: bool) -> bool:
    from evkit.merkle.proof import inclusion_proof, verify_inclusion
    from evkit.merkle.tree import Subtrees

    leaves = _hashes()
    results = set()
    for size in range(1, len(leaves) + 1):
        for index in range(size):
            path = inclusion_proof(index, size, Subtrees(leaves))
            path = _flipped(path) if flip else path
            root = bytes.fromhex(_ROOTS[size])
            results.add(verify_inclusion(index, size, leaves[index], path, root))
    return results == {not flip}


def _consistency(*, flip: bool) -> bool:
    from evkit.merkle.proof import consistency_proof, verify_consistency
    from evkit.merkle.tree import Subtrees

    leaves = _hashes()
    results = set()
    for new in range(1, len(leaves) + 1):
        for old in range(1, new + 1):
            path = consistency_proof(old, new, Subtrees(leaves))
            path = _flipped(path) if flip else path
            roots = [bytes.fromhex(_ROOTS[size]) for size in (old, new)]
            results.add(verify_consistency(old, new, roots[0], roots[1], path))
    return results == {not flip}


def _tile() -> bool:
    from evkit.merkle.tiles import tile_path

    return tile_path(0, 1_234_067) == "tile/0/x001/x234/067"


def _pieces() -> bool:
    from evkit.hashing.pieces import PieceHasher

    hasher = PieceHasher()
    for part in (b"a" * 1_000_001, b"a" * 999_999):
        hasher.update(part)
    tree = hasher.finish()
    return (tree.size, tree.root.hex()) == (2_000_000, _PIECES)


def _key() -> bytes | None:
    """Return the signature over `sample` by the key in the file."""
    from evkit.identity import keys, p256

    return p256.sign(keys.decrypt_key(_KEY_FILE, b"selftest"), b"sample")


def _wrong_passphrase() -> bool:
    from evkit.identity import keys

    try:
        keys.decrypt_key(_KEY_FILE, b"selftesu")
    except EvkitError:
        return True
    return False


def _rfc6979() -> bool:
    from evkit.identity.ecdsa import strict_der

    r, s = _RFC6979
    return strict_der(_key() or b"") == (r, _ORDER - s)


def _high_s() -> bool:
    from evkit.identity import p256
    from evkit.identity.ecdsa import to_der, to_low_s
    from evkit.identity.keys import decrypt_key

    public = decrypt_key(_KEY_FILE, b"selftest").public_key()
    high = to_der(*_RFC6979)
    return not p256.verify(public, high, b"sample") and p256.verify(
        public, to_low_s(high), b"sample"
    )


def _ed25519(*, flip: bool) -> bool:
    from evkit.identity.ed25519 import verify_ed25519

    public, signature = (bytes.fromhex(value) for value in _ED25519)
    if flip:
        signature = bytes([signature[0] ^ 1]) + signature[1:]
    return verify_ed25519(public, signature, b"") is not flip


def _pae() -> bool:
    from evkit.ledger.dsse import pae

    return (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def _dsse(body: bytes) -> bool:
    from evkit.core.paths import unb64
    from evkit.identity import p256
    from evkit.identity.ecdsa import raw_to_der
    from evkit.ledger.dsse import pae

    key = p256.load_public(unb64(_DSSE_KEY))
    signature = raw_to_der(unb64(_DSSE_SIGNATURE))
    return p256.verify_any(key, signature, pae("http://example.com/HelloWorld", body))


def _note(text: str) -> bool:
    from evkit.ledger.note import check_note, parse_note, parse_vkey

    return check_note(parse_note(text.encode()), [parse_vkey(_NOTE_KEY)]).ok


def _changed_note() -> bool:
    return not _note(_NOTE.replace("example message", "example massage"))


def _commitment() -> bool:
    from evkit.ledger.commitments import commit

    return commit("victim.1.name", "کلثوم", bytes(range(16))) == _COMMITMENT


def _memo() -> bool:
    from evkit.manifest.memo import Memo, group_lines, parse

    memo = Memo("example.org/unit", 7, bytes(range(32)), bytes(32))
    groups = " ".join(group for line in group_lines(memo)[:5] for group in line)
    head = parse(_MEMO).head
    return groups == _MEMO and head is not None and (head.size, head.root) == (7, bytes(range(32)))


def _slip() -> bool:
    from evkit.manifest.memo import parse

    slips = parse(_MEMO.replace("0809u", "0890u")).slips
    return [slip.group for slip in slips] == [9]


def published() -> str:
    """Return the SHA-256 over the names of all checks: the list cannot shrink unseen."""
    names = "\n".join(f"{check.package}: {check.name}" for check in checks())
    return hashlib.sha256(names.encode()).hexdigest()
