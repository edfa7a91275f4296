"""Binance's recorded sessions: a combined frame names its stream, a raw one is told by its fields."""

import re
from typing import Final

import msgspec

from services.simulator.hub import Topic
from services.simulator.listing import Listed, Market
from services.simulator.recorded import Answer, Recorded, objects, silent

_PACE = re.compile(r"@(?:\d+ms|1s)$")


class Wrapped(msgspec.Struct):
    """A combined frame."""

    stream: str
    data: msgspec.Raw


class Plain(msgspec.Struct):
    """What names the stream of a raw frame."""

    s: str | None = None
    e: str | None = None
    u: int | None = None
    pu: int | None = None
    nq: str | None = None
    M: bool | None = None
    o: msgspec.Raw | None = None


def family_of_stream(market: str, name: str) -> str:
    """The family of a stream name in `spot` or `futures`."""
    return f"{market}/{_PACE.sub('', name)}"


def market_of(host: str, sample: Plain | None) -> str:
    """`spot` or `futures`, by the host where the recording names it, else by fields that only one has."""
    if host.startswith(("fstream", "perp_")):
        return "futures"
    if host.startswith(("stream", "data-stream", "spot")):
        return "spot"
    futures = sample is not None and sample.M is None and sample.e is not None
    if futures and sample is not None and sample.e == "depthUpdate":
        futures = sample.pu is not None
    return "futures" if futures else "spot"


def family(host: str, text: bytes) -> tuple[str, bytes] | None:
    """The family and payload of a frame; None for what is no data or does not say what it is of."""
    try:
        wrapped = msgspec.json.decode(text, type=Wrapped)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return raw_family(host, text)
    data = bytes(wrapped.data)
    return family_of_stream(market_of(host, sample_of(data)), wrapped.stream), data


def sample_of(data: bytes) -> Plain | None:
    try:
        return msgspec.json.decode(data, type=Plain)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None


def raw_family(host: str, data: bytes) -> tuple[str, bytes] | None:
    """A frame without its stream's name."""
    if data[:1] == b"[":
        name = next((n for e, n in ARRAYS.items() if f'"e":"{e}"'.encode() in data[:400]), None)
        return None if name is None else (family_of_stream(market_of(host, None), name), data)
    sample = sample_of(data)
    if sample is None:
        return None
    if sample.e == "forceOrder":
        return family_of_stream("futures", "!forceOrder@arr"), data
    channel = EVENTS.get(sample.e or "bookTicker")
    if sample.s is None or channel is None or (sample.e is None and sample.u is None):
        return None
    return family_of_stream(market_of(host, sample), f"{sample.s.lower()}@{channel}"), data


ARRAYS = {"markPriceUpdate": "!markPrice@arr", "24hrMiniTicker": "!miniTicker@arr", "24hrTicker": "!ticker@arr"}
EVENTS = {
    "bookTicker": "bookTicker",
    "depthUpdate": "depth",
    "aggTrade": "aggTrade",
    "trade": "trade",
    "markPriceUpdate": "markPrice",
    "24hrTicker": "ticker",
    "24hrMiniTicker": "miniTicker",
}


def topic_family(topic: Topic) -> str:
    return family_of_stream("spot" if topic.key.startswith("stream.") else "futures", topic.name)


def listed(answer: Answer) -> list[Listed]:
    if answer.path not in ("/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo"):
        return []
    market: Market = "spot" if answer.path.startswith("/api/") else "perp"
    return [silent("binance", market, str(item.get("symbol"))) for item in objects(answer.body, "symbols")]


def instruments(family: str) -> list[Listed]:
    kind, _, name = family.partition("/")
    if name.startswith("!"):
        return []
    markets: tuple[Market, ...] = ("perp", "dated") if kind == "futures" else ("spot",)
    return [silent("binance", market, name.partition("@")[0].upper()) for market in markets]


RECORDED: Final = Recorded(
    family=family,
    topic=topic_family,
    listed=listed,
    instruments=instruments,
    looks=lambda frame: frame.lstrip(b"[ ").startswith((b'{"stream":', b'{"e":', b'{"u":')),
    rest=lambda path: path.startswith(("/api/v3/", "/fapi/")),
    empty=lambda request: b"[]",
    loose=(frozenset({"limit"}), frozenset({"limit", "symbolStatus", "permissions", "showPermissionSets"})),
)
