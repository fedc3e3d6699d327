"""Packages that are known by the names in them; they state no digests that evkit can read.

- `graykey`: `<id>_files_full.zip`, also `…-001.zip` (names of public test images); the digests
  stand in a PDF beside it and are not compared. The extra field `GK` of its members: GKLS notes.
- `google-takeout`: `takeout-<time>Z[-n]-nnn.zip|tgz`, in it `Takeout/archive_browser.html`.
- `meta-download`: a folder `your_facebook_activity` or `your_instagram_activity`.
- `meta-return`: `records.html` or `preservation….html` beside a folder `linked_media`, as RLEAPP
  looks for them.
- `cellebrite-ufdx`: `….ufdx`, an index of extractions.

CCTV and DVR exports: no layout with a public description was found, so none is recognised.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_GRAYKEY = re.compile(rb".+_files_full(?:-[0-9]{3})?\.zip", re.IGNORECASE)
_TAKEOUT = re.compile(
    rb"(takeout-[0-9]{8}T[0-9]{6}Z(?:-[0-9]{1,3})?)-([0-9]{3})\.(?:zip|tgz)", re.IGNORECASE
)
_META = frozenset({b"your_facebook_activity", b"your_instagram_activity"})
_BROWSER, _LINKED = b"archive_browser.html", b"linked_media"
_TELLING = _META | {_BROWSER, _LINKED}
_PACKED = frozenset({b".zip", b".tgz"})
_RETURN = re.compile(rb"(?:records|preservation.{0,64})\.html", re.IGNORECASE)
PDF = "its digests stand in a PDF and were not compared"
_DEPTH, _MOST = 8, 20_000


class Package(NamedTuple):
    """A recognised package.

    Attributes:
        kind: slug.
        name: the name that shows it; in `Names.found` its whole path.
        missing: parts that must be somewhere and are not here.
        detail: what a reader must know.
    """

    kind: str
    name: bytes
    missing: int = 0
    detail: str = ""


class Names:
    """Collects the telling parts of many paths, when no folder comes as a whole."""

    def __init__(self) -> None:
        self._folders: dict[bytes, dict[bytes, None]] = {}
        self._count = 0

    def add(self, path: bytes) -> None:
        """Look at a path."""
        parts = path.split(b"/")[:_DEPTH]
        for at, name in enumerate(parts):
            if _tells(name) and self._count < _MOST:
                self._folders.setdefault(b"/".join(parts[:at]), {})[name] = None
                self._count += 1

    def found(self) -> list[Package]:
        """Return the packages, each with its whole path."""
        return [
            package._replace(name=folder + b"/" + package.name if folder else package.name)
            for folder, names in self._folders.items()
            for package in packages_of(names)
        ]


def packages_of(names: Iterable[bytes]) -> list[Package]:
    """Return the packages in one folder.

    Args:
        names: all names in the folder.
    """
    found: list[Package] = []
    parts: dict[bytes, dict[int, bytes]] = {}
    told = [name for name in names if _tells(name)]
    for name in told:
        if name == _BROWSER:
            found.append(Package("google-takeout", name))
        elif name in _META:
            found.append(Package("meta-download", name))
        elif match := _TAKEOUT.fullmatch(name):
            parts.setdefault(match[1], {})[int(match[2])] = name
        elif _GRAYKEY.fullmatch(name):
            found.append(Package("graykey", name, 0, PDF))
        elif name[-5:].lower() == b".ufdx":
            found.append(Package("cellebrite-ufdx", name))
    returned = [name for name in told if _RETURN.fullmatch(name)]
    if returned and _LINKED in told:
        found.append(Package("meta-return", returned[0]))
    for numbers in parts.values():
        gone = sorted(set(range(1, max(numbers))) - numbers.keys())
        first = numbers[min(numbers)]
        detail = "the last part has no mark of its own"
        if gone:
            detail = "not here: part " + ", ".join(f"{number:03}" for number in gone[:8])
        found.append(Package("google-takeout", first, len(gone), detail))
    return found


def _tells(name: bytes) -> bool:
    if name in _TELLING:
        return True
    ending = name[-5:].lower()
    if ending == b".html":
        return _RETURN.fullmatch(name) is not None
    if ending[1:] in _PACKED:
        return _TAKEOUT.fullmatch(name) is not None or _GRAYKEY.fullmatch(name) is not None
    return ending == b".ufdx"
