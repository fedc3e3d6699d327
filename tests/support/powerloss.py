"""Power loss played back: what a disk may hold that forgets whatever was not synchronised.

A child does the work under `core.durable.observe` and announces every step before it is taken. The
parent looks at the folder at each announcement and keeps, for every file, the content of its last
completed fsync and, for every folder, the names of its last completed folder sync. From that it
makes the states that a power loss at a step can leave. Names and contents that were never announced
are seen as well and count as not synchronised.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import shutil
import stat
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from evkit.core import durable
from evkit.station import append

LEDGER = b"ledger.db"
PAGE = 4096
NAMES = ("lost", "kept", "gone", "some")  # gone: only removals reached the disk
DATA = ("empty", "half", "zeros", "torn", "kept")
FAILED, STOPPED = 1, 9


@dataclass(frozen=True)
class Item:
    """A file, folder or symbolic link; `live` is what programs see, `safe` what the disk has.

    A folder holds name -> id of an item, a file its bytes; `safe` is None before the first sync.
    """

    kind: int
    mode: int
    live: object
    safe: object = None


@dataclass(frozen=True)
class Cut:
    """The moment before a step: the power may go before, while or just before it is finished.

    Attributes:
        kind, path: the step that was announced; `end` after the last one.
        items: id -> Item; the root has id 0.
        returned: ids of the events that `record` had returned.
        tied: (folder, names) that a rename changed together: undone together or not at all.
        after: content of the ledger after a `commit`, None for other steps.
    """

    kind: str
    path: bytes
    items: dict[int, Item]
    returned: frozenset[str]
    tied: frozenset[tuple[int, frozenset[bytes]]] = frozenset()
    after: bytes | None = None


class _Disk:
    """Follows the items below a folder."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.items: dict[int, Item] = {}
        self._inodes: dict[int, int] = {}  # of what had a name when last looked at
        self._next = 0
        self.look()
        for number, item in self.items.items():
            self.items[number] = dataclasses.replace(item, safe=item.live)

    def look(self) -> None:
        """Take over what programs see now."""
        seen: dict[int, int] = {}
        self._visit(self.root, seen)
        self._inodes = seen

    def find(self, path: bytes) -> int | None:
        """Return the id of what has this path now."""
        at = 0
        inside = os.path.relpath(os.path.abspath(path), self.root)
        for name in [] if inside == b"." else inside.split(b"/"):
            names = self.items[at].live
            if not isinstance(names, dict) or name not in names:
                return None
            at = names[name]
        return at

    def keep(self, number: int, content: object) -> None:
        """Write down that the disk has this content of an item."""
        self.items[number] = dataclasses.replace(self.items[number], safe=content)

    def _visit(self, path: bytes, seen: dict[int, int]) -> int:
        facts = os.lstat(path)
        number = seen.get(facts.st_ino, self._inodes.get(facts.st_ino))
        if number is None:
            number, self._next = self._next, self._next + 1
        known = facts.st_ino in seen
        seen[facts.st_ino] = number
        if known:
            return number
        live: object = None
        if stat.S_ISDIR(facts.st_mode):
            live = {name: self._visit(os.path.join(path, name), seen) for name in os.listdir(path)}
        elif stat.S_ISLNK(facts.st_mode):
            live = os.readlink(path)
        elif stat.S_ISREG(facts.st_mode):
            with open(path, "rb") as handle:
                live = handle.read()
        old = self.items.get(number)
        if old is not None and old.live == live:
            live = old.live
        safe = old.safe if old is not None else None
        kind, mode = stat.S_IFMT(facts.st_mode), stat.S_IMODE(facts.st_mode)
        self.items[number] = Item(kind, mode, live, safe)
        return number


@dataclass
class Run:
    """What came of a watched run: exit code of the child and the moments to lose power at."""

    disk: _Disk
    code: int = 0
    cuts: list[Cut] = field(default_factory=list)

    @property
    def steps(self) -> list[tuple[str, bytes]]:
        return [(cut.kind, cut.path) for cut in self.cuts]


class _Watcher:
    """The parent's side: one look at every announcement."""

    def __init__(self, disk: _Disk) -> None:
        self.run = Run(disk)
        self._disk = disk
        self._tied: frozenset[tuple[int, frozenset[bytes]]] = frozenset()
        self._returned: frozenset[str] = frozenset()
        self._pending: tuple[str, int | None, object] = ("", None, None)

    def heard(self, words: list[bytes]) -> None:
        """Take in one line of the child."""
        if words[0] == b"returned":
            self._returned |= {word.decode() for word in words[1:]}
        else:
            self.step(words[0].decode(), bytes.fromhex(words[1].decode()))

    def step(self, kind: str, path: bytes) -> None:
        """The step before is finished; `kind` comes next."""
        disk = self._disk
        before = dict(disk.items)
        disk.look()
        self._finish(before)
        items, cuts = dict(disk.items), self.run.cuts
        cuts.append(Cut(kind, path, items, self._returned, self._tied))
        number = disk.find(path) if path.startswith(disk.root) else None
        item = disk.items[number] if number is not None else None
        self._pending = (kind, number, item.live if item is not None else None)

    def _finish(self, before: dict[int, Item]) -> None:
        """A sync that was announced makes durable what was there when it was announced."""
        kind, number, content = self._pending
        cuts = self.run.cuts
        if kind == "rename":
            self._tie(before, os.path.dirname(cuts[-1].path))
        if number is None:
            return
        if kind in {"fsync", "dirsync"}:
            self._disk.keep(number, content)
        elif kind == "commit" and os.path.basename(cuts[-1].path) == LEDGER:
            after = self._disk.items[number].live
            cuts[-1] = dataclasses.replace(cuts[-1], after=after)
            self._disk.keep(number, after)
            self._forget_journal(cuts[-1].path)

    def _tie(self, before: dict[int, Item], path: bytes) -> None:
        folder = self._disk.find(path)
        if folder is None or folder not in before:
            return
        old, new = before[folder].live, self._disk.items[folder].live
        names = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        self._tied |= {(folder, frozenset(names))}

    def _forget_journal(self, ledger: bytes) -> None:
        """SQLite makes the end of its journal durable itself (synchronous=EXTRA)."""
        folder = self._disk.find(os.path.dirname(ledger))
        names = None if folder is None else self._disk.items[folder].safe
        if isinstance(names, dict):
            gone = LEDGER + b"-journal"
            self._disk.keep(folder, {name: at for name, at in names.items() if name != gone})


def watch(action, root: Path, stop: int | None = None, before: Run | None = None) -> Run:
    """Run `action` in a child that works below `root`; `stop` ends it at that step.

    Everything that is below `root` before counts as durable, but after a run `before` (which was
    stopped there) only what it had made durable. The last cut is the end of the run: the power goes
    after the action has returned (or, with `stop`, before the step `stop`).
    """
    disk = _Disk(os.path.realpath(os.fsencode(root))) if before is None else before.disk
    watcher = _Watcher(disk)
    said, say = os.pipe()
    hear, answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(said)
        os.close(answer)
        _work(action, say, hear)
    os.close(say)
    os.close(hear)
    with os.fdopen(said, "rb") as pipe:
        for line in pipe:
            watcher.heard(line.split())
            if len(watcher.run.cuts) - 1 == stop:
                break
            os.write(answer, b".")
        else:
            watcher.step("end", b"")
    os.close(answer)
    watcher.run.code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return watcher.run


def _work(action, say: int, hear: int) -> None:
    """The child: every announcement waits until the parent has looked."""

    def tell(*words: str) -> None:
        os.write(say, " ".join(words).encode() + b"\n")
        if not os.read(hear, 1):
            os._exit(STOPPED)

    real = append.append

    def acknowledged(*arguments, **options):
        done = real(*arguments, **options)
        tell("returned", *(one.event_id for one in done))
        return done

    code = FAILED
    try:
        append.append = acknowledged
        durable.observe(lambda kind, path: tell(kind, os.path.abspath(path).hex()))
        action()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


@dataclass(frozen=True)
class Loss:
    """One thing that a power loss can leave: path -> (kind, mode, content)."""

    cut: int
    names: str
    data: str
    ledger: str
    tree: dict[bytes, tuple[int, int, object]]

    def __str__(self) -> str:
        return f"cut {self.cut}, names {self.names}, data {self.data}, ledger {self.ledger}"

    def key(self) -> bytes:
        """Return a digest of the state."""
        digest = hashlib.sha256()
        for path, (kind, mode, content) in sorted(self.tree.items()):
            data = content if isinstance(content, bytes) else b""
            digest.update(b"%s\0%d %d %d\n" % (path, kind, mode, len(data)) + data)
        return digest.digest()

    def play(self, root: Path) -> None:
        """Make `root` that disk."""
        top = os.fsencode(root)
        for name in os.listdir(top):
            path = os.path.join(top, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        written: dict[int, bytes] = {}
        for inside, (kind, mode, content) in sorted(self.tree.items()):
            path = os.path.join(top, inside)
            if content and id(content) in written:  # two names of one file, in a renaming
                os.link(written[id(content)], path)
                continue
            if kind == stat.S_IFDIR:
                os.mkdir(path)
            elif kind == stat.S_IFLNK:
                os.symlink(content, path)
                continue
            else:
                with open(path, "xb") as handle:
                    handle.write(content)
                written[id(content)] = path
            os.chmod(path, mode)


def losses(run: Run) -> list[Loss]:
    """Return every different state that a power loss in the run can leave, by cut."""
    found, seen = [], set()
    for number, cut in enumerate(run.cuts):
        for ledger in ("old",) if cut.after is None else ("old", "new"):
            for names in NAMES:
                for data in DATA:
                    loss = loss_of(cut, number, names, data, ledger)
                    key = (loss.key(), cut.returned, cut.kind == "end")
                    if key not in seen:
                        seen.add(key)
                        found.append(loss)
    return found


def loss_of(cut: Cut, number: int, names: str, data: str, ledger: str = "old") -> Loss:
    """Return one state that a power loss at a cut can leave."""
    tree = _Maker(number, cut, ledger).tree(names, data)
    return Loss(number, names, data, ledger, tree)


class _Maker:
    """Makes one state of a cut."""

    def __init__(self, number: int, cut: Cut, ledger: str) -> None:
        self._cut = cut
        self._ledger = ledger
        self._chance = random.Random(number)

    def tree(self, names: str, data: str) -> dict[bytes, tuple[int, int, object]]:
        made: dict[bytes, tuple[int, int, object]] = {}
        self._fill(made, b"", 0, names, data)
        return made

    def _fill(self, made, path: bytes, folder: int, names: str, data: str) -> None:
        for name, number in sorted(self._names(folder, names).items()):
            item, inside = self._cut.items[number], os.path.join(path, name)
            if name == LEDGER + b"-journal" and self._ledger == "new":
                continue
            content = item.live
            if item.kind == stat.S_IFREG:
                content = self._content(name, item, data)
            made[inside] = (item.kind, item.mode, content)
            if item.kind == stat.S_IFDIR:
                self._fill(made, inside, number, names, data)

    def _names(self, number: int, how: str) -> dict[bytes, int]:
        folder = self._cut.items[number]
        tied = [names for at, names in self._cut.tied if at == number]
        safe = folder.safe if isinstance(folder.safe, dict) else {}
        live = folder.live if isinstance(folder.live, dict) else {}
        if how == "kept":
            return live
        chosen = dict(safe)
        for change in _changes(safe, live, tied):
            if how == "lost" or (how == "gone" and change & live.keys()):
                continue
            if how == "some" and self._chance.random() < 0.5:
                continue
            for name in change:
                chosen.pop(name, None)
                if name in live:
                    chosen[name] = live[name]
        return chosen

    def _content(self, name: bytes, item: Item, data: str) -> bytes:
        live, safe = item.live, item.safe
        if name == LEDGER and self._cut.after is not None and self._ledger == "new":
            return self._cut.after
        if name == LEDGER and safe is not None:
            return safe
        if live == safe or data == "kept":
            return live
        synced = safe or b""  # what was added since then may be lost, this not
        if data == "empty" or len(live) < len(synced):
            return synced
        half = synced + live[len(synced) : len(live) // 2]
        if data in {"half", "zeros"}:
            return half.ljust(len(live) if data == "zeros" else 0, b"\0")
        old = synced.ljust(len(live), b"\0")
        pages = range(0, len(live), PAGE)
        return b"".join((old, live)[at // PAGE % 2][at : at + PAGE] for at in pages)


def _changes(
    safe: dict[bytes, int], live: dict[bytes, int], tied: list[frozenset[bytes]]
) -> list[set[bytes]]:
    """Return the names that differ; those of one rename together."""
    groups: list[set[bytes]] = []
    for name in sorted(safe.keys() | live.keys()):
        if safe.get(name) == live.get(name):
            continue
        joined = {name}.union(*(names for names in tied if name in names))
        for group in [group for group in groups if group & joined]:
            groups.remove(group)
            joined |= group
        groups.append(joined)
    return groups


def sample(found: list[Loss], most: int | None) -> list[Loss]:
    """Return about `most` of the states, evenly, those of the last moment always; None for all."""
    if most is None or len(found) <= most:
        return found
    last = [loss for loss in found if loss.cut == found[-1].cut]
    rest = found[: len(found) - len(last)]
    stride = -(-len(rest) // max(1, most - len(last)))
    return rest[::stride] + last
