"""The strict reader of a bundle as a BagIt 1.0 bag (RFC 8493).

It accepts only what evkit writes: UTF-8, SHA-256, sorted lists, no `fetch.txt`, no percent
encoding, and reports every difference as a `Problem` instead of raising. Digests are not computed
here; `evkit.verify` does that in the one read of each file. Valid bags of other programs may be
refused: a bundle is only what evkit writes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from evkit.core.errors import InputError
from evkit.core.text import escape
from evkit.manifest import names
from evkit.manifest.tree import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evkit.manifest.tree import Tree

BAGIT = "bagit.txt"
INFO = "bag-info.txt"
PAYLOAD_LIST = "manifest-sha256.txt"
TAG_LIST = "tagmanifest-sha256.txt"
FETCH = "fetch.txt"
PAYLOAD = "data/"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MAX_LIST = 256 * 1024 * 1024
MAX_INFO = 64 * 1024
_LEFT_BEHIND = {"thumbs.db", "ehthumbs.db", "desktop.ini", ".ds_store"}
_VOLUME = ("System Volume Information/", ".Spotlight-V100/", ".fseventsd/", ".Trashes/")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_LABEL = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
_OXUM = re.compile(r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,8})", re.ASCII)


class Problem(NamedTuple):
    """One thing that is wrong with a bag: a short code, the file (escaped), the words."""

    code: str
    name: str
    text: str


class Bag(NamedTuple):
    """What the lists of a bag say.

    Attributes:
        payload: SHA-256 in hex by name, below `data/`.
        tags: the same of the tag files.
        info: the lines of `bag-info.txt`.
        problems: everything that is wrong with the structure.
    """

    payload: Mapping[str, str]
    tags: Mapping[str, str]
    info: Mapping[str, str]
    problems: tuple[Problem, ...]


def format_list(digests: Mapping[str, str]) -> bytes:
    """Return a manifest: digest, two spaces, name, sorted by the bytes of the name."""
    order = sorted(digests, key=lambda name: name.encode("utf-8"))
    return "".join(f"{digests[name]}  {name}\n" for name in order).encode("utf-8")


def parse_list(data: bytes, *, payload: bool) -> dict[str, str]:
    """Read a manifest strictly.

    Args:
        data: the file.
        payload: names lie below `data/`; otherwise they must not.

    Raises:
        InputError: anything that `format_list` would not write.
    """
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise InputError(f"the list is not UTF-8 at byte {error.start}") from error
    digests: dict[str, str] = {}
    lines = text.split("\n")
    if lines.pop() != "":
        raise InputError("the last line of the list has no line end")
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"line {number} is not a SHA-256, two spaces and a name")
        digest, name = match.groups()
        _check_listed(name, number, payload=payload)
        if name in digests:
            raise InputError(f"line {number} lists `{escape(name)}` a second time")
        digests[name] = digest
    if format_list(digests) != data:
        raise InputError("the list is not sorted by name")
    return digests


def _check_listed(name: str, number: int, *, payload: bool) -> None:
    why = names.problem(name)
    if why is not None:
        raise InputError(f"line {number}: name `{escape(name)}` {why}")
    if "%" in name:
        raise InputError(f"line {number}: name `{escape(name)}` holds a percent sign")
    if name.startswith(PAYLOAD) is not payload:
        place = "below" if payload else "outside"
        raise InputError(f"line {number}: `{escape(name)}` is not {place} `data/`")


def format_info(fields: Mapping[str, str]) -> bytes:
    """Return `bag-info.txt`; labels and values must be on one clean line."""
    data = "".join(f"{label}: {value}\n" for label, value in fields.items()).encode("utf-8")
    if parse_info(data) != dict(fields):
        raise InputError("a value of bag-info.txt cannot be written on one line")
    return data


def parse_info(data: bytes) -> dict[str, str]:
    """Read `bag-info.txt`: `Label: value` lines, each label once.

    Raises:
        InputError: anything else.
    """
    try:
        lines = data.decode("utf-8", "strict").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}") from error
    if lines.pop() != "":
        raise InputError("the last line has no line end")
    fields: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LABEL.fullmatch(line)
        if match is None or match[1] in fields or "\r" in line:
            raise InputError(f"line {number} is not `Label: value` with a new label")
        fields[match[1]] = match[2]
    return fields


def read_bag(tree: Tree, *, unlisted_tags: Iterable[str] = ()) -> Bag:
    """Read the structure of a bag.

    Args:
        tree: the files.
        unlisted_tags: tag files that the tag manifest cannot list (`bag.sig`).
    """
    problems = [
        Problem("odd-file", name, f"`{name}` is refused: {why}") for name, why in tree.odd.items()
    ]
    problems += _name_problems(tree)
    payload, tags, info = _lists(tree, problems)
    problems += _missing_or_extra(tree, payload, tags, frozenset(unlisted_tags))
    problems += _oxum(tree, payload, info)
    return Bag(payload, tags, info, tuple(problems))


def _lists(
    tree: Tree, problems: list[Problem]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    def take(name: str, limit: int) -> bytes | None:
        try:
            return read(tree, name, limit)
        except InputError as error:
            problems.append(Problem("tag-file", name, error.message))
            return None

    found: list[dict[str, str]] = []
    for name, payload in ((PAYLOAD_LIST, True), (TAG_LIST, False)):
        data = take(name, MAX_LIST)
        try:
            found.append({} if data is None else parse_list(data, payload=payload))
        except InputError as error:
            problems.append(Problem("list", name, f"`{name}`: {error.message}"))
            found.append({})
    declared = take(BAGIT, MAX_INFO)
    if declared is not None and declared != DECLARATION:
        problems.append(Problem("declaration", BAGIT, "`bagit.txt` is not that of a BagIt 1.0 bag"))
    info: dict[str, str] = {}
    data = take(INFO, MAX_INFO)
    if data is not None:
        try:
            info = parse_info(data)
        except InputError as error:
            problems.append(Problem("info", INFO, f"`{INFO}`: {error.message}"))
    return found[0], found[1], info


def _name_problems(tree: Tree) -> Iterable[Problem]:
    for name in tree.sizes:
        why = names.problem(name)
        if why is not None:
            yield Problem("name", escape(name), f"the name `{escape(name)}` {why}")
    for first, second in names.collisions(tree.sizes):
        text = f"`{escape(first)}` and `{escape(second)}` are one file on some systems"
        yield Problem("collision", escape(second), text)


def _missing_or_extra(
    tree: Tree, payload: Mapping[str, str], tags: Mapping[str, str], unlisted: frozenset[str]
) -> Iterable[Problem]:
    if FETCH in tree.sizes or FETCH in tags:
        yield Problem("fetch", FETCH, "`fetch.txt` asks for files from elsewhere; it is refused")
    for name in (*payload, *tags):
        if name not in tree.sizes and escape(name) not in tree.odd:
            yield Problem("missing", escape(name), f"`{escape(name)}` is listed but missing")
    for name in tree.sizes:
        if name in payload or name in tags or name == TAG_LIST or name in unlisted:
            continue
        text = f"`{escape(name)}` is in no list of the bag"
        if name.rpartition("/")[2].casefold() in _LEFT_BEHIND or name.startswith(_VOLUME):
            text += "; often left by an operating system; nothing that is listed was changed by it"
        yield Problem("unlisted", escape(name), text)
    for name in (BAGIT, INFO, PAYLOAD_LIST):
        if tags and name not in tags:
            yield Problem("unlisted", name, f"`{name}` is not in the tag manifest")
    for first, second in names.collisions((*payload, *tags)):
        text = f"listed `{escape(first)}` and `{escape(second)}` are one file on some systems"
        yield Problem("collision", escape(second), text)


def _oxum(tree: Tree, payload: Mapping[str, str], info: Mapping[str, str]) -> Iterable[Problem]:
    stated = info.get("Payload-Oxum")
    if stated is None:
        return
    size = sum(tree.sizes.get(name, 0) for name in payload)
    if _OXUM.fullmatch(stated) is None or stated != f"{size}.{len(payload)}":
        text = f"Payload-Oxum says `{escape(stated)}`, found `{size}.{len(payload)}`"
        yield Problem("oxum", INFO, text)
