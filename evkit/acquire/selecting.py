"""Finding what a list wants below a folder, and counting all that is there.

Links are never followed, on the way neither. The walk stays on the file system of the folder unless
it is told to cross, and never enters one whose files are made while they are read.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.acquire import sysfs, taking, wanted
from evkit.hashing.reading import open_evidence, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.acquire.taking import Found
    from evkit.acquire.wanted import Item, Node

SEEN_MAX: Final = 20_000_000  # things that are counted; beyond, the count is `at least`
PSEUDO: Final = frozenset(
    {"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs",
     "tracefs", "bpf", "pstore", "efivarfs", "configfs", "mqueue", "hugetlbfs", "fusectl",
     "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "selinuxfs", "smackfs", "sockfs", "pipefs"}
)  # fmt: skip
ROOT: Final = b"."  # name of the folder itself in the record
_ABSENT: Final = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


class Skipped(NamedTuple):
    """A folder that was not entered: its name in the record, and why."""

    name: bytes
    why: str


class _Place(NamedTuple):
    """One thing on the way: where it is, what may follow, whether it is wanted already."""

    path: bytes
    name: bytes
    nodes: list[Node]
    taken: bool
    named: bool  # by exact names from the top on


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Where a walk may go.

    Attributes:
        device: number of the file system of the folder.
        cross: enter other file systems too.
        kinds: types of the mounted file systems by device number.
        kept: (device, inode) of folders that are never entered: the station.
    """

    device: int
    cross: bool = False
    kinds: dict[int, str] = field(default_factory=dict)
    kept: frozenset[tuple[int, int]] = frozenset()

    def refusal(self, facts: os.stat_result) -> str | None:
        """Return why a folder is not entered, None when it is."""
        if (facts.st_dev, facts.st_ino) in self.kept:
            return "it is the station that takes the files"
        if facts.st_dev == self.device:
            return None
        kind = self.kinds.get(facts.st_dev, "of unknown type")
        if kind in PSEUDO:
            return f"a pseudo file system ({kind}), whose files are made while they are read"
        return None if self.cross else f"another file system ({kind}); `--cross` enters it"


def bounds_of(root: bytes, *, cross: bool, station: bytes | None) -> Bounds:
    """Return the bounds of a walk below `root`."""
    kinds: dict[int, str] = {}
    for mount in sysfs.mounts() or ():
        for device in mount.devices:
            major, _, minor = device.partition(":")
            if major.isdigit() and minor.isdigit():
                kinds[os.makedev(int(major), int(minor))] = mount.type
    kept = set()
    if station is not None:
        facts = os.stat(station)
        kept.add((facts.st_dev, facts.st_ino))
    return Bounds(device=os.stat(root).st_dev, cross=cross, kinds=kinds, kept=frozenset(kept))


class Selection:
    """What a list wants of a folder; walk it with `found`, then ask what came of the items.

    Args:
        root: the folder.
        items: the list.
        bounds: where the walk may go.

    Attributes:
        matched: number of things that each item named, by the item's number.
        why: why an exact path named nothing, where more is known than that it is not there.
        hidden: items of which it is not known, for a folder on the way could not be read.
        skipped: folders that were not entered.
    """

    def __init__(self, root: bytes, items: Sequence[Item], bounds: Bounds) -> None:
        self._root = root
        self._bounds = bounds
        self.items = items
        self._tree = wanted.tree_of(list(items))
        self._exact = {item.number for item in items if item.is_exact}
        self._clear()

    def _clear(self) -> None:
        self.matched: Counter[int] = Counter()
        self.why: dict[int, str] = {}
        self.hidden: set[int] = set()
        self.skipped: list[Skipped] = []

    def absent(self) -> list[Item]:
        """Return the items that named nothing and would have been seen."""
        return [i for i in self.items if not self.matched[i.number] and i.number not in self.hidden]

    def found(self) -> Iterator[Found]:
        """Yield everything that is wanted, folders first, names of a folder sorted as bytes.

        Folders that had to be looked into and could not be read are yielded with their error.
        """
        self._clear()
        stack = [_Place(self._root, ROOT, wanted.opened([self._tree]), taken=False, named=True)]
        while stack:
            place = stack.pop()
            thing = taking.look(place.path, place.name)
            if thing.facts is None:
                yield from self._lost(place, thing)
                continue
            ends = [number for node in place.nodes for number in node.ends]
            self.matched.update(ends)
            place = place._replace(taken=place.taken or bool(ends))
            if thing.type != taking.FOLDER:
                self._blocked(place, thing)
                if place.taken:
                    yield thing
                continue
            yield from self._enter(place, thing, stack)

    def _lost(self, place: _Place, thing: Found) -> Iterator[Found]:
        """Deal with what has no facts: it is not there, or that cannot be known."""
        try:
            os.lstat(place.path)
        except OSError as error:
            if error.errno in _ABSENT and not place.taken:
                return
        self.hidden.update(_behind(place.nodes))
        self.hidden.update(number for node in place.nodes for number in node.ends)
        yield thing

    def _blocked(self, place: _Place, thing: Found) -> None:
        """Say of exact paths that lead through a link or a file why they are not there."""
        if not place.named:
            return
        word = "a link, which is not followed" if thing.type == taking.SYMLINK else "no folder"
        for number in _behind(place.nodes) & self._exact:
            self.why.setdefault(number, f"a name on the way is {word}")

    def _enter(self, place: _Place, thing: Found, stack: list[_Place]) -> Iterator[Found]:
        refusal = None
        if place.name != ROOT and thing.facts is not None:
            refusal = self._bounds.refusal(thing.facts)
        if refusal is not None:
            behind = _behind(place.nodes)
            for number in behind & self._exact:
                self.why.setdefault(number, refusal)
            if place.named and (place.taken or behind):
                self.hidden.update(behind)
                yield _failed(thing, f"not entered: {refusal}")
            elif place.taken or behind:
                self.skipped.append(Skipped(place.name, refusal))
                if place.taken:
                    yield thing
            return
        try:
            children = self._children(place)
        except OSError as error:
            self.hidden.update(_behind(place.nodes))
            yield _failed(thing, reason(error))
            return
        if place.taken:
            yield thing
        stack += reversed(children)

    def _children(self, place: _Place) -> list[_Place]:
        names = None if place.taken else wanted.exact_only(place.nodes)
        if names is None:
            names = sorted(taking.names_in(place.path))
        else:
            os.lstat(os.path.join(place.path, b"."))  # fails where the folder cannot be searched
        found = []
        for name in names:
            nodes = wanted.step(place.nodes, name) if place.nodes else []
            if not (place.taken or nodes):
                continue
            shown = name if place.name == ROOT else place.name + b"/" + name
            named = place.named and any(
                name in node.exact for node in place.nodes if not node.passes
            )
            found.append(_Place(os.path.join(place.path, name), shown, nodes, place.taken, named))
        return found


def _failed(thing: Found, why: str) -> Found:
    return taking.Found(
        path=thing.path, name=thing.name, type=thing.type, facts=thing.facts, error=why
    )


def _behind(nodes: Sequence[Node]) -> set[int]:
    """Return the items that end behind these places."""
    found: set[int] = set()
    waiting = [child for node in nodes for child in _following(node)]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        found.update(node.ends)
        waiting += _following(node)
    return found


def _following(node: Node) -> list[Node]:
    after = [*node.exact.values(), *(child for _, child in node.patterns.values())]
    return after + ([node.deep] if node.deep is not None else [])


@dataclass(kw_only=True)
class Seen:
    """What lies below a folder, wanted or not.

    Attributes:
        whole: everything was counted; else the numbers are the least there is.
        unlisted: folders that could not be read.
        skipped: folders that were not entered.
    """

    files: int = 0
    folders: int = 0
    links: int = 0
    special: int = 0
    unlisted: int = 0
    whole: bool = False
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All things."""
        return self.files + self.folders + self.links + self.special

    def fields(self) -> dict[str, int | bool]:
        """Return the JSON form."""
        names = ("files", "folders", "links", "special", "unlisted", "whole")
        return {name: getattr(self, name) for name in names}


def count(root: bytes, bounds: Bounds, seen: Seen, limit: int = SEEN_MAX) -> Iterator[int]:
    """Count all things below a folder into `seen`; yield the number so far, folder by folder."""
    stack = [(root, ROOT)]
    while stack:
        path, name = stack.pop()
        try:
            facts = os.lstat(path)
            refusal = None if name == ROOT else bounds.refusal(facts)
            if refusal is not None or not stat.S_ISDIR(facts.st_mode):
                seen.skipped += [Skipped(name, refusal)] if refusal is not None else []
                continue
            folders = _tally(path, seen)
        except OSError:
            seen.unlisted += 1
            continue
        base = b"" if name == ROOT else name + b"/"
        stack += [(os.path.join(path, child), base + child) for child in folders]
        yield seen.total
        if seen.total >= limit:
            return
    seen.whole = not seen.unlisted


def _tally(path: bytes, seen: Seen) -> list[bytes]:
    """Count the things in one folder and return the names of its folders."""
    descriptor = open_evidence(path)
    try:
        folders = []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    seen.folders += 1
                    folders.append(os.fsencode(entry.name))
                elif entry.is_symlink():
                    seen.links += 1
                elif entry.is_file(follow_symlinks=False):
                    seen.files += 1
                else:
                    seen.special += 1
        return folders
    finally:
        os.close(descriptor)
