"""Bodies of `POST /info`. What was asked (`type`) says what they are; without a request the form tells.

Only a book of an unknown request and contexts would be in doubt: both carry their names here, so nothing is guessed.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Message, Refused, Relist, Unknown
from services.collector.normalise import BadNumber
from services.collector.typed_rows import UNREADABLE
from services.collector.venue import Request
from services.collector.venues.hyperliquid import reading, rows
from services.collector.venues.hyperliquid.instruments import is_listing
from services.collector.venues.hyperliquid.reading import Reader

PERP_CONTEXTS: Final = "metaAndAssetCtxs"
SPOT_CONTEXTS: Final = "spotMetaAndAssetCtxs"
BOOK: Final = "l2Book"
FUNDING_HISTORY: Final = "fundingHistory"
RECENT_TRADES: Final = "recentTrades"
PREDICTED: Final = "predictedFundings"
#: this venue among those whose rates it predicts
OURS: Final = "HlPerp"
LISTINGS: Final = frozenset({"meta", "allPerpMetas", "spotMeta", "perpCategories"})


class _Meta(msgspec.Struct):
    universe: list[msgspec.Raw]
    tokens: msgspec.Raw = msgspec.Raw(b"")


class _Name(msgspec.Struct, gc=False):
    name: str


class _Coin(msgspec.Struct, gc=False):
    coin: str


class _Rate(msgspec.Struct, gc=False, rename="camel"):
    funding_rate: str


class _Failure(msgspec.Struct):
    status: str
    response: str


_pair: Final = msgspec.json.Decoder(tuple[_Meta, list[msgspec.Raw]])
_name: Final = msgspec.json.Decoder(_Name)
_coin: Final = msgspec.json.Decoder(_Coin)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_keys: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_failure: Final = msgspec.json.Decoder(_Failure)
_predicted: Final = msgspec.json.Decoder(list[tuple[str, list[tuple[str, msgspec.Raw]]]])
_rate: Final = msgspec.json.Decoder(_Rate)
_any: Final = msgspec.json.Decoder(msgspec.Raw)

#: keys that tell a row from all others
_PAID: Final = frozenset({"coin", "fundingRate", "premium", "time"})
_TRADE: Final = frozenset({"coin", "side", "px", "sz", "time", "hash", "tid"})
#: keys that only a user's own fill has beside those
_FILL: Final = frozenset({"oid", "closedPnl"})


def rest(reader: Reader, body: bytes, recv: int, request: Request | None) -> Sequence[Message]:
    """The messages of one body."""
    try:
        _any.decode(body)
    except UNREADABLE:
        return [Unknown("not_json")]
    refused = failure(body)
    if refused is not None:
        return refused
    asked = request.params.get("type", "") if request is not None else kind_of(body)
    if asked in LISTINGS:
        return [Relist(None, "listing")]
    if asked in (PERP_CONTEXTS, SPOT_CONTEXTS):
        return contexts(reader, body, recv)
    if asked == BOOK:
        if request is not None and request.params.get("nSigFigs", "null") != "null":
            return [Unknown("aggregated", request.params.get("coin"))]
        return [Unknown("empty")] if body.strip() == b"null" else reading.book(reader, body, recv, "rest")
    if asked == FUNDING_HISTORY:
        return reading.settlements(reader, body, recv)
    if asked == RECENT_TRADES:
        return reading.trades(reader, body, recv, "rest")
    if asked == PREDICTED:
        return predicted(reader, body, recv)
    return [Unknown("empty" if body.strip() == b"[]" else "unused_endpoint")]


def kind_of(body: bytes) -> str:
    """The request that a body answers, by its form; empty where none of ours does."""
    if is_listing(body) is not None:
        return "meta"
    try:
        if body.lstrip().startswith(b"{"):
            return BOOK if {"coin", "levels"} <= _keys.decode(body).keys() else ""
        found = _raws.decode(body)
        if found and bytes(found[0]).startswith(b'["'):
            return PREDICTED if _predicted.decode(body) else ""
        keys = _keys.decode(found[0]).keys() if found else frozenset()
    except UNREADABLE:
        return ""
    if "universe" in keys:
        return PERP_CONTEXTS
    if keys >= _PAID:
        return FUNDING_HISTORY
    return RECENT_TRADES if keys >= _TRADE and not keys & _FILL else ""


def contexts(reader: Reader, body: bytes, recv: int) -> list[Message]:
    """Contexts of one exchange's perpetuals, named by position in the same body; those of pairs name themselves."""
    try:
        meta, found = _pair.decode(body)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    spot = bool(meta.tokens)
    names = [_named(raw, spot) for raw in (found if spot else meta.universe)]
    told = [(name, reader.find(name), raw) for name, raw in zip(names, found, strict=False) if name is not None]
    made = reading.joined(reader, told, recv, "rest")
    if len(told) != len(found) or len(names) != len(found):
        made.append(Unknown("bad_shape"))
    return made or [Unknown("empty")]


def _named(raw: msgspec.Raw, spot: bool) -> str | None:
    try:
        return _coin.decode(raw).coin if spot else _name.decode(raw).name
    except UNREADABLE:
        return None


def predicted(reader: Reader, body: bytes, recv: int) -> list[Message]:
    """The venue's own rates; the next payment it names has been seen to be the last one, so the clock says it."""
    try:
        found = [(coin, raw) for coin, venues in _predicted.decode(body) for venue, raw in venues if venue == OURS]
    except UNREADABLE:
        return [Unknown("bad_shape")]
    return [_prediction(reader, coin, raw, recv) for coin, raw in found] or [Unknown("empty")]


def _prediction(reader: Reader, coin: str, raw: msgspec.Raw, recv: int) -> Message:
    listed = reader.find(coin)
    if listed is None or listed.instrument.market != "perp":
        return reader.missing(coin)
    if bytes(raw) == b"null":
        return Unknown("empty", coin)
    try:
        return rows.funding(_rate.decode(raw).funding_rate, listed, recv, "rest")
    except BadNumber:
        return Unknown("bad_number", coin)
    except UNREADABLE:
        return Unknown("bad_shape", coin)


def failure(body: bytes) -> list[Message] | None:
    """A refusal, whatever was asked; None for any other answer."""
    try:
        read = _failure.decode(body)
    except UNREADABLE:
        return None
    return [Refused(None, None, read.status, read.response)] if read.status != "ok" else None
