"""The record: every entry lies where it should in the one tree, pins hold, no case has a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.ledger.tlog_proof import encode_proof, parse_proof_own
from evkit.merkle.proof import verify_inclusion
from evkit.merkle.tiles import HashTiles, parse_hash_tile, read_hash_tiles
from evkit.merkle.tree import leaf_hash, root_from_reader
from evkit.verify.report import FAIL, RECORD
from evkit.verify.takeover import ledger_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.ledger.checkpoint import Checkpoint
    from evkit.ledger.event import Entry
    from evkit.merkle.tree import Reader
    from evkit.verify.report import Report
    from evkit.verify.takeover import Takeover
    from evkit.verify.view import RecordView

MAX_TREE = 1 << 24  # entries of a ledger whose tiles are held in memory (512 MiB of hashes)


class Tree(NamedTuple):
    """The tree of the whole ledger: its head, its subtrees, whether its root is the signed one.

    `before` names the ledgers that were lost and that this one goes on from, latest first.
    """

    head: Checkpoint
    reader: Reader
    good: bool
    before: tuple[Takeover, ...] = ()


def check_tree(view: RecordView, head: Checkpoint | None, report: Report) -> Tree | None:
    """Rebuild the tree from tiles or entries and compare its root with the checkpoint."""
    if head is None:
        return None
    if head.size > MAX_TREE:
        report.undecided(RECORD, "tree-size", f"a ledger of {head.size} entries is too large here")
        return None
    try:
        tiles = _tiles(view, head)
    except InputError as error:
        report.failed(RECORD, "tiles", f"hash tiles: {escape(error.message)}")
        return None
    found = root_from_reader(head.size, tiles.reader)
    good = found == head.root
    if good:
        text = f"the hashes of all {head.size} entries give the root of the checkpoint"
        report.passed(RECORD, "tree", text)
    else:
        text = "the hashes of the ledger do not give the root of the checkpoint"
        report.failed(RECORD, "tree", text, "", head.root.hex(), found.hex())
    return Tree(head, tiles.reader, good)


def _tiles(view: RecordView, head: Checkpoint) -> HashTiles:
    if view.tiles is not None:
        return read_hash_tiles(head.size, view.tiles)
    if view.leaves is not None:
        return HashTiles(parse_hash_tile(view.leaves, head.size))
    if sorted(view.entries) != list(range(head.size)):
        raise InputError(f"the checkpoint names {head.size} entries, {len(view.entries)} are here")
    return HashTiles(leaf_hash(view.entries[index]) for index in range(head.size))


def check_inclusion(
    view: RecordView, entries: Mapping[int, Entry], tree: Tree, report: Report
) -> None:
    """Check that each entry is the leaf at its index, by the tiles and by its own proof."""
    good = 0
    for index, entry in entries.items():
        where = view.place(index)
        leaf = leaf_hash(entry.data)
        if index >= tree.head.size:
            text = f"entry {index} lies outside the ledger of {tree.head.size} entries"
            report.failed(RECORD, "inclusion", text, where)
            continue
        expected = tree.reader(0, index)
        if expected != leaf:
            text = f"entry {index} is not the one that the ledger holds at this place"
            report.failed(RECORD, "inclusion", text, where, expected.hex(), leaf.hex())
            continue
        if view.proofs is None or _proof(view, index, leaf, tree, report):
            good += 1
    if good and good == len(entries) and tree.good:
        text = f"{good} entries are in the ledger at their places"
        report.passed(RECORD, "inclusion", text)


def _proof(view: RecordView, index: int, leaf: bytes, tree: Tree, report: Report) -> bool:
    where = view.place(index)
    data = (view.proofs or {}).get(index)
    if data is None:
        report.failed(RECORD, "no-proof", f"the proof of entry {index} is missing", where)
        return False
    try:
        proof = parse_proof_own(data)
    except InputError as error:
        text = f"the proof of entry {index} cannot be read: {escape(error.message)}"
        report.failed(RECORD, "proof-form", text, where)
        return False
    head = tree.head
    good = (
        proof.index == index
        and proof.note == view.checkpoint
        and encode_proof(proof) == data
        and verify_inclusion(index, head.size, leaf, proof.hashes, head.root)
    )
    if not good:
        text = f"the proof of entry {index} does not lead to the head of the checkpoint"
        report.failed(RECORD, "proof", text, where)
    return good


def check_pins(view: RecordView, entries: Mapping[int, Entry], tree: Tree, report: Report) -> None:
    """Check the head that each signer pinned against the tree; print the gaps."""
    widest, at, pinned, wrong = 0, 0, 0, 0
    seen: dict[str, int] = {}
    for index, entry in entries.items():
        head = entry.event.head
        if head is None:
            continue
        problem = _pin_problem(index, entry, tree)
        if problem:
            wrong += 1
            text = f"entry {index} pins {problem}"
            pin = f"{escape(head.origin)} {head.size}:{head.root}"
            ours = _ours(index, head.size, tree)
            report.failed(RECORD, "pin", text, view.place(index), pin, ours)
            continue
        pinned += 1
        before = seen.get(entry.envelope.keyid, 0)
        if head.size < before:
            text = f"entry {index} pins {head.size} entries; its signer had seen {before} already"
            report.remark("pin-backwards", text, index)
        seen[entry.envelope.keyid] = max(before, head.size)
        if index - head.size > widest:
            widest, at = index - head.size, index
    if pinned and not wrong:
        lost = " or of those it goes on from" if tree.before else ""
        report.passed(RECORD, "pins", f"{pinned} pinned heads are heads of this ledger{lost}")
    if widest:
        text = (
            f"a pin says nothing about the entries after it: entry {at} was signed on a head "
            f"{widest} entries older"
        )
        report.remark("pin-gap", text, at)


def _pin_problem(index: int, entry: Entry, tree: Tree) -> str:
    head = entry.event.head
    if head is None:
        return ""
    ledger = ledger_at(tree.before, index)
    if head.origin != (ledger.origin if ledger else tree.head.origin):
        return "a head of another ledger"
    if head.size > index or head.size > tree.head.size:
        return "a head that is newer than the entry itself"
    if _root_at(index, head.size, tree).hex() != head.root:
        return f"another history: its signer saw a different ledger of {head.size} entries"
    return ""


def _root_at(index: int, size: int, tree: Tree) -> bytes:
    """Return the root at `size` of the ledger in which entry `index` was recorded."""
    ledger = ledger_at(tree.before, index)
    if ledger is None:
        return root_from_reader(size, tree.reader)
    return ledger.root(size, tree.reader)


def _ours(index: int, size: int, tree: Tree) -> str:
    ledger = ledger_at(tree.before, index)
    size = min(size, ledger.entries if ledger else tree.head.size)
    origin = ledger.origin if ledger else tree.head.origin
    return f"{escape(origin)} {size}:{_root_at(index, size, tree).hex()}"


def check_cases(view: RecordView, entries: Mapping[int, Entry], report: Report) -> dict[str, int]:
    """Check that each case counts 1 to n in order and each entry names the one before it.

    Returns:
        Number of entries by case.
    """
    last: dict[str, tuple[int, str]] = {}
    for index, entry in entries.items():
        event = entry.event
        if event.case is None or event.case_seq is None:
            continue
        count, previous = last.get(event.case, (0, ""))
        where = view.place(index)
        case = escape(event.case)
        if event.case_seq != count + 1:
            text = (
                f"case {case}: entry {index} is number {event.case_seq} of the case, "
                f"number {count + 1} is missing or out of order"
            )
            report.failed(RECORD, "case-hole", text, where)
        elif (event.case_prev or "") != previous:
            text = f"case {case}: entry {index} does not follow the entry before it in the case"
            report.failed(RECORD, "case-chain", text, where, previous, event.case_prev or "")
        last[event.case] = (event.case_seq, entry.event_id)
    counts = {case: count for case, (count, _) in last.items()}
    failed = any(
        finding.state == FAIL and finding.code.startswith("case-") for finding in report.findings
    )
    if counts and not failed:
        names = ", ".join(f"{escape(case)} 1 to {count}" for case, count in sorted(counts.items()))
        report.passed(RECORD, "cases", f"no entry of the case is left out: {names}")
    return counts
