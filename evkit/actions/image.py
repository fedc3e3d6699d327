"""`evkit image info`: what an image file is, without reading its medium."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core.paths import to_fields
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes
from evkit.images import detect
from evkit.images.opening import find_files, open_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.images.model import Segment

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What is known of an image.

    Attributes:
        kind: what the file is.
        format: `raw`, `split-raw`, `ewf`, or None when evkit does not decode it.
    """

    path: bytes
    kind: detect.Kind
    format: str | None = None
    size: int | None = None
    sector_size: int | None = None
    segments: tuple[Segment, ...] = ()
    stored_digests: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    declared_gaps: tuple[tuple[int, int], ...] = ()
    remarks: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {
            "schema": "evkit/image-info/1",
            **to_fields(self.path),
            "kind": self.kind.name,
            "title": self.kind.title,
            "decoded_by_evkit": self.kind.readable,
        }
        if self.format is None:
            return document
        return {
            **document,
            "format": self.format,
            "size": self.size,
            "sector_size": self.sector_size,
            "segments": [{**to_fields(s.path), "size": s.size} for s in self.segments],
            "stored_digests": dict(self.stored_digests),
            "metadata": {name: escape(value) for name, value in self.metadata.items()},
            "declared_unread": [list(pair) for pair in self.declared_gaps],
            "remarks": list(self.remarks),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        lines = [f"{escape_bytes(self.path)}: {self.kind.title}"]
        if self.format is None or self.size is None:
            return [*lines, "  evkit does not decode this format"]
        lines.append(f"  medium  {in_words(self.size)}")
        if self.sector_size:
            lines[-1] += f", sectors of {self.sector_size}"
        if len(self.segments) > 1:
            lines.append(f"  files   {len(self.segments)}")
            names = [f"    {escape_bytes(s.path)}  {in_words(s.size)}" for s in self.segments]
            lines += names[:_SHOWN]
            if len(names) > _SHOWN:
                lines.append(f"    and {len(names) - _SHOWN} more")
        for name, value in self.stored_digests.items():
            lines.append(f"  stated {name} {value}; not checked, `evkit intake` or `verify` does")
        lines += [f"  {escape(n)}: {escape(v)}" for n, v in self.metadata.items() if v.strip()]
        if self.declared_gaps:
            lost = sum(length for _, length in self.declared_gaps)
            lines.append(f"  its maker could not read {in_words(lost)}")
        return lines + [f"  remark: {text}" for text in self.remarks]


def info(path: bytes) -> ImageInfo:
    """Look at an image.

    Raises:
        InputError: it cannot be read, a part is missing, or the container is damaged.
    """
    kind = detect.detect(path)
    if not kind.readable:
        return ImageInfo(path=path, kind=kind)
    kind, files = find_files(path)
    with open_image(path, files) as image:
        return ImageInfo(
            path=path,
            kind=kind,
            format=image.format,
            size=image.size,
            sector_size=image.sector_size,
            segments=tuple(image.segments),
            stored_digests=image.stored_digests,
            metadata=image.metadata,
            declared_gaps=tuple(image.declared_gaps),
            remarks=tuple(image.remarks),
        )
