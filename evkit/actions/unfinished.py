"""Work of an exhibit whose end is not recorded, by the journals that it left.

A journal that cannot be read is known by the folder it lies in. It is named, and never keeps the
work of another exhibit or acquisition from being settled.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import journal
from evkit.core.errors import CaseError, InputError
from evkit.core.refs import is_ref, parse_ref
from evkit.core.text import escape, escape_bytes
from evkit.station import layout

if TYPE_CHECKING:
    from evkit.acquire.journal import Journal
    from evkit.core.refs import Ref
    from evkit.station import Station

_PARTS = 3  # case, exhibit, acquisition


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A journal that cannot be read, or speaks of another acquisition.

    Attributes:
        folder: where it lies.
        ref: the acquisition of that folder, None when it is the folder of none.
        text: what is wrong, escaped, with the path.
    """

    folder: bytes
    ref: Ref | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """What was found for one exhibit or acquisition.

    Attributes:
        works: folders and journals of the work that was asked for.
        damaged: journals in folders that were asked for.
        others: damaged journals of other exhibits and acquisitions.
    """

    works: tuple[tuple[bytes, Journal], ...] = ()
    damaged: tuple[Damaged, ...] = ()
    others: tuple[Damaged, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """One line for each damaged journal."""
        return tuple(one.text for one in (*self.damaged, *self.others))

    def stopped(self) -> Journal | None:
        """Return the journal of the one stopped work that can go on, None when there is none.

        Raises:
            CaseError: there are several.
        """
        found = [entry for _, entry in self.works if entry.state == journal.RUNNING and entry.work]
        if len(found) > 1:
            names = ", ".join(entry.ref for entry in found)
            raise CaseError(f"several acquisitions were stopped: {names}", hint="name one of them")
        return found[0] if found else None

    def none_readable(self, what: str) -> InputError | None:
        """Return the error to raise when nothing but a damaged journal was found."""
        if not self.damaged:
            return None
        first = self.damaged[0]
        return InputError(
            first.text,
            hint=f"`evkit {what} --finish --exhibit {first.ref}` puts the work on record as failed "
            "and leaves its files as they are",
        )


def unfinished(station: Station, ref: Ref, what: str) -> Unfinished:
    """Return the unfinished work of an exhibit or acquisition.

    Args:
        station: where the journals lie.
        ref: exhibit or acquisition.
        what: `acquire` or `intake`.
    """
    works: list[tuple[bytes, Journal]] = []
    damaged: list[Damaged] = []
    others: list[Damaged] = []
    for path in station.journals():
        folder = os.path.dirname(path)
        place = place_of(station, path)
        asked = place is not None and ref in {place, place.of_exhibit()}
        try:
            entry = _read(folder, place)
        except InputError as error:
            one = Damaged(folder=folder, ref=place, text=error.message)
            if not asked:
                others.append(one)
            elif _kind(station, place) in {what, None}:
                damaged.append(one)
            continue
        if entry is not None and asked and entry.what == what:
            works.append((folder, entry))
    return Unfinished(works=tuple(works), damaged=tuple(damaged), others=tuple(others))


def worth_closing(station: Station, ref: str) -> bool:
    """Say whether stopped work of an exhibit has read anything that an image could hold.

    Raises:
        CaseError: several acquisitions were stopped.
    """
    entry = unfinished(station, parse_ref(ref), "acquire").stopped()
    state = entry.work.get("state") if entry is not None else None
    found = state if isinstance(state, dict) else {}
    return any(found.get(name) for name in ("blocks", "map", "whole"))


def place_of(station: Station, path: bytes) -> Ref | None:
    """Return the acquisition in whose folder a journal lies, None when it is the folder of none."""
    home = os.path.relpath(os.path.dirname(path), station.place.path(layout.CASES))
    parts = os.fsdecode(home).split(os.sep)
    name = "/".join(parts)
    return parse_ref(name) if len(parts) == _PARTS and is_ref(name) else None


def _read(folder: bytes, place: Ref | None) -> Journal | None:
    """Read the journal of a folder strictly.

    Raises:
        InputError: it is damaged, or that of another acquisition.
    """
    entry = journal.read(folder)
    if entry is not None and place is not None and entry.ref != str(place):
        shown = escape_bytes(os.path.join(folder, journal.NAME))
        raise InputError(f"`{shown}` is damaged: it is the journal of `{escape(entry.ref)}`")
    return entry


def _kind(station: Station, ref: Ref | None) -> str | None:
    """Return the kind of work that the ledger knows of an acquisition, None when it has none."""
    found = station.state(ref.case).state.acquisition(str(ref)) if ref is not None else None
    return found.what if found is not None else None
