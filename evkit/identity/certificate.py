"""Certificates under one name: reading, issuing and judging them."""

from __future__ import annotations

from evkit.identity.authority import Validity, create_root, issue_officer, valid_for
from evkit.identity.chain import ChainResult, check_chain
from evkit.identity.names import ROLES, ROOT_OFFICER, OfficerDetails, suggest_slug
from evkit.identity.x509 import Certificate, load_certificate

__all__ = [
    "ROLES",
    "ROOT_OFFICER",
    "Certificate",
    "ChainResult",
    "OfficerDetails",
    "Validity",
    "check_chain",
    "create_root",
    "issue_officer",
    "load_certificate",
    "suggest_slug",
    "valid_for",
]
