"""`manifest.html`: it runs nothing, fetches nothing, and shows the digests of the manifest.

That its sentences say the same as `manifest.json` is not checked by a machine; the report says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from evkit.core.text import escape
from evkit.manifest import layout
from evkit.verify.report import CONTENT, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evkit.verify.report import Report

TAGS: Final = frozenset(
    {"b", "bdi", "body", "br", "caption", "code", "dd", "div", "dl", "dt", "em", "h1", "h2", "h3",
     "head", "hr", "html", "li", "meta", "ol", "p", "section", "small", "span", "style", "table",
     "tbody", "td", "th", "thead", "title", "tr", "ul"}
)  # fmt: skip
ATTRIBUTES: Final = frozenset({"charset", "class", "colspan", "dir", "id", "lang", "scope"})
_MARKUP = re.compile(r'<!DOCTYPE html>|</?([a-z0-9]+)((?: [a-z]+="[^"<>]*")*)>')
_ATTRIBUTE = re.compile(r'([a-z]+)="')
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_FETCH = re.compile(r"@import|url\s*\(|expression\s*\(|\\", re.IGNORECASE)
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_SHOWN = 3


def refused(page: str) -> list[str]:
    """Say what a page holds that a plain page does not.

    The grammar is narrow on purpose: every `<` begins an element of `TAGS` with attributes of
    `ATTRIBUTES` in double quotes, so that no browser reads the page in another way.
    """
    found = ["a style that fetches" for style in _STYLE.findall(page) if _FETCH.search(style)]
    found += ["a character that turns the direction of text"] if _TURNS.search(page) else []
    for match in _MARKUP.finditer(page):
        tag, attributes = match[1], match[2] or ""
        if tag is not None and tag not in TAGS:
            found.append(f"the element `{tag}`")
        names = set(_ATTRIBUTE.findall(attributes))
        found += [f"the attribute `{name}`" for name in names - ATTRIBUTES]
    rest = _MARKUP.sub("", page)
    at = rest.find("<")
    if at >= 0:
        found.append(f"`{escape(rest[at : at + 20])}`, which is not plain markup")
    return sorted(set(found))


def check_page(page: bytes, digests: Iterable[str], report: Report) -> None:
    """Check the readable page against the digests that the signed manifest holds.

    Args:
        page: the bytes of `manifest.html`.
        digests: every SHA-256 (hex) in the signed manifest.
        report: takes the findings.
    """
    decoded = page.decode("utf-8", "replace")
    wrong = refused(decoded)
    for what in wrong[:_SHOWN]:
        text = f"`{layout.PAGE}` holds {what}; the page must run and fetch nothing"
        report.failed(CONTENT, "page-active", text, layout.PAGE)
    foreign = sorted(set(_DIGEST.findall(_MARKUP.sub(" ", decoded))) - set(digests))
    for digest in foreign[:_SHOWN]:
        text = f"`{layout.PAGE}` shows a digest that is not in the signed manifest: {digest}"
        report.failed(RECORD, "page-digest", text, layout.PAGE)
    if not foreign and not wrong:
        text = f"`{layout.PAGE}` runs nothing and shows no digest but those of the signed manifest"
        report.passed(RECORD, "page", text)


def digests_in(value: object) -> set[str]:
    """Return every text of 64 hex digits in a JSON value."""
    found: set[str] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            found.update(_DIGEST.findall(item))
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
    return found
