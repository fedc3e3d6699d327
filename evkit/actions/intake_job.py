"""What is to be taken in, what was found before the first read, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evkit.acquire.imaging import FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.expect import Expected, Table
    from evkit.acquire.imaging import Artifact
    from evkit.actions.longwork import Plan
    from evkit.core.errors import EvkitError
    from evkit.ledger.event import Subject

IMAGE = "image"
# what each kind of delivery asks for besides; left out it is a deviation
KINDS: dict[str, tuple[str, ...]] = {
    "files": (),
    IMAGE: (),
    "phone": ("extraction_tool", "extraction_type"),
    "cctv": ("clock_shown", "clock_actual", "working_order"),
    "provider": ("order", "period"),
    "cloud": ("order", "period", "extraction_tool"),
    "ram": ("ram_tool", "ram_host"),
    "photo": ("clock_shown", "clock_actual"),
    "paper": (),
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be taken in and how.

    Attributes:
        paths: files and folders; with kind `image` one image and its logs.
        exhibit: `CASE/E1`.
        kind: a key of `KINDS`.
        names: digest algorithms; SHA-256 is always among those made.
        expect: as typed, or None.
        in_place: digest where it lies, copy nothing.
        reread: read every source file twice.
        fields: of `--set` and `--fields`.
        happened, reason: as typed.
    """

    paths: tuple[bytes, ...]
    exhibit: str
    kind: str = "files"
    names: tuple[str, ...] = ("md5", "sha256")
    expect: str | None = None
    in_place: bool = False
    reread: bool = False
    fields: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None


@dataclass(kw_only=True)
class Taken:
    """What came of taking in, before it is recorded.

    Attributes:
        result: `complete`, `with-gaps`, `stopped` or `failed`.
        files, bytes: content files taken in and their bytes.
        other: rows of each other type and of each state but `ok`.
        artifacts: files of the acquisition folder.
        values: further fields of the event.
        table: comparison with stated digests, or None.
        subjects: what the event is about.
        changed: things that changed while they were read, in words.
        remarks: for people.
        error: what ended it early, or None.
    """

    result: str = FAILED
    files: int = 0
    bytes: int = 0
    other: dict[str, int] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    table: Table | None = None
    subjects: list[Subject] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    error: EvkitError | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request with what was found before the first read.

    Attributes:
        total: bytes of regular files below the paths.
        count: things below the paths.
        hints: images that are taken in as plain files, and how they are taken in as images.
    """

    request: Request
    expected: Expected | None
    plan: Plan
    total: int
    count: int
    hints: tuple[str, ...] = ()


def missing_of_kind(kind: str, given: Mapping[str, object]) -> list[str]:
    """Return the fields that a kind of delivery asks for and that are not given."""
    return [name for name in KINDS[kind] if name not in given]
