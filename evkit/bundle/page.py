"""`manifest.html`: the manifest for people. No script, no image, nothing from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evkit.custody.history import shown
from evkit.manifest import contents

if TYPE_CHECKING:
    from evkit.custody.replay import Replay
    from evkit.manifest.model import Item, Manifest

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
    values: dict[str, Any] = {
        "manifest": manifest,
        "issuer": _issuer(manifest),
        "review": review,
        "enclosed": [_item(item) for item in manifest.enclosed],
        "absent": [_item(item) for item in manifest.not_enclosed],
        "withheld": sum(len(row["names"]) for row in manifest.withheld),
        "exhibits": [_exhibit(row, manifest) for row in manifest.facts["exhibits"]],
        "custody": _custody(rows, replay),
        "remarks": manifest.remarks,
    }
    return render("manifest.html", values)


def _issuer(manifest: Manifest) -> str:
    issuer = manifest.issuer
    parts = [issuer.get("rank"), issuer["name"]]
    text = " ".join(part for part in parts if part)
    badge = f", badge {issuer['badge']}" if "badge" in issuer else ""
    return f"{text}{badge} ({issuer['role']})"


def _item(item: Item) -> dict[str, Any]:
    kinds = {
        contents.ARTIFACT: "file",
        contents.FILES: "files taken in",
        contents.INVENTORY: "inventory",
    }
    what = kinds[item.what]
    if item.count is not None:
        what += f" ({item.count:,} {'rows' if item.what == contents.INVENTORY else 'files'})"
    return {
        "acquisition": item.acquisition,
        "name": item.name,
        "what": what,
        "size": f"{item.size:,}" if item.size else "",
        "sha256": item.sha256 or "",
        "reason": item.reason or "",
    }


def _exhibit(row: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    ref = ", ".join(row["exhibits"])
    own = tuple(f"{name}/" for name in row["exhibits"])
    taken = [
        _acquisition(entry)
        for entry in manifest.facts["acquisitions"]
        if own and entry["acquisition"].startswith(own)
    ]
    return {"ref": ref, "entry": row["entry"], "fields": _fields(row["fields"]), "taken": taken}


def _acquisition(row: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = row["media"] if isinstance(row.get("media"), dict) else {}
    facts = [("recorded in", f"entry {row['entry']} ({row['kind']})")]
    facts += [(name, shown(row[name])) for name in ("result", "made_by") if name in row]
    facts += [
        (name, f"{media[name]:,} bytes" if name == "size" else str(media[name]))
        for name in ("size", "sha256", "md5", "sha1", "sha512")
        if name in media and (name != "size" or isinstance(media[name], int))
    ]
    facts += [(name, shown(row[name])) for name in ("files", "bytes", "unread") if name in row]
    artifacts = row.get("artifacts")
    return {
        "ref": row["acquisition"],
        "facts": facts,
        "artifacts": artifacts if isinstance(artifacts, list) else [],
    }


def _fields(fields: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), shown(value))
        for name, value in fields.items()
        if name not in _NOT_SHOWN
    ]


def _custody(rows: list[dict[str, Any]], replay: Replay) -> list[dict[str, Any]]:
    sentences = {entry.index: entry for entry in replay.entries}
    found = []
    for row in rows:
        entry = sentences.get(row["entry"])
        rank = f"{row['rank']} " if "rank" in row else ""
        found.append(
            {
                "entry": row["entry"],
                "when": entry.when if entry else row["recorded"]["utc"],
                "recorded": row["recorded"]["utc"],
                "what": entry.summary if entry else row["kind"],
                "who": f"{rank}{row['name']} ({row['role']})",
                "about": ", ".join(row.get("acquisitions") or row.get("exhibits") or []),
                "place": row.get("place", ""),
                "personal": len(row.get("personal", [])),
                "deviations": row.get("deviations", []),
                "id": row["id"],
            }
        )
    return found
