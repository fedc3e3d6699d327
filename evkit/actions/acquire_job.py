"""What is to be acquired, what was found before the first read, and what came of reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from evkit.acquire import imaging
from evkit.acquire.rescue import Policy
from evkit.core.errors import UsageError
from evkit.images.e01 import codec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.acquire.imaging import Imaging, Order
    from evkit.acquire.preflight import Report
    from evkit.acquire.source import Facts, Opened
    from evkit.actions.acquire_inventory import Lister
    from evkit.actions.longwork import Plan, Work
    from evkit.core.progress import Progress

FULL, PARTITION, RANGE, TARGETED, LIVE = "full", "partition", "range", "targeted", "live"
TYPES: Final = (FULL, PARTITION, RANGE, TARGETED, LIVE)
PARTIAL: Final = (PARTITION, RANGE, TARGETED)
DEFAULT_NAMES: Final = {imaging.RAW: ("md5", "sha256"), imaging.E01: ("md5", "sha1", "sha256")}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be acquired and how.

    Attributes:
        source: path, or `-` for standard input.
        exhibit: `CASE/E1`.
        names: digest algorithms, None for those that fit the format; SHA-256 is always made.
        verify: `now`, `later` or `none`.
        block_nodes: keep the hash of each 16 KiB block.
        fields: of `--set` and `--fields`: fields of the event and items of the acquisition log.
        happened, reason: as typed.
        command: the command line, for the log.
        format: `raw` or `e01`; None for E01 where the source fits into one.
        compress: of an E01: `none`, `fast` or `best`.
        split: most bytes of a file of the image.
        to: folder of the image, None for the station's own.
        also: folder of a second copy.
        type: `full`, `partition`, `range` or `live`.
        part: number of the partition, or range as typed, for these types.
        storm: what an E01 does in an error storm: `go-on` or `raw`.
        policy: how hard to try where sectors cannot be read.
        rescued: image and map of a rescue by ddrescue that is taken over.
        planned: the source as it was found before the questions; it must be the same one later.
        reread: read the source a second time and compare it with the image.
        inventory: list what the image holds while it is read back.
    """

    source: bytes
    exhibit: str
    names: tuple[str, ...] | None = None
    verify: str = imaging.NOW
    block_nodes: bool = False
    fields: Mapping[str, object] = field(default_factory=dict)
    happened: str | None = None
    reason: str | None = None
    command: str = ""
    format: str | None = imaging.RAW
    compress: str = codec.FAST
    split: int | None = None
    to: bytes | None = None
    also: bytes | None = None
    type: str = FULL
    part: str | None = None
    storm: str = imaging.GO_ON
    policy: Policy = field(default_factory=Policy)
    rescued: tuple[bytes, bytes] | None = None
    planned: Facts | None = None
    reread: bool = False
    inventory: bool = False

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest algorithms, chosen."""
        return self.names or DEFAULT_NAMES[self.format or imaging.RAW]

    @property
    def is_e01(self) -> bool:
        """Whether the image becomes an E01."""
        return self.format == imaging.E01


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request with what was found before the first read."""

    request: Request
    opened: Opened
    report: Report
    plan: Plan
    typed: Mapping[str, str]
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt: its events, what was asked for and found, how the image was made, the result."""

    work: Work
    job: Job
    order: Order
    made: Imaging


def check_inventory(request: Request) -> None:
    """Refuse an inventory that cannot be made in the same pass.

    Raises:
        UsageError: it needs an image that is read back now.
    """
    if request.inventory and request.verify != imaging.NOW:
        raise UsageError(
            "`--inventory` lists the image while it is read back, so it needs `--verify now`",
            hint="make the inventory afterwards with `evkit inventory run`",
        )


def lister_for(request: Request, work: Work, progress: Progress) -> Lister | None:
    """Return what lists the image when an inventory was asked for; nothing is loaded otherwise."""
    if not request.inventory:
        return None
    from evkit.actions.acquire_inventory import Lister

    return Lister(work, progress)
