"""What acquiring gave: the documents and the lines of `evkit acquire`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import gaps, imaging, mapfile, readback, rereading, source
from evkit.acquire.rereading import Reread
from evkit.actions.longwork import leftovers, quoted
from evkit.core import ranges
from evkit.core.errors import ExitCode, worst
from evkit.core.refs import parse_ref
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.imaging import Imaging
    from evkit.acquire.source import Facts
    from evkit.actions.acquire_listed import Listed
    from evkit.actions.longwork import Ended
    from evkit.core.ejson import Json
    from evkit.custody.decision import Decision

_WORDS = {
    imaging.COMPLETE: "complete",
    imaging.WITH_GAPS: "complete but for gaps",
}
_VERIFIED = {
    "later": "the image was not read back; do it with `evkit verify {ref} --record`",
    "not-asked": "the image was not read back",
    "stopped": "reading the image back was stopped; do it with `evkit verify {ref} --record`",
    "": "the image was not read back",
}


@dataclass(frozen=True, kw_only=True)
class Acquired:
    """What came of an acquisition."""

    ref: str
    folder: bytes
    facts: Facts
    made: Imaging
    start: int
    ended: Ended
    remarks: tuple[str, ...] = ()
    changed: bool = False
    places: tuple[bytes, ...] = ()
    partial: str | None = None
    decisions: tuple[Decision, ...] = ()
    inventory: Listed | None = None

    @property
    def exit_code(self) -> int:
        """The worst of: unreadable data, a failed check, an error, a missing signature."""
        codes = [int(ExitCode.OK)]
        if self.made.result == imaging.WITH_GAPS or self.changed:
            codes.append(int(ExitCode.INCOMPLETE))
        if self.made.verified is False:
            codes.append(int(ExitCode.FAILED_CHECK))
        if self.made.verification.get("state") == "stopped":
            codes.append(int(ExitCode.INTERRUPTED))
        if self.made.reread is not None:
            codes.append(self.made.reread.exit_code)
        if any("error" in copy for copy in self.made.copies):
            codes.append(int(ExitCode.STORAGE))
        codes += [int(e.exit_code) for e in (self.made.error, self.ended.error) if e is not None]
        codes += self.inventory.exit_codes if self.inventory is not None else []
        return worst(*codes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        made = self.made
        document: dict[str, Any] = {
            "schema": "evkit/acquired/1",
            "acquisition": self.ref,
            "result": made.result,
            "recorded": self.ended.index is not None,
            "entries": [n for n in (self.start, self.ended.index) if n is not None],
            "folder": escape_bytes(self.folder),
            "source": source.fields(self.facts),
            "bytes_read": made.bytes_read,
            "verification": made.verification,
            "source_reread": (made.reread or Reread()).fields(),
            "artifacts": [artifact.fields() for artifact in made.artifacts],
            "deviations": list(self.remarks),
            "notices": list(self.ended.notices),
        }
        if self.partial is not None:
            document["partial"] = self.partial
        if self.decisions:
            document["decisions"] = [decision.document() for decision in self.decisions]
        if made.copies and self.places != (self.folder,):
            document["copies"] = [
                {**copy, "folder": escape_bytes(place)}
                for copy, place in zip(made.copies, self.places, strict=True)
            ]
        if made.resumable:
            document["resumable"] = True
        if made.outcome is not None:
            document["media"] = media_fields(made, self.facts)
        if made.gaps:
            document["unread"] = gaps.fields(made.gaps)
        if made.stormy:
            document["error_storm"] = True
        if self.inventory is not None:
            document["inventory"] = self.inventory.document()
        problem = made.error or self.ended.error
        if problem is not None:
            document["error"] = problem.message
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        made = self.made
        lines = [self._first()]
        lines += [f"  {escape(decision.words)}" for decision in self.decisions]
        if made.outcome is not None:
            lines += [f"  {name} {value}" for name, value in made.outcome.digests.items()]
        lines += self._files()
        if made.gaps and not made.resumable:
            lines.append(f"  {unread_words(made)}; they are zeros in the image, see image.map")
        lines += [f"  {verification_line(made, self.ref)}"] if made.outcome else []
        again = reread_line(made.reread or Reread())
        lines += [f"  {again}"] if again else []
        lines += [f"  deviation: {escape(text)}" for text in self.remarks]
        lines += [f"  note: {escape(text)}" for text in self.ended.notices]
        if made.error is not None:
            lines.append(f"  {made.error.message}")
            lines += [f"hint: {made.error.hint}"] if made.error.hint else []
        if made.result not in _WORDS:
            lines += self._onward()
        elif made.stormy:
            lines.append(self._of_storm())
        if self.ended.error is not None:
            lines.append(f"  the end is not signed: {self.ended.error.message}")
            lines.append(f"hint: sign it with `evkit acquire --record --exhibit {self.ref}`")
        if self.inventory is not None and not made.resumable:
            lines += self.inventory.lines(self.ref)
        return lines

    def _first(self) -> str:
        made = self.made
        if made.result not in _WORDS:
            size = in_words(made.bytes_read)
            line = f"evkit: {made.result.upper()}: {self.ref} is not complete, {size} read"
        else:
            size = in_words(made.bytes_read if made.outcome is None else made.outcome.size)
            line = f"evkit: {self.ref} acquired: {_WORDS[made.result]}, {size}"
        if self.ended.index is not None:
            line += f", entries {self.start} and {self.ended.index}"
        return line

    def _files(self) -> list[str]:
        """Say what the image is in, and where when that is not the station."""
        made = self.made
        lines = []
        if made.outcome is not None and made.format == imaging.E01:
            stored = sum(file.size for file in made.files)
            count = f"{len(made.files)} segments" if len(made.files) > 1 else "one segment"
            lines.append(f"  E01 in {count}, {in_words(stored)}")
        elif made.outcome is not None and len(made.files) > 1:
            lines.append(f"  raw in {len(made.files)} parts")
        if self.places != (self.folder,):
            for copy, place in zip(made.copies, self.places, strict=False):
                error = f": {copy['error']}" if "error" in copy else ""
                lines.append(
                    f"  {copy['copy']} copy {copy['state']} in `{escape_bytes(place)}`{error}"
                )
        return lines

    def _of_storm(self) -> str:
        """Say what to do after too many read errors."""
        if self.made.format == imaging.RAW:
            return f"hint: make an E01 of it with `evkit image convert {self.ref}`"
        return (
            f"hint: read errors were many; `{self._again()} --format raw` tries harder and keeps a "
            "map, `evkit image convert` makes an E01 of that"
        )

    def _onward(self) -> list[str]:
        """Say what is left and how to go on."""
        if self.made.resumable:
            return [
                "  no end is recorded: the work can go on where it stopped",
                f"hint: `evkit acquire --resume --exhibit {self.ref}`, or close it with `--finish`",
            ]
        return [*leftovers(self.folder, *self.places), f"hint: start again with `{self._again()}`"]

    def _again(self) -> str:
        exhibit = parse_ref(self.ref).of_exhibit()
        return f"evkit acquire {quoted(self.facts.path)} --exhibit {exhibit}"


def unread_words(made: Imaging) -> str:
    """Say how much is missing: what could not be read, and what was not tried."""
    total = ranges.total(made.gaps)
    bad = made.map.total(mapfile.BAD) if made.map is not None else total
    count = f"{len(made.gaps)} range" + ("s" if len(made.gaps) != 1 else "")
    if not bad:
        return f"{in_words(total)} in {count} were not tried"
    text = f"{in_words(bad)} in {count} could not be read"
    return text if bad == total else f"{text}, {in_words(total - bad)} were not tried"


def media_fields(made: Imaging, facts: Facts) -> dict[str, Json]:
    """Return size, digests and piece tree of the content as events state them."""
    if made.outcome is None:
        return {}
    fields: dict[str, Json] = {"size": made.outcome.size, **made.outcome.digests}
    fields["pieces"] = made.outcome.pieces.fields()
    if facts.device is not None:
        fields["sector_size"] = facts.sector_size
    return fields


def verification_line(made: Imaging, ref: str) -> str:
    """Say what the second reading gave."""
    state = str(made.verification.get("state", ""))
    if state == "match":
        how = {
            "direct": "from the medium, past the page cache",
            "cache-dropped": "after the page cache was asked to let it go",
        }.get(str(made.verification.get("how")), "perhaps from the page cache")
        return f"the image was read back {how}: equal"
    if state == "mismatch":
        where = ""
        if made.damage:
            offset, length = made.damage[0]
            where = f", first in bytes {offset:,} to {offset + length:,}"
        return f"FAIL: the image reads back different from the source{where}"
    return _VERIFIED.get(state, _VERIFIED[""]).format(ref=ref)


def reread_line(again: Reread) -> str:
    """Say what the second reading of the source gave; empty when it was not asked for."""
    if again.state == rereading.NOT_ASKED:
        return ""
    how = {
        readback.DIRECT: "past the page cache",
        readback.DROPPED: "after the page cache was asked to let it go",
    }.get(again.how, "perhaps from the page cache")
    left = f"; {in_words(again.left_out)} that could not be read are left out"
    rest = left if again.left_out else ""
    if again.state == rereading.MATCH:
        return f"the source was read again {how}: equal{rest}"
    if again.state == rereading.MISMATCH:
        offset, length = again.damage[0]
        where = f"first in bytes {offset:,} to {offset + length:,}"
        return f"FAIL: the source gives other bytes now, {where}{rest}"
    if again.state == rereading.INCOMPLETE:
        lost = f"{in_words(again.unread)} cannot be read any more"
        return f"the source was read again {how}: equal, but {lost}{rest}"
    if again.state == rereading.STOPPED:
        return "reading the source again was stopped"
    if again.error is not None:
        return f"the source could not be read again: {again.error.message}"
    return "the source was not read again: there was no image to compare it with"
