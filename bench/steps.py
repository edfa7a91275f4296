"""`python -m bench steps`: the steps from a frame to a batch, each beside the way it was not done.

One process, no sockets: frames in the shape of the busiest channel are decoded, checked, published and packed. The
variants of a step take turns, the best of several turns counts, and figures are nanoseconds a frame: compare them as
ratios to the first of their group.
"""

import argparse
import gc
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from itertools import count
from operator import attrgetter
from string import ascii_uppercase
from typing import Any, Final

import msgspec

from services.collector.desk import Desk
from services.collector.normalise import POSITIVE_FOUR, POSITIVE_MANY
from services.collector.recent import KEPT, Ring
from services.collector.table import Table
from services.collector.venue import DecoderOptions
from services.collector.venues import VENUES
from services.collector.venues.binance.shapes import AggTrade, Combined
from shared.codec import encode_batch
from shared.events import Event, Quote
from shared.instruments import Instrument
from shared.outbox import Outbox

FRAMES: Final = 20_000
SYMBOLS: Final = 500
#: the first id of a print
FIRST: Final = 3_000_000_000
#: frames of one turn of the loop in saturation: several sockets, each with all that its buffer holds
READ: Final = 4_000
VENUE: Final = VENUES["binance"]
KEY: Final = "md:{0}:binance:quote"
Step = Callable[[], object]


def instrument(base: str) -> Instrument:
    return Instrument(
        venue="binance", market="perp", native=f"{base}USDT", symbol=f"{base}/USDT:USDT", base=base,
        quote="USDT", status="trading",
    )  # fmt: skip


def best_bids(bases: Sequence[str], rng: random.Random) -> list[bytes]:
    """Combined `bookTicker` frames of the futures market, 190 bytes each."""
    found = []
    for number in range(FRAMES):
        native, price = f"{rng.choice(bases)}USDT", rng.uniform(1, 1000)
        found.append(
            f'{{"stream":"{native.lower()}@bookTicker","data":{{"e":"bookTicker","u":{8_000_000_000_000 + number},'
            f'"s":"{native}","b":"{price:.4f}","B":"{rng.uniform(1, 900):.3f}","a":"{price + 0.01:.4f}",'
            f'"A":"{rng.uniform(1, 900):.3f}","T":1795246400123,"E":1795246400125,"st":1}}}}'.encode()
        )
    return found


class Wire:
    generation = 1


class Away:
    """A bus at whose end nobody is: packs, and forgets."""

    def __init__(self) -> None:
        self.box = Outbox("bench", {"quote": 1}, max_in_flight=1 << 40)
        self.box.open = True

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        return partial(self.box.extend, self.box.stream(key))

    def append(self, key: str, event: Event) -> None:
        self.box.append(self.box.stream(key), event)

    def put_last(self, key: str, field: str, event: Event) -> None: ...
    def delete_last(self, key: str, field: str) -> None: ...

    def flush(self) -> None:
        """The end of a turn of the loop."""
        self.box.collect()
        self.box.expected.clear()


def path(table: Table, frames: Sequence[bytes], read: int) -> Step:
    """Decoder, desk and outbox, `read` frames at a time; single frames the plain way."""
    bus = Away()
    desk = Desk("binance", 1, bus)
    desk.serve([("quote", one.symbol) for one in table], {})
    made_for = DecoderOptions("perp_public", "perp", {"perp": "bookTicker"})
    decode, quick, source = VENUE.decoder(table, made_for), VENUE.quick(table, made_for), Wire()

    def step() -> None:
        for turn in range(0, FRAMES, READ):
            for at in range(turn, min(turn + READ, FRAMES), read):
                some = frames[at : min(at + read, turn + READ)]
                desk.take(source, decode(some[0], 5) if read == 1 else quick(some, 5)[0])
            bus.flush()

    return step


class Halves:
    """Two large tables instead of three small ones."""

    def __init__(self) -> None:
        self.newer, self.older = set[str](), set[str]()

    def new(self, name: str) -> bool:
        newer = self.newer
        if name in newer or name in self.older:
            return False
        newer.add(name)
        if len(newer) == KEPT:
            self.older, self.newer = newer, set()
        return True


class Deque:
    """Ids in order, the oldest let go one by one."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.order: deque[str] = deque()

    def new(self, name: str) -> bool:
        if name in self.ids:
            return False
        self.ids.add(name)
        self.order.append(name)
        if len(self.order) > 2 * KEPT:
            self.ids.discard(self.order.popleft())
        return True


def over(values: Sequence[Any], work: Callable[[Any], object]) -> Step:
    def step() -> None:
        for value in values:
            work(value)

    return step


def last_values(quotes: Sequence[Quote]) -> dict[str, Step]:
    """What keeping the newest quote of each symbol costs, beside handing on the quotes themselves."""

    def as_they_come() -> None:
        fields: dict[str, Quote] = {}
        for at in range(0, FRAMES, 64):
            some = quotes[at : at + 64]
            fields.update(zip(map(attrgetter("symbol"), some), some, strict=True))

    def at_a_tick() -> None:
        fields: dict[str, Quote] = {}
        newest = {quote.symbol: quote for quote in quotes[-SYMBOLS:]}
        for symbol, quote in newest.items():
            fields[symbol] = quote

    return {"at a tick": at_a_tick, "as they come": as_they_come}


def groups(table: Table, frames: Sequence[bytes]) -> dict[str, dict[str, Step]]:
    """Step -> its variants, the one in use first."""
    typed = msgspec.json.Decoder(Combined).decode
    rows: list[Any] = [typed(frame).data for frame in frames]
    quotes = [Quote(row.s, row.b, row.B, row.a, row.A, row.T * 1_000_000, 5, "ws", row.u) for row in rows]
    mixed = [row if number % 8 else AggTrade(row.s, 1, "1", "1", 1, True) for number, row in enumerate(rows)]
    digits = re.compile(r"[0-9]+(?:\.[0-9]+)?").fullmatch
    ids = range(FRAMES)

    def one_by_one(row: Any) -> bool:
        return all(digits(text) and float(text) > 0 for text in (row.b, row.B, row.a, row.A))

    def decimals(row: Any) -> bool:
        return all(Decimal(text) > 0 for text in (row.b, row.B, row.a, row.A))

    def many() -> None:
        for at in range(0, FRAMES, 64):
            texts: list[str] = []
            for row in rows[at : at + 64]:
                texts += row.b, row.B, row.a, row.A
            texts.append("")
            joined = " ".join(texts)
            assert POSITIVE_MANY(joined)
            assert joined.count(" ") == len(texts) - 1

    def packed(size: int) -> Step:
        parts: Iterable[list[Event]] = [list[Event](quotes[at : at + size]) for at in range(0, FRAMES, size)]
        return over(list(parts), lambda part: encode_batch("bench", 0, part))

    def rings(make: Callable[[], Ring | Halves | Deque]) -> Step:
        """Prints of symbols in no order, to memories that are full."""
        kept, numbers, rng = [make() for _ in range(SYMBOLS)], count(FIRST), random.Random(1)
        order = [rng.choice(kept) for _ in ids]

        def step() -> None:
            for ring in order:
                ring.new(str(next(numbers)))

        for _ in range(2 * KEPT * SYMBOLS // FRAMES):
            step()
        return step

    return {
        "json": {"typed record": over(frames, typed), "dict": over(frames, msgspec.json.Decoder().decode)},
        "which type": {
            "type is": over(mixed, lambda row: type(row) is AggTrade),
            "isinstance": over(mixed, lambda row: isinstance(row, AggTrade)),
        },
        "numbers": {
            "one pattern for 64 frames": many,
            "one pattern for four": over(rows, lambda row: POSITIVE_FOUR(f"{row.b} {row.B} {row.a} {row.A}")),
            "one by one": over(rows, one_by_one),
            "Decimal": over(rows, decimals),
        },
        "batch of": {str(size): packed(size) for size in (32, 1, 16, 64)},
        "last values": last_values(quotes),
        "ids": {"three small sets": rings(Ring), "two large": rings(Halves), "set and deque": rings(Deque)},
        "frame to batch": {
            "64 at a time": path(table, frames, 64),
            "one at a time, the plain way": path(table, frames, 1),
        },
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench steps", description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    given = parser.parse_args(arguments)
    rng = random.Random(1)
    bases = ["".join(rng.choices(ascii_uppercase, k=5)) for _ in range(SYMBOLS)]
    table = Table([instrument(base) for base in bases])
    results: dict[str, dict[str, float]] = {}
    for name, variants in groups(table, best_bids(bases, rng)).items():
        times = dict.fromkeys(variants, float("inf"))
        for _ in range(given.turns):
            for variant, step in variants.items():
                gc.collect()
                began = time.perf_counter()
                step()
                times[variant] = min(times[variant], time.perf_counter() - began)
        results[name] = {variant: round(seconds / FRAMES * 1e9) for variant, seconds in times.items()}
        first = next(iter(results[name].values()))
        for variant, nanos in results[name].items():
            print(f"{name:16}{variant:48}{nanos:>8.0f} ns{nanos / first:>8.2f} x")
    print(msgspec.json.encode(results).decode())
    return 0
