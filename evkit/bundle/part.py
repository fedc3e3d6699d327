"""What folder and zip sinks share: the name of an unfinished bundle, modes, exact sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

MODE = 0o444
FLUSH = 64 << 20  # bytes between announced writes of a long file


def part_of(path: bytes) -> bytes:
    """Return the name that a bundle has until it is complete."""
    return path + durable.PART.encode()


def exactly(name: str, blocks: Iterable[bytes], size: int) -> Iterable[bytes]:
    """Yield the blocks; raise InputError unless they are `size` bytes together."""
    done = 0
    for block in blocks:
        done += len(block)
        if done > size:
            break
        yield block
    if done != size:
        raise InputError(
            f"`{name}` is not {size} bytes long any more: it changed while it was read"
        )
