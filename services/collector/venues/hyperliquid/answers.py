"""Topics as text, requests, and the venue's answers to them.

A topic is the subscription's type, with the coin where it has one: `bbo:BTC`, `bbo:xyz:TSLA`, `fastAssetCtxs`. Answers
echo the subscription with its defaults filled in; frames have no ids.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Message, Refused, Unknown
from services.collector.typed_rows import UNREADABLE

BBO: Final = "bbo"
TRADES: Final = "trades"
BOOK: Final = "l2Book"
FAST: Final = "fastAssetCtxs"
CONTEXTS: Final = "allDexsAssetCtxs"
CONTEXT: Final = "activeAssetCtx"
SPOT_CONTEXT: Final = "activeSpotAssetCtx"

PING: Final = b'{"method":"ping"}'
#: five levels each half second; without it twenty, each five seconds
_FORM: Final = {BOOK: {"fast": True}}

_DOUBLED: Final = "Already subscribed: "


class Subscription(msgspec.Struct, gc=False):
    type: str
    coin: str | None = None


class _Asked(msgspec.Struct):
    method: str
    subscription: Subscription


_asked: Final = msgspec.json.Decoder(_Asked)
_subscription: Final = msgspec.json.Decoder(Subscription)
_text: Final = msgspec.json.Decoder(str)


def topic_text(channel: str, coin: str | None) -> str:
    return channel if coin is None else f"{channel}:{coin}"


def request_frame(method: str, topics: Sequence[str]) -> bytes:
    """One subscribe or unsubscribe request: the venue takes one subscription a frame."""
    channel, colon, coin = topics[0].partition(":")
    subscription: dict[str, object] = {"type": channel}
    if colon:
        subscription["coin"] = coin
    return msgspec.json.encode({"method": method, "subscription": subscription | _FORM.get(channel, {})})


def subscribed(data: msgspec.Raw) -> str | None:
    """The topic that an answer says is subscribed, None of any other answer."""
    try:
        read = _asked.decode(data)
    except UNREADABLE:
        return None
    return topic_text(read.subscription.type, read.subscription.coin) if read.method == "subscribe" else None


def answer(data: msgspec.Raw) -> list[Message]:
    """An answer to a request. That to an unsubscribe must not name its topic: it may be subscribed again already."""
    try:
        read = _asked.decode(data)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    return [Ack(topic_text(read.subscription.type, read.subscription.coin) if read.method == "subscribe" else None)]


def error(data: msgspec.Raw) -> list[Message]:
    """An error's text, which ends with what was asked. To be subscribed twice is to be subscribed."""
    try:
        text = _text.decode(data)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    if text.startswith(_DOUBLED):
        topic = _topic_of(text.removeprefix(_DOUBLED))
        return [Ack(topic) if topic is not None else Unknown("bad_shape")]
    if text.startswith("Already unsubscribed: "):
        return [Ack()]
    return [Refused(_topic_of(text[text.find("{") :]), None, None, text)]


def _topic_of(text: str) -> str | None:
    """The topic of a subscription, or of a request to subscribe."""
    data = text.encode()
    try:
        try:
            read = _subscription.decode(data)
        except msgspec.ValidationError:
            asked = _asked.decode(data)
            if asked.method != "subscribe":
                return None
            read = asked.subscription
    except UNREADABLE:
        return None
    return topic_text(read.type, read.coin)
