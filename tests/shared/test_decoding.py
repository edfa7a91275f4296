"""Whatever the bytes are, there is a value or one kind of error."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import decoding
from shared.instruments import Instrument
from shared.signals import BoardRow, Signal

DEEP = 100_000
KINDS: Any = st.sampled_from([Any, BoardRow, Signal, Instrument, list[BoardRow], dict[str, Any]])


@given(data=st.binary(max_size=200), kind=KINDS)
@example(data=b"\xa1\xff", kind=Any)
@example(data=b"\x81\xa5asset\xa1\xff", kind=BoardRow)
@example(data=b"\x91" * DEEP, kind=Any)
@example(data=b"\x81\xa1x" * DEEP, kind=Signal)
def test_any_bytes_are_msgpack_of_the_kind_or_a_decode_error(data: bytes, kind: Any) -> None:
    with suppress(msgspec.DecodeError):
        decoding.msgpack(kind).decode(data)


@given(data=st.binary(max_size=200) | st.text(st.characters(), max_size=50), kind=KINDS)
@example(data=b'"\xff"', kind=Any)
@example(data=b"[" * DEEP, kind=Any)
@example(data=b'{"x":' * DEEP, kind=Signal)
@example(data='"\ud800"', kind=Any)
def test_any_bytes_or_text_are_json_of_the_kind_or_a_decode_error(data: bytes | str, kind: Any) -> None:
    with suppress(msgspec.DecodeError):
        decoding.json(kind).decode(data)


def test_what_fits_is_decoded() -> None:
    assert decoding.msgpack(list[int]).decode(b"\x92\x01\x02") == [1, 2]
    assert decoding.json(list[int]).decode("[1, 2]") == [1, 2]
    with pytest.raises(msgspec.ValidationError):
        decoding.json(list[int]).decode('["1"]')
