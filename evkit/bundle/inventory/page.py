"""`inventory report`: one HTML page that needs nothing but a browser.

Nothing is loaded from anywhere: a content security policy forbids everything but the page's own
script and style, each named by its digest. Data stands as JSON in which no tag can begin; the
script writes text, never HTML. Described in `docs/spec/inventory-report.md`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evkit import __version__
from evkit.bundle.inventory import problems
from evkit.bundle.inventory.disk import bar
from evkit.bundle.inventory.files import Table, best_digest, split, table
from evkit.bundle.inventory.gather import Facts, gather, sorted_types
from evkit.bundle.inventory.words import DIRECTIONS, Safe, Speaker, name, number, parts, words
from evkit.core.data import package_file
from evkit.core.errors import InputError
from evkit.core.progress import SILENT, Progress
from evkit.core.text import escape, escape_bytes, shorten
from evkit.inventory.coverage import SUMS, contradictions
from evkit.inventory.coverage import problems as wrong_sums
from evkit.inventory.hashsets.model import NOTABLE
from evkit.inventory.search.find import of_streams, show_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.inventory.database.reader import Inventory
    from evkit.inventory.hashsets.marks import Marks
    from evkit.inventory.search.find import Entry

_TYPES = 14
_BASES = ("deleted-runs-recorded", "deleted-contiguous-guess", "none")
_OPTIONAL = frozenset({"bytes", "spaces"})  # sums that are left out when there is nothing


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the page says that the inventory does not hold.

    Attributes:
        what: how the inventory is named on a command line.
        language: `en` or `ur`, in which the page opens.
        title: a title of one's own, or empty.
        zone: offset of the case's zone as `+05:00`, or empty.
        unread: places of the medium that were not readable when it was copied.
        unread_bytes: of all of them; more than `unread` holds when not all places are known.
        event: (entry, event id, who) of the record, None when there is none.
    """

    what: str
    language: str = "en"
    title: str = ""
    zone: str = ""
    unread: Sequence[tuple[int, int]] = ()
    unread_bytes: int = 0
    event: tuple[int, str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A page and what is on it."""

    page: bytes
    entries: int
    files: int
    problems: int
    marked: Mapping[str, int] = field(default_factory=dict)
    result: str = "complete"


def report_page(
    inventory: Inventory,
    context: Context,
    marks: Marks | None = None,
    progress: Progress = SILENT,
) -> Report:
    """Make the page.

    Args:
        inventory: whose roots were found to agree.
        context: what else is known.
        marks: of hash sets; None when none were applied.
        progress: told rows.

    Raises:
        InputError: the inventory is damaged.
    """
    from evkit.bundle.pages import render

    facts = gather(inventory, marks, progress)
    _check(facts)
    files = table(inventory, marks)
    say = Speaker(context.language)
    script, style = _source("inventory-report.js"), _source("inventory-report.css")
    values: dict[str, Any] = {
        "say": say,
        "language": context.language,
        "direction": DIRECTIONS[context.language],
        "csp": _policy(script, style),
        "script": Safe(script),
        "style": Safe(style),
        "data": Safe(_embedded(_data(facts, files, context))),
        "number": number,
        "version": __version__,
        "context": context,
        "count": sum(facts.problem_count.values()),
        **_head(inventory, facts, context, say),
        **_parts(inventory, facts, context, say),
        **_lists(inventory, facts, marks),
        **_files(facts, files, context),
        "proof": _proof(inventory, facts, context),
    }
    return Report(
        page=render("inventory-report.html", values),
        entries=files.names,
        files=facts.files,
        problems=values["count"],
        marked=dict(facts.marked or {}),
        result="complete" if facts.complete else "with-gaps",
    )


def _check(facts: Facts) -> None:
    """Refuse an inventory that lacks what every page says.

    Raises:
        InputError: it has no source row, or a coverage row without a count.
    """
    if not facts.source or not facts.coverage:
        raise InputError("the inventory has no source row or no coverage row")
    for group, total, terms in SUMS:
        missing = {total, *terms, *(("digested",) if group == "bytes" else ())}
        missing -= facts.coverage[group].keys()
        if missing:
            raise InputError(f"the coverage row lacks {group}: {', '.join(sorted(missing))}")


def _policy(script: str, style: str) -> str:
    """Forbid everything; allow the one script and the one style by their digests."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    value = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(value).decode("ascii")


def _source(file: str) -> str:
    text = package_file("bundle", f"templates/{file}").read_text(encoding="utf-8")
    return "\n" + text.strip() + "\n"


def _embedded(value: object) -> str:
    """Return JSON that cannot end the element it stands in, whatever names it holds."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _data(facts: Facts, files: Table, context: Context) -> dict[str, Any]:
    return {
        "activity": facts.activity.document(),
        "files": files.document(),
        "words": words(),
        "zone": context.zone,
        "language": context.language,
    }


def _head(inventory: Inventory, facts: Facts, context: Context, say: Speaker) -> dict[str, Any]:
    source, coverage = facts.source, facts.coverage
    shown = shorten(name(str(source.get("name", ""))), 120)
    if inventory.meta.get("acquisition"):
        shown = escape(inventory.meta["acquisition"])
    title = name(context.title) if context.title else ""
    lead = "page.lead." + ("image" if source.get("kind") == "image" else "tree")
    image = coverage["bytes"]["image"] or source.get("size", 0)
    return {
        "own_title": title,
        "plain_title": title or say.text("page.title", name=shown),
        "shown": shown,
        "lead": say.element(lead, name=shown, size=number(image)),
        "masked": inventory.mask is not None,
        "complete": facts.complete and not context.unread_bytes,
        "tiles": [
            ("files", number(facts.files), "#files"),
            ("deleted", number(coverage["names"]["deleted"]), "#deleted"),
            ("digested", number(coverage["bytes"]["digested"]), "#totals"),
            ("problems", number(sum(facts.problem_count.values())), "#errors"),
            *(
                [("notable", number(facts.marked["notable"]), "#notable")]
                if facts.marked is not None
                else []
            ),
        ],
    }


def _parts(inventory: Inventory, facts: Facts, context: Context, say: Speaker) -> dict[str, Any]:
    shown = [
        {
            "text": problems.sentence(inventory, place, row, say),
            "detail": problems.detail(row),
            "row": place,
        }
        for place, row in sorted(facts.problems, key=_gravity)
    ]
    types = sorted_types(facts.types, _TYPES)
    most = max((size for _, _, size in types), default=0)
    return {
        "problems": shown,
        "problems_more": sum(facts.problem_count.values()) - len(shown),
        "unread_part": context.unread_bytes > sum(size for _, size in context.unread),
        "bar": bar(
            facts.source.get("size", 0), facts.partitions, facts.filesystems, context.unread
        ),
        "volumes_left_out": facts.volumes_left_out,
        "sums": [
            (group, facts.coverage[group][total], [(p, facts.coverage[group][p]) for p in parts])
            for group, total, parts in SUMS
            if group not in _OPTIONAL or facts.coverage[group][total]
        ],
        "sums_wrong": wrong_sums(facts.coverage)
        or contradictions(facts.coverage, facts.counted, facts.source.get("size", 0)),
        "types": [
            (mime, count, size, round(100 * size / most, 2) if most else 0)
            for mime, count, size in types
        ],
        "typed": any(facts.types.keys() - {""}),
        "years": facts.activity.years(),
        "bases": [(basis, *facts.by_basis[basis]) for basis in _BASES if basis in facts.by_basis],
        "deleted": facts.deleted,
        "marked": facts.marked,
    }


def _lists(inventory: Inventory, facts: Facts, marks: Marks | None) -> dict[str, Any]:
    return {
        "largest": [
            _file(inventory, place, row) for place, row in facts.largest if row.get("size")
        ],
        "hits": [
            {**_file(inventory, place, row), "set": _sets(marks, place)}
            for place, row in facts.hits
        ],
    }


def _gravity(item: tuple[int, Mapping[str, Any]]) -> tuple[int, int]:
    """Volumes before folders before files; each in the order of the inventory."""
    order = ("partition", "filesystem", "error", "space", "directory", "stream", "name")
    kind = item[1]["row"]
    return order.index(kind) if kind in order else len(order), item[0]


def _files(facts: Facts, files: Table, context: Context) -> dict[str, Any]:
    return {
        "table_count": files.names,
        "table_whole": not files.full,
        "files": facts.files,
        "export": f"evkit inventory export {context.what} -o list.csv",
        "list_problems": f"evkit inventory list {context.what} --problems",
        "find_notable": f"evkit inventory find {context.what} --notable",
    }


def _file(inventory: Inventory, place: int, row: dict[str, Any]) -> dict[str, Any]:
    """Return a stream with its first name for a list of files."""
    found = sorted(of_streams(inventory, [(place, row)]), key=lambda entry: entry.deleted)
    entry: Entry = found[0]
    folder, last = split(shorten(entry.shown, 600))
    times = (entry.name or {}).get("times", {})
    zone = str((entry.name or {}).get("zone", "utc"))
    best = best_digest(list(row.get("digests", {})))
    return {
        "folder": parts(folder),
        "name": parts(last),
        "names": len(found),
        "size": number(row["size"]) if "size" in row else "",
        "type": entry.mime or "",
        "basis": row["basis"],
        "state": row["state"],
        "digests": sorted(row.get("digests", {}).items(), key=lambda item: item[0] != best),
        "time": show_time(times["m"], zone)[:19].replace("T", " ") if "m" in times else "",
        "zone": zone,
        "set": "",
    }


def _sets(marks: Marks | None, place: int) -> str:
    """Return the notable sets that hold a stream, each with the digest that is equal."""
    found = [] if marks is None else marks.of(place)
    return ", ".join(f"{mark.set} ({mark.digest})" for mark in found if mark.category == NOTABLE)


def _proof(inventory: Inventory, facts: Facts, context: Context) -> dict[str, Any]:
    meta = inventory.meta
    file = escape_bytes(inventory.path.rpartition(b"/")[2])
    return {
        "file": file,
        "acquisition": meta.get("acquisition", ""),
        "rows": f"{int(meta['rows']):,} + {int(meta['engine_rows']):,}",
        "row_root": meta["row_root"],
        "engine_root": meta["engine_root"],
        "digests": sorted(facts.source.get("digests", {}).items()),
        "created": meta.get("created", ""),
        "engine": meta.get("engine", ""),
        "types": meta.get("types", ""),
        "limits": meta.get("limits", ""),
        "evkit": meta.get("evkit", ""),
        "verify": "evkit verify BUNDLE",
        "jsonl": f"evkit inventory export {context.what} -o rows.jsonl",
    }
