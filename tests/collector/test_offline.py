"""The decoding tool: what it prints, what it says, how it ends."""

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from services.collector.offline import main

CASES = Path(__file__).parents[1] / "venues"
OKX = CASES / "okx"
CONTRACT = {
    "quote": "symbol bid bid_size ask ask_size ts recv source seq",
    "trade": "symbol price size side id ts recv flag",
    "book": "symbol bids asks seq ts recv source",
    "depth": "symbol bands total_bid_size total_ask_size ts recv",
    "mark": "symbol mark index ts recv source",
    "funding": "symbol rate interval_h next_ts funding_index ts recv source",
    "settlement": "symbol rate interval_h settle_ts mark recv",
    "liquidation": "symbol side price size ts recv id price_kind",
    "stats": "symbol last volume turnover open_interest ts recv open_interest_value source",
    "state": "symbol state reason recv",
    "ack": "topic id",
    "refused": "topic id code reason",
    "pong": "",
    "unknown": "reason native",
}


@pytest.fixture
def listings(tmp_path: Path) -> list[str]:
    """The tool's arguments for the instruments of the cases, a file for each listing body."""
    arguments = ["--venue", "okx"]
    for call, body in json.loads((OKX / "books" / "instruments.json").read_text()).items():
        (tmp_path / f"{call}.json").write_text(json.dumps(body, indent=2))
        arguments += ["--instruments", str(tmp_path / f"{call}.json")]
    return arguments


class Ran:
    def __init__(self, arguments: list[str], stdin: bytes = b"") -> None:
        out, err = io.BytesIO(), io.StringIO()
        self.status = main(arguments, io.BytesIO(stdin), out, err)
        self.out: list[dict[str, Any]] = [json.loads(line) for line in out.getvalue().splitlines()]
        self.err = err.getvalue()


QUOTE = (
    b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"data":[{"asks":[["101","2","0","1"]],'
    b'"bids":[["100","150","0","1"]],"ts":"1785926301005","seqId":7}]}\n'
)


def test_an_event_is_printed_whole(listings: list[str]) -> None:
    ran = Ran([*listings, "-"], b"1785926301.0391: " + QUOTE)
    assert ran.status == 0
    assert ran.out == [
        {
            "kind": "quote",
            "symbol": "BTC/USDT:USDT",
            "bid": "100",
            "bid_size": "1.5",
            "ask": "101",
            "ask_size": "0.02",
            "ts": 1785926301005000000,
            "recv": 1785926301039100000,
            "source": "ws",
            "seq": 7,
            "channel": "bbo-tbt",
            "frame": 1,
        }
    ]


#: the tool finds out by itself which quotes count, and takes terms among the frames for part of the listing
FOUND_OUT = sorted(
    path
    for path in OKX.glob("*/frames.jsonl")
    if "quote_channel" not in (path.parent / "case.json").read_text()
    and '/public/funding-rate"' not in path.read_text()
)


@pytest.mark.parametrize("case", FOUND_OUT, ids=lambda path: path.parent.name)
def test_the_tool_prints_what_the_case_says_under_the_contracts_names(listings: list[str], case: Path) -> None:
    ran = Ran([*listings, str(case)])
    assert ran.status == 0
    assert ran.out == [json.loads(line) for line in (case.parent / "events.jsonl").read_text().splitlines()]
    for line in ran.out:
        if line["kind"] in CONTRACT:
            extra = {"kind", "channel", "frame", "replayed", "busy", "whole"}
            assert [name for name in line if name not in extra] == CONTRACT[line["kind"]].split()


def test_the_users_overrides_count(listings: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    monkeypatch.setenv("OVERRIDES", str(path))
    path.write_text(
        "[[instrument]]\nvenue = 'okx'\nnative = 'BTC-USDT-SWAP'\nasset = 'BTCX'\nmultiplier = 10\n"
        "[[instrument]]\nvenue = 'okx'\nnative = 'NOPE'\ntrust = true\n"
        "[[instrument]]\nvenue = 'bybit'\nnative = 'ELSEWHERE'\ntrust = true\n"
    )
    ran = Ran([*listings, "-"], QUOTE)
    assert [(line["symbol"], line["bid"], line["bid_size"]) for line in ran.out] == [("BTCX/USDT:USDT", "10", "15")]
    assert ran.err == "Overrides of what is not listed here: 'NOPE'.\n1 frames decoded, 0 lines skipped.\n"
    path.write_text("[[instrument]]\nvenue = 'okx'\nnative = 'A'\nasset = 'btc'\n")
    ran = Ran([*listings, "-"], QUOTE)
    assert (ran.status, ran.out) == (2, [])
    assert ran.err == "mine.toml, instrument 1, asset='btc': expected a coin's symbol in capitals\n"


def test_lines_that_are_no_frames_are_counted(listings: list[str]) -> None:
    opened = b'wss://h/p <-> 1785926300.5\nwss://h/p <- 1785926300.6: {"op":"subscribe"}\n'
    text = opened + b'\n{"op":"subscribe"}\n1785926301.0: pong\n'
    ran = Ran([*listings, "-"], text)
    assert [line["kind"] for line in ran.out] == ["pong"]
    assert ran.out[0]["frame"] == 5
    assert ran.err == "1 frames decoded, 4 lines skipped (1 blank, 2 client, 1 connect).\n"


def test_a_line_that_is_no_frame_is_unknown_and_the_tool_goes_on(listings: list[str]) -> None:
    ran = Ran([*listings, "-"], b"what is this\n" + QUOTE)
    assert ran.out[0] == {"kind": "unknown", "reason": "not_json", "native": None, "channel": None, "frame": 1}
    assert ran.out[1]["kind"] == "quote"


def test_an_instrument_that_nobody_listed_is_unknown() -> None:
    ran = Ran(["--venue", "okx", "-"], QUOTE)
    assert ran.status == 0
    assert (ran.out[0]["reason"], ran.out[0]["native"]) == ("unknown_symbol", "BTC-USDT-SWAP")


def test_what_is_unknown_is_counted_by_reason_and_missing_instruments_are_said(listings: list[str]) -> None:
    text = QUOTE + b"what is this\n" + QUOTE.replace(b"BTC-USDT-SWAP", b"NOPE")
    assert Ran([*listings, "-"], text).err == (
        "2 unknown (1 not_json, 1 unknown_symbol).\n3 frames decoded, 0 lines skipped.\n"
    )
    assert Ran(["--venue", "okx", "-"], text).err == (
        "No instruments are known: give the venue's own REST listing, --instruments FILE.\n"
        "3 unknown (1 not_json, 2 unknown_symbol).\n3 frames decoded, 0 lines skipped.\n"
    )


@pytest.mark.parametrize("text", [b"", b"pong", b"pong\n", b"[]", b'{"a":1}\n'])
def test_the_end_of_a_file_is_no_line(listings: list[str], text: bytes) -> None:
    assert Ran([*listings, "-"], text).err.endswith(f"{1 if text else 0} frames decoded, 0 lines skipped.\n")


@pytest.mark.parametrize(
    "line",
    [
        b'{"b64":"###"}',
        b'{"b64":5}',
        b'{"hex":"xyz"}',
        b'{"hex":null}',
        b'{"rest":{"path":"/x"},"body":{}}',
        b'{"rest":{"endpoint":5},"body":"x"}',
        b'{"rest":"/x","b64":"#"}',
    ],
)
def test_a_wrapper_whose_frame_cannot_be_taken_out_says_so(listings: list[str], line: bytes) -> None:
    ran = Ran([*listings, "-"], line + b"\n" + QUOTE)
    assert [one.get("reason", one["kind"]) for one in ran.out] == ["bad_wrapper", "quote"]


class Full(io.BytesIO):
    """A disk without space."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_cannot_be_written_is_said() -> None:
    err = io.StringIO()
    assert main(["--venue", "okx", "-"], io.BytesIO(QUOTE), Full(), err) == 2
    assert err.getvalue() == "Cannot write: No space left on device.\n"


def test_files_are_merged_by_receive_time_and_named(listings: list[str], tmp_path: Path) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    early.write_bytes(b"1785926301.0: pong\n1785926303.0: pong\n")
    late.write_bytes(b"1785926302.0: pong\n")
    ran = Ran([*listings, str(late), str(early)])
    assert [(Path(line["file"]).name, line["frame"]) for line in ran.out] == [("early", 1), ("late", 1), ("early", 2)]


def test_a_file_may_be_one_body(listings: list[str], tmp_path: Path) -> None:
    row = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "200", "ts": "1597026383085"}
    (tmp_path / "body.json").write_text(json.dumps({"code": "0", "msg": "", "data": [row]}, indent=1))
    ran = Ran([*listings, str(tmp_path / "body.json")])
    assert [(line["kind"], line["mark"], line["source"]) for line in ran.out] == [("mark", "200", "rest")]


def test_a_listing_among_the_frames_is_taken(tmp_path: Path) -> None:
    body = json.dumps(json.loads((OKX / "books" / "instruments.json").read_text())["swap"]).encode()
    text = b"https://h/api/v5/public/instruments?instType=SWAP -> 1785926300.0: " + body + b"\n1785926301.0: " + QUOTE
    assert [line["kind"] for line in Ran(["--venue", "okx", "-"], text).out] == ["relist", "quote"]


def test_listings_may_come_in_parts_and_as_recorded(tmp_path: Path) -> None:
    rows = json.loads((OKX / "books" / "instruments.json").read_text())["swap"]["data"]
    arguments = ["--venue", "okx"]
    for number, row in enumerate(rows):
        body = json.dumps({"code": "0", "data": [row]})
        text = body if number else f"https://h/api/v5/public/instruments -> 1785926300.0: {body}\nconfiguration: {{}}\n"
        (tmp_path / str(number)).write_text(text)
        arguments += ["--instruments", str(tmp_path / str(number))]
    assert [line["symbol"] for line in Ran([*arguments, "-"], QUOTE).out] == ["BTC/USDT:USDT"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--venue", "nowhere", "-"], "Venue 'nowhere' does not exist"),
        (["--venue", "okx", "/no/such/file"], "Cannot read /no/such/file: No such file or directory."),
        (["--venue", "okx", "--instruments", "/no/such/file", "-"], "Cannot read /no/such/file"),
        (["--venue", "okx", "/"], "Cannot read /: Is a directory."),
        (["--venue", "okx", "--market", "moon", "-"], "--market: 'moon'"),
        (["--venue", "okx"], "FRAMES"),
        (["--venue", "okx", "-", "-"], "only once"),
        (["--venue", "okx", "--instruments", "-", "-"], "--instruments takes files"),
        (["-"], "--venue"),
    ],
)
def test_what_cannot_be_used_ends_with_one_sentence_and_status_2(arguments: list[str], said: str) -> None:
    ran = Ran(arguments)
    assert ran.status == 2
    assert ran.out == []
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_instruments_that_are_no_json_end_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "listing").write_text("<html>\n")
    ran = Ran(["--venue", "okx", "--instruments", str(tmp_path / "listing"), "-"])
    assert ran.status == 2
    assert ran.err.endswith("it holds no JSON.\n")


@pytest.mark.parametrize("text", ["[]", "[7]", "{}", QUOTE.decode()])
def test_instruments_that_are_no_listing_are_said_and_the_tool_goes_on(tmp_path: Path, text: str) -> None:
    (tmp_path / "listing").write_text(text)
    ran = Ran(["--venue", "okx", "--instruments", str(tmp_path / "listing"), "-"], b"pong")
    assert (ran.status, [one["kind"] for one in ran.out]) == (0, ["pong"])
    assert ran.err.startswith(f"{tmp_path / 'listing'} holds no instrument listing of this venue.\n")


def test_a_refused_listing_ends_with_what_the_venue_said(tmp_path: Path) -> None:
    (tmp_path / "listing").write_text(
        '{"code":"50011","msg":"Too Many Requests","data":[{"instType":"SPOT","tickSz":"1","lotSz":"1"}]}'
    )
    ran = Ran(["--venue", "okx", "--instruments", str(tmp_path / "listing"), "-"])
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "Too Many Requests" in ran.err


def test_a_frame_that_does_not_tell_its_market_asks_for_it() -> None:
    kline = b'{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}\n'
    ran = Ran(["--venue", "binance", "-"], b"\n" + kline)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, [], 1)
    assert "line 2 of standard input" in ran.err
    assert "--market spot or --market perp" in ran.err
    assert Ran(["--venue", "binance", "--market", "spot", "-"], kline).status == 0


def test_the_connection_tells_the_market_where_the_frame_does_not() -> None:
    opened = b"wss://fstream.binance.com/stream <-> 1785926300.5\n"
    frame = b'1785926301.0: {"e":"24hrMiniTicker","E":1,"s":"X","c":"1"}\n'
    assert Ran(["--venue", "binance", "-"], opened + frame).status == 0


def test_recorded_sessions_are_decoded_without_a_loss(captures: Path) -> None:
    okx = captures / "okx"
    ran = Ran(["--venue", "okx", "--instruments", str(okx / "cryptofeed__OKX.0"), str(okx / "cryptofeed__OKX.ws.1.0")])
    kinds = [line["kind"] for line in ran.out]
    assert len({line["frame"] for line in ran.out}) == 410
    assert (kinds.count("delta"), kinds.count("snapshot"), kinds.count("state")) == (97, 1, 0)
    assert (kinds.count("book"), kinds.count("trade"), kinds.count("quote")) == (98, 69, 25)
    assert {line["reason"] for line in ran.out if line["kind"] == "unknown"} == {"out_of_scope"}
    best = [line for line in ran.out if line["kind"] == "book"][-1]
    assert float(best["bids"][0][0]) < float(best["asks"][0][0])
    assert ran.err == "200 unknown (200 out_of_scope).\n410 frames decoded, 4 lines skipped (3 client, 1 connect).\n"
