"""What is played comes out as it would have live, and nothing is lost uncounted."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from services.collector.capture import Captured, parse
from services.collector.messages import Unknown
from services.collector.player import Player, received_at
from services.collector.recorded import Listing, Recorded
from services.collector.venues import VENUES
from shared.events import Book, Event, Mark, Quote, State, Trade

CASES = Path(__file__).parents[1] / "venues" / "okx"
NOW = 1_800_000_000_000_000_000


class Kept:
    """A bus that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.last: dict[tuple[str, str], Event] = {}

    def append(self, key: str, event: Event) -> None:
        self.events.append((key, event))

    def outlet(self, key: str) -> Callable[[list[Event]], None]:
        def put(events: list[Event]) -> None:
            for event in events:
                self.append(key, event)

        return put

    def put_last(self, key: str, field: str, event: Event) -> None:
        self.last[key, field] = event

    def delete_last(self, key: str, field: str) -> None:
        self.last.pop((key, field), None)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for _, event in self.events if type(event) is kind]


def player_of(*, listed: bool = True) -> tuple[Player, Kept]:
    venue, bus = VENUES["okx"], Kept()
    listing = Listing(venue)
    if listed:
        bodies = msgspec.json.decode((CASES / "books" / "instruments.json").read_bytes(), type=dict[str, msgspec.Raw])
        for call, body in bodies.items():
            listing.put(call, bytes(body))
        listing.refresh()
    player = Player(Recorded(venue, listing, None), listing.table, 1, bus)
    player.serve(NOW)
    return player, bus


def play(player: Player, case: str, recv: int = NOW) -> None:
    lines = (CASES / case / "frames.jsonl").read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if player.play(parse(line, number), recv + number * 1_000_000):
            player.serve(recv)
    player.tick(recv + 10_000_000_000)


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("*/frames.jsonl")))
def test_every_line_is_accounted_for(case: str) -> None:
    player, bus = player_of()
    play(player, case)
    account = player.account
    assert account.lines == len((CASES / case / "frames.jsonl").read_bytes().splitlines())
    assert account.conserved
    assert account.published.total() == len(bus.events)


def test_events_leave_with_the_receive_time_they_are_played_at() -> None:
    player, bus = player_of()
    play(player, "bbo-tbt")
    quotes = bus.of(Quote)
    assert quotes
    assert all(isinstance(quote, Quote) and quote.recv >= NOW for quote in quotes)


def test_a_replayed_trade_is_judged_by_the_time_it_was_recorded_at() -> None:
    player, bus = player_of()
    play(player, "trades")
    ids = [trade.id for trade in bus.of(Trade) if isinstance(trade, Trade)]
    assert "861000100" not in ids
    assert "861000101" in ids
    assert player.account.decoded["trade"] == len(ids) + player.desk.held.total()


def test_books_and_gaps_go_out() -> None:
    player, bus = player_of()
    play(player, "books")
    assert [state.state for state in bus.of(State) if isinstance(state, State) and state.symbol] == ["up", "gap", "up"]
    books = bus.of(Book)
    assert books
    assert player.books.gaps == 1


def test_a_listing_among_the_frames_is_served_from_then_on() -> None:
    player, bus = player_of(listed=False)
    play(player, "instruments")
    play(player, "mark-price")
    assert [mark.symbol for mark in bus.of(Mark) if isinstance(mark, Mark)] == ["BTC/USDT:USDT"]


def test_a_start_is_announced_once_for_all_symbols() -> None:
    player, bus = player_of()
    player.serve(NOW)
    starts = [event for event in bus.of(State) if isinstance(event, State) and event.symbol is None]
    assert len(starts) == len(player.desk.keys())
    assert {start.reason for start in starts} == {"start"}


def test_a_frame_that_became_nothing_is_not_conserved() -> None:
    player, _ = player_of()
    player.play(Captured(1, b"pong"), NOW)
    player.account.without_messages += 1
    assert not player.account.conserved


def test_what_has_no_receive_time_stays_as_it_is() -> None:
    assert received_at(State("A/B", "up", "data", 1), 5) == State("A/B", "up", "data", 5)
    assert received_at(Unknown("bad_shape"), 5) == Unknown("bad_shape")
