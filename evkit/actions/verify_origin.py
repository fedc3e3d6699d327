"""A proof of origin on disk: verified, and its content written out when somebody asks for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from evkit.core import durable
from evkit.core.errors import InputError
from evkit.core.text import escape_bytes
from evkit.verify.proof import verify_origin
from evkit.verify.report import FAIL

if TYPE_CHECKING:
    from evkit.verify.report import Report
    from evkit.verify.supplied import Supplied


def verify_file(path: bytes, brought: Supplied, extract: str | None) -> Report:
    """Verify a proof of origin.

    Args:
        path: the file.
        brought: what the verifier brings along.
        extract: a new file for the content; it gets its name only when the content has the digest
            that the inventory holds, and no check of the proof failed.

    Raises:
        InputError: the file cannot be read.
        RefusedError: the new file exists.
        StorageError: it cannot be written.
    """
    shown = escape_bytes(path)
    try:
        with open(path, "rb") as handle:
            if extract is None:
                return verify_origin(handle, shown, brought)[0]
            with durable.NewFile(os.fsencode(extract), mode=0o444) as out:
                report, matched = verify_origin(handle, shown, brought, sink=out)
                matched = matched and report.word != FAIL
                if matched:
                    out.commit()
    except OSError as error:
        raise InputError(f"cannot read `{shown}`: {error.strerror or error}") from error
    target = escape_bytes(os.fsencode(extract))
    text = f"its content was written to `{target}`" if matched else "its content was not written"
    report.remark("origin-extracted", text)
    return report
