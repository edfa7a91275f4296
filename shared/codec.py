"""Events to and from the bytes of a stream entry.

A batch is the msgpack array `[producer, seq, [event, event, ...]]` under the entry's one field `v1`. Elements that a
newer writer has appended to an event are ignored; an event kind that is not known is an error of that batch, which
the reader counts.
"""

from typing import Final

import msgspec

from shared import decoding
from shared.events import Event

SCHEMA: Final = "v1"


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """What one stream entry holds. `seq` counts a producer's batches on one key from 0, without a hole."""

    producer: str
    seq: int
    events: list[Event]


class BatchHead(msgspec.Struct, frozen=True, array_like=True):
    """The two leading fields of a batch, for readers that only keep account of its number."""

    producer: str
    seq: int


_encoder = msgspec.msgpack.Encoder()
_batches: Final[decoding.Decoder[Batch]] = decoding.msgpack(Batch)
_heads: Final[decoding.Decoder[BatchHead]] = decoding.msgpack(BatchHead)
_lists: Final[decoding.Decoder[list[Event]]] = decoding.msgpack(list[Event])
_events: Final[decoding.Decoder[Event]] = decoding.msgpack(Event)


def encode_batch(producer: str, seq: int, events: list[Event]) -> bytes:
    return _encoder.encode((producer, seq, events))


def decode_batch(data: bytes) -> Batch:
    """Raises `msgspec.DecodeError` (of which `ValidationError` is one) on anything that is no batch."""
    return _batches.decode(data)


def decode_head(data: bytes) -> BatchHead:
    """Raises as `decode_batch`."""
    return _heads.decode(data)


def encode_events(events: list[Event]) -> bytes:
    """The events alone, without the array header: pieces that wait can be joined into one batch later."""
    return _encoder.encode(events)[1 if len(events) < 16 else 3 :]


def decode_events(count: int, body: bytes) -> list[Event]:
    return _lists.decode(_array_header(count) + body)


def join_batch(producer: str, seq: int, count: int, body: bytes) -> bytes:
    """The same bytes as `encode_batch`, from events that are encoded already (`count` below 65,536)."""
    head = _encoder.encode((producer, seq))
    return b"".join((b"\x93", head[1:], _array_header(count), body))


def _array_header(count: int) -> bytes:
    return bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


def encode_event(event: Event) -> bytes:
    return _encoder.encode(event)


def decode_event(data: bytes) -> Event:
    """Raises as `decode_batch`."""
    return _events.decode(data)
