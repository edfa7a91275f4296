"""Stream entries as rows and back: one row an event, exactly. Pure.

A kind's columns are those every row has and the fields of all events that its stream carries; a field that an event
does not have is null. Decimal text stays text, and levels of books are JSON text. An entry without events (a pulse)
takes one row without an event. Kinds whose contents are the scanner's own (`control`, `signal`) keep them as bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin, get_type_hints

import msgspec

from shared import decoding
from shared.archive.records import Entry, split_key
from shared.codec import Batch, decode_batch
from shared.events import STREAM, STREAM_KINDS, Event, State
from shared.streams import control, market_data, signals

#: What a column holds: 64-bit integers, text, bytes.
Type = Literal["int", "text", "bytes"]
Columns: TypeAlias = dict[str, list[Any]]
#: (ms, key, id seq, what the entry holds: a batch, or the bytes of a kind that is not ours to read)
Item: TypeAlias = tuple[int, str, int, Batch | bytes]

RAW_KINDS: Final = ("control", "signal")
KINDS: Final = (*STREAM_KINDS, *RAW_KINDS)
SNAPSHOT: Final = "snapshot"
#: Integers beyond this have no place in a column.
INT_MAX: Final = (1 << 63) - 1
_ID: Final[dict[str, Type]] = {"id_ms": "int", "id_seq": "int", "partition": "int"}
#: `batch`: the number that its producer gave the batch; `n`: the event's place in it, -1 where it has none.
_BATCH: Final[dict[str, Type]] = {"venue": "text", "producer": "text", "batch": "int", "n": "int", "event": "text"}
_RAW: Final[dict[str, Type]] = {**_ID, "data": "bytes"}


def _type_of(hint: Any) -> Type:
    kinds = {part for part in get_args(hint) if part is not NoneType} if get_origin(hint) is UnionType else {hint}
    return "int" if kinds == {int} else "text"


def _is_levels(hint: Any) -> bool:
    return get_origin(hint) is tuple


def _tag(event: type[Event]) -> str:
    return str(event.__struct_config__.tag)


def _types_of(kind: str) -> list[type[Event]]:
    return [*(event for event, stream in STREAM.items() if stream == kind), State]


def _made(kind: str) -> dict[str, Type]:
    if kind in RAW_KINDS:
        return _RAW
    if kind == SNAPSHOT:
        return {"id_ms": "int", "key": "text", "data": "bytes"}
    found: dict[str, Type] = {**_ID, **_BATCH}
    for event in _types_of(kind):
        found |= {name: _type_of(hint) for name, hint in get_type_hints(event).items() if name in _fields(event)}
    return found


def _fields(event: type[Event]) -> tuple[str, ...]:
    return event.__struct_fields__


#: The columns of each kind, in their order.
SCHEMAS: Final[Mapping[str, Mapping[str, Type]]] = {kind: _made(kind) for kind in (*KINDS, SNAPSHOT)}
_FIXED: Final = len(_ID) + len(_BATCH)
_json: Final = msgspec.json.Encoder().encode
_level_kinds: Final = {
    (event, name): decoding.json(hint)
    for event in STREAM
    for name, hint in get_type_hints(event).items()
    if _is_levels(hint)
}


class _Shape:
    """Where the fields of one event type go among the columns of a kind."""

    def __init__(self, kind: str, event: type[Event]) -> None:
        names = list(SCHEMAS[kind])[_FIXED:]
        fields = _fields(event)
        self.tag = _tag(event)
        self.places = [fields.index(name) if name in fields else len(fields) for name in names]
        self.levels = [at for at, name in enumerate(fields) if (event, name) in _level_kinds]

    def row(self, event: Event) -> tuple[Any, ...]:
        values = [*msgspec.structs.astuple(event), None]
        for at in self.levels:
            values[at] = _json(values[at]).decode()
        return tuple([values[place] for place in self.places])


_SHAPES: Final = {(kind, event): _Shape(kind, event) for kind in STREAM_KINDS for event in _types_of(kind)}


class Unfit(ValueError):
    """An entry that has no place among the rows of its kind."""


def rows_of(entry: Entry) -> list[tuple[Any, ...]]:
    """The rows of one entry, in the order of its kind's columns. Raises `msgspec.DecodeError`, `Unfit`."""
    partition, venue, kind = split_key(entry.key)
    if entry.seq > INT_MAX:
        raise Unfit("the entry's id is out of range")
    if kind in RAW_KINDS:
        return [(entry.ms, entry.seq, partition, entry.data)]
    batch = decode_batch(entry.data)
    head = (entry.ms, entry.seq, partition, venue, batch.producer, batch.seq)
    if not batch.events:
        found = [(*head, -1, None, *[None] * (len(SCHEMAS[kind]) - _FIXED))]
    else:
        found = []
        for n, event in enumerate(batch.events):
            shape = _SHAPES.get((kind, type(event)))
            if shape is None:
                raise Unfit(f"a {_tag(type(event))!r} event on a stream of kind {kind}")
            found.append((*head, n, shape.tag, *shape.row(event)))
    if any(type(value) is int and not -INT_MAX <= value <= INT_MAX for row in found for value in row):
        raise Unfit("a number of more than 63 bits")
    return found


def columns_of(kind: str, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """The same rows by column."""
    return dict(zip(SCHEMAS[kind], map(list, zip(*rows, strict=True)), strict=True))


def items_of(kind: str, chunks: Iterable[Columns]) -> Iterator[Item]:
    """The entries of a kind's rows, in the order of the rows; chunks may cut an entry in two."""
    if kind in RAW_KINDS:
        for chunk in chunks:
            key = {partition: _key(kind, partition, "") for partition in set(chunk["partition"])}
            found = zip(chunk["id_ms"], chunk["id_seq"], chunk["partition"], chunk["data"], strict=True)
            yield from ((ms, key[partition], seq, data) for ms, seq, partition, data in found)
        return
    for (ms, seq, partition, venue, producer, number), rows in groupby(_events(kind, chunks), key=itemgetter(0)):
        batch = Batch(producer, number, [event for _, event in rows if event is not None])
        yield ms, _key(kind, partition, venue), seq, batch


def item_of(entry: Entry) -> Item:
    """What the entry holds. Raises `msgspec.DecodeError`."""
    raw = split_key(entry.key)[2] in RAW_KINDS
    return entry.ms, entry.key, entry.seq, entry.data if raw else decode_batch(entry.data)


def _key(kind: str, partition: int, venue: str) -> str:
    if kind == "control":
        return control(partition)
    return signals(partition) if kind == "signal" else market_data(partition, venue, kind)


def _events(kind: str, chunks: Iterable[Columns]) -> Iterator[tuple[tuple[Any, ...], Event | None]]:
    """The rows as (what tells the entry, the event)."""
    for chunk in chunks:
        makers = {_tag(event): _maker(event, list(chunk)) for event in _types_of(kind)}
        heads = [chunk[name] for name in ("id_ms", "id_seq", "partition", "venue", "producer", "batch")]
        for row in zip(zip(*heads, strict=True), chunk["event"], zip(*chunk.values(), strict=True), strict=True):
            head, tag, values = row
            yield head, None if tag is None else makers[tag](values)


def _maker(event: type[Event], names: list[str]) -> Callable[[tuple[Any, ...]], Event]:
    """Makes the event of a row. Fields that an older file does not have keep their defaults."""
    fields = [name for name in _fields(event) if name in names]
    pick = itemgetter(*(names.index(name) for name in fields))
    levels = [(at, _level_kinds[event, name]) for at, name in enumerate(fields) if (event, name) in _level_kinds]
    if not levels:
        return lambda row: event(*pick(row))

    def made(row: tuple[Any, ...]) -> Event:
        values = list(pick(row))
        for at, decoder in levels:
            values[at] = decoder.decode(values[at])
        return event(*values)

    return made
