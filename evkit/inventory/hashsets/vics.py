"""Project VIC lists (VICS 1.x and 2.0, JSON) as a source of a hash set.

`{"@odata.context": …, "value": [{"MediaID": 1, "Category": 1, "MD5": …, "SHA1": …}, …]}`; in files
of cases the media lie in `Media` of each case. Digests are hex or base64. The file is read in
pieces: an object that is whole in memory is decoded at once, a larger one is entered, so memory is
bounded whatever the nesting.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, BinaryIO

from evkit.core.errors import InputError
from evkit.core.paths import unb64
from evkit.inventory.hashsets.tally import MALFORMED, NO_DIGEST, OTHER_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evkit.core.progress import Progress
    from evkit.inventory.hashsets.tally import Tally

_PIECE = 1 << 18  # bytes read at a time
_WHOLE = 1 << 23  # characters of an object that is decoded at once
_DEEPEST = 64
_DIGITS = 9  # of a category
_HEX = re.compile("[0-9A-Fa-f]+")
_SPACE = re.compile(r"[ \t\r\n]*")
_LENGTHS = {16: (32, 24), 20: (40, 28), 32: (64, 44)}  # bytes: characters in hex, in base64
_NAMES = {"MD5": 16, "SHA1": 20, "SHA256": 32, "SHA-1": 20, "SHA-256": 32}
_ID = "MediaID"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object; a name that stands twice in it would hide what the first one says."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InputError("it is not JSON: a name stands twice in an object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def take(
    handle: BinaryIO, tally: Tally, progress: Progress, task: str, categories: Sequence[int]
) -> None:
    """Hand every media object to the tally.

    Args:
        handle: the list, at its start.
        tally: takes digests, and counts what is left out.
        progress: told the bytes read.
        task: under this name.
        categories: those to take; all when empty.

    Raises:
        InputError: it is not JSON, or nested too deeply.
    """
    text = _Text(handle, progress, task)
    wanted = frozenset(categories)
    found = False
    try:
        for item in _values(text, 0):
            for media in _media(item):
                found = True
                _add(media, tally, wanted)
        text.nothing_more()
    except UnicodeDecodeError as error:
        raise InputError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise InputError("it is nested too deeply") from error
    if not found:
        raise InputError(
            "it holds no media with MD5, SHA1 or SHA256",
            hint="a Project VIC list has them in the objects of `value`",
        )


class _Text:
    """The text of a file, of which a piece is in memory."""

    def __init__(self, handle: BinaryIO, progress: Progress, task: str) -> None:
        self._handle, self._progress, self._task = handle, progress, task
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict").decode
        self._buffer, self._at, self._end = "", 0, False
        self._done = 0

    def peek(self) -> str:
        """Return the next character that is no white space, without taking it; `` at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> str:
        """Take the next character, which must be one of `wanted`."""
        found = self.peek()
        if not found or found not in wanted:
            shown = f"`{found}`" if found.isprintable() and found else "its end"
            raise InputError(f"it is not JSON: {shown} stands where one of `{wanted}` should")
        self._at += 1
        return found

    def whole(self) -> tuple[bool, object]:
        """Take the next value; (False, None) and nothing taken when it is over `_WHOLE`."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except ValueError as error:
                if len(self._buffer) - self._at > _WHOLE:
                    return False, None
                if not self._more():
                    raise InputError("it is not JSON, or cut off") from error
                continue
            if end == len(self._buffer) and self._more():
                continue  # a number may go on
            self._at = end
            return True, value

    def nothing_more(self) -> None:
        """Refuse what stands after the end of the value."""
        if self.peek():
            raise InputError("something stands after the end of its JSON value")

    def _more(self) -> bool:
        if self._end:
            return False
        raw = self._handle.read(max(_PIECE, len(self._buffer) - self._at))
        self._end = not raw
        self._done += len(raw)
        self._progress.update(self._task, self._done)
        self._buffer = self._buffer[self._at :] + self._decode(raw, self._end)
        self._at = 0
        return not self._end or bool(self._buffer)


def _values(text: _Text, depth: int) -> Iterator[object]:
    """Yield the values inside the next one, as large as fit into memory; depth first."""
    if depth > _DEEPEST:
        raise InputError("it is nested too deeply")
    opening = text.take("{[")
    closing = "}" if opening == "{" else "]"
    if text.peek() == closing:
        text.take(closing)
        return
    while True:
        if opening == "{":
            whole, key = text.whole()
            if not whole or not isinstance(key, str):
                raise InputError("it is not JSON: a key is missing or too long")
            if depth and (key == _ID or key in _NAMES):
                raise InputError(f"a media object is over the limit of {_WHOLE} characters")
            text.take(":")
        if depth == 0 and opening == "{" and text.peek() in {"{", "["}:
            yield from _values(text, depth + 1)  # the list itself: never held as a whole
        else:
            whole, value = text.whole()
            if whole:
                yield value
            else:
                yield from _values(text, depth + 1)
        if text.take("," + closing) == closing:
            return


def _media(item: object) -> Iterator[dict[str, object]]:
    """Yield the media objects in a decoded value."""
    stack = [item]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            if _ID in value or any(name in value for name in _NAMES):
                yield value
            else:
                stack.extend(part for part in value.values() if isinstance(part, (dict, list)))


def _add(media: dict[str, object], tally: Tally, wanted: frozenset[int]) -> None:
    if wanted and _category(media.get("Category")) not in wanted:
        tally.leave_out(OTHER_CATEGORY)
        return
    stated = [(name, media[name]) for name in _NAMES if media.get(name) is not None]
    listed = media.get("Hashes")
    stated += [
        (str(item["HashName"]).upper(), item.get("HashValue"))
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and str(item.get("HashName")).upper() in _NAMES
    ]
    digests = [_digest(value, _NAMES[name]) for name, value in stated]
    good = [digest for digest in digests if digest is not None]
    if good:
        tally.add(good)
    else:
        tally.leave_out(MALFORMED if stated else NO_DIGEST)


def _category(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _digest(value: object, size: int) -> bytes | None:
    """Return a digest of `size` bytes written in hex or base64, None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    in_hex, in_base64 = _LENGTHS[size]
    if len(text) == in_hex and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if len(text) != in_base64:
        return None
    try:
        raw = unb64(text)
    except InputError:
        return None
    return raw if len(raw) == size else None
