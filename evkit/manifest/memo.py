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
    from collections.abc import Mapping, Sequence

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
_QR_FIELDS = 5  # after the tag
_TAG_START = len("evkit-me")
_WEIGHTS = tuple(pow(3, place + 1, 17) for place in range(16))  # 16 different, none is 0
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
_GROUP = re.compile(r"[0-9a-f]{4}", re.ASCII)
_TOKEN = re.compile(f"([^{LETTERS}]*)([{LETTERS}])")
_LABELLED = re.compile(r"^\s*\(?[1-9]\s?\).*$", re.MULTILINE)
_LABEL = re.compile(r"\(?([1-9])\s?\)")  # a group holds no bracket, so the digit is a label
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
    if is_qr(text):
        return _parse_qr(text)
    plain = text.lower().translate(_KIND)
    labelled = _LABELLED.findall(plain)
    parts = _LABEL.split("\n".join(labelled) if labelled else plain)
    if len(parts) == 1:
        return _parse_groups(_tokens(plain))
    numbers = [int(number) for number in parts[1::2]]
    if len(set(numbers)) != len(numbers):
        raise InputError("the text holds more than one memo", hint="give them one by one")
    found = {number: _tokens(part) for number, part in zip(numbers, parts[2::2], strict=True)}
    return _parse_lines(found, LINES if max(numbers) > HEAD_LINES else HEAD_LINES)


def is_qr(text: str) -> bool:
    """Say whether this is the text of the QR code, or the start of it."""
    return TAG in text.lower() or text.strip().lower().startswith(TAG[:_TAG_START])


def is_like(text: str) -> bool:
    """Say whether this can be meant as a memo: a QR text, or mostly groups of the right form."""
    if len(text) > MAX_TEXT:
        return False
    plain = text.lower().translate(_KIND)
    tokens = _tokens(_LABEL.sub("", " ".join(_LABELLED.findall(plain)) or plain))
    good = sum(_GROUP.fullmatch(digits) is not None and bool(letter) for digits, letter in tokens)
    return is_qr(text) or (good >= _FIRST_LINE and 2 * good >= len(tokens))


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
    if not found or len(found[0][-1]) < _QR_CHECK:
        return _cut_short(text) or bad
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


def _cut_short(text: str) -> Reading | None:
    """Name a QR text that was not copied to its end."""
    words = text[max(text.lower().rfind(TAG), 0) :].split()[1:]
    if len(words) > _QR_FIELDS:
        return None
    what = (
        f"{len(words)} of {_QR_FIELDS} fields are here"
        if len(words) < _QR_FIELDS
        else (f"its last field has {len(words[-1])} of {_QR_CHECK} digits")
    )
    return Reading(None, None, (Slip(None, f"the text of the QR code is cut short: {what}"),))


def _starts_a_line(text: str, at: int) -> bool:
    """Say so, because the description of an exhibit beside it could hold the same words."""
    return not text[:at].rpartition("\n")[2].strip()


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return digits and check letter of each group; the letter is empty at a torn end."""
    cleaned = _FILLING.sub("", text.lower().translate(_KIND))
    tokens = [(match[1], match[2]) for match in _TOKEN.finditer(cleaned)]
    rest = cleaned[sum(len(digits) + 1 for digits, _ in tokens) :]
    return [*tokens, (rest, "")] if rest else tokens


def _parse_groups(tokens: list[tuple[str, str]]) -> Reading:
    """Read groups without labels; one line that was left out is found by the group numbers."""
    for count, groups in ((HEAD_LINES, HEAD_GROUPS), (LINES, GROUPS)):
        if len(tokens) == groups:
            return _parse_lines(_cut(tokens, range(1, count + 1)), count)
        for lost in range(1, count + 1):
            left = [line for line in range(1, count + 1) if line != lost]
            if len(tokens) != groups - _width(lost):
                continue
            reading = _parse_lines(_cut(tokens, left), count)
            if len(reading.slips) == 1:
                return reading
    slips = [
        slip
        for number, (digits, letter) in enumerate(tokens[:GROUPS], 1)
        if (slip := _judge(number, digits, letter)) is not None
    ]
    wanted = f"{len(tokens)} groups were found; a memo has {HEAD_GROUPS} or {GROUPS}"
    first = slips[0] if slips else Slip(len(tokens), f"copied wrongly: {wanted}")
    return Reading(None, None, (first,))


def _cut(tokens: list[tuple[str, str]], lines: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    found, at = {}, 0
    for line in lines:
        found[line] = tokens[at : at + _width(line)]
        at += _width(line)
    return found


def _parse_lines(lines: Mapping[int, list[tuple[str, str]]], count: int) -> Reading:
    """Read lines by their number, 1 to `count`."""
    slips: list[Slip] = []
    values: dict[int, list[str]] = {}
    for line in range(1, count + 1):
        tokens = lines.get(line)
        found = _line_slips(line, tokens)
        slips += found
        if tokens is not None and not found:
            values[line] = [digits for digits, _ in tokens]
    head = trust = None
    if set(range(1, HEAD_LINES + 1)) <= values.keys():
        root = _content(values, range(2, HEAD_LINES + 1))
        head = Head(None, int(values[1][1], 16), int(values[1][0]), root)
    if set(range(HEAD_LINES + 1, LINES + 1)) <= values.keys():
        trust = _content(values, range(HEAD_LINES + 1, LINES + 1))
    return Reading(head, trust, tuple(slips))


def _line_slips(line: int, tokens: list[tuple[str, str]] | None) -> list[Slip]:
    start, width = _start(line), _width(line)
    if not tokens:
        return [Slip(start, f"line {line} is missing")]
    slips = [
        slip
        for number, (digits, letter) in enumerate(tokens[:width], start)
        if (slip := _judge(number, digits, letter)) is not None
    ]
    if len(tokens) != width and not slips:
        text = f"copied wrongly, line {line}: {len(tokens)} groups were found, it has {width}"
        return [Slip(start + min(len(tokens), width) - 1, text)]
    return slips or _judge_line(line, [digits for digits, _ in tokens])


def _judge(number: int, digits: str, letter: str) -> Slip | None:
    """Return the slip in one group, None when it is right."""
    form = _NUMBER if number == 1 else _GROUP
    if letter and form.fullmatch(digits) and _letter(_digits(digits), number) == letter:
        return None
    shown = escape(digits + letter)
    return Slip(number, f"copied wrongly, group {number} (line {_line_of(number)}): `{shown}`")


def _judge_line(line: int, values: Sequence[str]) -> list[Slip]:
    """Check the line check of a line whose groups are all right by themselves."""
    if line == 1:
        size = int(values[0])
        good = size <= MAX_SIZE and _first_crc(size, int(values[1], 16)) == int(values[2], 16)
    else:
        good = _line_crc(line, bytes.fromhex("".join(values[:DIGITS]))) == int(values[-1], 16)
    if good:
        return []
    last = _start(line) + _width(line) - 1
    return [Slip(last, f"copied wrongly, line {line}: its groups and its check differ")]


def _content(values: Mapping[int, Sequence[str]], lines: range) -> bytes:
    return bytes.fromhex("".join(value for line in lines for value in values[line][:DIGITS]))


def _width(line: int) -> int:
    """Return the number of groups of a line."""
    return _FIRST_LINE if line == 1 else _PER_LINE


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
