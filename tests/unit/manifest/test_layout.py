"""The closed list of names in a bundle, and openings files."""

from __future__ import annotations

import pytest

from evkit.core.errors import InputError
from evkit.ledger.commitments import Opening
from evkit.manifest import layout
from evkit.manifest.openings import encode_openings, parse_openings


@pytest.mark.parametrize(
    "name",
    [
        "data/events/0.json", "data/events/17.tlog-proof", "data/openings/3.json",
        "data/ledger/checkpoint", "data/ledger/tile/0/000", "data/ledger/tile/0/x001/067.p/8",
        "data/trust/root.crt", "data/trust/root.crl", "data/trust/station-statement.json",
        f"data/trust/officers/{'ab' * 32}.crt", "data/inventories/C/E1/A1/inventory.jsonl",
        "data/exhibits/C/E1/A1/image.raw", "data/exhibits/C/E1/A1/files/000001",
    ],
)  # fmt: skip
def test_known(name):
    assert layout.is_known(name)


@pytest.mark.parametrize(
    "name",
    [
        "data/x", "data/events/00.json", "data/events/1.txt", "data/events/1/2.json",
        "data/events/٣.json", "data/openings/1.tlog-proof", "data/ledger/x", "data/trust/x.crt",
        f"data/trust/officers/{'AB' * 32}.crt", "data/inventories/C/E1/A1/other.jsonl",
        "data/exhibits/C/E1/image.raw", "data/exhibits/C/E1/A1/", "data/exhibits/C/E1/A1/.x",
        "data/exhibits/C/E1/A1/a b", "data/exhibits/C/X1/A1/x", "manifest.json", "",
    ],
)  # fmt: skip
def test_unknown(name):
    assert not layout.is_known(name)


def test_paths_are_known_and_read_back():
    assert layout.event_index(layout.event_path(12)) == 12
    assert layout.event_index(layout.proof_path(12)) is None
    assert layout.split_exhibit(layout.exhibit_path("C/E1/A1", "a/b")) == ("C/E1/A1", "a/b")


SALT = "AAAAAAAAAAAAAAAAAAAAAA=="


def test_openings():
    one, two = Opening("b", "x", SALT), Opening("a", "ثبوت", SALT)
    data = encode_openings([one, two])
    assert parse_openings(data) == {"a": two, "b": one}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"[1]", b'[{"name":"a"}]', b'[{"name":"a","salt":1,"value":"x"}]',
        b'[{"name":"b","salt":"","value":"x"},{"name":"a","salt":"","value":"x"}]',
        b'[{"name":"a","salt":"","value":"x"},{"name":"a","salt":"","value":"x"}]',
        b'[{"name":"a","salt":"","value":"x"}]\n',
    ],
)  # fmt: skip
def test_openings_that_are_refused(data):
    with pytest.raises(InputError):
        parse_openings(data)
