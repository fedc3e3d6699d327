"""Stopped at any durable step, resumed: the same bytes as without a stop, and nothing left over."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import shutil

import acquirekit as kit
import pytest
import resumekit as rk

from evkit.acquire import imager, mapfile
from evkit.acquire import source as source_module
from evkit.actions import acquire_resume, longwork
from evkit.core import ejson
from evkit.core.errors import CaseError, EvkitError, InputError, RefusedError, StorageError
from evkit.images.e01 import codec
from evkit.images.e01.reader import E01Image
from evkit.images.raw import RawImage

ALL = bool(os.environ.get("EVKIT_TESTS_ALL"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    rk.small_steps(monkeypatch)


@pytest.fixture
def source(memory):
    path = memory / "stick.dd"
    path.write_bytes(rk.content())
    return path


def reference(memory, source, way, monkeypatch):
    """Files of both copies and digests of an uninterrupted run, and its number of steps."""
    made = rk.fresh(memory, "whole", monkeypatch)
    done = rk.acquire(made, source, way)
    assert done.exit_code == 0
    found = [rk.files(folder) for folder in rk.folders(made)]
    assert "acquisition-log.json" in found[0]
    digests = dict(done.made.outcome.digests)
    made = rk.fresh(memory, "count", monkeypatch)
    code, total = kit.run_stopped(lambda: rk.acquire(made, source, way), None)
    assert code == 0
    return found, digests, total


def ended(made, found, digests):
    """The work is recorded as an uninterrupted run would be."""
    assert [rk.files(folder) for folder in rk.folders(made)] == found
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "complete"
    assert {name: end.fields["media"][name] for name in digests} == digests
    assert {copy["state"] for copy in end.fields["copies"]} == {"complete"}
    with made.open() as station:
        assert station.journals() == []
    kit.settled(made.path)
    return end


def resumed(made, found, digests):
    """Go on; work that had not begun is put on record. Return whether it went on."""
    try:
        done = rk.go_on(made)
    except CaseError:
        if kit.end_of(made, "C1/E1/A1") is not None:  # the last step was missing
            ended(made, found, digests)
            return False
        assert not any("image" in name for name in rk.files(rk.folders(made)[0]))
        rk.settle(made)
        return False
    assert done.exit_code == 0, done.lines()
    ended(made, found, digests)
    return True


def steps(total, most, chance=0):
    """Evenly spread steps, and the last ones always."""
    if most is None:
        return range(total)
    stride = max(1, total // most)
    return sorted({*range(chance % stride, total, stride), *range(max(0, total - 6), total)})


@pytest.mark.parametrize("most", [5, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("way", rk.WAYS)
def test_stopped_at_every_step_and_resumed(memory, source, way, most, monkeypatch):
    found, digests, total = reference(memory, source, way, monkeypatch)
    went_on = 0
    for at in steps(total, most):
        made = rk.fresh(memory, at, monkeypatch)
        code, _ = kit.run_stopped(lambda made=made: rk.acquire(made, source, way), at)
        if code == 0:  # how many checkpoints there are depends on who was faster
            assert at > total * 0.8
            ended(made, found, digests)
        else:
            assert code == 9
            went_on += resumed(made, found, digests)
        for folder in (made.path, memory / f"second-{at}"):
            shutil.rmtree(folder)
    assert went_on > 2  # the last steps may be beyond the end: checkpoints differ from run to run


@pytest.mark.parametrize("way", ["raw", "split-at-blocks", "e01-segments"])
def test_stopped_again_while_resuming(memory, source, way, monkeypatch):
    found, digests, total = reference(memory, source, way, monkeypatch)
    chance = random.Random(3)
    for turn in range(3):
        made = rk.fresh(memory, turn, monkeypatch)
        at = chance.randrange(20, total)
        kit.run_stopped(lambda made=made: rk.acquire(made, source, way), at)
        for _ in range(3):
            code, _ = kit.run_stopped(lambda made=made: rk.go_on(made), chance.randrange(2, 60))
            if code != 9:
                break
        resumed(made, found, digests)
        for folder in (made.path, memory / f"second-{turn}"):
            shutil.rmtree(folder)


def stopped(memory, source, way, monkeypatch, blocks=2, name="work", **options):
    """A station with work that was stopped when so many blocks were durable."""
    made = rk.fresh(memory, name, monkeypatch)
    rk.stop_after(lambda: rk.acquire(made, source, way, **options), blocks)
    assert journal_of(made)["work"]["state"]["blocks"] >= blocks
    return made


def journal_of(made):
    return json.loads((rk.folders(made)[0] / "journal.json").read_bytes())


def write_journal(made, value):
    path = rk.folders(made)[0] / "journal.json"
    path.write_bytes(ejson.dumps(value))


def unchanged(made, act):
    """What fails before anything is done changes no file."""
    before = [rk.files(folder) for folder in rk.folders(made)]
    act()
    assert [rk.files(folder) for folder in rk.folders(made)] == before


@pytest.mark.parametrize("way", ["raw", "e01"])
def test_another_source_is_refused(memory, source, way, monkeypatch):
    made = stopped(memory, source, way, monkeypatch)

    def refused(match):
        with pytest.raises(RefusedError, match=match):
            rk.go_on(made)

    good = source.read_bytes()
    source.write_bytes(good + bytes(512))
    unchanged(made, lambda: refused("it has .* that had"))
    source.write_bytes(good[:-512])
    unchanged(made, lambda: refused("it has .* that had"))
    source.write_bytes(rk.content(seed=2))
    unchanged(made, lambda: refused("its content differs at byte 0"))
    source.unlink()
    with pytest.raises(InputError, match="cannot read"):
        rk.go_on(made)
    source.write_bytes(good)
    assert rk.go_on(made).exit_code == 0


def test_a_source_with_another_name(memory, source, monkeypatch):
    made = stopped(memory, source, "e01", monkeypatch)
    other = memory / "sdc"
    source.rename(other)
    done = rk.go_on(made, source=os.fsencode(other), reason="plugged in again")
    assert done.exit_code == 0
    assert done.made.outcome.digests["sha256"] == hashlib.sha256(rk.content()).hexdigest()
    end = kit.end_of(made, "C1/E1/A1")
    assert [d.code for d in end.deviations if d.code == "resumed"] == ["resumed"]
    text = next(d for d in end.deviations if d.code == "resumed")
    assert "MiB of the source compared and equal" in text.text
    assert text.reason == "plugged in again"


def test_nothing_kept_is_not_called_equal(memory, source, monkeypatch):
    made = rk.fresh(memory, "work", monkeypatch)
    rk.stop_after(lambda: rk.acquire(made, source, "raw"), 0)
    assert rk.go_on(made).exit_code == 0
    end = kit.end_of(made, "C1/E1/A1")
    text = next(entry.text for entry in end.deviations if entry.code == "resumed")
    assert "equal" not in text
    assert "nothing was kept with which the source could be compared" in text


def test_another_identity_is_a_deviation(memory, source, monkeypatch):
    made = stopped(memory, source, "raw", monkeypatch)
    real = acquire_resume._source_then
    monkeypatch.setattr(
        acquire_resume, "_source_then", lambda *a: {**real(*a), "serial": "S1", "model": "M"}
    )
    whole = source_module.describe

    def described(path, descriptor):
        facts = whole(path, descriptor)
        return dataclasses.replace(facts, identity={"serial": "S2", "model": "M"})

    monkeypatch.setattr(source_module, "describe", described)
    done = rk.go_on(made)
    assert done.exit_code == 0
    end = kit.end_of(made, "C1/E1/A1")
    texts = [d.text for d in end.deviations if d.code == "source-identity"]
    assert texts == ["the source identifies itself in another way: its serial was S1 and is S2"]


def test_deviations_of_earlier_runs_are_not_lost(memory, source, monkeypatch):
    """What was noted when the work went on stays noted when it is stopped again."""
    made = stopped(memory, source, "raw", monkeypatch, blocks=1)
    rk.stop_after(lambda: rk.go_on(made, reason="first"), 2)
    assert rk.go_on(made, reason="second").exit_code == 0
    end = kit.end_of(made, "C1/E1/A1")
    assert [d.reason for d in end.deviations if d.code == "resumed"] == ["first", "second"]


def mutations(value, path=()):
    """Yield (path, another value) for every field, of another type or nonsense."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from mutations(part, (*path, key))
        yield path, []
        return
    for other in (None, -1, 1 << 52, "x", [], {}, True, ["x"], {"a": 1}):
        if type(other) is not type(value) or other != value:
            yield path, other


def set_at(value, path, other):
    if not path:
        return other
    head, *rest = path
    return {**value, head: set_at(value[head], rest, other)}


@pytest.mark.parametrize("way", ["split", "e01-segments"])
def test_a_journal_damaged_in_any_field(memory, source, way, monkeypatch):
    """An error that can be understood, or a whole image: never another exception."""
    made = stopped(memory, source, way, monkeypatch)
    whole = journal_of(made)
    harmless, wrong = set(), []
    monkeypatch.setattr(imager, "make", went_on)
    for number, (path, other) in enumerate(mutations(whole["work"], ("work",))):
        if number % 3 and not ALL:
            continue
        write_journal(made, set_at(whole, path, other))
        try:
            rk.go_on(made)
        except EvkitError:
            continue
        except WentOnError:
            harmless.add(".".join(path[1:]))
        except Exception as error:
            wrong.append((path, other, repr(error)))
    assert not wrong
    assert harmless <= FREE, harmless - FREE


# what may be anything of its kind: words for the record, choices for what is still to be done
FREE = {
    "also.path", "policy.retries", "split", "state.at", "e01.medium.physical", "reread",
    "inventory",
}  # fmt: skip


class WentOnError(Exception):
    """The work would go on."""


def went_on(*_):
    raise WentOnError


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 40, b'{"schema":"evkit/journal/2"}'])
def test_a_journal_that_is_none(memory, source, damage, monkeypatch):
    made = stopped(memory, source, "raw", monkeypatch)
    (rk.folders(made)[0] / "journal.json").write_bytes(damage)
    with pytest.raises(InputError, match="journal"):
        rk.go_on(made)


@pytest.mark.parametrize("way", ["raw", "e01-segments"])
def test_pieces_cut_or_changed(memory, source, way, monkeypatch):
    made = stopped(memory, source, way, monkeypatch)
    path = rk.folders(made)[0] / "pieces.part"
    data = path.read_bytes()
    path.write_bytes(data[:-33])
    with pytest.raises(InputError, match="cut short") as caught:
        rk.go_on(made)
    assert "--finish" in caught.value.hint
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        rk.go_on(made)
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])  # the first piece is one of the samples
    with pytest.raises(RefusedError, match="differs at byte 0"):
        rk.go_on(made)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # another piece of the last block
    done = rk.go_on(made)
    assert done.exit_code == 4
    assert kit.end_of(made, "C1/E1/A1") is None
    assert "does not hold what was read" in done.made.error.message
    path.write_bytes(data)
    assert rk.go_on(made).exit_code == 0


def last_part(folder):
    """The file that holds the end of what was durable."""
    return max(folder.glob("image.*.part"), key=lambda path: (path.stat().st_mtime_ns, path.name))


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
@pytest.mark.parametrize("way", ["raw", "e01"])
def test_the_last_group_is_checked_before_reading_goes_on(memory, source, way, damage, monkeypatch):
    """Damage of one copy costs that copy; damage of both is an error, and nothing is signed."""
    made = stopped(memory, source, way, monkeypatch)
    master, second = (last_part(folder) for folder in rk.folders(made))
    data = second.read_bytes()
    length = journal_of(made)["work"]["state"]
    at = length["e01"]["offset"] if way == "e01" else length["blocks"] * rk.engine.BLOCK

    def spoil(path):
        if damage == "gone":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(data[: at - 1000])
        else:
            path.write_bytes(data[: at - 9000] + bytes([data[at - 9000] ^ 4]) + data[at - 8999 :])

    spoil(master)
    spoil(second)
    done = rk.go_on(made)
    assert done.exit_code == 4, done.lines()
    assert "does not hold what was read" in done.made.error.message
    assert done.made.bytes_read == 0 or done.made.outcome is None
    assert kit.end_of(made, "C1/E1/A1") is None
    second.write_bytes(data)
    done = rk.go_on(made)
    assert done.exit_code == 16, done.lines()
    end = kit.end_of(made, "C1/E1/A1")
    assert [copy["state"] for copy in end.fields["copies"]] == ["failed", "complete"]
    assert [d.text for d in end.deviations if d.code == "copy-failed"]
    assert "image.raw" in rk.files(rk.folders(made)[1]) or way == "e01"


@pytest.mark.parametrize("way", ["raw", "e01"])
def test_damage_further_back_is_found_before_the_end_is_signed(memory, source, way, monkeypatch):
    made = stopped(memory, source, way, monkeypatch)
    for folder in rk.folders(made):
        path = last_part(folder)
        data = bytearray(path.read_bytes())
        data[40_000] ^= 8
        path.write_bytes(data)
    done = rk.go_on(made)
    assert done.exit_code in {4, 14}, done.lines()
    assert kit.end_of(made, "C1/E1/A1") is None
    closed = rk.go_on(made, closing=True)  # and it can be closed all the same
    assert closed.exit_code in {4, 14}
    assert kit.end_of(made, "C1/E1/A1").fields["result"] == "failed"
    kit.settled(made.path)


def test_the_codec_is_pinned(memory, source, monkeypatch):
    made = stopped(memory, source, "e01", monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(codec, "_isal", None)
        with pytest.raises(InputError, match="was begun with") as caught:
            rk.go_on(made)
        assert "--finish" in caught.value.hint
        unchanged(made, lambda: None)
        done = rk.go_on(made, closing=True)
    assert done.exit_code == 3
    assert done.made.map.total("?") > 0


def test_a_copy_whose_medium_is_not_here(memory, source, monkeypatch):
    for turn, way in enumerate(("raw", "e01-segments")):
        made = stopped(memory, source, way, monkeypatch, name=f"absent-{turn}")
        second = rk.folders(made)[1].parent.parent.parent
        away = memory / f"away-{turn}"
        second.rename(away)
        done = rk.go_on(made)
        assert done.exit_code == 16, done.lines()
        end = kit.end_of(made, "C1/E1/A1")
        assert [copy["state"] for copy in end.fields["copies"]] == ["complete", "failed"]
        assert any(d.code == "copy-failed" for d in end.deviations)
        kit.settled(made.path)


def test_a_copy_that_was_away_for_a_while_is_not_taken_for_complete(memory, source, monkeypatch):
    """It lacks what was written meanwhile, whatever its length says."""
    made = stopped(memory, source, "raw", monkeypatch, blocks=1, verify="none")
    second = rk.folders(made)[1].parent.parent.parent
    away = memory / "away"
    second.rename(away)
    rk.stop_after(lambda: rk.go_on(made), 3)
    assert journal_of(made)["work"]["state"]["failed"] == ["second"]
    away.rename(second)
    assert rk.go_on(made).exit_code == 16
    end = kit.end_of(made, "C1/E1/A1")
    assert [copy["state"] for copy in end.fields["copies"]] == ["complete", "failed"]


@pytest.mark.parametrize("way", rk.WAYS)
def test_closed_as_it_is(memory, source, way, monkeypatch):
    """Zeros for the rest, a map that says untried, exit 3; the image can be verified."""
    made = stopped(memory, source, way, monkeypatch)
    journal = journal_of(made)
    read = journal["work"]["state"]["blocks"] * rk.engine.BLOCK
    state = journal["work"]["state"]
    if "e01" in way:  # groups do not end with blocks
        read = state["e01"]["chunks"] * 32768
    source.unlink()
    done = rk.go_on(made, closing=True, reason="the court wants it now")
    assert done.exit_code == 3, done.lines()
    end = kit.end_of(made, "C1/E1/A1")
    unread = end.fields["unread"]
    assert end.fields["result"] == "with-gaps"
    assert (unread["bytes"], unread["bad"], unread["untried"]) == (
        rk.SIZE - read, 0, rk.SIZE - read,
    )  # fmt: skip
    wanted = rk.content()[:read] + bytes(rk.SIZE - read)
    assert end.fields["media"]["sha256"] == hashlib.sha256(wanted).hexdigest()
    for folder in rk.folders(made):
        chart = mapfile.read(os.fsencode(folder / "image.map"), rk.SIZE)
        assert list(chart.ranges("?")) == [(read, rk.SIZE - read)]
        paths = sorted(
            path for path in folder.glob("image.*")
            if path.name not in {"image.map", "image.raw.pieces"}
        )  # fmt: skip
        opened = (E01Image if "e01" in way else RawImage)([os.fsencode(path) for path in paths])
        with opened as image:
            assert image.read(0, rk.SIZE) == wanted
            if "e01" in way:
                assert list(image.declared_gaps) == [(read, rk.SIZE - read)]
    kit.settled(made.path)
    with made.open() as station:
        assert station.journals() == []


def test_closed_when_its_destination_is_lost(memory, source, monkeypatch):
    """Only with a reason: plugging the medium in again is better."""
    made = rk.fresh(memory, "lost", monkeypatch)
    where = memory / "medium"
    where.mkdir()
    rk.stop_after(lambda: rk.acquire(made, source, "raw", to=os.fsencode(where), also=None), 1)
    where.rename(memory / "gone")
    for wish in ({}, {"closing": True}, {"reason": "it broke"}):
        with pytest.raises(StorageError, match="not here") as caught:
            rk.go_on(made, **wish)
        assert "--finish --reason" in caught.value.hint
        assert kit.end_of(made, "C1/E1/A1") is None
    settled = rk.go_on(made, closing=True, reason="the disk fell")
    assert settled.exit_code == 0
    end = kit.end_of(made, "C1/E1/A1")
    assert end.fields["result"] == "failed"
    assert end.fields["error"] == "no copy is left of what was begun: the disk fell"
    with made.open() as station:
        assert station.journals() == []


def test_closed_before_anything_was_durable(memory, source, monkeypatch):
    made = rk.fresh(memory, "early", monkeypatch)
    rk.stop_after(lambda: rk.acquire(made, source, "raw"), 0)
    assert journal_of(made)["work"]["state"] == {}
    done = rk.go_on(made, closing=True)
    assert done.exit_code == 3
    assert done.made.gaps == [(0, rk.SIZE)]


def test_a_recorded_end_is_not_recorded_twice(memory, source, monkeypatch):
    """Stopped between the record and the removal of the journal."""
    made = rk.fresh(memory, "twice", monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(longwork.journal, "remove", lambda _: None)
        rk.acquire(made, source, "e01")
    assert (rk.folders(made)[0] / "journal.json").exists()
    done = rk.go_on(made)
    assert done.exit_code == 0
    assert "was recorded already" in done.lines()[0]
    assert kit.end_of(made, "C1/E1/A1") is not None  # and it is one
    kit.settled(made.path)
    with made.open() as station:
        assert station.journals() == []


def test_another_source_is_refused_where_nothing_tells_them_apart(memory, source, monkeypatch):
    made = rk.fresh(memory, "nothing", monkeypatch)
    rk.stop_after(lambda: rk.acquire(made, source, "raw"), 0)
    other = memory / "sdc"
    other.write_bytes(rk.content(seed=2))
    with pytest.raises(RefusedError, match="nothing tells that"):
        rk.go_on(made, source=os.fsencode(other))
    assert rk.go_on(made).exit_code == 0
