"""`station.toml`: written once by `station init` and never changed. See `docs/spec/station.md`."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields

from evkit.core import clock, durable
from evkit.core.errors import CaseError, InputError, UsageError
from evkit.core.limits import read_file
from evkit.core.text import escape, escape_bytes, is_clean
from evkit.station import layout

FORMAT = 1
MAX_BYTES = 64 * 1024
MAX_TEXT = 200
MAX_ORIGIN = 128
_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What `station.toml` says.

    Attributes:
        name, agency: for people; printable text of at most 200 characters.
        origin: the name of the ledger in every checkpoint.
        profile: id of the legal profile, such as `pk`.
        created: RFC 3339 UTC.
        root_dir: where the agency root was when the station was made; only a hint.
    """

    name: str
    agency: str
    origin: str
    profile: str
    created: str
    root_dir: str
    format: int = FORMAT


def is_origin(text: str) -> bool:
    """Say whether `text` can name a ledger: ASCII letters, digits and `._-/`, at most 128."""
    return _ORIGIN.fullmatch(text) is not None and "//" not in text and not text.endswith("/")


def need_text(value: str, what: str) -> str:
    """Return text for people, or raise UsageError when it is empty, long or not printable."""
    if not value.strip() or len(value) > MAX_TEXT or not is_clean(value):
        raise UsageError(
            f"the {what} `{escape(value[:MAX_TEXT])}` cannot be used",
            hint=f"printable text of 1 to {MAX_TEXT} characters",
        )
    return value


def write(path: bytes, config: Config) -> None:
    """Create `station.toml`; RefusedError when there is one."""
    lines = ["# Made by evkit; never edited. See docs/spec/station.md."]
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    lines.append(f"format = {values.pop('format')}")
    lines += [f"{key} = {_quoted(value)}" for key, value in values.items()]
    durable.write_new(path, ("\n".join(lines) + "\n").encode("utf-8"))


def read(home: bytes) -> Config:
    """Read the configuration of the station in folder `home`.

    Raises:
        CaseError: there is no station.
        InputError: the file is damaged, or of a later format.
    """
    path = os.path.join(home, layout.CONFIG)
    shown = escape_bytes(path)
    if not os.path.isfile(path):
        raise CaseError(
            f"`{escape_bytes(home)}` is not a station",
            hint="make one with `evkit station init DIR --name … --agency …`",
        )
    try:
        values = tomllib.loads(read_file(path, MAX_BYTES).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"`{shown}` is damaged: {escape(str(error))}") from error
    if values.get("format") != FORMAT:
        raise InputError(
            f"`{shown}` has format `{escape(str(values.get('format')))}`, not `{FORMAT}`",
            hint="use the version of evkit that made the station, or a later one",
        )
    expected = {field.name for field in fields(Config)}
    if set(values) != expected or not all(
        isinstance(values[name], str) for name in expected - {"format"}
    ):
        raise InputError(f"`{shown}` is damaged: it does not hold exactly {sorted(expected)}")
    config = Config(**values)
    if not is_origin(config.origin):
        raise InputError(f"`{shown}` is damaged: origin `{escape(config.origin)}`")
    return config


def make_origin(agency: str, name: str, suffix: str) -> str:
    """Return an origin like `agency/station-3f9a1c2e` from the names for people."""
    return f"{_slug(agency) or 'agency'}/{_slug(name) or 'station'}-{suffix}"


def created_now() -> str:
    """Return the present time as `created` holds it."""
    return clock.now().text()


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower(), flags=re.ASCII).strip("-")[:40].strip("-")


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    made = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in made) + '"'
