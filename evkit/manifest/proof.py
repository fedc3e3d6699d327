"""A proof of origin: one file that proves a file of an image without the image.

Two lines of text, then hashes and blocks as bytes: `evkit-proof-of-origin 1`, a header in evkit
JSON, leaf hashes of the ledger, hashes beside the rows, hashes beside the blocks, the blocks. Byte
for byte: `docs/spec/proof-of-origin.md`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from evkit.core import ejson
from evkit.core.errors import InputError
from evkit.core.paths import b64, unb64
from evkit.hashing import pieces
from evkit.manifest.proofheader import (
    EXTENTS,
    FILE,
    HASH,
    MAX_HEADER,
    READINGS,
    RESIDENT,
    SCHEMA,
    STORED,
    VALID,
    check_header,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC: Final = b"evkit-proof-of-origin 1\n"


@dataclass(frozen=True, kw_only=True)
class ProofRow:
    """A row of the inventory: its number, its salt, its canonical bytes."""

    number: int
    salt: bytes
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Everything in a proof but the blocks themselves.

    Attributes:
        acquisition: `CASE/E1/A1`.
        reading: how the content is found in the blocks, one of `READINGS`.
        size: bytes of the medium; of the file itself when `reading` is `file`.
        end: entry that ended the acquisition and holds the root of the medium.
        inventory: entry that holds the root of the rows.
        stream: number of the stream row.
        name: number of the name row, None for a stream without a name.
        rows: in the order of their numbers.
        entries: envelopes by index.
        checkpoint, statement, root: as in a bundle.
        crl: revocation list of the root, None when there is none.
        officers: certificates by fingerprint.
        leaves: leaf hashes of the whole ledger, one after the other.
        row_hashes, block_hashes: the hashes beside the rows and beside the blocks.
        blocks: runs of enclosed blocks (first, count).
        other_bytes: enclosed bytes that are not needed for the content.
    """

    acquisition: str
    reading: str
    size: int
    end: int
    inventory: int
    stream: int
    name: int | None = None
    rows: tuple[ProofRow, ...]
    entries: Mapping[int, bytes]
    checkpoint: bytes
    statement: bytes
    root: bytes
    crl: bytes | None = None
    officers: Mapping[str, bytes] = field(default_factory=dict)
    leaves: bytes
    row_hashes: tuple[bytes, ...]
    block_hashes: tuple[bytes, ...]
    blocks: tuple[tuple[int, int], ...]
    other_bytes: int

    @property
    def block_bytes(self) -> int:
        """Number of bytes of all enclosed blocks."""
        return run_bytes(self.blocks, self.size)

    def row(self, number: int) -> ProofRow:
        """Return the row of a number that the proof holds."""
        return next(row for row in self.rows if row.number == number)


def run_bytes(blocks: tuple[tuple[int, int], ...], size: int) -> int:
    """Return the bytes of runs of blocks; the last block of the medium may be shorter."""
    return sum(
        min((first + count) * pieces.BLOCK, size) - first * pieces.BLOCK for first, count in blocks
    )


def encode_head(proof: Proof) -> bytes:
    """Return everything in front of the blocks.

    Raises:
        InputError: a value is out of range or cannot be written.
    """
    header: dict[str, Any] = {
        "schema": SCHEMA,
        "acquisition": proof.acquisition,
        "reading": proof.reading,
        "size": proof.size,
        "end": proof.end,
        "inventory": proof.inventory,
        "stream": proof.stream,
        "rows": [
            {"n": row.number, "row": _text(row.data), "salt": b64(row.salt)} for row in proof.rows
        ],
        "entries": [
            {"entry": index, "envelope": _text(data)} for index, data in proof.entries.items()
        ],
        "checkpoint": _text(proof.checkpoint),
        "statement": _text(proof.statement),
        "root": _text(proof.root),
        "officers": {key: _text(data) for key, data in proof.officers.items()},
        "leaves": len(proof.leaves) // HASH,
        "row_hashes": len(proof.row_hashes),
        "block_hashes": len(proof.block_hashes),
        "blocks": [list(run) for run in proof.blocks],
        "other_bytes": proof.other_bytes,
    }
    if proof.name is not None:
        header["name"] = proof.name
    if proof.crl is not None:
        header["crl"] = _text(proof.crl)
    data = ejson.dumps(header)
    if len(data) > MAX_HEADER:
        raise InputError(f"the header of a proof has {len(data)} bytes, over {MAX_HEADER}")
    check_header(header)
    hashes = b"".join((*proof.row_hashes, *proof.block_hashes))
    if len(proof.leaves) % HASH or len(hashes) % HASH:
        raise InputError("a hash of the proof does not have 32 bytes")
    return MAGIC + data + b"\n" + proof.leaves + hashes


def read_proof(handle: BinaryIO) -> tuple[Proof, int]:
    """Read a proof strictly; writing it again gives the same bytes.

    Args:
        handle: the open file, at its start and seekable.

    Returns:
        The proof, and where its blocks begin.

    Raises:
        InputError: anything that `encode_head` would not write, or another length of the file.
        OSError: it cannot be read.
    """
    if handle.read(len(MAGIC)) != MAGIC:
        raise InputError("not a proof of origin, or one of another version")
    line = handle.readline(MAX_HEADER + 2)
    if not line.endswith(b"\n"):
        raise InputError("the header of the proof is cut short or too long")
    header = ejson.as_object(
        ejson.loads(line[:-1], max_bytes=MAX_HEADER, max_depth=4), "the header of a proof"
    )
    check_header(header)
    counts = [header["leaves"], header["row_hashes"], header["block_hashes"]]
    start = len(MAGIC) + len(line)
    at = start + sum(counts) * HASH
    runs = tuple((first, count) for first, count in header["blocks"])
    length = handle.seek(0, os.SEEK_END)
    if length != at + run_bytes(runs, header["size"]):
        raise InputError("the proof is cut short or has bytes after its end")
    handle.seek(start)
    parts = [handle.read(count * HASH) for count in counts]
    if [len(part) for part in parts] != [count * HASH for count in counts]:
        raise InputError("the proof is cut short")
    return _proof(header, runs, parts), at


def _proof(
    header: Mapping[str, Any], runs: tuple[tuple[int, int], ...], parts: list[bytes]
) -> Proof:
    return Proof(
        acquisition=header["acquisition"],
        reading=header["reading"],
        size=header["size"],
        end=header["end"],
        inventory=header["inventory"],
        stream=header["stream"],
        name=header.get("name"),
        rows=tuple(
            ProofRow(number=row["n"], salt=unb64(row["salt"]), data=row["row"].encode())
            for row in header["rows"]
        ),
        entries={item["entry"]: item["envelope"].encode() for item in header["entries"]},
        checkpoint=header["checkpoint"].encode(),
        statement=header["statement"].encode(),
        root=header["root"].encode(),
        crl=header["crl"].encode() if "crl" in header else None,
        officers={key: text.encode() for key, text in header["officers"].items()},
        leaves=parts[0],
        row_hashes=_split(parts[1]),
        block_hashes=_split(parts[2]),
        blocks=runs,
        other_bytes=header["other_bytes"],
    )


def _split(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[at : at + HASH] for at in range(0, len(data), HASH))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise InputError("a part of the proof is not UTF-8") from error


__all__ = [
    "EXTENTS", "FILE", "MAGIC", "READINGS", "RESIDENT", "STORED", "VALID", "Proof", "ProofRow",
    "encode_head", "read_proof", "run_bytes",
]  # fmt: skip
