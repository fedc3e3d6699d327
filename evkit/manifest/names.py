"""Names of files inside a bundle: relative, with `/`, the same on every system.

A bundle is unpacked on unknown machines. A name is refused when some system would put it outside
the bundle, and two names are refused when some system would take them for one file.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from evkit.core.text import is_clean

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NAME = 1024  # bytes of UTF-8
MAX_PART = 255
_DRIVE = re.compile(r"[A-Za-z]:")
_RUNNABLE = re.compile(
    r"\.(?:app|bat|chm|cmd|com|cpl|deb|desktop|dll|dmg|elf|exe|hta|html?|iso|jar|jse?|lnk|mht|msc"
    r"|ms[ip]|pif|pkg|ps1|psm1|py[cw]?|rpm|scf|scr|sh|svg|url|vb|vb[es]|ws[fh]?|xhtml)$",
    re.IGNORECASE,
)


def problem(name: str) -> str | None:
    """Say why `name` must not be in a bundle, or None when it may be."""
    if not name:
        return "is empty"
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "is not UTF-8"
    if size > MAX_NAME:
        return f"is longer than {MAX_NAME} bytes"
    if "\\" in name:
        return "holds a backslash"
    if not is_clean(name):
        return "holds control or invisible characters"
    if name.startswith(("/", "~")) or _DRIVE.match(name):
        return "leads out of the bundle"
    return _problem_of_parts(name)


def _problem_of_parts(name: str) -> str | None:
    for part in name.split("/"):
        if part in {"", ".", ".."}:
            return "leads out of the bundle" if part == ".." else "has an empty or `.` part"
        if ":" in part:
            return "holds a colon, which names a stream on Windows"
        if part[-1] in ". " or part[0] == " ":
            return "has a part that starts or ends with a space, or ends with a dot"
        if len(part.encode("utf-8")) > MAX_PART:
            return f"has a part longer than {MAX_PART} bytes"
    return None


def collision_key(name: str) -> str:
    """Return the form under which two names are one file on some system (case, normalisation)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def collisions(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of different names that some system takes for one, and a file that is a folder.

    Equal names given twice are not reported here.
    """
    seen: dict[str, str] = {}
    found = []
    for name in names:
        other = seen.setdefault(collision_key(name), name)
        if other != name:
            found.append((other, name))
    for key, name in list(seen.items()):
        parts = key.split("/")
        for count in range(1, len(parts)):
            other_name = seen.get("/".join(parts[:count]))
            if other_name is not None:
                found.append((other_name, name))
    return found


def is_runnable(name: str) -> bool:
    """Say whether a double click on a file of this name could run something."""
    return _RUNNABLE.search(name) is not None
