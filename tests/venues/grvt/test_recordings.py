"""Recorded frames and the specification's samples: every frame counted, nothing unexplained."""

import json
from pathlib import Path

import pytest

from services.collector.capture import Captured
from services.collector.messages import Refused
from services.collector.player import Player
from services.collector.recorded import Recorded
from services.collector.venues import VENUES
from shared.events import Quote
from tests.collector.live import Kept
from tests.venues.recordings import counts, frames, listing, messages, recorded

FOLDER = "grvt"


@pytest.mark.parametrize(
    ("name", "length", "expected"),
    [
        (
            "ccxt_ccxt__rest_docstrings.jsonl",
            9,
            # candles; and a row of the minutes between two payments, twice
            {"Relist": 1, "Quote": 2, "Mark": 2, "Funding": 2, "Stats": 2, "BookSnapshot": 1, "Trade": 1}
            | {"unused_endpoint": 2, "not_a_payment": 2},
        ),
        (
            "ccxt_ccxt__ws_docstrings.jsonl",
            9,
            # the picture of a delta feed was written down without its fields, its deltas not all; a picture beside
            # the deltas; a candle
            {"Ack": 1, "incomplete": 1, "Funding": 1, "Stats": 1, "Mark": 2, "gap": 1, "Replayed": 1}
            | {"unused_channel": 1, "BookSnapshot": 1, "Refused": 1},
        ),
        (
            "gravity-technologies_api-spec__market_data_api.md.jsonl",
            44,
            # every sample in both encodings; currency, supported assets, margin rules, candles
            {"client_frame": 18, "Relist": 4, "Refused": 2, "unused_endpoint": 8, "Quote": 4, "Mark": 4, "Funding": 2}
            | {"Stats": 2, "BookSnapshot": 2, "Trade": 4, "Settlement": 2},
        ),
        (
            "gravity-technologies_api-spec__market_data_streams.md.jsonl",
            67,
            # doubled: both encodings of one delta have the same number; candles; mini.s beside mini.d
            {"client_frame": 24, "Ack": 24, "Refused": 3, "Quote": 1, "Mark": 6, "doubled": 2}
            | {"Funding": 3, "Stats": 3, "BookSnapshot": 2, "BookDelta": 2, "Trade": 2, "unused_channel": 2},
        ),
        (
            "unnamed-trader__grvt_frames.jsonl",
            10,
            # a delta whose picture was not recorded; a picture beside the deltas
            {"Ack": 2, "BookSnapshot": 2, "BookDelta": 3, "Mark": 1, "incomplete": 1, "Refused": 1},
        ),
    ],
)
def test_every_recorded_frame_is_accounted_for(
    captures: Path, name: str, length: int, expected: dict[str, int]
) -> None:
    of = recorded("grvt", quotes={"perp": "v1.mini.d"})
    found = frames(captures / FOLDER / name, of)
    assert len(found) == length
    made = messages(of, found)
    assert all(message.reason for message in made if isinstance(message, Refused))
    assert counts(made) == expected


def frame(seq: int, before: int, **fields: str) -> Captured:
    feed = {"event_time": "1790586065000000000", "instrument": "BTC_USDT_Perp", **fields}
    push = {"stream": "v1.mini.d", "selector": "BTC_USDT_Perp@0", "sequence_number": str(seq), "feed": feed}
    return Captured(1, json.dumps({**push, "prev_sequence_number": str(before)}).encode(), recv=1)


def test_a_change_that_a_recording_lacks_is_said_when_it_is_played() -> None:
    known, kept = listing("grvt"), Kept()
    player = Player(Recorded(VENUES["grvt"], known, None, {"perp": "v1.mini.d"}), known.table, 1, kept)
    player.serve(1)
    whole = {
        "best_bid_price": "1",
        "best_bid_size": "2",
        "best_ask_price": "3",
        "best_ask_size": "4",
        "mark_price": "2",
    }
    for recv, one in enumerate(
        (frame(0, 0, **whole), frame(5, 4), frame(7, 6, best_bid_size="9"), frame(0, 0, **whole))
    ):
        player.play(one, recv + 2)
    assert kept.states("quote", "BTC/USDT:USDT") == ["up", "down", "up"]
    assert kept.states("mark", "BTC/USDT:USDT") == ["up", "down", "up"]
    assert [(quote.bid_size, quote.seq) for quote in kept.of(Quote)] == [("2", 0), ("2", 5), ("2", 0)]
