"""`evkit inventory find` over a case or an exhibit: every acquisition that has an inventory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evkit.actions.custody import require_case, require_exhibit
from evkit.actions.inventory_show import Listing, find, need_criteria
from evkit.actions.inventory_target import inventories
from evkit.core.errors import CaseError
from evkit.core.refs import parse_ref

if TYPE_CHECKING:
    from evkit.inventory.find import Criteria
    from evkit.station import Station


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was found in the inventories of a case or an exhibit.

    Attributes:
        what: the case or exhibit.
        listings: (acquisition, what was found there), in the order of the record.
        without: acquisitions with data that have no inventory here.
    """

    what: str
    listings: tuple[tuple[str, Listing], ...]
    without: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/inventory-search/1",
            "what": self.what,
            "searched": [
                {"acquisition": name, **_without_schema(listing.document())}
                for name, listing in self.listings
            ],
            "not_searched": list(self.without),
        }

    def lines(self) -> list[str]:
        """Return the lines for people, each acquisition under its name."""
        lines: list[str] = []
        for name, listing in self.listings:
            lines.append(f"{name}: {len(listing.entries):,} found")
            if listing.entries or listing.coverage["result"] != "complete":
                lines += listing.lines()
        lines += [f"{name}: not searched, it has no inventory" for name in self.without]
        if self.without:
            lines.append(f"hint: make one with `evkit inventory run {self.without[0]}`")
        return lines


def search(what: str, station: Station, criteria: Criteria, limit: int = 0) -> Search:
    """Search the newest inventory of each acquisition of a case or an exhibit.

    Raises:
        CaseError: no such case or exhibit, or nothing in it has an inventory.
        UsageError: nothing to look for was given.
    """
    need_criteria(criteria)
    ref = parse_ref(what)
    replayed = station.state()
    require_case(replayed, ref.case)
    exhibits = replayed.state.cases[ref.case].exhibits
    if ref.exhibit:
        require_exhibit(replayed, str(ref))
        exhibits = {str(ref): exhibits[str(ref)]}
    listings: list[tuple[str, Listing]] = []
    without: list[str] = []
    for acquisition in (item for one in exhibits.values() for item in one.acquisitions.values()):
        paths = inventories(station.folder(parse_ref(acquisition.ref)))
        if paths:
            left = limit and max(0, limit - sum(len(one.entries) for _, one in listings))
            listings.append((acquisition.ref, _limited(paths[-1], criteria, limit, left)))
        elif acquisition.result in {"complete", "with-gaps"}:
            without.append(acquisition.ref)
    if not listings:
        example = without[0] if without else f"{ref.case}/E1"
        raise CaseError(
            f"`{what}` has no inventory", hint=f"make one with `evkit inventory run {example}`"
        )
    return Search(what=what, listings=tuple(listings), without=tuple(without))


def _limited(database: bytes, criteria: Criteria, limit: int, left: int) -> Listing:
    """Search with what an overall limit leaves; nothing left shows only that there is more."""
    if not limit or left:
        return find(database, criteria, left)
    found = find(database, criteria, 1)
    return replace(found, entries=(), left_out=bool(found.entries))


def _without_schema(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "schema"}
