"""Digests that one file of an export states of others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST = 200_000  # digests of one statement
_LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_HEX = re.compile(r"[0-9A-Fa-f]+")


@dataclass
class Claim:
    """What one statement says.

    Attributes:
        kind: `cellebrite-ufd`, `cellebrite-ufdr`, `digest-list`, `digest-table`.
        tool: what it says made the export.
        digests: (name relative to its folder, algorithm, lower-case hex).
        unstated: names of parts without a digest that could be compared.
        left_out: digests over the cap.
        detail: what a reader must know.
    """

    kind: str
    tool: str = ""
    digests: list[tuple[bytes, str, str]] = field(default_factory=list)
    unstated: list[bytes] = field(default_factory=list)
    left_out: int = 0
    detail: str = ""

    def add(self, name: bytes, value: str, algorithm: str | None = None) -> None:
        """Take one digest; what is none makes its name an unstated one."""
        value = value.strip().lower()
        known = _LENGTHS.get(len(value)) if _HEX.fullmatch(value) else None
        name = name.replace(b"\\", b"/").removeprefix(b"./")
        if known is None or (algorithm is not None and known != algorithm):
            self.unstated.append(name)
        elif len(self.digests) >= MOST:
            self.left_out += 1
        else:
            self.digests.append((name, known, value))


def raw(text: str) -> bytes:
    """Return the bytes of a name that was read as text."""
    return text.encode("utf-8", "surrogateescape")
