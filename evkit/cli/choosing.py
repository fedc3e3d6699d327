"""Choosing the source on a terminal: a number, then the end of the serial number on its label."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from evkit.cli import output, prompts
from evkit.core.errors import RefusedError, UsageError
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.acquire.devices import Device
    from evkit.cli.session import Session
    from evkit.station import Station

TRIES = 3
_END = 4  # characters of the serial number that are asked for
_NEAR = 0.06  # how far a size may be off: labels are rounded up; 240 and 256 GB stay apart
_GIGA = 10**9
_DECIMAL = re.compile(r"([0-9]{1,6})\.([0-9]{1,3}) *([A-Za-z]*)")


class Terminal:
    """Puts questions to the person at the terminal; an `actions.scene.Asker`."""

    def line(self, question: str, default: str | None) -> str:
        """Return one line, the default when Enter alone was pressed."""
        shown = default is not None
        return prompts.line(escape(question), default=default or "", show_default=shown)

    def note(self, text: str) -> None:
        """Write one line to stderr."""
        output.err(text)


def choose_source(session: Session, station: Station, to: Sequence[bytes] = ()) -> bytes:
    """Let the officer choose a device and confirm it; return its path.

    Args:
        session: this run; its terminal is asked.
        station: whose disk is not offered.
        to: destinations, whose disks are not offered either.

    Raises:
        UsageError: there is no terminal to ask on, or nothing is plugged in.
        RefusedError: the confirmation did not fit.
    """
    from evkit.acquire import devices

    if not session.interactive() or session.json:
        raise UsageError(
            "what is to be acquired?", hint="name a device or a file, or `-` for standard input"
        )
    kept = [station.place.home, *to]
    chosen = _pick(kept)
    _confirm(chosen)
    again = devices.find(chosen.path, kept)
    if _mark(again) != _mark(chosen):
        raise RefusedError(
            f"`{escape(chosen.name)}` is another device now",
            hint="type the command again and choose again",
        )
    return chosen.path


def _pick(kept: Sequence[bytes]) -> Device:
    from evkit.actions.device import list_devices

    while True:
        found = list_devices(kept)
        for line in found.lines():
            output.err(line)
        count = len(found.offered)
        numbers = f"1-{count}" if count > 1 else ("1" if count else "nothing to choose")
        answer = prompts.line(f"which one is it ({numbers}; Enter looks again, q leaves)")
        if answer.lower() == "q":
            raise click.Abort
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= count:
            return found.offered[int(answer) - 1]
        if answer:
            output.err(f"  `{escape(answer)}` is none of these")


def _confirm(device: Device) -> None:
    """Have the person read the label of the thing; raise RefusedError when it does not fit."""
    serials = _serials(device)
    if serials:
        for _ in range(TRIES):
            answer = prompts.line(f"last {_END} characters of the serial on its label (? if none)")
            if answer in {"", "?"}:
                break
            if ends_like(answer, serials):
                return
            output.err("  the device does not report a serial number that ends like this")
            output.err("  a dock or bridge may report its own; look at the label again, or type ?")
    else:
        output.err("the device reports no serial number")
    for _ in range(TRIES):
        answer = prompts.line("size or model as printed on it (such as 500 GB)")
        if fits(answer, device):
            return
        output.err("  that does not fit the device")
    raise RefusedError(
        f"`{escape(device.name)}` was not confirmed",
        hint="look at what is plugged in; where nothing is printed on it, name the device: "
        f"`evkit acquire {escape_bytes(device.path)} --exhibit …` does not ask this",
    )


def _serials(device: Device) -> list[str]:
    """Return every serial number that the device reports: the system's, the bridge's, its own."""
    from evkit.acquire import probing

    found = [device.identity.get("serial"), device.bridge.get("serial")]
    drive = probing.ask(device.path, device.bus).drive
    if drive is not None:
        found.append(drive.identity.get("serial"))
    return [serial for serial in found if serial]


def ends_like(answer: str, serials: Sequence[str]) -> bool:
    """Say whether one of the serial numbers ends with what was typed, signs and case apart."""
    from evkit.acquire.identity import key

    typed = key(answer)
    for serial in serials:
        whole = key(serial)
        enough = len(typed) >= min(_END, len(whole))
        if typed and enough and (whole.endswith(typed) or typed.endswith(whole)):
            return True
    return False


def fits(answer: str, device: Device) -> bool:
    """Say whether a size is that of the device, or words are of its make and model."""
    text = answer.strip().replace(",", "")
    if not text:
        return False
    try:
        size = _size(text)
    except UsageError:
        words = device.title.casefold().split()
        typed = text.casefold().split()
        return any(len(word) > 2 for word in typed) and all(word in words for word in typed)  # noqa: PLR2004 - not by chance
    return bool(size) and abs(size - device.size) <= _NEAR * max(size, device.size)


def _size(text: str) -> int:
    """Read a size as labels have it, such as `500 GB` or `1.5 TB`; a number alone is gigabytes."""
    from evkit.core.limits import parse_size

    match = _DECIMAL.fullmatch(text)
    if match is None:
        size = parse_size(text.replace(" ", ""))
        return size * _GIGA if text.isdigit() else size
    whole, part, unit = match.groups()
    one = parse_size(f"1{unit}") if unit else _GIGA
    return int(whole + part) * one // int("1".ljust(len(part) + 1, "0"))


def _mark(device: Device) -> tuple[object, ...]:
    return (device.number, device.size, device.serial, device.title, device.name)
