"""The memo as a page: 80 columns of text, or an A4 page with a QR code.

Its encoding is that of `evkit.manifest.memo`; a reader needs no evkit to compare it by eye.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit.core.text import escape
from evkit.manifest.memo import group_lines, qr_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.manifest.memo import Memo

WIDTH = 80
_RULE = "-" * WIDTH
HOW = (
    "Keep this page outside the station: in the daily diary, with the court, with another agency. "
    "Whoever holds it can later check that no entry up to this head was changed, removed or added: "
    "`evkit verify WHAT --memo` with the text of the QR code, or with the groups below."
)
READING = (
    "Each group ends with a check letter and each line with a check group; the letters i, l and o "
    "are never used. Lines 1 to 5 are the head of the ledger, lines 6 to 9 the agency's root "
    "certificate (SHA-256)."
)


@dataclass(frozen=True, kw_only=True)
class MemoExhibit:
    """One acquisition or exhibit on a memo: its reference, what it is, digests by name."""

    ref: str
    what: str
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MemoPage:
    """Everything that is printed; `made` is a local time with its offset, `by` the officer."""

    memo: Memo
    agency: str
    station: str
    made: str
    by: str
    case: str | None = None
    exhibits: tuple[MemoExhibit, ...] = ()


def text(page: MemoPage) -> str:
    """Return the memo as text of at most 80 columns (long names may be wider)."""
    lines = ["HEAD OF A LEDGER OF DIGITAL EVIDENCE (evkit memo)", _RULE]
    lines += [f"{label:<9} {escape(value)}" for label, value in _facts(page)]
    lines += ["", *textwrap.wrap(HOW, WIDTH), ""]
    for number, groups in enumerate(group_lines(page.memo), 1):
        lines.append(f"  {number})  " + "  ".join(groups))
        if number in {1, 5}:
            lines.append("")
    lines += ["", *textwrap.wrap(READING, WIDTH), ""]
    lines += ["Text of the QR code (these lines, joined by spaces):", *_qr_lines(page.memo)]
    if page.exhibits:
        lines += [_RULE, f"Exhibits of case {escape(page.case or '')} at this head"]
        for exhibit in page.exhibits:
            lines.append(f"{escape(exhibit.ref)}  {escape(exhibit.what)}")
            lines += [f"  {name:<6} {value}" for name, value in exhibit.digests.items()]
    lines += [_RULE, "", "given by  ______________________   received by  ______________________"]
    lines += ["", "place     ______________________   date, time   ______________________"]
    return "\n".join(lines) + "\n"


def html(page: MemoPage) -> bytes:
    """Return the memo as an A4 page with the QR code as inline SVG."""
    from evkit.bundle.pages import render

    groups = [
        {"number": number, "groups": line} for number, line in enumerate(group_lines(page.memo), 1)
    ]
    values: dict[str, Any] = {
        "facts": _facts(page),
        "how": HOW,
        "reading": READING,
        "lines": groups,
        "qr": _qr_svg(qr_text(page.memo)),
        "qr_text": qr_text(page.memo),
        "case": page.case,
        "exhibits": page.exhibits,
        "root": page.memo.root.hex(),
        "trust": page.memo.trust.hex(),
    }
    return render("memo.html", values)


def _facts(page: MemoPage) -> list[tuple[str, str]]:
    return [
        ("agency", page.agency),
        ("station", page.station),
        ("ledger", page.memo.origin),
        ("entries", str(page.memo.size)),
        ("made", f"{page.made} by {page.by}"),
    ]


def _qr_lines(memo: Memo) -> list[str]:
    parts = qr_text(memo).split(" ")
    return [" ".join(parts[:3]), *parts[3:]]


def _qr_svg(content: str) -> str:
    import io

    import segno

    out = io.BytesIO()
    code = segno.make(content, error="m", micro=False)
    code.save(out, kind="svg", scale=4, border=4, xmldecl=False, svgns=False, nl=False)
    return out.getvalue().decode("ascii")
