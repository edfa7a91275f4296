from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.simulator.options import OptionError
from services.simulator.recorded import Answer, posted
from services.simulator.recording import Reader, Recording, load
from services.simulator.venues import VENUES

SESSION = """\
wss://stream.binance.com:9443/stream?streams=aaausdt@bookTicker <-> 1700000000.5
wss://stream.binance.com:9443/stream <- 1700000000.6: {"method":"LIST_SUBSCRIPTIONS","id":1}
https://api.binance.com/api/v3/depth?symbol=AAAUSDT&limit=1000 -> 1700000000.7: {"lastUpdateId":3,"bids":[],"asks":[]}
1700000001.0: {"stream":"aaausdt@bookTicker","data":{"u":4,"s":"AAAUSDT","b":"1.0","B":"2","a":"1.1","A":"3"}}

1700000001.5: {"stream":"aaausdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"AAAUSDT","U":4,"u":5,"b":[],"a":[]}}
1700000001.6: {"result":null,"id":1}
"""
CAPTURE = """\
{"capture": 1, "venue": "okx", "schema": "v1"}
{"recv": 1700000002000000000, "rest": {"endpoint": "/api/v5/public/time", "params": {"a": 1}}, "body": "{}"}
{"recv": 1700000003250000000, "conn": "public/1", "payload": "{\\"arg\\":{\\"channel\\":\\"tickers\\",\\"instId\\":\\"A-B\\"},\\"data\\":[{}]}"}
{"recv": 1700000003500000000, "conn": "public/1", "b64": "cG9uZw=="}
{"recv": "soon", "payload": "{}"}
"""  # noqa: E501 - lines as they are recorded


def write(path: Path, name: str, text: str) -> Path:
    (path / name).write_text(text, encoding="utf-8")
    return path / name


def test_a_recorded_session_is_read_line_by_line(tmp_path: Path) -> None:
    recording = load([write(tmp_path, "a", SESSION)])
    assert [(frame.at, frame.venue, frame.family) for frame in recording.frames] == [
        (0.0, "binance", "spot/aaausdt@bookTicker"),
        (0.5, "binance", "spot/aaausdt@depth"),
    ]
    assert recording.frames[0].payload.startswith(b'{"u":4')
    (answer,) = recording.answers
    assert (answer.path, answer.params) == ("/api/v3/depth", frozenset({("symbol", "AAAUSDT"), ("limit", "1000")}))
    assert answer.at < 0
    assert recording.counts == {"connect": 1, "client": 1, "answers": 1, "frames": 2, "blank": 1, "no_data": 1}


def test_a_capture_of_the_product_is_read_too(tmp_path: Path) -> None:
    recording = load([write(tmp_path, "b", CAPTURE)])
    assert [(frame.venue, frame.family) for frame in recording.frames] == [("okx", "tickers:A-B")]
    assert recording.answers[0].params == frozenset({("a", "1")})
    assert recording.counts == {"header": 1, "answers": 1, "frames": 1, "no_data": 1, "without_time": 1}


def test_files_of_one_session_keep_their_distance_and_other_sessions_start_together(tmp_path: Path) -> None:
    later = SESSION.replace("17000000", "18000000")
    files = [write(tmp_path, "a", SESSION), write(tmp_path, "b", CAPTURE), write(tmp_path, "c", later)]
    recording = load(files)
    assert [frame.at for frame in recording.frames] == pytest.approx([0.0, 0.0, 0.5, 0.5, 2.25], abs=1e-6)
    assert recording.length_s == pytest.approx(2.25, abs=1e-6)


@pytest.mark.parametrize("text", ["", "hello\nworld\n", "1700000001.0: pong\n"])
def test_a_file_with_nothing_to_play_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError, match="holds no frame"):
        load([write(tmp_path, "a", text)])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="nowhere"):
        load([tmp_path / "nowhere"])


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_line_breaks_the_reader_nor_any_venue(line: bytes) -> None:
    for venue in VENUES.values():
        found = venue.recorded.family("", line)
        assert found is None or venue.recorded.instruments(found[0]) is not None
        venue.recorded.looks(line)
        assert not venue.recorded.listed(Answer(0.0, venue.name, "", "/nowhere", frozenset(), line))
    Reader(Recording()).line(line.decode("utf-8", "replace"))


def test_a_posted_question_is_told_by_what_was_posted() -> None:
    asked = frozenset({("type", "meta"), ("dex", "1"), ("deep", '{"a":[1]}')})
    assert posted(b'{"type":"meta","dex":1,"deep":{"a":[1]}}') == asked
    assert posted(b"") == frozenset()
    assert posted(b"{nothing") == frozenset({("", "{nothing")})
    lines = (
        '{"recv": 1, "rest": {"endpoint": "/info", "params": {"type": "meta", "dex": 1}}, "body": "{}"}',
        '{"recv": 1, "rest": {"endpoint": "/info", "body": {"type": "meta", "dex": 1}}, "body": "{}"}',
        '{"recv": 1, "rest": {"endpoint": "/info", "body": "{\\"type\\":\\"meta\\",\\"dex\\":1}"}, "body": "{}"}',
    )
    reader = Reader(Recording())
    reader.line('{"capture": 1, "venue": "okx"}')
    for line in lines:
        reader.line(line)
    assert [answer.params for answer in reader.answers] == [frozenset({("type", "meta"), ("dex", "1")})] * 3


def test_what_is_of_no_venue_is_counted() -> None:
    reader = Reader(Recording())
    reader.line("https://exchange.example/api -> 1700000000.7: {}")
    assert (reader.answers, reader.counts) == ([], {"unplaced": 1})
