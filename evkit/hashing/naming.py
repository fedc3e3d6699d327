"""Where the names of a list start: finding the folder that makes most of them meet a file.

Lists hold absolute names, names relative to a working folder, to the list, or to a tree that has
moved since. The first way under which most names meet a file is taken and reported.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.core.text import escape_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_SAMPLE = 2000


@dataclass(frozen=True, kw_only=True)
class Place:
    """One way to turn a name of a list into an absolute path.

    Attributes:
        base: absolute folder where names start.
        prefix: taken off the start of names first; it ends with a separator, or is empty.
        windows: names have backslashes as separators.
    """

    base: bytes
    prefix: bytes = b""
    windows: bool = False

    def path(self, name: bytes) -> bytes:
        """Return the absolute path that a name of the list stands for."""
        if self.windows:
            name = name.replace(b"\\", b"/")
        return os.path.normpath(os.path.join(self.base, name.removeprefix(self.prefix)))

    def text(self) -> str:
        """Say it to people, escaped."""
        start = f"names start in `{escape_bytes(self.base)}`"
        return f"{start}, without `{escape_bytes(self.prefix)}`" if self.prefix else start


def candidates(names: Collection[bytes], list_folder: bytes, roots: Sequence[bytes]) -> list[Place]:
    """Return the ways to try, in order.

    Args:
        names: the names of the list.
        list_folder: absolute folder of the list.
        roots: absolute paths that are audited.
    """
    bases = [os.path.abspath(b"."), list_folder]
    bases += [root for root in roots if os.path.isdir(root)]
    bases += [os.path.dirname(root) for root in roots]
    places = [Place(base=base) for base in dict.fromkeys(bases)]
    windows = _is_windows(names)
    slashed = [name.replace(b"\\", b"/") for name in names] if windows else list(names)
    prefix = _common_folder(slashed)
    for root in roots:
        if os.path.isdir(root):
            if windows:
                places.append(Place(base=root, windows=True))
            if prefix:
                places.append(Place(base=root, prefix=prefix, windows=windows))
    return places


def choose(names: Sequence[bytes], places: Sequence[Place], found: Collection[bytes]) -> Place:
    """Return the first of `places` under which most of (a sample of) the names are in `found`."""
    step = max(1, len(names) // _SAMPLE)
    sample = names[::step]

    def met(place: Place) -> int:
        return sum(place.path(name) in found for name in sample)

    return max(places, key=met)


def _is_windows(names: Collection[bytes]) -> bool:
    return bool(names) and all(b"\\" in name and b"/" not in name for name in names)


def _common_folder(names: Collection[bytes]) -> bytes:
    """Return the longest folder (with its final slash) that all names start with, or nothing."""
    if not names:
        return b""
    first, last = min(names), max(names)
    pairs = zip(first, last, strict=False)
    shared = next((number for number, (a, b) in enumerate(pairs) if a != b), len(first))
    return first[: first.rfind(b"/", 0, shared) + 1]
