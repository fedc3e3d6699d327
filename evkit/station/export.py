"""A ledger as a static C2SP tiled log, and proofs of single entries.

See `docs/spec/hash-tiles.md`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.merkle import proof, tiles

if TYPE_CHECKING:
    from evkit.station.station import Station
    from evkit.station.store import Entry

CHECKPOINT = b"checkpoint"


def export(station: Station, target: bytes) -> int:
    """Write the ledger up to its present checkpoint and return the number of entries.

    Raises:
        RefusedError: `target` exists.
        StorageError: it cannot be written.
    """
    target = os.path.abspath(target)
    durable.need_absent(target)
    head = station.leaving_head()
    size = head.size
    part = target + b"." + secrets.token_hex(4).encode() + durable.PART.encode()
    durable.make_dir(part)
    try:
        with durable.storage_errors(target):
            for ref, data in tiles.HashTiles(station.leaf_hashes(size)):
                _write(part, ref.path, data)
            for ref in tiles.bundles_for_size(size):
                start = ref.number * tiles.TILE_WIDTH
                entries = station.entries(start, start + ref.width)
                _write(part, ref.path, tiles.entry_bundle([e.envelope for e in entries]))
            durable.write_new(os.path.join(part, CHECKPOINT), head.note or b"")
            durable.step("rename", target)
            os.rename(part, target)
            durable.fsync_dir(os.path.dirname(target))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return size


def _write(folder: bytes, name: str, data: bytes) -> None:
    path = os.path.join(folder, name.encode("ascii"))
    durable.make_dir(os.path.dirname(path))
    durable.write_new(path, data)


def beside_proof(station: Station, entry: Entry) -> dict[str, bytes]:
    """Return what a verifier needs beside the proof of an entry, by the end of its file name."""
    signer = station.trust.find(entry.signer)
    root, crl = station.trust.root(), station.trust.crl()
    found = {
        "event.json": entry.envelope,
        "root.crt": root.pem,
        "station-statement.json": station.trust.statement_bytes(),
    }
    if signer is not None and signer != root:
        found["officer.crt"] = signer.pem
    if crl is not None:
        found["root.crl"] = crl.pem
    return found


def prove(station: Station, entry: Entry) -> bytes:
    """Return the `.tlog-proof` of an entry under the present checkpoint."""
    from evkit.ledger.tlog_proof import TlogProof, encode_proof

    head = station.leaving_head()
    path = proof.inclusion_proof(entry.index, head.size, station.reader())
    return encode_proof(TlogProof(entry.index, tuple(path), head.note or b""))
