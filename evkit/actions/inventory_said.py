"""What an inventory adds up to, and what it could not read, in lines for people."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from evkit.inventory.search.places import Places
from evkit.inventory.sentences import sentence, wrapped
from evkit.manifest.rows import GAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evkit.inventory.database.reader import Inventory

_SHOWN = 12
_SEE = "  … more, see `evkit inventory list --problems`"


def coverage_lines(coverage: Mapping[str, Any]) -> list[str]:
    """Return the totals as sentences, at most 80 columns wide."""
    size, names, streams = coverage["bytes"], coverage["names"], coverage["streams"]
    folders, systems = coverage["directories"], coverage["filesystems"]
    lines = []
    if size["image"] or not systems["found"]:
        lines.append(
            f"image {size['image']:,} bytes = partitions {size['partitions']:,}"
            f" + gaps {size['gaps']:,}"
        )
        lines.append(
            f"file systems {systems['found']:,} = listed {systems['listed']:,}"
            f" + damaged or not readable {systems['failed']:,}"
        )
    elif systems["found"] > 1:
        lines.append(
            f"tree with archives {systems['found']:,} = listed {systems['listed']:,}"
            f" + damaged or not readable {systems['failed']:,}"
        )
    lines += [
        (
            f"directories {folders['found']:,} = listed {folders['listed']:,}"
            f" + skipped {folders['skipped']:,} + not readable {folders['failed']:,}"
        ),
        f"names {names['listed']:,} = in use {names['allocated']:,} + deleted {names['deleted']:,}",
        (
            f"streams {streams['listed']:,} = digested {streams['digested']:,}"
            f" + skipped {streams['skipped']:,} + not readable {streams['failed']:,}"
        ),
        f"digested {size['digested']:,} bytes; errors {coverage['errors']:,}",
    ]
    orphans, spaces = coverage["orphans"], coverage["spaces"]
    if orphans["listed"] or orphans["left_out"]:
        lines.append(
            f"deleted records without a name: taken {orphans['listed']:,}, left out"
            f" {orphans['left_out']:,}"
        )
    if spaces["listed"]:
        lines.append(
            f"slack and free space {spaces['listed']:,} = digested {spaces['digested']:,}"
            f" + left out {spaces['skipped']:,} + not readable {spaces['failed']:,}"
        )
    return lines


def digested_lines(digested: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Say how much was digested while the image was read back, and how much was read again."""
    way, again = digested["on_the_way"], digested["read_again"]
    return [
        f"digested during the read-back {way['streams']:,} streams, {way['bytes']:,} bytes",
        f"read again {again['streams']:,} streams, {again['bytes']:,} bytes",
    ]


def problem_rows(inventory: Inventory) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number, row) of what could not be read, the widest things first."""
    yield from inventory.rows("error")
    for kind in ("filesystem", "partition", "directory", "stream", "name", "space"):
        yield from inventory.in_states(kind, GAPS)


def is_deleted(inventory: Inventory, row: Mapping[str, Any]) -> bool:
    """Say whether a row is about something deleted: no name in use leads to it."""
    if "allocated" in row:
        return not row["allocated"]
    if row.get("basis") == "allocated" or "fs" not in row or "inode" not in row:
        return False
    names = [
        name
        for _, name in inventory.joined("name", row["fs"], row["inode"])
        if "seq" in name and name["seq"] == row.get("seq", name["seq"])
    ]
    known = bool(names) or str(row.get("basis", "")).startswith("deleted")
    return known and not any(name["allocated"] for name in names)


def first_problems(inventory: Inventory) -> tuple[tuple[str, ...], str]:
    """Return a sentence for each of the first rows that could not be read.

    Returns:
        (sentences, what is said of the others, empty when there are none).
    """
    found = list(itertools.islice(problem_rows(inventory), _SHOWN + 1))
    say = said(inventory)
    return tuple(say(*item) for item in found[:_SHOWN]), _SEE if len(found) > _SHOWN else ""


def said(inventory: Inventory) -> Callable[[int, Mapping[str, Any]], str]:
    """Return what gives the sentence for (number, row), with the path that it is about."""
    places = Places(inventory)
    return lambda number, row: sentence(number, row, places.of(number, row), several=places.several)


def problem_lines(sentences: Sequence[str], more: str) -> list[str]:
    """Return what could not be read as lines of at most 80 columns; none for none."""
    if not sentences:
        return []
    return ["could not be read:", *wrapped(sentences), *([more] if more else [])]
