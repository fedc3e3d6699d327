"""What a proof of origin is made of: entries of the ledger, rows of an inventory, hashes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions.bundle_material import ALWAYS
from evkit.actions.inventory_files import on_record
from evkit.actions.prove_medium import FileMedium, ImageMedium, tree_of
from evkit.core.errors import CaseError, CheckFailedError, InputError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.hashing import pieces
from evkit.hashing.digests import MultiDigest
from evkit.hashing.piecefile import read_pieces
from evkit.images.opening import open_image
from evkit.manifest import facts
from evkit.manifest import proof as form
from evkit.manifest.proof import Proof
from evkit.verify.filecontent import (
    MFT,
    NoContentError,
    Rows,
    Touched,
    content,
    is_mft,
    is_stored,
    needs_mft,
    runs_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evkit.actions.inventory_target import Chosen
    from evkit.inventory.database.proving import Salted
    from evkit.inventory.search.find import Entry
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the ledger says of an acquisition.

    Attributes:
        acquisition: `CASE/E1/A1`.
        end: entry of its first end.
        inventory: entry of its newest inventory whose file is here.
        database: that file.
        fields: of that entry.
    """

    acquisition: str
    end: int
    inventory: int
    database: bytes
    fields: Mapping[str, Any]


def recorded(station: Station, acquisition: str) -> Recorded:
    """Find the entries that a proof rests on.

    Raises:
        CaseError: there is no recorded inventory, or its file is not here.
    """
    ref = parse_ref(acquisition)
    found = None
    for item in on_record(station, acquisition):
        path = os.path.join(station.folder(ref), os.fsencode(item.name))
        if os.path.isfile(path):
            found = (item, path)
    if found is None:
        raise CaseError(
            f"`{acquisition}` has no recorded inventory here",
            hint=f"make one with `evkit inventory run {acquisition}`",
        )
    item, path = found
    ends = (
        index
        for index, event, _ in station.events(ref.case)
        if event.kind in facts.ENDS and acquisition in event.acquisitions and index < item.entry
    )
    return Recorded(
        acquisition=acquisition, end=next(ends, -1), inventory=item.entry, database=path,
        fields=item.fields,
    )  # fmt: skip


@contextlib.contextmanager
def medium_of(chosen: Chosen, entry: Entry) -> Iterator[ImageMedium | FileMedium]:
    """Open what the content is read from: the image, or the one file that was taken in.

    Raises:
        CaseError: no piece tree is recorded, or the file was never copied.
        CheckFailedError: the image is not what was acquired.
    """
    ref = str(chosen.target.acquisition)
    if chosen.target.listed is not None:
        stored = (entry.name or {}).get("stored")
        if not isinstance(stored, str):
            raise CaseError(
                f"the content of `{entry.shown}` is not here: it was digested where it lay",
                hint="its digest is in the inventory and in the list of the intake",
            )
        file = FileMedium(os.path.join(chosen.target.root, *os.fsencode(stored).split(b"/")))
        with contextlib.closing(file):
            yield file
        return
    fields = chosen.media.get("pieces")
    if not isinstance(fields, dict):
        raise CaseError(
            f"no piece tree of the medium of `{ref}` is recorded",
            hint=f"a conversion has one: `evkit image convert {ref}`",
        )
    size, root = pieces.read_fields(fields)
    with open_image(chosen.target.paths[0], list(chosen.target.paths)) as image:
        tree = tree_of(image, _stored(chosen), size, root)
        if tree is None:
            raise CheckFailedError(
                f"the image of `{escape(ref)}` is not what was acquired; nothing was written",
                hint=f"`evkit verify {escape(ref)}` says more; go on from another copy",
            )
        yield ImageMedium(image, tree, ref)


def _stored(chosen: Chosen) -> pieces.PieceTree | None:
    if chosen.pieces is None:
        return None
    try:
        return read_pieces(chosen.pieces)
    except InputError:
        return None


class Material:
    """Collects the parts of a proof.

    Args:
        recorded: the entries of the acquisition.
        inventory: its inventory.
    """

    def __init__(self, recorded: Recorded, inventory: Salted) -> None:
        self._recorded, self._inventory = recorded, inventory

    def proof(
        self,
        entry: Entry,
        medium: ImageMedium | FileMedium,
        station: Station,
        *,
        with_case: bool = False,
    ) -> tuple[Proof, Rows]:
        """Return everything in a proof but the blocks.

        Raises:
            InputError: the content has no place in the image.
            CheckFailedError: the image, the inventory and the record do not belong together.
        """
        numbers, rows = self._rows(entry)
        reading, touched = self._reading(rows, medium, entry)
        if not needs_mft(reading) and rows.mft is not None:
            numbers = {part: number for part, number in numbers.items() if part != "mft"}
            rows = dataclasses.replace(rows, mft=None)
        runs, needed = runs_of(touched.ranges)
        count, root = self._recorded.fields.get("rows"), self._recorded.fields.get("row_root")
        proven, row_hashes = self._inventory.prove(
            sorted(set(numbers.values())), int(str(count)), bytes.fromhex(str(root))
        )
        block_hashes = []
        if isinstance(medium, ImageMedium) and runs:
            block_hashes = medium.block_hashes(runs)
        proof = Proof(
            acquisition=self._recorded.acquisition,
            reading=reading,
            size=medium.size,
            end=self._recorded.end,
            inventory=self._recorded.inventory,
            stream=numbers["stream"],
            name=numbers.get("name"),
            rows=proven,
            row_hashes=tuple(row_hashes),
            block_hashes=tuple(block_hashes),
            blocks=runs,
            other_bytes=form.run_bytes(runs, medium.size) - needed,
            **ledger_parts(station, self._recorded, with_case=with_case),
        )
        return proof, rows

    def _rows(self, entry: Entry) -> tuple[dict[str, int], Rows]:
        """Return the numbers of the rows by their part, and the rows."""
        stream = dict(entry.stream or {})
        numbers = {"source": 0, "stream": int(entry.stream_row or 0)}
        numbers["filesystem"] = self._inventory.filesystem(stream["fs"])
        if entry.name_row is not None:
            numbers["name"] = entry.name_row
        system, mft = self._inventory.row(numbers["filesystem"]), None
        if system["type"] == "ntfs":
            for number, row in self._inventory.joined("stream", stream["fs"], MFT):
                if is_mft(row, stream) and row["state"] == "ok" and mft is None:
                    numbers["mft"], mft = number, row
            if numbers.get("mft") == numbers["stream"]:
                del numbers["mft"]
                mft = None
        return numbers, Rows(
            stream=stream,
            source=self._inventory.row(0),
            filesystem=system,
            name=entry.name,
            mft=mft,
        )

    def _reading(
        self, rows: Rows, medium: ImageMedium | FileMedium, entry: Entry
    ) -> tuple[str, Touched]:
        """Find the way in which the sectors give the content that the row has the digest of."""
        stream = rows.stream
        why = "the inventory names no sectors for it"
        if isinstance(medium, FileMedium):
            ways = [form.FILE]
        elif "resident" in stream.get("flags", ()) and rows.filesystem["type"] != "ntfs":
            ways, why = [], "its content lies in the tables of the file system"
        elif "resident" in stream.get("flags", ()):
            ways = [form.RESIDENT]
        elif is_stored(stream):
            ways = [form.STORED]
        elif stream.get("extents") or stream.get("size") == 0:
            ways = [form.EXTENTS, *([form.VALID] if rows.mft is not None else [])]
        else:
            ways = []
        for way in ways:
            touched, digest = Touched(medium), MultiDigest(tuple(stream.get("digests", {})))
            try:
                for part in content(way, rows, touched):
                    digest.update(part)
            except NoContentError as error:
                why = error.message
                continue
            if stream["state"] != "ok" or way == form.STORED:
                return way, touched
            if digest.digests() == stream["digests"]:
                return way, touched
            why = "its sectors do not give the digest that the inventory has of it"
        raise InputError(
            f"`{entry.shown}` cannot be proven by sectors: {why}",
            hint="its row and its digest can be proven with a bundle; the image shows the rest",
        )


def ledger_parts(station: Station, found: Recorded, *, with_case: bool) -> dict[str, Any]:
    """Return the parts of a proof that come from the ledger.

    Raises:
        CaseError: the end of the acquisition is not on record.
    """
    if found.end < 0:
        raise CaseError(f"the end of `{found.acquisition}` is not on record")
    head = station.leaving_head()
    case = parse_ref(found.acquisition).case
    wanted = {
        entry.index: entry
        for entry in station.case_entries(case)
        if with_case or entry.index in {found.end, found.inventory}
    }
    wanted |= {entry.index: entry for entry in station.store.of_kinds(ALWAYS)}
    signers = {entry.signer for entry in wanted.values()}
    for entry in station.store.of_kinds(("enrol",)):
        if entry.signer in signers:
            wanted[entry.index] = entry
    crl = station.trust.crl()
    return {
        "entries": {index: wanted[index].envelope for index in sorted(wanted)},
        "checkpoint": head.note or b"",
        "statement": station.trust.statement_bytes(),
        "root": station.trust.root().pem,
        "crl": None if crl is None else crl.pem,
        "officers": {
            certificate.fingerprint: certificate.pem
            for certificate in station.officers()
            if certificate.fingerprint in signers
        },
        "leaves": b"".join(station.leaf_hashes(head.size)),
    }
