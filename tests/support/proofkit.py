"""Proofs of origin in memory, over a made-up image, with real keys; everything can be made wrong.

`Station` holds an image, an inventory and a ledger; `prove` plays the honest maker and every part
of what it makes can be replaced.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import random

import bundlekit
from bundlekit import CASE, Draft

from evkit.hashing import pieces
from evkit.ledger.event import Subject
from evkit.manifest import proof as form
from evkit.manifest import rows
from evkit.manifest.proof import Proof, ProofRow
from evkit.merkle.ranges import ranges_proof
from evkit.merkle.tree import Subtrees, leaf_hash
from evkit.verify.filecontent import Rows, Touched, content, runs_of
from evkit.verify.proof import verify_origin

BLOCK = pieces.BLOCK
REF = f"{CASE}/E1/A1"
SIZE = 40 * BLOCK + 1000


def random_bytes(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def digests(data: bytes) -> dict[str, str]:
    return {"md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}


class Memory:
    """A medium in memory."""

    def __init__(self, data: bytes):
        self.data = data
        self.size = len(data)

    def read(self, offset, size):
        return self.data[offset : offset + size]


def gather(data: bytes, extents) -> bytes:
    return b"".join(bytes(n) if at < 0 else data[at : at + n] for at, n in extents)


def file_rows(number: int, data: bytes, places, **changes) -> list[dict]:
    """The name row and the stream row of a file at extents of an image."""
    found = gather(data, places)
    name = {
        "row": "name", "fs": 1, "inode": number, "seq": 0, "path": f"/docs/file{number}",
        "name": f"file{number}", "parent": 2, "type": "file", "allocated": True, "state": "ok",
    }  # fmt: skip
    stream = {
        "row": "stream", "fs": 1, "inode": number, "seq": 0, "attr": 1, "attr_id": 0,
        "size": len(found), "bytes_digested": len(found), "digests": digests(found),
        "basis": "allocated", "extents": [list(item) for item in places], "state": "ok",
    }  # fmt: skip
    stream |= changes
    return [name, {key: value for key, value in stream.items() if value is not None}]


FILES = {
    10: [(3 * BLOCK, 5000)],  # begins with a block
    11: [(9 * BLOCK - 700, 2 * BLOCK), (30 * BLOCK + 512, 4096), (20 * BLOCK, 100)],  # in pieces
    12: [(SIZE - 3000, 3000)],  # in the last, shorter block
    13: [(5 * BLOCK, 512), (-1, 4096), (6 * BLOCK, 512)],  # with a hole
    14: [],  # empty
}


class Station:
    """An image, its inventory, and the ledger that holds both roots."""

    def __init__(self, image: bytes | None = None, extra=(), who=None, **media):
        self.image = random_bytes(SIZE, 7) if image is None else image
        self.rows = self._all(extra)
        self.salts = [random_bytes(16, 1000 + number) for number in range(len(self.rows))]
        self.encoded = [rows.encode(row) for row in self.rows]
        leaves = [
            rows.row_leaf(salt, data) for salt, data in zip(self.salts, self.encoded, strict=True)
        ]
        self.row_tree = Subtrees(leaves)
        self.row_root = bundlekit.root(leaves)
        hasher = pieces.PieceHasher(block_nodes=True)
        hasher.update(self.image)
        self.tree = hasher.finish()
        self.ledger = bundlekit.Ledger(who)
        self._record(media)

    def _all(self, extra):
        size = len(self.image)
        made = [
            {"row": "source", "kind": "image", "name": REF, "size": size, "acquisition": REF,
             "digests": digests(self.image)},
            {"row": "filesystem", "fs": 1, "type": "ext4", "offset": 0, "size": size,
             "state": "ok"},
        ]  # fmt: skip
        for number, extents in FILES.items():
            if size == SIZE:
                made += file_rows(number, self.image, extents)
        return [*made, *extra]

    def _record(self, media):
        ledger = self.ledger
        ledger.genesis()
        ledger.enrol(ledger.who.officer)
        ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
        exhibit = (f"{CASE}/E1",)
        ledger.add(Draft(kind="register", case=CASE, exhibits=exhibit, fields={"what": "stick"}))
        known = {"size": len(self.image), **digests(self.image), "pieces": self.tree.fields()}
        known = {key: value for key, value in (known | media).items() if value is not None}
        fields = {"result": "complete", "made_by": "evkit", "media": known}
        self.end = self.record_end(fields)
        self.inventory = ledger.add(
            Draft(
                kind="inventory", case=CASE, exhibits=exhibit, acquisitions=(REF,),
                fields={"rows": len(self.rows), "row_root": self.row_root.hex(),
                        "result": "complete"},
            )
        )  # fmt: skip
        ledger.add(Draft(kind="note", case=CASE, fields={"text": "later"}))

    def record_end(self, fields):
        subject = Subject(REF, {"sha256": digests(self.image)["sha256"]})
        return self.ledger.add(
            Draft(
                kind="acquire-end", case=CASE, exhibits=(f"{CASE}/E1",), acquisitions=(REF,),
                fields=fields, subjects=(subject,),
            )
        )  # fmt: skip

    def number(self, kind: str, inode: int) -> int:
        return next(
            number
            for number, row in enumerate(self.rows)
            if row["row"] == kind and row["inode"] == inode
        )

    def prove(self, inode: int, reading: str = form.EXTENTS, **changes) -> tuple[Proof, bytes]:
        """The proof of a file and its blocks; `changes` replace parts of it."""
        stream, name = self.number("stream", inode), self.number("name", inode)
        touched = Touched(Memory(self.image))
        parts = Rows(
            stream=self.rows[stream], source=self.rows[0], filesystem=self.rows[1],
            name=self.rows[name],
        )  # fmt: skip
        for _ in content(reading, parts, touched):
            pass
        runs, needed = runs_of(touched.ranges)
        runs = changes.pop("blocks", runs)
        numbers = sorted({0, 1, stream, name})
        fields = {
            "acquisition": REF, "reading": reading, "size": len(self.image), "end": self.end,
            "inventory": self.inventory, "stream": stream, "name": name,
            **self.rows_part(numbers), **self.blocks_part(runs),
            "other_bytes": form.run_bytes(runs, len(self.image)) - needed,
            **self.ledger_part(),
        }  # fmt: skip
        made = Proof(**(fields | changes))
        return made, self.blocks(made.blocks)

    def rows_part(self, numbers):
        spans = spelled(numbers)
        return {
            "rows": tuple(
                ProofRow(number=number, salt=self.salts[number], data=self.encoded[number])
                for number in numbers
            ),
            "row_hashes": tuple(ranges_proof(spans, len(self.rows), self.row_tree)),
        }

    def blocks_part(self, runs):
        nodes = self.tree.block_nodes
        leaves = [nodes[at : at + 32] for at in range(0, len(nodes), 32)]
        spans = [(first, first + count) for first, count in runs]
        hashes = ranges_proof(spans, len(leaves), Subtrees(leaves)) if runs else []
        return {"blocks": tuple(runs), "block_hashes": tuple(hashes)}

    def blocks(self, runs) -> bytes:
        return b"".join(
            self.image[first * BLOCK : (first + count) * BLOCK] for first, count in runs
        )

    def ledger_part(self, indices=None, size=None):
        ledger = self.ledger
        wanted = indices or [0, 1, self.end, self.inventory]
        officer = ledger.who.officer.certificate
        return {
            "entries": {index: ledger.entries[index] for index in sorted(wanted)},
            "checkpoint": ledger.checkpoint(size),
            "statement": ledger.statement,
            "root": ledger.who.root.certificate.pem,
            "officers": {officer.fingerprint: officer.pem},
            "leaves": b"".join(leaf_hash(data) for data in ledger.entries[:size]),
        }


def spelled(numbers):
    """Runs (start, stop) of numbers in order."""
    found = []
    for number in numbers:
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def file_of(made: tuple[Proof, bytes]) -> bytes:
    return form.encode_head(made[0]) + made[1]


def replaced(made: tuple[Proof, bytes], **changes) -> bytes:
    """The file of a proof with other parts; the blocks stay."""
    return form.encode_head(dataclasses.replace(made[0], **changes)) + made[1]


def check(data: bytes, supplied, **options):
    return verify_origin(io.BytesIO(data), "p", supplied, **options)[0]


def trusting(station: Station, size=None):
    return bundlekit.with_anchor(station.ledger, size)
