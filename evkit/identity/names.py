"""What may stand in an officer's certificate: names, badges, roles and the short name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evkit.core.errors import UsageError
from evkit.core.text import escape, is_clean

ROLES = ("officer", "custodian", "analyst", "supervisor", "prosecutor")
ROOT_OFFICER = "root"  # who signs the first event and revocations; no officer may be called so
OFFICER_URN = "urn:evkit:officer:"
ROLE_URN = "urn:evkit:role:"
MAX_NAME = 64  # bytes of UTF-8, X.520 upper bound as the library counts it
_SLUG = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ROLE = re.compile("[a-z][a-z-]{0,31}")
_PRINTABLE = re.compile("[A-Za-z0-9 '()+,./:=?-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class OfficerDetails:
    """Who a certificate is issued to.

    Attributes:
        officer: short name, `[a-z0-9-]`, at most 63; unique in a station.
        name: full name in any script.
        agency: agency, the same as in the root.
        roles: at least one word such as those of `ROLES`.
        rank, badge, unit: as on the identity card, or None.
    """

    officer: str
    name: str
    agency: str
    roles: tuple[str, ...]
    rank: str | None = None
    badge: str | None = None
    unit: str | None = None

    def check(self) -> None:
        """Refuse what cannot stand in a certificate.

        Raises:
            UsageError: naming the field.
        """
        check_slug(self.officer)
        check_text("name", self.name)
        check_text("agency", self.agency)
        for field, value in (("rank", self.rank), ("unit", self.unit)):
            if value is not None:
                check_text(field, value)
        if self.badge is not None and _PRINTABLE.fullmatch(self.badge) is None:
            raise UsageError(
                f"badge `{escape(self.badge)}` cannot stand in a certificate",
                hint="use letters a to z, digits, space and ' ( ) + , - . / : = ?, at most 64",
            )
        if not self.roles or len(set(self.roles)) != len(self.roles):
            raise UsageError("an officer has at least one role and none twice")
        for role in self.roles:
            if _ROLE.fullmatch(role) is None or role == ROOT_OFFICER:
                raise UsageError(f"`{escape(role)}` is not a role", hint=f"use {', '.join(ROLES)}")


def is_slug(text: str) -> bool:
    """Say whether `text` can be the short name of an officer."""
    return _SLUG.fullmatch(text) is not None and text != ROOT_OFFICER


def is_role(text: str) -> bool:
    """Say whether `text` has the shape of a role."""
    return _ROLE.fullmatch(text) is not None


def check_slug(text: str) -> None:
    """Refuse a short name that cannot be used.

    Raises:
        UsageError: with the allowed form.
    """
    if not is_slug(text):
        raise UsageError(
            f"`{escape(text)}` cannot be the short name of an officer",
            hint="use small letters a to z, digits and hyphens, such as `a-officer`",
        )


def suggest_slug(name: str, badge: str | None) -> str | None:
    """Return a short name made from the name or, in another script, from the badge; or None."""
    for text in (name, badge or ""):
        slug = "-".join(re.findall("[a-z0-9]+", text.lower(), re.ASCII))[:63].strip("-")
        if text.isascii() and is_slug(slug):
            return slug
    return None


def check_text(field: str, value: str) -> None:
    """Refuse a name that is empty, too long or does not print as it is.

    Raises:
        UsageError: naming the field.
    """
    if not value.strip() or value != value.strip():
        raise UsageError(f"{field} is empty or has white space at its ends")
    if not is_clean(value):
        raise UsageError(f"{field} `{escape(value)}` holds characters that do not print")
    if len(value.encode()) > MAX_NAME:
        raise UsageError(
            f"{field} is over {MAX_NAME} bytes",
            hint="a certificate holds 64 Latin or 32 Urdu letters; shorten it",
        )
