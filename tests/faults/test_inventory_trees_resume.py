"""An inventory of an export that is stopped goes on: archives and statements as if in one run."""

from __future__ import annotations

import functools
import hashlib
import os

import archivekit as archives
import inventorykit as kit
import pytest

from evkit.inventory.database import store
from evkit.inventory.runner import messages
from evkit.inventory.scan import Options, Scan, Target
from evkit.inventory.trees import insides

IDENTITY = {"name": "export"}
OPTIONS = Options(hashes=("md5",), types=False)


class Stopped(BaseException):
    """The process is gone."""


@pytest.fixture
def export(tmp_path):
    root = tmp_path / "t"
    (root / "sub").mkdir(parents=True)
    for number in range(6):
        inner = archives.zipped({"deep": b"%d" % number * 300})
        (root / f"{number}.zip").write_bytes(archives.zipped({"a": b"1" * 999, "in.zip": inner}))
        (root / "sub" / f"{number}.txt").write_bytes(b"%d" % number * 400)
    digest = hashlib.sha256((root / "1.zip").read_bytes()).hexdigest()
    (root / "x.ufd").write_text(f"[Dumps]\nA=1.zip\n[SHA256]\n1.zip={digest}\n")
    return root


def _work(root, database, stop=None, *, resume=False):
    aim = Target(name=b"t", root=os.fsencode(root))
    count = 0

    def ask(request):
        nonlocal count
        for message in messages(request, OPTIONS.limits):
            count += 1
            if count == stop:
                raise Stopped
            yield message

    make = store.Writer.resume if resume else store.Writer
    with make(os.fsencode(database), IDENTITY) as writer:
        Scan(aim, OPTIONS, writer, ask=ask).run()
        writer.finish({"hashes": "md5"})
    return kit.plain_rows(database)


@pytest.mark.parametrize("stop", [2, 9, 16, 31, 45, 60, 80, 100])
def test_a_stopped_listing_goes_on(export, tmp_path, monkeypatch, stop):
    monkeypatch.setattr(store, "_BATCH", 3)
    monkeypatch.setattr(insides, "_BATCH", 2)
    wanted = _work(export, tmp_path / "whole.db")
    assert len(wanted[0]) > 90
    with pytest.raises(Stopped):
        _work(export, tmp_path / "i.db", stop)
    found = _work(export, tmp_path / "i.db", resume=True)
    assert found == wanted
    assert any('"agreed":1' in text and '"unchecked":0' in text for _, text in found[0])


def test_streams_that_are_kept_are_not_read_again(export, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_BATCH", 3)
    with pytest.raises(Stopped):
        _work(export, tmp_path / "i.db", 30)
    said = []
    real = messages

    def listen(request, limits, command=None):
        for message in real(request, limits, command):
            said.append(message)
            yield message

    monkeypatch.setitem(globals(), "messages", functools.partial(listen))
    _work(export, tmp_path / "i.db", resume=True)
    kept = [m for m in said if m.kind == "row" and m.fields.get("reason") == "stored"]
    assert len(kept) >= 6
