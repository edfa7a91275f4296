"""What the folder of quotes, marks, funding and statistics makes of its entries, without a database."""

import msgspec

from services.recorder.choice import WatchList
from services.recorder.folders import MarketFolder
from services.recorder.track import Track
from shared.codec import encode_batch
from shared.events import Event, Funding, Quote

DAY_MS = 86_400_000
T0 = 1_900_000_020_000
QUOTE = Quote("A/USDT:USDT", "1", "1", "2", "1", None, T0 * 1_000_000)
RATE = Funding("A/USDT:USDT", "0.0001", "8", None, None, None, T0 * 1_000_000)


def rows_after(ms: int, *events: Event) -> tuple[int, int, list[str]]:
    """How many bars and samples of funding an entry of this time makes, and why events of it stand aside."""
    folder = MarketFolder("alpha", WatchList())
    folder.take(Track("md:{0}:alpha:quote", "one"), f"{ms}-0", encode_batch("p1", 0, list(events)))
    folder.tick(ms + 120_000)
    rows = folder.collect()
    return len(rows.lines["bars"]), len(rows.lines["funding"]), [one.reason for one in rows.rejected]


def test_a_feed_that_is_loaded_anew_goes_by_the_time_of_what_it_reads_again() -> None:
    folder = MarketFolder("alpha", WatchList())
    folder.tick(T0 + 600_000)  # read so far when it was found that another commit than the last one heard of stands
    folder.load({})
    folder.collect()
    folder.stored()
    folder.take(Track("md:{0}:alpha:quote", "one"), f"{T0}-0", encode_batch("p1", 0, [QUOTE]))
    folder.tick(T0 + 120_000)
    assert (len(folder.collect().lines["bars"]), folder.late) == (1, 0)


def test_what_is_repeated_because_it_still_stands_may_have_been_read_days_ago() -> None:
    again = (msgspec.structs.replace(one, source="repeat") for one in (QUOTE, RATE))
    assert rows_after(T0 + 3 * DAY_MS, *again) == (1, 1, [])


def test_what_is_new_and_was_stamped_by_a_clock_days_away_stands_aside() -> None:
    for ms in (T0 + 2 * DAY_MS, T0 - 2 * DAY_MS):
        bars, samples, reasons = rows_after(ms, QUOTE, RATE)
        assert (bars, samples, len(reasons)) == (0, 0, 2)
        assert all("more than a day" in reason for reason in reasons)
