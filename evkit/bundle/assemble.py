"""Writing a bundle: payload first, then what describes it, then the signature over the lists.

Files of evidence are copied straight to the target and digested on the way; a digest that is not
the recorded one stops the work. See `docs/spec/bundle.md`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit import __version__
from evkit.bundle.page import manifest_page
from evkit.bundle.readme import readme
from evkit.core.errors import CheckFailedError
from evkit.core.progress import SILENT
from evkit.core.text import escape
from evkit.ledger.checkpoint import parse_checkpoint_own
from evkit.ledger.event import Actor, read_entry
from evkit.ledger.tlog_proof import TlogProof, encode_proof
from evkit.manifest import bag, contents, facts, filelist, layout, model
from evkit.manifest.model import Item, Manifest
from evkit.manifest.openings import encode_openings
from evkit.merkle.proof import inclusion_proof
from evkit.merkle.tiles import HashTiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evkit.bundle.material import Material, Stream
    from evkit.bundle.sink import Sink
    from evkit.core.progress import Progress
    from evkit.identity.signer import Signer
    from evkit.ledger.event import Entry

TASK = "bundle"


@dataclass(frozen=True, kw_only=True)
class Written:
    """What was written: files, bytes, the manifest, SHA-256 of the tag manifest."""

    files: int
    bytes: int
    manifest: Manifest
    tag_digest: str


def assemble(
    material: Material, signer: Signer, sink: Sink, progress: Progress = SILENT
) -> Written:
    """Write a bundle and give it its name; whatever fails leaves nothing under that name.

    Raises:
        CheckFailedError: a file of evidence or an inventory is not what was recorded.
        InputError: a source changed while it was read.
        StorageError: the destination is full or fails.
    """
    try:
        written = _Writer(material, sink, progress).run(signer)
        sink.commit()
    except BaseException:
        sink.abandon()
        raise
    return written


class _Writer:
    """Writes the files of one bundle and remembers their digests."""

    def __init__(self, material: Material, sink: Sink, progress: Progress) -> None:
        self._material = material
        self._sink = sink
        self._progress = progress
        self._payload: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._bytes = 0
        self._payload_bytes = 0
        self._files = 0
        self._entries: dict[int, Entry] = {
            index: read_entry(data) for index, data in sorted(material.entries.items())
        }
        self._facts = facts.facts(
            [(index, entry.event, entry.event_id) for index, entry in self._entries.items()]
        )
        self._enclosed: list[Item] = []
        self._absent: list[Item] = []

    def run(self, signer: Signer) -> Written:
        """Write everything."""
        total = sum(stream.size for stream in self._material.exhibits.values())
        self._progress.begin(TASK, total or None)
        self._ledger()
        self._trust()
        self._openings()
        self._data()
        self._progress.end(TASK, self._bytes)
        made = self._manifest(signer)
        self._tag(layout.MANIFEST, model.sign(made, signer))
        self._tag(layout.PAGE, manifest_page(made, self._material.replay, self._material.review))
        self._tag(layout.README, readme(made))
        self._tag(bag.BAGIT, bag.DECLARATION)
        self._tag(bag.INFO, self._info(made))
        self._tag(bag.PAYLOAD_LIST, bag.format_list(self._payload))
        tags = bag.format_list(self._tags)
        self._put(bag.TAG_LIST, tags)
        self._put(layout.SIGNATURE, signer.sign(tags))
        digest = hashlib.sha256(tags).hexdigest()
        return Written(files=self._files, bytes=self._bytes, manifest=made, tag_digest=digest)

    def _ledger(self) -> None:
        material = self._material
        head = parse_checkpoint_own(material.checkpoint, cosigned=True).checkpoint
        tiles = HashTiles(material.leaf_hashes)
        for index, data in sorted(material.entries.items()):
            self._small(layout.event_path(index), data)
            path = tuple(inclusion_proof(index, head.size, tiles.reader))
            proof = TlogProof(index, path, material.checkpoint)
            self._small(layout.proof_path(index), encode_proof(proof))
        self._small(layout.CHECKPOINT, material.checkpoint)
        for ref, data in tiles:
            self._small(layout.tile_path(ref.path), data)

    def _trust(self) -> None:
        material = self._material
        self._small(layout.ROOT, material.root)
        self._small(layout.STATEMENT, material.statement)
        if material.crl is not None:
            self._small(layout.CRL, material.crl)
        for fingerprint, data in sorted(material.officers.items()):
            self._small(layout.officer_path(fingerprint), data)

    def _openings(self) -> None:
        for index, openings in sorted(self._material.openings.items()):
            if openings:
                self._small(layout.opening_path(index), encode_openings(openings))

    def _data(self) -> None:
        """Write evidence and inventories, and note what is enclosed and what not."""
        material = self._material
        for entry in contents.expected(self._facts):
            ref, name = entry.acquisition, entry.name
            if entry.what == contents.INVENTORY:
                self._inventory(ref, entry.number or 0)
            elif entry.what == contents.FILES:
                self._taken_in(entry)
            elif (ref, name) in material.exhibits:
                found = self._copy(ref, name)
                if found != entry.sha256:
                    raise _changed(ref, name, str(entry.sha256), found)
                item = Item(entry.what, ref, name, entry.size or 0, entry.sha256)
                self._enclosed.append(item)
            else:
                item = Item(
                    entry.what, ref, name, entry.size or 0, entry.sha256,
                    reason=material.absent.get((ref, name), material.reason),
                )  # fmt: skip
                self._absent.append(item)

    def _inventory(self, ref: str, rows: int) -> None:
        material = self._material
        stream = material.inventories.get(ref)
        if stream is None:
            reason = material.absent.get((ref, layout.INVENTORY_FILE), material.reason)
            item = Item(
                contents.INVENTORY, ref, layout.INVENTORY_FILE, 0, count=rows, reason=reason
            )
        else:
            found = self._long(layout.inventory_path(ref), stream)
            item = Item(
                contents.INVENTORY, ref, layout.INVENTORY_FILE, stream.size, found, count=rows
            )
        (self._absent if stream is None else self._enclosed).append(item)

    def _taken_in(self, entry: contents.Expected) -> None:
        """Copy the content files of an intake, compared with its list one by one."""
        ref, size = entry.acquisition, entry.size or 0
        material = self._material
        stream = material.exhibits.get((ref, filelist.NAME))
        if stream is None or (ref, contents.FILES_NAME) in material.absent:
            reason = material.absent.get((ref, contents.FILES_NAME), material.reason)
            self._absent.append(
                Item(entry.what, ref, entry.name, size, count=entry.number, reason=reason)
            )
            return
        for row in filelist.read_list(b"".join(stream.blocks())):
            if row.name is not None and row.sha256 is not None:
                found = self._copy(ref, row.name)
                if found != row.sha256:
                    raise _changed(ref, row.name, row.sha256, found)
        self._enclosed.append(Item(entry.what, ref, entry.name, size, count=entry.number))

    def _copy(self, ref: str, name: str) -> str:
        return self._long(layout.exhibit_path(ref, name), self._material.exhibits[ref, name])

    def _long(self, name: str, stream: Stream) -> str:
        total = hashlib.sha256()
        pack = name.startswith(layout.INVENTORIES)
        self._sink.add(name, self._watched(stream.blocks(), total), stream.size, pack=pack)
        self._files += 1
        self._payload_bytes += stream.size
        self._payload[name] = total.hexdigest()
        return self._payload[name]

    def _watched(self, blocks: Iterable[bytes], total: hashlib._Hash) -> Iterator[bytes]:
        for block in blocks:
            total.update(block)
            self._bytes += len(block)
            self._progress.update(TASK, self._bytes)
            yield block

    def _small(self, name: str, data: bytes) -> None:
        self._put(name, data)
        self._payload_bytes += len(data)
        self._payload[name] = hashlib.sha256(data).hexdigest()

    def _tag(self, name: str, data: bytes) -> None:
        self._put(name, data)
        self._tags[name] = hashlib.sha256(data).hexdigest()

    def _put(self, name: str, data: bytes) -> None:
        self._sink.add(name, [data], len(data))
        self._files += 1
        self._bytes += len(data)

    def _manifest(self, signer: Signer) -> Manifest:
        material = self._material
        event = self._entries[material.bundle_entry]
        actor = Actor.of(signer.certificate, event.event.actor.role)._asdict()
        head = parse_checkpoint_own(material.checkpoint, cosigned=True).checkpoint.head()
        return Manifest(
            case=material.case,
            made={
                "utc": material.made.text(),
                "offset": material.made.offset,
                "source": material.made.source,
            },
            issuer={name: value for name, value in actor.items() if value},
            head=head._asdict(),
            statement=_statement_id(material.statement),
            bundle_event={"entry": material.bundle_entry, "id": event.event_id},
            facts=self._facts,
            enclosed=tuple(self._enclosed),
            not_enclosed=tuple(self._absent),
            withheld=tuple(self._withheld()),
            remarks=tuple(finding.document() for finding in material.replay.findings),
            not_proven=model.NOT_PROVEN,
            tool={"name": "evkit", "version": __version__},
        )

    def _withheld(self) -> Iterator[dict[str, object]]:
        for index, entry in self._entries.items():
            shipped = {opening.name for opening in self._material.openings.get(index, ())}
            names = sorted(entry.event.commitments.keys() - shipped)
            if names:
                yield {"entry": index, "names": names}

    def _info(self, made: Manifest) -> bytes:
        return bag.format_info(
            {
                "Source-Organization": escape(made.head["origin"]),
                "Bagging-Date": made.made["utc"][:10],
                "External-Identifier": made.case,
                "Bag-Software-Agent": f"evkit {__version__}",
                "Payload-Oxum": f"{self._payload_bytes}.{len(self._payload)}",
            }
        )


def _statement_id(data: bytes) -> str:
    from evkit.ledger import dsse

    return dsse.event_id(dsse.parse_own(data))


def _changed(ref: str, name: str, expected: str, found: str) -> CheckFailedError:
    return CheckFailedError(
        f"`{escape(ref)}/{escape(name)}` is not what was recorded; no bundle was made",
        hint=f"check it with `evkit verify {escape(ref)}` and look for an intact copy",
        details={"expected": f"sha256:{expected}", "found": f"sha256:{found}"},
    )
