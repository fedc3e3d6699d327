"""Taking in an image that another tool made: its files, its medium, and what it says of itself.

The files are copied under neutral names and digested as files; the medium is decoded from the
copies and digested as a medium, so that both are on record. Digests that the container, its logs or
the officer state are compared; the strongest claim is *first digested here*.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evkit.acquire import engine, expect, gaps, imaging, taking
from evkit.acquire.imaging import COMPLETE, WITH_GAPS, Artifact
from evkit.acquire.reading import ImageReader
from evkit.core import durable
from evkit.core.errors import InputError, UsageError
from evkit.core.ranges import Range, merge, total
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes
from evkit.hashing import piecefile
from evkit.hashing.digests import ALGORITHMS
from evkit.images import detect
from evkit.images.opening import CHAINS, find_files, open_image
from evkit.ledger.event import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.acquire.stopping import Stop
    from evkit.acquire.taking import Content
    from evkit.actions.intake_job import Job, Taken
    from evkit.core.progress import Progress
    from evkit.images.model import Image

MAX_SEGMENTS = 200  # listed in the event itself
_LOG_MAX = 16 << 20
_SHOWN = 16
_VALUE = 200
_EXTENSIONS = {"vmdk": b".vmdk", "vhd": b".vhd", "vhdx": b".vhdx", "qcow": b".qcow2"}


def take_image(job: Job, folder: bytes, stop: Stop, progress: Progress, taken: Taken) -> None:
    """Take an image with its logs into the acquisition folder, or digest it in place.

    Raises:
        EvkitError: the image cannot be opened, the destination fails, the user stops.
    """
    request = job.request
    kind, files, logs = _sort(request.paths)
    if len(files) > MAX_SEGMENTS:
        raise InputError(
            f"the image has {len(files)} segments, over the limit of {MAX_SEGMENTS}",
            hint="have it exported in larger segments, or take it in with `--kind files`",
        )
    with open_image(files[0], files):
        pass  # what is missing or swapped is said before anything is copied
    stated = _stated(job, logs, taken)
    algorithms = _names(request.names, stated)
    progress.begin("intake", job.total)
    with stop.heard_at_once():
        segments = _copy_segments(job, folder, (kind, files), algorithms, taken)
        places = [segment.place for segment in segments]
        with _as_given(places, files), open_image(places[0], places) as image:
            held = [("container", name, value) for name, value in image.stored_digests.items()]
            algorithms = _names(algorithms, held)
            reader = ImageReader(image)
            outcome = _whole(segments, kind, algorithms) or engine.read_all(
                reader, engine.Order(names=algorithms, expected=image.size)
            )
            _describe(image, outcome, reader.gaps, taken, kind)
            taken.remarks += [_renamed(text, places, files) for text in image.remarks]
        for number, path in enumerate(logs, 1):
            _take_log(path, number, folder, taken, in_place=request.in_place)
    progress.end("intake", taken.bytes)
    stated = [*held, *stated]
    if stated:
        taken.table = expect.against_digests(stated, outcome.digests, _of_files(segments))
    else:
        taken.remarks.append("neither the container nor a log states a digest of the medium")
    _name_all(folder, outcome, taken)


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """One file of the image: where it can be read now, and what was found of it."""

    place: bytes
    content: Content


def _stated(job: Job, logs: Sequence[bytes], taken: Taken) -> list[tuple[str, str, str]]:
    """Return the digests that logs and the officer state: (source, algorithm, hex)."""
    found: list[tuple[str, str, str]] = []
    for path in logs:
        pairs = expect.read_log(path, _LOG_MAX)
        if not pairs:
            shown = escape_bytes(os.path.basename(path))
            taken.remarks.append(f"no digest was recognised in the log {shown}")
        found += [("vendor-log", name, value) for name, value in pairs]
    expected = job.expected
    if expected is None:
        return found
    if expected.digest is None or expected.algorithm is None:
        raise UsageError(
            "an image has one medium and one digest of it",
            hint="give the digest of the medium with `--expect`, a log as a further path",
        )
    return [*found, ("officer", expected.algorithm, expected.digest)]


def _whole(
    segments: Sequence[_Segment], kind: str, algorithms: Sequence[str]
) -> engine.Outcome | None:
    """Return the outcome when the one file is the medium and was digested as such already."""
    content = segments[0].content
    if len(segments) > 1 or kind != "raw" or content.pieces is None or content.digests is None:
        return None
    if not set(algorithms) <= set(content.digests):
        return None
    return engine.Outcome(size=content.size, digests=content.digests, pieces=content.pieces)


def _of_files(segments: Sequence[_Segment]) -> set[tuple[str, str]]:
    """Return the digests of the files, which some logs state beside those of the medium."""
    return {pair for segment in segments for pair in (segment.content.digests or {}).items()}


def _sort(paths: Sequence[bytes]) -> tuple[str, list[bytes], list[bytes]]:
    """Return the format, the files of the image in order, and the other files: its logs."""
    kind, files = find_files(paths[0])
    whole = {os.path.realpath(path) for path in files}
    logs = [path for path in paths[1:] if os.path.realpath(path) not in whole]
    for path in logs:
        if not os.path.isfile(path) or os.path.getsize(path) > _LOG_MAX:
            raise UsageError(
                f"`{escape_bytes(path)}` is no part of the image and no log",
                hint="name one image, then its logs; take other images in by themselves",
            )
    return kind.name, files, logs


def _copy_segments(
    job: Job,
    folder: bytes,
    image: tuple[str, list[bytes]],
    algorithms: Sequence[str],
    taken: Taken,
) -> list[_Segment]:
    """Copy and digest each file of the image (its kind, its files in order)."""
    kind, files = image
    segments: list[_Segment] = []
    originals: list[str] = []
    for number, path in enumerate(files):
        name = neutral_segment(kind, number, path, len(files))
        part = os.path.join(folder, name + durable.PART.encode())
        target = None if job.request.in_place else part
        content = taking.take(path, target, algorithms, reread=job.request.reread)
        if content.digests is None:
            raise InputError(
                f"`{escape_bytes(path)}` cannot be read: {content.reason}",
                hint="acquire the medium it lies on as an image; evkit guesses nothing",
            )
        shown = escape_bytes(os.path.basename(path))
        if content.state == taking.CHANGED:
            taken.changed.append(f"{shown}: {content.reason}")
        sha256 = content.digests["sha256"]
        if target is not None:
            role = "image" if len(files) == 1 and kind == "raw" else "segment"
            artifact = Artifact(name=name.decode(), role=role, size=content.size, sha256=sha256)
            taken.artifacts.append(artifact)
        originals.append(f"{shown} sha256:{sha256}")
        taken.files += 1
        taken.bytes += content.size
        segments.append(_Segment(place=target or path, content=content))
    shown_names = originals if job.request.in_place else originals[:_SHOWN]
    taken.values["source"] = {
        "folder": escape_bytes(os.path.dirname(os.path.abspath(files[0]))),
        "segments": shown_names,
        "segment_count": len(files),
    }
    return segments


def neutral_segment(kind: str, number: int, path: bytes, count: int) -> bytes:
    """Return the name of a file of the image in the acquisition folder."""
    if kind == "ewf":
        from evkit.images.e01.layout import segment_extension

        first = os.path.splitext(path)[1][1:2].upper()
        return b"image" + segment_extension(number + 1, first if first in {b"E", b"S"} else b"E")
    if kind == "ewf2":
        from evkit.images import ex01

        return b"image" + ex01.segment_extension(number + 1)
    if kind in CHAINS:  # the container names the others inside; evkit tells them by their order
        own = kind if number == 0 else detect.detect(path).name
        stem = b"image" if number == 0 else b"image-%03d" % number
        return stem + _EXTENSIONS.get(own, b".raw")
    return b"image.raw" if count == 1 else b"image.%03d" % (number + 1)


@contextlib.contextmanager
def _as_given(places: Sequence[bytes], files: Sequence[bytes]) -> Iterator[None]:
    """Let errors speak of the files as they were given, never of the copies in the station."""
    try:
        yield
    except InputError as error:
        raise InputError(
            _given(error.message, places, files),
            hint=error.hint and _given(error.hint, places, files),
            details={key: _given(text, places, files) for key, text in error.details.items()},
        ) from error


def _given(text: str, places: Sequence[bytes], files: Sequence[bytes]) -> str:
    for place, path in zip(places, files, strict=True):
        text = text.replace(escape_bytes(place), escape_bytes(path))
    stem = escape_bytes(os.path.splitext(places[0])[0])  # of a segment that is missing
    return text.replace(stem, escape_bytes(os.path.splitext(files[0])[0]))


def _renamed(text: str, places: Sequence[bytes], files: Sequence[bytes]) -> str:
    """Let a remark, which names files by the last part of their path, speak of those given."""
    for place, path in zip(places, files, strict=True):
        old, new = (escape_bytes(os.path.basename(name)) for name in (place, path))
        text = text.replace(f"`{old}`", f"`{new}`")
    return text


def _names(wanted: Sequence[str], stated: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Return the algorithms that are needed, in the order of `ALGORITHMS`."""
    names = {*wanted, *(name for _, name, _ in stated), "sha256"}
    return tuple(name for name in ALGORITHMS if name in names)


def _describe(
    image: Image,
    outcome: engine.Outcome,
    unread: list[Range],
    taken: Taken,
    kind: str,
) -> None:
    media: dict[str, object] = {
        "size": outcome.size,
        **outcome.digests,
        "pieces": outcome.pieces.fields(),
    }
    if image.sector_size:
        media["sector_size"] = image.sector_size
    taken.values |= {"media": media, "made_by": "other-tool", "format": image.format}
    tool = {
        key[:64]: escape(value)[:_VALUE]
        for key, value in image.metadata.items()
        if value.strip() and key.isascii()
    }
    taken.values["tool"] = {"format": kind, **tool}
    decoder, source = getattr(image, "decoder", ""), taken.values.get("source")
    if decoder and isinstance(source, dict):
        source["decoded_by"] = decoder
    taken.subjects.append(Subject("", dict(outcome.digests)))
    lost = merge(unread)
    declared = [pair for pair in merge(image.declared_gaps) if pair[0] < outcome.size]
    taken.result = WITH_GAPS if lost or declared else COMPLETE
    if lost or declared:
        everything = merge([*lost, *declared])
        taken.values["unread"] = {
            **gaps.fields(everything, fill="as in the container"),
            "not_decoded": total(lost),
            "declared_by_tool": total(declared),
        }
        taken.remarks.append(
            f"{in_words(total(everything))} of the medium could not be read, by evkit "
            f"({total(lost):,}) or by the tool that made the image ({total(declared):,})"
        )


def _take_log(path: bytes, number: int, folder: bytes, taken: Taken, *, in_place: bool) -> None:
    name = b"vendor-log-%d.txt" % number
    target = None if in_place else os.path.join(folder, name + durable.PART.encode())
    content = taking.take(path, target, ("sha256",))
    if content.digests is None:
        raise InputError(f"`{escape_bytes(path)}` cannot be read: {content.reason}")
    if target is not None:
        sha256 = content.digests["sha256"]
        taken.artifacts.append(
            Artifact(name=name.decode(), role="vendor-log", size=content.size, sha256=sha256)
        )


def _name_all(folder: bytes, outcome: engine.Outcome, taken: Taken) -> None:
    """Give every file its name, the files of the image last."""
    path = os.path.join(folder, imaging.PIECES)
    data = piecefile.write_pieces(path, outcome.pieces)
    pieces = imaging.artifact(imaging.PIECES, "pieces", data)
    for artifact in sorted(taken.artifacts, key=lambda a: a.role in {"image", "segment"}):
        target = os.path.join(folder, artifact.name.encode())
        with durable.storage_errors(target):
            durable.rename_new(target + durable.PART.encode(), target)
    taken.artifacts.append(pieces)
