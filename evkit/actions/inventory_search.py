"""`evkit inventory find` over an exhibit, a case or all cases: every acquisition's inventory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.inventory_files import inventories
from evkit.actions.inventory_intact import RECORD, View
from evkit.actions.inventory_show import (
    HIDDEN,
    HiddenError,
    LackingError,
    Listing,
    UnmarkedError,
    find,
    need_criteria,
)
from evkit.core.errors import CaseError, CheckFailedError, EvkitError, ExitCode, InputError, worst
from evkit.core.progress import SILENT, Progress
from evkit.core.refs import parse_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.custody.replay import Replay
    from evkit.custody.state import Acquisition
    from evkit.inventory.search.find import Criteria
    from evkit.station import Station

_TASK = "find"
_LEFT: dict[type[EvkitError], str] = {
    LackingError: "lacking",
    UnmarkedError: "unmarked",
    HiddenError: "hidden",
    InputError: "damaged",
    CheckFailedError: "altered",
}
_DATA = frozenset({"complete", "with-gaps"})


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was found in the inventories of a station, a case or an exhibit.

    Attributes:
        what: the case or exhibit, None for all cases.
        listings: (acquisition, what was found there), in the order of the record.
        without: acquisitions with data that have no inventory here.
        alike: (acquisition without an inventory, one with the same content that has one).
        unmarked: acquisitions whose inventory was not compared with hash sets.
        lacking: (acquisition, without what its inventory was made that is looked for).
        hidden: acquisitions of sensitive material whose names, types or times are looked for.
        damaged: (acquisition, why its inventory could not be read).
        altered: (acquisition, in what its inventory or marks are not the recorded ones).
    """

    what: str | None
    listings: tuple[tuple[str, Listing], ...]
    without: tuple[str, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()
    unmarked: tuple[str, ...] = ()
    lacking: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()
    altered: tuple[tuple[str, str], ...] = ()

    @property
    def exit_code(self) -> int:
        """4 altered, 5 without an answer to what was asked, 3 when other data was not searched."""
        return worst(
            ExitCode.FAILED_CHECK if self.altered else 0,
            ExitCode.UNDECIDED if self.unmarked or self.lacking or self.hidden else 0,
            ExitCode.INCOMPLETE if self.without or self.damaged else 0,
        )

    @property
    def complete(self) -> bool:
        """True when all data that there is was searched."""
        unanswered = self.unmarked, self.lacking, self.hidden
        return not any((self.without, self.damaged, self.altered, *unanswered))

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-search/1",
            "what": self.what,
            "complete": self.complete,
            "searched": [
                {"acquisition": name, **_without_schema(listing.document())}
                for name, listing in self.listings
            ],
            "not_searched": list(self.without),
            "same_content": [{"acquisition": name, "as": other} for name, other in self.alike],
            "not_marked": list(self.unmarked),
            "not_made": [{"acquisition": name, "why": why} for name, why in self.lacking],
            "not_given_out": list(self.hidden),
            "not_readable": [{"acquisition": name, "why": why} for name, why in self.damaged],
            "not_intact": [{"acquisition": name, "why": why} for name, why in self.altered],
        }

    def lines(self) -> list[str]:
        """Return the lines for people, each acquisition under its name."""
        lines: list[str] = []
        quiet = 0
        for name, listing in self.listings:
            if self.what is None and not listing.entries and not listing.left_out:
                quiet += 1
                continue
            lines.append(f"{name}: {len(listing.entries):,} found")
            if listing.entries or listing.coverage["result"] != "complete":
                lines += listing.lines()
            else:
                lines += listing.last_lines()
        if self.what is None:
            found = sum(len(listing.entries) for _, listing in self.listings)
            lines.append(
                f"{len(self.listings):,} inventories searched: {found:,} found, "
                f"{quiet:,} without a hit"
            )
            gaps = sum(listing.coverage["result"] != "complete" for _, listing in self.listings)
            if gaps:
                lines.append(f"{gaps:,} of them have gaps: what was not read was not searched")
            hidden = sum(listing.hidden for _, listing in self.listings)
            if hidden:
                lines.append(
                    f"{hidden:,} of them hold sensitive material: its names, types and times were "
                    "not looked at"
                )
            alone = sum(listing.checked.against != RECORD for _, listing in self.listings)
            if alone:
                lines.append(f"{alone:,} of them were not compared with a record before")
        return [*lines, *self._left_out()]

    def _left_out(self) -> Iterator[str]:
        for name, other in self.alike:
            yield f"{name}: not searched, it has the content of {other}"
        for name in self.without:
            yield f"{name}: not searched, it has no inventory"
        for name, why in (*self.altered, *self.damaged):
            yield f"{name}: not searched, {why}"
        for name, why in self.lacking:
            yield f"{name}: not searched, its inventory was {why}"
        for name in self.hidden:
            yield f"{name}: not searched, {HIDDEN}"
        for name in self.unmarked:
            yield f"{name}: not searched, it was not compared with hash sets"
        if self.without:
            yield f"hint: make one with `evkit inventory run {self.without[0]}`"
        if self.lacking:
            name = self.lacking[0][0]
            yield f"hint: make another: `evkit inventory run {name}`, with `--hash` as needed"
        if self.unmarked:
            yield f"hint: compare with hash sets: `evkit inventory mark {self.unmarked[0]}`"


def search(
    what: str | None,
    station: Station,
    criteria: Criteria,
    limit: int = 0,
    progress: Progress = SILENT,
    *,
    check: bool = True,
) -> Search:
    """Search the newest inventory of each acquisition of an exhibit, a case or all cases.

    Args:
        what: a case or an exhibit; None for all cases of the station.
        station: the station.
        criteria: what to look for.
        limit: entries at most, over all inventories; 0 for all.
        progress: told inventories.
        check: compare each inventory with its record first.

    Raises:
        CaseError: no such case or exhibit, or nothing in it has an inventory.
        UsageError: nothing to look for was given.
    """
    need_criteria(criteria)
    replayed = station.state()
    view = View(station=station, replayed=replayed, check=check)
    acquisitions = list(_acquisitions(replayed, what))
    listings: list[tuple[str, Listing]] = []
    without: list[Acquisition] = []
    left: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    progress.begin(_TASK, len(acquisitions), "inventories")
    for done, acquisition in enumerate(acquisitions):
        progress.update(_TASK, done)
        paths = inventories(station.folder(parse_ref(acquisition.ref)))
        if not paths:
            if acquisition.result in _DATA:
                without.append(acquisition)
            continue
        rest = limit and max(0, limit - sum(len(one.entries) for _, one in listings))
        try:
            found = _limited(paths[-1], criteria, (limit, rest), view)
            listings.append((acquisition.ref, found))
        except tuple(_LEFT) as error:
            why = next(word for kind, word in _LEFT.items() if isinstance(error, kind))
            left[why].append((acquisition.ref, _said(error)))
    progress.end(_TASK, len(acquisitions))
    if not (listings or left):
        raise _nothing(what, [acquisition.ref for acquisition in without])
    listed = {name for name, _ in listings}
    known = {_content(one): one.ref for one in reversed(acquisitions) if one.ref in listed}
    alike = [(one.ref, known[_content(one)]) for one in without if _content(one) in known]
    others = {name for name, _ in alike}
    return Search(
        what=what,
        listings=tuple(listings),
        without=tuple(one.ref for one in without if one.ref not in others),
        alike=tuple(alike),
        unmarked=tuple(name for name, _ in left["unmarked"]),
        lacking=tuple(left["lacking"]),
        hidden=tuple(name for name, _ in left["hidden"]),
        damaged=tuple(left["damaged"]),
        altered=tuple(left["altered"]),
    )


def _said(error: EvkitError) -> str:
    return error.lacking if isinstance(error, LackingError) else error.message


def _acquisitions(replayed: Replay, what: str | None) -> Iterator[Acquisition]:
    cases = replayed.state.cases
    if what is None:
        exhibits = [one for case in cases.values() for one in case.exhibits.values()]
    else:
        ref = parse_ref(what)
        require_case(replayed, ref.case)
        known = cases[ref.case].exhibits
        if ref.exhibit:
            require_exhibit(replayed, str(ref))
        exhibits = [known[str(ref)]] if ref.exhibit else list(known.values())
    for exhibit in exhibits:
        yield from exhibit.acquisitions.values()


def _content(acquisition: Acquisition) -> tuple[object, object] | str:
    """Return what is equal for acquisitions of the same bytes, such as one and its conversion."""
    size, digest = acquisition.media.get("size"), acquisition.media.get("sha256")
    return (size, digest) if isinstance(digest, str) else acquisition.ref


def _nothing(what: str | None, without: list[str]) -> CaseError:
    if what is None:
        example = without[0] if without else "CASE/E1"
        return CaseError(
            "no acquisition of this station has an inventory",
            hint=f"make one with `evkit inventory run {example}`",
        )
    if not without:
        return CaseError(
            f"`{what}` has no inventory",
            hint="it has no data yet; `evkit acquire` or `evkit intake` takes some",
        )
    return CaseError(
        f"`{what}` has no inventory", hint=f"make one with `evkit inventory run {without[0]}`"
    )


def _limited(database: bytes, criteria: Criteria, limits: tuple[int, int], view: View) -> Listing:
    """Search with what an overall limit leaves; nothing left shows only that there is more."""
    limit, left = limits
    if not limit or left:
        return find(database, criteria, left, view)
    found = find(database, criteria, 1, view)
    return replace(found, entries=(), left_out=bool(found.entries))


def _without_schema(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "schema"}
