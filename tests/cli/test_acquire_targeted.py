"""`evkit acquire --type targeted` on a real station."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile

import acquirekit as kit
import pytest

from evkit.acquire import log, selecting, taking, wanted
from evkit.cli.session import Session
from evkit.manifest import filelist

HOSTILE = b"\xff\x1b[31m\n\xe2\x80\xae.txt"
STATED = ("--scope", "browser history", "--reason", "the warrant is limited to it")


@pytest.fixture
def system(tmp_path):
    top = tmp_path / "system"
    for folder in ("etc", "home/a/.ssh", "home/b", "var/log"):
        (top / folder).mkdir(parents=True)
    (top / "etc" / "passwd").write_bytes(b"root:0\n")
    (top / "home/a/.ssh/id").write_bytes(b"key")
    (top / "home/a/history.db").write_bytes(os.urandom((1 << 20) + 7))
    (top / "home/b/history.db").write_bytes(b"b")
    (top / "var/log/auth.log").write_bytes(b"x" * 100)
    os.symlink("/etc", top / "link")
    os.symlink("../../etc/passwd", top / "home/a/alias")
    with open(os.fsencode(top) + b"/home/b/" + HOSTILE, "wb") as handle:
        handle.write(b"hostile")
    os.utime(top / "etc/passwd", ns=(1, 1_700_000_000_123_456_789))
    return top


def acquire(run, system, listed, *more, expect=0, name="list.txt"):
    path = system.parent / name
    path.write_bytes(listed)
    return run(
        "acquire", system, "--exhibit", "C1/E1", "--type", "targeted", "--files", path, *more,
        expect=expect,
    )  # fmt: skip


def rows_of(run, acquisition="A1"):
    data = (run.folder / acquisition / "files.jsonl").read_bytes()
    return {row.path: row for row in filelist.read_list(data)}


def wanted_of(run, acquisition="A1"):
    data = (run.folder / acquisition / "wanted.jsonl").read_text()
    return [json.loads(line) for line in data.splitlines()]


def event(run, kind, acquisition="C1/E1/A1"):
    with run.made.open() as station:
        found = [e for _, e, _ in station.events("C1")
                 if e.kind == kind and acquisition in e.acquisitions]  # fmt: skip
    return found[0]


def test_from_start_to_end(run, system):
    out = acquire(run, system, b"# why\n/etc/passwd\nhome/*/history.db\nno/such\n", *STATED)
    assert "C1/E1/A1 acquired: complete, 3 files" in out
    assert "partial by decision: targeted: 3 files, 1,048,591 bytes of 6 files seen" in out
    assert "why: browser history; the warrant is limited to it; who: SI Third Officer" in out
    assert "not there: `no/such`" in out
    rows = rows_of(run)
    assert list(rows) == [b"etc/passwd", b"home/a/history.db", b"home/b/history.db"]
    row = rows[b"etc/passwd"]
    assert row.mtime_ns == 1_700_000_000_123_456_789
    assert (run.folder / "A1" / row.name).read_bytes() == b"root:0\n"
    assert (system / "etc/passwd").stat().st_atime_ns == 1
    names = sorted(path.name for path in (run.folder / "A1").iterdir())
    assert names == ["acquisition-log.json", "files", "files.jsonl", "wanted.jsonl"]
    start, end = event(run, "acquire-start"), event(run, "acquire-end")
    assert (start.fields["type"], start.fields["scope"], start.fields["reason"]) == (
        "targeted", "browser history", "the warrant is limited to it",
    )  # fmt: skip
    assert start.fields["source"]["kind"] == "folder"
    assert {c["check"] for c in start.fields["preflight"]["checks"]} == {
        "write-block", "running-system", "access-times", "destination-elsewhere", "room",
    }  # fmt: skip
    chosen = end.fields["selection"]
    assert (chosen["copied"], chosen["matched"], chosen["not_there"]) == (3, 2, 1)
    assert (
        chosen["list"]["sha256"]
        == hashlib.sha256((system.parent / "list.txt").read_bytes()).hexdigest()
    )
    assert chosen["seen"]["files"] == 6
    assert chosen["seen"]["whole"] is True
    assert [row["state"] for row in wanted_of(run)] == ["matched", "matched", "not-there"]
    assert {"scope-not-stated"}.isdisjoint(d.code for d in start.deviations)
    kit.as_recorded(run.folder / "A1", end)
    items = log.decode((run.folder / "A1" / "acquisition-log.json").read_bytes())["items"]
    assert items["reason"]["value"] == "the warrant is limited to it"
    assert items["decision"]["value"].startswith("partial by decision: targeted: 3 files")
    kit.settled(run.made.path)


def test_a_folder_means_everything_below_and_links_are_facts(run, system):
    acquire(run, system, b"home\n", "--no-count")
    rows = rows_of(run)
    assert rows[b"home"].type == "dir"
    assert rows[b"home/a/alias"].target == b"../../etc/passwd"
    assert rows[b"home/b/" + HOSTILE].size == 7
    assert b"etc/passwd" not in rows
    assert event(run, "acquire-end").fields["selection"]["seen"] == "not counted"


def test_a_path_through_a_link_is_not_followed(run, system):
    out = acquire(run, system, b"link/passwd\nlink\n")
    assert list(rows_of(run)) == [b"link"]
    assert "not there: `link/passwd`" in out
    assert wanted_of(run)[0]["why"] == "a name on the way is a link, which is not followed"


def test_the_whole_folder(run, system):
    acquire(run, system, b".\n")
    assert rows_of(run)[b"."].type == "dir"
    assert rows_of(run)[b"etc/passwd"].size == 7


def test_names_as_nul_separated_bytes(run, system):
    out = acquire(run, system, b"home/b/" + HOSTILE + b"\x00etc/*\x00")
    assert list(rows_of(run)) == [b"home/b/" + HOSTILE]
    assert "\x1b" not in out
    assert wanted_of(run)[1]["state"] == "not-there"


def test_the_list_from_standard_input(run, system, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"etc/passwd\r\n")))
    run("acquire", system, "--exhibit", "C1/E1", "--type", "targeted", "--files", "-")
    assert list(rows_of(run)) == [b"etc/passwd"]


def test_what_is_not_stated_is_a_deviation_and_not_refused(run, system):
    out = acquire(run, system, b"etc/passwd\n")
    assert "asks for scope and reason; not stated" in out
    assert "why: not stated" in out
    start = event(run, "acquire-start")
    assert "scope-not-stated" in {entry.code for entry in start.deviations}


def test_on_a_terminal_it_asks(run, system, monkeypatch):
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "as asked")
    acquire(run, system, b"etc/passwd\n")
    start = event(run, "acquire-start")
    assert (start.fields["scope"], start.fields["reason"]) == ("as asked", "as asked")


def test_dry_run_writes_nothing(run, system):
    before = sorted(run.made.path.rglob("*"))
    out = acquire(run, system, b"home\nno\n", "--dry-run")
    assert "would acquire 9 things" in out
    assert "below the folder: 6 files" in out
    assert "not there: `no`" in out
    document = json.loads(acquire(run, system, b"home\n", "--dry-run", "--json"))
    assert document["schema"] == "evkit/acquire-files-plan/1"
    assert sorted(run.made.path.rglob("*")) == before


def test_the_document(run, system):
    document = json.loads(acquire(run, system, b"etc/passwd\n", *STATED, "--json"))
    assert document["schema"] == "evkit/acquired-files/1"
    assert document["decisions"][0]["who"] == "SI Third Officer"
    assert document["selection"]["copied"] == 1


@pytest.mark.parametrize(
    ("listed", "code", "word"),
    [
        (b"", 14, "names nothing"),
        (b"# only\n\n", 14, "names nothing"),
        (b"../x\n", 14, "leaves the folder"),
        (b"a[b\n", 14, "without its"),
        (b"a\\b\n", 14, "escapes nothing"),
        (b"\xff\xfea\x00", 14, "UTF-16"),
        (b"no/such\n", 14, "nothing of the list"),
    ],
)
def test_lists_that_are_refused(run, system, listed, code, word):
    assert word in acquire(run, system, listed, expect=code)
    assert not run.folder.exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--files", "x"], 2),
        (["--no-count"], 2),
        (["--type", "targeted"], 2),
        (["--type", "targeted", "--files", "x", "--format", "raw"], 2),
        (["--type", "targeted", "--files", "x", "--part", "2"], 2),
        (["--type", "targeted", "--files", "x", "--verify", "none"], 2),
        (["--type", "targeted", "--files", "/no/list"], 14),
    ],
)
def test_options_that_do_not_go_together(run, system, arguments, code):
    run("acquire", system, "--exhibit", "C1/E1", *arguments, expect=code)
    assert not run.folder.exists()


def test_sources_that_are_none(run, system):
    listed = system.parent / "list"
    listed.write_bytes(b"etc\n")
    rest = ("--exhibit", "C1/E1", "--type", "targeted", "--files", listed)
    assert "is no folder" in run("acquire", system / "etc/passwd", *rest, expect=14)
    assert "cannot read" in run("acquire", system / "absent", *rest, expect=14)
    assert "pseudo file system" in run("acquire", "/proc", *rest, expect=14)


def test_an_unreadable_file_is_a_row_and_exit_3(run, system, monkeypatch):

    real = taking.open_evidence

    def open_evidence(path):
        if path.endswith(b"passwd"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(taking, "open_evidence", open_evidence)
    out = acquire(run, system, b"etc\nvar/log/auth.log\n", expect=3)
    assert "complete but for gaps" in out
    row = rows_of(run)[b"etc/passwd"]
    assert (row.state, row.name) == ("unreadable", None)
    end = event(run, "acquire-end")
    assert end.fields["unread"]["files"] == 1
    assert end.fields["selection"]["unreadable"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_as_another_user():
    """Files that belong to somebody else: rows, and what lies behind them is not known."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        for folder in ("etc", "home/closed"):
            os.makedirs(f"{top}/{folder}")
        for name in ("etc/secret", "etc/open", "home/closed/id"):
            with open(f"{top}/{name}", "wb") as handle:
                handle.write(name.encode())
        os.chmod(f"{top}/etc/secret", 0o600)
        os.chmod(f"{top}/home/closed", 0o700)
        items = wanted.parse(b"etc/*\nhome/closed/id\nhome/*/x\n")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                os.write(writer, json.dumps(_walk(os.fsencode(top), items)).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            states, hidden, absent = json.loads(pipe.read())
        os.waitpid(child, 0)
    assert states == {
        "etc/open": "ok", "etc/secret": "unreadable", "home/closed": "unreadable",
    }  # fmt: skip
    assert (hidden, absent) == ([2, 3], [])


def _walk(root, items):
    bounds = selecting.bounds_of(root, cross=False, station=None)
    chosen = selecting.Selection(root, items, bounds)
    states = {}
    for found in chosen.found():
        content = None if found.error else taking.take(found.path, None, ("sha256",))
        states[os.fsdecode(found.name)] = "unreadable" if content is None else content.state
    return states, sorted(chosen.hidden), [item.number for item in chosen.absent()]


def test_a_failing_disk(run, system, tmp_path, program):
    """A file whose bytes cannot be read to the end: a row without content, no copy, exit 3."""
    arguments = ("--filter=error", "memory", "1M", "error-pread=EIO", "error-pread-rate=100%")
    disk = tmp_path / "disk"
    with kit.failing_disk(disk, program("nbdkit"), program("nbdfuse"), *arguments) as place:
        if place is None:
            pytest.skip("FUSE does not work here")
        out = run(
            "acquire", tmp_path, "--exhibit", "C1/E1", "--type", "targeted", "--cross",
            "--files", listed(tmp_path, b"disk/*\nsystem/etc/passwd\n"), "--no-count", expect=3,
        )  # fmt: skip
    assert "could not be read" in out
    row = rows_of(run)[b"disk/disk"]
    assert (row.state, row.name, row.reason) == ("unreadable", None, "Input/output error")
    assert rows_of(run)[b"system/etc/passwd"].state == "ok"


def listed(folder, data):
    path = folder / "wanted"
    path.write_bytes(data)
    return path


def test_another_file_system_is_not_entered(run, system, monkeypatch):
    """Told by the device number of a folder."""
    real = selecting.Bounds.refusal

    def refusal(self, facts):
        inode = (system / "home").stat().st_ino
        return "another file system (ext4)" if facts.st_ino == inode else real(self, facts)

    monkeypatch.setattr(selecting.Bounds, "refusal", refusal)
    out = acquire(run, system, b"**/*.db\netc\n")
    assert "not entered: `home`, another file system" in out
    assert event(run, "acquire-end").fields["selection"]["not_entered"] == 1
    out = acquire(run, system, b"home/a\netc\n", expect=3)
    assert rows_of(run, "A2")[b"home"].reason == "not entered: another file system (ext4)"
    assert "not known whether there: 1" in out


def test_the_running_system(run):
    """`/` itself: pseudo file systems are not entered, the station neither."""
    list_ = listed(run.made.path.parent, b"etc/hostname\nproc/version\n")
    out = run(
        "acquire", "/", "--exhibit", "C1/E1", "--type", "targeted", "--files", list_,
        "--no-count", expect=3,
    )  # fmt: skip
    assert "from a running system: of no single moment" in out
    assert "pseudo file system (proc)" in rows_of(run)[b"proc"].reason
    start = event(run, "acquire-start")
    assert "source-in-use" in {entry.code for entry in start.deviations}


def test_the_station_is_never_taken_into_itself(run):
    folder = run.made.path.parent
    (folder / "note").write_bytes(b"1")
    out = run(
        "acquire", folder, "--exhibit", "C1/E1", "--type", "targeted",
        "--files", listed(folder, b"*\n"),
    )  # fmt: skip
    assert "it is the station that takes the files" in out
    assert rows_of(run)[b"note"].size == 1
    assert not [name for name in rows_of(run) if name.startswith(b"station/")]


def test_a_changed_file(run, system, monkeypatch):

    real = taking._small

    def small(descriptor, writer, names):
        content = real(descriptor, writer, names)
        if content.size == 7:
            os.utime(system / "etc/passwd", ns=(5, 5))
        return content

    monkeypatch.setattr(taking, "_small", small)
    acquire(run, system, b"etc/passwd\n", expect=3)
    end = event(run, "acquire-end")
    assert end.fields["selection"]["changed"] == 1
    assert "source-changed" in {entry.code for entry in end.deviations}


def test_many_files_and_a_long_list(run, tmp_path):
    top = tmp_path / "system"
    top.mkdir()
    names = [f"f{number:05d}" for number in range(3000)]
    for name in names:
        (top / name).write_bytes(name.encode())
    text = "\n".join([*names, *(f"gone/{number}" for number in range(30_000))]).encode()
    out = acquire(run, top, text)
    assert "3,000 files" in out
    assert "29,990 more, see wanted.jsonl" in out
    assert len(wanted_of(run)) == 33_000


def test_it_is_shown_verified_and_bundled(run, system, tmp_path):
    acquire(run, system, b"home\n", *STATED)
    words = "partial by decision: targeted: 4 files"
    assert words in " ".join(run("exhibit", "show", "C1/E1").split())
    text = " ".join(run("custody", "log", "C1").split())
    assert words in text
    assert "imaging began from" in text
    assert "type targeted" in text
    out = run("verify", "C1/E1/A1", "--no-history", expect=5)
    first = out.splitlines()[0]
    assert f"C1/E1/A1 is {words}" in first
    assert "who: SI Third Officer" in first
    bundle = tmp_path / "case.zip"
    run("bundle", "create", "C1", "-o", bundle, "--with-exhibits")
    shown = run("bundle", "show", bundle)
    assert f"C1/E1/A1 is {words}" in shown
    out = run("verify", bundle, "--no-history", expect=5)
    assert f"C1/E1/A1 is {words}" in out.splitlines()[0]
    assert "\n  content     PASS" in out
    document = json.loads(run("verify", bundle, "--no-history", "--json", expect=5))
    live = {"live"} if system.stat().st_dev == os.stat("/").st_dev else set()
    assert {one["kind"] for one in document["decisions"]} == {"partial"} | live
    run("inventory", "run", "C1/E1/A1")
    kit.settled(run.made.path)
