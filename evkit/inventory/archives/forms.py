"""The readers of the archive forms, each loaded when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.archives.listing import Archive


def reader_of(kind: str) -> Callable[[Archive], None]:
    """Return the function that lists an archive of a form of `kinds.kind_of`."""
    if kind == "zip":
        from evkit.inventory.archives.zips import read_zip

        return read_zip
    if kind == "tar":
        from evkit.inventory.archives.tars import read_tar

        return read_tar
    if kind == "7z":
        from evkit.inventory.archives.sevenzip import read_7z

        return read_7z
    if kind in {"mbox", "eml"}:
        from evkit.inventory.archives import mail

        return mail.read_mbox if kind == "mbox" else mail.read_eml
    from evkit.inventory.archives.packed import read_packed

    return read_packed
