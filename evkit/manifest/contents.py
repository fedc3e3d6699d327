"""Which data a case has, according to its entries: what a manifest must enclose or declare missing.

Of several ends of one acquisition the one that was recorded first counts: what was said of the data
when they were taken cannot be replaced later. The last inventory counts, it is only a view of them.
"""

from __future__ import annotations

import re
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
SENSITIVE_FIELD: Final = "sensitive_material"  # field of the kinds `register` and `sensitive`
CONTENT_ROLES: Final = ("image", "segment")


# names that evkit gives the first file of a container that it took in or wrote
_CONTAINER: Final = re.compile(r"image\.(?:vmdk|vhdx?|qcow2|[E-Z][0-9A-Z]{2}|E[x-z][0-9A-Z]{2})")

_RAW: Final = re.compile(r"image\.(?:raw|[0-9]{3,})")


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
    """The first end of an acquisition: its row in the facts and its files.

    `sensitive` says that its exhibit holds sensitive material: names in it are not printed.
    """

    ref: str
    row: Mapping[str, Any]
    artifacts: tuple[Artifact, ...]
    sensitive: bool = False

    @property
    def is_list(self) -> bool:
        """Whether its content is many files, named by a list, and not an image."""
        counted = isinstance(self.row.get("files"), int) and isinstance(self.row.get("bytes"), int)
        return counted and bool(self.of_role(LIST_ROLE))

    def of_role(self, *roles: str) -> list[Artifact]:
        """Return the artifacts of these roles in the recorded order."""
        return [artifact for artifact in self.artifacts if artifact.role in roles]


class Contradiction(NamedTuple):
    """Two ends of one acquisition with different data: their entries and what each records."""

    ref: str
    first: int
    second: int
    before: str
    after: str


def acquisitions(facts: Mapping[str, Any]) -> dict[str, Acquisition]:
    """Return the first end of every acquisition.

    Raises:
        InputError: an artifact is malformed or named twice.
    """
    rows: dict[str, Mapping[str, Any]] = {}
    for row in facts["acquisitions"]:
        rows.setdefault(row["acquisition"], row)
    hidden = sensitive_exhibits(facts)
    return {
        ref: Acquisition(ref, row, _artifacts(ref, row), ref.rpartition("/")[0] in hidden)
        for ref, row in rows.items()
    }


def sensitive_exhibits(facts: Mapping[str, Any]) -> set[str]:
    """Return the exhibits that an entry calls sensitive material and no later one does not."""
    said: dict[str, bool] = {}
    about: dict[str, list[str]] = {}
    for row in facts.get("entries", ()):
        exhibits, fields = row.get("exhibits", []), row.get("fields", {})
        about[str(row.get("id"))] = exhibits
        if row.get("kind") == "correct":
            exhibits = about.get(str(fields.get("corrects")), []) if _is_map(fields) else []
            fields = fields.get("values", {}) if _is_map(fields) else {}
        elif row.get("kind") not in {"register", "sensitive"}:
            continue
        flag = fields.get(SENSITIVE_FIELD) if _is_map(fields) else None
        if isinstance(flag, bool):
            said.update(dict.fromkeys(exhibits, flag))
    return {ref for ref, flag in said.items() if flag}


def is_container(name: str) -> bool:
    """Whether an artifact is by its name the first file of a container, whatever its length."""
    return _CONTAINER.fullmatch(name) is not None


def is_raw(name: str) -> bool:
    """Whether an artifact is by its name the medium itself, or its first part."""
    return _RAW.fullmatch(name) is not None


def contradictions(facts: Mapping[str, Any]) -> list[Contradiction]:
    """Return the later ends of an acquisition that record other data than its first one."""
    first: dict[str, Mapping[str, Any]] = {}
    found = []
    for row in facts["acquisitions"]:
        ref = row["acquisition"]
        other = first.setdefault(ref, row)
        before, after = _data(other), _data(row)
        if before != after:
            found.append(Contradiction(ref, other["entry"], row["entry"], before, after))
    return found


def _data(row: Mapping[str, Any]) -> str:
    """Return the digests that an end records, in one text that can be compared and shown."""
    media = row.get("media")
    parts = [f"{key} {media[key]}" for key in sorted(media)] if isinstance(media, dict) else []
    listed = row.get("artifacts")
    for value in listed if isinstance(listed, list) else []:
        known = value if _is_map(value) else {}
        parts.append(f"{known.get('name')} {known.get('size')} {known.get('sha256')}")
    return "; ".join(parts) or "no data"


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
