"""Which data a case has, according to its entries: what a manifest must enclose or declare missing.

The last end of an acquisition and its last inventory count; earlier ones are superseded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evkit.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

ARTIFACT: Final = "artifact"
FILES: Final = "files"
INVENTORY: Final = "inventory"
FILES_NAME: Final = "files/"
LIST_ROLE: Final = "list"
PIECES_ROLE: Final = "pieces"
CONTENT_ROLES: Final = ("image", "segment")


class Expected(NamedTuple):
    """One thing that the entries say there is; fields as in `manifest.model.Item`."""

    what: str
    acquisition: str
    name: str
    size: int | None
    sha256: str | None = None
    number: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies it in a manifest."""
        return (self.what, self.acquisition, self.name)


class Artifact(NamedTuple):
    """A file of an acquisition as its end recorded it."""

    name: str
    role: str
    size: int
    sha256: str


class Acquisition(NamedTuple):
    """The last end of an acquisition: its row in the facts and its files."""

    ref: str
    row: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]

    @property
    def is_list(self) -> bool:
        """Whether its content is many files, named by a list, and not an image."""
        counted = isinstance(self.row.get("files"), int) and isinstance(self.row.get("bytes"), int)
        return counted and bool(self.of_role(LIST_ROLE))

    def of_role(self, *roles: str) -> list[Artifact]:
        """Return the artifacts of these roles in the recorded order."""
        return [artifact for artifact in self.artifacts if artifact.role in roles]


def acquisitions(facts: Mapping[str, Any]) -> dict[str, Acquisition]:
    """Return the last end of every acquisition.

    Raises:
        InputError: an artifact is malformed or named twice.
    """
    rows = {row["acquisition"]: row for row in facts["acquisitions"]}
    return {ref: Acquisition(ref, row, _artifacts(ref, row)) for ref, row in rows.items()}


def inventories(facts: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the last inventory of every acquisition that has rows."""
    return {
        row["acquisition"]: row for row in facts["inventories"] if isinstance(row.get("rows"), int)
    }


def expected(facts: Mapping[str, Any]) -> list[Expected]:
    """Return everything that a manifest must mention.

    Raises:
        InputError: an artifact is malformed or named twice.
    """
    found = []
    for ref, acquisition in acquisitions(facts).items():
        found += [
            Expected(ARTIFACT, ref, artifact.name, artifact.size, artifact.sha256)
            for artifact in acquisition.artifacts
        ]
        if acquisition.is_list:
            size, count = acquisition.row["bytes"], acquisition.row["files"]
            found.append(Expected(FILES, ref, FILES_NAME, size, None, count))
    for ref, row in inventories(facts).items():
        found.append(Expected(INVENTORY, ref, "inventory.jsonl", None, None, row["rows"]))
    return found


def _artifacts(ref: str, row: Mapping[str, Any]) -> tuple[Artifact, ...]:
    found: dict[str, Artifact] = {}
    listed = row.get("artifacts", [])
    if not isinstance(listed, list):
        raise InputError(f"the artifacts of `{ref}` are not a list")
    for value in listed:
        name, role = (value.get(key) for key in ("name", "role")) if _is_map(value) else (None, "")
        size, digest = (value.get("size"), value.get("sha256")) if _is_map(value) else (None, None)
        good = isinstance(name, str) and isinstance(role, str) and type(size) is int
        if not good or not isinstance(digest, str) or name in found:
            raise InputError(f"an artifact of `{ref}` is malformed or named twice")
        found[str(name)] = Artifact(str(name), str(role), int(size or 0), digest)
    return tuple(found.values())


def _is_map(value: object) -> bool:
    return isinstance(value, dict)
