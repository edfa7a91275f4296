"""Recorded sessions, with the REST depth that belongs to them: every frame counted, every book in step."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.messages import BookDelta, BookSnapshot, Message
from services.collector.recorded import MARKETS, Recorded
from services.collector.table import Table
from services.collector.venues.binance import VENUE
from shared.events import Book, Quote, State
from shared.instruments import Market
from tests.venues.recordings import counts, frames, listing, messages, read, recorded

FOLDER = "binance"


def decoder(market: Market | None = None) -> Recorded:
    return recorded("binance", market, {"spot": "bookTicker", "perp": "bookTicker"})


def session(folder: Path, name: str) -> list[Message]:
    """What a socket's frames and the books asked for beside them become, in the order of their times."""
    of = decoder()
    found = read([folder / f"{name}.{part}.0" for part in ("ws.1", "http.0")], of)
    return messages(of, [one for one in found if one.skipped is None])


def test_the_fixtures_say_of_an_instrument_what_a_recorded_listing_says(captures: Path) -> None:
    bodies = {}
    for name in ("cryptofeed__BINANCE.0", "cryptofeed__BINANCE_FUTURES.0"):
        for one in frames(captures / FOLDER / name, decoder()):
            bodies[VENUE.is_listing(one.frame) or ""] = one.frame
    there = Table(VENUE.listing(bodies), VENUE.outside(bodies)).by_symbol
    for symbol, listed in listing("binance").table.by_symbol.items():
        assert symbol not in there or there[symbol] == listed
    assert len(there.keys() & listing("binance").table.by_symbol.keys()) == 86


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cryptofeed__BINANCE", {"BookDelta": 177, "Quote": 84, "Trade": 2, "BookSnapshot": 4, "unused_channel": 2}),
        (
            "cryptofeed__BINANCE_FUTURES",
            {"BookDelta": 764, "Quote": 613, "Trade": 91, "BookSnapshot": 4, "unused_channel": 67},
        ),
    ],
)
def test_every_frame_of_a_session_is_accounted_for(captures: Path, name: str, expected: dict[str, int]) -> None:
    assert counts(session(captures / FOLDER, name)) == expected  # what is unused is candles


@pytest.mark.parametrize(("name", "compared"), [("cryptofeed__BINANCE", 26), ("cryptofeed__BINANCE_FUTURES", 50)])
def test_the_books_of_a_session_stay_in_step_and_their_tops_are_the_quotes(
    captures: Path, name: str, compared: int
) -> None:
    rules = BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0)
    books: dict[str, BookSync] = {}
    quotes: dict[tuple[str, int], Quote] = {}
    pictures: list[Book] = []
    for message in session(captures / FOLDER, name):
        if isinstance(message, Quote) and message.seq is not None:
            quotes[message.symbol, message.seq] = message
        elif isinstance(message, BookSnapshot | BookDelta):
            said = books.setdefault(message.symbol, BookSync(message.symbol, rules)).take(message)
            assert not any(isinstance(output, State) for output in said)
            pictures += [output for output in said if isinstance(output, Book)]
    assert len(books) == 4
    assert all(book.status == "live" and book.counters.gaps == 0 for book in books.values())
    tops = [(picture, quotes[key]) for picture in pictures if (key := (picture.symbol, picture.seq or 0)) in quotes]
    assert len(tops) == compared
    for picture, quote in tops:
        best = [Decimal(text) for level in (picture.bids[0], picture.asks[0]) for text in level]
        assert best == [Decimal(text or 0) for text in (quote.bid, quote.bid_size, quote.ask, quote.ask_size)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "barter-rs__test_frames.jsonl",
            # no_symbol: bare REST books; unused_channel: single trades; bad_shape: one level of a book, alone
            {"Quote": 2, "BookDelta": 2, "Liquidation": 1, "Ack": 2, "no_symbol": 2, "unused_channel": 5}
            | {"bad_shape": 2},
        ),
        (
            "crypto-msg-parser__test_frames.jsonl",
            # coin-margined and dated contracts; candles and options; the slow all-market ticker; REST books that name
            # no symbol
            {"Trade": 2, "Mark": 3, "Funding": 3, "BookDelta": 2, "BookSnapshot": 2, "Quote": 2, "Stats": 6}
            | {"out_of_scope": 25, "unused_channel": 7, "other_quote_channel": 1, "no_symbol": 3},
        ),
        (
            "gocryptotrader__inline_frames.jsonl",
            {"Ack": 1, "Refused": 1, "Stats": 1, "unused_channel": 2, "BookDelta": 3},
        ),
        ("gocryptotrader__wsHandleData.json", {"Stats": 1, "unused_channel": 2, "BookDelta": 1}),
        # depthSnapshot is not the venue's: the recorder wrapped a REST book so
        ("tardis-node__binance_spot.jsonl", {"unused_channel": 4, "Quote": 1, "Stats": 1, "BookDelta": 4}),
        (
            # bad_shape: the sample of a partial book has levels without a size; no_symbol: a book whose request is
            # not told; the rest: candles, single trades, statistics, schedules
            "binance-connector-python__usds_futures_doc_samples.json",
            {"Trade": 1, "Liquidation": 2, "Stats": 6, "Mark": 3, "Funding": 3, "Quote": 3, "BookDelta": 2, "Relist": 3}
            | {"Settlement": 1, "unused_channel": 5, "bad_shape": 1, "unused_endpoint": 25, "no_symbol": 1},
        ),
        (
            # no_symbol: a book whose request is not told; no_market: two mini tickers that both markets send alike
            "JKorf_Binance.Net__unit_test_samples.json",
            {"Quote": 4, "Relist": 4, "Stats": 5, "Settlement": 2, "Mark": 2, "Funding": 2, "Ack": 26, "Trade": 2}
            | {"BookSnapshot": 2, "BookDelta": 1, "Liquidation": 1, "unused_endpoint": 35, "no_symbol": 1}
            | {"unused_channel": 13, "no_market": 2},
        ),
    ],
)
def test_frames_of_other_times_and_sources_are_decoded_or_explained(
    captures: Path, name: str, expected: dict[str, int]
) -> None:
    of = decoder()
    assert counts(messages(of, frames(captures / FOLDER / name, of))) == expected


def test_a_mini_ticker_is_decoded_where_its_market_is_told(captures: Path) -> None:
    for market in MARKETS:
        of = decoder(market)
        made = counts(messages(of, frames(captures / FOLDER / "JKorf_Binance.Net__unit_test_samples.json", of)))
        assert "no_market" not in made


def test_every_recorded_rest_route_is_decoded_or_explained(captures: Path) -> None:
    of = decoder()
    used = {call.path for call in VENUE.calls} | {
        "/api/v3/ticker/24hr",
        "/fapi/v1/ticker/24hr",
        "/fapi/v1/premiumIndex",
    }
    made: dict[str, dict[str, int]] = {}
    for path in sorted((captures / FOLDER).glob("gocryptotrader__http_*.json")):
        found = frames(path, of)
        route = found[0].request
        assert route is not None
        made[route.endpoint] = counts(messages(of, found))
        if route.endpoint not in used:
            assert made[route.endpoint] == {"unused_endpoint": len(found)}
    assert len(made) == 30
    assert {endpoint: count for endpoint, count in made.items() if endpoint in used} == {
        "/api/v3/depth": {"BookSnapshot": 1},
        "/api/v3/exchangeInfo": {"Relist": 1},
        "/api/v3/ticker/24hr": {"Stats": 11},
        "/api/v3/ticker/bookTicker": {"Quote": 1},
        "/fapi/v1/depth": {"BookSnapshot": 3},
        "/fapi/v1/exchangeInfo": {"Relist": 1},
        "/fapi/v1/fundingInfo": {"Relist": 1},
        "/fapi/v1/fundingRate": {"Settlement": 110, "bad_shape": 3},  # three answers were recorded as null
        "/fapi/v1/openInterest": {"Stats": 1},
        "/fapi/v1/premiumIndex": {"Mark": 6, "Funding": 6},
        "/fapi/v1/ticker/24hr": {"Stats": 6, "Refused": 1},
        "/fapi/v1/ticker/bookTicker": {"Quote": 66},
    }
