"""What the station refuses to sign because the first record of it stands."""

from __future__ import annotations

import pytest
import stations

from evkit.core.errors import RefusedError
from evkit.ledger.event import Draft, Subject


def end(kind: str, digest: str) -> Draft:
    return Draft(
        kind=kind, case="C1", exhibits=("C1/E1",), acquisitions=("C1/E1/A1",),
        fields={"result": "complete", "made_by": "evkit", "media": {"size": 1, "sha256": digest}},
        subjects=(Subject("C1/E1/A1", {"sha256": digest}),),
    )  # fmt: skip


@pytest.mark.parametrize("second", ["acquire-end", "intake-end"])
def test_a_second_end_of_an_acquisition(tmp_path, second):
    made = stations.ready(tmp_path / "station")
    with made.open() as station:
        station.record(end("acquire-end", "ab" * 32), made.officer)
        size = station.head().size
        with pytest.raises(RefusedError, match="the end of `C1/E1/A1` is recorded already"):
            station.record(end(second, "cd" * 32), made.officer)
        with pytest.raises(RefusedError):
            station.record(end(second, "ab" * 32), made.officer)
        assert station.head().size == size
