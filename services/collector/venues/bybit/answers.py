"""The venue's answers to requests, and its topics: `channel.symbol`, where a channel may have a point of its own.

A subscribe request is accepted or refused as a whole, and a refusal names the first topic that was to blame:

    {"success": true, "ret_msg": "" or "subscribe", "conn_id": "…", "req_id": "7", "op": "subscribe"}
    {"success": false, "ret_msg": "error:handler not found,topic:orderbook.1.NOPE", …}     perpetuals
    {"success": false, "ret_msg": "Invalid symbol :[tickers.NOPE]", …}                     spot
    {"success": false, "ret_msg": "error:already subscribed,topic:tickers.BTCUSDT", …}
    {"success": false, "ret_msg": "args size >10", …}                                      spot, names none
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Message, Pong, Refused, Unknown
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.bybit.shapes import Frame

_NAMED: Final = re.compile(r"topic:([^\s,\[\]]+)|\[([^\s,\[\]]+)\]")
_ALREADY: Final = "already subscribed"
#: too much at once, over the socket and over REST; the exchange is busy
BUSY: Final = frozenset({"10006", "10018"})


class _Topics(msgspec.Struct, rename="camel"):
    success_topics: list[str] = []
    fail_topics: list[str] = []


_topics: Final = msgspec.json.Decoder(_Topics)


def channel_of(topic: str) -> str | None:
    """The channel of a topic, planned here or not: `orderbook.50.BTCUSDT` -> `orderbook.50`."""
    return topic.rpartition(".")[0] or topic or None


def request_frame(op: str, topics: Sequence[str], number: int) -> bytes:
    """One subscribe or unsubscribe request for all the topics."""
    return msgspec.json.encode({"req_id": str(number), "op": op, "args": list(topics)})


def answer(read: Frame) -> list[Message]:
    """The messages of an answer to a request."""
    number = _number(read.req_id)
    if read.type == "COMMAND_RESP":
        return _by_topic(read)
    if read.op == "ping" and read.success:
        return [Pong()]
    if read.op == "unsubscribe":
        return [Ack(None, number) if read.success else Unknown("unsubscribe_refused")]
    if read.op not in ("subscribe", "") or (read.success and not read.op):
        return [Unknown("unused_answer")]
    if read.success:
        return [Ack(None, number)]
    code, text = None if read.ret_code is None else str(read.ret_code), read.ret_msg or ""
    topic = topic_in(text)
    refused = Refused(topic, number, code, text, busy=code in BUSY, whole=topic is not None)
    if topic is not None and _ALREADY in text:
        return [Ack(topic), refused]  # that one is there, the others of its request are not
    return [refused]


def topic_in(text: str) -> str | None:
    """The one topic that a refusal names, None where it names none or several."""
    found = {first or second for first, second in _NAMED.findall(text)}
    return found.pop() if len(found) == 1 else None


def _by_topic(read: Frame) -> list[Message]:
    """The form of answers on endpoints of other products: each topic has its own."""
    try:
        topics = _topics.decode(read.data)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    made: list[Message] = [Ack(topic) for topic in topics.success_topics]
    made += [Refused(topic, reason=read.ret_msg or "") for topic in topics.fail_topics]
    return made or [Unknown("unused_answer")]


def _number(given: str | int | None) -> int | None:
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
