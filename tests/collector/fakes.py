"""A venue of the tests' own: two endpoints, a best and a second quote channel, a market-wide topic, demand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.collector.messages import BookDelta, BookSnapshot
from services.collector.venue import Call, Channel, Endpoint, Follow, Host, Limits, Ping, Venue
from shared.instruments import Instrument, Market, unified_symbol

LIMITS = Limits(topics_per_connection=10, topics_per_frame=4, frames_per_second=5.0)
PING = Ping(b"ping", idle_s=20.0, dead_s=30.0)

CHANNELS = (
    Channel("best", "open", "perp", ("quote",), silent_s=30.0),
    Channel("ticker", "open", "perp", ("quote", "stats"), rank=1),
    Channel("slow", "open", "perp", ("quote",), rank=2),
    Channel("best", "open", "spot", ("quote",)),
    Channel("trades", "open", "perp", ("trade",), on_demand=True),
    Channel("books", "open", "perp", ("book",), on_demand=True, weight=4),
    Channel("marks", "wide", "perp", ("mark", "funding"), scope="market"),
    Channel("news", "wide", "perp", (), scope="market"),
)


def instrument(base: str, market: Market = "perp", **other: Any) -> Instrument:
    native = f"{base}-USDT-{market}"
    symbol = unified_symbol(base, "USDT", "USDT" if market == "perp" else None)
    fields: dict[str, Any] = {"status": "trading", "quote": "USDT", "symbol": symbol, "native": native, **other}
    return Instrument(venue="fake", market=market, base=base, **fields)


def topic(channel: Channel, one: Instrument | None) -> str:
    return f"{channel.name}:{channel.market if one is None else one.native}"


def subscribe(topics: Sequence[str], number: int) -> bytes:
    return json.dumps({"op": "subscribe", "id": number, "args": list(topics)}).encode()


def unsubscribe(topics: Sequence[str], number: int) -> bytes:
    return json.dumps({"op": "unsubscribe", "id": number, "args": list(topics)}).encode()


def asked(frame: bytes) -> tuple[str, int, list[str]]:
    """(operation, id, topics) of a frame of this venue."""
    read = json.loads(frame)
    return read["op"], read["id"], read["args"]


def follows(previous: BookSnapshot | BookDelta, delta: BookDelta) -> Follow:
    return "apply" if delta.prev_seq == previous.seq else "gap"


def no_listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
    return []


def venue(limits: Limits = LIMITS, ping: Ping = PING, calls: tuple[Call, ...] = ()) -> Venue:
    return Venue(
        name="fake",
        display_name="Fake",
        cryexc={},
        hosts=(Host("rest", "https://rest.test", 100, 10.0),),
        endpoints=(
            Endpoint("open", "wss://open.test/ws", None, ping, limits),
            Endpoint("wide", "wss://wide.test/ws", "perp", ping, limits),
        ),
        channels=CHANNELS,
        calls=calls,
        taker_fee_bps={"spot": "10", "perp": "5"},
        maker_fee_bps={"spot": "8", "perp": "2"},
        listing=no_listing,
        is_listing=lambda body: None,
        market_of=lambda frame: None,
        topic=topic,
        channel_of=lambda text: text.partition(":")[0],
        subscribe=subscribe,
        unsubscribe=unsubscribe,
        decoder=lambda table, options: lambda frame, recv, request=None: [],
        follows=follows,
        resync="resubscribe",
        rest_quotes="all",
        trade_url=lambda one: "",
        topic_of=lambda frame: None,
    )
