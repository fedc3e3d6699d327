"""Asks libmagic with the rules that an input can match, and gets the answer of all its rules.

The rules left out are those that need bytes which are not there (`literals`); the order of the
others stays. Rules that are asked for together make a database of their own, which is kept.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from evkit.core.errors import InputError
from evkit.inventory.types.compiled import Database
from evkit.inventory.types.index import SOME, Index
from evkit.inventory.types.jumps import reached, ways

if TYPE_CHECKING:
    from evkit.inventory.types.index import Choice
    from evkit.inventory.types.jumps import Way

_KEPT = 32 << 20  # bytes of the databases that are kept
_TEXTS = 24  # databases with rules for text: each holds compiled regular expressions beside
_SEEN = 1 << 12
_WORTH = 6  # times that a kind of input is seen before a database is made for it
_WORTH_TEXT = 12  # of text: its regular expressions are compiled for each database again
_NO_TEXT = 0x0020000 | 0x0200000  # MAGIC_NO_CHECK_TEXT, MAGIC_NO_CHECK_ENCODING
_MOST = 64 << 20
_SOURCE = 1 << 16


Libmagic = Any  # the module `magic`, which has no types


class _Handle(NamedTuple):
    cookie: Any
    memory: Any  # libmagic reads the database in place
    ways: tuple[Way, ...]


class Narrow:
    """A compiled database of libmagic, asked piece by piece.

    Args:
        module: `magic`, with its library loaded.
        flags: what is asked of libmagic.
        data: the database (see `default`).

    Attributes:
        database: taken apart.
        kept: bytes of the smaller databases that are in memory.

    Raises:
        InputError: it is not a database that evkit understands.
    """

    def __init__(self, module: Libmagic, flags: int, data: bytes) -> None:
        self._module, self._flags = module, flags
        self._load = module.libmagic.magic_load_buffers
        self._load.restype = ctypes.c_int
        self._load.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_void_p),
            ctypes.POINTER(ctypes.c_size_t),
            ctypes.c_size_t,
        ]
        self.database = Database.read(data)
        self._index = Index(self.database)
        rules = enumerate(self.database.rules)
        self._jumping = {number for number, rule in rules if self.database.jumps(rule)}
        self._ways: dict[int, tuple[Way, ...]] = {}
        self._texts: OrderedDict[Choice, _Handle] = OrderedDict()
        self._others: OrderedDict[Choice, _Handle] = OrderedDict()
        self.kept = 0
        self._seen: Counter[Choice] = Counter()

    def ask(self, head: bytes) -> bytes | None:
        """Return libmagic's answer; None when all rules have to be asked.

        That is so for an input of a kind that was not seen before, and for one that is judged at
        other places by all the rules.
        """
        choice = self._index.choose(head)
        handle = self._handle(choice)
        if handle is None or reached(handle.ways, head):
            return None
        answer: bytes = self._module.magic_buffer(handle.cookie, head)
        return answer

    def _handle(self, choice: Choice) -> _Handle | None:
        text = choice.texts == SOME
        handles = self._texts if text else self._others
        handle = handles.get(choice)
        if handle is not None:
            handles.move_to_end(choice)
            return handle
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen[choice] += 1
        if self._seen[choice] < (_WORTH_TEXT if text else _WORTH):
            return None
        handle = handles[choice] = self._made(choice)
        self.kept += len(handle.memory)
        while len(handles) > 1 and (self.kept > _KEPT or len(self._texts) > _TEXTS):
            oldest, closed = handles.popitem(last=False)
            self._seen[oldest] = 0  # it has to be worth it again
            self._module.magic_close(closed.cookie)
            self.kept -= len(closed.memory)
        return handle

    def _made(self, choice: Choice) -> _Handle:
        numbers = self._index.rules(choice)
        data = self.database.write(self.database.rules[number] for number in numbers)
        memory = ctypes.create_string_buffer(data, len(data))
        # what cannot be text need not be tried in every encoding, which takes most of the rest
        cookie = self._module.magic_open(self._flags | (0 if choice.texts else _NO_TEXT))
        pointers = (ctypes.c_void_p * 1)(ctypes.addressof(memory))
        if self._load(cookie, pointers, (ctypes.c_size_t * 1)(len(data)), 1) != 0:
            self._module.magic_close(cookie)
            raise InputError("libmagic did not take a part of its own database")
        found = tuple(way for n in numbers if n in self._jumping for way in self._way(n))
        return _Handle(cookie, memory, found)

    def _way(self, number: int) -> tuple[Way, ...]:
        if number not in self._ways:
            self._ways[number] = ways(self.database, self.database.rules[number])
        return self._ways[number]


def default(module: Libmagic) -> bytes:
    """Return the one compiled database that libmagic uses by default.

    Raises:
        InputError: there is none, or there are rules beside it.
        OSError: it cannot be read.
    """
    ask = module.libmagic.magic_getpath
    ask.restype, ask.argtypes = ctypes.c_char_p, [ctypes.c_char_p, ctypes.c_int]
    paths = os.fsdecode(ask(None, 0) or b"").split(os.pathsep)
    found = [name for path in paths if path and (name := _compiled(path)) is not None]
    if len(found) != 1:
        raise InputError("libmagic has not one compiled database")
    with open(found[0], "rb") as file:
        return file.read(_MOST)


def _compiled(path: str) -> str | None:
    """Return the compiled file of a path, None when the path adds no rules."""
    for name in (path, path + ".mgc"):
        if name.endswith(".mgc") and os.path.isfile(name):
            return name
    if os.path.isfile(path):
        with open(path, "rb") as file:
            text = file.read(_SOURCE)
        if len(text) < _SOURCE and all(line.strip()[:1] in b"#" for line in text.splitlines()):
            return None
    if os.path.exists(path):
        raise InputError("libmagic has rules that are not compiled")
    return None
