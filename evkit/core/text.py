r"""Safe text: names from evidence are hostile wherever they are printed.

`escape` is injective: what is escaped can be told from what was there, because the backslash itself
is doubled. It covers C0 and C1 controls, DEL, bidirectional marks, line and paragraph separators,
everything that Unicode lets a font ignore (Default_Ignorable_Code_Point), signs that print as
nothing, and bytes that are not UTF-8 (as surrogate escapes). Joiners (U+200C, U+200D) stay behind a
letter of a script that joins, since Urdu needs them; behind any other they would be seen by nobody.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINERS = "\u200c\u200d"
_JOINED = re.compile("[\u0600-\u1fff\ua800-\uabff\U00010a00-\U00011fff]")  # Arabic to Indic


def escape(text: str) -> str:
    r"""Return `text` with every unsafe character written as `\xNN`, `\u{N}` or `\\`."""
    return _UNSAFE.sub(_escaped, text)


def escape_bytes(raw: bytes) -> str:
    r"""Return a file name as printable text; bytes that are not UTF-8 become `\xNN`."""
    return escape(raw.decode("utf-8", "surrogateescape"))


def is_clean(text: str) -> bool:
    """Say whether `text` prints as it is."""
    return _UNSAFE.search(text) is None or escape(text) == text


def shorten(text: str, width: int) -> str:
    """Return escaped text cut in the middle to `width` characters, for terminals only."""
    if len(text) <= width:
        return text
    left = (width - 1) // 2
    return text[:left] + "…" + text[len(text) - (width - 1 - left) :]


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _JOINERS and _JOINED.match(match.string, match.start() - 1, match.start()):
        return match[0]
    if code == 0x5C:  # noqa: PLR2004 - the backslash
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004 - ASCII controls
        return f"\\x{code:02x}"
    return f"\\u{{{code:x}}}"
