"""One file system in the child: its facts, and which record a name belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.inventory import native, times
from evkit.inventory.validlength import Records

if TYPE_CHECKING:
    from evkit.inventory import tsk
    from evkit.inventory.native import Native

MAX_INODE = 2**53 - 1
_BOOT = 512


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the parent asked for.

    Attributes:
        fs: number of the file system in the inventory.
        offset: byte offset of the volume in the image.
        size: bytes of the volume.
        hashes: digest names.
        orphans: most entries of records without a name that are listed; 0 for none.
        member: number of the file system in its container, from 1.
        unread: (offset, length) of image ranges that could not be read when it was acquired, in
            order, without overlaps.
    """

    fs: int
    offset: int
    size: int
    hashes: tuple[str, ...]
    orphans: int = 0
    member: int = 1
    unread: tuple[tuple[int, int], ...] = ()


class Volume:
    """An open file system and the facts about it that rows repeat.

    Args:
        job: the request.
        handle: pytsk3's FS_Info.
        image: the image it was opened on.

    Attributes:
        records: the MFT of an NTFS volume, else None.
    """

    def __init__(self, job: Job, handle: Native, image: tsk.Image) -> None:
        info = handle.info
        flags = int(info.flags)
        self.job = job
        self.handle = handle
        self.image = image
        self.image_size = image.get_size()
        self.kind = native.type_of(handle)
        self.block_size = int(info.block_size)
        self.root = int(info.root_inum)
        self.plain_blocks = not (int(info.block_pre_size) or int(info.block_post_size))
        self.has_sequence = self.kind == "ntfs" or bool(flags & native.HAVE_SEQUENCE)
        self.zone = times.zone_of(self.kind)
        self.resolution = times.resolution_of(
            self.kind, nanoseconds=bool(flags & native.HAVE_NANOSECONDS)
        )
        self.records = Records(handle, _boot(image, job.offset)) if self.kind == "ntfs" else None

    def facts(self) -> dict[str, Any]:
        """Return the content of the `fs` message."""
        info = self.handle.info
        blocks = int(info.block_count)
        claimed = blocks * self.block_size
        state: dict[str, Any] = {"state": "ok"}
        if self.job.offset + claimed > self.image_size:
            missing = self.job.offset + claimed - self.image_size
            state = {
                "state": "damaged",
                "reason": "beyond-end-of-image",
                "detail": f"{missing} of {claimed} bytes are missing",
            }
        elif claimed > self.job.size:
            state = {
                "state": "damaged",
                "reason": "larger-than-partition",
                "detail": f"{claimed} bytes in a partition of {self.job.size}",
            }
        return {
            "type": self.kind,
            "size": min(claimed, MAX_INODE),
            "block_size": self.block_size,
            "blocks": min(blocks, MAX_INODE),
            "root": self.root,
            "first_inode": int(info.first_inum),
            "last_inode": min(int(info.last_inum), MAX_INODE),
            "zone": self.zone,
            "resolution": self.resolution,
            **state,
        }

    def basis(self, *, allocated: bool, recorded: bool) -> str:
        """Say what a stream's content rests on.

        Args:
            allocated: the metadata record is in use.
            recorded: the record (still) says where the content lies.
        """
        if allocated:
            return "allocated"
        if not recorded:
            return "none"
        if self.kind.startswith("fat") or self.kind == "exfat":
            return "deleted-contiguous-guess"
        return "deleted-runs-recorded"

    def tie(self, entry: Native, meta: Native) -> tuple[bool, str | None]:
        """Say whether a name belongs to the metadata record it points at.

        NTFS: a deleted name belongs to a record that is not in use and whose sequence number is
        that of the name, or one more. Everything else is another file's record by now.

        Returns:
            (belongs, `reallocated` of the row: None for names in use).
        """
        in_use = bool(int(meta.flags) & native.META_ALLOCATED)
        if int(entry.flags) & native.NAME_ALLOCATED:
            return (not self.has_sequence or int(entry.meta_seq) == int(meta.seq)), None
        if self.has_sequence:
            now, then = int(meta.seq), int(entry.meta_seq)
            if now not in {then, _next_sequence(then)} or in_use:
                return False, "unknown" if now == then else "yes"
            return True, "no"
        if self.kind.startswith("fat") or self.kind == "exfat":
            return True, "no"  # the name is the metadata record; its clusters are another matter
        return (False, "yes") if in_use else (True, "unknown")


def _boot(image: tsk.Image, offset: int) -> bytes:
    try:
        return bytes(image.read(offset, _BOOT))
    except (*native.ERRORS, InputError):
        return b""


def _next_sequence(number: int) -> int:
    return number + 1 if number < 0xFFFF else 1  # noqa: PLR2004 - 16 bits, zero is not used
