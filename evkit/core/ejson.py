"""evkit JSON: RFC 8785 (JCS) restricted to ASCII keys and integers below 2^53, no floats.

One value has one spelling, so signed bytes can be compared and re-made. The writer is the standard
library's encoder, which agrees with RFC 8785 on this subset (test oracle: `rfc8785`). The reader
rejects duplicate keys, floats, NaN, large integers, lone surrogates, a byte order mark, and input
over its size and depth caps. See `docs/spec/evkit-json.md`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = (
    "bool | int | str | list[Json] | tuple[Json, ...] | dict[str, Json] | Mapping[str, Json] | None"
)

MAX_INT = 2**53 - 1
MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_LISTS = 1 << 21  # brackets, in texts as well: an empty list takes thirty times its two bytes
MAX_VALUES = 1 << 22  # commas, likewise
_SMALL = 1 << 21


def dumps(value: Json) -> bytes:
    """Return the canonical bytes of `value` (UTF-8, sorted keys, no white space, no final newline).

    Raises:
        InputError: `value` holds a float, an integer of 2^53 or more, a key that is not ASCII text,
            a lone surrogate, a type that JSON does not have, or is nested too deeply.
    """
    _check(value, MAX_DEPTH)
    return _write(value)


def _write(value: Json) -> bytes:
    """Return the canonical bytes of a value that was checked."""
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("text with a lone surrogate cannot be written as JSON") from error


def loads(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, canonical: bool = True
) -> Any:  # noqa: ANN401 - callers narrow the value with the readers of their own format
    """Read evkit JSON strictly.

    Args:
        data: the UTF-8 bytes.
        max_bytes: refuse longer input before it is parsed.
        max_depth: refuse deeper nesting.
        canonical: also require that writing the value gives back exactly `data`.

    Raises:
        InputError: the bytes are not evkit JSON.
    """
    if len(data) > max_bytes:
        raise InputError(f"JSON of {len(data)} bytes is over the limit of {max_bytes}")
    if len(data) > _SMALL and (
        data.count(b"[") + data.count(b"{") > MAX_LISTS or data.count(b",") > MAX_VALUES
    ):
        raise InputError("JSON of too many values")
    try:
        text = data.decode("utf-8", "strict")
        value = _DECODER.decode(text)
    except RecursionError as error:
        raise InputError(f"JSON is nested deeper than {max_depth}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"JSON is not valid UTF-8 at byte {error.start}") from error
    except ValueError as error:
        raise InputError(f"not valid JSON: {error}") from error
    _check(value, max_depth)
    if canonical:
        if _write(value) != data:
            raise InputError("JSON is not in its canonical form")
    elif "\\u" in text:  # only an escape can bring in a lone surrogate
        _write(value)
    return value


def as_object(value: object, what: str) -> dict[str, Any]:
    """Return `value` as an object or raise InputError naming `what`."""
    if not isinstance(value, dict):
        raise InputError(f"{what} is not a JSON object")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key!r} appears twice")
            seen.add(key)
    return result


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"number {text[:32]!r} is not an integer")


def _integer(text: str) -> int:
    if len(text) > 17 or text == "-0":  # noqa: PLR2004 - sign and the 16 digits of 2^53
        raise ValueError(f"integer {text[:32]!r} is out of range")
    value = int(text)
    if abs(value) > MAX_INT:
        raise ValueError(f"integer {text!r} is out of range")
    return value


def _check(value: object, depth: int) -> None:
    """Walk level by level, without recursion, and refuse what evkit JSON does not have."""
    level = [value]
    for left in range(depth, -1, -1):
        below: list[object] = []
        for item in level:
            if item is None or isinstance(item, (bool, str)):
                continue
            if isinstance(item, int):
                if abs(item) > MAX_INT:
                    raise InputError("an integer of 2^53 or more is out of range; write it as text")
            elif left <= 0:
                raise InputError("JSON is nested too deeply")
            else:
                below += _children(item)
        level = below
        if not level:
            return


def _children(item: object) -> list[object]:
    """Return what a list or an object holds, without texts."""
    if isinstance(item, dict):
        for key in item:
            if not isinstance(key, str) or not key.isascii():
                raise InputError(f"JSON key {key!r} is not ASCII text")
        return [child for child in item.values() if type(child) is not str]
    if isinstance(item, (list, tuple)):
        return [child for child in item if type(child) is not str]
    raise InputError(f"a value of type `{type(item).__name__}` cannot be written as JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_float=_no_float,
    parse_constant=_no_float,
    parse_int=_integer,
)
