"""Names of members that some program would unpack to another place than it seems."""

from __future__ import annotations

import re

_DRIVE = re.compile(rb"^[A-Za-z]:")


def oddities(path: bytes, target: bytes | None = None) -> list[tuple[str, str]]:
    """Return (reason, text) for everything that is odd about a member's name.

    Args:
        path: the name as stored.
        target: where a link leads.
    """
    found: list[tuple[str, str]] = []
    parts = path.replace(b"\\", b"/").split(b"/")
    if not path:
        found.append(("empty-name", "no name"))
    if path.startswith(b"/"):
        found.append(("absolute-path", "the stored name is absolute"))
    if b".." in parts:
        found.append(("leads-out", "the stored name leads upwards"))
    if _DRIVE.match(path):
        found.append(("drive-path", "the stored name begins with a drive"))
    if b"\\" in path:
        found.append(("backslash", "some programs take the backslash for a separator"))
    if b"\x00" in path:
        found.append(("nul-in-name", "some programs end the name at its NUL"))
    if target is not None and (
        target.startswith((b"/", b"\\")) or b".." in target.replace(b"\\", b"/").split(b"/")
    ):
        found.append(("link-leads-out", "the link may lead out of the archive"))
    return found
