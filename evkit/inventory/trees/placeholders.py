"""Entries whose content lies in a cloud: opening them, or listing them, would download it.

Windows: `st_file_attributes` and `st_reparse_tag` (winnt.h, [MS-FSCC] 2.1.2.1 and 2.6). macOS:
`st_flags` (sys/stat.h, SF_DATALESS). Linux has no mark of its own; a FUSE file system that fetches
on reading cannot be told from any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import os

_OFFLINE: Final = 0x0000_1000
_RECALL_ON_OPEN: Final = 0x0004_0000
_RECALL_ON_DATA_ACCESS: Final = 0x0040_0000
_AWAY: Final = _OFFLINE | _RECALL_ON_OPEN | _RECALL_ON_DATA_ACCESS
_CLOUD, _CLOUD_MASK = 0x9000_001A, 0xFFFF_0FFF  # IO_REPARSE_TAG_CLOUD and _1 … _F
_TAGS: Final = frozenset(
    {
        0x8000_0006,  # HSM2
        0x8000_0021,  # ONEDRIVE
        0x8000_001E,  # STORAGE_SYNC
        0x9000_0027,  # STORAGE_SYNC_FOLDER
        0x9000_001C,  # PROJFS
        0xA000_0022,  # PROJFS_TOMBSTONE
        0xC000_0004,  # HSM
    }
)
_DATALESS: Final = 0x4000_0000


def is_placeholder(facts: os.stat_result) -> bool:
    """Say whether the content of an entry is somewhere else and would be fetched."""
    if getattr(facts, "st_file_attributes", 0) & _AWAY:
        return True
    tag = getattr(facts, "st_reparse_tag", 0)
    if tag and (tag & _CLOUD_MASK == _CLOUD or tag in _TAGS):
        return True
    return bool(getattr(facts, "st_flags", 0) & _DATALESS)
