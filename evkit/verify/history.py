"""History: is this ledger the one whose head somebody holds outside?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core.text import escape
from evkit.merkle.tree import root_from_reader
from evkit.verify.report import HISTORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.verify.record import Tree
    from evkit.verify.report import Report
    from evkit.verify.supplied import Anchor, Supplied
    from evkit.verify.takeover import Takeover


def check_history(
    tree: Tree | None, supplied: Supplied, asked: Sequence[int], report: Report
) -> None:
    """Compare the tree with every anchor.

    Args:
        tree: the tree of the ledger, None when it could not be rebuilt.
        supplied: what the verifier brought along.
        asked: indices of the entries that the verification is about.
        report: takes the findings.
    """
    for slip in supplied.slips:
        if slip.head_lost:
            report.undecided(HISTORY, "memo-slip", f"{slip.label}: {slip.text}")
    if not supplied.anchors and not supplied.slips:
        text = "no head held outside was supplied (`--memo`, `--anchor SIZE:ROOT`)"
        report.undecided(HISTORY, "no-anchor", text)
    if tree is None:
        if supplied.anchors:
            text = "the ledger could not be rebuilt, so no anchor could be compared"
            report.undecided(HISTORY, "no-tree", text)
        return
    reached = [anchor.size for anchor in supplied.anchors if _check(anchor, tree, asked, report)]
    if reached and not report.has("FAIL", HISTORY):
        best = max(reached)
        newer = [index for index in asked if index >= best]
        reach = f"history up to entry {best - 1}"
        if newer:
            reach += f" ({len(newer)} of {len(asked)} entries are newer than the anchor)"
        report.reach.append(reach)


def _check(anchor: Anchor, tree: Tree, asked: Sequence[int], report: Report) -> bool:
    head = tree.head
    here = anchor.fits(head.origin)
    if here and anchor.size <= head.size and _root(anchor.size, tree, None) == anchor.root:
        return _agrees(anchor, tree, asked, None, report)
    for lost in tree.before:
        within = anchor.fits(lost.origin) and anchor.size <= lost.entries
        if within and _root(anchor.size, tree, lost) == anchor.root:
            return _agrees(anchor, tree, asked, lost, report)
    _differs(anchor, tree, report)
    return False


def _root(size: int, tree: Tree, lost: Takeover | None) -> bytes:
    if lost is None:
        return root_from_reader(size, tree.reader)
    return lost.root(size, tree.reader)


def _differs(anchor: Anchor, tree: Tree, report: Report) -> None:
    """Say why the anchor is no head of this ledger or of one that it goes on from."""
    head = tree.head
    fitting = [lost for lost in tree.before if anchor.fits(lost.origin)]
    here = anchor.fits(head.origin)
    beyond = next((lost for lost in fitting if lost.entries < anchor.size <= lost.size), None)
    beyond = beyond or (fitting[0] if fitting and not here else None)
    if beyond is not None and anchor.size > beyond.entries:
        text = (
            f"{anchor.label} has {anchor.size} entries of the lost ledger `{escape(beyond.origin)}`"
            f"; {beyond.entries} were saved, so entries {beyond.entries} to {anchor.size - 1} "
            "cannot be known here; compare with an older memo of that ledger"
        )
        report.undecided(HISTORY, "anchor-lost", text)
    elif not here and not fitting:
        text = f"{anchor.label} is of another ledger than `{escape(head.origin)}`"
        report.undecided(HISTORY, "anchor-origin", text)
    elif here and anchor.size > head.size:
        text = (
            f"{anchor.label} has {anchor.size} entries, the ledger here only {head.size}: this is "
            "older than the anchor, or entries were taken away; ask for a newer one"
        )
        report.undecided(HISTORY, "anchor-newer", text)
    else:
        found = _root(anchor.size, tree, None if here else fitting[0])
        text = (
            f"this is not the ledger that was anchored: the first {anchor.size} entries are "
            f"different from those of {anchor.label}; it was changed or rebuilt after the anchor "
            "was taken (a fork)"
        )
        report.failed(
            HISTORY, "fork", text, "", f"{anchor.size}:{anchor.root.hex()}",
            f"{anchor.size}:{found.hex()}",
        )  # fmt: skip


def _agrees(
    anchor: Anchor, tree: Tree, asked: Sequence[int], lost: Takeover | None, report: Report
) -> bool:
    if not tree.good:
        text = f"{anchor.label}: the head agrees, but it is not certain that the entries belong"
        report.undecided(HISTORY, "anchor-without-tree", text)
        return False
    begin = 0 if lost is None else 1  # entry 0 of the lost ledger is not here, only its hash
    if not any(begin <= index < anchor.size for index in asked):
        text = f"{anchor.label} is older than every entry asked about"
        report.undecided(HISTORY, "anchor-older", text)
        return False
    text = f"{anchor.label}: the first {anchor.size} entries are those that were anchored"
    if lost is not None:
        text = (
            f"{anchor.label}: entries 1 to {anchor.size - 1} are those that were anchored in "
            f"ledger `{escape(lost.origin)}`, which was lost and which this one goes on from"
        )
    report.passed(HISTORY, "anchor", text)
    return True
