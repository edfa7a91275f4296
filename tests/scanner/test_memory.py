"""What the fold remembers is the same however it is cut, and survives a checkpoint."""

from typing import Any

import pytest

from services.scanner.checkpoint import Unusable, dump, load
from services.scanner.control import Config, Join
from services.scanner.detectors.tracks import MINUTE
from services.scanner.fold import Fold
from shared.config import Runtime
from shared.events import Book, Settlement
from shared.streams import market_data
from tests.scanner.script import Script
from tests.scanner.tape import MS, T0, Entry, Tape, feed, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def remembered(fold: Fold) -> tuple[Any, bytes]:
    return fold.memory.saved(), fold.memory.past()


def test_a_restart_at_any_moment_remembers_the_same() -> None:
    entries: list[Entry] = Script(11).write(70).ordered()
    whole = Fold()
    feed(whole, entries)
    assert whole.memory.tracks.pairs
    assert whole.memory.interest.wants
    assert any(track.spread.values for track in whole.memory.tracks.pairs.values())
    for cut in (1, 2, 3):
        at = len(entries) * cut // 4
        fold = Fold()
        feed(fold, entries[:at])
        taken_up, _ = load(dump(fold, {}), fold.memory.past())
        assert remembered(taken_up) == remembered(fold)
        feed(taken_up, entries[at:])
        assert remembered(taken_up) == remembered(whole)
        assert taken_up.memory.interest.books() == whole.memory.interest.books()


def test_a_past_of_another_minute_is_not_taken_for_the_present_one() -> None:
    fold = Fold()
    feed(fold, Script(11).write(65).ordered())
    past = fold.memory.past()
    fold.memory.minute += 1
    taken_up, _ = load(dump(fold, {}), past)
    assert taken_up.memory.tracks.pairs.keys() == fold.memory.tracks.pairs.keys()
    assert not any(track.spread.values for track in taken_up.memory.tracks.pairs.values())
    with pytest.raises(Unusable):
        load(dump(fold, {}), b"no past")


def tape(**over: Any) -> Tape:
    runtime = Runtime(version=1, **over)
    return Tape().begin({venue: [row("WIF"), row("WIF", "spot")] for venue in VENUES}, runtime)


def quoted(one: Tape, bps: float) -> Tape:
    high = 2 * (1 + bps / 10_000)
    one.quote("alpha", SYMBOL, "1.9999", "2.0000")
    return one.quote("beta", SYMBOL, f"{high:.6f}", f"{high + 0.0001:.6f}")


def test_a_pair_is_followed_and_its_books_asked_for_from_half_the_threshold_on() -> None:
    fold, _ = hold(quoted(tape(), 29.9), VENUES, 5000).fold()
    assert not fold.memory.tracks.pairs
    fold, records = hold(quoted(tape(), 30), VENUES, 5000).fold()
    assert list(fold.memory.tracks.pairs) == ["alpha|perp|WIFUSDTP|beta|perp|WIFUSDTP"]
    assert fold.memory.interest.books() == {venue: [SYMBOL] for venue in VENUES}
    assert records == []


def test_how_near_is_near_and_how_many_books_are_settings() -> None:
    fold, _ = hold(quoted(tape(near_ratio=1.0), 59), VENUES, 5000).fold()
    assert not fold.memory.interest.wants
    fold, _ = hold(quoted(tape(book_budget=0), 59), VENUES, 5000).fold()
    assert fold.memory.interest.unserved == 1
    later = hold(quoted(tape(near_ratio=1.0), 31), VENUES, 5000).ctl(Config(Runtime(version=2)))
    fold, _ = hold(later, VENUES, 3000).fold()
    assert fold.memory.interest.wants


def test_what_cannot_be_believed_is_not_followed() -> None:
    fold, _ = hold(quoted(tape(), 600), VENUES, 5000).fold()
    assert not fold.memory.tracks.pairs
    fold, _ = hold(quoted(tape(), 100).state("beta", SYMBOL, "down"), VENUES, 5000).fold()
    assert not fold.memory.tracks.pairs


def test_settlements_count_from_the_next_minute_on() -> None:
    one = hold(quoted(tape(), 0), VENUES, 1000)
    paid = Settlement(SYMBOL, "0.0003", "8", T0 * MS, None, one.now * MS)
    fold, _ = one.put("alpha", "funding", [paid]).fold()
    leg = fold.assets["WIF"].legs[0]
    assert not fold.memory.settled
    fold, _ = hold(one, VENUES, 60_000).fold()
    leg = next(one for one in fold.assets["WIF"].legs if one.part == "alpha|perp|WIFUSDTP")
    assert fold.memory.settled[leg].usual() == 0.0003
    taken_up, _ = load(dump(fold, {}), fold.memory.past())
    assert remembered(taken_up) == remembered(fold)
    assert fold.memory.minute == fold.at // MINUTE


def test_books_decide_nothing_and_do_not_move_the_clock() -> None:
    entries = Script(5).write(20).ordered()
    plain, booked = Fold(), Fold()
    expected = feed(plain, entries)
    with_books: list[Entry] = []
    for number, entry in enumerate(entries):
        with_books.append(entry)
        if number == 30:
            with_books += Tape(entry[0]).ctl(join()).entries
        if number > 30 and number % 10 == 0:
            with_books += Tape(entry[0]).put("alpha", "book", [book(entry[0] + 40)]).entries
    for ms, key, seq, batch in with_books:
        booked.take(key, ms, seq, batch)
    assert booked.drain() == expected
    assert (booked.at, booked.cycle.refused) == (plain.at, plain.cycle.refused)
    held = [leg.book for asset in booked.assets.values() for leg in asset.legs]
    assert any(held)


def join() -> Join:
    return Join(market_data(0, "alpha", "book"), "alpha", "book")


def book(ms: int) -> Book:
    return Book("AAA/USDT:USDT", (("1", "2"),), (("2", "1"),), None, None, ms * MS)
