"""Ledgers and bundles in memory, with real keys and no station: for tests of the verifier.

Everything can be made wrongly on purpose: entries changed, left out, signed by others, the lists of
the bag made again as a thief would.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib

from signers import AGENCY, ORIGIN, People, make_officer, make_root, people

from evkit.bundle.assemble import assemble
from evkit.bundle.material import Material, Stream
from evkit.core import clock
from evkit.custody.replay import replay
from evkit.identity.statement import PAYLOAD_TYPE, StationStatement, build_statement
from evkit.ledger import dsse
from evkit.ledger.checkpoint import Checkpoint, sign_checkpoint
from evkit.ledger.commitments import commit_all
from evkit.ledger.event import (
    Actor,
    Context,
    Draft,
    Head,
    Recorded,
    Subject,
    Tool,
    build,
    read_entry,
)
from evkit.manifest import bag, layout
from evkit.manifest import memo as memos
from evkit.manifest.memo import Memo
from evkit.manifest.rows import encode, export_line, row_leaf
from evkit.manifest.tree import MemoryTree
from evkit.merkle.tree import Frontier, leaf_hash, root
from evkit.verify.bundle import verify_bundle
from evkit.verify.supplied import Anchor, Supplied

CASE = "K-7"
START = dt.datetime(2026, 11, 22, 9, 0, tzinfo=dt.UTC)
NONE = (Subject("station#statement", {"sha256": "ab" * 32}),)
__all__ = ["AGENCY", "ORIGIN", "make_officer", "make_root", "memos", "people"]


class MemorySink:
    """Keeps the files of a bundle."""

    def __init__(self):
        self.files = {}
        self.done = False

    def add(self, name, blocks, size, *, pack=True):
        data = b"".join(blocks)
        assert len(data) == size
        assert name not in self.files
        self.files[name] = data

    def commit(self):
        self.done = True

    def abandon(self):
        self.files = {}


class Ledger:
    """A ledger that signs what it is told."""

    def __init__(self, who: People | None = None, **statement):
        self.who = who or people()
        fields = {
            "agency": AGENCY,
            "name": "Station 1",
            "origin": ORIGIN,
            "log_key": self.who.log.vkey,
            "not_before": clock.format_utc(START),
            "not_after": clock.format_utc(START + dt.timedelta(days=3000)),
        }
        payload = build_statement(StationStatement(**(fields | statement)))
        self.statement = dsse.encode(dsse.sign(payload, PAYLOAD_TYPE, self.who.root))
        self.entries: list[bytes] = []
        self.openings: dict[int, tuple] = {}
        self.tips: dict[str, tuple[int, str]] = {}
        self.minutes = 0
        self.certificates = {self.who.root.certificate.fingerprint: self.who.root.certificate}

    def copy(self):
        """The same ledger, which can then go another way: a backup."""
        made = Ledger(self.who)
        made.statement, made.minutes = self.statement, self.minutes
        made.entries, made.tips = list(self.entries), dict(self.tips)
        made.openings, made.certificates = dict(self.openings), dict(self.certificates)
        return made

    def genesis(self):
        root_ = self.who.root.certificate
        statement_id = dsse.event_id(dsse.parse_own(self.statement))
        fields = {
            "name": "Station 1", "agency": AGENCY, "origin": ORIGIN, "profile": "int",
            "log_key": self.who.log.vkey, "statement": statement_id, "root": root_.fingerprint,
        }  # fmt: skip
        subject = Subject("station#statement", {"sha256": statement_id})
        draft = Draft(kind="station", fields=fields, subjects=(subject,))
        return self.add(draft, self.who.root)

    def enrol(self, signer):
        certificate = signer.certificate
        self.certificates[certificate.fingerprint] = certificate
        fields = {
            "officer": certificate.officer, "name": certificate.common_name,
            "roles": list(certificate.roles), "certificate": certificate.fingerprint,
        }  # fmt: skip
        return self.add(Draft(kind="enrol", fields=fields), signer)

    def revoke(self, signer, **fields):
        certificate = signer.certificate
        values = {
            "officer": certificate.officer, "certificate": certificate.fingerprint,
            "serial": certificate.serial, "reason": "ended", "compromise": False,
        }  # fmt: skip
        return self.add(Draft(kind="revoke", fields=values | fields), self.who.root)

    def add(self, draft, signer=None, **changes):
        """Sign and append a draft; `changes` replace parts of the context."""
        signer = signer or self.who.officer
        index = len(self.entries)
        self.minutes += 1
        count, previous = self.tips.get(draft.case, (0, None))
        commitments, openings = commit_all(draft.sensitive)
        utc = clock.format_utc(START + dt.timedelta(minutes=self.minutes))
        fields = {
            "recorded": Recorded(utc, "+05:00", "fixed"),
            "actor": Actor.of(signer.certificate),
            "tool": Tool("evkit", "0.1.0"),
            "head": Head(ORIGIN, index, self.root().hex()) if index else None,
            "case_seq": count + 1 if draft.case else None,
            "case_prev": previous if draft.case else None,
            "commitments": commitments,
        }
        if not draft.subjects:
            draft = dataclasses.replace(draft, subjects=NONE)
        payload = build(draft, Context(**(fields | changes)))
        data = dsse.encode(dsse.sign(payload, dsse.IN_TOTO, signer))
        self.append(data)
        self.openings[index] = openings
        return index

    def append(self, data: bytes):
        entry = read_entry(data)
        self.entries.append(data)
        if entry.event.case:
            self.tips[entry.event.case] = (entry.event.case_seq, entry.event_id)

    def root(self, size: int | None = None) -> bytes:
        return root([leaf_hash(data) for data in self.entries[:size]])

    def checkpoint(self, size: int | None = None) -> bytes:
        count = len(self.entries) if size is None else size
        return sign_checkpoint(Checkpoint(ORIGIN, count, self.root(count)), self.who.log)

    def memo(self, size: int | None = None) -> Memo:
        count = len(self.entries) if size is None else size
        trust = bytes.fromhex(self.who.root.certificate.fingerprint)
        return Memo(ORIGIN, count, self.root(count), trust)

    def events(self, indices=None):
        for index, data in enumerate(self.entries):
            if indices is None or index in indices:
                entry = read_entry(data)
                yield index, entry.event, entry.event_id

    def material(self, **changes) -> Material:
        """What a bundle of the case needs; leaves other cases out."""
        wanted = [i for i, event, _ in self.events() if event.case in {None, CASE}]
        bundle = [i for i, event, _ in self.events() if event.kind == "bundle"]
        fields = {
            "case": CASE,
            "entries": {index: self.entries[index] for index in wanted},
            "bundle_entry": bundle[-1],
            "checkpoint": self.checkpoint(),
            "leaf_hashes": [leaf_hash(data) for data in self.entries],
            "statement": self.statement,
            "root": self.who.root.certificate.pem,
            "officers": {
                fingerprint: certificate.pem
                for fingerprint, certificate in self.certificates.items()
                if not certificate.is_ca
            },
            "crl": None,
            "replay": replay(self.events(wanted)),
            "made": clock.Instant(START + dt.timedelta(hours=9), "+05:00", "fixed"),
            "openings": {i: found for i, found in self.openings.items() if found},
        }
        return Material(**(fields | changes))

    def bundle(self, signer=None, **changes) -> dict[str, bytes]:
        """The files of a bundle."""
        sink = MemorySink()
        assemble(self.material(**changes), signer or self.who.officer, sink)
        assert sink.done
        return sink.files


IMAGE = bytes(range(256)) * 64
FILES = {"files/000001": b"letter", "files/000002": b"picture" * 40}


def stream(data: bytes) -> Stream:
    return Stream(size=len(data), blocks=lambda: [data])


def source_row(**changes) -> dict:
    """The first row of an inventory of `IMAGE`."""
    row = {
        "row": "source", "kind": "image", "name": "image.raw", "size": len(IMAGE),
        "acquisition": f"{CASE}/E1/A1", "digests": {"sha256": hashlib.sha256(IMAGE).hexdigest()},
    }  # fmt: skip
    return row | changes


def coverage_row(**changes) -> dict:
    """The last row of an inventory."""
    groups = ("bytes", "filesystems", "directories", "names", "streams", "spaces", "orphans")
    row = {"row": "coverage", "result": "complete", "errors": 0, **{name: {} for name in groups}}
    return row | changes


def inventory(made=None, **changes) -> tuple[bytes, dict]:
    """The lines of an inventory and the fields of its event."""
    lines, tree = [], Frontier()
    for number, row in enumerate(made or [source_row(), coverage_row()]):
        data = encode(row)
        salt = hashlib.sha256(b"%d" % number).digest()[:16]
        lines.append(export_line(number, salt, data))
        tree.append(row_leaf(salt, data))
    fields = {
        "rows": tree.size, "row_root": tree.root().hex(), "engine_rows": 0,
        "engine_root": Frontier().root().hex(), "result": "complete",
        "database": {"name": "inventory.db", "size": 1, "sha256": "ab" * 32},
    }  # fmt: skip
    return b"".join(lines), fields | changes


def artifact(name: str, data: bytes, role: str) -> dict:
    return {
        "name": name, "role": role, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip


def file_list() -> bytes:
    from evkit.manifest.filelist import Row, encode_row

    return b"".join(
        encode_row(
            Row(n=n, path=f"in/{n}".encode(), type="file", state="ok", name=name, size=len(data),
                sha256=hashlib.sha256(data).hexdigest())
        )
        for n, (name, data) in enumerate(FILES.items(), 1)
    )  # fmt: skip


def small() -> Ledger:
    """Five entries: genesis, enrolment, case, exhibit, bundle."""
    ledger = Ledger()
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.add(
        Draft(
            kind="register", case=CASE, exhibits=(f"{CASE}/E1",), fields={"what": "phone"},
            sensitive={"owner.name": "Zainab Bibi", "owner.cnic": "35202-1234567-1"},
        )
    )  # fmt: skip
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    return ledger


def full() -> tuple[Ledger, dict]:
    """A ledger with another case between, an image, taken-in files, an inventory; and its data."""
    ledger = Ledger()
    who = ledger.who
    ledger.genesis()
    ledger.enrol(who.officer)
    ledger.add(Draft(kind="case-open", case=CASE, fields={"title": "Theft"}))
    ledger.enrol(who.other)
    ledger.add(Draft(kind="case-open", case="OTHER", fields={"title": "Secret"}))
    one, two = f"{CASE}/E1", f"{CASE}/E2"
    ledger.add(
        Draft(
            kind="register", case=CASE, exhibits=(one,), fields={"what": "USB stick"},
            sensitive={"owner.name": "Zainab Bibi"},
        )
    )  # fmt: skip
    image = artifact("image.raw", IMAGE, "image")
    media = {"size": len(IMAGE), "sha256": image["sha256"], "md5": hashlib.md5(IMAGE).hexdigest()}
    ledger.add(
        Draft(
            kind="acquire-end", case=CASE, exhibits=(one,), acquisitions=(f"{one}/A1",),
            fields={"result": "complete", "made_by": "evkit", "media": media, "artifacts": [image]},
            subjects=(Subject(f"{one}/A1", {"sha256": image["sha256"]}),),
        )
    )  # fmt: skip
    lines, fields = inventory()
    ledger.add(
        Draft(
            kind="inventory", case=CASE, exhibits=(one,), acquisitions=(f"{one}/A1",),
            fields=fields,
        )
    )  # fmt: skip
    ledger.add(Draft(kind="register", case=CASE, exhibits=(two,), fields={"what": "export"}))
    listed = file_list()
    ledger.add(
        Draft(
            kind="intake-end", case=CASE, exhibits=(two,), acquisitions=(f"{two}/A1",),
            fields={
                "result": "complete", "files": 2, "bytes": sum(map(len, FILES.values())),
                "artifacts": [artifact("files.jsonl", listed, "list")],
            },
            subjects=(Subject(f"{two}/A1", {"sha256": hashlib.sha256(listed).hexdigest()}),),
        )
    )  # fmt: skip
    ledger.add(Draft(kind="seal", case=CASE, exhibits=(one,), fields={"seal": ["S-1"]}), who.other)
    ledger.add(Draft(kind="note", case="OTHER", fields={"text": "unrelated"}))
    ledger.add(Draft(kind="bundle", case=CASE, fields={"form": "folder"}))
    exhibits = {
        (f"{one}/A1", "image.raw"): stream(IMAGE),
        (f"{two}/A1", "files.jsonl"): stream(listed),
    }
    exhibits |= {(f"{two}/A1", name): stream(data) for name, data in FILES.items()}
    return ledger, {"exhibits": exhibits, "inventories": {f"{one}/A1": stream(lines)}}


@functools.cache
def small_files() -> dict[str, bytes]:
    return small().bundle()


@functools.cache
def full_files() -> dict[str, bytes]:
    ledger, data = full()
    return ledger.bundle(**data)


def trusting(**changes) -> Supplied:
    """What a verifier brings: the root and the head of the small ledger's full size."""
    fields = {"fingerprints": frozenset({people().root.certificate.fingerprint})}
    return Supplied(**(fields | changes))


def anchor_of(ledger: Ledger, size: int | None = None) -> Anchor:
    memo = ledger.memo(size)
    return Anchor("memo", memo.size, memo.root, memo.origin)


def with_anchor(ledger: Ledger, size: int | None = None, **changes) -> Supplied:
    return trusting(anchors=(anchor_of(ledger, size),), **changes)


def check(files: dict[str, bytes], supplied: Supplied, **options):
    return verify_bundle(MemoryTree(files, "test"), supplied, **options)


def relist(files: dict[str, bytes], signer=None) -> dict[str, bytes]:
    """Make the lists of the bag again after a change; with a signer also `bag.sig`."""
    made = dict(files)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    payload = {name: digest for name, digest in digests.items() if name.startswith("data/")}
    size = sum(len(made[name]) for name in payload)
    info = bag.parse_info(made[bag.INFO])
    made[bag.INFO] = bag.format_info(info | {"Payload-Oxum": f"{size}.{len(payload)}"})
    made[bag.PAYLOAD_LIST] = bag.format_list(payload)
    outside = {bag.TAG_LIST, layout.SIGNATURE}
    made[bag.TAG_LIST] = bag.format_list(
        {
            name: hashlib.sha256(data).hexdigest()
            for name, data in made.items()
            if not name.startswith("data/") and name not in outside
        }
    )
    if signer is not None:
        made[layout.SIGNATURE] = signer.sign(made[bag.TAG_LIST])
    return made


def codes(report, state="FAIL") -> set[str]:
    return {finding.code for finding in report.findings if finding.state == state}
