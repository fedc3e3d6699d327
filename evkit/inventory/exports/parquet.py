"""Parquet for analysts: typed columns, the exact bytes of names, row groups of bounded size.

The only module that imports pyarrow, which the extra `[parquet]` brings.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from evkit.core.errors import UsageError
from evkit.inventory.exports.columns import COLUMNS, of_entry, of_other
from evkit.inventory.exports.unsaid import NOT_SAID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evkit.inventory.exports.job import Job

GROUP_ROWS = 8_192
GROUP_EXTENTS = 100_000
SCHEMA = "evkit/inventory-parquet/1"


def parts(job: Job) -> Iterator[bytes]:
    """Yield the bytes of the file, a row group at a time.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "Parquet needs the library pyarrow, which is not installed",
            hint="install it with `pip install 'evkit[parquet]'`, or export another format",
        ) from error
    schema = _schema(pa, job)
    sink = _Sink()
    words = [name for name, kind in COLUMNS.items() if kind == "words"]
    with parquet.ParquetWriter(
        sink, schema, compression="zstd", use_dictionary=words, store_schema=True
    ) as writer:
        for group in _groups(job):
            columns = [
                pa.array([row.get(field.name) for row in group], field.type) for field in schema
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Keep a copy of `data`."""
        self._held.append(bytes(data))
        self._at += len(self._held[-1])
        return len(self._held[-1])

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self._at

    def take(self) -> bytes:
        """Return what was written since the last call."""
        held, self._held = b"".join(self._held), []
        return held


def _groups(job: Job) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in groups, bounded by their number and by that of their extents."""
    group: list[dict[str, Any]] = []
    extents = 0
    for row in _rows(job):
        group.append(row)
        extents += len(row.get("extents") or ())
        if len(group) >= GROUP_ROWS or extents >= GROUP_EXTENTS:
            yield group
            group, extents = [], 0
    if group:
        yield group


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    for number, row in job.others():
        yield of_other(number, row)
    for entry in job.entries():
        yield of_entry(entry)


def _schema(pa: Any, job: Job) -> Any:  # noqa: ANN401 - pyarrow has no types
    types = {
        "int": pa.int64(),
        "text": pa.string(),
        "bytes": pa.binary(),
        "bool": pa.bool_(),
        "words": pa.dictionary(pa.int32(), pa.string()),
        "list": pa.list_(pa.string()),
        "utc": pa.timestamp("ns", tz="UTC"),
        "local": pa.timestamp("ns"),
        "steps": pa.struct([(letter, pa.int64()) for letter in "macb"]),
        "extents": pa.list_(pa.struct([("offset", pa.int64()), ("length", pa.int64())])),
    }
    about = {f"evkit.{name}": value for name, value in job.about().items()}
    about |= {"evkit.schema": SCHEMA, "evkit.not_said": json.dumps(NOT_SAID["parquet"])}
    fields = [pa.field(name, types[kind]) for name, kind in COLUMNS.items()]
    return pa.schema(fields, metadata=about)
