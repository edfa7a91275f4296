"""Frames of other sources and times: every one becomes an event or is explained. Listings of their own: `listing/`."""

import json
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from services.collector.capture import Captured, read_files
from services.collector.messages import Message, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.bybit import VENUE

FOLDER = "bybit"
LISTING = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "listing").glob("*.json"))}
TABLE = Table(VENUE.listing(LISTING), VENUE.outside(LISTING))


def lines(path: Path) -> list[Captured]:
    return [line for line in read_files([str(path)], BytesIO()) if line.skipped is None]


def kind(message: Message) -> str:
    return message.reason if isinstance(message, Unknown) else type(message).__name__


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # trades and a level of a book without their frames; an answer to nothing
        ("barter-rs__test_frames.jsonl", {"bad_shape": 5, "Pong": 1, "Ack": 1, "Refused": 1, "Trade": 2}
         | {"unused_channel": 1}),
        ("bybit-docs__doc_samples.jsonl", {"Quote": 2, "Mark": 1, "Funding": 1, "Stats": 2, "BookDelta": 1, "Trade": 1}
         | {"Liquidation": 1, "Ack": 5, "Pong": 4, "Relist": 4, "Settlement": 1, "BookSnapshot": 1}
         # a spot ticker; dated contracts, options and inverse ones; books with retail orders and whole ones, price
         # limits; an account's login; klines and the like; what a client sent
         | {"other_market": 1, "out_of_scope": 4, "unused_channel": 3, "unused_answer": 1, "unused_endpoint": 3}
         | {"client_frame": 6}),
        # the second interface, gone since 2022
        ("crypto-msg-parser__test_frames.jsonl", {"old_api": 23}),
        ("cryptofeed__BYBIT.0", {"old_api": 1}),
        ("cryptofeed__BYBIT.ws.25.0", {"old_api": 683}),
        # candles, leveraged tokens; liquidations before 2025-02; a line of a candle and one of an answer
        ("gocryptotrader__inline_frames.jsonl", {"Refused": 2, "Ack": 1, "BookSnapshot": 2, "BookDelta": 2, "Trade": 1}
         | {"Pong": 1, "unused_channel": 4, "old_api": 1, "bad_shape": 2, "unused_endpoint": 2}),
        ("gocryptotrader__wsTicker.json", {"Quote": 4, "Mark": 3, "Funding": 2, "Stats": 2}
         # a spot ticker; inverse contracts, an option
         | {"other_market": 1, "out_of_scope": 3}),
    ],
)  # fmt: skip
def test_every_frame_is_decoded_or_explained(captures: Path, name: str, expected: dict[str, int]) -> None:
    decode = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear", quote_channel={"perp": "tickers"}))
    made: Counter[str] = Counter()
    for line in lines(captures / FOLDER / name):
        messages = decode(line.frame, line.recv or 0, line.request)
        assert messages
        made.update(kind(message) for message in messages)
    assert made == expected


def samples(path: Path) -> Iterator[tuple[str, Request | None, bytes]]:
    """The documents' samples of a client's tests: a REST route and its body, or frames sent (`>`) and received."""
    for sample in json.loads(path.read_bytes()):
        text: str = sample["text"]
        if text.startswith("GET\n"):
            _, route, _, body = text.split("\n", 3)
            yield sample["file"], Request(route), body.encode()
            continue
        pushed = text.partition("\n= ")[2] or text.partition("\n=\n")[2]
        for received in [line[2:] for line in text.splitlines() if line.startswith("< ")] + [pushed]:
            yield sample["file"], None, received.encode()


def test_the_documents_samples_are_decoded_or_explained(captures: Path) -> None:
    used = {call.path for call in VENUE.calls}
    total: Counter[str] = Counter()
    for file, request, body in samples(captures / FOLDER / "JKorf_Bybit.Net__unit_test_samples.json"):
        endpoint = "spot" if "/Spot/" in file else "linear"
        messages: list[Any] = VENUE.decoder(TABLE, DecoderOptions(endpoint=endpoint))(body, 0, request)
        assert messages, file
        if request is not None and request.endpoint not in used:
            assert [kind(message) for message in messages] == ["unused_endpoint"], file
        total.update(kind(message) for message in messages)
    assert total == {"Ack": 11, "Relist": 4, "Quote": 1, "Stats": 3, "Mark": 1, "Funding": 1} | {
        "Trade": 3,
        "Liquidation": 1,
        "BookSnapshot": 1,
        "Settlement": 1,
        "unused_endpoint": 18,
        "unused_channel": 4,  # candles, an option's book, price limits, the system's status
        "out_of_scope": 3,  # inverse contracts and options
    }
