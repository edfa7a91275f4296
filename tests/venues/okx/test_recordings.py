"""Recorded sessions, captures of others and the exchange's own samples: every frame counted, every checksum met."""

from pathlib import Path

import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.messages import BookDelta, BookSnapshot
from services.collector.table import Table
from services.collector.venues.okx import VENUE
from shared.events import Book, State
from tests.venues.recordings import counts, frames, listing, messages, recorded

FOLDER = "okx"
SESSION = "cryptofeed__OKX.ws.1.0"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # bad_shape: an answer to a subscription that a test made up
        ("barter-rs__test_frames.jsonl", {"Refused": 1, "Trade": 1, "bad_shape": 1}),
        (
            "crypto-msg-parser__test_frames.jsonl",
            # v3; inverse and dated contracts, options; candles; REST books that name no instrument
            {"Trade": 2, "Funding": 1, "BookSnapshot": 3, "BookDelta": 1, "Quote": 2, "Stats": 2}
            | {"old_api": 17, "out_of_scope": 31, "unused_channel": 6, "no_request": 6},
        ),
        ("cryptofeed__OKX.0", {"Relist": 25}),
        (
            SESSION,
            # an inverse swap and a dated contract
            {"Ack": 18, "Quote": 25, "Stats": 25, "Trade": 69, "BookSnapshot": 1, "BookDelta": 97}
            | {"out_of_scope": 200},
        ),
        (
            "gocryptotrader__inline_frames.jsonl",
            # bad_shape: orders, strategies and requests for quotes of an account, candles' rows, an instrument's row,
            # arguments of subscriptions
            {"Quote": 1, "Relist": 1, "Trade": 1, "BookSnapshot": 2, "Mark": 1, "Refused": 1}
            | {"bad_shape": 11, "out_of_scope": 5, "unused_channel": 12},
        ),
        ("gocryptotrader__wsAllTrades.json", {"Trade": 2}),
        (
            "JKorf_OKX.Net__unit_test_samples.json",
            # bad_shape: a book's picture without its action; no_request: a REST book whose instrument is not told
            {"Funding": 1, "Mark": 3, "Stats": 2, "Trade": 5, "Relist": 2, "Ack": 16}
            | {"unused_endpoint": 31, "out_of_scope": 8, "no_request": 1, "unused_channel": 8, "bad_shape": 1}
            | {"event_login": 1},
        ),
        (
            "okx-docs__doc_samples.jsonl",
            {"Trade": 6, "Ack": 34, "Refused": 34, "BookSnapshot": 2, "BookDelta": 1, "Quote": 2, "Stats": 5}
            | {"Closing": 1, "Funding": 2, "Mark": 6, "Relist": 4, "Liquidation": 2}
            | {"unused_endpoint": 55, "no_request": 3, "out_of_scope": 13, "unused_channel": 16}
            | {"event_channel_conn_count": 1, "event_login": 1, "client_frame": 41},
        ),
        # v3 beside v5; dated contracts
        (
            "tardis-node__okex_futures.jsonl",
            {"Ack": 1, "Mark": 1, "old_api": 17, "out_of_scope": 9, "unused_channel": 3},
        ),
        (
            "tardis-node__okex_spot.jsonl",
            {"Ack": 1, "Trade": 2, "BookSnapshot": 1, "BookDelta": 1, "Quote": 1, "Stats": 1, "old_api": 7},
        ),
    ],
)
def test_every_recorded_frame_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    of = recorded("okx")
    found = frames(captures / FOLDER / name, of)
    of.choose_quotes(found)
    assert counts(messages(of, found)) == expected


def test_no_recording_is_left_out(captures: Path) -> None:
    (marked,) = (mark for mark in test_every_recorded_frame_is_accounted_for.pytestmark)  # type: ignore[attr-defined]
    assert {path.name for path in (captures / FOLDER).iterdir()} == {name for name, _ in marked.args[1]}


def test_the_fixtures_say_of_an_instrument_what_a_recorded_listing_says(captures: Path) -> None:
    of = recorded("okx")
    bodies = [one.frame for one in frames(captures / FOLDER / "cryptofeed__OKX.0", of)]
    there = Table([one for body in bodies for one in VENUE.listing({VENUE.is_listing(body) or "": body})]).by_symbol
    ours = listing("okx").table.by_symbol
    assert len(ours.keys() & there.keys()) == 12
    for symbol in ours.keys() & there.keys():
        assert ours[symbol] == there[symbol]


def test_every_checksum_of_a_recorded_session_is_met(captures: Path) -> None:
    of = recorded("okx")
    sync = BookSync("BTC/USDT", BookRules(VENUE.follows, VENUE.resync, VENUE.verify, min_interval_ns=0))
    made = messages(of, frames(captures / FOLDER / SESSION, of))
    changes = [one for one in made if isinstance(one, BookSnapshot | BookDelta)]
    assert {one.symbol for one in changes} == {"BTC/USDT"}
    assert all(one.checksum is not None for one in changes)
    said = [output for change in changes for output in sync.take(change)]
    assert sum(isinstance(output, Book) for output in said) == len(changes) == 98
    assert not any(isinstance(output, State) for output in said)
    assert (sync.status, sync.counters.checksum_failures) == ("live", 0)
