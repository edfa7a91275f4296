"""Recorded frames of three versions: every one counted, every book in step, every checksum met."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from services.collector.book_sync import BookRules, BookSync
from services.collector.capture import Captured, read_files
from services.collector.messages import BookDelta, BookSnapshot, Message, Unknown
from services.collector.recorded import Listing, Recorded
from services.collector.table import Table
from services.collector.venue import DecoderOptions, Request
from services.collector.venues.bitget import VENUE
from shared.events import Book, Liquidation, Quote, State
from tests.venues.bitget.test_instruments import body, perp_row, spot_row

FOLDER = "bitget"
LISTINGS = sorted((Path(__file__).parent / "listing").glob("*.json"))


def listing() -> Listing:
    made = Listing(VENUE)
    assert all(made.add(path.read_bytes()) for path in LISTINGS)
    made.refresh()
    return made


def lines(path: Path) -> list[Captured]:
    return [line for line in read_files([str(path)], BytesIO()) if line.skipped is None]


def decoded(path: Path) -> list[Message]:
    recorded = Recorded(VENUE, listing(), None)
    frames = lines(path)
    recorded.choose_quotes(frames)
    made = [recorded.decode(frame) for frame in frames]
    assert all(made)
    return [message for messages in made for message in messages]


def kind(message: Message) -> str:
    return message.reason if isinstance(message, Unknown) else type(message).__name__


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
    assert Counter(kind(message) for message in decoded(captures / FOLDER / name)) == expected


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
    frames = [json.loads(line.frame) for line in lines(captures / FOLDER / name)]
    frames = [frame for frame in frames if frame["arg"]["channel"] == "books" and "data" in frame]
    natives = sorted({frame["arg"]["instId"] for frame in frames})
    make = spot_row if product == "SPOT" else perp_row
    rows = [make(symbol=native, baseCoin=native.removesuffix("USDT")) for native in natives]
    decode = VENUE.decoder(Table(VENUE.listing({"x": body(*rows)})), DecoderOptions())
    rules = BookRules(VENUE.follows, VENUE.resync, VENUE.verify, min_interval_ns=0)
    syncs: dict[str, BookSync] = {}
    pictures = 0
    for frame in frames:
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


SAMPLES = "JKorf_Bitget.Net__unit_test_samples.json"


def samples(path: Path) -> Iterator[tuple[str, bytes, Request | None]]:
    """The exchange's own samples: a REST answer with its address, or the frames of a conversation."""
    for sample in json.loads(path.read_text()):
        name, text = sample["file"], sample["text"]
        if name.startswith("Endpoints"):
            _, address, *_ = text.splitlines()
            params = re.search(r"^UriParams: (.*)$", text, re.MULTILINE)
            asked: dict[str, Any] = json.loads(params[1]) if params else {}
            # those without a product are of USDT contracts
            product = {} if "category" in asked else {"productType": "USDT-FUTURES"}
            yield name, text[text.index("\n{") :].encode(), Request(address, {"symbol": "BTCUSDT", **product, **asked})
            continue
        for part in re.split(r"\n(?=[<>=] )", text):
            if part[0] in "<=":
                yield name, part[1:].strip().encode(), None


def test_every_sample_of_the_exchange_is_accounted_for(captures: Path) -> None:
    recorded = Recorded(VENUE, listing(), None, {"spot": "ticker", "perp": "ticker"})
    made: Counter[str] = Counter()
    for name, frame, request in samples(captures / FOLDER / SAMPLES):
        messages = recorded.decode(Captured(1, frame, 1_785_926_302_555_000_000, request=request))
        assert messages, name
        made.update(kind(message) for message in messages)
    assert made == {
        "Relist": 3,
        "Quote": 5,
        "Mark": 3,
        "Funding": 3,
        "Stats": 7,
        "Settlement": 4,
        "BookSnapshot": 5,
        "Trade": 7,
        "Replayed": 4,
        "Ack": 14,
        "unused_endpoint": 13,  # candles, coins, the server's time, ...
        "unused_channel": 4,  # candles, an account's equity
        "event_login": 2,
        "out_of_scope": 2,  # coin-margined, an account's own
        "unknown_symbol": 5,  # a dated contract, BFTUSDT
        "other_quote_channel": 1,
    }
