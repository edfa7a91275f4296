"""Frames of other sources and times: every one becomes an event or is explained. Listings of their own: `listing/`."""

from pathlib import Path

import pytest

from services.collector.recorded import Recorded
from services.collector.venues.bybit import VENUE
from shared.instruments import Market
from tests.venues.recordings import counts, frames, kind, messages, recorded

FOLDER = "bybit"
SAMPLES = "JKorf_Bybit.Net__unit_test_samples.json"


def decoder(market: Market | None) -> Recorded:
    return recorded("bybit", market, {"perp": "tickers", "spot": "orderbook.1"})


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
    of = decoder("perp")
    assert counts(messages(of, frames(captures / FOLDER / name, of))) == expected


def test_no_recording_is_left_out(captures: Path) -> None:
    (marked,) = (mark for mark in test_every_frame_is_decoded_or_explained.pytestmark)  # type: ignore[attr-defined]
    assert {path.name for path in (captures / FOLDER).iterdir()} == {name for name, _ in marked.args[1]} | {SAMPLES}


def test_the_documents_samples_are_decoded_or_explained(captures: Path) -> None:
    of = decoder(None)
    found = frames(captures / FOLDER / SAMPLES, of)
    assert counts(messages(of, found)) == {"Ack": 11, "Relist": 4, "Quote": 2, "Stats": 3, "Mark": 1, "Funding": 1} | {
        "Trade": 3,
        "Liquidation": 1,
        "BookSnapshot": 1,
        "Settlement": 1,
        "unused_endpoint": 18,
        "unused_channel": 4,  # candles, an option's book, price limits, the system's status
        "out_of_scope": 3,  # inverse contracts and options
    }
    used = {call.path for call in VENUE.calls}
    unused = [one for one in found if one.request is not None and one.request.endpoint not in used]
    assert {kind(message) for one in unused for message in of.decode(one)} == {"unused_endpoint"}
