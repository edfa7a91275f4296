"""Recorded sessions, with the REST depth that belongs to them: every frame counted, every book in step."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.capture import Captured, read_files
from services.collector.messages import BookDelta, BookSnapshot, Message, Refused, Unknown
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.binance import VENUE
from shared.events import Book, Quote, State

FOLDER = "binance"


def lines(*paths: Path) -> list[Captured]:
    return [line for line in read_files([str(path) for path in paths], BytesIO()) if line.skipped is None]


def table(folder: Path) -> Table:
    bodies = {}
    for name in ("cryptofeed__BINANCE.0", "cryptofeed__BINANCE_FUTURES.0"):
        for line in lines(folder / name):
            call = VENUE.is_listing(line.frame)
            assert call is not None
            bodies[call] = line.frame
    return Table(VENUE.listing(bodies), VENUE.outside(bodies))


def decoded(folder: Path, session: str, endpoint: str) -> Iterator[list[Message]]:
    decode = VENUE.decoder(table(folder), DecoderOptions(endpoint=endpoint))
    for line in lines(folder / f"{session}.ws.1.0", folder / f"{session}.http.0.0"):
        assert line.recv is not None
        yield decode(line.frame, line.recv, line.request)


def kind(message: Message) -> str:
    return message.reason if isinstance(message, Unknown) else type(message).__name__


@pytest.mark.parametrize(
    ("session", "endpoint", "expected"),
    [
        (
            "cryptofeed__BINANCE",
            "spot",
            {"BookDelta": 177, "Quote": 84, "Trade": 2, "BookSnapshot": 4, "unused_channel": 2},
        ),
        (
            "cryptofeed__BINANCE_FUTURES",
            "perp_public",
            {"BookDelta": 764, "Quote": 613, "Trade": 91, "BookSnapshot": 4, "unused_channel": 67},
        ),
    ],
)
def test_every_frame_of_a_session_is_accounted_for(
    captures: Path, session: str, endpoint: str, expected: dict[str, int]
) -> None:
    made = Counter(kind(message) for messages in decoded(captures / FOLDER, session, endpoint) for message in messages)
    assert made == expected  # what is unused is candles


@pytest.mark.parametrize(
    ("session", "endpoint", "compared"),
    [("cryptofeed__BINANCE", "spot", 26), ("cryptofeed__BINANCE_FUTURES", "perp_public", 50)],
)
def test_the_books_of_a_session_stay_in_step_and_their_tops_are_the_quotes(
    captures: Path, session: str, endpoint: str, compared: int
) -> None:
    rules = BookRules(VENUE.follows, VENUE.resync, min_interval_ns=0)
    books: dict[str, BookSync] = {}
    quotes: dict[tuple[str, int], Quote] = {}
    pictures: list[Book] = []
    for message in (m for messages in decoded(captures / FOLDER, session, endpoint) for m in messages):
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


EXPLAINED = {"out_of_scope", "unused_channel", "other_quote_channel", "unknown_symbol", "no_symbol", "bad_shape"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "barter-rs__test_frames.jsonl",
            # no_symbol: bare REST books; unused_channel: single trades; bad_shape: one level of a book, alone
            {
                "Quote": 2,
                "BookDelta": 2,
                "Liquidation": 1,
                "Ack": 2,
                "no_symbol": 2,
                "unused_channel": 5,
                "bad_shape": 2,
            },
        ),
        (
            "crypto-msg-parser__test_frames.jsonl",
            {"Trade": 2, "Mark": 3, "Funding": 3, "BookDelta": 2, "BookSnapshot": 2, "Quote": 2, "Stats": 5}
            # coin-margined and dated contracts; candles and options; the slow all-market ticker;
            # IOTXUSDT is younger than the listing; REST books that name no symbol
            | {"out_of_scope": 25, "unused_channel": 7, "other_quote_channel": 1, "unknown_symbol": 1, "no_symbol": 3},
        ),
        (
            "gocryptotrader__inline_frames.jsonl",
            {"Ack": 1, "Refused": 1, "Stats": 1, "unused_channel": 2, "BookDelta": 3},
        ),
        ("gocryptotrader__wsHandleData.json", {"Stats": 1, "unused_channel": 2, "BookDelta": 1}),
        # depthSnapshot is not the venue's: the recorder wrapped a REST book so
        ("tardis-node__binance_spot.jsonl", {"unused_channel": 4, "Quote": 1, "Stats": 1, "BookDelta": 4}),
    ],
)
def test_frames_of_other_times_and_sources_are_decoded_or_explained(
    captures: Path, name: str, expected: dict[str, int]
) -> None:
    folder = captures / FOLDER
    decode = VENUE.decoder(table(folder), DecoderOptions())
    frames = [line.strip() for line in (folder / name).read_bytes().splitlines() if line.strip()]
    assert Counter(kind(message) for frame in frames for message in decode(frame, 1)) == expected


def test_every_recorded_rest_route_is_decoded_or_explained(captures: Path) -> None:
    folder = captures / FOLDER
    decode = VENUE.decoder(table(folder), DecoderOptions())
    counts: dict[str, Counter[str]] = {}
    for path in sorted(folder.glob("gocryptotrader__http_*.json")):
        route = path.stem.removeprefix("gocryptotrader__http")
        # ticker_24hr.json and the like: underscores stand for the slashes of the path
        endpoint = route.replace("_", "/")
        for answer in msgspec.json.decode(path.read_bytes()):
            query = dict(part.split("=", 1) for part in answer["queryString"].split("&") if "=" in part)
            body = msgspec.json.encode(answer["data"])
            made = decode(body, 1, Request(endpoint, query))
            assert made or body == b"[]"
            counts.setdefault(endpoint, Counter()).update(kind(message) for message in made)
    explained = EXPLAINED | {"unused_endpoint", "empty", "bad_number", "not_json"}
    assert sum(counts["/fapi/v1/fundingRate"].values()) > 50
    assert counts["/fapi/v1/openInterest"] == {"Stats": 1}
    assert counts["/api/v3/ticker/bookTicker"] == {"Quote": 1}
    assert counts["/fapi/v1/depth"]["BookSnapshot"] >= 2
    for endpoint, count in counts.items():
        used = endpoint in {call.path for call in VENUE.calls}
        assert (
            not used
            or any(name[0].isupper() for name in count)
            or "exchangeInfo" in endpoint
            or "fundingInfo" in endpoint
        )
        assert all(name in explained or name[0].isupper() for name in count), (endpoint, count)


def test_the_documents_samples_of_2026_are_decoded_or_explained(captures: Path) -> None:
    samples = msgspec.json.decode(
        (captures / FOLDER / "binance-connector-python__usds_futures_doc_samples.json").read_bytes()
    )
    decode = VENUE.decoder(table(captures / FOLDER), DecoderOptions(endpoint="perp_market"))
    total: Counter[str] = Counter()
    for name, sample in {
        **samples["websocket_streams/test_market_api_ws_streams.py"],
        **samples["websocket_streams/test_public_api_ws_streams.py"],
    }.items():
        messages = decode(msgspec.json.encode(sample), 1)
        assert messages
        assert not any(isinstance(message, Refused) for message in messages), name
        total.update(kind(message) for message in messages)
    # bad_shape: the sample of a partial book has levels without a size
    assert total == {
        "Trade": 1,
        "Liquidation": 2,
        "Stats": 4,
        "Mark": 2,
        "Funding": 2,
        "Quote": 2,
        "BookDelta": 2,
        "Relist": 1,
        "unused_channel": 5,
        "bad_shape": 1,
    }
