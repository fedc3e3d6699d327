"""File types by libmagic, from the first 256 KiB of a stream; runs in the child process only.

The system's libmagic is used when there is one, else the one that pylibmagic carries. The answer
depends on that version, so it is recorded and the types have a table and a root of their own. When
there are many heads, rules that cannot match are left out (`narrow`); the answers stay the same.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from evkit.core.errors import InputError
from evkit.inventory.types.narrow import Libmagic, Narrow, default

HEAD = 256 << 10
UNKNOWN = "application/octet-stream"
_MIME = re.compile(r"[!-~]{1,127}/[!-~]{1,127}")
_CACHE = 1 << 16
_MANY = 256  # heads from which on reading libmagic's database pays


class FileTypes:
    """Tells file types; one object per process, because libmagic's handles are not shared.

    Attributes:
        engine: `libmagic 5.44 (system)`, or why there are no types.
    """

    def __init__(self) -> None:
        self._magic: Any = None
        self._module: Any = None
        self._narrow: Narrow | None = None
        self._known: dict[str, str] = {}
        self._asked = 0
        try:
            self._module, origin = _load()
            self._magic = self._module.Magic(mime=True)
            number = int(self._module.version())
        except (ImportError, OSError, AttributeError, NotImplementedError) as error:
            self.engine = f"none ({type(error).__name__})"
            return
        self._database = _database(self._module)  # now: later nothing may be opened
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

    @property
    def narrowed(self) -> bool:
        """Whether rules that cannot match are left out."""
        return self._narrow is not None

    def _ask(self, head: bytes) -> str:
        self._asked += 1
        if self._asked == _MANY:
            self._narrow = self._narrowed()
        try:
            answer = self._by_a_part(head)
            if answer is None:
                answer = str(self._magic.from_buffer(head))
        except Exception:  # noqa: BLE001 - the library's own class exists only when it is loaded
            return UNKNOWN
        return repaired(answer, head)

    def _by_a_part(self, head: bytes) -> str | None:
        """Ask with the rules that can match; None when all rules have to be asked."""
        if self._narrow is None:
            return None
        try:
            answer = self._narrow.ask(head)
        except Exception:  # noqa: BLE001 - whatever it is, all rules give the answer from now on
            self._narrow = None
            return None
        return None if answer is None else answer.decode("utf-8", "backslashreplace")

    def _narrowed(self) -> Narrow | None:
        data, self._database = self._database, b""
        try:
            return Narrow(self._module, self._magic.flags, data) if data else None
        except (InputError, AttributeError):
            return None


def repaired(answer: str, head: bytes) -> str:
    """Return a usable MIME type: libmagic 5.46 calls a zip in a buffer octet-stream.

    See python-magic issue 354. Anything that is not `type/subtype` becomes octet-stream.
    """
    if _MIME.fullmatch(answer) is None:
        return UNKNOWN
    if answer == UNKNOWN and head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return "application/zip"
    return answer


def _database(module: Libmagic) -> bytes:
    """Return libmagic's database, nothing where it cannot be asked piece by piece."""
    try:
        return default(module)
    except (InputError, OSError, AttributeError, ValueError):
        return b""


def _load() -> tuple[Any, str]:
    try:
        return importlib.import_module("magic"), "system"
    except ImportError:
        importlib.import_module("pylibmagic")  # makes its library known; must come before `magic`
        return importlib.import_module("magic"), "pylibmagic"
