"""`manifest.html`: the manifest for people. No script, no image, nothing from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.bundle import unread
from evkit.custody.history import shown
from evkit.custody.kinds import kind_of
from evkit.custody.sensitive import is_sensitive
from evkit.manifest import contents
from evkit.manifest.decisions import decisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evkit.custody.decision import Decision
    from evkit.custody.replay import Replay
    from evkit.manifest.model import Item, Manifest

_DIGESTS = ("sha256", "md5", "sha1", "sha512")
_ROLES = {
    "image": "image",
    "segment": "part of the image",
    "pieces": "piece digests",
    "log": "acquisition log",
    "list": "list of files taken in",
    "wanted": "list of files wanted",
    "vendor-log": "log of the other tool",
    "map": "map of unread places",
    "file": "file",
}
_STATION = {
    "station": "the ledger begins",
    "enrol": "officer enrolled",
    "revoke": "officer's certificate revoked",
    "recover": "ledger goes on after a loss",
}
_NOT_SHOWN = frozenset({"attachments", "artifacts", "certificate_pem", "log", "preflight"})


def manifest_page(manifest: Manifest, replay: Replay, review: str = "") -> bytes:
    """Return the page in UTF-8.

    Args:
        manifest: as it was signed.
        replay: the case replayed, for the sentences.
        review: the line about the legal profile that every form prints.
    """
    from evkit.bundle.pages import render

    rows = manifest.facts["entries"]
    decided = decisions(manifest.facts)
    gaps = [remark["text"] for remark in manifest.remarks if remark["level"] == "gap"]
    values: dict[str, Any] = {
        "manifest": manifest,
        "title": _title(rows),
        "made": _minute(manifest.made["utc"]),
        "issuer": _issuer(manifest),
        "review": review,
        "summary": _summary(manifest, len(gaps)),
        "gaps": gaps,
        "decisions": [one.sentence for found in decided.values() for one in found],
        "digests": _DIGESTS,
        "enclosed": [_item(item, manifest) for item in manifest.enclosed],
        "absent": [_item(item, manifest) for item in manifest.not_enclosed],
        "withheld": _withheld(manifest),
        "exhibits": [_exhibit(row, manifest, replay, decided) for row in _in_order(manifest)],
        "custody": _custody(rows, replay),
        "remarks": manifest.remarks,
    }
    return render("manifest.html", values)


def _title(rows: list[dict[str, Any]]) -> str:
    opened = [row for row in rows if row["kind"] == "case-open"]
    return str(opened[0].get("fields", {}).get("title", "")) if opened else ""


def _minute(utc: str) -> str:
    """`2026-11-22T14:05:33.120Z` as people write it: `2026-11-22 14:05 UTC`."""
    return f"{utc[:10]} {utc[11:16]} UTC"


def _withheld(manifest: Manifest) -> int:
    return sum(len(row["names"]) for row in manifest.withheld)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _summary(manifest: Manifest, gaps: int) -> list[str]:
    """Say in a few lines what is here and what is not."""
    facts = manifest.facts
    lines = [
        _count(len(facts["exhibits"]), "exhibit", "exhibits")
        + ", "
        + _count(len(facts["acquisitions"]), "acquisition", "acquisitions")
        + ", "
        + _count(len(facts["entries"]), "signed entry", "signed entries")
    ]
    absent = len(manifest.not_enclosed)
    if absent:
        lines.append(_count(absent, "item", "items") + " of recorded data not enclosed")
    else:
        lines.append("all recorded data is enclosed")
    withheld = _withheld(manifest)
    if withheld:
        lines.append(_count(withheld, "personal value", "personal values") + " withheld")
    lines.append(
        _count(gaps, "gap in custody:", "gaps in custody:") if gaps else "no gap in custody"
    )
    return lines


def _in_order(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the registrations by the number of the exhibit."""

    def number(row: dict[str, Any]) -> tuple[int, int]:
        tail = "".join(row["exhibits"][:1]).rpartition("/E")[2]
        return (int(tail) if tail.isascii() and tail.isdigit() else 0, int(row["entry"]))

    return sorted(manifest.facts["exhibits"], key=number)


def _issuer(manifest: Manifest) -> str:
    issuer = manifest.issuer
    parts = [issuer.get("rank"), issuer["name"]]
    text = " ".join(part for part in parts if part)
    badge = f", badge {issuer['badge']}" if "badge" in issuer else ""
    return f"{text}{badge} ({issuer['role']})"


def _item(item: Item, manifest: Manifest) -> dict[str, Any]:
    what = {
        contents.ARTIFACT: _role(item, manifest),
        contents.FILES: "files taken in",
        contents.INVENTORY: "inventory",
    }[item.what]
    if item.count is not None:
        unit = ("row", "rows") if item.what == contents.INVENTORY else ("file", "files")
        what += f" ({_count(item.count, *unit)})"
    return {
        "acquisition": item.acquisition,
        "name": item.name,
        "what": what,
        "size": f"{item.size:,}" if item.size else "",
        "sha256": item.sha256 or "",
        "reason": item.reason or "",
    }


def _role(item: Item, manifest: Manifest) -> str:
    """Return what a recorded file is, in the words of its role."""
    for row in manifest.facts["acquisitions"]:
        for artifact in row.get("artifacts", []):
            if row["acquisition"] == item.acquisition and artifact.get("name") == item.name:
                return _ROLES.get(str(artifact.get("role")), "file")
    return "file"


def _exhibit(
    row: dict[str, Any],
    manifest: Manifest,
    replay: Replay,
    decided: Mapping[str, list[Decision]],
) -> dict[str, Any]:
    ref = ", ".join(row["exhibits"])
    own = tuple(f"{name}/" for name in row["exhibits"])
    taken = [
        _acquisition(entry, manifest, decided.get(entry["acquisition"], []), replay)
        for entry in manifest.facts["acquisitions"]
        if own and entry["acquisition"].startswith(own)
    ]
    known = replay.state.exhibit(row["exhibits"][0]) if row["exhibits"] else None
    now = known.fields if known else row["fields"]
    return {
        "ref": ref,
        "entry": row["entry"],
        "fields": _fields(row["fields"], now),
        "taken": taken,
    }


def _acquisition(
    row: dict[str, Any], manifest: Manifest, decided: list[Decision], replay: Replay
) -> dict[str, Any]:
    media: dict[str, Any] = row["media"] if isinstance(row.get("media"), dict) else {}
    made = "made by another tool, first digested here" if row.get("made_by") == "other-tool" else ""
    facts = [("by decision", one.words) for one in decided]
    facts += [("result", shown(row.get("result", "")) + (f"; {made}" if made else ""))]
    if isinstance(media.get("size"), int):
        facts.append(("size of the content", f"{media['size']:,} bytes"))
    facts += [(name, str(media[name])) for name in _DIGESTS if name in media]
    if isinstance(row.get("files"), int):
        size = row["bytes"] if isinstance(row.get("bytes"), int) else 0
        facts.append(("files taken in", f"{row['files']:,}, {size:,} bytes"))
    if "unread" in row:
        facts.append(("could not be read", unread.lost(row["unread"])))
    named = not is_sensitive(replay.state, row["acquisition"])
    there = unread.files_there(row["acquisition"], manifest.facts["inventories"], named=named)
    if there:
        facts.append(("files that lie in unread sectors", there))
    return {"ref": row["acquisition"], "source": f"entry {row['entry']}", "facts": facts}


def _fields(signed: dict[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields as registered, in the order of the form; corrections stand beside them."""
    order = {name: place for place, name in enumerate(kind_of("register").fields)}
    found = []
    for name in sorted({*signed, *now}, key=lambda name: (order.get(name, len(order)), name)):
        if name in _NOT_SHOWN:
            continue
        old, new = signed.get(name), now.get(name)
        text = shown(old) if old is not None else "not stated"
        if new is not None and new != old:
            text += f"; corrected to {shown(new)}"
        found.append((name.replace("_", " "), text))
    return found


def _custody(rows: list[dict[str, Any]], replay: Replay) -> list[dict[str, Any]]:
    sentences = {entry.index: entry for entry in replay.entries}
    found = []
    for row in rows:
        entry = sentences.get(row["entry"])
        rank = f"{row['rank']} " if "rank" in row else ""
        recorded = _minute(row["recorded"]["utc"])
        personal = len(row.get("personal", []))
        found.append(
            {
                "entry": row["entry"],
                "when": entry.when if entry and "happened" in row else recorded,
                "recorded": recorded if "happened" in row else "",
                "what": entry.summary if entry else _STATION.get(row["kind"], row["kind"]),
                "who": f"{rank}{row['name']} ({row['role']})",
                "about": ", ".join(row.get("acquisitions") or row.get("exhibits") or []),
                "place": row.get("place", ""),
                "personal": _count(personal, "personal value", "personal values")
                if personal
                else "",
                "deviations": row.get("deviations", []),
                "id": row["id"],
            }
        )
    return found
