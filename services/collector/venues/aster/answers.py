"""What a frame is that holds no row of ours: an answer, another channel, the spot market's, a REST body.

Told by its form alone, since recordings do not always say what was asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.collector.messages import Ack, Message, Refused, Relist, Unknown
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.aster.decode_rest import SUCCESS
from services.collector.venues.aster.instruments import is_listing

_COLLECTED: Final = frozenset({"bookTicker", "markPriceUpdate"})
_CHANNELS: Final = frozenset({"bookTicker", "markPrice"})
#: keys of a book ticker; that of the spot market does not name its type
_SPOT_TICKER: Final = frozenset({"u", "s", "b", "B", "a", "A"})
#: keys that tell a REST row, and the call that it answers
_FORMS: Final = (
    (frozenset({"symbols", "exchangeFilters"}), "exchangeInfo"),
    (frozenset({"symbol", "markPrice", "nextFundingTime"}), "premiumIndex"),
    (frozenset({"symbol", "fundingRate", "fundingTime"}), "fundingRate"),
)
_QUOTES: Final = frozenset({"symbol", "bidPrice", "bidQty", "askPrice", "askQty"})
#: one of these keys tells an answer that nobody uses: times, books, trades, 24 h figures, prices, open interest
_UNUSED: Final = ("serverTime", "lastUpdateId", "isBuyerMaker", "priceChangePercent", "references", "openInterest")
_AGGREGATE: Final = frozenset({"a", "p", "q", "f", "l"})
_PRICE: Final = frozenset({"symbol", "price", "time"})
#: a part of a listing, as documentation shows it
_PARTS: Final = ("filterType", "rateLimitType", "baseAsset", "marginAvailable", "fundingIntervalHours")

_any: Final = msgspec.json.Decoder()


def told(value: Any, stream: str) -> Message | Request:
    """What a value stands for; a `Request` for the body of a call that is used."""
    if not isinstance(value, dict):
        return Unknown("bad_shape")
    if not value:
        return Unknown("empty")
    answer = None if stream else _answer(value)
    if answer is not None:
        return answer
    native = native_of(value)
    kind = value.get("e")
    if kind is not None:
        known = isinstance(kind, str) and kind in _COLLECTED
        return Unknown("bad_shape" if known or not isinstance(kind, str) else "unused_channel", native)
    if value.keys() >= _SPOT_TICKER:
        return Unknown("other_market", native)
    if stream:
        used = _family(channel_of(stream) or "") in _CHANNELS
        return Unknown("bad_shape" if used else "unused_channel", native)
    return _body(value, native)


def listed_body(body: bytes, parts: Sequence[msgspec.Raw]) -> Message | None:
    """What an array without its request stands for as a whole, None where its rows tell.

    Funding terms are a listing; a candle is an array of numbers, and candles are an array of those.
    """
    if is_listing(body) is not None:
        return Relist(None, "listing")
    return Unknown("unused_endpoint") if parts and bytes(parts[0])[:1] in b"[0123456789" else None


def _body(value: Mapping[str, Any], native: str | None) -> Message | Request:
    for keys, name in _FORMS:
        if value.keys() >= keys:
            return Request(f"/fapi/v3/{name}")
    if not value.keys().isdisjoint(_PARTS) and "priceChangePercent" not in value:
        return Unknown("bare_row", native)
    if not value.keys().isdisjoint(_UNUSED) or value.keys() >= _AGGREGATE or value.keys() == _PRICE:
        return Unknown("unused_endpoint", native)
    if value.keys() >= _QUOTES:
        # the spot market has the same rows, without a time
        return Request("/fapi/v3/ticker/bookTicker") if "time" in value else Unknown("no_request", native)
    return Unknown("bad_shape", native)


def _answer(value: Mapping[str, Any]) -> Message | None:
    """The answer to a request of ours: `result` means done, `error` or a `code` of its own that it was refused."""
    number = _id(value.get("id"))
    error = value.get("error")
    if error is None and "code" in value and "msg" in value:
        error = value
    if error is not None:
        return _refused(error, number)
    if "result" in value:
        return Ack(id=number)
    return Unknown("client_frame") if "method" in value else None


def _refused(error: object, number: int | None) -> Message:
    if not isinstance(error, dict):
        return Refused(id=number, reason=str(error))
    code = error.get("code")
    if str(code) == SUCCESS:
        return Unknown("unused_answer")
    return Refused(id=number, code=None if code is None else str(code), reason=str(error.get("msg", "")))


def _id(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    return None


def native_of(value: Mapping[str, Any]) -> str | None:
    """The venue's symbol in a row, wherever its kind keeps it."""
    order = value.get("o")
    for name in (value.get("s"), value.get("symbol"), order.get("s") if isinstance(order, dict) else None):
        if isinstance(name, str):
            return name
    return None


def channel_of(topic: str) -> str | None:
    """The channel of a topic, planned here or not: `btcusdt@bookTicker` -> `bookTicker`, `!…` as it is."""
    return topic if topic.startswith("!") else topic.partition("@")[2] or None


def _family(channel: str) -> str:
    """`!markPrice@arr@1s` and `markPrice@1s` -> `markPrice`."""
    return channel.removeprefix("!").partition("@")[0]


def topic_of(frame: bytes) -> str | None:
    """The stream that a combined frame names; of a raw one the stream that its row's type comes from."""
    try:
        value = _any.decode(frame)
    except UNREADABLE:
        return None
    if isinstance(value, dict) and isinstance(value.get("stream"), str):
        return str(value["stream"])
    row = value[0] if isinstance(value, list) and value else value
    if not isinstance(row, dict):
        return None
    kind = row.get("e")
    family = {"bookTicker": "bookTicker", "markPriceUpdate": "markPrice"}.get(kind) if isinstance(kind, str) else None
    native = native_of(row)
    if family is None or native is None:
        return None
    return f"!{family}@arr" if isinstance(value, list) else f"{native.lower()}@{family}"
