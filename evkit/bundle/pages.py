"""HTML pages: Jinja2 with every value escaped twice, for HTML and for hostile text.

Pages have no script, no outside reference and print on A4. `clean` is applied to every value that
is printed, so that control and bidirectional characters from evidence never reach a browser.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from evkit.core.data import package_file
from evkit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Return a page as UTF-8.

    Args:
        template: a file below `templates/`.
        values: what the template names; missing names are errors.
    """
    page = _environment().from_string(_source(template)).render(values)
    return (page.strip() + "\n").encode("utf-8", "backslashreplace")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_source),
    )


@cache
def _source(template: str) -> str:
    return package_file("bundle", f"templates/{template}").read_text(encoding="utf-8")


def _clean(value: object) -> object:
    """Escape text; markup that is safe already (the inline QR code) passes."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return escape(value)
    return value
