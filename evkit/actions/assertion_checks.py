"""Assertions about what is acquired: sources, sectors, accuracy, errors, the source unchanged.

Each function tries one on a `Bench` and returns what was done and found.
"""

from __future__ import annotations

import hashlib
import os
import platform
from typing import TYPE_CHECKING

from evkit.acquire import drive, imaging, mapfile, preflight, source
from evkit.acquire.output.branch import MASTER, Branch
from evkit.acquire.output.rawout import Places
from evkit.acquire.rescue import Policy, Rescue
from evkit.actions.assertion_bench import (
    NAMES,
    SECTOR,
    FailingMedium,
    NotTestedError,
    content_of,
    need,
)
from evkit.core.errors import EvkitError, StorageError
from evkit.images.e01.reader import E01Image

if TYPE_CHECKING:
    from evkit.actions.assertion_bench import Bench, Made

BAD = ((4096 + 512, 512), (1 << 20, 70 * 512), ((3 << 20) - 1024, 512))
_SIZES = (512, 32768 - 512, 32768, 32768 + 512, (4 << 20) + 512)
_HPA = " max sectors   = 1000/2000, HPA is enabled\n"
_NO_HPA = " max sectors   = 2000/2000, HPA is disabled\n"
_REAL = 3000
_DCO = "DCO Checksum verified.\nDCO Revision: 0x0002\nReal max sectors: 3000\n"


def interface(bench: Bench) -> str:
    """Read through the access that is at hand."""
    complete(bench.raw)
    piped = bench.piped()
    complete(piped)
    need(content_of(piped) == bench.content, "what came through a pipe differs from the source")
    return "a file and a pipe; no block device is at hand in a selftest"


def kind(bench: Bench) -> str:
    """Acquire the kind of source that is at hand."""
    made = bench.e01
    complete(made)
    return f"a file of {len(bench.content):,} bytes with sectors of {SECTOR} bytes"


def environment(bench: Bench) -> str:
    """Run where this is run."""
    complete(bench.raw)
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def file_systems(bench: Bench) -> str:
    """Make images on the file systems at hand."""
    found = {}
    folders = [bench.folder, b"/dev/shm"]
    for folder in folders:
        name = preflight.file_system(folder) if os.path.isdir(folder) else None
        if name is None or name in found or not os.access(folder, os.W_OK):
            continue
        found[name] = folder
    if not found:
        complete(bench.raw)
        return "the file system of the temporary folder, which the system does not name"
    for name, folder in found.items():
        made = bench.raw
        if folder != bench.folder:
            made = _elsewhere(bench, folder)
        need(made.imaging.result == imaging.COMPLETE, f"no image could be made on {name}")
    return f"{', '.join(sorted(found))}; no other is at hand"


def _elsewhere(bench: Bench, folder: bytes) -> Made:
    import shutil
    import tempfile

    place = tempfile.mkdtemp(prefix=b"evkit-selftest-", dir=folder)
    try:
        made = bench.acquire(imaging.RAW, folder=place)
        need(content_of(made) == bench.content, "the image differs from the source")
        return made
    finally:
        shutil.rmtree(place, ignore_errors=True)


def visible_sectors(bench: Bench) -> str:
    """Acquire media of odd lengths to their last byte."""
    for size in _SIZES:
        path = bench.write(f"medium-{size}.dd", bench.content[-size:])
        for form in (imaging.RAW, imaging.E01):
            made = bench.acquire(form, path)
            complete(made)
            need(made.imaging.bytes_read == size, f"{form}: {size} bytes were not all read")
            need(content_of(made) == bench.content[-size:], f"{form} of {size} bytes differs")
    return f"raw and E01 of {', '.join(f'{size:,}' for size in _SIZES)} bytes, to the last sector"


def hidden_sectors(_: Bench) -> str:
    """Read recorded answers about hidden areas; no drive is at hand."""
    area = drive.protected_area(_HPA)
    need((area.accessible, area.native, area.hidden) == (1000, 2000, 1000), "an HPA is misread")
    need(drive.protected_area(_NO_HPA).hidden == 0, "an HPA is read where there is none")
    need(drive.configured(_DCO) == _REAL, "a DCO is misread")
    for text in ("", " max sectors = 2000/1000, HPA is enabled\n", "/dev/sda: No such device"):
        try:
            drive.protected_area(text)
        except EvkitError:
            continue
        need(holds=False, text=f"`{text.strip()}` is read as an answer")
    raise NotTestedError("no drive at hand; its recorded answers about HPA and DCO are read right")


def accurate(bench: Bench) -> str:
    """Compare images with the source byte by byte, and digests with another library call."""
    for made in (bench.raw, bench.e01):
        complete(made)
        need(content_of(made) == bench.content, f"{made.imaging.format} differs from the source")
        outcome = made.imaging.outcome
        for name in NAMES:
            known = hashlib.new(name, bench.content, usedforsecurity=False).hexdigest()
            found = outcome.digests[name] if outcome is not None else ""
            need(found == known, f"{name} of the medium is not that of the source")
    return "raw and E01 byte by byte, MD5, SHA-1 and SHA-256"


def errors_reported(bench: Bench) -> str:
    """Rescue a failing medium, and lose the end of a file: all ranges are named."""
    _, chart = _rescued(bench)
    bad = list(chart.ranges(mapfile.BAD))
    need(bad == sorted(BAD), f"reported {bad}, unreadable are {sorted(BAD)}")
    known = chart.total(mapfile.FINISHED, mapfile.BAD)
    need(known == chart.size, "a part of the medium is neither read nor reported")
    made, lost = _cut_short(bench)
    need(made.imaging.result == imaging.WITH_GAPS, "a loss is called complete")
    need(made.imaging.gaps == [lost], f"reported {made.imaging.gaps}, lost is {[lost]}")
    with E01Image(made.paths) as image:
        need(list(image.declared_gaps) == [lost], "the error list of the E01 is another one")
    return f"{len(BAD)} ranges of a failing medium in the map; a lost end in result and E01"


def benign_fill(bench: Bench) -> str:
    """Zeros stand for what cannot be read, and for nothing else."""
    image, _ = _rescued(bench)
    wanted = bytearray(bench.content)
    for start, length in BAD:
        wanted[start : start + length] = bytes(length)
    need(image == wanted, "other bytes than the unreadable ones are zeros, or they are not")
    made, (start, length) = _cut_short(bench)
    filled = bench.content[:start] + bytes(length)
    need(content_of(made) == filled, "E01: the end that was lost is not zeros, or more is")
    return "zeros exactly there in raw and E01; the sectors beside them are as on the medium"


def source_unchanged(bench: Bench) -> str:
    """Compare the source before and after."""
    before = os.stat(bench.medium)
    opened = source.open_source(bench.medium)
    try:
        _read_only(opened.descriptor)
    finally:
        opened.close()
    made = bench.acquire(imaging.RAW)
    complete(made)
    after = os.stat(bench.medium)
    same = all(
        getattr(before, name) == getattr(after, name)
        for name in ("st_size", "st_mtime_ns", "st_mode", "st_ino")
    )
    need(same, "size, time of modification or mode of the source changed")
    with open(bench.medium, "rb") as handle:
        need(handle.read() == bench.content, "the content of the source changed")
    return "opened for reading only; content, length, mode and time of modification are the same"


def _read_only(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # no such question on Windows; the write below would be refused as well
        return
    mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    need(mode == os.O_RDONLY, "the source is opened for writing")


def complete(made: Made) -> None:
    """Require that an image was made without gaps."""
    result, error = made.imaging.result, made.imaging.error
    need(result == imaging.COMPLETE, f"the image is `{result}`{f': {error}' if error else ''}")


def _rescued(bench: Bench) -> tuple[bytes, mapfile.RescueMap]:
    """Rescue a failing medium into a raw image; return its bytes and the map."""
    folder = bench.place()
    chart = mapfile.RescueMap(len(bench.content))
    branch = Branch(copy=MASTER, folder=folder)
    places = Places((branch,), chart.size)
    try:
        Rescue(FailingMedium(bench.content, BAD), chart, Policy()).run(places.put)
        places.sync()
    finally:
        places.close()
    (name,) = os.listdir(folder)
    with open(os.path.join(folder, name), "rb") as handle:
        return handle.read(), chart


def _cut_short(bench: Bench) -> tuple[Made, tuple[int, int]]:
    """Acquire a file that loses its end after it was opened; return the image and what is lost."""
    end = len(bench.content) - 7 * SECTOR
    path = bench.write("cut.dd", bench.content)
    return bench.acquire(imaging.E01, path, lose=end), (end, 7 * SECTOR)


def no_space(bench: Bench) -> str:
    """Ask for more room than there is."""
    free = preflight.room(bench.folder)
    if free is None:
        raise NotTestedError("this system does not say how much room there is")
    facts = source.Facts(path=b"-", kind="file", size=4 * free + (1 << 40))
    try:
        preflight.examine(facts, bench.folder, ask_drive=False)
    except StorageError as error:
        return f"refused before the first read: {error.message.split('` ', 1)[-1]}"
    need(holds=False, text="a medium larger than the free room is not refused")
    return ""
