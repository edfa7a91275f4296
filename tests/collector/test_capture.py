"""Every form of input becomes the frame that it holds, and what is written is read back."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.capture import Captured, Unrecorded, Writer, elements, parse, read, read_files, seconds
from services.collector.venue import Request

FRAME = b'{"arg":{"channel":"trades"},"data":[]}'


def lines(data: bytes) -> list[Captured]:
    return list(read(io.BytesIO(data), "f"))


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        (b"1652459225.5037491", 1652459225503749100),
        (b"1652459225", 1652459225000000000),
        (b"1652459225.1", 1652459225100000000),
        (b"1652459225.123456789", 1652459225123456789),
        (b"1652459225.1234567899", 1652459225123456789),
    ],
)
def test_a_receive_time_is_read_from_its_digits(text: bytes, ns: int) -> None:
    assert seconds(text) == ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        (b"1652459225.5037491", 1652459225503749100),
        (b"1652459225503", 1652459225503000000),
        (b"1652459225503.25", 1652459225503250000),
        (b"1652459225503749", 1652459225503749000),
        (b"1652459225503749123", 1652459225503749123),
    ],
)
def test_a_lines_time_tells_its_unit_by_its_digits(text: bytes, ns: int) -> None:
    assert parse(text + b": pong", 1) == Captured(1, b"pong", ns)


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (FRAME, FRAME),
        (b"pong", b"pong"),
        (b"  pong\r\n", b"pong"),
        (b'"pong"', b"pong"),
        (b"\xef\xbb\xbfpong", b"pong"),
        (b'{"payload":{"a":1}}', b'{"a":1}'),
        (b'{"where":"x","payload":[1,2]}', b"[1,2]"),
        (b'{"payload":"{\\"a\\":1}"}', b'{"a":1}'),
        (b'{"page":"x","msg":{"code":"0","msg":"","data":[]}}', b'{"code":"0","msg":"","data":[]}'),
        (b'{"page":"x","msg":"pong"}', b"pong"),
        (b'{"b64":"cG9uZw=="}', b"pong"),
        (b'{"b64":"AAEC/w=="}', b"\x00\x01\x02\xff"),
        (b'{"name":"bbo","hex":"000102ff","channel":"x"}', b"\x00\x01\x02\xff"),
        (b'{"queryString":"symbol=A","data":{"symbol":"A"}}', b'{"symbol":"A"}'),
    ],
)
def test_a_line_holds_its_frame(line: bytes, frame: bytes) -> None:
    made = parse(line, 1)
    assert (made.frame, made.recv, made.request, made.skipped) == (frame, None, None, None)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event":"error","code":"60012","msg":"Invalid request"}',
        b'{"code":2,"msg":"Invalid request","id":1}',
        b'{"code":"0","msg":"","data":[]}',
        b'{"b64":"no base64!"}',
        b'{"hex":"0"}',
        b'{"hex":77}',
        b'{"hex":"zz"}',
        b'{"rest":7,"body":{}}',
        b'{"rest":{"params":{}},"body":{}}',
        b'{"broken',
        b"17: too small for a time",
    ],
)
def test_what_only_looks_like_a_wrapper_stays_as_it_is(line: bytes) -> None:
    made = parse(line, 1)
    assert (made.frame, made.request, made.skipped) == (line, None, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"   ", "blank"),
        (b"wss://host:1/ws <-> 1652459224.53", "connect"),
        (b'wss://host:1/ws <- 1652459225.29: {"op":"subscribe"}', "client"),
        (b'configuration: {"a":1}', "header"),
        (b'{"capture":1,"venue":"x","schema":"v1"}', "header"),
    ],
)
def test_a_line_that_is_no_frame_is_skipped_for_a_reason(line: bytes, reason: str) -> None:
    assert parse(line, 1).skipped == reason


def test_a_recorded_line_has_its_time_and_the_connection_that_was_opened_last() -> None:
    made = lines(b"wss://host:1/ws <-> 1652459224.53\n1652459225.5037491: " + FRAME + b"\n1652459226.1: pong\n")
    assert [(one.line, one.frame, one.recv, one.conn) for one in made[1:]] == [
        (2, FRAME, 1652459225503749100, "wss://host:1/ws"),
        (3, b"pong", 1652459226100000000, "wss://host:1/ws"),
    ]


def test_a_recorded_answer_has_its_request() -> None:
    (made,) = lines(b'https://host/api/v3/depth?symbol=A%2BB&limit=1000 -> 1652459224.53: {"x":1}')
    assert made.frame == b'{"x":1}'
    assert made.recv == 1652459224530000000
    assert made.request == Request("/api/v3/depth", {"symbol": "A+B", "limit": "1000"})


@pytest.mark.parametrize(
    ("rest", "request_"),
    [
        ('{"endpoint":"/a","params":{"n":5,"s":"x"}}', Request("/a", {"n": "5", "s": "x"})),
        ('{"endpoint":"/a?s=x"}', Request("/a", {"s": "x"})),
        ('{"endpoint":"https://host/a?s=x","params":null}', Request("/a", {"s": "x"})),
        ('{"endpoint":"a"}', Request("/a")),
        ('"/a?s=x"', Request("/a", {"s": "x"})),
    ],
)
@pytest.mark.parametrize(("body", "text"), [('{"x":1}', b'{"x":1}'), ('"{\\"x\\":1}"', b'{"x":1}'), ("[]", b"[]")])
def test_a_rest_answer_comes_as_a_value_or_as_its_text(rest: str, request_: Request, body: str, text: bytes) -> None:
    made = parse(f'{{"rest":{rest},"body":{body}}}'.encode(), 1)
    assert (made.request, made.frame) == (request_, text)


def test_a_file_may_be_one_value_over_many_lines() -> None:
    (made,) = lines(b'{\n "code": "0",\n "data": []\n}\n')
    assert (made.line, made.frame, made.alone) == (1, b'{\n "code": "0",\n "data": []\n}', False)


def test_a_file_may_be_one_array_of_frames() -> None:
    (made,) = lines(b'[\n {"payload": {"a":1}},\n "pong", {"b":2}\n]')
    assert made.alone
    assert [(one.line, one.frame, one.file) for one in elements(made)] == [
        (1, b'{"a":1}', "f"),
        (2, b"pong", "f"),
        (3, b'{"b":2}', "f"),
    ]


def test_lines_that_are_arrays_are_frames() -> None:
    made = lines(b'[{"a":1}]\n[{"a":2}]\n')
    assert [(one.line, one.frame, one.alone) for one in made] == [(1, b'[{"a":1}]', False), (2, b'[{"a":2}]', False)]


def test_a_file_that_begins_like_json_and_is_none_is_lines() -> None:
    assert [one.frame for one in lines(b'{"a":\npong\n')] == [b'{"a":', b"pong"]


def write(folder: Path, name: str, text: bytes) -> str:
    (folder / name).write_bytes(text)
    return str(folder / name)


def test_files_are_merged_by_receive_time_and_keep_their_own_order(tmp_path: Path) -> None:
    one = write(tmp_path, "1", b"1000000001.0: a\n1000000005.0: b\n1000000003.0: c\n")
    two = write(tmp_path, "2", b"1000000002.0: d\nwithout a time\n1000000006.0: e\n")
    made = [captured.frame for captured in read_files([one, two], io.BytesIO())]
    assert made == [b"a", b"d", b"without a time", b"b", b"c", b"e"]


def test_files_without_times_keep_their_place(tmp_path: Path) -> None:
    first, timed, last = (
        write(tmp_path, "1", b"x\n"),
        write(tmp_path, "2", b"1000000001.0: a\n"),
        write(tmp_path, "3", b"y"),
    )
    assert [c.frame for c in read_files([first, timed, last], io.BytesIO())] == [b"x", b"a", b"y"]
    assert [c.frame for c in read_files([last, first], io.BytesIO())] == [b"y", b"x"]


def test_standard_input_is_a_file_like_others() -> None:
    assert [captured.frame for captured in read_files(["-"], io.BytesIO(b"pong\n"))] == [b"pong"]


@given(
    st.lists(
        st.tuples(
            st.integers(10**18, 2**62), st.sampled_from(["public/1", "public/2"]), st.binary(min_size=1, max_size=60)
        ),
        max_size=20,
    )
)
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[int, str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("capture") / "session.jsonl"
    writer = Writer(path, "somewhere", "v1")
    for recv, conn, frame in frames:
        writer.frame(recv, conn, frame)
    writer.rest(10**18, Request("/a", {"b": "c"}), b'{"x":1}')
    writer.close()
    header, *made, answer = read_files([str(path)], io.BytesIO()) if not frames else lines(path.read_bytes())
    assert header.skipped == "header"
    assert [(one.recv, one.conn, one.frame) for one in made] == frames
    assert (answer.recv, answer.frame, answer.request) == (10**18, b'{"x":1}', Request("/a", {"b": "c"}))


def test_a_recording_that_is_full_says_so(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "s", "somewhere", "v1", max_bytes=200)
    writer.frame(1, "public/1", b"x" * 60)
    with pytest.raises(Unrecorded, match="limit of 200 bytes after 1 frames"):
        writer.frame(2, "public/1", b"x" * 60)
    writer.close()


@given(st.binary(max_size=120))
def test_no_bytes_make_a_line_unreadable(line: bytes) -> None:
    parse(line, 1)


def test_an_answer_beside_its_request_is_a_body_of_which_it_is_known_what_was_asked() -> None:
    data = b"""{
 "_request": {"type": "fundingHistory", "coin": "BTC", "startTime": 5, "req": {"a": [1]}},
 "_date": ["Mon, 17 Jul 2023 21:43:20 GMT"],
 "response": [{"coin": "BTC"}]
}"""
    params = {"type": "fundingHistory", "coin": "BTC", "startTime": "5", "req": '{"a": [1]}'}
    assert lines(data) == [Captured(1, b'[{"coin": "BTC"}]', request=Request("", params), file="f")]


def test_a_request_may_say_its_method() -> None:
    for method in (b"GET", b"POST"):
        line = b'{"rest":{"endpoint":"' + method + b' /info","params":{"n":5}},"body":"[]"}'
        assert parse(line, 1) == Captured(1, b"[]", request=Request("/info", {"n": "5"}))
