"""`evkit image info`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from evkit.cli.frame import command, group
from evkit.cli.options import common
from evkit.core.errors import ExitCode

if TYPE_CHECKING:
    from evkit.cli.session import Session


@group("image")
def image() -> None:
    """Show what an image file is."""


@command(
    "info",
    group=image,
    examples=(
        "evkit image info disk.E01",
        "evkit image info disk.dd --json",
        "evkit image info disk.vmdk",
    ),
    exits=(ExitCode.INPUT,),
)
@click.argument("path")
@common
def info(session: Session, path: str) -> None:
    """Show format, length, files, stated digests and case details of an image.

    The kind is told from the content, never from the name. Digests that the container states are
    shown and not checked. VMware, Virtual PC and Hyper-V images need the extra `containers`. Of
    EnCase logical evidence (L01) the files are listed; it holds no medium.
    """
    from evkit.actions.image import info as run

    session.emit(run(os.fsencode(path)))
