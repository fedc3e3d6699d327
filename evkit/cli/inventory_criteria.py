"""The options that say which entries of an inventory are meant; `find` and `export` share them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from evkit.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evkit.inventory.search.find import Criteria

NAMES = (
    "name", "path", "digest", "type_", "size", "time", "time_kind", "deleted", "notable", "known",
)  # fmt: skip


def criteria_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, collected as `criteria: Criteria`, which is empty when none is given."""

    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: Any) -> object:  # noqa: ANN401 - click passes anything
        given = {name: kwargs.pop(name) for name in NAMES}
        return function(*args, criteria=_criteria(given), **kwargs)

    options = [
        click.option("--name", metavar="GLOB", help="File name, such as '*.jpg'; case is ignored."),
        click.option("--path", metavar="GLOB", help="Path, or a part of it."),
        click.option("--digest", metavar="HEX", help="MD5, SHA-1, SHA-256 or SHA-512 in full."),
        click.option("--type", "type_", metavar="GLOB", help="File type, such as 'image/*'."),
        click.option("--size", metavar="SIZE", help="4096, 1MB.., ..100, 1kB..2MiB."),
        click.option(
            "--time",
            metavar="FROM..TO",
            help="Dates (of UTC), or times with an offset such as 2026-11-22T14:05:00+05:00.",
        ),
        click.option(
            "--time-kind",
            metavar="LETTERS",
            help="Which times: m content, a access, c record, b created; else any.",
        ),
        click.option("--deleted", is_flag=True, help="Only deleted names."),
        click.option("--notable", is_flag=True, help="Only what a notable hash set holds."),
        click.option("--known", is_flag=True, help="Only what a hash set of known files holds."),
    ]
    wrapped: Callable[..., Any] = wrapper
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def _criteria(given: dict[str, Any]) -> Criteria:
    """Return what was asked for.

    Raises:
        UsageError: a value is malformed, or two options exclude each other.
    """
    from evkit.inventory.search.find import Criteria, parse_digest, parse_sizes
    from evkit.inventory.search.findtime import parse_letters, parse_times

    if given["notable"] and given["known"]:
        raise UsageError("`--notable` and `--known` exclude each other")
    if given["time_kind"] and not given["time"]:
        raise UsageError("`--time-kind` needs `--time`")
    known = "known" if given["known"] else None
    kind = given["type_"]
    if kind and not set(kind) & set("/*?["):
        raise UsageError(
            f"`{kind}` is half of a type",
            hint=f"a type is written like image/jpeg; for all of a kind: `--type '{kind}/*'`",
        )
    return Criteria(
        name=given["name"],
        path=given["path"],
        digest=parse_digest(given["digest"]) if given["digest"] else None,
        type=given["type_"],
        size=parse_sizes(given["size"]) if given["size"] else None,
        deleted=True if given["deleted"] else None,
        time=parse_times(given["time"]) if given["time"] else None,
        times=parse_letters(given["time_kind"] or "macb"),
        mark="notable" if given["notable"] else known,
    )
