"""Recorded frames of the exchange, with listings that name what they speak of: every one accounted for."""

from pathlib import Path

import pytest

from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "hyperliquid"
SDK = "hyperliquid-dex_hyperliquid-python-sdk__test_get_"


EXPECTED: list[tuple[str, dict[str, int]]] = [
    (
        "nemanull_arbitrage-observatory__hyperliquid_websocket.md.jsonl",
        {"Ack": 2, "BookSnapshot": 4, "Quote": 1, "Mark": 1, "Funding": 1, "Stats": 1}
        | {"Trade": 1, "Pong": 1, "unused_channel": 1},  # a candle
    ),
    (
        "tardis-dev_tardis-node__mappers.test.ts.jsonl",
        {"Trade": 6, "BookSnapshot": 2, "Mark": 1, "Funding": 1, "Stats": 2, "Quote": 2},
    ),
    (
        "ccxt_ccxt__ws_docstrings.jsonl",  # mids, a candle, an answer to an order
        {"BookSnapshot": 1, "Mark": 1, "Funding": 1, "Stats": 1, "Trade": 1, "Refused": 1, "Ack": 2}
        | {"unused_channel": 3},
    ),
    (
        "ccxt_ccxt__rest_docstrings.jsonl",  # a book whose numbers were made text; accounts, candles, parts of rows
        {"Relist": 1, "Mark": 1, "Funding": 1, "Stats": 1, "Settlement": 1, "Refused": 1}
        | {"bad_shape": 1, "unused_endpoint": 10},
    ),
    (
        "dzmbs_hyperliquid-docs__info_and_ws_examples.jsonl",  # accounts, vaults, auctions, outcomes; sent by clients
        {"Relist": 3, "Mark": 6, "Funding": 7, "Stats": 6, "Settlement": 1, "Quote": 1, "BookSnapshot": 1, "Pong": 1}
        | {"unused_channel": 1, "unused_endpoint": 43, "client_frame": 10},
    ),
    (f"{SDK}all_mids.json", {"unused_endpoint": 1}),
    (f"{SDK}candles_snapshot_1.json", {"unused_endpoint": 1}),
    (f"{SDK}info.json", {"Relist": 1}),
    (f"{SDK}candles_snapshot.json", {"Relist": 1}),
    (f"{SDK}l2_snapshot.json", {"Relist": 1}),
    (f"{SDK}l2_snapshot_1.json", {"Quote": 1, "BookSnapshot": 1}),
    (f"{SDK}funding_history_None.json", {"Relist": 1}),
    (f"{SDK}funding_history_None_1.json", {"Settlement": 1038}),
    (f"{SDK}funding_history_1684811870000.json", {"Relist": 1}),
    (f"{SDK}funding_history_1684811870000_1.json", {"Settlement": 34}),
]


@pytest.mark.parametrize(("name", "expected"), EXPECTED)
def test_every_recorded_frame_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    of = recorded("hyperliquid")
    assert counts(messages(of, frames(captures / FOLDER / name, of))) == expected


def test_no_recording_is_left_out(captures: Path) -> None:
    assert {path.name for path in (captures / FOLDER).iterdir()} == {name for name, _ in EXPECTED}
