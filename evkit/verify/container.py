"""What a container says of itself: its stored digests against what it decodes to, and its damage.

Whoever changes the content can change the digests stored beside it, so a match says that nothing
broke and nothing about tampering. Another digest, recorded outside, is compared elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evkit.core.sizes import in_words
from evkit.core.text import escape
from evkit.images.e01.finding import AMBIGUOUS
from evkit.verify.report import CONTENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.images.e01.decodeall import Decoded, Lost
    from evkit.images.e01.reader import E01Image
    from evkit.verify.report import Report

LOST_SHOWN: Final = 3
NOTHING_WRONG: Final = "no damage; says nothing about tampering"
MEDIUM_WHOLE: Final = (
    "no damage to the medium, see the remarks on the container; says nothing about tampering"
)
_NO_DAMAGE: Final = frozenset({"password", "headers-differ", "compression-level"})


def names_for(image: E01Image) -> tuple[str, ...]:
    """Return the digests of the medium to be made: SHA-256 and every one that is stored."""
    return tuple(dict.fromkeys(["sha256", *(name for _, name, _ in image.stored)]))


def judge(image: E01Image, decoded: Decoded, report: Report) -> None:
    """Answer content for a container by itself; the first line says how far that reaches.

    Args:
        image: as it was decoded.
        decoded: what came of it, with the digests of `names_for`.
        report: takes findings, remarks and the reach.
    """
    _lost(decoded, report)
    ambiguous = _odd(image, report)
    if decoded.chunks:
        _cannot_compare(image, report)
        report.reach.append(_damage(decoded))
        return
    matching, wrong = _compare(image, decoded, report)
    if wrong:
        report.reach.append(f"does not match the container's {_listed(wrong)}")
    elif not image.stored:
        text = "the container states no digest of its medium: nothing to compare"
        report.undecided(CONTENT, "container-no-digest", text)
        report.reach.append("no stored digest, nothing to compare")
    elif ambiguous:
        report.reach.append("two contents in one container, as different programs read it")
    else:
        damaged = any(finding.code not in _NO_DAMAGE for finding in image.findings)
        text = f"matches the container's {_listed(matching)}: "
        text += MEDIUM_WHOLE if damaged else NOTHING_WRONG
        report.passed(CONTENT, "container-digest", f"the medium {text}")
        report.reach.append(text)


def judge_hollow(image: E01Image, report: Report) -> None:
    """Answer content for a container that lacks nearly all of its medium: it is not decoded."""
    text = f"{image.lacking:,} of {image.chunks:,} chunks of the medium are nowhere in the files "
    text += "that are here; the others were not decoded"
    report.undecided(CONTENT, "container-missing", text)
    report.reach.append(f"{image.lacking:,} chunks are not here")


def _lost(decoded: Decoded, report: Report) -> None:
    for lost in decoded.lost:
        text = f"cannot be decoded: {lost.text}"
        if lost.unread:
            report.unreadable += 1
            report.undecided(CONTENT, "container-unreadable", text, lost.where)
        elif lost.missing:
            report.undecided(CONTENT, "container-missing", text, lost.where)
        else:
            report.failed(CONTENT, "container-damage", text, lost.where)


def _odd(image: E01Image, report: Report) -> bool:
    """Note what is odd; say whether programs may read two different media from it."""
    ambiguous = False
    for finding in image.findings:
        if finding.code in AMBIGUOUS:
            ambiguous = True
            text = f"{finding.text}; another program may read another medium here"
            report.undecided(CONTENT, "container-ambiguous", text)
        else:
            report.remark("container-odd", finding.text)
    gaps = sum(length for _, length in image.declared_gaps)
    if gaps:
        text = f"its maker could not read {in_words(gaps)} of the medium, by its own list"
        report.remark("container-unread", text)
    return ambiguous


def _compare(
    image: E01Image, decoded: Decoded, report: Report
) -> tuple[Sequence[str], Sequence[str]]:
    """Compare every stored digest; return the names of those that match and that do not."""
    matching: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for place, name, value in image.stored:
        found = decoded.digests.get(name)
        if found is None:
            continue
        if found == value:
            matching[name] = None
            continue
        wrong[name] = None
        text = (
            f"the medium is not that of the {_title(name)} in section `{escape(place)}`; no chunk "
            "is damaged, so only recorded pieces can tell where it differs"
        )
        report.failed(CONTENT, "container-digest", text, escape(place), value, found)
    return [name for name in matching if name not in wrong], list(wrong)


def _cannot_compare(image: E01Image, report: Report) -> None:
    if image.stored:
        text = "the stored digests cannot be compared: a part of the medium is lacking"
        report.undecided(CONTENT, "container-digest", text)


def _damage(decoded: Decoded) -> str:
    shown = "; ".join(_short(lost) for lost in decoded.lost[:LOST_SHOWN])
    more = " …" if len(decoded.lost) > LOST_SHOWN else ""
    number = "1 chunk" if decoded.chunks == 1 else f"{decoded.chunks:,} chunks"
    return f"{number} cannot be decoded: {shown}{more}"


def _short(lost: Lost) -> str:
    return f"{lost.text.split(',', 1)[0]}, {lost.where}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(_title(name) for name in names)


def _title(name: str) -> str:
    return {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}.get(name, name)
