"""A proof of origin under attack: by whoever holds it, and by an officer with a valid key.

Nothing here may end in a wrong yes. The reader of each test is the defence expert who asks what
keeps a party from handing over a proof of something else.
"""

from __future__ import annotations

import functools

import bundlekit
import proofkit as kit
import pytest
from proofkit import BLOCK, REF

from evkit.identity.certificate import Certificate
from evkit.manifest import proof as form
from evkit.manifest import rows
from evkit.verify.report import FAIL, FILE, PASS, RECORD, SECTORS, UNDECIDED

STATION = kit.Station()


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    """Remember signature checks of equal arguments: they are pure, and most stay the same."""
    real = Certificate.verify

    @functools.lru_cache(maxsize=100_000)
    def verify(certificate, signature, data):
        return real(certificate, signature, data)

    monkeypatch.setattr(Certificate, "verify", verify)


@pytest.fixture
def station():
    return STATION


def checked(station, data):
    return kit.check(data, kit.trusting(station))


def answers(report):
    return report.answer(SECTORS), report.answer(FILE)


def codes(report):
    return bundlekit.codes(report)


@pytest.mark.parametrize("inode", [10, 11, 12, 13])
def test_an_honest_proof(station, inode):
    report = checked(station, kit.file_of(station.prove(inode)))
    assert report.word == PASS, report.lines()
    assert report.first_line.startswith("PASS  proof-of-origin `p`: sectors: yes, file: yes; ")


# --- every byte ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "step"), [(0x01, 7), (0x80, 11), pytest.param(0x20, 1, marks=pytest.mark.slow)]
)
def test_no_flipped_byte_passes(station, mask, step):
    made = station.prove(10)
    data, blocks = kit.file_of(made), len(made[1])
    head = range(0, len(data) - blocks, step)
    rest = range(len(data) - blocks, len(data), step * 131)
    for at in (*head, *rest):
        changed = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
        report = checked(station, changed)
        assert report.word == FAIL, (at, report.lines())


@pytest.mark.parametrize("step", [1009])
def test_no_shortened_or_lengthened_proof_passes(station, step):
    data = kit.file_of(station.prove(10))
    for length in (*range(0, len(data), step), len(data) - 1):
        assert checked(station, data[:length]).answer(SECTORS) == FAIL
    assert checked(station, data + b"\0").answer(SECTORS) == FAIL


# --- sectors: yes, file: no ---------------------------------------------------------------------


def scattered(station):
    """A file that never was, put together from bytes all over the image."""
    extents = [(17 * BLOCK + 20, 400), (2 * BLOCK + 7, 90), (33 * BLOCK, 1234)]
    return kit.file_rows(99, station.image, extents)


def test_a_file_made_of_scattered_bytes_with_a_row_of_its_own(station):
    name, stream = (rows.encode(row) for row in scattered(station))
    honest, _ = station.prove(10)
    runs = ((2, 1), (17, 1), (33, 1))
    forged = [
        form.ProofRow(number=row.number, salt=row.salt, data=data)
        for row, data in zip(honest.rows, (*(r.data for r in honest.rows[:2]), name, stream),
                             strict=True)
    ]  # fmt: skip
    made = station.prove(
        10, rows=tuple(forged), **station.blocks_part(runs),
        other_bytes=3 * BLOCK - 400 - 90 - 1234,
    )  # fmt: skip
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert report.first_line.startswith("FAIL  proof-of-origin `p`: sectors: yes, file: no; ")
    assert codes(report) == {"origin-rows"}


def test_a_file_made_of_scattered_bytes_under_the_row_of_another(station):
    made = station.prove(10, blocks=((2, 1), (17, 1), (33, 1)))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-content"}


def test_more_blocks_than_the_file_needs(station):
    made = station.prove(10, blocks=((3, 1), (25, 2)))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-blocks"}


def test_fewer_foreign_bytes_stated_than_there_are(station):
    made = station.prove(10, other_bytes=0)
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-other-bytes"}


def test_extents_in_another_order(station):
    """The row is proven as it is: another order is another row."""
    stream = dict(station.rows[station.number("stream", 11)])
    stream["extents"] = stream["extents"][::-1]
    proof, blocks = station.prove(11)
    forged = tuple(
        form.ProofRow(number=row.number, salt=row.salt, data=rows.encode(stream))
        if row.number == proof.stream
        else row
        for row in proof.rows
    )
    report = checked(station, kit.replaced((proof, blocks), rows=forged))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-rows"}


def test_the_name_of_another_file(station):
    other = station.number("name", 12)
    stream = station.number("stream", 10)
    made = station.prove(10, name=other, **station.rows_part(sorted({0, 1, stream, other})))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert "is not a name of row" in "".join(report.lines())


def ghost(**changes):
    """A file in use, and a deleted name that points at its record."""
    image = kit.random_bytes(kit.SIZE, 7)
    name, stream = kit.file_rows(60, image, [(100, 3000)], **changes.pop("stream", {}))
    gone = {**name, "path": "/docs/plan.doc", "name": "plan.doc", "allocated": False} | changes
    made = kit.Station(extra=[name, stream, gone])
    at, row = len(made.rows) - 1, made.number("stream", 60)
    return made, made.prove(60, name=at, **made.rows_part(sorted({0, 1, row, at})))


@pytest.mark.parametrize("reallocated", ["yes", "unknown", "no"])
def test_a_deleted_name_whose_record_is_in_use(reallocated):
    """Content of the file that has the record now is not content of the name that is gone."""
    made, proof = ghost(reallocated=reallocated)
    report = checked(made, kit.file_of(proof))
    assert answers(report) == (PASS, FAIL)
    assert "is not a name of row" in "".join(report.lines())


def test_a_deleted_name_that_lost_its_record():
    made, proof = ghost(reallocated="yes", stream={"basis": "deleted-runs-recorded"})
    assert answers(checked(made, kit.file_of(proof))) == (PASS, FAIL)


def test_a_deleted_name_that_may_have_lost_its_record():
    made, proof = ghost(reallocated="unknown", stream={"basis": "deleted-runs-recorded"})
    report = checked(made, kit.file_of(proof))
    assert report.word == PASS
    assert "`/docs/plan.doc` (deleted; whether its record is still its own is not known)" in (
        report.first_line
    )


def test_another_attribute_is_not_called_the_file():
    """An extended attribute of a file has a row of its own, under the name of the file."""
    extra = kit.file_rows(50, kit.random_bytes(kit.SIZE, 7), [(0, 5000)], attr=224, attr_id=3)
    other = kit.Station(extra=extra)
    report = kit.check(kit.file_of(other.prove(50)), kit.trusting(other))
    assert "`/docs/file50` (not its content but its attribute 224)" in report.first_line


def test_a_name_left_out_is_not_said_to_be_none(station):
    numbers = sorted({0, 1, station.number("stream", 11)})
    made = kit.replaced(station.prove(11), name=None, **station.rows_part(numbers))
    report = kit.check(made, kit.trusting(station))
    assert "`record 11 (no name of it is enclosed)`" in report.first_line


def test_a_member_of_an_archive_has_no_place_of_its_own():
    class Inside(kit.Station):
        def _all(self, extra):
            made = super()._all(extra)
            made[1] |= {"within": 3, "type": "zip"}
            return made

    made = Inside()
    report = checked(made, kit.file_of(made.prove(10)))
    assert answers(report) == (PASS, FAIL)
    assert "lies inside an archive" in "".join(report.lines())


def test_rows_that_nobody_needs(station):
    stream, name = station.number("stream", 10), station.number("name", 10)
    more = station.number("stream", 12)
    made = station.prove(10, **station.rows_part(sorted({0, 1, stream, name, more})))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert "is not needed" in "".join(report.lines())


@pytest.mark.parametrize("missing", [0, 1])
def test_a_row_left_out(station, missing):
    stream, name = station.number("stream", 10), station.number("name", 10)
    made = station.prove(10, **station.rows_part(sorted({0, 1, stream, name} - {missing})))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)


@pytest.mark.parametrize("reading", [form.STORED, form.RESIDENT, form.VALID])
def test_another_reading_of_a_plain_file(station, reading):
    made = station.prove(10)
    report = checked(station, kit.replaced(made, reading=reading))
    assert answers(report) == (PASS, FAIL)


def test_an_image_called_a_file(station):
    report = checked(station, kit.file_of(station.prove(10)).replace(b'"extents"', b'"file"'))
    assert report.word == FAIL


# --- sectors: no --------------------------------------------------------------------------------


def test_blocks_of_another_image(station):
    other = kit.Station(kit.random_bytes(kit.SIZE, 8))
    proof, _ = station.prove(10)
    report = checked(station, form.encode_head(proof) + other.blocks(proof.blocks))
    assert answers(report) == (FAIL, FAIL)


def test_another_image_with_its_own_tree(station):
    """Blocks, rows and both proofs of another station's image, the entries of this one."""
    other = kit.Station(kit.random_bytes(kit.SIZE, 8))
    made = other.prove(10, **station.ledger_part(), end=station.end, inventory=station.inventory)
    report = checked(station, kit.file_of(made))
    assert answers(report) == (FAIL, FAIL)


def test_foreign_bytes_of_a_block_changed(station):
    """What is not of the file is proven as well: the block has one hash."""
    proof, blocks = station.prove(10)
    changed = blocks[:-1] + bytes([blocks[-1] ^ 1])
    report = checked(station, form.encode_head(proof) + changed)
    assert answers(report) == (FAIL, UNDECIDED)
    assert report.first_line.startswith("FAIL  proof-of-origin `p`: sectors: no, file: undecided")


def test_blocks_exchanged(station):
    proof, blocks = station.prove(13)
    assert proof.blocks == ((5, 2),)
    report = checked(station, form.encode_head(proof) + blocks[BLOCK:] + blocks[:BLOCK])
    assert answers(report) == (FAIL, FAIL)


def test_the_same_blocks_at_other_places(station):
    proof, blocks = station.prove(10)
    report = checked(station, kit.replaced((proof, blocks), blocks=((4, 1),)))
    assert report.answer(SECTORS) == FAIL
    assert report.answer(FILE) == FAIL


def test_a_medium_of_another_size(station):
    report = checked(station, kit.replaced(station.prove(10), size=kit.SIZE - 1))
    assert codes(report) >= {"origin-size"}


# --- rows that the file system itself made hostile ----------------------------------------------


def hostile(places, listed=None, **changes):
    """A station whose file system gave this file: digests of `places`, extents of `listed`."""
    image = kit.random_bytes(kit.SIZE, 7)
    inside = [(at, n) for at, n in places if at >= 0 and at + n <= kit.SIZE]
    extents = [list(item) for item in listed or places]
    return kit.Station(extra=kit.file_rows(50, image, inside, extents=extents, **changes))


def test_extents_that_overlap_are_said():
    made = hostile([(100, 3000), (2000, 3000)])
    report = checked(made, kit.file_of(made.prove(50)))
    assert report.word == PASS
    assert "origin-overlap" in {remark.code for remark in report.remarks}


def pretend(station, inode, runs, needed):
    """A proof whose row cannot be read by an honest maker."""
    stream, name = station.number("stream", inode), station.number("name", inode)
    honest, _ = station.prove(10)
    made = {
        "stream": stream, "name": name, **station.rows_part(sorted({0, 1, stream, name})),
        **station.blocks_part(runs), "other_bytes": form.run_bytes(runs, kit.SIZE) - needed,
    }  # fmt: skip
    return kit.replaced((honest, station.blocks(runs)), **made)


@pytest.mark.parametrize("place", [kit.SIZE - 10, kit.SIZE, 2**53 - 600])
def test_extents_outside_the_image(place):
    made = hostile([(100, 50), (place, 500)], size=550, bytes_digested=550)
    report = checked(made, pretend(made, 50, ((0, 1),), 50))
    assert answers(report) == (PASS, FAIL)
    assert "outside the image" in "".join(report.lines())


@pytest.mark.parametrize("size", [2**36 + 1, 2**53 - 1])
def test_an_endless_hole_is_not_digested(size):
    made = hostile([(-1, size)], size=size, bytes_digested=size)
    report = checked(made, pretend(made, 50, (), 0))
    assert answers(report) == (UNDECIDED, UNDECIDED)
    assert "too large" in "".join(report.lines())


@pytest.mark.parametrize("reading", [form.STORED, form.EXTENTS])
def test_endless_repetition_is_not_read(reading):
    many = [[0, kit.SIZE], [1, kit.SIZE - 1]] * 32_000
    size = sum(length for _, length in many)
    flags = {"flags": ["compressed"]} if reading == form.STORED else {}
    made = hostile([(0, 10)], many, size=size, bytes_digested=size, **flags)
    proof = of_the_whole_image(made, 50), made.blocks(((0, 41),))
    report = checked(made, kit.replaced(proof, reading=reading))
    assert answers(report) == (PASS, UNDECIDED)
    assert "again and again" in "".join(report.lines())


def of_the_whole_image(station, inode):
    stream, name = station.number("stream", inode), station.number("name", inode)
    return station.prove(
        10, stream=stream, name=name, **station.rows_part(sorted({0, 1, stream, name})),
        **station.blocks_part(((0, 41),)), other_bytes=0,
    )[0]  # fmt: skip


def test_extents_that_do_not_make_up_the_size():
    made = hostile([(100, 3000)], size=2999, bytes_digested=2999)
    report = checked(made, pretend(made, 50, ((0, 1),), 3000))
    assert answers(report) == (PASS, FAIL)


def test_extents_left_out():
    made = hostile([(100, 3000)], extents_left_out=2)
    report = checked(made, pretend(made, 50, ((0, 1),), 3000))
    assert answers(report) == (PASS, FAIL)


def test_a_digest_that_the_sectors_do_not_have():
    made = hostile([(100, 3000)], digests=kit.digests(b"something else"))
    report = checked(made, kit.file_of(made.prove(50)))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-digest"}


# --- honest answers that are not yes ------------------------------------------------------------


def test_guessed_content_is_never_plain_yes():
    made = hostile([(100, 3000)], basis="deleted-contiguous-guess")
    report = checked(made, kit.file_of(made.prove(50)))
    assert answers(report) == (PASS, UNDECIDED)
    assert "sectors: yes, file: as guessed" in report.first_line


def test_deleted_content_with_its_runs_says_so():
    made = hostile([(100, 3000)], basis="deleted-runs-recorded")
    report = checked(made, kit.file_of(made.prove(50)))
    assert report.word == PASS
    assert "file: yes, as its deleted record names it" in report.first_line
    assert "origin-deleted" in {remark.code for remark in report.remarks}


def test_compressed_content_is_undecided():
    made = hostile([(100, 3000)], flags=["compressed"], digests=kit.digests(b"decoded"))
    report = checked(made, kit.file_of(made.prove(50, form.STORED)))
    assert answers(report) == (PASS, UNDECIDED)
    assert bundlekit.codes(report, UNDECIDED) == {"origin-stored"}


def test_encrypted_content_is_said():
    made = hostile([(100, 3000)], flags=["encrypted"])
    report = checked(made, kit.file_of(made.prove(50)))
    assert report.word == PASS
    assert "origin-encrypted" in {remark.code for remark in report.remarks}


def test_a_row_without_a_digest():
    made = hostile(
        [(100, 3000)], state="damaged", reason="unread-sectors", digests=None, bytes_digested=0
    )
    report = checked(made, kit.file_of(made.prove(50, form.STORED)))
    assert answers(report) == (PASS, UNDECIDED)
    assert "unread-sectors" in "".join(report.lines())


def test_md5_alone_proves_nothing():
    image = kit.random_bytes(kit.SIZE, 7)
    weak = {"md5": kit.digests(image[100:3100])["md5"]}
    made = hostile([(100, 3000)], digests=weak)
    report = checked(made, kit.file_of(made.prove(50)))
    assert answers(report) == (PASS, UNDECIDED)
    assert bundlekit.codes(report, UNDECIDED) == {"origin-weak"}


def test_an_empty_file_has_no_sectors(station):
    report = checked(station, kit.file_of(station.prove(14)))
    assert answers(report) == (UNDECIDED, PASS)
    assert report.word == UNDECIDED


def test_sectors_that_could_not_be_read_are_said():
    made = kit.Station()
    unread = {"bytes": 512, "first": [[3 * BLOCK + 512, 512]]}
    fields = {"result": "with-gaps", "made_by": "evkit", "unread": unread}
    media = {"size": kit.SIZE, **kit.digests(made.image), "pieces": made.tree.fields()}
    made.ledger.add(bundlekit.Draft(kind="note", case="OTHER", fields={"text": "between"}))
    made.end = made.record_end(fields | {"media": media})
    report = checked(made, kit.file_of(made.prove(10)))
    assert "512 bytes of these sectors could not be read" in "".join(report.lines())


def test_an_inventory_of_what_ended_later():
    made = kit.Station()
    made.ledger = bundlekit.Ledger()
    ledger, case = made.ledger, bundlekit.CASE
    ledger.genesis()
    ledger.enrol(ledger.who.officer)
    ledger.add(bundlekit.Draft(kind="case-open", case=case, fields={"title": "Theft"}))
    exhibit = (f"{case}/E1",)
    ledger.add(bundlekit.Draft(kind="register", case=case, exhibits=exhibit, fields={"what": "x"}))
    made.inventory = ledger.add(
        bundlekit.Draft(
            kind="inventory", case=case, exhibits=exhibit, acquisitions=(REF,),
            fields={"rows": len(made.rows), "row_root": made.row_root.hex(), "result": "complete"},
        )
    )  # fmt: skip
    media = {"size": kit.SIZE, **kit.digests(made.image), "pieces": made.tree.fields()}
    made.end = made.record_end({"result": "complete", "made_by": "evkit", "media": media})
    report = checked(made, kit.file_of(made.prove(10)))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-inventory"}


def test_an_acquisition_that_failed_is_said():
    class Failed(kit.Station):
        def record_end(self, fields):
            return super().record_end(fields | {"result": "failed"})

    made = Failed()
    report = checked(made, kit.file_of(made.prove(10)))
    assert "the acquisition ended as `failed`" in "".join(report.lines())


# --- the record ---------------------------------------------------------------------------------


def test_a_checkpoint_from_before_the_inventory(station):
    made = station.prove(10, **station.ledger_part(size=station.inventory))
    report = checked(station, kit.file_of(made))
    assert report.answer(RECORD) == FAIL
    assert "inclusion" in codes(report)


def test_another_inventory_of_the_same_acquisition(station):
    """A row of a second inventory, whose root no entry holds."""
    other = kit.Station(extra=kit.file_rows(70, station.image, [(0, 10)]))
    numbers = sorted({0, 1, other.number("stream", 10), other.number("name", 10)})
    made = station.prove(10, **other.rows_part(numbers))
    report = checked(station, kit.file_of(made))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-rows"}


def test_an_inventory_of_other_content():
    """An officer signs an inventory made of another image for this acquisition."""
    made, other = kit.Station(), kit.Station(kit.random_bytes(kit.SIZE, 8))
    ledger = made.ledger
    draft = bundlekit.Draft(
        kind="inventory", case=bundlekit.CASE, exhibits=(f"{bundlekit.CASE}/E1",),
        acquisitions=(REF,),
        fields={"rows": len(other.rows), "row_root": other.row_root.hex(), "result": "complete"},
    )  # fmt: skip
    made.inventory = ledger.add(draft)
    numbers = sorted({0, 1, other.number("stream", 10), other.number("name", 10)})
    report = checked(made, kit.file_of(made.prove(10, **other.rows_part(numbers))))
    assert answers(report) == (PASS, FAIL)
    assert codes(report) == {"origin-source"}


def test_a_second_end_with_the_tree_of_another_image():
    """The first end counts; with the case enclosed the second one is refused."""
    made, other = kit.Station(), kit.Station(kit.random_bytes(kit.SIZE, 8))
    media = {"size": kit.SIZE, "pieces": other.tree.fields()}
    made.end = made.record_end({"result": "complete", "made_by": "evkit", "media": media})
    every = list(range(made.end + 1))
    forged = made.prove(
        10, **other.blocks_part(((3, 1),)), **made.ledger_part(every), other_bytes=BLOCK - 5000
    )
    data = form.encode_head(forged[0]) + other.blocks(((3, 1),))
    report = checked(made, data)
    assert report.answer(SECTORS) == FAIL
    assert "origin-end" in codes(report)


def test_without_the_case_it_is_said_that_other_entries_are_not_here(station):
    report = checked(station, kit.file_of(station.prove(10)))
    assert any("no other entry of the case" in text for text in report.not_proven)
    every = list(range(len(station.ledger.entries)))
    whole = checked(station, kit.file_of(station.prove(10, **station.ledger_part(every))))
    assert whole.word == PASS
    last = len(station.ledger.entries) - 1
    assert any(f"no entry of the case after entry {last}" in text for text in whole.not_proven)
    assert not any("no other entry of the case" in text for text in whole.not_proven)


def test_the_entries_exchanged(station):
    made = station.prove(10, end=station.inventory, inventory=station.end)
    report = checked(station, kit.file_of(made))
    assert answers(report) == (FAIL, FAIL)
    assert codes(report) >= {"origin-end", "origin-inventory"}


def test_the_entries_of_another_acquisition(station):
    report = checked(
        station, kit.replaced(station.prove(10), acquisition=f"{bundlekit.CASE}/E2/A1")
    )
    assert answers(report) == (FAIL, FAIL)


def test_a_whole_station_of_the_forger(station):
    """Everything is right but the root that signed it."""
    other = kit.Station(who=bundlekit.people()._replace(root=bundlekit.make_root(91)))
    report = checked(station, kit.file_of(other.prove(10)))
    assert answers(report) == (PASS, PASS)
    assert report.word == FAIL
    assert "other-root" in codes(report)


def test_without_trust_authorship_and_history_are_undecided(station):
    report = kit.check(kit.file_of(station.prove(10)), bundlekit.Supplied())
    assert report.word == UNDECIDED
    assert report.first_line.startswith(
        "UNDECIDED  proof-of-origin `p`: sectors: yes, file: yes; authorship UNDECIDED; "
        "record UNDECIDED; history UNDECIDED; "
    )


def test_an_end_without_a_piece_tree():
    made = kit.Station(pieces=None)
    report = checked(made, kit.file_of(made.prove(10)))
    assert answers(report) == (UNDECIDED, UNDECIDED)
    assert bundlekit.codes(report, UNDECIDED) == {"origin-no-pieces", "origin-apart"}
