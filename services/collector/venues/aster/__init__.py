"""Aster: its linear perpetuals, quotes and funding. Facts, links and quirks: README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.continuity import nothing_follows
from services.collector.venue import Call, Channel, Endpoint, Host, Limits, Ping, Venue
from services.collector.venues.aster.answers import channel_of, topic_of
from services.collector.venues.aster.decode import ALL_BOOK_TICKERS, BOOK_TICKER, MARKS, decoder
from services.collector.venues.aster.instruments import FUNDING_INFO, NAME, PERP_INFO, is_listing, listing, outside
from shared.instruments import Instrument, Market

PERP: Final = "perp"


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """Streams are named by the lower case of the symbol."""
    return channel.name if instrument is None else f"{instrument.native.lower()}@{channel.name}"


def market_of(_frame: bytes) -> Market:
    """No other market is collected; the decoder tells the rows of another."""
    return "perp"


def request(method: str, topics: Sequence[str], number: int) -> bytes:
    return msgspec.json.encode({"method": method, "params": list(topics), "id": number})


def trade_url(_instrument: Instrument) -> str:
    """The address of an instrument's own page is not known."""
    return "https://www.asterdex.com/en"


VENUE: Final = Venue(
    name=NAME,
    display_name="Aster",
    cryexc={},  # its streams are of trades, which are not collected here
    hosts=(Host(PERP, "https://fapi.asterdex.com", 2_400, 60.0, "X-MBX-USED-WEIGHT-1M"),),
    endpoints=(
        Endpoint(
            PERP,
            "wss://fstream.asterdex.com/stream",
            "perp",
            # it pings each five minutes
            Ping(frame=None, idle_s=300.0, dead_s=330.0),
            Limits(
                topics_per_connection=200,
                topics_per_frame=100,
                frames_per_second=8.0,  # 10 allowed, and the pongs count
                lifetime_s=86_400.0,
            ),
        ),
    ),
    channels=(
        Channel(BOOK_TICKER, PERP, "perp", ("quote",)),
        # nothing says how often it comes
        Channel(ALL_BOOK_TICKERS, PERP, "perp", ("quote",), scope="market", rank=1, silent_s=30.0),
        Channel(MARKS, PERP, "perp", ("mark", "funding"), scope="market", silent_s=10.0),
    ),
    calls=(
        Call(PERP_INFO, "listing", PERP, "/fapi/v3/exchangeInfo", "perp"),
        Call(FUNDING_INFO, "listing", PERP, "/fapi/v3/fundingInfo", "perp"),
        Call("quotes", "quotes", PERP, "/fapi/v3/ticker/bookTicker", "perp", weight=5, makes=("quote",)),
        # seven days at one payment an hour are 168 rows
        Call(
            "settlements",
            "settlements",
            PERP,
            "/fapi/v3/fundingRate",
            "perp",
            {"limit": "200"},
            makes=("funding",),
            symbol_param="symbol",
        ),
    ),
    taker_fee_bps={"perp": "3.5"},
    maker_fee_bps={"perp": "1"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request("SUBSCRIBE", topics, number),
    unsubscribe=lambda topics, number: request("UNSUBSCRIBE", topics, number),
    decoder=decoder,
    follows=nothing_follows,  # no book is collected
    resync="resubscribe",
    rest_quotes="all",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
)
