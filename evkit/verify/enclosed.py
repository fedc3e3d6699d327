"""What the manifest says is enclosed against what the entries say there is and what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import contents, layout
from evkit.verify.content import Counts, check_acquisition, check_ends
from evkit.verify.inventory import RowCheck
from evkit.verify.report import CONTENT, RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.manifest.contents import Acquisition
    from evkit.manifest.model import Item, Manifest
    from evkit.verify.files import Files
    from evkit.verify.report import Report
    from evkit.verify.sources import Source


def check_enclosed(
    manifest: Manifest,
    made: Mapping[str, Any],
    files: Files,
    sources: Mapping[str, Source],
    report: Report,
) -> None:
    """Check the declarations, then the bytes.

    Args:
        manifest: as read; its own facts are not used.
        made: the facts made again from the entries.
        files: the bundle.
        sources: `bundle`, and `exhibits` when the verifier supplied folders.
        report: takes the findings.
    """
    try:
        acquisitions = contents.acquisitions(made)
        wanted = {entry.key: entry for entry in contents.expected(made)}
    except InputError as error:
        report.failed(RECORD, "facts-form", escape(error.message))
        return
    check_ends(made, report)
    _declarations(manifest, wanted, report)
    enclosed = {_key(item): item for item in manifest.enclosed}
    inside = Counts()
    for ref, acquisition in acquisitions.items():
        names = [item.name for item in enclosed.values() if _is_data(item, ref)]
        if names:
            inside = inside.plus(check_acquisition(acquisition, sources["bundle"], report, names))
    _absent(inside, "enclosed", report)
    _say(inside, "enclosed", report)
    _stray(files, enclosed, acquisitions, report)
    rows = _inventories(manifest, made, acquisitions, files, report)
    if rows is not None:
        report.passed(CONTENT, "inventories", rows)
    outside = [item for item in manifest.not_enclosed if item.what != contents.INVENTORY]
    if "exhibits" in sources:
        outside = _supplied(outside, acquisitions, sources["exhibits"], report)
    _reach(outside, manifest, report)


def _key(item: Item) -> tuple[str, str, str]:
    return (item.what, item.acquisition, item.name)


def _is_data(item: Item, ref: str) -> bool:
    return item.acquisition == ref and item.what in {contents.ARTIFACT, contents.FILES}


def _declarations(
    manifest: Manifest, wanted: Mapping[tuple[str, str, str], contents.Expected], report: Report
) -> None:
    """Everything recorded is either enclosed or declared not to be, with its size and digest."""
    where = layout.MANIFEST
    said: dict[tuple[str, str, str], Item] = {}
    for item in (*manifest.enclosed, *manifest.not_enclosed):
        key = _key(item)
        shown = escape(f"{item.acquisition} {item.name}")
        if key in said or key not in wanted:
            word = "twice" if key in said else "and no entry records it"
            text = f"the manifest names `{shown}` {word}"
            report.failed(RECORD, "declared", text, where)
            continue
        said[key] = item
        entry = wanted[key]
        stated = (item.size if entry.size is not None else None, item.sha256, item.count)
        digest = entry.sha256 if entry.what != contents.INVENTORY else item.sha256
        real = (entry.size, digest, entry.number)
        if stated != real:
            text = f"the manifest describes `{shown}` in another way than the entry"
            report.failed(RECORD, "declared", text, where, str(real), str(stated))
    for _, ref, name in wanted.keys() - said.keys():
        shown = escape(f"{ref} {name}")
        text = f"the manifest says nothing about `{shown}`, which an entry records"
        report.failed(RECORD, "undeclared", text, where)


def _stray(
    files: Files,
    enclosed: Mapping[tuple[str, str, str], Item],
    acquisitions: Mapping[str, Acquisition],
    report: Report,
) -> None:
    """Long files that the manifest does not name; all of them are read for the list of the bag."""
    for name in files.names(layout.EXHIBITS):
        place = layout.split_exhibit(name)
        listed = place is not None and (
            (contents.ARTIFACT, *place) in enclosed
            or (
                (contents.FILES, place[0], contents.FILES_NAME) in enclosed
                and place[1].startswith(contents.FILES_NAME)
                and place[0] in acquisitions
            )
        )
        if not listed:
            text = f"`{escape(name)}` is inside and the manifest does not name it"
            report.failed(CONTENT, "stray-exhibit", text, escape(name))
        elif name not in files.streamed and name not in files.bad:
            text = f"`{escape(name)}` belongs to no file that was recorded"
            report.failed(CONTENT, "stray-exhibit", text, escape(name))
        if name not in files.streamed and name not in files.bad:
            files.stream(name)


def _inventories(
    manifest: Manifest,
    made: Mapping[str, Any],
    acquisitions: Mapping[str, Acquisition],
    files: Files,
    report: Report,
) -> str | None:
    total = number = 0
    items = {
        item.acquisition: item for item in manifest.enclosed if item.what == contents.INVENTORY
    }
    recorded = contents.inventories(made)
    fields = {row["entry"]: row.get("fields", {}) for row in made["entries"]}
    good = True
    for ref, item in items.items():
        where = layout.inventory_path(ref)
        check = RowCheck()
        found = files.stream(where, check)
        if found is None:
            if where not in files.tree.sizes:
                text = f"`{escape(where)}` is said to be enclosed and is missing"
                report.failed(CONTENT, "enclosed-missing", text, escape(where))
            good = False
            continue
        stated = (item.size, item.sha256)
        if stated != (files.tree.sizes[where], found):
            text = f"`{escape(where)}` is not the file that the manifest describes"
            report.failed(CONTENT, "inventory-file", text, escape(where), str(item.sha256), found)
        row = recorded.get(ref, {})
        rows = check.finish(row, where, report)
        good &= rows is not None
        if rows is not None and row:
            ends = acquisitions[ref].row if ref in acquisitions else None
            coverage = fields.get(row["entry"], {}).get("coverage")
            good &= check.judge(ends, row, coverage, where, report)
        total += rows or 0
        number += 1
    for name in files.names(layout.INVENTORIES):
        if name not in {layout.inventory_path(ref) for ref in items}:
            text = f"`{escape(name)}` is inside and the manifest does not name it"
            report.failed(CONTENT, "stray-inventory", text, escape(name))
            files.stream(name)
    if number and good:
        return f"{total} inventory rows of {number} acquisitions are those whose root is recorded"
    return None


def _supplied(
    outside: list[Item], acquisitions: Mapping[str, Acquisition], source: Source, report: Report
) -> list[Item]:
    """Compare what the verifier supplied; return what is still not compared."""
    left = []
    total = Counts()
    for ref, acquisition in acquisitions.items():
        items = [item for item in outside if item.acquisition == ref]
        here = [item for item in items if _here(item, source)]
        left += [item for item in items if item not in here]
        names = [item.name for item in here]
        if names:
            counts = check_acquisition(acquisition, source, report, names)
            total = total.plus(counts)
            if counts.absent:
                noun = "file is" if counts.absent == 1 else "files are"
                text = (
                    f"{counts.absent} recorded {noun} not in the folder given with "
                    f"`--exhibits`: {counts.absent_names}"
                )
                report.remark("supplied-absent", text, acquisition.row["entry"])
                left += [item for item in here if item.what == contents.FILES]
    _say(total, "supplied", report)
    if not total.files:
        text = "none of the recorded files was found in the folder given with `--exhibits`"
        report.undecided(CONTENT, "nothing-supplied", text)
    return left


def _here(item: Item, source: Source) -> bool:
    if item.what == contents.FILES:
        return source.place(item.acquisition, "files.jsonl") is not None
    return source.place(item.acquisition, item.name) is not None


def _absent(counts: Counts, word: str, report: Report) -> None:
    if counts.absent:
        text = f"{counts.absent} files said to be {word} are missing: {counts.absent_names}"
        report.failed(CONTENT, "enclosed-missing", text)


def _say(counts: Counts, word: str, report: Report) -> None:
    if counts.files and not counts.wrong:
        text = f"{counts.files} {word} files of evidence, {counts.bytes:,} bytes, are as recorded"
        report.passed(CONTENT, f"exhibits-{word}", text)


def _reach(outside: list[Item], manifest: Manifest, report: Report) -> None:
    images = {item.acquisition for item in outside}
    rows = [item for item in manifest.not_enclosed if item.what == contents.INVENTORY]
    if not images and not rows:
        return
    size = sum(item.size for item in outside)
    parts = []
    if images:
        names = ", ".join(sorted(escape(ref) for ref in images))
        parts.append(f"data of {names} ({size:,} bytes)")
    if rows:
        parts.append("1 inventory" if len(rows) == 1 else f"{len(rows)} inventories")
    report.reach.append(f"not enclosed: {' and '.join(parts)}")
