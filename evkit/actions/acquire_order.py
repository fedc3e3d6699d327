"""From a request to the order for an image, and what the journal keeps to give it again."""

from __future__ import annotations

import dataclasses
import os
import shutil
from typing import TYPE_CHECKING, Any

from evkit.acquire import imaging, mapfile
from evkit.acquire.output.rawout import IMAGE
from evkit.acquire.rescue import Policy
from evkit.actions import acquire_places as places
from evkit.actions.acquire_job import Request
from evkit.core import durable, ejson
from evkit.core.errors import InputError
from evkit.core.paths import from_fields, to_fields
from evkit.core.text import escape_bytes
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
        rescued = _taken_over(request.rescued, branches[0].part(IMAGE), facts.size or 0)
    save = None
    if facts.size is not None:
        save = saver(work, kept_of(job, e01))
        save({})
    return imaging.Order(
        folder=work.folder,
        branches=branches,
        names=request.digests,
        format=request.format or imaging.RAW,
        plan=e01,
        split=None if e01 is not None else request.split,
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


def kept_of(job: Job, e01: E01Plan | None) -> dict[str, Any]:
    """Return what the journal keeps beside the state, as JSON."""
    request, facts = job.request, job.opened.facts
    kept: dict[str, Any] = {name: getattr(request, name) for name in _KEPT}
    kept["names"] = list(request.digests)
    kept["source"] = to_fields(request.source)
    kept["size"], kept["sector_size"] = facts.size, facts.sector_size
    kept["typed"] = dict(job.typed)
    kept["policy"] = {"retries": request.policy.retries}
    for name in ("to", "also"):
        folder = getattr(request, name)
        if folder is not None:
            kept[name] = to_fields(os.path.abspath(folder))
    if e01 is not None:
        kept["e01"] = {
            "guid": e01.guid.hex(),
            "segment_size": e01.segment_size,
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
        return Request(
            source=from_fields(kept["source"]),
            names=tuple(kept["names"]),
            policy=Policy(retries=int(kept["policy"]["retries"])),
            **values,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("the journal does not say what was to be acquired") from error


def e01_of(kept: Mapping[str, Any]) -> E01Plan | None:
    """Return the plan of the E01 that the journal keeps, None for a raw image.

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
            segment_size=int(value["segment_size"]),
        )
        pinned = str(value["codec"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("the plan of the image in the journal is malformed") from error
    here = codec.Codec(compression).name
    if pinned != here:
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


def _taken_over(rescued: tuple[bytes, bytes], target: bytes, size: int) -> mapfile.RescueMap:
    """Copy the image of a rescue and return its map."""
    image, chart = rescued
    found = mapfile.read(chart, size)
    if os.path.getsize(image) > size:
        raise InputError(
            f"`{escape_bytes(image)}` is longer than the source", hint="is it of this medium?"
        )
    with durable.storage_errors(target):
        durable.step("create", target)
        shutil.copyfile(image, target)
        os.chmod(target, 0o600)
        os.truncate(target, size)
    return found
