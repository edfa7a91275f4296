"""A row of another form costs itself alone."""

import msgspec
import pytest

from services.collector.messages import Unknown
from services.collector.typed_rows import Rows


class Row(msgspec.Struct):
    name: str
    price: str


def native_of(raw: bytes | msgspec.Raw) -> str | None:
    return "A" if b'"A"' in bytes(raw) else None


BAD = Unknown("bad_shape")


@pytest.mark.parametrize(
    ("data", "listed", "bare"),
    [
        (b'[{"name":"A","price":"1"},{"name":"B","price":"2"}]', [Row("A", "1"), Row("B", "2")], None),
        (b'[{"name":"A","price":1},{"name":"B","price":"2"},3]', [Unknown("bad_shape", "A"), Row("B", "2"), BAD], None),
        (b"[]", [], None),
        (b' {"name":"A","price":"1"}', [BAD], [Row("A", "1")]),
        (b'{"name":"A"}', [BAD], [Unknown("bad_shape", "A")]),
        (b'[{"name":', [BAD], None),
        (b"\xff", [BAD], None),
        (b"", [BAD], None),
        (b"[" * 100_000, [BAD], None),
    ],
)
def test_rows_are_read_singly_where_one_is_bad(data: bytes, listed: list[object], bare: list[object] | None) -> None:
    assert Rows(Row, native_of).read(data) == listed
    assert Rows(Row, native_of, bare=True).read(data) == (listed if bare is None else bare)
