"""The words of the page in English and Urdu; texts with values keep the values apart.

Every text stands in an element that names it, so that the page can change its language without
being made again. Values (names, numbers, digests) are isolated: they keep their direction and
cannot turn the text around them.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from typing import Final

from evkit.core.data import package_file
from evkit.core.text import escape

LANGUAGES: Final = ("en", "ur")
DIRECTIONS: Final = {"en": "ltr", "ur": "rtl"}
_VALUE = re.compile(r"\{([a-z_]+)\}")


class Safe(str):
    """Text that is HTML already; templates print it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text, as templates expect."""
        return self


@cache
def words() -> dict[str, list[str]]:
    """Return key -> [English, Urdu]."""
    path = package_file("bundle", "templates/inventory-words.json")
    found: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return found


class Speaker:
    """Writes texts in one language, in elements that the page can write again in the other."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def text(self, key: str, **values: object) -> str:
        """Return plain text: for titles and labels."""
        return _VALUE.sub(lambda match: str(values[match[1]]), self._template(key))

    def element(self, key: str, **values: object) -> Safe:
        """Return an element with the text, its values isolated; values are escaped already.

        A value that is `Safe` must be an element made here: it is said in both languages.
        """
        template = self._template(key)
        parts = []
        last = 0
        for match in _VALUE.finditer(template):
            parts.append(html.escape(template[last : match.start()]))
            parts.append(self._value(values[match[1]]))
            last = match.end()
        parts.append(html.escape(template[last:]))
        shown = {name: _said(value) for name, value in values.items()}
        data = f' data-p="{html.escape(_json(shown))}"' if values else ""
        return Safe(f'<span data-t="{key}"{data}>{"".join(parts)}</span>')

    def reason(self, row: dict[str, object]) -> Safe:
        """Return why something was not read, in words where there are any, else as recorded."""
        reason = str(row.get("reason", "none"))
        key = f"reason.{reason}"
        if key in words():
            return self.element(key)
        return literal(reason)

    def _template(self, key: str) -> str:
        """Return a text; a word of a later version that has none here stands for itself."""
        found = words().get(key)
        return key.rpartition(".")[2] if found is None else found[self._index]

    def _value(self, value: object) -> str:
        if isinstance(value, Safe):
            return str(value)
        return str(literal(str(value)))


def literal(text: str) -> Safe:
    """Return text from outside, isolated from the direction of what stands around it."""
    return Safe(f'<bdi class="v">{html.escape(text)}</bdi>')


def parts(path: str) -> Safe:
    """Return an escaped path, each part isolated from left to right.

    Otherwise two Urdu names that follow each other would be shown in the other order.
    """
    isolated = (
        f'<bdi dir="ltr">{html.escape(part)}</bdi>' if part else "" for part in path.split("/")
    )
    return Safe("/".join(isolated))


def name(text: str) -> str:
    """Return text that was found, with everything unsafe made visible."""
    return escape(text)


def number(value: int) -> str:
    """Return digits in groups of three."""
    return f"{value:,}"


def _said(value: object) -> object:
    """Return a value as the script needs it: text, or the key of another text."""
    if isinstance(value, Safe):
        match = re.search(r'data-t="([^"]+)"', value)
        plain = html.unescape(re.sub("<[^>]*>", "", value))
        return {"t": match[1]} if match else plain
    return str(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
