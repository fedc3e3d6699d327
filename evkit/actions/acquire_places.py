"""Where the files of an image go: folders, their room and limits, and how the image is divided."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from evkit.acquire import preflight, volumes
from evkit.acquire.imaging import RAW
from evkit.acquire.output.branch import MASTER, SECOND, Branch
from evkit.actions import gear
from evkit.core import durable
from evkit.core.errors import InputError, RefusedError, StorageError, UsageError
from evkit.core.paths import to_fields
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.images.e01 import plan

if TYPE_CHECKING:
    from evkit.actions.acquire_job import Request
    from evkit.core.ejson import Json
    from evkit.core.refs import Ref
    from evkit.station import Station

MAX_FILES: Final = 200  # listed one by one in the event
_USUAL_FILES = 150
_MIB = 1 << 20
FAT_LIMIT: Final = (4 << 30) - 1
_FAT = frozenset({"vfat", "msdos", "fat", "fuse.fusefat"})
_FAT_SPLIT = 4095 * _MIB
_OLD_READERS = 4 << 40


def destinations(request: Request, home: bytes) -> list[bytes]:
    """Return the folders that exist already and will hold the copies; the master's first.

    Raises:
        UsageError: two copies on one place.
        InputError: a folder is not there.
        StorageError: it cannot be written to.
    """
    found = [request.to or home]
    if request.also is not None:
        found.append(request.also)
    for folder in found:
        if not os.path.isdir(folder):
            raise InputError(
                f"`{escape_bytes(folder)}` is no folder",
                hint="name a folder on the medium that is to take the image",
            )
        if not os.access(folder, os.W_OK):
            raise StorageError(
                f"`{escape_bytes(folder)}` cannot be written to",
                hint="is its medium write-protected, or mounted read-only?",
            )
    if len({(facts.st_dev, facts.st_ino) for facts in map(os.stat, found)}) < len(found):
        raise UsageError("`--also` names the folder of the first copy", hint="name another medium")
    return found


def check_free(request: Request, ref: Ref) -> None:
    """Refuse folders of copies in which an image lies already, of another station for instance.

    Raises:
        RefusedError: there is one.
    """
    for place in (request.to, request.also):
        folder = b"" if place is None else _folder(place, ref)
        if not folder or not os.path.isdir(folder):
            continue
        with durable.storage_errors(folder):
            names = os.listdir(folder)
        if names:
            raise RefusedError(
                f"`{escape_bytes(folder)}` holds files already",
                hint="evkit never overwrites; name another folder",
            )


def branches(request: Request, ref: Ref, folder: bytes) -> tuple[Branch, ...]:
    """Make the folders of the copies below those that were named.

    Args:
        request: what was asked for.
        ref: the acquisition.
        folder: its folder in the station.

    Raises:
        StorageError: a folder cannot be made.
    """
    return tuple(
        Branch(copy=copy, folder=below(place, ref) if place else folder)
        for copy, place in ((MASTER, request.to), (SECOND, request.also))
        if place or copy == MASTER
    )


def split_for(request: Request, size: int | None, places: list[bytes]) -> tuple[int | None, str]:
    """Return the most bytes of a file of the image and a remark, empty when there is none.

    Raises:
        UsageError: that would make more files than the record lists, or a file system cannot hold
            them.
    """
    fat = next((one for one in places if preflight.file_system(one) in _FAT), None)
    limit = FAT_LIMIT if fat is not None else None
    split, remark = request.split, ""
    if split is None and request.is_e01:
        least = -(-(size or 0) // _USUAL_FILES)
        split = max(plan.SEGMENT_SIZE, -(-least // _MIB) * _MIB)
        if limit is not None:
            split = min(split, _FAT_SPLIT)
    elif split is None and limit is not None and (size is None or size > limit):
        split = _FAT_SPLIT
        remark = f"in parts of 4095 MiB: `{escape_bytes(fat or b'')}` holds no file of 4 GiB"
    if split is not None and limit is not None and split > limit:
        raise UsageError(
            f"`{escape_bytes(fat or b'')}` is a FAT file system and holds no file of "
            f"{in_words(split)}",
            hint="use `--split 4095M` or less",
        )
    if request.is_e01 and size is not None and size >= _OLD_READERS:
        remark = "libewf 20140813, which many tools still carry, opens no E01 of 4 TiB or more"
    if split is not None and size is not None and -(-size // split) > MAX_FILES:
        raise UsageError(
            f"that makes {-(-size // split)} files, over the limit of {MAX_FILES}",
            hint=f"use `--split {-(-size // _USUAL_FILES // _MIB) + 1}M` or more, "
            "and a file system that holds such files",
        )
    return split, remark


def described(station: Station, branch: Branch, home: bytes) -> dict[str, Json]:
    """Return what the event says of the place of a copy: folder, file system, medium.

    Args:
        station: knows the registered media.
        branch: the copy.
        home: the folder of the acquisition in the station; a copy there moves with the station.
    """
    found: dict[str, Json] = {f"folder_{k}": v for k, v in to_fields(branch.folder).items()}
    if branch.folder == home:
        found["in_station"] = True
    system = preflight.file_system(branch.folder)
    if system is not None:
        found["file_system"] = system
    uuid = volumes.uuid_of(branch.folder)
    if uuid is not None:
        found["volume"] = uuid
        label = medium_of(station, uuid)
        if label is not None:
            found["medium"] = label
    return found


def medium_of(station: Station, uuid: str) -> str | None:
    """Return the label of the registered medium with this file system."""
    for medium in gear.known(station).media.values():
        if volumes.same(str(medium.fields.get("file_system_uuid", "")), uuid):
            return medium.label
    return None


def default_format(request: Request, size: int | None, sector: int) -> str:
    """Return the format where none was asked for: E01 for what fits into one."""
    if request.format is not None:
        return request.format
    return RAW if size is None or not size or size % sector else "e01"


def below(place: bytes, ref: Ref) -> bytes:
    """Make and return the folder of an acquisition below a folder outside the station."""
    folder = _folder(place, ref)
    durable.make_dir(folder)
    return folder


def _folder(place: bytes, ref: Ref) -> bytes:
    parts = (part.encode() for part in str(ref).split("/"))
    return os.path.join(os.path.abspath(place), *parts)  # the record is read in other folders
