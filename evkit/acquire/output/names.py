"""How the files of an image are called: neutral names in a station, chosen ones elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from evkit.images.e01 import layout


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of the files of one image.

    Attributes:
        whole: a raw image in one file.
        stem: parts of a raw image (`STEM.001`) and segments of an E01 (`STEM.E01`).
        pieces: the pieces file, None for none.
        map: the map of what could not be read.
    """

    whole: str
    stem: str
    pieces: str | None
    map: str

    def part(self, number: int) -> str:
        """Return the name of part `number` of a raw image, from 1."""
        return f"{self.stem}.{number:03d}"

    def segment(self, number: int) -> str:
        """Return the name of segment `number` of an E01, from 1."""
        return self.stem + layout.segment_extension(number).decode("ascii")


NEUTRAL = Names(whole="image.raw", stem="image", pieces="image.raw.pieces", map="image.map")
