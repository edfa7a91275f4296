"""The lite encoding: the same messages with short keys. They are written out and read as the full encoding.

A short key means different things in different places (`i` is an instrument or an id), so each place has its table.
Values are carried over as they are, digit for digit.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.collector.typed_rows import UNREADABLE
from services.collector.venues.grvt.shapes import begins

Keys = Mapping[str, msgspec.Raw]
Names = Mapping[str, str]

_ENVELOPE: Final = {
    "s": "stream",
    "s1": "selector",
    "sn": "sequence_number",
    "f": "feed",
    "ps": "prev_sequence_number",
}
_RPC: Final = {"j": "jsonrpc", "m": "method", "p": "params", "r": "result", "e": "error", "i": "id"}
_ERROR: Final = {"ri": "request_id", "c": "code", "m": "message", "s": "status"}
_SUBSCRIBED: Final = {
    "s": "stream",
    "s1": "subs",
    "u": "unsubs",
    "ns": "num_snapshots",
    "fs": "first_sequence_number",
    "ls": "latest_sequence_number",
}
_MINI: Final = {
    "et": "event_time",
    "i": "instrument",
    "mp": "mark_price",
    "ip": "index_price",
    "lp": "last_price",
    "ls": "last_size",
    "mp1": "mid_price",
    "bb": "best_bid_price",
    "bb1": "best_bid_size",
    "ba": "best_ask_price",
    "ba1": "best_ask_size",
}
_TICKER: Final = {
    **_MINI,
    "fr": "funding_rate_8h_curr",
    "fr1": "funding_rate_8h_avg",
    "ir": "interest_rate",
    "fp": "forward_price",
    "bv": "buy_volume_24h_b",
    "sv": "sell_volume_24h_b",
    "bv1": "buy_volume_24h_q",
    "sv1": "sell_volume_24h_q",
    "hp": "high_price",
    "lp1": "low_price",
    "op": "open_price",
    "oi": "open_interest",
    "ls1": "long_short_ratio",
    "fr2": "funding_rate",
    "nf": "next_funding_time",
}
_BOOK: Final = {"et": "event_time", "i": "instrument", "b": "bids", "a": "asks"}
_LEVEL: Final = {"p": "price", "s": "size", "no": "num_orders"}
_TRADE: Final = {
    "et": "event_time",
    "i": "instrument",
    "it": "is_taker_buyer",
    "s": "size",
    "p": "price",
    "mp": "mark_price",
    "ip": "index_price",
    "ir": "interest_rate",
    "fp": "forward_price",
    "ti": "trade_id",
    "v": "venue",
    "ir1": "is_rpi",
}
_CANDLE: Final = {"ot": "open_time", "ct": "close_time", "o": "open", "c": "close", "i": "instrument"}
_FUNDING: Final = {
    "i": "instrument",
    "fr": "funding_rate",
    "ft": "funding_time",
    "mp": "mark_price",
    "fr1": "funding_rate_8_h_avg",
    "fi": "funding_interval_hours",
}
_INSTRUMENT: Final = {
    "i": "instrument",
    "ih": "instrument_hash",
    "b": "base",
    "q": "quote",
    "k": "kind",
    "v": "venues",
    "sp1": "settlement_period",
    "bd": "base_decimals",
    "qd": "quote_decimals",
    "ts": "tick_size",
    "ms": "min_size",
    "ct": "create_time",
    "mp": "max_position_size",
    "fi": "funding_interval_hours",
    "af": "adjusted_funding_rate_cap",
    "af1": "adjusted_funding_rate_floor",
    "mn": "min_notional",
}
_CURRENCY: Final = {"i": "id", "s": "symbol", "bd": "balance_decimals", "qm": "quantity_multiplier"}

#: keys that tell one kind of row from another, the most telling first
_ROWS: Final[tuple[tuple[frozenset[str], Names], ...]] = (
    (frozenset({"ih", "k"}), _INSTRUMENT),
    (frozenset({"s", "qm"}), _CURRENCY),
    (frozenset({"fr", "ft"}), _FUNDING),
    (frozenset({"it", "ti"}), _TRADE),
    (frozenset({"ot", "ct"}), _CANDLE),
    (frozenset({"b", "a"}), _BOOK),
    (frozenset({"i", "fr2"}), _TICKER),
    (frozenset({"i", "et"}), _MINI),
)
#: the second part of a stream's name -> its rows
_FEEDS: Final[dict[str, Names]] = {
    "mini": _MINI,
    "ticker": _TICKER,
    "book": _BOOK,
    "trade": _TRADE,
    "candle": _CANDLE,
}

_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_text: Final = msgspec.json.Decoder(str)


def written_out(keys: Keys) -> Keys | None:
    """A frame or body of the lite encoding with its keys in full; None where it is not of that encoding."""
    if keys.keys() >= {"s", "s1", "f"}:
        return _renamed(keys, _ENVELOPE) | {"feed": _feed(keys["s"], keys["f"])}
    if keys.keys() >= {"j", "r"}:
        return _renamed(keys, _RPC) | {"result": _row(keys["r"], _SUBSCRIBED)}
    if "j" in keys:
        return _renamed(keys, _RPC) | ({"error": _row(keys["e"], _ERROR)} if "e" in keys else {})
    if "r" in keys:
        return {"result": _result(keys["r"])}
    if keys.keys() >= {"c", "m"}:
        return _renamed(keys, _ERROR)
    return None


def _renamed(keys: Keys, names: Names) -> dict[str, msgspec.Raw]:
    return {names.get(key, key): value for key, value in keys.items()}


def _feed(stream: msgspec.Raw, raw: msgspec.Raw) -> msgspec.Raw:
    """The row of a push; as it is where the stream's rows are not known."""
    try:
        names = _FEEDS.get(_text.decode(stream).split(".")[1], {})
    except (*UNREADABLE, IndexError):
        return raw
    return _row(raw, names)


def _result(raw: msgspec.Raw) -> msgspec.Raw:
    """The rows of a REST answer, told by their keys: one, or a list of them."""
    if not begins(raw, b"["):
        return _row(raw, _names_of(raw))
    try:
        rows = _array.decode(raw)
    except UNREADABLE:
        return raw
    return msgspec.Raw(msgspec.json.encode([_row(row, _names_of(row)) for row in rows]))


def _names_of(raw: msgspec.Raw) -> Names:
    try:
        keys = _object.decode(raw).keys()
    except UNREADABLE:
        return {}
    return next((names for told, names in _ROWS if told <= keys), {})


def _row(raw: msgspec.Raw, names: Names) -> msgspec.Raw:
    try:
        keys = _renamed(_object.decode(raw), names)
        if names is _BOOK:
            keys |= {side: _levels(keys[side]) for side in ("bids", "asks") if side in keys}
    except UNREADABLE:
        return raw
    return msgspec.Raw(msgspec.json.encode(keys))


def _levels(raw: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([_row(level, _LEVEL) for level in _array.decode(raw)]))
