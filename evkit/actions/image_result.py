"""What converting or exporting an image gave: documents and lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.acquire import gaps, imaging, judging
from evkit.core.errors import ExitCode, worst
from evkit.core.paths import to_fields
from evkit.core.ranges import total
from evkit.core.sizes import in_words
from evkit.core.text import escape, escape_bytes

if TYPE_CHECKING:
    from evkit.acquire.converting import Conversion
    from evkit.actions.longwork import Ended
    from evkit.core.ejson import Json

_SHOWN = 12
_LISTED = 64
_STATES = {
    judging.EQUAL: "compared with what {who}: equal",
    judging.PARTLY: "compared with what {who}, as far as it can be decoded: equal",
    judging.NOT_COMPARED: "not compared with what {who}: parts of it cannot be decoded",
    judging.NOTHING: "the source states nothing that it could be compared with",
    judging.DIFFERS: "FAIL: compared with what {who}: different",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The record of it.

    Attributes:
        ref: the new acquisition.
        parent: the acquisition it was made from.
        start: entry of its start.
        ended: how the record of the end went.
        deviations: texts.
    """

    ref: str
    parent: str
    start: int
    ended: Ended
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A converted or exported image.

    Attributes:
        source: its path as `…`, or the acquisition; escaped.
        source_format: its format.
        files: of the new image.
        map: the map of what is missing in it, None when nothing is.
        words: `converted` or `exported`.
        part: offset, length and bytes of the whole, when only a part was taken.
        remarks: what to know of it.
        entry: its record; None outside a station.
    """

    source: str
    source_format: str
    done: Conversion
    files: tuple[bytes, ...]
    map: bytes | None = None
    words: str = "converted"
    part: tuple[int, int, int] | None = None
    remarks: tuple[str, ...] = ()
    entry: Entry | None = None

    @property
    def exit_code(self) -> int:
        """The worst of: not decodable now, a failed check, an error, a missing signature."""
        made = self.done.made
        codes = [int(ExitCode.INCOMPLETE)] if self.done.damage else []
        if made.verified is False:
            codes.append(int(ExitCode.FAILED_CHECK))
        ended = self.entry.ended.error if self.entry is not None else None
        codes += [int(error.exit_code) for error in (made.error, ended) if error is not None]
        return worst(*codes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        made = self.done.made
        medium = made.outcome.digests["sha256"] if made.outcome is not None else None
        document: dict[str, Any] = {
            "schema": "evkit/image-converted/1",
            "what": self.words,
            "source": self.source.strip("`"),
            "source_format": self.source_format,
            "format": made.format,
            "result": made.result,
            "files": [
                {**to_fields(path), "size": file.size, "sha256": file.sha256 or medium}
                for path, file in zip(self.files, made.files, strict=False)
            ],
            "comparison": self.done.judgement.fields() if self.done.judgement else None,
            "verification": made.verification,
            "not_decoded": _damage(self.done),
            "remarks": list(self.remarks),
        }
        if self.part is not None:
            document["part"] = part_fields(self.part)
        if made.outcome is not None:
            document["media"] = media_fields(self.done)
        if made.gaps:
            document["unread"] = gaps.fields(made.gaps)
        if self.map is not None:
            document["map"] = to_fields(self.map)
        if self.entry is not None:
            document |= self._recorded()
        if made.error is not None:
            document["error"] = made.error.message
        return document

    def _recorded(self) -> dict[str, Any]:
        entry = self.entry
        if entry is None:
            return {}
        index = entry.ended.index
        found: dict[str, Any] = {
            "acquisition": entry.ref,
            "derived_from": entry.parent,
            "recorded": index is not None,
            "entries": [number for number in (entry.start, index) if number is not None],
            "deviations": list(entry.deviations),
            "notices": list(entry.ended.notices),
        }
        if entry.ended.error is not None:
            found["error"] = entry.ended.error.message
        return found

    def lines(self) -> list[str]:
        """Return the lines for people."""
        made, done = self.done.made, self.done
        lines = [self._first()]
        if self.part is not None:
            offset, length, size = self.part
            lines.append(f"  bytes {offset:,} to {offset + length:,} of {size:,}")
        if made.outcome is not None:
            lines += [f"  {name} {value}" for name, value in made.outcome.digests.items()]
        lines += self._files()
        if done.judgement is not None:
            lines.append(f"  {self._compared()}")
        lines += self._missing()
        if made.verified is not None:
            word = "equal" if made.verified else "FAIL: different, so that it got no name"
            lines.append(f"  the new image was read back: {word}")
        lines += [f"  remark: {escape(text)}" for text in self.remarks]
        return lines + self._record()

    def _first(self) -> str:
        made = self.done.made
        if made.result not in {imaging.COMPLETE, imaging.WITH_GAPS}:
            what = "conversion" if self.words == "converted" else "export"
            line = f"evkit: {made.result.upper()}: the {what} of {self.source} is not complete"
        else:
            where = self.entry.ref if self.entry is not None else ""
            if not where and self.files:
                where = f"`{escape_bytes(self.files[0])}`"
            size = in_words(made.outcome.size if made.outcome is not None else 0)
            line = f"evkit: {self.source} {self.words}: {where}, {size}"
        if self.entry is not None and self.entry.ended.index is not None:
            line += f", entries {self.entry.start} and {self.entry.ended.index}"
        return line

    def _files(self) -> list[str]:
        made = self.done.made
        if made.outcome is None or not made.files:
            return []
        stored = sum(file.size for file in made.files)
        count = len(made.files)
        if made.format == imaging.E01:
            words = f"{count} segments" if count > 1 else "one segment"
            return [f"  E01 in {words}, {in_words(stored)}"]
        return [f"  raw in {count} parts"] if count > 1 else []

    def _compared(self) -> str:
        judgement = self.done.judgement
        if judgement is None:
            return ""
        who = "is on record" if self.entry is not None else "the source states"
        text = _STATES[judgement.state].format(who=who)
        if judgement.pieces is not None:
            text += f" ({judgement.pieces:,} recorded pieces"
            text += f", {judgement.lost:,} not compared)" if judgement.lost else ")"
        elif judgement.digests:
            text += f" ({', '.join(dict.fromkeys(e.algorithm for e in judgement.digests))})"
        return text

    def _missing(self) -> list[str]:
        made, done = self.done.made, self.done
        lines = []
        if done.damage:
            lines.append(
                f"  {in_words(total(done.damage))} could not be decoded; zeros stand for them"
            )
            lines += [
                f"    bytes {offset:,} to {offset + length:,}: {words}"
                for offset, length, words in done.places[:_SHOWN]
            ]
            if len(done.places) > _SHOWN:
                lines.append("    and more; all are in the document (--json) or the map")
        known = total(made.gaps) - total(done.damage)
        if known > 0:
            lines.append(f"  {in_words(known)} were not read when the source was made")
        if made.gaps and made.format == imaging.E01 and made.outcome is not None:
            lines.append("  both are in the error list of the E01" if done.damage and known > 0
                         else "  this is in the error list of the E01")  # fmt: skip
        if self.map is not None:
            lines.append(f"  map: `{escape_bytes(self.map)}`")
        return lines

    def _record(self) -> list[str]:
        made, entry = self.done.made, self.entry
        lines = []
        if made.error is not None:
            lines.append(f"  {made.error.message}")
            lines += [f"    {key}: {text}" for key, text in made.error.details.items()]
            lines += [f"hint: {made.error.hint}"] if made.error.hint else []
        if entry is None:
            return lines
        lines += [f"  deviation: {escape(text)}" for text in entry.deviations]
        lines += [f"  note: {escape(text)}" for text in entry.ended.notices]
        if entry.ended.error is not None:
            lines.append(f"  the end is not signed: {entry.ended.error.message}")
            lines.append(f"hint: sign it with `evkit acquire --record --exhibit {entry.ref}`")
        return lines


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a dry run found."""

    source: str
    source_format: str
    size: int
    target: str
    format: str
    words: str = "converted"
    part: tuple[int, int, int] | None = None
    compared: int = 0
    deviations: tuple[str, ...] = ()
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = {
            "schema": "evkit/image-conversion-plan/1",
            "what": self.words,
            "source": self.source.strip("`"),
            "source_format": self.source_format,
            "size": self.size,
            "target": self.target.strip("`"),
            "format": self.format,
            "digests_to_compare": self.compared,
            "deviations": list(self.deviations),
        }
        if self.part is not None:
            document["part"] = part_fields(self.part)
        return document

    def lines(self) -> list[str]:
        """Return the lines for people."""
        what = f"{self.source} ({self.source_format}, {in_words(self.size)})"
        lines = [f"evkit: {what} would be {self.words} to {self.target} ({self.format})"]
        if self.part is not None:
            offset, length, size = self.part
            lines.append(f"  bytes {offset:,} to {offset + length:,} of {size:,}")
        lines += [f"  deviation: {escape(text)}" for text in self.deviations]
        return [*lines, "nothing was written"]


def part_fields(part: tuple[int, int, int]) -> dict[str, Json]:
    """Return offset, length and bytes of the whole as events state them."""
    return {"offset": part[0], "length": part[1], "source_size": part[2]}


def media_fields(done: Conversion) -> dict[str, Json]:
    """Return size, digests and piece tree of the new medium as events state them."""
    outcome = done.made.outcome
    if outcome is None:
        return {}
    return {"size": outcome.size, **outcome.digests, "pieces": outcome.pieces.fields()}


def _damage(done: Conversion) -> dict[str, Any]:
    return {
        "bytes": total(done.damage),
        "ranges": len(done.damage),
        "first": [
            {"offset": offset, "length": length, "where": words}
            for offset, length, words in done.places[:_LISTED]
        ],
    }
