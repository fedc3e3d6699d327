"""What else stands on a volume that an engine did open: other marks, encryption (child only)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.inventory.volumes import detect
from evkit.inventory.volumes.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TO_GO = "bitlocker-to-go"
_FSCRYPT = (
    "ext4 with encryption of single files switched on: names and content of such files are "
    "inventoried as stored"
)


def complete(facts: Mapping[str, Any], head: bytes) -> dict[str, Any]:
    """Return the facts of a file system together with what its first bytes say besides.

    Args:
        facts: content of the `fs` message.
        head: the first `detect.PROBE` bytes of the volume.
    """
    kind = str(facts["type"])
    others = detect.also(head, kind)
    if _TO_GO in others:
        text = f"{FORMATS[_TO_GO].title}: only its unencrypted front could be listed"
        return {**facts, "type": _TO_GO, "state": "encrypted", "reason": f"{_TO_GO}-volume",
                "detail": text}  # fmt: skip
    if facts.get("detail"):
        return dict(facts)
    remarks = [_FSCRYPT] if detect.file_encryption(head, kind) else []
    titles = [FORMATS[name].title for name in others if not _second(kind, name)]
    if titles:
        remarks.append(f"marks of older or other volumes stand here as well: {', '.join(titles)}")
    return {**facts, "detail": "; ".join(remarks)} if remarks else dict(facts)


def missed(fs: int, kind: str, head: bytes) -> list[dict[str, Any]]:
    """Return an error row for each file system that shares the volume and is not read."""
    return [
        {
            "row": "error", "fs": fs, "stage": "volume", "reason": "second-file-system",
            "detail": f"{FORMATS[name].title}: it can hold files that {kind} does not show",
        }
        for name in detect.also(head, kind)
        if _second(kind, name)
    ]  # fmt: skip


def _second(kind: str, name: str) -> bool:
    return kind == "iso9660" and name == "udf"
