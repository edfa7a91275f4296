import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.streams import StreamReader

from services.simulator import wire


def parsed(data: bytes) -> Frame:
    """The frame as another implementation reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    parse = Frame.parse(reader.read_exact, mask=False)
    try:
        while True:
            next(parse)
    except StopIteration as done:
        frame: Frame = done.value
        return frame


@given(st.binary(max_size=300) | st.sampled_from([b"x" * n for n in (125, 126, 127, 65_535, 65_536)]))
def test_a_frame_is_what_another_implementation_reads(payload: bytes) -> None:
    frame = parsed(wire.frame(payload))
    assert bytes(frame.data) == payload
    assert frame.fin
    assert wire.payload_of(wire.frame(payload)) == payload


def test_a_close_says_its_code_and_reason() -> None:
    assert bytes(parsed(wire.close_frame(1008, "Too many requests")).data) == b"\x03\xf0Too many requests"


def test_a_request_is_split_into_host_path_query_and_body() -> None:
    text = "POST /fapi.binance.com/fapi/v1/depth?symbol=%E5%B8%81USDT&limit= HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET"
    buffer = bytearray(text.encode())
    request = wire.take_request(buffer)
    assert request is not None
    assert (request.method, request.host, request.path) == ("POST", "fapi.binance.com", "/fapi/v1/depth")
    assert request.query == {"symbol": "币USDT", "limit": ""}
    assert request.body == b"ok"
    assert buffer == b"GET"


@given(st.integers(0, 80))
def test_half_a_request_waits_for_the_rest(cut: int) -> None:
    whole = b"GET /a.com/x HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n\r\n"
    buffer = bytearray(whole[: min(cut, len(whole) - 1)])
    assert wire.take_request(buffer) is None
    buffer += whole[len(buffer) :]
    request = wire.take_request(buffer)
    assert request is not None
    assert request.upgrades


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / SMTP/1\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad line\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"a" * 70_000,
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(wire.BadRequest):
        wire.take_request(bytearray(data))


def test_an_answer_carries_its_status_length_and_headers() -> None:
    text = wire.json_reply({"a": 1}, 451, {"Retry-After": "3"}).encode()
    assert text.startswith(b"HTTP/1.1 451 Unavailable For Legal Reasons\r\nContent-Length: 7\r\n")
    assert text.endswith(b'\r\n\r\n{"a":1}')
    assert b"Retry-After: 3\r\n" in text
