"""Lighter: every perpetual and spot pair over one public socket endpoint. Facts, links and quirks: README.md."""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.typed_rows import UNREADABLE
from services.collector.variables import rest_url, seconds, socket_url
from services.collector.venue import Call, Channel, Endpoint, Follow, Host, Limits, Ping, Span, Venue
from services.collector.venues.lighter.decode import SUBSCRIBED, UPDATE, decoder
from services.collector.venues.lighter.instruments import DETAILS, NAME, is_listing, listing, outside
from shared.instruments import Instrument, Market

STREAM: Final = "stream"
REST: Final = "rest"
#: read-only: open from regions where trading is not
SOCKET_URL: Final = "wss://mainnet.zklighter.elliot.ai/stream?readonly=true"
REST_URL: Final = "https://mainnet.zklighter.elliot.ai"
#: the topics that serve a whole market
EVERY: Final[dict[Market, str]] = {"perp": "market_stats:all", "spot": "spot_market_stats:all"}


class _Push(msgspec.Struct):
    channel: str = ""
    type: str = ""


_push: Final = msgspec.json.Decoder(_Push)


def topic(channel: Channel, instrument: Instrument | None) -> str:
    """`ticker:1`, as frames name it; requests have a slash in the colon's place."""
    return EVERY[channel.market] if instrument is None else f"{channel.name}:{instrument.native}"


def channel_of(text: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return text.partition(":")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        push = _push.decode(frame)
    except UNREADABLE:
        return None
    return push.channel if push.channel and push.type.startswith((SUBSCRIBED, UPDATE)) else None


def market_of(_frame: bytes) -> Market | None:
    """The decoder tells markets by the id and needs no help."""
    return None


def request(kind: str, topics: Sequence[str]) -> bytes:
    """One request; the venue takes one channel in each."""
    (one,) = topics
    return msgspec.json.encode({"type": kind, "channel": one.replace(":", "/")})


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    """Each change names the number that it goes on from; numbers only rise."""
    if delta.prev_seq == previous.seq:
        return "apply"
    return "skip" if delta.seq is not None and previous.seq is not None and delta.seq <= previous.seq else "gap"


def trade_url(instrument: Instrument) -> str:
    name = instrument.aliases[0] if instrument.aliases else instrument.base
    return f"https://app.lighter.xyz/trade/{name.replace('/', '_')}"


def _channels(market: Market) -> tuple[Channel, ...]:
    return (
        Channel("ticker", STREAM, market, ("quote",)),
        Channel("trade", STREAM, market, ("trade",), on_demand=True),
        # a whole book in the first frame, up to 20 changes a second
        Channel("order_book", STREAM, market, ("book",), on_demand=True, weight=10),
    )


def _quotes(market: Market) -> Call:
    """The best orders of one book: there is no call for the quotes of all."""
    return Call(
        f"quotes_{market}",
        "quotes",
        REST,
        "/api/v1/orderBookOrders",
        market,
        {"limit": "20"},
        makes=("quote",),
        symbol_param="market_id",
    )


VENUE: Final = Venue(
    name=NAME,
    display_name="Lighter",
    cryexc={"perp": "lighter", "spot": "lighterspot"},
    hosts=(Host(REST, REST_URL, 60, 60.0),),
    endpoints=(
        Endpoint(
            STREAM,
            SOCKET_URL,
            None,
            # it wants a frame of ours in each two minutes, whatever it sends itself
            Ping(b'{"type":"ping"}', idle_s=50.0, dead_s=30.0, always=True),
            Limits(
                topics_per_connection=500,
                topics_per_frame=1,
                frames_per_second=10.0,
                frames=(200, 60.0),
                unanswered=20,  # 50 an address
                connects=(80, 60.0),
                connections=200,
            ),
        ),
    ),
    channels=(
        Channel("market_stats", STREAM, "perp", ("mark", "funding", "stats"), scope="market", silent_s=30.0),
        Channel("spot_market_stats", STREAM, "spot", ("stats",), scope="market"),
        *_channels("perp"),
        *_channels("spot"),
        # forced trades come with the others, and are wanted of all perpetuals
        Channel("trade", STREAM, "perp", ("liquidation",)),
    ),
    calls=(
        Call(DETAILS, "listing", REST, "/api/v1/orderBookDetails", None, every_s=900.0),
        # open interest in base, and markets that come, go or halt between two listings
        Call("markets", "poll", REST, "/api/v1/orderBookDetails", "perp", every_s=60.0, makes=("stats",)),
        _quotes("perp"),
        _quotes("spot"),
        Call(
            "fundings",
            "settlements",
            REST,
            "/api/v1/fundings",
            "perp",
            {"resolution": "1h", "count_back": "168"},
            makes=("funding",),
            symbol_param="market_id",
            span=Span("start_timestamp", "end_timestamp", digits=0),
        ),
    ),
    taker_fee_bps={"spot": "2.8", "perp": "2.8"},
    maker_fee_bps={"spot": "0.4", "perp": "0.4"},
    listing=listing,
    is_listing=is_listing,
    market_of=market_of,
    topic=topic,
    channel_of=channel_of,
    subscribe=lambda topics, number: request("subscribe", topics),
    unsubscribe=lambda topics, number: request("unsubscribe", topics),
    decoder=decoder,
    follows=follows,
    resync="resubscribe",
    rest_quotes="single",
    trade_url=trade_url,
    topic_of=topic_of,
    outside=outside,
    variables=(
        socket_url("LIGHTER_WS_PUBLIC_URL", "address of its socket", STREAM, default=SOCKET_URL),
        rest_url("LIGHTER_REST_BASE_URL", "address of its REST calls", REST, default=REST_URL, without=("/api/v1",)),
        seconds("LIGHTER_MARKET_REFRESH_SECONDS", "how often its markets are listed", DETAILS, default="900"),
    ),
)
