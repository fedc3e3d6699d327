"""What an inventory is made of: the files of an acquisition, an image, a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.acquire import mapfile
from evkit.actions.acquire_where import Files, Where
from evkit.actions.inventory_files import inventories, next_name, on_record
from evkit.core import clock
from evkit.core.ejson import dumps
from evkit.core.errors import CaseError, InputError
from evkit.core.paths import b64
from evkit.core.ranges import merge, total
from evkit.core.refs import Ref, parse_ref
from evkit.core.text import escape, escape_bytes
from evkit.images import detect
from evkit.images.opening import find_files
from evkit.inventory.archives.kinds import kind_of
from evkit.inventory.scan import Target
from evkit.manifest.rows import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.core.ejson import Json
    from evkit.custody.replay import Replay
    from evkit.custody.state import Acquisition
    from evkit.inventory.scan import Options
    from evkit.station import Station

_HEAD = 4096


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A target and where its inventory goes.

    Attributes:
        target: what is read.
        database: path of the new inventory file.
        media: size, digests and piece tree recorded for the medium; empty for files.
        pieces: path of the recorded pieces file, or None.
        unread_whole: whether `target.unread` is all that the record says was not readable.
    """

    target: Target
    database: bytes
    media: Mapping[str, Any] = field(default_factory=dict)
    pieces: bytes | None = None
    unread_whole: bool = True

    @classmethod
    def of_path(cls, path: bytes, database: bytes) -> Chosen:
        """Choose an image file, a folder, or one archive or mail file.

        Raises:
            InputError: it is absent, or a container that evkit does not decode.
        """
        name = os.path.basename(path) or path
        if os.path.isdir(path):
            target = Target(name=name, root=os.path.realpath(path))
        elif os.path.isfile(path) and holds_files(path):
            target = Target(name=name, root=os.path.realpath(os.path.dirname(path)), single=name)
        elif os.path.exists(path):
            if not (os.path.isfile(path) or stat.S_ISBLK(os.stat(path).st_mode)):
                raise InputError(
                    f"`{escape_bytes(path)}` is neither a file nor a folder",
                    hint="name an image, a folder, or an acquisition such as CASE/E1",
                )
            target = Target(name=name, paths=find_files(path)[1])
        else:
            raise InputError(
                f"`{escape_bytes(path)}` does not exist",
                hint="name an image, a folder, or an acquisition such as CASE/E1/A1",
            )
        return cls(target=target, database=database)

    @property
    def sources(self) -> tuple[bytes, ...]:
        """What is read."""
        target = self.target
        return tuple(target.paths) or (os.path.join(target.root, target.single),)

    def identity(self, options: Options) -> dict[str, Json]:
        """Return what is listed and how, so that only the same work is gone on with."""
        target = self.target
        unread: list[Json] = [list(item) for item in target.unread]
        found: dict[str, Json] = {
            "name": b64(target.name),
            "version": __version__,
            "digests": ",".join(options.hashes),
            "types": options.types,
            "archives": options.archives,
            "orphans": options.orphans,
            "orphan bytes": options.orphan_bytes,
            "slack": options.slack,
            "unallocated": options.unallocated,
            "recorded digests": dict(target.digests),
            "unread ranges": hashlib.sha256(dumps(unread)).hexdigest(),
        }
        if target.acquisition:
            return {**found, "acquisition": target.acquisition}
        files: list[Json] = [_facts(path) for path in target.paths]
        return {**found, "files": files}

    def meta(self, engines: Mapping[str, str], hashes: Sequence[str]) -> dict[str, str]:
        """Return what the table `meta` says besides counts and roots."""
        found = {
            "created": clock.now().text(),
            "evkit": __version__,
            "hashes": ",".join(hashes),
            "engine": "none",
            **engines,
        }
        if self.target.acquisition:
            found["acquisition"] = self.target.acquisition
        return found


def choose(station: Station, replayed: Replay, ref: Ref) -> Chosen:
    """Find the data of an acquisition, the last one with data when only an exhibit is named.

    Raises:
        CaseError: there is none, or its files are not here.
    """
    acquisition = _acquisition(replayed, ref)
    folder = station.folder(parse_ref(acquisition.ref))
    artifacts = [item for item in _list(acquisition.fields.get("artifacts")) if _usable(item)]
    database = next_name(folder)
    images = [item["name"] for item in artifacts if item["role"] in {"image", "segment"}]
    media = acquisition.media
    common: dict[str, Any] = {"name": acquisition.ref.encode(), "acquisition": acquisition.ref}
    if images:
        files = Where(station).files(acquisition.ref)
        unread, unread_whole = _unread(files, artifacts, acquisition.fields)
        paths = [_inside(files, name) for name in images]
        target = Target(
            paths=find_files(paths[0])[1] if len(paths) == 1 else paths,
            digests={name: media[name] for name in DIGESTS if isinstance(media.get(name), str)},
            unread=unread,
            **common,
        )
        return Chosen(
            target=target,
            database=database,
            media=media,
            pieces=_pieces(files, artifacts),
            unread_whole=unread_whole,
        )
    lists = [item for item in artifacts if item["role"] == "list"]
    if not lists:
        raise CaseError(
            f"`{acquisition.ref}` holds no image and no list of files",
            hint="an image that was digested in place is listed with `evkit inventory run PATH`"
            if acquisition.fields.get("in_place")
            else None,
        )
    target = Target(
        root=folder,
        listed=_inside(Where(station).files(acquisition.ref), lists[0]["name"]),
        digests={name: lists[0][name] for name in DIGESTS if isinstance(lists[0].get(name), str)},
        **common,
    )
    return Chosen(target=target, database=database)


def holds_files(path: bytes) -> bool:
    """Say whether a file is an archive or mail, and no image that evkit reads or names."""
    kind = detect.detect(path)
    if kind.group == "packed":
        return True
    if kind.name != "raw" or detect.has_boot_sector(path):
        return False
    try:
        with open(path, "rb") as handle:
            head = handle.read(_HEAD)
    except OSError:
        return False  # a bad sector hides a mark; an image is read past it
    return kind_of(head, os.path.basename(path)) is not None


def unrecorded(station: Station, chosen: Chosen) -> bytes:
    """Return the newest complete inventory that has no event yet.

    Raises:
        CaseError: there is none.
        InputError: it does not agree with its own roots.
    """
    from evkit.inventory.database.reader import Inventory

    acquisition = str(chosen.target.acquisition)
    left = without_record(station, chosen)
    if not left:
        raise CaseError(
            f"`{acquisition}` has no inventory without a record",
            hint=f"make one with `evkit inventory run {acquisition}`",
        )
    with Inventory(left[-1]) as inventory:
        problems = inventory.problems()
    if problems:
        raise InputError(f"`{escape_bytes(left[-1])}` is damaged: {escape(problems[0])}")
    return left[-1]


def without_record(station: Station, chosen: Chosen) -> list[bytes]:
    """Return the complete inventories of an acquisition that have no event, the oldest first."""
    acquisition = str(chosen.target.acquisition)
    known = {item.name for item in on_record(station, acquisition)}
    paths = inventories(station.folder(parse_ref(acquisition)))
    return [path for path in paths if os.path.basename(path).decode() not in known]


def _facts(path: bytes) -> list[Json]:
    """Return size and time of an image file; a copy elsewhere is another source."""
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [facts.st_size, str(facts.st_mtime_ns)]


def _acquisition(replayed: Replay, ref: Ref) -> Acquisition:
    if ref.acquisition:
        found = replayed.state.acquisition(str(ref))
        if found is None:
            raise CaseError(
                f"no acquisition `{ref}` is recorded",
                hint=f"`evkit exhibit show {ref.of_exhibit()}` lists them",
            )
        return found
    exhibit = replayed.state.exhibit(str(ref))
    ready = [
        item
        for item in (exhibit.acquisitions.values() if exhibit else ())
        if item.result in {"complete", "with-gaps"}
    ]
    if not ready:
        raise CaseError(
            f"`{ref}` has no acquisition with data",
            hint="`evkit acquire` or `evkit intake` makes one",
        )
    return ready[-1]


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _usable(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("name"), str) and isinstance(item.get("role"), str)


def _inside(files: Files, name: str) -> bytes:
    """Return the path of an artifact; a name that leads out of the folder is refused."""
    path = files.path_of(name)
    if path is None:
        raise CaseError(
            f"the image of `{escape(files.ref)}` is {escape(files.away)}",
            hint=f"plug it in and mount it; `evkit copy locate {escape(files.ref)}` says more",
        )
    if not os.path.isfile(path):
        raise CaseError(
            f"`{escape_bytes(path)}` is not here",
            hint=f"`evkit copy locate {escape(files.ref)}` says where there are copies",
        )
    return path


def _pieces(files: Files, artifacts: Sequence[Mapping[str, Any]]) -> bytes | None:
    for item in artifacts:
        if item["role"] == "pieces":
            with contextlib.suppress(CaseError):
                return _inside(files, item["name"])
    return None


def _unread(
    files: Files, artifacts: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]
) -> tuple[list[tuple[int, int]], bool]:
    """Return the ranges that were not readable, and whether these are all of them."""
    for item in artifacts:
        if item["role"] == "map":
            chart = mapfile.read(_inside(files, item["name"]))
            return list(chart.ranges(*mapfile.UNREAD)), True
    unread = fields.get("unread")
    stated = unread if isinstance(unread, dict) else {}
    listed = stated.get("first")
    first = merge(
        (item[0], item[1])
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, list) and [type(part) for part in item] == [int, int] and item[0] >= 0
    )
    return first, total(first) == stated.get("bytes", 0)


def unread_places(station: Station, acquisition: Acquisition) -> tuple[list[tuple[int, int]], int]:
    """Return the known places of a medium that were not readable, and the bytes of all of them.

    The map says where; when it is not here, the first places that the record names do.
    """
    fields = acquisition.fields
    artifacts = [item for item in _list(fields.get("artifacts")) if _usable(item)]
    try:
        ranges, _ = _unread(Where(station).files(acquisition.ref), artifacts, fields)
    except (CaseError, InputError):
        ranges, _ = _unread(Where(station).files(acquisition.ref), (), fields)
    unread = fields.get("unread")
    stated = unread.get("bytes") if isinstance(unread, dict) else 0
    return ranges, max(total(ranges), stated if isinstance(stated, int) else 0)
