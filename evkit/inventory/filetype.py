"""File types by libmagic, from the first 256 KiB of a stream; runs in the child process only.

The system's libmagic is used when there is one, else the one that pylibmagic carries. The answer
depends on that version, so it is recorded and the types have a table and a root of their own.
"""

from __future__ import annotations

import re
from typing import Any

HEAD = 256 << 10
UNKNOWN = "application/octet-stream"
_MIME = re.compile(r"[!-~]{1,127}/[!-~]{1,127}")
_CACHE = 1 << 16


class FileTypes:
    """Tells file types; one object per process, because libmagic's handles are not shared.

    Attributes:
        engine: `libmagic 5.44 (system)`, or why there are no types.
    """

    def __init__(self) -> None:
        self._magic: Any = None
        self._known: dict[str, str] = {}
        try:
            module, origin = _load()
            self._magic = module.Magic(mime=True)
            number = int(module.version())
        except (ImportError, OSError, AttributeError, NotImplementedError) as error:
            self.engine = f"none ({type(error).__name__})"
            return
        self.engine = f"libmagic {number // 100}.{number % 100:02d} ({origin})"

    def of(self, head: bytes, digest: str | None = None) -> str | None:
        """Return the MIME type of a stream that starts with `head`, None when there is no engine.

        Args:
            head: at most the first 256 KiB.
            digest: when given, the digest of a stream that is all in `head`; equal content is
                looked at once.
        """
        if self._magic is None:
            return None
        if digest is not None and digest in self._known:
            return self._known[digest]
        answer = self._ask(head[:HEAD])
        if digest is not None and len(self._known) < _CACHE:
            self._known[digest] = answer
        return answer

    def _ask(self, head: bytes) -> str:
        try:
            answer = str(self._magic.from_buffer(head))
        except Exception:  # noqa: BLE001 - the library's own class exists only when it is loaded
            return UNKNOWN
        return repaired(answer, head)


def repaired(answer: str, head: bytes) -> str:
    """Return a usable MIME type: libmagic 5.46 calls a zip in a buffer octet-stream.

    See python-magic issue 354. Anything that is not `type/subtype` becomes octet-stream.
    """
    if _MIME.fullmatch(answer) is None:
        return UNKNOWN
    if answer == UNKNOWN and head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return "application/zip"
    return answer


def _load() -> tuple[Any, str]:
    try:
        import magic
    except ImportError:
        import magic
        import pylibmagic  # noqa: F401 - importing it makes its library known to `magic`

        return magic, "pylibmagic"
    return magic, "system"
