"""What a reader of E01 notes about a container: damage and oddities that hide no evidence."""

from __future__ import annotations

from typing import Final, NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong or odd.

    Attributes:
        code: a short name that does not change between versions; see `docs/spec/e01-reading.md`.
        text: the words, already escaped; they name the segment file.
        segment: number of the segment file from 1, 0 for the whole image.
        offset: byte of that file where it begins.
    """

    code: str
    text: str
    segment: int = 0
    offset: int = 0


# with one of these, other programs may decode another medium from the same files
AMBIGUOUS: Final = frozenset(
    {"section-contradiction", "tables-differ", "volumes-differ", "chunk-outside", "chunks-extra"}
)
MAX_FINDINGS: Final = 1000


class Findings:
    """Collects findings, each once, up to a limit; one more then says that there are others.

    The first one of each code is kept whatever came before it: many harmless oddities must not hide
    that an image is ambiguous.
    """

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}
        self._codes: set[str] = set()

    def add(self, code: str, text: str, segment: int = 0, offset: int = 0) -> None:
        """Note a finding."""
        if len(self._found) < MAX_FINDINGS or code not in self._codes:
            self._found[Finding(code, text, segment, offset)] = None
            self._codes.add(code)
        else:
            self._found[Finding("more", "there are more findings than are listed")] = None

    def all(self) -> tuple[Finding, ...]:
        """Return what was noted so far, in order."""
        return tuple(self._found)

    def codes(self) -> set[str]:
        """Return the codes of what was noted so far."""
        return {finding.code for finding in self._found}
