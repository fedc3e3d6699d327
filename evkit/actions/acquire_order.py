"""From a request to the order for an image, and what the journal keeps to give it again."""

from __future__ import annotations

import dataclasses
import os
import stat
import struct
from typing import TYPE_CHECKING, Any

from evkit.acquire import imaging, mapfile
from evkit.acquire.imaging import Rescued
from evkit.acquire.rescue import Policy
from evkit.actions import acquire_places as places
from evkit.actions.acquire_job import TYPES, Request
from evkit.core import ejson
from evkit.core.errors import EvkitError, InputError
from evkit.core.paths import from_fields, to_fields
from evkit.core.text import escape_bytes
from evkit.hashing.digests import ALGORITHMS
from evkit.images.e01 import codec
from evkit.images.e01.header import Details
from evkit.images.e01.plan import Medium
from evkit.images.e01.plan import Plan as E01Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.acquire.imaging import Order
    from evkit.actions.acquire_job import Job
    from evkit.actions.longwork import Work

_KEPT = ("exhibit", "verify", "block_nodes", "format", "compress", "split", "type", "part", "storm",
         "reason", "command", "reread", "inventory")  # fmt: skip


def order_for(job: Job, work: Work, e01: E01Plan | None) -> Order:
    """Return the order of a new image, with its folders made and the journal able to give it again.

    Raises:
        StorageError: a folder cannot be made, or what is taken over cannot be copied.
        InputError: the map of a rescue is damaged or of another medium.
    """
    request = job.request
    facts = job.opened.facts
    branches = places.branches(request, work.ref, work.folder)
    rescued = None
    if request.rescued is not None:
        rescued = read_rescue(request.rescued, facts.size or 0)
    kept = kept_of(job, e01, rescued)
    save = None
    if facts.size is not None:
        save = saver(work, kept)
        save({})
    return imaging.Order(
        folder=work.folder,
        branches=branches,
        names=request.digests,
        format=request.format or imaging.RAW,
        plan=e01,
        split=raw_split(request, facts.size, [branch.folder for branch in branches]),
        verify=request.verify,
        block_nodes=request.block_nodes,
        policy=request.policy,
        storm=request.storm,
        save=save,
        rescued=rescued,
        reread=request.reread,
    )


def saver(work: Work, kept: Mapping[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Return the function that writes a state into the journal, beside what is kept there."""

    def save(state: Mapping[str, Any]) -> None:
        work.save({**kept, "state": dict(state)})

    return save


def raw_split(request: Request, size: int | None, folders: list[bytes]) -> int | None:
    """Return the most bytes of a file of a raw image; an E01 may have to become one."""
    if not request.is_e01:
        return request.split
    if request.storm != imaging.RAW:
        return None
    as_raw = dataclasses.replace(request, format=imaging.RAW, split=None)
    return places.split_for(as_raw, size, folders)[0]


def kept_of(job: Job, e01: E01Plan | None, rescued: Rescued | None = None) -> dict[str, Any]:
    """Return what the journal keeps beside the state, as JSON."""
    request, facts = job.request, job.opened.facts
    kept: dict[str, Any] = {name: getattr(request, name) for name in _KEPT}
    kept["names"] = list(request.digests)
    kept["source"] = to_fields(os.path.abspath(request.source))
    kept["size"], kept["sector_size"] = facts.size, facts.sector_size
    kept["typed"] = dict(job.typed)
    kept["policy"] = {"retries": request.policy.retries}
    if request.policy.give_up_seconds is not None:
        kept["policy"]["give_up_ms"] = round(request.policy.give_up_seconds * 1000)
    if facts.window is not None:
        kept["window"] = [*facts.window, facts.source_size or 0]
    if isinstance(job.plan.values.get("scope"), str):
        kept["scope"] = job.plan.values["scope"]
    if rescued is not None and request.rescued is not None:
        paths = [to_fields(os.path.abspath(path)) for path in request.rescued]
        kept["rescued"] = {"image": paths[0], "map": paths[1], "taken": rescued.taken}
    for name in ("to", "also"):
        folder = getattr(request, name)
        if folder is not None:
            kept[name] = to_fields(os.path.abspath(folder))
    if e01 is not None:
        kept["e01"] = {
            "guid": e01.guid.hex(),
            "segment_size": e01.segment_size,
            "group": e01.group,
            "medium": dataclasses.asdict(e01.medium),
            "details": dataclasses.asdict(e01.details),
            "codec": codec.Codec(e01.compression).name,
        }
    return dict(ejson.as_object(ejson.loads(ejson.dumps(_without_none(kept))), "the journal"))


def request_of(kept: Mapping[str, Any]) -> Request:
    """Return the request that the journal keeps.

    Raises:
        InputError: it is malformed.
    """
    try:
        values: dict[str, Any] = {name: kept[name] for name in _KEPT if name in kept}
        for name in ("to", "also"):
            if name in kept:
                values[name] = from_fields(kept[name])
        if "rescued" in kept:
            values["rescued"] = tuple(
                from_fields(kept["rescued"][name]) for name in ("image", "map")
            )
        if "scope" in kept:
            values["fields"] = {"scope": str(kept["scope"])}
        milliseconds = kept["policy"].get("give_up_ms")
        return _checked(
            Request(
                source=from_fields(kept["source"]),
                names=_names(kept["names"]),
                policy=Policy(
                    retries=_number(kept["policy"]["retries"]),
                    give_up_seconds=None if milliseconds is None else _number(milliseconds) / 1000,
                ),
                **values,
            )
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("the journal does not say what was to be acquired") from error


def _checked(request: Request) -> Request:
    """Return a request whose fields are all such as a command line gives.

    Raises:
        ValueError: one is not.
    """
    split: object = request.split
    flags: list[object] = [request.block_nodes, request.reread, request.inventory]
    texts: list[object] = [request.part, request.reason, request.command]
    exhibit: object = request.exhibit
    good = (
        set(request.digests) <= set(ALGORITHMS)
        and "sha256" in request.digests
        and request.verify in {imaging.NOW, imaging.LATER, imaging.NONE}
        and request.format in {imaging.RAW, imaging.E01}
        and request.compress in codec.COMPRESSIONS
        and request.storm in {imaging.RAW, imaging.GO_ON}
        and request.type in TYPES
        and all(isinstance(flag, bool) for flag in flags)
        and isinstance(exhibit, str)
        and (split is None or (type(split) is int and split > 0))
        and all(isinstance(text, (str, type(None))) for text in texts)
    )
    if not good:
        raise ValueError("not a request")
    return request


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("no names")
    return tuple(value)


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a number")
    return value


def e01_of(kept: Mapping[str, Any], *, closing: bool = False) -> E01Plan | None:
    """Return the plan of the E01 that the journal keeps, None for a raw image.

    Args:
        kept: what the journal keeps.
        closing: nothing but zeros will be added, which any codec may store.

    Raises:
        InputError: it is malformed, or was made with another version of the codec.
    """
    value = kept.get("e01")
    if value is None:
        return None
    try:
        compression = str(kept["compress"])
        plan = E01Plan(
            medium=Medium(**value["medium"]),
            details=Details(**value["details"]),
            guid=bytes.fromhex(value["guid"]),
            compression=compression,
            segment_size=_number(value["segment_size"]),
            group=_number(value["group"]),
        )
        pinned = str(value["codec"])
        plan.prefix(1)  # all that the container says can be written
    except (KeyError, TypeError, ValueError, AttributeError, struct.error, EvkitError) as error:
        raise InputError("the plan of the image in the journal is malformed") from error
    here = codec.Codec(compression).name
    if pinned != here and not closing:
        raise InputError(
            f"the image was begun with `{pinned}`, here is `{here}`",
            hint="install that version again to go on, or record the work with `--finish`",
        )
    return plan


def _without_none(value: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, part in value.items():
        if isinstance(part, dict):
            found[name] = _without_none(part)
        elif part is not None:
            found[name] = part
    return found


def read_rescue(rescued: tuple[bytes, bytes], size: int) -> Rescued:
    """Return a rescue that is to be taken over.

    Raises:
        InputError: its image is absent or longer than the source, or its map is damaged or of
            another medium.
    """
    image, chart = rescued
    shown = escape_bytes(image)
    try:
        found_as = os.stat(image)
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error
    if not stat.S_ISREG(found_as.st_mode):  # a pipe or a device has no end that could be trusted
        raise InputError(f"`{shown}` is not a regular file", hint="name the image of the rescue")
    length = found_as.st_size
    if length > size:
        raise InputError(f"`{shown}` is longer than the source", hint="is it of this medium?")
    found = mapfile.read(chart, size)
    if any(start + count > length for start, count in found.ranges(mapfile.FINISHED)):
        raise InputError(
            f"`{shown}` ends at byte {length}, before what its map says was read",
            hint="is this the map of that image, and the image whole?",
        )
    return Rescued(image=image, map=found, taken=found.total(mapfile.FINISHED))
