"""Verification of a bundle: the files, the record, the people, the manifest, the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import bag, layout, model
from evkit.merkle.tiles import tiles_for_size
from evkit.verify import authorship, enclosed, history, manifest, openings, record, statement
from evkit.verify.files import LONG, Files
from evkit.verify.page import check_page, digests_in
from evkit.verify.remarks import remark_custody, say_decisions
from evkit.verify.report import AUTHORSHIP, CONTENT, RECORD, Report
from evkit.verify.sources import BundleSource
from evkit.verify.takeover import check_takeovers
from evkit.verify.times import Times
from evkit.verify.trust import Trust
from evkit.verify.view import RecordView, read_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.ledger.event import Entry
    from evkit.manifest.model import Manifest
    from evkit.manifest.tree import Tree
    from evkit.verify.record import Tree as LedgerTree
    from evkit.verify.sources import Source
    from evkit.verify.supplied import Supplied

_FOLLOW: Final = frozenset(
    {"case-hole", "case-chain", "manifest-facts", "declared", "undeclared", "not-enrolled",
     "stray-proof", "opening-stray", "stray-exhibit", "stray-inventory", "no-genesis", "takeover",
     "bundle-event", "inventory-source"}
)  # fmt: skip
_LACK: Final = _FOLLOW | {  # what only says that something is not here, when it cannot be read
    "no-checkpoint", "no-statement", "no-manifest", "no-certificate", "no-proof", "bag-signature",
    "statement-root", "tiles", "withheld", "genesis", "revoke-signer",
}  # fmt: skip
_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks of a record leave behind for further ones.

    Attributes:
        entries: the entries that could be read, by index.
        tree: the ledger's tree, None when it could not be rebuilt.
        trust: certificates and trusted roots.
        station: the station statement, None when unreadable.
    """

    entries: Mapping[int, Entry]
    tree: LedgerTree | None
    trust: Trust
    station: statement.Station | None


def verify_bundle(
    tree: Tree,
    supplied: Supplied,
    *,
    exhibits: Callable[[Manifest, Report], Source] | None = None,
) -> Report:
    """Verify a bundle.

    Args:
        tree: its files: a folder, a zip or memory.
        supplied: what the verifier brought along.
        exhibits: gives the source of evidence supplied beside the bundle, None when there is none.
    """
    report = Report(tree.label, "bundle", no_history=supplied.no_history)
    report.not_proven = list(model.NOT_PROVEN)
    files = Files(tree, report)
    files.check()
    view = bundle_view(files)
    done = check_record(view, supplied, report)
    signed = manifest.check_signature(
        files.data.get(layout.MANIFEST), done.trust, Times(done.entries), report
    )
    issuer = signed[1] if signed else None
    manifest.check_bag_signature(
        files.data.get(bag.TAG_LIST), files.data.get(layout.SIGNATURE), issuer, report
    )
    if signed is not None:
        made = signed[0]
        found = _check_made(made, files, done, report)
        sources: dict[str, Source] = {"bundle": BundleSource(files)}
        if exhibits is not None:
            sources["exhibits"] = exhibits(made, report)
        enclosed.check_enclosed(made, found, files, sources, report)
        _require(made, supplied, report)
    for name in tree.sizes:
        if name not in files.data and name not in files.streamed and name not in files.bad:
            files.stream(name)
    files.passed()
    asked = [index for index, entry in done.entries.items() if entry.event.case is not None]
    history.check_history(done.tree, supplied, asked, report)
    remark_custody(done.entries, report, signed[0].remarks if signed else None)
    _missing_entries(files, report)
    if any(not name.startswith(LONG) for name in files.unread):
        report.soften(_LACK)
    return report


def _missing_entries(files: Files, report: Report) -> None:
    """Name entries whose files are listed and gone, and keep quiet about what follows from it."""
    gone = sorted(
        index
        for name in files.listed
        if name not in files.tree.sizes and (index := layout.event_index(name)) is not None
    )
    if not gone:
        return
    number = report.fold(_FOLLOW)
    listed = ", ".join(str(index) for index in gone[:_SHOWN]) + (" …" if gone[_SHOWN:] else "")
    text = f"the files of entries {listed} were taken out of the bundle; the list of the bag "
    text += f"names them; {number} further findings that can follow from it are left out"
    report.failed(RECORD, "entry-missing", text)


def check_record(
    view: RecordView, supplied: Supplied, report: Report, *, whole_cases: bool = True
) -> Checked:
    """Make all checks of a record but those of history.

    Args:
        view: the record.
        supplied: what the verifier brought along.
        report: takes the findings.
        whole_cases: all entries of each case are here, so that a hole is a failure.
    """
    trust = Trust(supplied, report)
    trust.take_root(view.root, layout.ROOT)
    trust.take_officers(view.officers)
    trust.take_crls(view.crls)
    trust.judge_roots()
    entries = read_entries(view, report)
    authorship.check_authorship(view, entries, trust, report)
    station = statement.check_statement(view, trust, report)
    head = statement.check_checkpoint(view, station, entries, report)
    statement.check_genesis(view, station, entries, trust, report)
    tree = record.check_tree(view, head, report)
    if tree is not None:
        within = {index: entry for index, entry in entries.items() if index < tree.head.size}
        tree = tree._replace(before=check_takeovers(view, within, trust, report))
        record.check_inclusion(view, entries, tree, report)
        record.check_pins(view, entries, tree, report)
    if whole_cases:
        record.check_cases(view, entries, report)
    return Checked(entries=entries, tree=tree, trust=trust, station=station)


def bundle_view(files: Files) -> RecordView:
    """Return the record inside a bundle."""
    entries: dict[int, bytes] = {}
    proofs: dict[int, bytes] = {}
    for name, data in files.data.items():
        if not name.startswith(layout.EVENTS):
            continue
        index = layout.event_index(name)
        if index is not None:
            entries[index] = data
        elif name.endswith(".tlog-proof") and layout.is_known(name):
            proofs[int(name.removeprefix(layout.EVENTS).removesuffix(".tlog-proof"))] = data
    crl = files.data.get(layout.CRL)

    def tile(path: str) -> bytes:
        data = files.data.get(layout.tile_path(path))
        if data is None:
            raise InputError(f"`{layout.tile_path(path)}` is missing")
        return data

    return RecordView(
        entries=entries,
        proofs=proofs,
        checkpoint=files.data.get(layout.CHECKPOINT),
        statement=files.data.get(layout.STATEMENT),
        root=files.data.get(layout.ROOT),
        officers={
            name: data for name, data in files.data.items() if name.startswith(layout.OFFICERS)
        },
        crls={} if crl is None else {layout.CRL: crl},
        tiles=tile,
        place=layout.event_path,
    )


def _check_made(made: Manifest, files: Files, done: Checked, report: Report) -> dict[str, Any]:
    """Check the manifest against the record, and the small files against the manifest.

    Returns:
        The facts made from the entries.
    """
    found = manifest.check_facts(made, done.entries, done.tree, report)
    if done.station is not None and made.statement != done.station.event_id:
        text = "the manifest names another station statement"
        report.failed("record", "manifest-statement", text, layout.MANIFEST)
    page = files.data.get(layout.PAGE)
    if page is not None:
        check_page(page, digests_in(made.predicate()), report)
    held: dict[int, bytes] = {}
    for name, data in files.data.items():
        if name.startswith(layout.OPENINGS) and layout.is_known(name):
            held[int(name.removeprefix(layout.OPENINGS).removesuffix(".json"))] = data
    personal = openings.check_openings(done.entries, held, made.withheld, report)
    if personal.withheld:
        report.reach.append(f"{personal.withheld} personal values withheld")
    say_decisions(found, report)
    report.reach.insert(0, f"case {escape(made.case)}, {len(done.entries)} entries")
    if done.tree is not None:
        _strays(files, done.tree.head.size, report)
    return found


def _strays(files: Files, size: int, report: Report) -> None:
    """Name what the record does not need: tiles of another size, proofs without an entry."""
    wanted = {layout.tile_path(ref.path) for ref in tiles_for_size(size)}
    for name in files.names(layout.tile_path("tile/")):
        if name not in wanted:
            text = f"`{escape(name)}` is no tile of this ledger"
            report.failed(CONTENT, "stray-tile", text, escape(name))
    for name in files.names(layout.EVENTS):
        if name.endswith(".tlog-proof") and f"{name[:-11]}.json" not in files.tree.sizes:
            text = f"`{escape(name)}` is the proof of an entry that is not enclosed"
            report.failed(CONTENT, "stray-proof", text, escape(name))
    for name in files.names(layout.OFFICERS):
        fingerprint = name.removeprefix(layout.OFFICERS).removesuffix(".crt")
        if not any(fingerprint.encode() in data for data in _envelopes(files)):
            text = f"`{escape(name)}` is a certificate that no entry here is signed with"
            report.remark("spare-certificate", text)


def _envelopes(files: Files) -> list[bytes]:
    return [data for name, data in files.data.items() if layout.event_index(name) is not None]


def _require(made: Manifest, supplied: Supplied, report: Report) -> None:
    """Turn what was not checked into UNDECIDED where the verifier asks for it."""
    partly = any(part.startswith("not enclosed") for part in report.reach)
    if "content" in supplied.require and partly:
        text = "content was required, and not all recorded data are here"
        report.undecided(CONTENT, "content-required", text)
    if "openings" in supplied.require and made.withheld:
        text = "openings were required, and personal values are withheld"
        report.undecided(CONTENT, "openings-required", text)
    require_revocation(supplied, report)


def require_revocation(supplied: Supplied, report: Report) -> None:
    """Turn an unchecked revocation into UNDECIDED where the verifier asks for it."""
    if "revocation" in supplied.require and any(
        entry.code == "revocation-unchecked" for entry in report.remarks
    ):
        text = "revocation was required, and no revocation list holds at the time of signing"
        report.undecided(AUTHORSHIP, "revocation-required", text)
