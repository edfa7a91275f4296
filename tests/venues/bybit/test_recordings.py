"""Frames of other sources and times: every one becomes an event or is explained. Listings of their own: `listing/`."""

from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from services.collector.capture import Captured, elements, read_files
from services.collector.messages import Message, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions
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


def test_the_documents_samples_are_decoded_or_explained(captures: Path) -> None:
    """Transcripts of a client's tests; both markets' samples as those of perpetuals."""
    (whole,) = lines(captures / FOLDER / "JKorf_Bybit.Net__unit_test_samples.json")
    decode = VENUE.decoder(TABLE, DecoderOptions(endpoint="linear"))
    total: Counter[str] = Counter()
    for one in elements(whole):
        if one.skipped is None:
            messages = decode(one.frame, 0, one.request)
            assert messages
            total.update(kind(message) for message in messages)
    assert total == {"Ack": 11, "Relist": 4, "Quote": 1, "Stats": 2, "Mark": 1, "Funding": 1, "Trade": 3} | {
        "Liquidation": 1,
        "BookSnapshot": 1,
        "Settlement": 1,
        "unused_endpoint": 18,
        "unused_channel": 4,  # candles, an option's book, price limits, the system's status
        "out_of_scope": 3,  # inverse contracts and options
        "other_market": 1,  # a spot ticker
    }
