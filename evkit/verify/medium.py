"""The medium in the recorded containers: decoded once more and compared with its record.

The digests of the segment files were compared before, as files; this is about what they decode to,
which is what other containers, other copies and inventories are compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evkit.core.errors import InputError
from evkit.core.ranges import merge, total
from evkit.core.text import escape, shorten
from evkit.hashing import piecefile, pieces
from evkit.images.detect import detect
from evkit.images.e01.decodeall import Decoded, decode_all
from evkit.images.e01.reader import E01Image
from evkit.manifest import contents
from evkit.verify.report import CONTENT
from evkit.verify.sources import MAX_PIECES, Keeper

if TYPE_CHECKING:
    from collections.abc import Collection

    from evkit.hashing.pieces import PieceTree
    from evkit.manifest.contents import Acquisition
    from evkit.verify.report import Report
    from evkit.verify.sources import Source

MAX_SHOWN: Final = 3
_WIDTH: Final = 200
NAMES: Final = ("sha256", "sha512", "sha1", "md5")
PIECES: Final = "pieces"


def check_medium(
    acquisition: Acquisition,
    source: Source,
    report: Report,
    names: Collection[str],
    *,
    changed: bool,
) -> None:
    """Decode a recorded container and compare its medium; say so where that cannot be done.

    Args:
        acquisition: what was recorded.
        source: where the files are.
        report: takes the findings.
        names: the artifacts that were compared as files.
        changed: a file was not as recorded.
    """
    ref = escape(acquisition.ref)
    parts = acquisition.of_role(*contents.CONTENT_ROLES)
    paths = [source.path(acquisition.ref, part.name) for part in parts if part.name in names]
    here = [path for path in paths if path is not None]
    media = acquisition.row["media"]
    algorithms = [name for name in NAMES if name in media]
    if not algorithms and PIECES not in media:
        _not_decoded(acquisition, report, "no digest of the medium is recorded")
        return
    if not any(source.place(acquisition.ref, part.name) for part in parts):
        return  # none of its files is here, which has its own finding
    if len(here) < len(parts):
        _not_decoded(acquisition, report, "it needs all segments as files of their own")
        return
    try:
        kind = detect(here[0])
        if not kind.readable or kind.group != "container":
            text = f"the image of `{ref}` is recorded as a container, and its file is none that "
            text += f"evkit takes for one, but a {kind.title}"
            report.failed(CONTENT, "media-form", text, ref)
            return
        if kind.name != "ewf":
            _not_decoded(acquisition, report, "evkit has no trusted decoder for its kind")
            return
        pieces_then = recorded_pieces(acquisition, source)
        blocks = pieces_then is not None and pieces_then.block_nodes is not None
        with E01Image(here, partial=True) as image:
            _need_substance(image)
            decoded = decode_all(image, algorithms, block_nodes=blocks)
    except InputError as error:
        text = f"the container of `{ref}` cannot be decoded: {escape(error.message)}"
        report.failed(CONTENT, "media-form", text, ref)
        return
    except OSError as error:
        report.unreadable += 1
        text = f"the container of `{ref}` cannot be read now: {error.strerror or error}"
        report.undecided(CONTENT, "media-unreadable", text, ref)
        return
    _declared(acquisition, image, report)
    same = _compare(acquisition, decoded, pieces_then, report)
    if same and changed:
        text = f"files of the container of `{ref}` changed, the medium in it is as recorded"
        report.remark("container-changed", text, acquisition.row["entry"])


def _need_substance(image: E01Image) -> None:
    if image.is_hollow:
        raise InputError(f"{image.lacking:,} chunks of its medium are not in its files")


def _declared(acquisition: Acquisition, image: E01Image, report: Report) -> None:
    """Remark what the container says its maker could not read, and its record does not say."""
    there = merge(image.declared_gaps)
    within = total((at, min(length, image.size - at)) for at, length in there if at < image.size)
    unread = acquisition.row.get("unread")
    stated = unread.get("bytes") if isinstance(unread, dict) else None
    known = stated if isinstance(stated, int) else 0
    slack = 2 * (image.sector_size or 0) * len(there)  # the container widens to whole sectors
    if within and (not known or within > known + slack):
        entry = acquisition.row["entry"]
        text = f"the container of `{escape(acquisition.ref)}` says that its maker could not read "
        text += f"{within:,} bytes of the medium; entry {entry} records {known:,}"
        report.remark("container-unread", text, entry)


def _not_decoded(acquisition: Acquisition, report: Report, why: str) -> None:
    text = (
        f"the image of `{escape(acquisition.ref)}` is a container; its files were compared, "
        f"what they decode to was not: {why}"
    )
    report.remark("container", text, acquisition.row["entry"])


def _compare(
    acquisition: Acquisition, decoded: Decoded, recorded: PieceTree | None, report: Report
) -> bool:
    """Compare size and digests of the medium, say where it differs, and whether it is the same."""
    ref = escape(acquisition.ref)
    media = acquisition.row["media"]
    unread = [lost for lost in decoded.lost if lost.unread]
    if unread:
        report.unreadable += len(unread)
        text = f"the medium of `{ref}` could not be read whole: {unread[0].text}"
        report.undecided(CONTENT, "media-unreadable", text, ref)
        return False
    wrong = [
        (name, str(media[name]), found)
        for name, found in decoded.digests.items()
        if media[name] != found
    ]
    tree: object = decoded.pieces.fields()
    if not wrong and media.get(PIECES, tree) != tree:
        wrong = [(PIECES, tree_of(media[PIECES]), tree_of(tree))]
    if decoded.size == media.get("size", decoded.size) and not wrong:
        return True
    text = f"the medium that the container of `{ref}` decodes to is not what was recorded"
    expected, found = f"{media.get('size')} bytes", f"{decoded.size} bytes"
    if wrong:
        name, value, made = wrong[0]
        expected, found = f"{name} {value}", f"{name} {made}"
    text += _where(decoded, recorded)
    report.failed(CONTENT, "media-digest", text, ref, escape(expected), found)
    return False


def _where(decoded: Decoded, recorded: PieceTree | None) -> str:
    """Return the places: chunks that are damaged, and bytes that the recorded pieces name."""
    text = ""
    if decoded.lost:
        shown = [lost.text for lost in decoded.lost[:MAX_SHOWN]]
        more = " …" if len(decoded.lost) > MAX_SHOWN else ""
        text += f"; {decoded.chunks:,} chunks cannot be decoded: {'; '.join(shown)}{more}"
    if recorded is None:
        return text
    ranges = pieces.locate(recorded, decoded.pieces)
    return text + shown_ranges(ranges, "; it differs within bytes")


def tree_of(value: object) -> str:
    """Return the recorded fields of a piece tree in words."""
    known = value if isinstance(value, dict) else {}
    return escape(shorten(f"{known.get('root', value)} of {known.get('size')} bytes", _WIDTH))


def recorded_pieces(acquisition: Acquisition, source: Source) -> PieceTree | None:
    """Return the pieces of the medium as they were recorded, None when they are not intact here."""
    recorded = acquisition.of_role(contents.PIECES_ROLE)
    ref = acquisition.ref
    if len(recorded) != 1 or source.place(ref, recorded[0].name) is None:
        return None
    keeper = Keeper(MAX_PIECES)
    found = source.digest(ref, recorded[0].name, keeper)
    if found != recorded[0].sha256 or keeper.data is None:
        return None
    try:
        return piecefile.decode(keeper.data)
    except InputError:
        return None


def shown_ranges(ranges: list[tuple[int, int]], lead: str) -> str:
    """Return the first ranges in words after `lead`, nothing when there is none."""
    shown = [f"{start} to {start + length - 1}" for start, length in ranges[:MAX_SHOWN]]
    if len(ranges) > MAX_SHOWN:
        shown.append(f"{len(ranges) - MAX_SHOWN} more places")
    return f"{lead} {', '.join(shown)}" if shown else ""
