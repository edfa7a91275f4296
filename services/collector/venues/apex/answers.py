"""Topics (`orderBook25.H.BTCUSDT`), requests, and what the exchange answers to them: the request itself, repeated.

{"success": true, "ret_msg": "", "conn_id": "…", "request": {"op": "subscribe", "args": ["orderBook25.H.BTCUSDT"]}}
{"success": false, "ret_msg": "error:handler not found", …}
{"success": false, "ret_msg": "error:topic:already subscribed …", …}
{"op": "ping", "args": ["1790586413344"]}            the exchange's own, to be answered by a pong with the same
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Answer, Message, Pong, Refused, Unknown
from services.collector.typed_rows import UNREADABLE
from services.collector.venues.apex.shapes import Answered, Asked

BOOK: Final = "orderBook25.H"
INFO: Final = "instrumentInfo.H"
#: the topic of all instruments at once, which is a channel of its own
INFO_ALL: Final = "instrumentInfo.all"
#: what a refusal begins with where the topic is there already
_ALREADY: Final = "error:topic:already subscribed"

_answered: Final = msgspec.json.Decoder(Answered)
_asked: Final = msgspec.json.Decoder(Asked)


def topic_text(channel: str, native: str) -> str:
    return f"{channel}.{native}"


def channel_of(topic: str) -> str | None:
    """The channel of a topic, planned here or not."""
    if topic == INFO_ALL:
        return topic
    return topic.rpartition(".")[0] or topic or None


def request_frame(op: str, topics: Sequence[str]) -> bytes:
    return msgspec.json.encode({"op": op, "args": list(topics)})


def answer(frame: bytes) -> list[Message]:
    """The messages of an answer to a request of ours. It has no id: its topics tell what was asked."""
    try:
        read = _answered.decode(frame)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    op, args, text = read.request.op, read.request.args or [], read.ret_msg or ""
    if read.success and (op == "ping" or text == "pong"):
        return [Pong()]
    if op == "unsubscribe":
        return [Unknown("unused_answer" if read.success else "unsubscribe_refused")]
    if read.success:
        return [Ack(topic) for topic in args if op == "subscribe"] or [Unknown("unused_answer")]
    if len(args) != 1:  # which of them was to blame is not said: each is tried alone
        return [Refused(reason=text)]
    return [Ack(args[0]) if text.startswith(_ALREADY) else Refused(args[0], reason=text)]


def operation(frame: bytes) -> list[Message]:
    """A frame with an `op` of its own: a ping that wants its numbers back, a pong, or what a client sent."""
    try:
        read = _asked.decode(frame)
    except UNREADABLE:
        return [Unknown("bad_shape")]
    if read.op == "pong":
        return [Pong()]
    if read.op == "ping":
        return [Answer(request_frame("pong", read.args or []).decode())]
    return [Unknown("client_frame")]
