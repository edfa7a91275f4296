"""Parquet files: the only module that knows their library. Chunks of columns in, chunks of columns out.

The library takes 10 MB when it is imported: only what writes or reads files does so, never what follows the streams.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import read_parquet, write_parquet

from shared.archive.records import SCHEMA
from shared.archive.rows import SCHEMAS, Columns

#: Rows of a group: what a reader must hold at a time, and what it may skip by the group's least and greatest values.
GROUP_ROWS: Final = 65_536
READ_ROWS: Final = 8_192
_TYPES: Final[dict[str, Any]] = {"int": DataType.int64(), "text": DataType.utf8(), "bytes": DataType.binary()}
#: Columns that rise by little from row to row; the rest do best as the library has it, with dictionaries.
_RISING: Final = ("id_ms", "ts", "recv", "batch")


def write(path: Path, kind: str, chunks: Iterable[Columns]) -> None:
    """A whole file, chunk by chunk: what is not written yet is never more than a group of rows. Raises `OSError`."""
    types = {name: _TYPES[what] for name, what in SCHEMAS[kind].items()}
    schema = Schema([Field(name, what, nullable=True) for name, what in types.items()])

    def batches() -> Iterator[RecordBatch]:
        for chunk in chunks:
            yield RecordBatch([Array(chunk[name], type=what) for name, what in types.items()], schema=schema)

    rising = [name for name in _RISING if name in types]
    write_parquet(
        RecordBatchReader.from_batches(schema, batches()),
        str(path),
        compression="zstd(3)",
        column_dictionary_enabled=dict.fromkeys(rising, False),
        column_encoding=dict.fromkeys(rising, "delta_binary_packed"),
        max_row_group_size=GROUP_ROWS,
        key_value_metadata={"parallax_schema": str(SCHEMA), "parallax_kind": kind},
        created_by="parallax",
    )


def read(path: Path) -> Iterator[Columns]:
    """The rows of a file that holds what was written (`layout.check`), in pieces. Raises `OSError`."""
    for batch in read_parquet(str(path), batch_size=READ_ROWS):
        yield {name: batch.column(name).to_pylist() for name in batch.column_names}
