"""OKX's answers to requests, and topics as text: `channel:instId`, or `channel:instType` for a whole market."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from services.collector.messages import Ack, Closing, Message, Refused, Unknown

#: the connection closes for a service upgrade in 60 s
UPGRADE: Final = "64008"
#: too much at once, over the socket and over REST; the exchange is busy
BUSY: Final = frozenset({"60014", "50011", "50013"})

_NAMED: Final = re.compile(r'(channel|instId|instType)["\s]*:["\s]*([^",}\s]+)')


class Arg(msgspec.Struct, rename="camel", gc=False):
    """What names a subscription."""

    channel: str
    inst_id: str = ""
    inst_type: str = ""
    inst_family: str = ""
    uly: str = ""


class Answer(msgspec.Struct, rename="camel"):
    """An answer or notice; the fields of a push come with the subclass."""

    event: str = ""
    arg: Arg | None = None
    id: str | int | None = None
    code: str | int | None = None
    msg: str | None = None
    op: str = ""
    channel: str = ""


def topic_text(arg: Arg) -> str:
    """The topic's name: the instrument where it names one, else the market and the family."""
    parts = (arg.channel, arg.inst_id) if arg.inst_id else (arg.channel, arg.inst_type, arg.inst_family or arg.uly)
    return ":".join(part for part in parts if part)


def answer(read: Answer) -> list[Message]:
    """An answer's one message."""
    number, code, text = _number(read.id), None if read.code is None else str(read.code), read.msg or ""
    if read.event in ("subscribe", "unsubscribe"):
        return [Unknown("bad_shape") if read.arg is None else Ack(topic_text(read.arg), number)]
    if read.event == "error":
        topic = topic_text(read.arg) if read.arg else topic_in(text)
        return [Refused(topic, number, code, text, busy=code in BUSY)]
    if read.event == "notice" and code == UPGRADE:
        return [Closing(text)]
    if read.event == "channel-conn-count-error":
        return [Refused(None, number, code, f"too many connections for the channel {read.channel}")]
    return [Unknown(f"event_{read.event}".replace("-", "_"))]


def topic_in(text: str) -> str | None:
    """The one topic that an error text names, None where it names none or several."""
    named: dict[str, set[str]] = {}
    for key, value in _NAMED.findall(text.replace('\\"', '"')):
        named.setdefault(key, set()).add(value)
    channels, ids, types = (named.get(key, set()) for key in ("channel", "instId", "instType"))
    if len(channels) != 1 or len(ids) > 1 or len(types) > 1 or not (ids or types):
        return None
    return topic_text(Arg("".join(channels), inst_id="".join(ids), inst_type="".join(types)))


def request_frame(op: str, topics: Sequence[str], number: int) -> bytes:
    """One subscribe or unsubscribe request for all the topics."""
    return msgspec.json.encode({"id": str(number), "op": op, "args": [_arg(topic) for topic in topics]})


#: the channels that are subscribed by market, not by instrument
BY_TYPE: Final = frozenset({"liquidation-orders", "instruments"})


def _arg(topic: str) -> dict[str, str]:
    channel, _, rest = topic.partition(":")
    return {"channel": channel, ("instType" if channel in BY_TYPE else "instId"): rest}


def _number(given: str | int | None) -> int | None:
    text = str(given)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
