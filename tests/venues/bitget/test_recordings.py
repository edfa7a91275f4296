"""Recorded frames of three versions: every one counted, every book in step, every checksum met."""

import json
from pathlib import Path

import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.messages import BookDelta, BookSnapshot, Message
from services.collector.table import Table
from services.collector.venue import DecoderOptions
from services.collector.venues.bitget import VENUE
from shared.events import Book, Liquidation, Quote, State
from tests.venues.bitget.test_instruments import body, perp_row, spot_row
from tests.venues.recordings import counts, frames, messages, recorded

FOLDER = "bitget"
SAMPLES = "JKorf_Bitget.Net__unit_test_samples.json"
#: what the samples' answers were asked with, where they do not say: those without a product are of USDT contracts
ASKED = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES"}


def decoded(path: Path) -> list[Message]:
    of = recorded("bitget")
    found = frames(path, of)
    of.choose_quotes(found)
    return messages(of, found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "tardis-node__bitget_futures_v2.jsonl",
            # coin-margined contracts, one of them dated
            {
                "Ack": 3,
                "out_of_scope": 2,
                "BookSnapshot": 2,
                "BookDelta": 1,
                "Quote": 2,
                "Mark": 1,
                "Funding": 1,
                "Stats": 1,
            },
        ),
        (
            "tardis-node__bitget_futures_v3.jsonl",
            {
                "Trade": 1,
                "Replayed": 1,
                "BookSnapshot": 1,
                "BookDelta": 1,
                "Quote": 1,
                "Mark": 1,
                "Funding": 1,
                "Stats": 1,
                "Liquidation": 2,
            },
        ),
        (
            "tardis-node__bitget_spot_v2.jsonl",
            {"Trade": 2, "Ack": 2, "Replayed": 1, "BookSnapshot": 2, "BookDelta": 1, "Quote": 1},
        ),
        (
            "tardis-node__bitget_spot_v3.jsonl",
            {"Trade": 1, "Replayed": 1, "BookSnapshot": 1, "BookDelta": 1, "Quote": 1},
        ),
        # v1 and what was before it: retired, told by the names of their products, tables and fields
        ("crypto-msg-parser__test_frames.jsonl", {"old_api": 34}),
        ("cryptofeed__BITGET.0", {"old_api": 3}),
        ("cryptofeed__BITGET.ws.1.0", {"old_api": 684}),
        ("cryptofeed__BITGET.ws.2.0", {"old_api": 473}),
    ],
)
def test_every_recorded_frame_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    assert counts(decoded(captures / FOLDER / name)) == expected


def test_a_recorded_empty_side_is_none(captures: Path) -> None:
    quotes = [
        one for one in decoded(captures / FOLDER / "tardis-node__bitget_futures_v2.jsonl") if isinstance(one, Quote)
    ]
    assert [(one.bid, one.bid_size, one.ask, one.ask_size) for one in quotes] == [
        ("0.3553", "112096", "0.3555", "10230"),
        (None, None, "1.4138", "4.58"),
    ]


def test_recorded_liquidations_are_whole_numbers_of_lots(captures: Path) -> None:
    made = decoded(captures / FOLDER / "tardis-node__bitget_futures_v3.jsonl")
    assert [(one.symbol, one.side, one.size) for one in made if isinstance(one, Liquidation)] == [
        ("APE/USDT:USDT", "sell", "83.1"),
        ("IP/USDT:USDT", "sell", "286.5"),
    ]


@pytest.mark.parametrize(
    ("name", "product", "books", "updates"),
    [("cryptofeed__BITGET.ws.1.0", "SPOT", 8, 435), ("cryptofeed__BITGET.ws.2.0", "USDT-FUTURES", 2, 192)],
)
def test_every_checksum_of_a_recorded_session_is_met(
    captures: Path, name: str, product: str, books: int, updates: int
) -> None:
    """The books of v1 were those of v2 with another name of the product: as such they prove the checksum."""
    pushed = [json.loads(one.frame) for one in frames(captures / FOLDER / name, recorded("bitget"))]
    pushed = [frame for frame in pushed if frame["arg"]["channel"] == "books" and "data" in frame]
    natives = sorted({frame["arg"]["instId"] for frame in pushed})
    make = spot_row if product == "SPOT" else perp_row
    rows = [make(symbol=native, baseCoin=native.removesuffix("USDT")) for native in natives]
    decode = VENUE.decoder(Table(VENUE.listing({"x": body(*rows)})), DecoderOptions())
    rules = BookRules(VENUE.follows, VENUE.resync, VENUE.verify, min_interval_ns=0)
    syncs: dict[str, BookSync] = {}
    pictures = 0
    for frame in pushed:
        frame["arg"]["instType"] = product
        [message] = decode(json.dumps(frame).encode(), 1)
        assert isinstance(message, BookSnapshot | BookDelta)
        assert message.checksum
        made = syncs.setdefault(message.symbol, BookSync(message.symbol, rules)).take(message)
        assert not any(isinstance(output, State) for output in made)
        pictures += sum(isinstance(output, Book) for output in made)
    assert len(syncs) == books
    assert pictures == books + updates
    assert all(sync.status == "live" and sync.counters.checksum_failures == 0 for sync in syncs.values())


def test_no_recording_is_left_out(captures: Path) -> None:
    (marked,) = (mark for mark in test_every_recorded_frame_is_accounted_for.pytestmark)  # type: ignore[attr-defined]
    assert {path.name for path in (captures / FOLDER).iterdir()} == {name for name, _ in marked.args[1]} | {SAMPLES}


def test_every_sample_of_the_exchange_is_accounted_for(captures: Path) -> None:
    of = recorded("bitget", quotes={"spot": "ticker", "perp": "ticker"})
    made = counts(messages(of, frames(captures / FOLDER / SAMPLES, of, ASKED)))
    assert made == {
        "Relist": 3,
        "Quote": 5,
        "Mark": 3,
        "Funding": 4,
        "Stats": 7,
        "Settlement": 4,
        "BookSnapshot": 5,
        "Trade": 10,
        "Replayed": 4,
        "Ack": 14,
        "unused_endpoint": 13,  # candles, coins, the server's time, ...
        "unused_channel": 4,  # candles, an account's equity
        "event_login": 2,
        "out_of_scope": 4,  # coin-margined, dated, an account's own
        "other_quote_channel": 1,
    }
