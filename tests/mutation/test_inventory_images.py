"""Damaged images of every kind: an inventory always ends, whole and true in what it says.

Seeds are fixed, `SEEDS` of each image in every run of the tests, `EVKIT_MUTANTS` (default 200) of
each with `-m slow`; seed 0, with which libtsk loops on an ISO image, is among the latter.
`python tests/support/imagechecks.py NAMES FIRST LAST` tries others.
"""

from __future__ import annotations

import contextlib
import json
import os

import exportkit
import forkserver
import imagechecks as checks
import imagemutants as mutants
import inventorykit as kit
import pytest
from lxml import etree

from evkit.bundle.inventory.page import Context, report_page
from evkit.cli import main
from evkit.core.errors import InputError
from evkit.inventory import runner, worker
from evkit.inventory.database.reader import Inventory
from evkit.inventory.exports.formats import FORMATS
from evkit.inventory.search.compare import compare
from evkit.inventory.search.find import Criteria, entries

SEEDS = 6
MANY = int(os.environ.get("EVKIT_MUTANTS", "200"))
IMAGES = (*mutants.SAMPLE_IMAGES, *mutants.VECTOR_IMAGES)
SMALL = [name for name in IMAGES if name != "1"]
RAW = [name for name in SMALL if not name.endswith((".E01", ".qcow2", ".vhd", ".vmdk"))]
LONGEST = 120.0  # seconds of a mutant on a busy machine; the limits of the child end it earlier


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Children are forked; nothing may stand on their standard error."""
    log = tmp_path_factory.mktemp("server") / "stderr"
    made = forkserver.Server(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "start", made.start)
        patch.setattr(worker, "start", made.start)
        yield made
    made.close()


@pytest.fixture
def subject(request, server, vectors, tmp_path):
    """One image and what is known of it."""
    before = server.log.stat().st_size
    yield next(mutants.subjects([request.param], vectors / "images", tmp_path))
    with open(server.log) as log:
        log.seek(before)
        assert log.read() == ""


@pytest.mark.parametrize("subject", IMAGES, indirect=True)
def test_damaged_images(subject):
    _try(subject, range(1, 1 + SEEDS))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("subject", IMAGES, indirect=True)
def test_many_damaged_images(subject):
    _try(subject, (0, *range(1 + SEEDS, MANY)))


def _try(subject, seeds):
    outcomes = set()
    for seed in seeds:
        outcomes.add(checks.tried(subject, seed, LONGEST))
    assert subject.path.read_bytes() == subject.data
    assert len(outcomes) > 1 or len(seeds) < 20


@pytest.mark.parametrize("subject", SMALL, indirect=True)
def test_the_command_line_answers(subject, tmp_path, capsys):
    mutant = subject.mutant(1000)
    subject.apply(mutant)
    output = tmp_path / "cli.db"
    code = main.run(
        ["inventory", "run", str(subject.path), "-o", str(output), "--no-types", "--json"]
    )
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    if code == 14:
        assert json.loads(said.out or said.err)["error"]
        assert not output.exists()
        return
    document = json.loads(said.out)
    assert code == {"complete": 0, "with-gaps": 3}[document["coverage"]["result"]]
    assert (code == 3) == bool(document["problems"])


@pytest.mark.parametrize("subject", RAW, indirect=True)
def test_children_and_ways_make_no_difference(subject, tmp_path):
    """One child or three, afterwards or while the image is read: the same rows."""
    mutant = subject.mutant(2001)
    subject.apply(mutant)
    found = []
    with contextlib.suppress(InputError):
        for jobs in (1, 3):
            database = tmp_path / f"{jobs}.db"
            kit.scan(subject.path, database, mutants.plain_options(orphans=50, jobs=jobs)).close()
            found.append(kit.plain_rows(database))
    if found:
        assert found[0] == found[1]
        kit.same_both_ways(subject.path, tmp_path / "ways", mutants.plain_options(orphans=50))


@pytest.mark.parametrize("subject", SMALL, indirect=True)
def test_everything_can_be_made_of_what_was_listed(subject, vectors):
    """Exports, page, search and comparison of inventories with everything in them."""
    schema = exportkit.schema(vectors)
    for seed in (3000, 3001):
        mutant = subject.mutant(seed)
        subject.apply(mutant)
        options = mutants.plain_options(orphans=50, slack=True, unallocated=subject.small)
        with contextlib.suppress(InputError):
            _views(subject, subject.scan("mutant.db", options), schema)
        subject.restore(mutant)


def _views(subject, found, schema):
    with Inventory(os.fsencode(found.database)) as inventory:
        for kind in FORMATS:
            data = exportkit.data(inventory, kind)
            if kind == "dfxml":
                schema.assertValid(etree.fromstring(data))
            elif kind == "csv":
                assert len(exportkit.table(data)) >= len(found.of("name")) - 1
            elif kind == "bodyfile":
                assert all(len(line) == 11 for line in exportkit.body(data) if line != [""])
            elif kind == "parquet":
                assert exportkit.frame(data)[0].num_rows >= len(found.of("name")) - 1
            else:
                assert all(json.loads(line) for line in data.splitlines())
        assert report_page(inventory, Context(what="x")).page.rstrip().endswith(b"</html>")
        every = list(entries(inventory, Criteria()))
        assert len(every) >= len(found.of("name"))
        with Inventory(os.fsencode(subject.base.database)) as whole:
            compare(inventory, whole)
