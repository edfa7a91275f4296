"""Recorded frames and samples: every frame counted, nothing unexplained."""

from pathlib import Path

import pytest

from services.collector.messages import Message, Unknown
from shared.events import Funding, Mark, Quote, Settlement
from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "backpack"


def decoded(path: Path) -> list[Message]:
    of = recorded("backpack")
    return messages(of, frames(path, of))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # currencies, a ticker, candles, open interest, trades of all and of an account, the exchange's state
        (
            "ccxt_ccxt__rest_docstrings.jsonl",
            {"unused_endpoint": 7, "Relist": 1, "Mark": 1, "Funding": 1, "Settlement": 1, "Refused": 2},
        ),
        # a ticker under the stream's name of another channel; candle, trade, depth
        ("ccxt_ccxt__ws_docstrings.jsonl", {"bad_shape": 1, "Quote": 1, "unused_channel": 3, "Refused": 1}),
        # three of depth, one ticker
        (
            "nemanull_arbitrage-observatory__backpack_websocket.md.jsonl",
            {"unused_channel": 4, "Quote": 1, "Mark": 1, "Funding": 1},
        ),
        ("nemanull_arbitrage-observatory__fundingRates_rest.json", {"Settlement": 2}),
    ],
)
def test_every_recorded_frame_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    assert counts(decoded(captures / FOLDER / name)) == expected


def test_the_genuine_frames_say_what_was_written_down(captures: Path) -> None:
    made = decoded(captures / FOLDER / "nemanull_arbitrage-observatory__backpack_websocket.md.jsonl")
    at, due = 1790134357846930000, 1790136000000000000
    assert [one for one in made if not isinstance(one, Unknown)] == [
        Quote(
            "BTC/USDC:USDC",
            *("86655.9", "1.94230", "86656.0", "2.01178"),
            1790134357267074000,
            0,
            "ws",
            6730019258,
        ),
        Mark("AAPL/USDC:USDC", "340.43", "340.52", at, 0),
        Funding("AAPL/USDC:USDC", "0.00000625", "1", due, None, at, 0),
    ]
    paid = decoded(captures / FOLDER / "nemanull_arbitrage-observatory__fundingRates_rest.json")
    assert paid == [
        Settlement("BTC/USDC:USDC", "0.0000125", "1", due, None, 0),
        Settlement("BTC/USDC:USDC", "0.000010077", "1", due - 3_600_000_000_000, None, 0),
    ]
