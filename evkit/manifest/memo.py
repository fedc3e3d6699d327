"""The head on paper: encoded so that a slip of the pen shows, and read back kindly.

A memo carries a head (origin, size, root) and the fingerprint of the agency's root certificate, as
one line for a QR code and as *groups* for a pen. A group is four hex digits and a check letter; a
line is four groups and a line check. Any single wrong character, swap of neighbours or swap of
groups is found. A slip is reported by its group and never taken for a failed check. Byte for byte:
`docs/spec/memo.md`.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape, is_clean

if TYPE_CHECKING:
    from collections.abc import Sequence

TAG: Final = "evkit-memo/1"
LETTERS: Final = "ghjkmnpqrstuvwxyz"  # 17, none of them a hex digit or easily taken for one
MAX_SIZE: Final = 2**53 - 1
MAX_ORIGIN: Final = 255
MAX_TEXT: Final = 64 * 1024
DIGITS: Final = 4  # hex digits of a group
HEAD_LINES: Final = 5
LINES: Final = 9
_PER_LINE = 5
_FIRST_LINE = 3
HEAD_GROUPS: Final = _FIRST_LINE + (HEAD_LINES - 1) * _PER_LINE
GROUPS: Final = _FIRST_LINE + (LINES - 1) * _PER_LINE
_HASH = 32
_QR_CHECK = 8
_WEIGHTS = tuple(pow(3, place + 1, 17) for place in range(16))  # 16 different, none is 0
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_GROUP = re.compile(r"[0-9a-f]{4}", re.ASCII)
_TOKEN = re.compile(f"([^{LETTERS}]*)([{LETTERS}])")
_LABELLED = re.compile(r"^\s*[1-9]\).*$", re.MULTILINE)
_LABEL = re.compile(r"(?<!\S)[1-9]\)")
_QR = re.compile(rf"{TAG}\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
_FILLING = re.compile(r"[\s.,;:|_*–—-]+")  # noqa: RUF001 - dashes that word processors make
_KIND = {ord("o"): "0", ord("i"): "1", ord("l"): "1"}
_KIND |= {0x660 + digit: str(digit) for digit in range(10)}
_KIND |= {0x6F0 + digit: str(digit) for digit in range(10)}


class Memo(NamedTuple):
    """What a memo says: a head, and SHA-256 of the agency's root certificate (DER)."""

    origin: str
    size: int
    root: bytes
    trust: bytes


class Head(NamedTuple):
    """The head as read back; typed groups carry a check value of the origin and not its name."""

    origin: str | None
    origin_check: int
    size: int
    root: bytes

    def fits(self, origin: str) -> bool:
        """Say whether the head is of this origin, as far as the memo tells."""
        return self.origin_check == origin_check(origin) and self.origin in {None, origin}


class Slip(NamedTuple):
    """One thing copied wrongly: the number of the group (None in a QR text) and the words."""

    group: int | None
    text: str


class Reading(NamedTuple):
    """A memo as read: the parts without a slip, and the slips."""

    head: Head | None
    trust: bytes | None
    slips: tuple[Slip, ...]


def origin_check(origin: str) -> int:
    """Return CRC-16/CCITT-FALSE of the origin in UTF-8."""
    return _crc(origin.encode("utf-8"))


def qr_text(memo: Memo) -> str:
    """Return the line for the QR code.

    Raises:
        InputError: a value cannot be written.
    """
    _check(memo)
    body = f"{TAG} {memo.origin} {memo.size} {memo.root.hex()} {memo.trust.hex()}"
    return f"{body} {_qr_check(body)}"


def group_lines(memo: Memo) -> list[list[str]]:
    """Return nine lines of groups: size and origin, four of the root, four of the trusted root.

    Raises:
        InputError: a value cannot be written.
    """
    _check(memo)
    size = str(memo.size)
    first = [size + _letter(_digits(size), 1), _hex_group(origin_check(memo.origin), 2)]
    first.append(_hex_group(_first_crc(memo.size, origin_check(memo.origin)), 3))
    lines = [first]
    content = memo.root + memo.trust
    for number in range(2, LINES + 1):
        part = content[(number - 2) * 8 : (number - 1) * 8]
        start = _start(number)
        groups = [
            _hex_group(int.from_bytes(part[at : at + 2], "big"), start + at // 2)
            for at in range(0, 8, 2)
        ]
        groups.append(_hex_group(_line_crc(number, part), start + DIGITS))
        lines.append(groups)
    return lines


def parse(text: str) -> Reading:
    """Read a memo: the QR line, the typed groups, or a whole text memo that holds them.

    Case, spaces, line breaks, dashes, line labels `1)`, `O` for `0`, `l` for `1` and Urdu digits
    are taken as meant. Without lines 6 to 9 the reading has no trusted root.

    Raises:
        InputError: the text is over 64 KiB or holds two memos.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"a memo of {len(text)} characters is over {MAX_TEXT}")
    if TAG in text.lower():
        return _parse_qr(text)
    labelled = _LABELLED.findall(text)
    if len(labelled) > LINES:
        raise InputError("the text holds more than one memo", hint="give them one by one")
    return _parse_groups(_LABEL.sub(" ", " ".join(labelled) if labelled else text))


def _check(memo: Memo) -> None:
    if not 0 <= memo.size <= MAX_SIZE or len(memo.root) != _HASH or len(memo.trust) != _HASH:
        raise InputError("a memo needs a size and two values of 32 bytes")
    plain = is_clean(memo.origin) and not any(char.isspace() for char in memo.origin)
    if not plain or not 0 < len(memo.origin.encode("utf-8")) <= MAX_ORIGIN:
        raise InputError(f"origin `{escape(memo.origin)}` cannot be written in a memo")


def _parse_qr(text: str) -> Reading:
    found = [match.groups() for match in _QR.finditer(text) if _starts_a_line(text, match.start())]
    found = found or _QR.findall(text)
    if len(found) > 1:
        raise InputError("the text holds more than one memo", hint="give them one by one")
    bad = Reading(None, None, (Slip(None, "copied wrongly: the line and its check differ"),))
    if not found:
        return bad
    origin, size, root, trust, check = found[0]
    root, trust, check = root.lower(), trust.lower(), check.lower()
    body = f"{TAG} {origin} {size} {root} {trust}"
    if check != _qr_check(body) or _NUMBER.fullmatch(size) is None or int(size) > MAX_SIZE:
        return bad
    try:
        memo = Memo(origin, int(size), bytes.fromhex(root), bytes.fromhex(trust))
        if qr_text(memo) != f"{body} {check}":
            return bad
    except (ValueError, InputError):
        return bad
    return Reading(Head(origin, origin_check(origin), memo.size, memo.root), memo.trust, ())


def _starts_a_line(text: str, at: int) -> bool:
    """Say so, because the description of an exhibit beside it could hold the same words."""
    return not text[:at].rpartition("\n")[2].strip()


def _parse_groups(text: str) -> Reading:
    cleaned = _FILLING.sub("", text.lower().translate(_KIND))
    tokens = [match.groups() for match in _TOKEN.finditer(cleaned)]
    rest = cleaned[sum(len(digits) + 1 for digits, _ in tokens) :]
    if rest:
        tokens.append((rest, ""))
    slips = [
        slip
        for number, (digits, letter) in enumerate(tokens[:GROUPS], 1)
        if (slip := _judge(number, digits, letter)) is not None
    ]
    if len(tokens) not in {HEAD_GROUPS, GROUPS}:
        wanted = f"{len(tokens)} groups were found; a memo has {HEAD_GROUPS} or {GROUPS}"
        first = slips[0] if slips else Slip(len(tokens), f"copied wrongly: {wanted}")
        return Reading(None, None, (first,))
    values = [digits for digits, _ in tokens]
    lines = range(1, (HEAD_LINES if len(tokens) == HEAD_GROUPS else LINES) + 1)
    for line in lines:
        slips += _judge_line(line, values, slips)
    wrong = {_line_of(slip.group) for slip in slips if slip.group is not None}
    head = trust = None
    if not wrong & set(range(1, HEAD_LINES + 1)):
        root = _content(values, range(2, HEAD_LINES + 1))
        head = Head(None, int(values[1], 16), int(values[0]), root)
    if len(tokens) == GROUPS and not wrong & set(range(HEAD_LINES + 1, LINES + 1)):
        trust = _content(values, range(HEAD_LINES + 1, LINES + 1))
    return Reading(head, trust, tuple(sorted(slips, key=lambda slip: slip.group or 0)))


def _judge(number: int, digits: str, letter: str) -> Slip | None:
    """Return the slip in one group, None when it is right."""
    form = _NUMBER if number == 1 else _GROUP
    if letter and form.fullmatch(digits) and _letter(_digits(digits), number) == letter:
        return None
    shown = escape(digits + letter)
    return Slip(number, f"copied wrongly, group {number} (line {_line_of(number)}): `{shown}`")


def _judge_line(line: int, values: Sequence[str], slips: Sequence[Slip]) -> list[Slip]:
    """Check the line check of a line whose groups are all right by themselves."""
    last = _start(line) + (_FIRST_LINE if line == 1 else _PER_LINE) - 1
    if any(slip.group is not None and _line_of(slip.group) == line for slip in slips):
        return []
    if line == 1:
        size = int(values[0])
        good = size <= MAX_SIZE and _first_crc(size, int(values[1], 16)) == int(values[2], 16)
    else:
        good = _line_crc(line, _content(values, range(line, line + 1))) == int(values[last - 1], 16)
    if good:
        return []
    return [Slip(last, f"copied wrongly, line {line}: its groups and its check differ")]


def _content(values: Sequence[str], lines: range) -> bytes:
    text = "".join(
        value for line in lines for value in values[_start(line) - 1 : _start(line) - 1 + DIGITS]
    )
    return bytes.fromhex(text)


def _start(line: int) -> int:
    """Return the number of the first group of a line; lines and groups count from 1."""
    return 1 if line == 1 else _FIRST_LINE + (line - 2) * _PER_LINE + 1


def _line_of(group: int) -> int:
    return 1 if group <= _FIRST_LINE else (group - _FIRST_LINE - 1) // _PER_LINE + 2


def _digits(text: str) -> list[int]:
    return [int(digit, 16) for digit in text]


def _letter(digits: Sequence[int], group: int) -> str:
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return LETTERS[(total + group) % len(LETTERS)]


def _hex_group(value: int, number: int) -> str:
    text = f"{value:04x}"
    return text + _letter(_digits(text), number)


def _crc(data: bytes) -> int:
    return binascii.crc_hqx(data, 0xFFFF)


def _line_crc(line: int, content: bytes) -> int:
    return _crc(bytes([line]) + content)


def _first_crc(size: int, origin: int) -> int:
    return _crc(b"\x01" + size.to_bytes(8, "big") + origin.to_bytes(2, "big"))


def _qr_check(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8")).hexdigest()[:_QR_CHECK]
