"""`evkit acquire --type targeted`, and the questions that a partial acquisition asks."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Any

from evkit.cli import prompts
from evkit.core.errors import UsageError
from evkit.core.limits import read_file, read_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evkit.actions.targeted_job import Wish
    from evkit.cli.session import Recording, Session
    from evkit.identity.signer import Signer
    from evkit.station import Station

OWN = {"files": "--files", "no_count": "--no-count", "cross": "--cross"}
_OF_IMAGES = {
    "format_": "--format", "part": "--part", "split": "--split", "to": "--to", "also": "--also",
    "block_nodes": "--block-nodes", "retries": "--retries", "give_up": "--give-up",
    "rescued": "--rescued", "map_": "--map", "inventory": "--inventory",
}  # fmt: skip
_STDIN = "-"


def check(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go with the type.

    Raises:
        UsageError: names the option.
    """
    targeted = options["type_"] == "targeted"
    for name, shown in (_OF_IMAGES if targeted else OWN).items():
        if options[name]:
            other = "of an image, not of files" if targeted else "of `--type targeted`"
            raise UsageError(f"`{shown}` is an option {other}")
    if not targeted:
        return
    if options["verify"] != "now":
        raise UsageError("`--verify` is an option of an image, not of files")
    if options["files"] is None or options["source"] is None:
        raise UsageError(
            "`--type targeted` needs a folder and the list of what is wanted there",
            hint="evkit acquire /mnt/pc --type targeted --files list.txt --exhibit CASE/E1 "
            "--scope … --reason …",
        )


def ask(
    session: Session, type_: str, fields: dict[str, object], recording: Recording
) -> tuple[dict[str, object], Recording]:
    """Ask on a terminal for the scope and the reason of a partial acquisition.

    An empty answer leaves it out, which is recorded as a deviation.
    """
    from evkit.actions.decided import missing

    lacks = missing(type_, fields, recording.reason)
    if not lacks or not session.interactive() or session.json or recording.dry_run:
        return fields, recording
    if "scope" in lacks:
        answer = prompts.line("what is taken, and why is that enough")
        fields = {**fields, "scope": answer} if answer else fields
    if "reason" in lacks:
        answer = prompts.line("why is not everything taken")
        recording = dataclasses.replace(recording, reason=answer or None)
    return fields, recording


def run(
    session: Session,
    station: Station,
    unlocked: Callable[[], Signer] | None,
    recording: Recording,
    wish: Wish,
) -> None:
    """Acquire the files of a list, or say what would be done when there is no key to wait for."""
    from evkit.actions.acquire_targeted import dry_run
    from evkit.actions.acquire_targeted import run as acquire
    from evkit.actions.scene import ask as ask_scene
    from evkit.cli.choosing import Terminal
    from evkit.cli.registering import offer_registration

    if unlocked is None:
        session.emit(dry_run(station, wish))
        return
    offer_registration(session, station, recording, wish.exhibit)
    asker = Terminal() if session.interactive() and not session.json else None
    scene = ask_scene(station, wish.exhibit, wish.fields, asker)
    wish = dataclasses.replace(wish, fields=scene.fields)
    session.emit(acquire(station, unlocked(), wish, session.progress()))


def wish_of(recording: Recording, options: Mapping[str, Any], fields: Mapping[str, object]) -> Wish:
    """Return what is wanted; the list of files is read here."""
    from evkit.acquire import host, wanted
    from evkit.actions.targeted_job import Wish
    from evkit.hashing.digests import parse_algorithms

    name = options["files"]
    if name == _STDIN:
        listed = read_stream(sys.stdin.buffer, wanted.MAX_LIST, "standard input")
    else:
        listed = read_file(name, wanted.MAX_LIST)
    hashes = options["hashes"]
    return Wish(
        source=os.fsencode(options["source"]),
        exhibit=options["exhibit"],
        listed=listed,
        list_name=os.fsencode(name),
        names=("md5", "sha256") if hashes is None else parse_algorithms(hashes),
        fields=fields,
        happened=recording.happened,
        reason=recording.reason,
        command=host.command(),
        count=not options["no_count"],
        cross=options["cross"],
    )
