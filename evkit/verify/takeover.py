"""Ledgers that this one goes on from after a loss: their heads can be computed here as well.

The first entry, signed by the root, names them; only leaf 0 differs. See
`docs/spec/backup-and-recover.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.merkle.tree import HASH_SIZE, is_size, node_hash, root_from_reader
from evkit.verify.report import RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.ledger.event import Entry
    from evkit.merkle.tree import Reader
    from evkit.verify.report import Report
    from evkit.verify.trust import Trust
    from evkit.verify.view import RecordView


class Takeover(NamedTuple):
    """A lost ledger.

    Attributes:
        origin: its name.
        first: leaf hash of its entry 0.
        entries: how many entries the backup held; entries 1 to `entries` - 1 are here.
        size: of the last head that was held outside.
    """

    origin: str
    first: bytes
    entries: int
    size: int

    def root(self, size: int, reader: Reader) -> bytes:
        """Return its root at `size`, at most `entries`, from the subtrees of the new ledger."""
        left = [self.first]

        def read(level: int, index: int, /) -> bytes:
            if index:
                return reader(level, index)
            while len(left) <= level:
                left.append(node_hash(left[-1], reader(len(left) - 1, 1)))
            return left[level]

        return root_from_reader(size, read)


def ledger_at(before: Sequence[Takeover], index: int) -> Takeover | None:
    """Return the lost ledger in which entry `index` was recorded, None for the present one."""
    holding = [one for one in before if 0 < index < one.entries]
    return min(holding, key=lambda one: one.entries) if holding else None


def check_takeovers(
    view: RecordView, entries: Mapping[int, Entry], trust: Trust, report: Report
) -> tuple[Takeover, ...]:
    """Return the lost ledgers that the root named, latest first; none when anything is wrong."""
    genesis = entries.get(0)
    if genesis is None or not {"previous", "previous_origin"} & genesis.event.fields.keys():
        return ()
    try:
        _need_root(genesis, trust)
        stated = _stated(genesis.event.fields)
        found = [_confirmed(one, entries, trust) for one in stated]
    except InputError as error:
        text = f"what the ledger says of the one before its loss does not hold: {error.message}"
        report.failed(RECORD, "takeover", text, view.place(0))
        return ()
    counts = [one.entries for one in found]
    names = {one.origin for one in found} | {str(genesis.event.fields.get("origin"))}
    if counts != sorted(set(counts), reverse=True) or len(names) != len(found) + 1:
        text = "the ledgers before this one are not in order"
        report.failed(RECORD, "takeover", text, view.place(0))
        return ()
    _say(found, report)
    return tuple(found)


def _say(found: Sequence[Takeover], report: Report) -> None:
    starts = [*(one.entries for one in found[1:]), 1]
    for one, start in zip(found, starts, strict=True):
        origin = escape(one.origin)
        if one.entries > start:
            text = (
                f"entries {start} to {one.entries - 1} were taken over from ledger `{origin}` "
                "after its loss"
            )
            report.passed(RECORD, "taken-over", text)
        if one.size > one.entries:
            text = (
                f"ledger `{origin}` is known to have had {one.size} entries; its entries "
                f"{one.entries} to {one.size - 1} were lost and are not here"
            )
            report.remark("entries-lost", text, one.entries)


def _need_root(entry: Entry, trust: Trust) -> None:
    if trust.found is None or entry.envelope.keyid != trust.found.fingerprint:
        raise InputError("it is not signed by the root")


def _stated(fields: Mapping[str, object]) -> list[tuple[str, bytes, int]]:
    """Return origin, first leaf and number of entries of each ledger that entry 0 names."""
    previous = fields.get("previous")
    if not isinstance(previous, dict):
        raise InputError("`previous` is missing")
    earlier = previous.get("earlier", [])
    if not isinstance(earlier, list):
        raise InputError("`earlier` is not a list")
    rows = [{**previous, "origin": fields.get("previous_origin")}, *earlier]
    return [_row(row) for row in rows]


def _row(row: object) -> tuple[str, bytes, int]:
    if not isinstance(row, dict):
        raise InputError("a ledger is not an object")
    origin, first, entries = row.get("origin"), row.get("first"), row.get("entries")
    try:
        leaf = bytes.fromhex(str(first))
    except ValueError:
        leaf = b""
    if not isinstance(origin, str) or len(leaf) != HASH_SIZE or not is_size(entries) or not entries:
        raise InputError("origin, first leaf or number of entries of a ledger is malformed")
    return origin, leaf, entries


def _confirmed(
    stated: tuple[str, bytes, int], entries: Mapping[int, Entry], trust: Trust
) -> Takeover:
    """Compare with the `recover` entry that follows the entries taken over."""
    origin, first, count = stated
    entry = entries.get(count)
    if entry is None or entry.event.kind != "recover":
        raise InputError(f"entry {count} does not record the recovery")
    _need_root(entry, trust)
    fields = entry.event.fields
    previous = fields.get("previous")
    if not isinstance(previous, dict) or fields.get("previous_origin") != origin:
        raise InputError(f"entry {count} records the recovery of another ledger")
    size = previous.get("size")
    if _row({**previous, "origin": origin}) != stated or not is_size(size):
        raise InputError(f"entry {count} states another end of that ledger")
    return Takeover(origin, first, count, size)
