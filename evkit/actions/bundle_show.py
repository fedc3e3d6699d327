"""`evkit bundle show`: what a bundle says about itself. Nothing is verified here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import layout, model
from evkit.manifest.decisions import decisions
from evkit.manifest.tree import FolderTree, read

if TYPE_CHECKING:
    from evkit.manifest.model import Manifest

_HINT = "name a folder or a zip that `evkit bundle create` made"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A manifest as read, not verified."""

    label: str
    manifest: Manifest
    exit_code: int = 0

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "schema": "evkit/bundle-show/1",
            "verified": False,
            "bundle": self.label,
            "manifest": self.manifest.predicate(),
        }

    def lines(self) -> list[str]:
        """Return the lines for people."""
        made = self.manifest
        issuer = made.issuer
        rank = f"{issuer['rank']} " if "rank" in issuer else ""
        lines = [
            f"bundle `{self.label}` of case {made.case} (as it says; nothing was verified)",
            f"  made {made.made['utc']} by {escape(rank + issuer['name'])} ({issuer['role']})",
            f"  ledger {escape(made.head['origin'])} {made.head['size']}:{made.head['root']}",
        ]
        for decided in decisions(made.facts).values():
            lines += [f"  {escape(decision.sentence)}" for decision in decided]
        for row in made.facts["entries"]:
            about = ", ".join(row.get("acquisitions") or row.get("exhibits") or [])
            text = f"  {row['entry']:>5}  {row['recorded']['utc']}  {row['kind']}  {about}"
            lines.append(escape(f"{text.rstrip()}  {row['name']}"))
        for word, items in (("enclosed", made.enclosed), ("not enclosed", made.not_enclosed)):
            for item in items:
                reason = f": {item.reason}" if item.reason else ""
                lines.append(
                    f"  {word}: {escape(f'{item.acquisition} {item.name}')} "
                    f"({item.size:,} bytes){escape(reason)}"
                )
        lines += [f"  {entry['level']}: {escape(entry['text'])}" for entry in made.remarks]
        lines.append(f"verify it with `evkit verify {self.label} --memo …`")
        return lines


def show(path: bytes) -> Shown:
    """Read the manifest of a bundle.

    Raises:
        InputError: it is no bundle, or its manifest cannot be read.
    """
    shown = escape(os.fsdecode(path))
    if os.path.isdir(path):
        tree = FolderTree(path)
        data, label = read(tree, layout.MANIFEST, model.MAX_MANIFEST), tree.label
    else:
        from evkit.manifest.zipread import ZipTree

        try:
            with open(path, "rb") as opened:
                start = opened.read(2)
            if start != b"PK":
                raise InputError(f"`{shown}` is no bundle", hint=_HINT)
            with ZipTree(path) as packed:
                data, label = read(packed, layout.MANIFEST, model.MAX_MANIFEST), packed.label
        except OSError as error:
            problem = f"cannot read `{shown}`: {error.strerror or error}"
            raise InputError(problem, hint=_HINT) from error
    return Shown(label=label, manifest=model.parse(model.parse_envelope(data).payload))
