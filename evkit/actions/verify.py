"""`evkit verify WHAT…`: recognise what is given, verify it, log the result if asked."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING

from evkit.actions.meant import names_ref
from evkit.actions.verify_inputs import Request, supplied
from evkit.core.errors import EvkitError, InputError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes
from evkit.ledger.event import read_entry
from evkit.manifest import bag, layout, model
from evkit.manifest.tree import FolderTree
from evkit.verify.bundle import verify_bundle
from evkit.verify.report import Report, Reports
from evkit.verify.single import verify_manifest, verify_proof
from evkit.verify.sources import ChainSource, TreeSource, recorded_names
from evkit.verify.view import RecordView

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.actions.verify_inputs import Options
    from evkit.manifest.model import Manifest
    from evkit.manifest.tree import Tree
    from evkit.station import Station
    from evkit.verify.sources import Source
    from evkit.verify.supplied import Supplied

BUNDLE, ZIP, MANIFEST, PROOF, ORIGIN, ENTRY, STATION, REF, DATA = (
    "bundle", "zip", "manifest", "proof", "origin", "entry", "station", "ref", "data",
)  # fmt: skip
_HEAD = 64
_PROOF_START = b"c2sp.org/tlog-proof@"
_ORIGIN_START = b"evkit-proof-of-origin "
_MEMO_STARTS = (b"HEAD OF A LEDGER OF DIGITAL EVIDENCE", b"evkit-memo/")
_NAMED = 3  # bundles in a folder that is none
_MAX_PROOF = 1 << 20
_MAX_ENTRY = 1 << 16


def run(request: Request) -> Reports:
    """Verify everything that was named.

    Raises:
        UsageError: an option has the wrong form, or two of them exclude each other.
        InputError: something named is not there, or nothing that evkit can verify.
        CaseError: a reference is given and there is no station.
    """
    brought = supplied(request.options)
    kinds = [(text, recognise(text, request.open_station)) for text in request.what]
    if request.record and any(kind not in {REF, STATION} for _, kind in kinds):
        raise UsageError(
            "`--record` logs the check of a case, an exhibit, an acquisition or the station",
            hint="for a bundle, note the result with `evkit custody record note`",
        )
    if request.copy is not None and any(kind not in {REF, STATION} for _, kind in kinds):
        raise UsageError(
            "`--copy` chooses among the copies of a case, an exhibit or an acquisition",
            hint="a file is verified by its path, a folder of evidence with `--exhibits`",
        )
    if request.extract is not None and [kind for _, kind in kinds] != [ORIGIN]:
        raise UsageError("`--extract` writes the content of one proof of origin")
    beside = [text for text, kind in kinds if kind in {BUNDLE, ZIP}]
    reports = []
    for text, kind in kinds:
        reports.append(_one(text, kind, beside, brought, request))
    return Reports(reports, everything=request.everything)


def recognise(text: str, open_station: Callable[[], Station]) -> str:
    """Say what a word of the command line names.

    A word shaped like a case is that case. Where there is no station or no such case, and a file
    or folder of that name is here, it is that: a court has bundles and no station.

    Raises:
        InputError: nothing of that name, or nothing that can be verified.
        UsageError: it is a memo.
    """
    path = os.fsencode(text)
    if names_ref(text, open_station):
        return REF
    if os.path.isdir(path):
        if os.path.isfile(os.path.join(path, b"station.toml")):
            return STATION
        return BUNDLE
    if os.path.exists(path) and not os.path.isfile(path):
        raise InputError(
            f"`{escape(text)}` is neither a file nor a folder", hint="a device is not verified"
        )
    try:
        with open(path, "rb") as handle:
            start = handle.read(_HEAD)
    except OSError as error:
        raise InputError(
            f"cannot read `{escape(text)}`: {error.strerror or error}",
            hint="name a bundle, a zip, a manifest, a proof, a station, an image, or CASE/E1",
        ) from error
    if start.startswith(b"PK"):
        return ZIP
    if start.startswith(_PROOF_START):
        return PROOF
    if start.startswith(_ORIGIN_START):
        return ORIGIN
    if start.startswith(_MEMO_STARTS):
        raise UsageError(
            f"`{escape(text)}` is a memo; something else is verified with it",
            hint=f"`evkit verify WHAT --memo {escape(text)}`",
        )
    if start.startswith(b'{"payload":"'):
        return ENTRY if _is_entry(path) else MANIFEST
    return DATA


def _is_entry(path: bytes) -> bool:
    if os.path.getsize(path) > _MAX_ENTRY:
        return False
    try:
        read_entry(read_file(path, _MAX_ENTRY))
    except InputError:
        return False
    return True


def _one(text: str, kind: str, beside: list[str], brought: Supplied, request: Request) -> Report:
    path = os.fsencode(text)
    exhibits = _exhibits(request.options)
    if kind == BUNDLE:
        tree = FolderTree(path)
        _need_bundle(tree)
        return verify_bundle(tree, brought, exhibits=exhibits)
    if kind == ZIP:
        from evkit.manifest.zipread import ZipTree

        with ZipTree(path) as packed:
            _need_bundle(packed)
            return verify_bundle(packed, brought, exhibits=exhibits)
    if kind == MANIFEST:
        data = read_file(path, model.MAX_MANIFEST)
        label = escape_bytes(path)
        return verify_manifest(data, label, _beside(path, request), brought, exhibits=exhibits)
    if kind in {PROOF, ENTRY}:
        return _proof(path, kind, brought, request)
    if kind == ORIGIN:
        from evkit.actions.verify_origin import verify_file

        return verify_file(path, brought, request.extract)
    if kind == DATA:
        from evkit.actions.verify_image import verify_data

        return verify_data(path, beside, request.open_station, brought)
    from evkit.actions.verify_station import verify_here

    station_path = path if kind == STATION else None
    return verify_here(text, station_path, brought, request)


def _need_bundle(tree: Tree) -> None:
    if not tree.sizes.keys() & {layout.MANIFEST, layout.SIGNATURE, bag.BAGIT, bag.TAG_LIST}:
        end = f"/{bag.BAGIT}"
        inside = sorted(name.removesuffix(end) for name in tree.sizes if name.endswith(end))
        hint = "name the folder or zip in which `manifest.json` lies"
        if inside and isinstance(tree, FolderTree):
            shown = ", ".join(f"`{tree.label}/{escape(name)}`" for name in inside[:_NAMED])
            hint = f"there is one inside: {shown}"
        raise InputError(
            f"`{tree.label}` is not a bundle: it holds none of the files that every bundle has",
            hint=hint,
        )


def _proof(path: bytes, kind: str, brought: Supplied, request: Request) -> Report:
    """Verify an entry with its proof; whichever is named, the other is looked for beside it.

    In a bundle they are `17.json` and `17.tlog-proof`; `ledger prove` writes `q.event.json`.
    """
    stem = path
    for end in (b".tlog-proof", b".event.json", b".json"):
        if path.endswith(end):
            stem = path.removesuffix(end)
            break
    ends = (b".event.json", b".json", b"") if kind == PROOF else (b".tlog-proof",)
    others = [stem + end for end in ends if stem + end != path]
    found = next((name for name in others if os.path.isfile(name)), None)
    beside = _from_stem(stem) or _beside(path, request)
    if kind == ENTRY:
        proof = None if found is None else read_file(found, _MAX_PROOF)
        envelope: bytes | None = read_file(path, _MAX_ENTRY)
    else:
        proof = read_file(path, _MAX_PROOF)
        envelope = None if found is None else read_file(found, _MAX_ENTRY)
    return verify_proof(proof, envelope, escape_bytes(path), beside, brought)


def _beside(path: bytes, request: Request) -> RecordView:
    """Return certificates and statement of the bundle in which a file lies, else of the station.

    They are found, not trusted: only a root that the verifier supplied gives them weight.
    """
    folder = os.path.dirname(os.path.abspath(path))
    for home in (folder, os.path.dirname(os.path.dirname(folder))):
        if os.path.isfile(os.path.join(home, os.fsencode(layout.STATEMENT))):
            return _from_bundle(home)
    try:
        with request.open_station() as station:
            from evkit.actions.verify_station import view_of

            return dataclasses.replace(view_of(station), entries={}, checkpoint=None)
    except EvkitError:
        return RecordView(entries={}, checkpoint=None, statement=None, root=None)


def _from_stem(stem: bytes) -> RecordView | None:
    """Return what `ledger prove` wrote beside the proof, None when nothing of it is here."""
    found: dict[str, bytes] = {}
    for end in ("station-statement.json", "root.crt", "root.crl", "officer.crt"):
        name = stem + b"." + end.encode()
        if os.path.isfile(name):
            found[end] = read_file(name)
    if not found:
        return None
    officer, crl = found.get("officer.crt"), found.get("root.crl")
    return RecordView(
        entries={},
        checkpoint=None,
        statement=found.get("station-statement.json"),
        root=found.get("root.crt"),
        officers={} if officer is None else {"officer.crt": officer},
        crls={} if crl is None else {"root.crl": crl},
    )


def _from_bundle(home: bytes) -> RecordView:
    def take(name: str) -> bytes | None:
        path = os.path.join(home, os.fsencode(name))
        return read_file(path) if os.path.isfile(path) else None

    folder = os.path.join(home, os.fsencode(layout.OFFICERS))
    names: list[bytes] = []
    with contextlib.suppress(OSError):  # what is not there or cannot be read is not brought
        names = sorted(os.listdir(folder))
    officers = {
        layout.OFFICERS + os.fsdecode(name): read_file(os.path.join(folder, name))
        for name in names
        if name.endswith(b".crt") and os.path.isfile(os.path.join(folder, name))
    }
    crl = take(layout.CRL)
    return RecordView(
        entries={},
        checkpoint=None,
        statement=take(layout.STATEMENT),
        root=take(layout.ROOT),
        officers=officers,
        crls={} if crl is None else {layout.CRL: crl},
    )


def _exhibits(options: Options) -> Callable[[Manifest, Report], Source] | None:
    if not options.exhibits:
        return None
    folders = [FolderTree(os.fsencode(folder)) for folder in options.exhibits]

    def source(made: Manifest, report: Report) -> Source:
        try:
            shared = recorded_names(made.facts)
        except InputError:
            shared = {}
        return ChainSource([TreeSource(tree, report, shared=shared) for tree in folders])

    return source
