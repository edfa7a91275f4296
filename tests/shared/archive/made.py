"""Archives made by hand: entries of several kinds, a journal of them, Parquet of that."""

from pathlib import Path

from services.archiver.seal import seal
from shared.archive import layout
from shared.archive.journal import Block, Journal
from shared.archive.records import Entry, Gap, Snapshot
from shared.codec import encode_batch
from shared.events import Book, Depth, Event, Funding, Liquidation, Mark, Quote, Settlement, State, Stats, Trade
from shared.streams import control, market_data, signals

#: 2026-01-01T00:00:00Z
T0 = 1_767_225_600_000
NS = 1_000_000
SYMBOL = "BTC/USDT:USDT"

EVENTS: dict[str, list[Event]] = {
    "quote": [
        Quote(SYMBOL, "43250.10", "1.500", "43250.20", "0.3", 17, 18, "ws", 5),
        Quote(SYMBOL, None, None, "1e", "2", None, 19, "repeat"),
        State(None, "down", "stop", 20),
    ],
    "trade": [Trade(SYMBOL, "1.0", "2", "buy", "7-1", None, 21, "liquidation")],
    "book": [
        Book(SYMBOL, (("1", "2"), ("0.9", "3")), (), None, 22, 23),
        Depth(SYMBOL, (("0.5", "1", None), ("2", "3", "4")), "5", None, None, 24),
    ],
    "mark": [Mark(SYMBOL, "1", None, None, 25)],
    "funding": [
        Funding(SYMBOL, "0.0001", "8", 26, None, None, 27),
        Settlement(SYMBOL, "-0.0001", None, 60, "1.5", 28),
        State(SYMBOL, "gap", "换", 29),
    ],
    "liquidation": [Liquidation(SYMBOL, "sell", "1", "2", 30, 31, None, "bankruptcy")],
    "stats": [Stats(SYMBOL, "1", None, "2", None, None, 32, "3")],
}


def entries(first_ms: int = T0, rounds: int = 3, step_ms: int = 250) -> list[Entry]:
    """Entries of every kind, a pulse among them, in order."""
    found: list[Entry] = []
    for number in range(rounds):
        ms = first_ms + number * step_ms
        for kind, events in EVENTS.items():
            for venue in ("alpha", "beta"):
                batch = encode_batch(f"{venue}-1", number, events if number % 2 == 0 else [])
                found.append(Entry(market_data(0, venue, kind), ms, 0, batch))
        found.append(Entry(control(0), ms, number, b"\x93\xa1o\x00\x90"))
        found.append(Entry(signals(0), ms, 7, b"signal %d" % number))
    return sorted(found, key=lambda entry: entry.order)


def journal(
    root: Path,
    segment: int,
    found: list[Entry],
    *,
    gaps: list[Gap] | None = None,
    snapshots: list[Snapshot] | None = None,
    blocks: int = 4,
) -> Path:
    """A segment in the journal, in several blocks."""
    path = layout.journal_path(root, segment)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Journal(path)
    made.append(Block(snapshots=snapshots or [], head=b"{}"))
    size = max(1, -(-len(found) // blocks))
    for at in range(0, len(found), size):
        made.append(Block(found[at : at + size]))
    if gaps:
        made.append(Block(gaps=gaps))
    made.close()
    return path


def sealed(root: Path, segment: int, found: list[Entry], **more: object) -> None:
    """The same as Parquet."""
    journal(root, segment, found, **more)  # type: ignore[arg-type]
    seal(root, segment)
