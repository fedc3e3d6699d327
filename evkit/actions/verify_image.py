"""Verification of one file of evidence: against a record at hand, and a container by itself."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from evkit.acquire import decoding
from evkit.core.beside import Beside
from evkit.core.errors import EvkitError, InputError, InterruptedByUserError
from evkit.core.text import escape, escape_bytes
from evkit.images.detect import detect
from evkit.images.e01.names import find_segments, number_of, siblings
from evkit.images.e01.reader import E01Image
from evkit.manifest import contents, facts
from evkit.verify import container
from evkit.verify.report import AUTHORSHIP, CONTENT, HISTORY, RECORD, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evkit.station import Station
    from evkit.verify.supplied import Supplied

_LETTERED = 100  # from this segment on names are letters, as in `.EXE`


def verify_data(
    path: bytes,
    bundles: list[str],
    open_station: Callable[[], Station],
    brought: Supplied,
) -> Report:
    """Compare one file with the record of the bundles named beside it, else of the station.

    Of an E01 the medium is compared as well, and its own digests say whether it is damaged. Only
    content is answered; the record itself is verified by naming the bundle or the case.
    """
    report = Report(escape_bytes(path), "image", no_history=brought.no_history)
    text = "a file by itself says nothing about this; verify the bundle or the case"
    for question in (AUTHORSHIP, RECORD, HISTORY):
        report.undecided(question, "file-alone", text)
    is_container = detect(path).name == "ewf"
    if is_container:
        read, medium = _digested_beside(path, report)
    else:
        read, medium = _read_whole(lambda: _digested(path), report), None
        if (number_of(path) or _LETTERED) < _LETTERED:
            text = "it is named like a segment of an E01 and does not begin like one"
            report.remark("container-form", text)
    if read is None:
        return report
    size, digest = read
    report.shown["sha256"] = digest
    if medium is not None:
        report.shown["sha256 of the medium"] = medium
    matches = []
    records = list(_records(bundles, open_station, report, needed=not is_container))
    for where, made in records:
        matches += list(_matches(made, where, digest, medium))
    if matches:
        report.passed(CONTENT, "file", f"this is {'; '.join(matches)}, {size:,} bytes")
    elif records or not is_container:
        text = (
            "no acquisition of the record at hand has this digest: the file was changed, or is "
            "another"
        )
        report.undecided(CONTENT, "file-unknown", text)
    return report


def _read_whole(work: Callable[[], tuple[int, str]], report: Report) -> tuple[int, str] | None:
    """Return length and digest of the file, None when it cannot be read to its end now."""
    try:
        return work()
    except OSError as error:
        report.unreadable += 1
        text = f"the file cannot be read now: {error.strerror or error}"
        report.undecided(CONTENT, "file-unreadable", text)
        return None


def _digested(path: bytes, stop: threading.Event | None = None) -> tuple[int, str]:
    from evkit.hashing.digests import digest_file

    def go_on(_: int) -> None:
        if stop is not None and stop.is_set():
            raise InterruptedByUserError("stopped by the user")

    size, digests = digest_file(path, ["sha256"], on_bytes=go_on)
    return size, digests["sha256"]


def _digested_beside(path: bytes, report: Report) -> tuple[tuple[int, str] | None, str | None]:
    """Judge an E01 while the file is digested; whatever stops the one stops the other."""
    stop = threading.Event()
    with Beside(lambda: _digested(path, stop)) as beside:
        try:
            medium = _container(path, report)
            return _read_whole(beside.result, report), medium
        except BaseException:  # Ctrl-C among them
            stop.set()
            raise


def _container(path: bytes, report: Report) -> str | None:
    """Judge an E01 by itself; return the SHA-256 of its medium, None where it is not whole."""
    paths = find_segments(path)
    known = siblings(path)
    if path in known.values():
        paths = [known[number] for number in sorted(known)]
    try:
        with E01Image(paths, partial=True) as image:
            if image.is_hollow:
                container.judge_hollow(image, report)
                return None
            decoded = decoding.decode(image, container.names_for(image))
            container.judge(image, decoded, report)
    except InputError as error:
        text = f"the container cannot be opened: {escape(error.message)}"
        report.failed(CONTENT, "container-form", text)
        report.reach.append("the container cannot be opened")
        return None
    except OSError as error:
        report.unreadable += 1
        text = f"the container cannot be read now: {error.strerror or error}"
        report.undecided(CONTENT, "container-unreadable", text)
        return None
    return None if decoded.chunks else decoded.digests["sha256"]


def _records(
    bundles: list[str], open_station: Callable[[], Station], report: Report, *, needed: bool
) -> Iterator[tuple[str, dict[str, object]]]:
    from evkit.actions.bundle_show import show

    for bundle in bundles:
        shown = show(os.fsencode(bundle))
        yield f"bundle `{shown.label}`", dict(shown.manifest.facts)
    if bundles:
        return
    try:
        station = open_station()
    except EvkitError as error:
        text = f"{escape(error.message)}; name a bundle beside the file"
        if needed:
            report.undecided(CONTENT, "no-record", text)
        else:
            report.remark("no-record", f"it was compared with no record: {text}")
        return
    with station:
        yield "this station", facts.facts(list(station.events()))


def _matches(made: dict[str, object], where: str, digest: str, medium: str | None) -> Iterator[str]:
    try:
        acquisitions = contents.acquisitions(made)
    except InputError:
        return
    for ref, acquisition in acquisitions.items():
        media = acquisition.row.get("media")
        recorded = media.get("sha256") if isinstance(media, dict) else None
        if recorded is not None and recorded in {digest, medium}:
            yield f"the content of `{escape(ref)}` in {where}"
        for artifact in acquisition.artifacts:
            if artifact.sha256 == digest:
                yield f"`{escape(artifact.name)}` of `{escape(ref)}` in {where}"
