"""From the words of the command line to what the verifier supplies."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evkit.core.errors import InputError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, shorten
from evkit.manifest import memo as memos
from evkit.verify.supplied import (
    REQUIRABLE,
    Supplied,
    with_anchor,
    with_memo,
    with_trust,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.identity.signer import Signer
    from evkit.station import Station

MAX_FILE = 1 << 20
_SHOWN = 60
_FILE_OF_MEMO = "name the file of the memo, or give its text in quotes"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `verify`, as typed.

    Attributes:
        memos: the text of a memo, or a file that holds it.
        trusts: certificate files, or `sha256:…`.
        anchors: checkpoint files, or `SIZE:ROOT`.
        exhibits: folders with evidence.
        require: what must have been checked, of `REQUIRABLE`.
        no_history: waive the question of history.
    """

    memos: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    exhibits: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    no_history: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `verify` was asked for.

    Attributes:
        what: bundles, zips, manifests, proofs, stations, references, images.
        options: what the verifier brings along.
        record: log the result in the station.
        open_station: opens the station of the command line, for references and images.
        get_signer: unlocks the officer's key, for `record`.
        everything: show remarks that are alike one by one.
        copy: the copy that is to be read, by its name or its medium.
        extract: where the content of the one proof of origin is written, None for nowhere.
    """

    what: tuple[str, ...]
    options: Options
    open_station: Callable[[], Station]
    record: bool = False
    get_signer: Callable[[Station], Signer] | None = None
    everything: bool = False
    copy: str | None = None
    extract: str | None = None


def supplied(options: Options) -> Supplied:
    """Read everything that the verifier brings along.

    Raises:
        UsageError: an option has the wrong form, or history is waived and asked for at once.
        InputError: a file cannot be read or holds something else.
    """
    wanted = frozenset(part for text in options.require for part in text.split(","))
    unknown = wanted - {*REQUIRABLE, ""}
    if unknown:
        raise UsageError(
            f"`--require {escape(min(unknown))}` is not known",
            hint=f"use {', '.join(REQUIRABLE)}; the other questions are always asked",
        )
    if options.no_history and options.anchors:
        raise UsageError("`--no-history` and `--anchor` exclude each other")
    found = Supplied(require=wanted - {""}, no_history=options.no_history)
    for text in options.trusts:
        found = with_trust(found, text, _file(text))
    for text in options.anchors:
        found = with_anchor(found, text, _file(text))
    for text in options.memos:
        found = _memo(found, text)
    if options.no_history:
        found = replace(found, anchors=(), slips=tuple(s for s in found.slips if s.trust_lost))
    return found


def _memo(found: Supplied, text: str) -> Supplied:
    data = _file(text)
    if data is None:
        if not memos.is_like(text):
            raise _not_a_memo(text)
        return with_memo(found, text, "")
    try:
        typed = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"`{escape(text)}` is not text", hint="give the text of the memo, not a picture of it"
        ) from error
    if typed.lstrip().startswith(("<!DOCTYPE", "<html")):
        typed = _from_page(typed, text)
    if not memos.is_like(typed):
        raise InputError(
            f"`{escape(text)}` is a file, and this is not a memo",
            hint="give the file that `evkit ledger memo -o` wrote, or the text of its QR code",
        )
    return with_memo(found, typed, text)


def _not_a_memo(text: str) -> InputError:
    shown = escape(shorten(text, _SHOWN))
    if os.path.isdir(text):
        return InputError(f"`{shown}` is a folder and no memo", hint=_FILE_OF_MEMO)
    if len(text.split()) == 1:
        return InputError(f"no file `{shown}`", hint=_FILE_OF_MEMO)
    return InputError(
        f"`{shown}` is no file, and this is not a memo",
        hint="give the text of its QR code, or its numbered lines, in quotes",
    )


def _from_page(page: str, name: str) -> str:
    """Return the QR line of a memo page, which stands in it as text."""
    import re

    from evkit.manifest.memo import TAG

    match = re.search(rf"{TAG} [^<]+", page)
    if match is None:
        raise InputError(f"`{escape(name)}` is a page without the text of a memo")
    return match[0]


def _file(text: str) -> bytes | None:
    """Return the content of a file of that name, None when there is none."""
    try:
        is_file = os.path.isfile(text)
    except ValueError:  # a null byte, or too long for a name
        return None
    return read_file(text, MAX_FILE) if is_file else None
