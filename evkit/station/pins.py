"""An officer's pins: the last head that this officer's client saw, kept outside the station.

Before signing, the client proves that the ledger it is about to sign for extends that head. Whoever
runs the station cannot show one history to one officer and another to the next without two signed
checkpoints that contradict each other; those two are the evidence.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from evkit.core import durable
from evkit.core.errors import CheckFailedError, InputError
from evkit.core.paths import b64, unb64
from evkit.core.text import escape, escape_bytes
from evkit.merkle.proof import consistency_proof, verify_consistency
from evkit.merkle.tree import HASH_SIZE, is_size, root_from_reader
from evkit.station import state

if TYPE_CHECKING:
    from evkit.core.ejson import Json
    from evkit.merkle.tree import Reader
    from evkit.station.store import Head

SCHEMA = "evkit/pin/1"


class Pin(NamedTuple):
    """A head an officer relies on.

    Attributes:
        size, root: the head; size 0 stands for nothing seen yet.
        source: where the pin is kept, for people.
        note: the signed checkpoint, None when the pin is only named in an event.
    """

    size: int
    root: bytes
    source: str
    note: bytes | None = None


def path_of(origin: str, signer: str) -> bytes:
    """Return the file that holds the pin of a certificate (fingerprint) on a ledger."""
    return state.file_for("pins", origin, signer)


def read(origin: str, signer: str) -> Pin | None:
    """Return the pin that this user's state folder holds, or None.

    Raises:
        InputError: the file is damaged.
    """
    path = path_of(origin, signer)
    shown = escape_bytes(path)
    try:
        fields = state.load(path, SCHEMA)
        if fields is None:
            return None
        size, root = fields.get("size"), bytes.fromhex(str(fields.get("root")))
        note = unb64(str(fields.get("note")))
    except (InputError, ValueError) as error:
        raise _damaged(shown) from error
    if fields.get("origin") != origin or not is_size(size) or len(root) != HASH_SIZE:
        raise _damaged(shown)
    return Pin(size, root, f"`{shown}`", note)


def save(origin: str, signer: str, head: Head) -> None:
    """Keep a head with its signed checkpoint as the officer's pin."""
    fields: dict[str, Json] = {
        "schema": SCHEMA,
        "origin": origin,
        "signer": signer,
        "size": head.size,
        "root": head.root.hex(),
        "note": b64(head.note or b""),
    }
    state.save(path_of(origin, signer), fields)


def prove(origin: str, pin: Pin, head: Head, reader: Reader) -> None:
    """Prove that `head` extends the pinned head.

    Raises:
        CheckFailedError: it does not; both checkpoints are kept as evidence.
        InputError: the ledger lacks a subtree hash.
    """
    if pin.size == 0:
        return
    if head.size == pin.size:
        if head.root == pin.root:
            return
    elif head.size > pin.size:
        path = consistency_proof(pin.size, head.size, reader)
        if verify_consistency(pin.size, head.size, pin.root, head.root, path):
            return
    raise CheckFailedError(
        f"the ledger `{escape(origin)}` contradicts the head this officer saw last",
        hint="do not sign; show both heads to your supervisor. A memo or a bundle tells which "
        "history was there first (`evkit ledger compare`)",
        details=_details(origin, pin, head, reader),
    )


def _details(origin: str, pin: Pin, head: Head, reader: Reader) -> dict[str, str]:
    details = {
        "seen before": f"{pin.size}:{pin.root.hex()}",
        "kept in": pin.source,
        "ledger now": f"{head.size}:{head.root.hex()}",
    }
    if head.size > pin.size:
        details["ledger at that size"] = f"{pin.size}:{root_from_reader(pin.size, reader).hex()}"
    kept = keep_evidence(origin, pin.note, head.note)
    if kept is not None:
        details["evidence"] = escape_bytes(kept)
    return details


def keep_evidence(origin: str, first: bytes | None, second: bytes | None) -> bytes | None:
    """Write two contradicting signed checkpoints to the state folder and return the file's path.

    Returns None when one of them has no signature, because then nothing is proven by the pair.
    """
    if not first or not second:
        return None
    content = b"two checkpoints of one ledger that contradict each other\n\n"
    content += first + b"\n-----\n\n" + second
    name = hashlib.sha256(content).hexdigest()
    path = state.file_for("contradictions", origin, name)[: -len(b".json")] + b".txt"
    state.prepare(path)
    durable.replace(path, content, mode=0o600)
    return path


def _damaged(shown: str) -> InputError:
    return InputError(
        f"the officer's pin `{shown}` is damaged",
        hint="compare the ledger with a memo or a bundle (`evkit ledger compare`), "
        "then remove that file",
    )
