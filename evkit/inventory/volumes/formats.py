"""Marks of volumes: where a format writes its name, and what the format is called (pure).

The places are those of the formats' own descriptions; `docs/spec/inventory-volumes.md` lists them.
"""

from __future__ import annotations

from typing import NamedTuple

UNSUPPORTED, ENCRYPTED, DAMAGED = "unsupported", "encrypted", "damaged"


class Format(NamedTuple):
    """What a kind of volume is.

    Attributes:
        state: state of a volume of this kind that no engine could open.
        title: words for people.
    """

    state: str
    title: str


FORMATS = {
    "luks1": Format(ENCRYPTED, "LUKS version 1 (Linux disk encryption)"),
    "luks2": Format(ENCRYPTED, "LUKS version 2 (Linux disk encryption)"),
    "luks": Format(ENCRYPTED, "LUKS of an unknown version (Linux disk encryption)"),
    "bitlocker": Format(ENCRYPTED, "BitLocker (Windows disk encryption)"),
    "bitlocker-to-go": Format(ENCRYPTED, "BitLocker To Go (encryption of Windows for sticks)"),
    "filevault": Format(ENCRYPTED, "CoreStorage with FileVault 2 (encryption of macOS)"),
    "core-storage": Format(UNSUPPORTED, "CoreStorage (volume group of macOS)"),
    "geli": Format(ENCRYPTED, "GELI (disk encryption of FreeBSD)"),
    "apfs": Format(UNSUPPORTED, "APFS (macOS, iOS)"),
    "xfs": Format(UNSUPPORTED, "XFS (Linux)"),
    "btrfs": Format(UNSUPPORTED, "Btrfs (Linux)"),
    "zfs": Format(UNSUPPORTED, "ZFS (pool member)"),
    "bcachefs": Format(UNSUPPORTED, "bcachefs (Linux)"),
    "bcache": Format(UNSUPPORTED, "bcache (cache device of Linux)"),
    "refs": Format(UNSUPPORTED, "ReFS (Windows)"),
    "f2fs": Format(UNSUPPORTED, "F2FS (Linux, Android)"),
    "erofs": Format(UNSUPPORTED, "EROFS (Linux, Android)"),
    "squashfs": Format(UNSUPPORTED, "SquashFS (Linux)"),
    "cramfs": Format(UNSUPPORTED, "cramfs (Linux)"),
    "romfs": Format(UNSUPPORTED, "romfs (Linux)"),
    "jffs2": Format(UNSUPPORTED, "JFFS2 (Linux, flash)"),
    "ubi": Format(UNSUPPORTED, "UBI (Linux, flash)"),
    "reiserfs": Format(UNSUPPORTED, "ReiserFS (Linux)"),
    "jfs": Format(UNSUPPORTED, "JFS (Linux, OS/2)"),
    "nilfs2": Format(UNSUPPORTED, "NILFS2 (Linux)"),
    "minix": Format(UNSUPPORTED, "Minix"),
    "udf": Format(UNSUPPORTED, "UDF (optical discs)"),
    "vmfs": Format(UNSUPPORTED, "VMFS (VMware)"),
    "lvm": Format(UNSUPPORTED, "LVM2 physical volume (volume group of Linux)"),
    "linux-raid": Format(UNSUPPORTED, "member of a Linux RAID"),
    "intel-raid": Format(UNSUPPORTED, "member of an Intel RAID"),
    "ddf-raid": Format(UNSUPPORTED, "member of a RAID in DDF format"),
    "ldm": Format(UNSUPPORTED, "dynamic disk of Windows (LDM database)"),
    "storage-spaces": Format(UNSUPPORTED, "member of Windows Storage Spaces"),
    "swap": Format("ok", "Linux swap space"),
    "hibernation": Format(UNSUPPORTED, "Linux hibernation image"),
    "hfs": Format(UNSUPPORTED, "HFS (Mac OS, before HFS+)"),
    "hfs-plus": Format(DAMAGED, "HFS+ (macOS)"),
    "ext": Format(DAMAGED, "ext2, ext3 or ext4 (Linux)"),
    "ntfs": Format(DAMAGED, "NTFS (Windows)"),
    "exfat": Format(DAMAGED, "exFAT"),
    "fat": Format(DAMAGED, "FAT"),
    "iso9660": Format(DAMAGED, "ISO 9660 (optical discs)"),
    "ufs": Format(DAMAGED, "UFS (BSD, Solaris)"),
}

MARKS = (
    (0, b"LUKS\xba\xbe\x00\x01", "luks1"),
    (0, b"LUKS\xba\xbe\x00\x02", "luks2"),
    (0, b"LUKS\xba\xbe", "luks"),
    (3, b"-FVE-FS-", "bitlocker"),
    (32, b"NXSB", "apfs"),
    (0, b"XFSB", "xfs"),
    (0x10040, b"_BHRfS_M", "btrfs"),
    (0x1018, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef"), "bcachefs"),
    (0x1018, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"), "bcache"),
    (0x218, b"LVM2 001", "lvm"),
    (0x018, b"LVM2 001", "lvm"),
    (0x418, b"LVM2 001", "lvm"),
    (0x618, b"LVM2 001", "lvm"),
    (0x400, b"\x10\x20\xf5\xf2", "f2fs"),
    (0x400, b"\xe2\xe1\xf5\xe0", "erofs"),
    (0x1000, b"\xfc\x4e\x2b\xa9", "linux-raid"),
    (0, b"\xfc\x4e\x2b\xa9", "linux-raid"),
    (0, b"hsqs", "squashfs"),
    (0, b"sqsh", "squashfs"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"\x28\xcd\x3d\x45", "cramfs"),
    (512, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"-rom1fs-", "romfs"),
    (0, b"UBI#", "ubi"),
    (0, b"\x85\x19\x03\x20", "jffs2"),
    (0, b"\x85\x19\x01\xe0", "jffs2"),
    (0, b"\x85\x19\x02\xe0", "jffs2"),
    (3, b"ReFS\x00", "refs"),
    (0x10034, b"ReIsErFs", "reiserfs"),
    (0x10034, b"ReIsEr2Fs", "reiserfs"),
    (0x10034, b"ReIsEr3Fs", "reiserfs"),
    (0x2034, b"ReIsErFs", "reiserfs"),
    (0x8000, b"JFS1", "jfs"),
    (0x406, b"\x34\x34", "nilfs2"),
    (0x410, b"\x7f\x13", "minix"),
    (0x410, b"\x8f\x13", "minix"),
    (0x410, b"\x68\x24", "minix"),
    (0x410, b"\x78\x24", "minix"),
    (0x418, b"\x5a\x4d", "minix"),
    (0, b"SPACEDB ", "storage-spaces"),
    (3, b"EXFAT   ", "exfat"),
    (54, b"FAT12   ", "fat"),
    (54, b"FAT16   ", "fat"),
    (82, b"FAT32   ", "fat"),
    (0x8001, b"CD001", "iso9660"),
    (8192 + 1372, b"\x54\x19\x01\x00", "ufs"),
    (8192 + 1372, b"\x00\x01\x19\x54", "ufs"),
    (65536 + 1372, b"\x54\x19\x01\x00", "ufs"),
    (65536 + 1372, b"\x19\x01\x54\x19", "ufs"),
    (65536 + 1372, b"\x19\x54\x01\x19", "ufs"),
    (1024, b"H+", "hfs-plus"),
    (1024, b"HX", "hfs-plus"),
    (1024, b"BD", "hfs"),
    (1080, b"\x53\xef", "ext"),
)  # fmt: skip
"""(offset, bytes, format) in the order in which they are tried; long marks before short ones."""

FAR_MARKS = (
    (0x100000, b"\x0d\xd0\x01\xc0", "vmfs"),
)  # fmt: skip
"""Beyond what is read of every volume."""
SHORT = 4  # a mark of fewer bytes says nothing about a volume that an engine opened
