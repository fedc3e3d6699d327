"""`evkit image info`: what an image file is, without reading its medium."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.paths import to_fields
from evkit.core.refs import is_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes
from evkit.images import detect
from evkit.images.opening import open_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.images.ewflogical import Logical
    from evkit.images.model import Segment

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """What is known of an image.

    Attributes:
        kind: what the file is.
        format: `raw`, `split-raw`, `ewf`, …, or None when evkit does not decode it.
        logical: what a container of files and no medium lists.
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
    logical: Logical | None = None
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
        if self.logical is not None:
            document |= _logical_fields(self.logical)
        if self.format is None:
            return {**document, "remarks": list(self.remarks)} if self.remarks else document
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
            lines += _logical_lines(self.logical) if self.logical else []
            lines += [f"  remark: {text}" for text in self.remarks]
            if self.kind.logical:
                return [*lines, "  it holds files and no medium; evkit takes it in as a file"]
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


def _need_path(path: bytes) -> None:
    """Refuse a reference, of which no path is here."""
    name = os.fsdecode(path)
    if is_ref(name) and "/" in name and not os.path.lexists(path):
        raise InputError(
            f"cannot read `{escape(name)}`: there is no such path",
            hint=f"where the image of an acquisition lies: `evkit copy list {name}`",
        )


def info(path: bytes) -> ImageInfo:
    """Look at an image.

    Raises:
        InputError: it cannot be read, a part is missing, or the container is damaged.
        UsageError: the extra that decodes it is not installed.
    """
    _need_path(path)
    kind = detect.detect(path)
    if kind.logical:
        return _logical(path, kind)
    if not kind.readable:
        return ImageInfo(path=path, kind=kind)
    with open_image(path) as image:
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


def _logical(path: bytes, kind: detect.Kind) -> ImageInfo:
    """Look at a container of files; one that libewf cannot list is still named."""
    from evkit.images.ewflogical import read_logical

    try:
        return ImageInfo(path=path, kind=kind, logical=read_logical(path))
    except InputError as error:
        return ImageInfo(path=path, kind=kind, remarks=(error.message,))


def _logical_fields(logical: Logical) -> dict[str, Any]:
    return {
        "segments": [to_fields(path) for path in logical.segments],
        "metadata": {name: escape(value) for name, value in logical.metadata.items()},
        "entries": [
            {"path": escape(entry.path), "size": entry.size, "stated_md5": entry.md5}
            for entry in logical.entries
        ],
        "entries_cut": logical.cut,
    }


def _logical_lines(logical: Logical) -> list[str]:
    lines = [f"  {escape(n)}: {escape(v)}" for n, v in logical.metadata.items() if v.strip()]
    count = f"over {len(logical.entries):,}" if logical.cut else f"{len(logical.entries):,}"
    lines.append(f"  entries {count}, as libewf lists them")
    shown = logical.entries[:_SHOWN]
    lines += [f"    {escape(entry.path)}  {in_words(entry.size)}" for entry in shown]
    if len(logical.entries) > _SHOWN:
        lines.append(f"    and {len(logical.entries) - _SHOWN:,} more")
    return lines
