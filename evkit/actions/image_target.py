"""Where a converted image goes outside a station: its names, and what must not be there."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evkit.acquire import preflight
from evkit.acquire.imaging import E01, RAW
from evkit.acquire.output.branch import MASTER, PART, Branch
from evkit.acquire.output.names import Names
from evkit.core import durable
from evkit.core.errors import InputError, StorageError, UsageError
from evkit.core.sizes import in_words
from evkit.core.text import escape_bytes
from evkit.images.e01 import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PARTS: Final = 999  # parts of a raw image with three digits
FAT_LIMIT: Final = (4 << 30) - 1
_FAT: Final = frozenset({"vfat", "msdos", "fat"})
_E01_NAME: Final = b".e01"
_FOREIGN: Final = frozenset(
    {b".ex01", b".l01", b".lx01", b".s01", b".aff", b".aff4", b".ad1", b".vmdk", b".vhd", b".vhdx",
     b".qcow", b".qcow2", b".vdi", b".dmg"}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target:
    """The files of a new image.

    Attributes:
        branch: its folder, and how unfinished files are called.
        names: of its files.
        format: `raw` or `e01`.
        split: most bytes of a file; None for one file.
    """

    branch: Branch
    names: Names
    format: str
    split: int | None

    @property
    def map(self) -> bytes:
        """Where the map of what could not be read goes."""
        return self.branch.path(self.names.map)


def format_of(path: bytes, wanted: str | None) -> str:
    """Return the format: as asked for, else as the name says it.

    Raises:
        UsageError: the two contradict each other, or the name is that of another format.
    """
    by_name = E01 if os.path.splitext(path)[1].lower() == _E01_NAME else RAW
    if wanted == RAW and by_name == E01:
        raise UsageError(
            "a raw image is not called `.E01`", hint="call it `.dd`, or leave `--format raw` out"
        )
    ending = os.path.splitext(path)[1].lower()
    if ending in _FOREIGN:
        raise UsageError(
            f"evkit does not write `{escape_bytes(ending)}`, it makes raw and E01 images",
            hint=f"`-o {escape_bytes(os.path.splitext(path)[0])}.E01` or `.dd`",
        )
    has_other = by_name == RAW and os.path.splitext(path)[1]
    if wanted == E01 and has_other:
        raise UsageError(
            f"an E01 is called `.E01`, not `{escape_bytes(os.path.basename(path))}`",
            hint=f"`-o {escape_bytes(os.path.splitext(path)[0])}.E01`",
        )
    return wanted or by_name


def choose(path: bytes, form: str, split: int | None, size: int) -> Target:
    """Return the target of an image of `size` bytes.

    Args:
        path: as given with `-o`.
        form: `raw` or `e01`.
        split: most bytes of a file, as asked for.
        size: bytes of the medium.

    Raises:
        InputError: its folder is not there.
        RefusedError: one of its files exists.
        StorageError: there is too little room.
        UsageError: so many parts, or so large a file, cannot be.
    """
    folder, base = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise InputError(f"`{escape_bytes(folder)}` is no folder", hint="make it first")
    if not base or os.path.isdir(path):
        raise UsageError(f"`{escape_bytes(path)}` is a folder", hint="name a file: `-o disk.E01`")
    if os.path.splitext(path)[1].lower() == PART:
        raise UsageError(f"files that end in `{PART.decode()}` are unfinished", hint="name another")
    stem = os.fsdecode(os.path.splitext(base)[0])
    names = Names(whole=os.fsdecode(base), stem=stem, pieces=None, map=f"{stem}.map")
    split = split or plan.SEGMENT_SIZE if form == E01 else _split(folder, split, size)
    suffix = b"." + secrets.token_hex(4).encode() + PART
    branch = Branch(copy=MASTER, folder=folder, suffix=suffix)
    target = Target(branch=branch, names=names, format=form, split=split)
    _need_absent(target)
    _need_room(folder, form, size)
    return target


def _split(folder: bytes, split: int | None, size: int) -> int | None:
    """Return the most bytes of a part of a raw image, None for one file."""
    if split is not None and -(-size // split) > MAX_PARTS:
        raise UsageError(
            f"that makes {-(-size // split):,} parts, and there are names for {MAX_PARTS}",
            hint=f"use `--split {-(-size // MAX_PARTS)}` or more",
        )
    if min(size, split or size) > FAT_LIMIT and preflight.file_system(folder) in _FAT:
        raise UsageError(
            f"`{escape_bytes(folder)}` is a FAT file system and holds no file of 4 GiB",
            hint="add `--split 4095M`",
        )
    return split


def _need_absent(target: Target) -> None:
    """Refuse when a file that may be written, or that would be taken for one, is there."""
    with durable.storage_errors(target.branch.folder):
        present = {os.fsdecode(name) for name in os.listdir(target.branch.folder)}
    taken: Sequence[str] = [target.names.map]
    if target.format == E01:
        taken = [*taken, *(n for n in present if _is_segment(n, target.names.stem))]
    elif target.split is None:
        taken = [*taken, target.names.whole]
    else:
        taken = [*taken, *(target.names.part(n) for n in range(1, MAX_PARTS + 1))]
    for name in taken:
        if name in present:
            durable.need_absent(target.branch.path(name))


def _is_segment(name: str, stem: str) -> bool:
    """Say whether a file would be taken for a segment of the E01 with this stem."""
    rest = name.removeprefix(stem + ".")
    return (
        rest != name
        and len(rest) == 3  # noqa: PLR2004 - `E01` to `ZZZ`
        and rest.isascii()
        and rest.isalnum()
        and "E" <= rest[0].upper() <= "Z"
        and (rest[1:].isdecimal() or rest[1:].isalpha())
    )


def _need_room(folder: bytes, form: str, size: int) -> None:
    free = preflight.room(folder)
    if form == RAW and free is not None and free < size:
        raise StorageError(
            f"`{escape_bytes(folder)}` has {in_words(free)} free, {in_words(size)} are needed",
            hint="free space there, or choose another folder",
        )
