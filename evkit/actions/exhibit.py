"""`evkit exhibit register|list|show|mark`."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from evkit.actions.custody import (
    Recorded,
    Request,
    prepare,
    require_acquisition,
    require_case,
    require_exhibit,
    sign,
)
from evkit.actions.custody_log import findings_lines, holding, wrap
from evkit.core import durable
from evkit.core.errors import InputError, RefusedError, UsageError
from evkit.core.paths import to_bytes, to_fields
from evkit.core.refs import Ref, parse_ref
from evkit.core.text import escape, escape_bytes, shorten
from evkit.custody.history import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evkit.core.ejson import Json
    from evkit.custody.findings import Finding
    from evkit.custody.replay import Replay
    from evkit.custody.state import Acquisition, Exhibit
    from evkit.identity.signer import Signer
    from evkit.station import Station

ATTACHMENTS = b"attachments"
_BLOCK = 1 << 20
_SHOWN = (
    "quantity", "make", "model", "serial", "imei", "mac", "capacity", "marks", "condition",
    "parcel_no", "nature", "part_of", "derived_from", "seized_by", "authority_type",
    "power_state", "clock_shown", "clock_actual", "encryption", "why_seized", "store_entry_no",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ExhibitList:
    """The exhibits of one case, or of all."""

    exhibits: tuple[Exhibit, ...]
    case: str | None = None
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/exhibit-list/1",
            "exhibits": [
                {
                    "exhibit": exhibit.ref,
                    "what": exhibit.what,
                    "state": exhibit.state,
                    "holder": exhibit.holder,
                    "sealed": bool(exhibit.seal and exhibit.seal.sealed),
                    "acquisitions": list(exhibit.acquisitions),
                }
                for exhibit in self.exhibits
            ],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        if not self.exhibits:
            case = self.case or "CASE"
            return [f"No exhibits. Register one with `evkit exhibit register {case}/E1 --what …`."]
        width = max(len(exhibit.ref) for exhibit in self.exhibits)
        return [
            f"{exhibit.ref:<{width}}  {exhibit.state or 'unknown':<7}"
            f"  {'sealed' if exhibit.seal and exhibit.seal.sealed else '-':<6}"
            f"  {len(exhibit.acquisitions):>2} acquired  {escape(shorten(exhibit.what, 40))}"
            for exhibit in self.exhibits
        ]


@dataclass(frozen=True, kw_only=True)
class ExhibitView:
    """One exhibit with its acquisitions and remarks."""

    exhibit: Exhibit
    offset: str
    findings: tuple[Finding, ...]
    everything: bool = False
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/exhibit/1",
            **self.exhibit.document(),
            "findings": [finding.document() for finding in self.findings],
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        exhibit = self.exhibit
        lines = wrap(f"{exhibit.ref}: {escape(exhibit.what)}")
        lines += wrap(holding(exhibit, self.offset), first="  ")
        for name in _SHOWN:
            if name in exhibit.fields:
                label = name.replace("_", " ")
                lines += wrap(f"{label}: {escape(shown(exhibit.fields[name]))}", first="  ")
        for name, value in exhibit.heads.items():
            lines += wrap(f"{name}: {escape(value)}", first="  ")
        if exhibit.marks:
            lines += wrap("marks: " + escape(", ".join(m for m, _ in exhibit.marks)), first="  ")
        if exhibit.parts:
            lines += wrap("parts: " + ", ".join(exhibit.parts), first="  ")
        for entry in _attached(exhibit):
            lines += wrap(f"attached: {escape(str(entry.get('path', '')))}", first="  ")
            lines += wrap(f"sha256 {entry.get('sha256', '')}", first="    ")
        if exhibit.personal:
            text = f"personal, kept as commitments: {', '.join(exhibit.personal)}"
            lines += wrap(text, first="  ")
        for acquisition in exhibit.acquisitions.values():
            lines += ["", *acquisition_lines(acquisition)]
        return [*lines, "", *findings_lines(self.findings, everything=self.everything)]


def acquisition_lines(acquisition: Acquisition) -> list[str]:
    """Return the lines of one acquisition."""
    result = acquisition.result or "begun, no end recorded"
    lines = wrap(f"{acquisition.ref}  {acquisition.what}, {escape(result)}")
    for decision in acquisition.decisions:
        lines += wrap(escape(decision.words), first="      ")
    size = acquisition.media.get("size")
    if isinstance(size, int):
        lines.append(f"      {size:,} bytes")
    for name, digest in acquisition.digests.items():
        lines += wrap(f"{name} {escape(digest)}", first="      ")
    if acquisition.made_by == "other-tool":
        lines.append("      made by another tool, first digested here")
    if acquisition.inventories:
        lines.append(f"      inventoried (entry {acquisition.inventories[-1]})")
    for entry, answer in acquisition.verifications:
        lines.append(f"      compared again: {escape(answer)} (entry {entry})")
    return lines


def register(
    station: Station, signer: Signer | None, request: Request, attach: Sequence[str] = ()
) -> Recorded:
    """Register one exhibit; a case alone as reference takes the next free number.

    Args:
        station: where.
        signer: who signs; None only for a dry run.
        request: kind `register` and one reference.
        attach: files to take in by digest, copied under `cases/CASE/E1/attachments/`.

    Raises:
        CaseError: the case is not open.
        RefusedError: the exhibit is registered already.
    """
    replayed, ref = check_new(station, request)
    draft = prepare(station, replayed, request, (ref.case, (str(ref),), ()))
    if attach:
        fields: dict[str, Json] = dict(draft.fields)
        folder = os.path.join(station.folder(ref), ATTACHMENTS)
        fields["attachments"] = [_take_in(path, folder, dry_run=request.dry_run) for path in attach]
        draft = dataclasses.replace(draft, fields=fields)
    hint = f"next: evkit acquire SOURCE --exhibit {ref}, or evkit custody record seal {ref}"
    return sign(
        station, signer, draft, dry_run=request.dry_run, reason=request.reason, next_step=hint
    )


def check_new(station: Station, request: Request) -> tuple[Replay, Ref]:
    """Return the exhibit that a registration is about; errors as `register`."""
    ref = parse_ref(request.refs[0])
    if ref.acquisition:
        raise UsageError(f"`{ref}` is an acquisition; name an exhibit")
    replayed = station.state(ref.case)
    require_case(replayed, ref.case)
    known = replayed.state.cases[ref.case].exhibits
    if ref.exhibit is None:
        numbers = [int(name.rpartition("/E")[2]) for name in known]
        ref = Ref(ref.case, f"E{max(numbers, default=0) + 1}")
    found = known.get(str(ref))
    if found is not None and found.registered_entry is not None:
        raise RefusedError(
            f"`{ref}` was registered by entry {found.registered_entry}",
            hint="correct it with `evkit custody record correct "
            f"{ref} --set corrects={found.registered_entry} --set values.FIELD=…`",
        )
    return replayed, ref


def list_exhibits(station: Station, case: str | None) -> ExhibitList:
    """Return the exhibits of a case, or of all cases."""
    replayed = station.state(case)
    if case is not None:
        require_case(replayed, case)
    cases = replayed.state.cases
    names = [case] if case is not None else sorted(cases, key=str.casefold)
    return ExhibitList(
        case=case,
        exhibits=tuple(exhibit for name in names for exhibit in cases[name].exhibits.values()),
    )


def show_exhibit(station: Station, name: str, *, everything: bool = False) -> ExhibitView:
    """Return one exhibit; `everything` names each field that was not given.

    Raises:
        CaseError: it, or its acquisition that was named, is not on record.
    """
    parsed = parse_ref(name)
    ref = str(parsed.of_exhibit())
    replayed = station.state(parsed.case)
    require_case(replayed, parsed.case)
    require_exhibit(replayed, ref)
    if parsed.acquisition is not None:
        require_acquisition(replayed, name)
    exhibit = replayed.state.exhibit(ref)
    if exhibit is None:  # require_exhibit has looked
        raise UsageError(f"no exhibit `{ref}`")
    entries = replayed.entries_of(ref)
    return ExhibitView(
        exhibit=exhibit,
        offset=entries[-1].offset,
        findings=tuple(replayed.findings_of(ref)),
        everything=everything,
    )


def _attached(exhibit: Exhibit) -> list[dict[str, Any]]:
    value = exhibit.fields.get("attachments")
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _take_in(path: str, folder: bytes, *, dry_run: bool) -> dict[str, Json]:
    """Digest a file and copy it under its digest; return its row.

    The copy is named by the digest alone, so names from outside never reach the folder.
    """
    raw = to_bytes(path)
    digest = hashlib.sha256()
    size = 0
    try:
        with open(raw, "rb") as source:
            for block in iter(lambda: source.read(_BLOCK), b""):
                digest.update(block)
                size += len(block)
            value = digest.hexdigest()
            target = os.path.join(folder, value.encode("ascii"))
            if not dry_run and not os.path.lexists(target):
                source.seek(0)
                _copy(source, folder, target, value)
    except OSError as error:
        raise InputError(f"cannot read `{escape_bytes(raw)}`: {error.strerror or error}") from error
    return {**to_fields(os.path.basename(raw)), "sha256": value, "size": size}


def _copy(source: BinaryIO, folder: bytes, target: bytes, expected: str) -> None:
    durable.make_dir(folder)
    digest = hashlib.sha256()
    with durable.NewFile(target, mode=0o444) as copy:
        for block in iter(lambda: source.read(_BLOCK), b""):
            digest.update(block)
            copy.write(block)
        if digest.hexdigest() != expected:
            raise InputError("the file changed while it was taken in", hint="try again")
        copy.commit()
