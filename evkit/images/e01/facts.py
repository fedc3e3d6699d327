"""What the small sections of all segments say together: medium, case, digests, unread sectors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.images.e01 import metadata, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.chain import Section
    from evkit.images.e01.finding import Findings
    from evkit.images.e01.parse import Volume
    from evkit.images.e01.segments import Files, Part

_VOLUMES: Final = ("volume", "disk", "data")
_HEADERS: Final = ("header2", "xheader", "header")  # in the order in which they are believed
_DIGESTS: Final = ("hash", "digest", "xhash")
_MAX_BODY: Final = 16 << 20  # of any section that is read whole
_LEVELS: Final = 2


class Stated(NamedTuple):
    """One volume section: of which segment file, of which type, and what it says."""

    part: Part
    kind: str
    volume: Volume


class Facts:
    """Reads the small sections of all segment files.

    Attributes:
        parts: the segment files.
        volumes: every section that describes the medium, in order.
        stored: every digest of the medium that is stored: (section, algorithm, hex).
        errors: (first sector, sectors) that its maker could not read.
        header: what it says about the case.
    """

    def __init__(self, parts: Sequence[Part], files: Files, findings: Findings) -> None:
        self.parts = tuple(parts)
        self._files = files
        self._findings = findings
        self._headers: dict[str, list[dict[str, str]]] = {}
        self.volumes: list[Stated] = []
        self.stored: list[tuple[str, str, str]] = []
        self.errors: list[tuple[int, int]] = []
        for part in parts:
            for section in part.chain.sections:
                if section.kind in _READERS:
                    _READERS[section.kind](self, part, section)
        self.header = self._header()
        self._check_digests()

    @property
    def chunks(self) -> int | None:
        """The number of chunks that the first undamaged description states."""
        return next((found.volume.chunks for found in self.volumes if found.volume.sound), None)

    def _body(self, part: Part, section: Section) -> bytes:
        try:
            descriptor = self._files.get(part.place - 1)
            return os.pread(descriptor, min(section.size, _MAX_BODY), section.start)
        except OSError:
            return b""  # reads as damaged

    def _damaged(self, part: Part, section: Section) -> None:
        text = f"{part.name} has a damaged section `{section.kind}` (byte {section.offset})"
        self._findings.add(f"{section.kind}-damaged", text, part.place, section.offset)

    def _volume(self, part: Part, section: Section) -> None:
        volume = parse.read_volume(self._body(part, section))
        if volume is None or not volume.sound:
            self._damaged(part, section)
        if volume is not None:
            self.volumes.append(Stated(part, section.kind, volume))

    def _case(self, part: Part, section: Section) -> None:
        values = metadata.read_header(section.kind, self._body(part, section))
        if values is None:
            self._damaged(part, section)
            return
        known = self._headers.setdefault(section.kind, [])
        if values not in known:
            known.append(values)
        if len(known) == 2:  # noqa: PLR2004 - the second form of what should be one
            text = f"{part.name} has two different sections `{section.kind}`"
            self._findings.add("headers-differ", text, part.place, section.offset)

    def _digest(self, part: Part, section: Section) -> None:
        found = parse.read_digests(section.kind, self._body(part, section))
        if found is None:
            self._damaged(part, section)
            return
        self.stored += [(section.kind, name, value) for name, value in found]

    def _errors(self, part: Part, section: Section) -> None:
        listed = parse.read_errors(self._body(part, section))
        if listed is None:
            self._damaged(part, section)
        self.errors += listed or []

    def _sessions(self, part: Part, section: Section) -> None:
        if parse.read_sessions(self._body(part, section)) is None:
            self._damaged(part, section)

    def _incomplete(self, part: Part, section: Section) -> None:
        text = f"{part.name} says that the image is incomplete (byte {section.offset})"
        self._findings.add("incomplete", text, part.place, section.offset)

    def _logical(self, part: Part, section: Section) -> None:
        del section
        raise InputError(
            f"{part.name} is logical evidence (L01), which holds files and no medium",
            hint="take it in as a file with `evkit intake FILE --kind files`",
        )

    def _header(self) -> dict[str, str]:
        """Return the case details: the more trustworthy section first, gaps from the others."""
        found: dict[str, str] = {}
        for kind in _HEADERS:
            for values in self._headers.get(kind, []):
                for key, value in values.items():
                    found.setdefault(key, value)
        if "password_hash" in found:
            self._findings.add("password", "the image was given a password; it protects nothing")
        return found

    def _check_digests(self) -> None:
        stated: dict[str, dict[str, str]] = {}
        for place, name, value in self.stored:
            stated.setdefault(name, {})[value] = place
        for name, values in stated.items():
            if len(values) > 1:
                listed = " and ".join(f"{value} ({place})" for value, place in values.items())
                text = f"the container states {len(values)} {name.upper()}: {listed}"
                self._findings.add("digests-differ", text)


_READERS: Final = {
    **dict.fromkeys(_VOLUMES, Facts._volume),  # noqa: SLF001 - a table of its own methods
    **dict.fromkeys(_HEADERS, Facts._case),  # noqa: SLF001
    **dict.fromkeys(_DIGESTS, Facts._digest),  # noqa: SLF001
    "error2": Facts._errors,  # noqa: SLF001
    "session": Facts._sessions,  # noqa: SLF001
    "incomplete": Facts._incomplete,  # noqa: SLF001
    "ltree": Facts._logical,  # noqa: SLF001
}


def foreign(volumes: Sequence[Stated]) -> Part | None:
    """Return the first segment that belongs to another image than the first one."""
    sound = [stated for stated in volumes if stated.volume.sound and stated.volume.plausible]
    for stated in sound:
        if stated.part is not sound[0].part and _set(stated.volume) != _set(sound[0].volume):
            return stated.part
    return None


def _set(volume: Volume) -> tuple[bytes, int, int, int]:
    return volume.identifier, volume.chunk, volume.sector_size, volume.sectors


def agreed(volumes: Sequence[Stated], findings: Findings) -> Volume | None:
    """Return what describes the medium; None when nothing undamaged does.

    Args:
        volumes: every section that describes it.
        findings: takes contradictions.
    """
    sound = [found for found in volumes if found.volume.sound and found.volume.plausible]
    if not sound:
        return None
    best, volume = sound[0], sound[0].volume
    for other in sound[1:]:
        if _set(other.volume) != _set(volume):
            text = (
                f"{other.part.name} describes another medium in `{other.kind}` than "
                f"{best.part.name} in `{best.kind}`"
            )
            findings.add("volumes-differ", text, other.part.place)
    if not volume.fits and volume.sectors:
        text = (
            f"the image states {volume.chunks:,} chunks, {volume.sectors:,} sectors are "
            f"{-(-volume.size // volume.chunk):,}"
        )
        findings.add("chunk-count", text)
    if volume.level is not None and volume.level > _LEVELS:
        text = f"the image states the unknown compression level {escape(str(volume.level))}"
        findings.add("compression-level", text)
    return volume
