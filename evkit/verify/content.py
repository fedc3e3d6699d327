"""Content: are the bytes those recorded?

Judged over what the signed manifest says is enclosed and over what `--exhibits` supplies. What is
declared not enclosed is said in the first line. Damage of an image is located to the MiB when its
pieces file is intact.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape, escape_bytes
from evkit.manifest import contents
from evkit.manifest.filelist import Row, iter_rows
from evkit.verify.locate import damage
from evkit.verify.medium import NAMES, PIECES, check_medium
from evkit.verify.report import CONTENT
from evkit.verify.sources import MAX_LIST, Keeper
from evkit.verify.whole import Taker, Whole, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.manifest.contents import Acquisition, Artifact
    from evkit.verify.report import Report
    from evkit.verify.sources import Source


_HIDDEN: Final = "(sensitive)"  # for the name of a file that was digested where it lies
MAX_NAMES: Final = 10  # of missing files


class Counts(NamedTuple):
    """What was compared: files, their bytes, how many were not as recorded, how many not here.

    `names` are the first of those that are not here, escaped.
    """

    files: int = 0
    bytes: int = 0
    wrong: int = 0
    absent: int = 0
    names: tuple[str, ...] = ()

    def plus(self, other: Counts) -> Counts:
        """Return the sum."""
        return Counts(
            self.files + other.files,
            self.bytes + other.bytes,
            self.wrong + other.wrong,
            self.absent + other.absent,
            (*self.names, *other.names)[:MAX_NAMES],
        )

    @property
    def absent_names(self) -> str:
        """The names of missing files as a list, at most `MAX_NAMES`."""
        more = " …" if self.absent > len(self.names) else ""
        return ", ".join(f"`{name}`" for name in self.names) + more


def _absent(ref: str, name: str) -> Counts:
    return Counts(absent=1, names=(escape(f"{ref}/{name}"),))


def check_acquisition(
    acquisition: Acquisition, source: Source, report: Report, names: Iterable[str]
) -> Counts:
    """Compare the files of one acquisition with its record.

    Args:
        acquisition: what was recorded.
        source: where the files are.
        report: takes failures; passes are reported by the caller over all acquisitions.
        names: artifacts to look at, and `files/` for the taken-in files of a list.
    """
    wanted = set(names)
    total = Counts()
    lists: dict[str, bytes] = {}
    with Whole(acquisition) as whole:
        for artifact in acquisition.artifacts:
            if artifact.name in wanted:
                found = _artifact(acquisition, artifact, source, report, (whole, lists))
                total = total.plus(found)
        whole.finish(report)
    if total.files and whole.container:
        check_medium(acquisition, source, report, wanted, changed=total.wrong > 0)
    compare = contents.FILES_NAME in wanted
    if lists and acquisition.is_list:
        total = total.plus(_files(acquisition, source, report, lists, compare=compare))
    elif compare:
        text = "their list is not intact here"
        text = f"the files of `{escape(acquisition.ref)}` cannot be compared: {text}"
        report.undecided(CONTENT, "no-list", text, escape(acquisition.ref))
    return total


def _artifact(
    acquisition: Acquisition,
    artifact: Artifact,
    source: Source,
    report: Report,
    kept: tuple[Whole, dict[str, bytes]],
) -> Counts:
    whole, lists = kept
    ref, name = acquisition.ref, artifact.name
    where = source.place(ref, name)
    if where is None:
        return _absent(ref, name)
    keeper = Keeper(MAX_LIST if artifact.role == contents.LIST_ROLE else 0)
    found = source.digest(ref, name, keeper, *whole.for_(artifact))
    if found is None:
        whole.spoil()
        return Counts()
    if found != artifact.sha256:
        whole.spoil()
        text = f"`{escape(where)}` is not what was recorded as `{escape(ref)}` {escape(name)}"
        text += damage(acquisition, artifact, source)
        report.failed(CONTENT, "exhibit-digest", text, escape(where), artifact.sha256, found)
        return Counts(1, artifact.size, 1)
    if source.size(ref, name) != artifact.size:
        text = f"`{escape(where)}` is recorded with another size than its digest belongs to"
        report.failed(CONTENT, "exhibit-size", text, escape(where), str(artifact.size))
        return Counts(1, artifact.size, 1)
    if artifact.role == contents.LIST_ROLE and keeper.data is not None:
        lists[name] = keeper.data
    return Counts(1, artifact.size)


def check_ends(facts: Mapping[str, Any], report: Report, below: str = "") -> None:
    """Fail where an acquisition was ended twice with different data; the first end is the record.

    Args:
        facts: made from the entries.
        report: takes the failures.
        below: only acquisitions of this case, exhibit or acquisition; all when empty.
    """
    for one in contents.contradictions(facts):
        if below and not f"{one.ref}/".startswith(f"{below}/"):
            continue
        ref = escape(one.ref)
        text = (
            f"entries {one.first} and {one.second} record different data for `{ref}`; the data are "
            f"judged by entry {one.first}, which was recorded first"
        )
        before, after = escape(one.before), escape(one.after)
        report.failed(CONTENT, "ended-twice", text, f"entry {one.second}", before, after)


def _files(
    acquisition: Acquisition,
    source: Source,
    report: Report,
    lists: dict[str, bytes],
    *,
    compare: bool,
) -> Counts:
    """Read the lists; compare their totals with the record, and the files when they are wanted."""
    ref = escape(acquisition.ref)
    total, files, size, unreadable = Counts(), 0, 0, 0
    for name, data in lists.items():
        try:
            for row in iter_rows(io.BytesIO(data)):
                unreadable += row.state == "unreadable"
                if row.sha256 is None:
                    continue
                files, size = files + 1, size + (row.size or 0)
                if compare:
                    total = total.plus(_listed(acquisition, row, source, report))
        except InputError as error:
            text = f"the list `{escape(name)}` of `{ref}`: {escape(error.message)}"
            report.failed(CONTENT, "list-form", text, ref)
            return total
    found = (files, size, "unreadable things" if unreadable else "complete")
    row_ = acquisition.row
    result = found[2] if row_.get("result") != "complete" else "complete"
    stated = (row_.get("files"), row_.get("bytes"), result)
    if stated != found:
        text = f"the list of `{ref}` has other totals than entry {row_['entry']} states"
        words = [f"{a} files, {b} bytes, {c}" for a, b, c in (stated, found)]
        report.failed(CONTENT, "list-totals", text, ref, escape(words[0]), words[1])
    return total


def _listed(acquisition: Acquisition, row: Row, source: Source, report: Report) -> Counts:
    """Compare one taken-in file; what was digested in place is looked for under its own path."""
    ref = acquisition.ref
    name = row.name or os.fsdecode(row.path)
    where = source.place(ref, name)
    if where is None:
        return _absent(ref, row.name or _HIDDEN if acquisition.sensitive else name)
    size = row.size or 0
    stated: dict[str, object] = {key: getattr(row, key) for key in (*NAMES, PIECES)}
    stated = {key: value for key, value in stated.items() if value is not None}
    names = [key for key in stated if key not in {"sha256", PIECES}]
    taker = Taker(names, pieces=PIECES in stated, size=size)
    try:
        found = source.digest(ref, name, taker)
        if found is None:
            return Counts()
        made = {"sha256": found} | taker.finish()
    finally:
        taker.stop()
    wrong = [key for key in stated if made[key] != stated[key]]
    if not wrong and source.size(ref, name) == size:
        return Counts(1, size)
    if acquisition.sensitive and row.name is None:
        where = _HIDDEN
    text = f"`{escape(where)}` is not what was taken in"
    if not acquisition.sensitive:
        text += f" as `{escape_bytes(row.path)}`"
    key = wrong[0] if wrong else "sha256"
    told = shown(key, stated[key], made[key])
    report.failed(CONTENT, "exhibit-digest", text, escape(where), *told)
    return Counts(1, size, 1)
