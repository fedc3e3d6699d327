"""The journal of stopped work: damage and edits are refused in words."""

from __future__ import annotations

import pytest

from evkit.acquire.output.resumed import Resumed
from evkit.actions.acquire_order import e01_of, request_of
from evkit.core.errors import InputError

KEPT = {
    "source": {"path": "/dev/sdz"}, "names": ["sha256"], "policy": {"retries": 2},
    "exhibit": "C1/E1", "verify": "now", "format": "e01", "compress": "fast", "split": 5,
    "block_nodes": False, "to": {"path": "/mnt/x"},
}  # fmt: skip
BAD = [None, 5, True, "x", [], {}, [5], {"path": 5}, {"retries": "x"}]


def test_what_was_asked_comes_back():
    request = request_of(KEPT)
    assert (request.source, request.to, request.split) == (b"/dev/sdz", b"/mnt/x", 5)


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", ["source", "policy", "exhibit", "format", "split", "to", "verify"])
def test_another_value(name, value):
    if type(value) is type(KEPT[name]) and name in {"exhibit", "verify", "split"}:
        return
    if (name, value) == ("split", None):
        return
    with pytest.raises(InputError):
        request_of(KEPT | {name: value})


@pytest.mark.parametrize("value", [5, True, "x", [], {}, [5], {"segment": "x"}])
def test_another_state(value):
    with pytest.raises(InputError):
        Resumed.of({"e01": value})
    with pytest.raises(InputError):
        e01_of(KEPT | {"e01": value})
