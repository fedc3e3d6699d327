"""`evkit device list|show|guard`."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.core.errors import CaseError, ExitCode, UsageError

if TYPE_CHECKING:
    from evkit.cli.session import Session


@group("device")
def device() -> None:
    """List what is plugged in, and guard what is plugged in next."""


@command(
    "list",
    group=device,
    examples=("evkit device list", "evkit device list --json"),
    exits=(ExitCode.INPUT,),
)
@click.option(
    "--to", "to", metavar="DIR", multiple=True, help="A destination, not offered either (repeat)."
)
@common
def list_(session: Session, to: tuple[str, ...]) -> None:
    """List the devices that can be acquired, what was plugged in last first.

    The disks of the system and of the station are listed apart, with the reason why they are not
    offered. Nothing is read from a device.
    """
    from evkit.actions.device import list_devices

    session.emit(list_devices(kept(session, to)))


@command(
    "show",
    group=device,
    examples=("evkit device show /dev/sdb", "evkit device show /dev/disk/by-id/usb-… --json"),
    exits=(ExitCode.INPUT,),
)
@click.argument("path", metavar="DEVICE")
@common
def show(session: Session, path: str) -> None:
    """Show a device: bridge and drive apart, partitions, hidden areas, guard, mounts.

    The drive is asked with smartctl and hdparm where they are installed and allowed; that needs
    root. What could not be asked says so. Nothing is read from its content.
    """
    from evkit.actions import device as actions

    session.emit(actions.show(os.fsencode(path), kept(session, ())))


@command(
    "guard",
    group=device,
    examples=("evkit device guard", "evkit device guard --on", "evkit device guard --off"),
    exits=(ExitCode.REFUSED,),
)
@click.option("--on", is_flag=True, help="Switch it on, until it is switched off or the end.")
@click.option("--off", is_flag=True, help="Switch it off.")
@common
def guard(session: Session, on: bool, off: bool) -> None:
    """Make whatever is plugged in next read-only, and keep it from being mounted by itself.

    A udev rule does this until the computer is switched off; what is there already is left alone.
    It needs root: sudo is asked, or the command is printed. A read-only flag of the system is no
    write blocker: use a hardware blocker where you can.
    """
    from evkit.actions import device as actions

    if on and off:
        raise UsageError("--on and --off exclude each other")
    if on:
        session.emit(actions.guard_on())
    elif off:
        session.emit(actions.guard_off())
    else:
        session.emit(actions.guard_status())


def kept(session: Session, to: tuple[str, ...]) -> list[bytes]:
    """Return the folders whose disks are not offered: the station, if there is one, and more."""
    folders = [os.fsencode(folder) for folder in to]
    with contextlib.suppress(CaseError):  # devices are listed without a station too
        folders.append(os.fsencode(session.find_station()))
    return folders
