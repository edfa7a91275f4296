"""A row of another form costs itself alone."""

import msgspec
import pytest

from services.collector.messages import Unknown
from services.collector.typed_rows import UNREADABLE, Rows, loosely, readable


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


class Listed(msgspec.Struct):
    name: str
    tick: str = "none"
    lot: Row | None = None


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b'{"name":"A","tick":"0.10"}', Listed("A", "0.10")),
        (b'{"name":"A","tick":0.10}', Listed("A", "0.10")),
        (b'{"name":"A","tick":1e-5}', Listed("A", "1e-5")),
        (b'{"name":"A","tick":null,"other":[null,1]}', Listed("A")),
        (b'{"name":"A","lot":{"name":"B","price":2,"more":null}}', Listed("A", lot=Row("B", "2"))),
    ],
)
def test_a_row_is_read_with_numbers_and_nulls_where_texts_should_be(data: bytes, row: Listed) -> None:
    assert loosely(msgspec.json.Decoder(Listed), data) == row


@pytest.mark.parametrize("data", [b"", b"null", b"3", b"[]", b'{"tick":"1"}', b'{"name":null}', b'{"name":[]}', b"{"])
def test_what_has_no_name_is_no_row(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        loosely(msgspec.json.Decoder(Listed), data)


def test_a_row_of_another_form_is_left_out_of_a_listing() -> None:
    raws = [b'{"name":"A","tick":1}', b"null", b'{"tick":"1"}', b'{"name":"B"', b'{"name":"B"}']
    assert list(readable(msgspec.json.Decoder(Listed), raws)) == [Listed("A", "1"), Listed("B")]
