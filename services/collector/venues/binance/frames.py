"""The slow way through a socket frame: raw ones, answers to our requests, bad rows, and what is not collected.

Everything that the fast paths do not take ends here. It never raises: what it cannot use is an `Unknown` with its
reason, row by row.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.collector.messages import Ack, Closing, Message, Refused, Unknown
from services.collector.venue import Request
from services.collector.venues.binance import rows
from services.collector.venues.binance.decode_rest import Rest, market_of_path, recognise
from services.collector.venues.binance.rows import RowDecoder
from services.collector.venues.binance.shapes import PartialDepth, Row, SpotBookTicker, Wrapper
from shared.instruments import Market

#: what reading text that is no JSON, or not the JSON that was expected, raises
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)

_COLLECTED: Final = frozenset(
    {"bookTicker", "aggTrade", "depthUpdate", "markPriceUpdate", "24hrTicker", "24hrMiniTicker", "forceOrder"}
    | {"contractInfo", rows.SHUTDOWN}
)
_PERP_ONLY: Final = frozenset(
    {"bookTicker", "markPriceUpdate", "forceOrder", "contractInfo", "compositeIndex", "assetIndexUpdate"}
    | {"continuous_kline", "EquityUpdate", "CommodityUpdate"}
)
_SPOT_ONLY: Final = frozenset({"1hTicker", "4hTicker", "1dTicker", "avgPrice", "referencePrice", "blockTrade"})
#: where raw rows come from; the pace of a stream is not in them
_CHANNEL_OF_TYPE: Final = {
    "bookTicker": "bookTicker",
    "aggTrade": "aggTrade",
    "trade": "trade",
    "depthUpdate": "depth",
    "markPriceUpdate": "markPrice",
    "24hrTicker": "ticker",
    "24hrMiniTicker": "miniTicker",
    "forceOrder": "forceOrder",
}

_row = msgspec.json.Decoder(Row)
_book_ticker = msgspec.json.Decoder(SpotBookTicker)
_partial = msgspec.json.Decoder(PartialDepth)
_wrapper = msgspec.json.Decoder(Wrapper)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_any = msgspec.json.Decoder()


class Explainer:
    """Reads any frame of one connection, whatever it is."""

    def __init__(self, market: Market, decoder: RowDecoder, rest: Rest) -> None:
        self._market, self._decoder, self._rest = market, decoder, rest

    def explain(self, frame: bytes, recv: int) -> list[Message]:
        """Every message of a frame: its rows one by one, each bad one an `Unknown`."""
        try:
            wrapper = _wrapper.decode(frame)
            stream, data = wrapper.stream, bytes(wrapper.data)
        except UNREADABLE:
            stream, data = "", bytes(frame)
        if stream == f"!{rows.SHUTDOWN}":
            return [Closing(rows.SHUTDOWN)]
        if not data.lstrip().startswith(b"["):
            return self._one(data, recv, stream)
        try:
            parts = _list.decode(data)
        except UNREADABLE:
            return [Unknown(rows.NOT_JSON)]
        made: list[Message] = []
        for part in parts:
            made += self._one(bytes(part), recv, stream)
        return made or [rows.NOTHING]

    def _one(self, data: bytes, recv: int, stream: str) -> list[Message]:
        try:
            return self._decoder.one(_row.decode(data), recv, stream)
        except UNREADABLE:
            pass  # not a row that names its type, or one that is damaged: told apart below
        try:
            value = _any.decode(data)
        except UNREADABLE:
            return [Unknown(rows.NOT_JSON)]
        if not isinstance(value, dict):
            return [Unknown(rows.BAD_SHAPE)]
        answer = _answer(value)
        if answer is not None:
            return [answer]
        if "e" in value:
            known = isinstance(value["e"], str) and value["e"] in _COLLECTED
            return [Unknown(rows.BAD_SHAPE if known else rows.UNUSED_CHANNEL, native_of(value))]
        return self._untagged(data, value, recv, stream)

    def _untagged(self, data: bytes, value: dict[str, Any], recv: int, stream: str) -> list[Message]:
        """The two spot rows that do not name their type, and REST bodies that come without their request."""
        try:
            if self._market == "spot" and stream and "lastUpdateId" in value:
                return self._decoder.partial(_partial.decode(data), recv, stream)
            if self._market == "spot" and "bids" not in value and "B" in value:
                return self._decoder.one(_book_ticker.decode(data), recv, stream)
        except UNREADABLE:
            return [Unknown(rows.BAD_SHAPE, native_of(value))]
        path = recognise(value)
        if path is None or stream:
            return [Unknown(rows.BAD_SHAPE, native_of(value))]
        native = native_of(value)
        return self._rest(data, recv, Request(path, {} if native is None else {"symbol": native}))


def _answer(value: Mapping[str, Any]) -> Message | None:
    """The answer to a request of ours: `result` means done, `error` or a `code` of its own that it was refused."""
    number = _id(value.get("id"))
    result, error = value.get("result"), value.get("error")
    if error is None and isinstance(result, dict):
        error = result.get("error")
    if error is not None:
        return _refused(error, number)
    if "result" in value:
        return Ack(id=number)
    if "method" in value:
        return Unknown(rows.CLIENT_FRAME)
    if "code" in value and "msg" in value:
        return _refused(value, number)
    return None


def _refused(error: object, number: int | None) -> Refused:
    if isinstance(error, dict):
        code = error.get("code")
        return Refused(id=number, code=None if code is None else str(code), reason=str(error.get("msg", "")))
    return Refused(id=number, reason=str(error))


def _id(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return None


def native_of(value: Mapping[str, Any]) -> str | None:
    """The venue's symbol in a row, wherever its kind keeps it."""
    order = value.get("o")
    for name in (value.get("s"), value.get("symbol"), order.get("s") if isinstance(order, dict) else None):
        if isinstance(name, str):
            return name
    return None


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
    kind, native = row.get("e"), native_of(row)
    if kind is None and "B" in row and "u" in row:
        kind = "bookTicker"
    channel = _CHANNEL_OF_TYPE.get(kind) if isinstance(kind, str) else None
    if channel is None:
        return None
    if isinstance(value, list) or native is None:
        return f"!{channel}@arr"
    return f"{native.lower()}@{channel}"


def market_of(frame: bytes) -> Market | None:
    """The market that a frame belongs to by its own form, None where it cannot tell.

    Only futures rows carry `st`, `ps`, `nq`, `pu`; only spot rows carry `M`, and a book ticker without `e`. A kline or
    a mini ticker of before 2026-06-30 is the same on both.
    """
    try:
        value = _any.decode(frame)
    except UNREADABLE:
        return None
    if isinstance(value, dict) and "data" in value and "stream" in value:
        value = value["data"]
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return None
    kind = value.get("e")
    if kind is not None and not isinstance(kind, str):
        return None
    if kind in _PERP_ONLY or not value.keys().isdisjoint(("st", "ps", "nq", "pu")):
        return "perp"
    if kind in _SPOT_ONLY or "M" in value:
        return "spot"
    if kind is None:
        return _untagged_market(value)
    if kind == "aggTrade" or (kind == "trade" and "X" in value):
        return "perp"
    if kind == "depthUpdate":
        return "perp" if "T" in value else "spot"
    if kind == "24hrTicker":
        return "spot" if "b" in value else "perp"
    return None


def _untagged_market(value: Mapping[str, Any]) -> Market | None:
    if value.keys() >= {"u", "s", "b", "B", "a", "A"}:
        return "spot"
    path = recognise(value)
    return None if path is None else market_of_path(path)
