"""`evkit inventory prove`: one file that proves a file of an image without the image."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.actions import prove_parts
from evkit.actions.custody import require_exhibit
from evkit.actions.inventory_meant import exhibit_ref
from evkit.actions.inventory_target import choose
from evkit.actions.prove_entry import choose_entry
from evkit.actions.prove_medium import blocks_of
from evkit.actions.prove_sensitive import KeptBack
from evkit.actions.sensitive import exhibit_is_sensitive, mask_for
from evkit.core import durable
from evkit.core.errors import CheckFailedError, InputError, RefusedError
from evkit.core.paths import to_fields
from evkit.core.text import escape, escape_bytes
from evkit.hashing.pieces import BLOCK
from evkit.inventory.database.proving import Salted
from evkit.manifest import proof as form
from evkit.verify.proof import verify_origin
from evkit.verify.prooffile import path_of, plain_path
from evkit.verify.report import FAIL, FILE, SECTORS
from evkit.verify.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.search.find import Entry
    from evkit.manifest.proof import Proof
    from evkit.station import Station
    from evkit.verify.filecontent import Rows
    from evkit.verify.report import Report

_BASIS = {
    "deleted-runs-recorded": "deleted; its record still names its sectors, which may have been "
    "used again",
    "deleted-contiguous-guess": "deleted; where it began is recorded, the rest is a guess",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to prove.

    Attributes:
        what: `CASE/E1` or `CASE/E1/A1`.
        entry: path, `path:stream`, row number or digest.
        target: the new file.
        with_case: enclose all entries of the case.
        dry_run: say what would be disclosed, write nothing.
    """

    what: str
    entry: str
    target: bytes
    with_case: bool = False
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Made:
    """A proof that was written, or what it would be.

    Attributes:
        target: the file.
        proof: everything in it but the blocks.
        rows: the rows by their part.
        size: bytes of the file.
        answers: both verdicts as `verify` gave them; empty after a dry run.
    """

    target: bytes
    proof: Proof
    rows: Rows
    size: int
    answers: dict[str, str]
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        stream = self.rows.stream
        return {
            "schema": "evkit/inventory-prove/1",
            "written": bool(self.answers),
            **to_fields(self.target, "proof"),
            "size": self.size,
            "acquisition": self.proof.acquisition,
            "path": plain_path(self.rows),
            "stream_row": self.proof.stream,
            "name_row": self.proof.name,
            "reading": self.proof.reading,
            "basis": stream["basis"],
            "content_bytes": stream.get("size"),
            "blocks": sum(count for _, count in self.proof.blocks),
            "block_bytes": self.proof.block_bytes,
            "other_bytes": self.proof.other_bytes,
            "entries": sorted(self.proof.entries),
            "answers": self.answers,
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        shown = escape_bytes(self.target)
        if not self.answers:
            head = f"evkit: would write a proof of {self.size:,} bytes"
            return [head, *disclosed(self.proof, self.rows)]
        words = ", ".join(f"{name} {word}" for name, word in self.answers.items())
        other = f"{self.proof.other_bytes:,} bytes beside the file"
        return [
            f"evkit: wrote `{shown}`, {self.size:,} bytes, with {other}",
            f"  checked: {words}",
            f"whoever has a memo can check it with `evkit verify {shown} --memo …`",
        ]


def disclosed(proof: Proof, rows: Rows) -> list[str]:
    """Say what leaves the station with a proof."""
    stream = rows.stream
    lines = [f"  {path_of(rows)} of {escape(proof.acquisition)}, row {proof.stream}"]
    if stream["basis"] in _BASIS:
        lines.append(f"  {_BASIS[stream['basis']]}")
    if proof.reading == form.FILE:
        return [*lines, f"  encloses the file itself, {proof.size:,} bytes; no sectors, no image"]
    count = sum(number for _, number in proof.blocks)
    unit = "block" if count == 1 else "blocks"
    lines.append(f"  encloses {count:,} {unit} of {BLOCK:,} bytes: {proof.block_bytes:,} bytes")
    if proof.other_bytes:
        lines.append(
            f"  {proof.other_bytes:,} of them are not of the file and can belong to other files"
        )
    return [*lines, *_KINDS.get(proof.reading, ())]


_KINDS = {
    form.RESIDENT: ("  its content lies in its NTFS record; boot sector and record are enclosed",),
    form.VALID: ("  only its first part was ever written; boot sector and record are enclosed",),
    form.STORED: (
        "  its content cannot be computed from its sectors: the proof shows the sectors, and",
        "  leaves undecided whether they are the content",
    ),
}


def prove(request: Request, station: Station, say: Callable[[str], object]) -> Made:
    """Write a proof of origin.

    Args:
        request: what to prove, and where to.
        station: holds it.
        say: told what will be disclosed, before anything is written.

    Raises:
        CaseError: no such exhibit or acquisition, its files are not here, or it has no recorded
            inventory.
        UsageError: a case was named, or the entry is ambiguous.
        InputError: no such entry, or its content has no place in the image.
        CheckFailedError: the image is not what was acquired.
        RefusedError: the file exists, or the exhibit is sensitive.
        StorageError: the destination is full.
    """
    ref = exhibit_ref(request.what)
    replayed = station.state()
    require_exhibit(replayed, str(ref.of_exhibit()))
    if exhibit_is_sensitive(station, replayed, str(ref.of_exhibit())):
        raise _sensitive(str(ref.of_exhibit()))
    if not request.dry_run:
        durable.need_absent(request.target)
    chosen = choose(station, replayed, ref)
    acquisition = str(chosen.target.acquisition)
    recorded = prove_parts.recorded(station, acquisition)
    mask = mask_for(station, replayed, acquisition, recorded.database)
    if mask is not None and mask.everything:
        raise _sensitive(acquisition)
    with contextlib.ExitStack() as stack:
        inventory = stack.enter_context(Salted(recorded.database, mask=mask))
        entry = choose_entry(inventory, request.entry)
        kept_back = KeptBack(inventory, mask)
        kept_back.refuse_entry(entry)
        _need_placed(inventory, entry)
        material = prove_parts.Material(recorded, inventory)
        medium = stack.enter_context(prove_parts.medium_of(chosen, entry))
        proof, rows = material.proof(entry, medium, station, with_case=request.with_case)
        kept_back.refuse_blocks(entry.shown, proof.blocks)
        head = form.encode_head(proof)
        made = Made(
            target=request.target, proof=proof, rows=rows,
            size=len(head) + proof.block_bytes, answers={},
        )  # fmt: skip
        if request.dry_run:
            return made
        for line in disclosed(proof, rows):
            say(line.strip())
        with durable.NewFile(request.target) as new:
            new.write(head)
            for part in blocks_of(medium, proof.blocks):
                new.write(part)
            report = _checked(new.part, station)
            new.commit()
    answers = {name: report.answer(name) for name in (SECTORS, FILE) if name in report.questions}
    return Made(target=made.target, proof=proof, rows=rows, size=made.size, answers=answers)


def _need_placed(inventory: Salted, entry: Entry) -> None:
    """Refuse a member of an archive: its bytes lie in no sectors of their own.

    Raises:
        InputError: it is one.
    """
    fs = (entry.stream or {})["fs"]
    outer = inventory.row(inventory.filesystem(fs)).get("within")
    if outer is not None:
        raise InputError(
            f"`{entry.shown}` lies inside an archive",
            hint=f"prove the archive, row {outer}; what is in it can then be listed by anybody",
        )


def _sensitive(ref: str) -> RefusedError:
    return RefusedError(
        f"`{ref}` holds sensitive material; a proof would carry its content out",
        hint="its digests are in the inventory; `evkit inventory find` shows them",
    )


def _checked(path: bytes, station: Station) -> Report:
    """Verify what was written before it gets its name.

    Raises:
        CheckFailedError: a check failed.
    """
    root = station.trust.root().fingerprint
    brought = Supplied(fingerprints=frozenset({root}), no_history=True)
    with open(path, "rb") as handle:
        report, _ = verify_origin(handle, escape_bytes(path), brought)
    wrong = [finding.text for finding in report.findings if finding.state == FAIL]
    if wrong:
        raise CheckFailedError(
            f"the proof would not hold: {wrong[0]}; nothing was written",
            hint="`evkit verify` of the acquisition and of the station may say why",
        )
    return report
