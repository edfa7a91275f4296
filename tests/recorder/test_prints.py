"""Prints: each once, whoever sends it again; the chosen coins; what was traded in each bar."""

from decimal import Decimal

from services.recorder.choice import WatchList
from services.recorder.copytext import values
from services.recorder.prints import PrintFolder
from services.recorder.recent import RecentIds
from services.recorder.tables import TABLES
from services.recorder.track import Track
from services.recorder.volumes import Volume, VolumeFold
from shared import streams
from shared.codec import encode_batch
from shared.config import Recorded
from shared.events import Event, Liquidation, Trade

STREAM = streams.market_data(0, "alpha", "trade")
T0 = 1_900_000_020_000  # a whole minute


def trade(number: int, at_ms: int = 0, symbol: str = "A/USDT", price: str = "2.5", size: str = "4") -> Trade:
    at = (T0 + at_ms) * 1_000_000
    return Trade(symbol, price, size, "buy" if number % 2 else "sell", str(number), at, at)


def liquidation(size: str, symbol: str = "B/USDT", trade_id: str | None = None) -> Liquidation:
    return Liquidation(symbol, "sell", "2", size, T0 * 1_000_000, T0 * 1_000_000, trade_id, "fill")


class Reader:
    """A folder and one stream of it, entry by entry."""

    def __init__(self, trades: Recorded = "watch", liquidations: Recorded = "all") -> None:
        self.folder = PrintFolder("alpha", WatchList({"A"}), trades, liquidations)
        self.track = Track(STREAM, "one")
        self.entries: list[tuple[str, bytes]] = []
        self.seqs: dict[str, int] = {}

    def take(self, at_ms: int, *events: Event, producer: str = "p") -> None:
        seq = self.seqs[producer] = self.seqs.get(producer, -1) + 1
        entry_id = f"{T0 + at_ms}-{len(self.entries)}"
        self.entries.append((entry_id, encode_batch(producer, seq, list(events))))
        self.folder.take(self.track, *self.entries[-1])
        self.folder.tick(T0 + at_ms)


def test_a_print_that_two_collectors_send_is_one() -> None:
    reader = Reader()
    reader.take(0, trade(1), trade(2))
    reader.take(5, trade(2), trade(3), producer="other")
    assert len(reader.folder.collect().lines["trades"]) == 3


def test_a_recorder_that_starts_again_remembers_what_was_sent() -> None:
    first, second = Reader(), Reader()
    first.take(0, trade(1))
    for entry in first.entries:
        second.folder.seen(STREAM, *entry)
    second.take(5, trade(1), trade(2), producer="other")
    assert len(second.folder.collect().lines["trades"]) == 1


def test_a_feed_that_is_loaded_anew_goes_by_the_time_of_what_it_reads_again() -> None:
    reader = Reader()
    reader.folder.tick(T0 + 600_000)
    reader.folder.load({})
    reader.folder.collect()
    reader.folder.stored()
    reader.take(0, trade(1))
    reader.folder.tick(T0 + 120_000)
    assert (len(reader.folder.collect().lines["bars:traded"]), reader.folder.late) == (1, 0)


def test_ids_are_remembered_for_a_minute_at_least_and_two_at_most() -> None:
    recent = RecentIds(window_ms=60_000)
    assert recent.fresh(0, "A", "1")
    assert not recent.fresh(119_999, "A", "1")
    assert recent.fresh(180_000, "A", "1")
    full = RecentIds(window_ms=60_000, most=10)
    assert all(full.fresh(0, number) for number in range(1000))
    assert len(full) <= 20


def test_only_the_chosen_coins_are_stored() -> None:
    taken: list[tuple[Recorded, Recorded]] = [("watch", "all"), ("all", "watch"), ("none", "none")]
    found = []
    for trades, liquidations in taken:
        reader = Reader(trades, liquidations)
        reader.take(0, trade(1), trade(2, symbol="B/USDT"), liquidation("1"), liquidation("1", "A/USDT"))
        rows = reader.folder.collect().lines
        found.append((len(rows.get("trades", ())), len(rows.get("liquidations", ()))))
    assert found == [(1, 2), (2, 1), (0, 0)]


def test_liquidations_without_an_id_are_told_apart_by_what_they_say() -> None:
    reader = Reader()
    reader.take(0, liquidation("1"), liquidation("2"), liquidation("1"), liquidation("1", trade_id="x"))
    assert len(reader.folder.collect().lines["liquidations"]) == 3


def test_what_was_traded_belongs_to_the_bars_of_the_matching_engines_time() -> None:
    reader = Reader()
    reader.take(0, trade(1, 100), trade(2, 1_200, size="1"))
    reader.take(63_000, trade(3, 59_999), trade(4, 60_001))
    rows = reader.folder.collect().lines
    (minute,) = (dict(zip(TABLES["bars:traded"].columns, values(line), strict=True)) for line in rows["bars:traded"])
    assert (minute["volume"], minute["turnover"], minute["buy_volume"], minute["trades"]) == ("9", "22.5", "8", "3")
    assert [values(line)[0] for line in rows["bars_1s:traded"]] == [
        f"2030-03-17 17:4{at}.000000+00" for at in ("7:00", "7:01", "7:59", "8:00")
    ]


def test_a_print_that_is_no_number_stands_aside() -> None:
    reader = Reader()
    reader.take(0, trade(1, price="nonsense"), trade(2))
    rows = reader.folder.collect()
    assert len(rows.lines["trades"]) == 1
    assert ("'nonsense' is not a number" in rows.rejected[0].reason, rows.rejected[0].target) == (True, "event")


def test_a_print_of_another_day_than_its_entry_stands_aside() -> None:
    reader = Reader()
    reader.take(3 * 86_400_000, trade(1))
    assert "more than a day" in reader.folder.collect().rejected[0].reason


def test_rows_that_could_not_be_stored_come_again_before_those_that_came_since() -> None:
    reader = Reader()
    reader.take(0, trade(1))
    reader.take(70_000, trade(2, 70_000))
    rows = reader.folder.collect()
    assert len(rows.lines["bars:traded"]) == 1
    reader.take(70_001, trade(3, 70_001))
    reader.folder.restore(rows)
    again = reader.folder.collect().lines
    assert [values(line)[4] for line in again["trades"]] == ["1", "2", "3"]
    assert again["bars:traded"] == rows.lines["bars:traded"]


def test_volumes_go_on_from_a_dump_and_count_what_is_too_late() -> None:
    fold = VolumeFold()
    fold.add(trade(1), Decimal("2.5"), Decimal(4))
    again = VolumeFold(state=fold.dump())
    again.add(trade(2), Decimal("2.5"), Decimal(4))
    ((symbol, volume),) = again.closed(T0 + 62_000)
    assert (symbol, volume) == ("A/USDT", Volume(T0 // 60_000, Decimal(8), Decimal("20.0"), Decimal(4), 2))
    volume.dirty = False
    again.forget(T0 + 600_000)
    again.add(trade(3), Decimal(1), Decimal(1))
    assert (len(again), again.late) == (0, 1)
