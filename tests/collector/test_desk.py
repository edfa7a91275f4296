"""What goes out, how often, and what is said when a source is lost."""

from functools import partial
from itertools import pairwise

import msgspec
import pytest

from services.collector.desk import SETTLED_KEPT, Desk
from services.collector.messages import Pong, Replayed, Unknown
from services.collector.plan import Topic
from shared.events import (
    Book,
    Depth,
    Event,
    Funding,
    Liquidation,
    Mark,
    Quote,
    Settlement,
    Source,
    State,
    Stats,
    Trade,
)
from tests.collector.live import Kept

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SYMBOL = "BTC/USDT:USDT"
KINDS = ("quote", "trade", "book", "mark", "funding", "liquidation", "stats")
TOPIC = Topic("open", "all", "perp", KINDS, (SYMBOL,))


class Wire:
    """A source; a higher number is a newer connection, 0 a REST job."""

    def __init__(self, generation: int) -> None:
        self.generation = generation


def desk() -> tuple[Desk, Kept]:
    kept = Kept()
    made = Desk("fake", 1, kept)
    made.serve([(kind, SYMBOL) for kind in KINDS], {"perp": frozenset({SYMBOL}), "spot": frozenset()})
    return made, kept


def quote(bid: str, at: float, *, seq: int | None = None, ts: float | None = None, source: Source = "ws") -> Quote:
    when = None if ts is None else START + int(ts * SECOND)
    return Quote(SYMBOL, bid, "1", "200", "1", when, START + int(at * SECOND), source, seq)


def trade(name: str, at: float, ts: float | None = None) -> Trade:
    return Trade(
        SYMBOL, "100", "1", "buy", name, START + int((at if ts is None else ts) * SECOND), START + int(at * SECOND)
    )


def mark(price: str, at: float) -> Mark:
    return Mark(SYMBOL, price, None, None, START + int(at * SECOND))


def funding(rate: str, at: float) -> Funding:
    return Funding(SYMBOL, rate, "8", START + 3600 * SECOND, None, None, START + int(at * SECOND))


def said(kept: Kept) -> list[str]:
    """What was published, in short."""

    def short(event: Event) -> str:
        if isinstance(event, State):
            return event.state
        if isinstance(event, Quote):
            return f"{event.bid}{'' if event.source == 'ws' else ' ' + event.source}"
        return type(event).__name__

    return [short(event) for _, event in kept.events]


def test_the_first_quote_of_a_source_says_up_before_it() -> None:
    made, kept = desk()
    made.take(Wire(1), [quote("100", 0), quote("101", 0.1)])
    assert said(kept) == ["up", "100", "101"]
    assert {key for key, _ in kept.events} == {"md:{0}:fake:quote"}
    made.tick(START + SECOND)
    assert kept.last["last:{0}:fake:quote", SYMBOL] == quote("101", 0.1)


def test_what_is_not_for_the_desk_comes_back_and_unserved_symbols_are_counted() -> None:
    made, kept = desk()
    unknown = Unknown("odd")
    other = msgspec.structs.replace(quote("1", 0), symbol="X/USDT")
    assert list(made.take(Wire(1), [Pong(), quote("100", 0), unknown, other])) == [Pong(), unknown]
    assert made.held == {"not_served": 1}
    assert said(kept) == ["up", "100"]


def test_a_newer_connection_takes_over_with_its_first_quote_that_is_not_older() -> None:
    made, kept = desk()
    old, new = Wire(1), Wire(2)
    made.take(old, [quote("100", 0, seq=5)])
    made.take(new, [quote("99", 0.1, seq=4)])  # behind: the old one goes on
    made.take(old, [quote("101", 0.2, seq=6)])
    made.take(new, [quote("101", 0.3, seq=6)])  # in step: it owns the feed, nothing new to say
    made.take(old, [quote("102", 0.4, seq=7)])  # too late
    made.take(new, [quote("102", 0.5, seq=7)])
    assert said(kept) == ["up", "100", "101", "102"]
    assert made.held["overlap"] == 3


def test_the_end_of_the_old_connection_is_no_news_once_the_new_one_has_taken_over() -> None:
    made, kept = desk()
    old, new = Wire(1), Wire(2)
    made.take(old, [quote("100", 0), trade("1", 0), mark("100", 0)])
    made.take(new, [quote("101", 1), trade("2", 1)])
    made.hand_over(old, new, [TOPIC])
    made.state(old, [TOPIC], "down", "rolled over", START + 2 * SECOND)
    assert "down" not in said(kept)
    made.state(new, [TOPIC], "down", "lost", START + 3 * SECOND)
    assert [key for key, event in kept.events if isinstance(event, State) and event.state == "down"] == [
        "md:{0}:fake:quote",
        "md:{0}:fake:trade",
        "md:{0}:fake:mark",
    ]


def test_rest_quotes_go_out_only_while_the_feed_is_down_and_never_older_than_the_last() -> None:
    made, kept = desk()
    rest, wire = Wire(0), Wire(1)
    made.take(rest, [quote("100", 0, ts=0.0, source="rest")])
    made.take(rest, [quote("99", 1, ts=-1.0, source="rest")])
    made.take(wire, [quote("101", 2, ts=2.0)])
    made.take(rest, [quote("102", 3, ts=3.0, source="rest")])
    made.state(wire, [TOPIC], "down", "lost", START + 4 * SECOND)
    made.take(rest, [quote("103", 5, ts=5.0, source="rest")])
    made.take(wire, [quote("104", 6, ts=6.0)])
    assert said(kept) == ["100 rest", "up", "101", "down", "103 rest", "up", "104"]


def test_an_unchanged_quote_is_repeated_within_thirty_seconds_while_its_feed_is_up() -> None:
    made, kept = desk()
    wire = Wire(1)
    made.take(wire, [quote("100", 0)])
    sent = [0.0]
    for second in range(1, 120):
        before = len(kept.events)
        made.tick(START + second * SECOND)
        sent += [float(second)] * (len(kept.events) - before)
    assert all(late - early <= 30 for early, late in pairwise(sent))
    assert len(sent) >= 4
    repeats = kept.of(Quote)[1:]
    assert {(one.source, one.recv) for one in repeats} == {("repeat", START)}
    made.state(wire, [TOPIC], "stale", "quiet", START + 120 * SECOND)
    before = len(kept.events)
    for second in range(120, 240):
        made.tick(START + second * SECOND)
    assert len(kept.events) == before


def test_quotes_are_repeated_also_after_the_clock_was_set_back() -> None:
    made, kept = desk()
    made.take(Wire(1), [quote("100", 0)])
    for second in range(10):
        made.tick(START + (3600 + second) * SECOND)
    assert [one.source for one in kept.of(Quote)] == ["ws", "repeat"]
    for second in range(1, 61):
        made.tick(START + second * SECOND)
    assert len(kept.of(Quote)) == 2 + 3


def test_trades_pass_once_whatever_connection_brings_them() -> None:
    made, kept = desk()
    old, new = Wire(1), Wire(2)
    made.take(old, [trade("1", 0), trade("2", 0.1)])
    made.take(new, [trade("2", 0.2), trade("3", 0.3)])
    made.take(old, [trade("3", 0.4), trade("4", 0.5)])
    assert [one.id for one in kept.of(Trade)] == ["1", "2", "3", "4"]
    assert made.held["doubled"] == 2


def test_liquidations_without_an_id_are_told_apart_by_what_they_say() -> None:
    made, kept = desk()
    one = Liquidation(SYMBOL, "sell", "100", "1", START, START, None, "fill")
    other = msgspec.structs.replace(one, size="2")
    made.take(Wire(1), [one, other, one])
    assert kept.of(Liquidation) == [one, other]


def test_replayed_rows_go_out_only_if_newer_than_the_last_live_row_and_never_at_start() -> None:
    made, kept = desk()
    made.take(Wire(1), [Replayed(trade("1", 0))])
    made.take(Wire(1), [trade("2", 1)])
    made.take(Wire(2), [Replayed(trade("0", 2, ts=0.5)), Replayed(trade("3", 2, ts=1.5))])
    assert [one.id for one in kept.of(Trade)] == ["2", "3"]


def test_marks_go_out_at_most_once_a_second_and_the_newest_is_not_lost() -> None:
    made, kept = desk()
    wire = Wire(1)
    for tenth in range(25):
        made.take(wire, [mark(str(tenth), tenth / 10)])
        made.tick(START + tenth * SECOND // 10)
    made.tick(START + 10 * SECOND)
    assert [one.mark for one in kept.of(Mark)] == ["0", "10", "20", "24"]


def test_what_was_held_back_goes_out_in_parts_where_that_is_asked_for() -> None:
    symbols = [f"C{number}/USDT:USDT" for number in range(7)]
    kept = Kept()
    made = Desk("fake", 1, kept)
    made.serve([("mark", symbol) for symbol in symbols], {})
    for at in (0.0, 0.1):
        made.take(Wire(1), [msgspec.structs.replace(mark(str(at), at), symbol=symbol) for symbol in symbols])
    kept.events.clear()
    more = [made.tick(START + 2 * SECOND, 3) for _ in range(3)]
    assert more == [True, True, False]
    assert [one.symbol for one in kept.of(Mark)] == symbols


def test_stats_go_out_at_most_once_in_five_seconds() -> None:
    made, kept = desk()
    for second in range(12):
        made.take(Wire(1), [Stats(SYMBOL, str(second), None, None, None, None, START + second * SECOND)])
        made.tick(START + second * SECOND)
    assert [one.last for one in kept.of(Stats)] == ["0", "5", "10"]


def test_funding_goes_out_on_change_and_at_least_once_a_minute() -> None:
    made, kept = desk()
    wire = Wire(1)
    at: list[int] = []
    for second in range(200):
        made.take(wire, [funding("0.0001" if second < 90 else "0.0002", second)] if second % 3 == 0 else [])
        made.tick(START + second * SECOND)
        at += [second] * (len(kept.of(Funding)) - len(at))
    assert [one.rate for one in kept.of(Funding)] == ["0.0001", "0.0001", "0.0002", "0.0002", "0.0002"]
    assert at[2] == 90
    assert all(late - early <= 60 for early, late in pairwise(at))


def test_funding_that_nobody_sends_any_more_is_repeated_while_up_and_silent_once_down() -> None:
    made, kept = desk()
    wire = Wire(1)
    made.take(wire, [funding("0.0001", 0)])
    for second in range(130):
        made.tick(START + second * SECOND)
    assert [one.source for one in kept.of(Funding)] == ["ws", "repeat", "repeat"]
    made.state(wire, [TOPIC], "down", "lost", START + 130 * SECOND)
    for second in range(130, 400):
        made.tick(START + second * SECOND)
    assert len(kept.of(Funding)) == 3
    made.take(wire, [funding("0.0001", 400)])
    assert len(kept.of(Funding)) == 4


def test_a_poll_adds_its_part_but_makes_no_feed_up() -> None:
    made, kept = desk()
    poll, wire = Wire(0), Wire(1)
    made.take(poll, [Mark(SYMBOL, None, "99", None, START, "rest")])
    made.take(wire, [mark("100", 2)])
    assert said(kept) == ["Mark", "up", "Mark"]
    assert kept.of(Mark)[-1].index == "99"
    made.state(wire, [TOPIC], "down", "lost", START + 3 * SECOND)
    assert said(kept)[-1] == "down"


def test_a_book_changes_hands_with_the_newcomers_first_picture_and_a_gap_is_said_once() -> None:
    made, kept = desk()
    old, new = Wire(1), Wire(2)
    picture = Book(SYMBOL, (("1", "1"),), (("2", "1"),), 1, None, START)
    made.take(old, [picture])
    made.gap(old, SYMBOL, "gap", START)
    made.gap(old, SYMBOL, "gap", START)
    made.gap(new, SYMBOL, "gap", START)
    made.take(old, [picture, Depth(SYMBOL, (), None, None, None, START)])
    made.take(new, [picture])
    made.take(old, [picture])
    assert said(kept) == ["up", "Book", "gap", "up", "Book", "Depth", "Book"]
    assert made.held["overlap"] == 1


def test_settlements_of_the_last_week_go_out_once() -> None:
    made, kept = desk()

    def paid(ago_s: int) -> Settlement:
        return Settlement(SYMBOL, "0.0001", "8", START - ago_s * SECOND, None, START)

    made.take(Wire(0), [paid(3600), paid(7200), paid(3600), paid(SETTLED_KEPT // SECOND + 1)])
    assert [one.settle_ts for one in kept.of(Settlement)] == [paid(3600).settle_ts, paid(7200).settle_ts]
    assert ("last:{0}:fake:funding", SYMBOL) not in kept.last


def test_stale_and_up_speak_of_what_a_source_owns_and_of_nothing_else() -> None:
    made, kept = desk()
    wire, other = Wire(1), Wire(2)
    made.take(wire, [quote("100", 0)])
    made.take(other, [mark("100", 0)])
    made.state(wire, [TOPIC], "stale", "unproven", START + SECOND)
    made.state(wire, [TOPIC], "up", "answers", START + 2 * SECOND)
    made.state(wire, [TOPIC], "up", "answers", START + 2 * SECOND)
    assert said(kept) == ["up", "100", "up", "Mark", "stale", "up"]


def test_a_delisted_instrument_says_down_and_loses_its_last_value_a_handed_over_one_goes_silently() -> None:
    for gone, expected in (("delisted", ["up", "100", "down"]), (None, ["up", "100"])):
        made, kept = desk()
        made.take(Wire(1), [quote("100", 0)])
        made.serve([], {"perp": frozenset(), "spot": frozenset()}, partial(reason_of, gone), START + SECOND)
        states = [event for _, event in kept.events if not isinstance(event, State) or key_of(kept, event) == "quote"]
        assert said_of(states) == expected
        assert gone is None or states[-1].recv == START + SECOND
        assert bool(kept.last) == (gone is None)
        assert made.take(Wire(1), [quote("101", 1)]) == []
        assert made.held["not_served"] == 1


def reason_of(reason: str | None, kind: str, symbol: str) -> str | None:
    return reason


def key_of(kept: Kept, event: Event) -> str:
    return next(key for key, each in kept.events if each is event).rpartition(":")[2]


def said_of(events: list[Event]) -> list[str]:
    kept = Kept()
    kept.events = [("", event) for event in events]
    return said(kept)


def test_start_and_stop_are_said_once_on_every_stream_for_all_symbols() -> None:
    made, kept = desk()
    made.announce("down", "start", START)
    assert {key for key, _ in kept.events} == {f"md:{{0}}:fake:{kind}" for kind in KINDS}
    assert all(event == State(None, "down", "start", START) for _, event in kept.events)


@pytest.mark.parametrize("partitions", [1, 4, 16])
def test_every_event_of_an_asset_travels_on_its_partition(partitions: int) -> None:
    kept = Kept()
    made = Desk("fake", partitions, kept)
    symbols = [f"{base}/USDT" for base in ("BTC", "ETH", "PEPE", "SOL")]
    made.serve([("quote", symbol) for symbol in symbols], {"spot": frozenset(symbols), "perp": frozenset()})
    for symbol in symbols:
        made.take(Wire(1), [msgspec.structs.replace(quote("1", 0), symbol=symbol)])
    found = {event.symbol: key for key, event in kept.events if isinstance(event, Quote)}
    assert found["PEPE/USDT"] == f"md:{{{538277854 % partitions}}}:fake:quote"


def test_a_quote_that_stands_still_while_rest_says_otherwise_is_stale_until_a_connection_brings_another() -> None:
    made, kept = desk()
    rest, wire = Wire(0), Wire(1)
    made.take(wire, [quote("100", 0)])
    made.take(rest, [quote("90", 40, source="rest")])
    assert made.frozen == []
    made.take(rest, [quote("90", 60, source="rest")])
    assert made.frozen == [SYMBOL]
    made.take(wire, [quote("91", 61)])
    assert said(kept) == ["up", "100", "stale", "90 rest", "up", "91"]


def test_what_is_said_of_one_symbol_stands_behind_what_came_before_it_of_another() -> None:
    made, kept = desk()
    other = "ETH/USDT:USDT"
    made.serve([(kind, symbol) for kind in KINDS for symbol in (SYMBOL, other)], {})
    wire = Wire(1)
    made.take(wire, [quote("100", 1)])
    kept.events.clear()
    first, second = quote("101", 2), msgspec.structs.replace(quote("5", 2), symbol=other)
    made.take(wire, [first, trade("1", 2), second, trade("2", 2)])
    assert [event for key, event in kept.events if key.endswith(":quote")] == [
        first,
        State(other, "up", "data", second.recv),
        second,
    ]
    assert [type(event) for key, event in kept.events if key.endswith(":trade")] == [State, Trade, Trade]
