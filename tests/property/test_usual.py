"""Whatever is listed in one pass is listed as any entry is."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from evkit.inventory import times
from evkit.inventory.driver import Folder
from evkit.inventory.names import Names
from evkit.inventory.usual import Usual

FS = ("ext2", "ext4", "ufs2", "ntfs", "ntfs", "ntfs", "hfs-plus")
TEXT = st.text(min_size=1, max_size=6).map(str.encode)
NAMES = TEXT | TEXT | TEXT | st.binary(max_size=8) | st.sampled_from((b".", b".."))
SMALL = st.sampled_from((0, 1, 2, 3, 5, 6, 7, 10, 11))
MOMENTS = ("atime", "crtime", "ctime", "mtime")
PARTS = tuple(f"{name}_nano" for name in MOMENTS)
ODD = [
    ("meta", "seq", st.integers(1, 2)), ("meta", "type", SMALL), ("meta", "flags", SMALL),
    ("meta", "link", st.just(b"x")), ("meta", "nlink", st.just(-1)), ("entry", "type", SMALL),
    ("entry", "flags", SMALL), ("entry", "meta_addr", st.sampled_from((-1, 9, 2**53))),
    *(("meta", name, st.sampled_from((0, 1, 2**33, 2**62, -5))) for name in MOMENTS),
    *(("meta", name, st.integers(0, 10**9 - 1)) for name in PARTS),
]  # fmt: skip


class File:
    """A file as pytsk3 shows it, with `$FILE_NAME` attributes."""

    def __init__(self, name, meta, contents) -> None:
        self.info = SimpleNamespace(name=name, meta=meta)
        self._contents = contents

    def __iter__(self):
        for number, content in enumerate(self._contents):
            yield SimpleNamespace(info=SimpleNamespace(type=48, id=number, size=len(content)))

    def read_random(self, _at, _size, _kind, number):
        return self._contents[number]


class Out:
    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.folders: list[tuple] = []

    def line(self, line) -> None:
        self.lines += line.split(b"\n")

    def folder(self, *values, allocated) -> None:
        self.folders.append((*values, allocated))


@st.composite
def _contents(draw, parent, name):
    found = []
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.sampled_from((parent, parent + 1)))
        text = draw(st.sampled_from((name.decode("utf-8", "replace"), "SHORT~1")))
        units = text.encode("utf-16-le", "surrogatepass")
        moments = draw(st.binary(min_size=32, max_size=32))
        moments = draw(st.sampled_from((moments, bytes(32), moments[:8] * 4)))
        head = where.to_bytes(8, "little") + moments
        found.append(head.ljust(64, b"\0") + bytes((len(units) // 2, 0)) + units)
    return found


@given(st.data())
@settings(max_examples=600, deadline=None)
def test_usual_entries_are_said_as_all_are(data):
    draw = data.draw
    kind = draw(st.sampled_from(FS))
    sequence = kind in {"ntfs", "hfs-plus"}
    volume = SimpleNamespace(
        kind=kind, has_sequence=sequence, job=SimpleNamespace(fs=3), root=5, records=None,
        zone=times.zone_of(kind), resolution=times.resolution_of(kind, nanoseconds=True),
    )  # fmt: skip
    names = Names(volume)
    folder = Folder(7, 4, draw(st.sampled_from((b"/", b'/a "b', b"/\xff", b"/\xc3\xa4"))), True, 2)
    raw, inode = draw(NAMES), draw(st.integers(0, 2**40))
    pair = draw(st.sampled_from(((5, 1), (3, 2))))
    meta = SimpleNamespace(
        addr=inode, seq=1, type=pair[1], flags=1, link=None, nlink=draw(st.integers(0, 3)),
        mode=draw(st.integers(0, 0xFFFF)), gid=draw(SMALL), uid=draw(st.integers(0, 2**32)), size=0,
        **dict.fromkeys(MOMENTS, 1_600_000_000), **dict.fromkeys(PARTS, 0),
    )  # fmt: skip
    entry = SimpleNamespace(
        name=raw, type=pair[0], flags=1, meta_addr=inode, meta_seq=1,
        shrt_name=draw(st.sampled_from((None, b"SH~1"))) if kind == "ntfs" else None,
    )  # fmt: skip
    for where, field, values in draw(st.lists(st.sampled_from(ODD), max_size=2)):
        setattr(meta if where == "meta" else entry, field, draw(values))
    file, out, collected = File(entry, meta, draw(_contents(7, raw))), Out(), []
    usual = Usual(volume, names, lambda *values: collected.append(values[2]), all_streamed=sequence)
    if not usual.begin(folder) or not usual.take(file, out):
        usual.flush(out)
        assert (out.lines, out.folders, collected) == ([], [], [])
        return
    event(f"usual: {kind}")
    usual.flush(out)
    assert out.lines == [names.row(folder, file, meta, None)[0]]
    assert entry.flags & 1
    assert meta.flags & 1
    directory = meta.type == 2
    assert out.folders == ([(inode, meta.seq if sequence else 0, raw, True)] if directory else [])
    assert collected == ([inode] if sequence or not directory else [])
