"""Topics as text, the requests that name them, and the venue's answers.

A topic of v2 is `channel:instType:instId` (`books1:USDT-FUTURES:BTCUSDT`). The liquidations of v3 come for a whole
product: the topic `liquidation` stands for those of both stablecoin products, and is asked for with two arguments.
Topics of v3 that are only read, never asked for, are named alike.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Message, Refused, Unknown
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.bitget.shapes import Arg, Frame
from shared.instruments import Instrument, Market

LIQUIDATION: Final = "liquidation"
SPOT: Final = "SPOT"
#: products by the currency that they settle in
PRODUCT: Final = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}
SETTLE: Final = {product: settle for settle, product in PRODUCT.items()}
MARKET: Final[dict[str, Market]] = {SPOT: "spot", "USDT-FUTURES": "perp", "USDC-FUTURES": "perp"}
#: products that are there and not ours: coin-margined, demo, margin loans
FOREIGN: Final = frozenset({"COIN-FUTURES", "SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES", "MARGIN", "UTA"})
#: what the retired v1 called its products
OLD: Final = frozenset({"SP", "MC", "SPBL", "UMCBL", "DMCBL", "CMCBL", "SUMCBL", "SDMCBL", "SCMCBL"})

#: the id of an answer to nothing that is waited for: it must not prove a subscription that was asked for since
UNASKED: Final = 0

#: too many requests, at once or in an hour (then it closes)
BUSY: Final = frozenset({"30006", "30007"})

_NAMED: Final = re.compile(r'(channel|topic|instType|instId|symbol)["\s]*:["\s]*([^",}\s]+)')


class _Push(msgspec.Struct):
    arg: Arg
    data: msgspec.Raw


_push: Final = msgspec.json.Decoder(_Push)


def product(instrument: Instrument) -> str:
    return SPOT if instrument.settle is None else PRODUCT.get(instrument.settle, instrument.settle)


def topic_text(arg: Arg) -> str:
    """The topic's name, of either version."""
    channel = arg.channel or arg.topic
    if channel == LIQUIDATION:
        return channel
    return ":".join(part for part in (channel, arg.inst_type.upper(), arg.inst_id or arg.symbol) if part)


def request_frame(op: str, topics: Sequence[str]) -> bytes:
    """One request for all the topics; requests carry no number here."""
    return msgspec.json.encode({"op": op, "args": [arg for topic in topics for arg in _args(topic)]})


def _args(topic: str) -> list[dict[str, str]]:
    if topic == LIQUIDATION:
        return [{"instType": name.lower(), "topic": LIQUIDATION} for name in SETTLE]
    channel, _, rest = topic.partition(":")
    inst_type, _, native = rest.partition(":")
    return [{"instType": inst_type, "channel": channel, "instId": native}]


def channel_of(topic: str) -> str | None:
    """The channel of a topic, planned here or not."""
    return topic.partition(":")[0] or None


def topic_of(frame: bytes) -> str | None:
    try:
        arg = _push.decode(frame).arg
    except UNREADABLE:
        return None
    return topic_text(arg) if arg.channel or arg.topic else None


def market_of(frame: bytes) -> Market | None:
    """Every push and every acknowledgement names its product."""
    try:
        return MARKET.get(_push.decode(frame).arg.inst_type.upper())
    except UNREADABLE:
        return None


def answer(read: Frame) -> list[Message]:
    """The one message of a frame with `event`."""
    arg = read.arg
    if arg is not None and arg.inst_type.upper() in OLD:
        return [Unknown("old_api", arg.inst_id or None)]
    if read.event == "subscribe":
        return [Unknown("bad_shape") if arg is None else Ack(topic_text(arg))]
    if read.event == "unsubscribe":
        return [Unknown("bad_shape") if arg is None else Ack(topic_text(arg), UNASKED)]
    if read.event == "error":
        named = topic_text(arg) if arg is not None else ""
        code = None if read.code is None else str(read.code)
        text = read.msg or ""
        return [Refused(named or topic_in(text), None, code, text, code in BUSY)]
    return [Unknown(f"event_{read.event}")]


def topic_in(text: str) -> str | None:
    """The one topic that an error's text names (`instType:SPOT,channel:ticker,instId:X doesn't exist`)."""
    named: dict[str, set[str]] = {}
    for key, value in _NAMED.findall(text):
        named.setdefault(key, set()).add(value)
    if any(len(values) > 1 for values in named.values()):
        return None
    one = {key: value for key, values in named.items() for value in values}
    arg = Arg(
        one.get("instType", ""),
        one.get("channel", ""),
        one.get("instId", ""),
        one.get("topic", ""),
        one.get("symbol", ""),
    )
    whole = (arg.channel or arg.topic) and arg.inst_type and (arg.inst_id or arg.symbol or arg.topic == LIQUIDATION)
    return topic_text(arg) if whole else None
