"""One picture from several sources."""

from hypothesis import given
from hypothesis import strategies as st

from services.collector.merge import Parts, changed, overlay
from shared.events import Funding, Mark, Stats


def mark(price: str | None, index: str | None, recv: int) -> Mark:
    return Mark("BTC/USDT:USDT", price, index, None, recv)


def test_a_field_is_never_overwritten_with_anothers_silence() -> None:
    parts: Parts[Mark] = Parts()
    parts.put("marks", mark("100", None, 1))
    parts.put("indices", mark(None, "99", 2))
    parts.put("marks", mark("101", None, 3))
    assert parts.whole() == mark("101", "99", 3)


def test_what_a_lost_source_said_goes_with_it() -> None:
    parts: Parts[Mark] = Parts()
    parts.put("marks", mark("100", None, 1))
    parts.put("indices", mark(None, "99", 2))
    assert not parts.drop("marks")
    assert parts.whole() == mark(None, "99", 2)
    assert parts.drop("indices")
    assert parts.whole() is None


def test_a_successor_keeps_what_its_predecessor_said_until_it_speaks() -> None:
    parts: Parts[Mark] = Parts()
    parts.put("old", mark("100", None, 1))
    parts.rename("old", "new")
    assert parts.whole() == mark("100", None, 1)
    parts.put("new", mark("102", None, 5))
    parts.put("older", mark("90", None, 2))
    parts.rename("older", "new")
    assert parts.whole() == mark("102", None, 5)


texts = st.one_of(st.none(), st.sampled_from(["1", "2", "3"]))
stats = st.builds(Stats, st.just("A/USDT"), texts, texts, texts, texts, st.none(), st.integers(1, 9), texts)


@given(stats, stats)
def test_the_newer_event_wins_field_by_field(older: Stats, newer: Stats) -> None:
    merged = overlay(older, newer)
    for name in ("last", "volume", "turnover", "open_interest", "open_interest_value"):
        expected = getattr(newer, name) if getattr(newer, name) is not None else getattr(older, name)
        assert getattr(merged, name) == expected
    assert (merged.ts, merged.recv, merged.source) == (newer.ts, newer.recv, newer.source)


def test_funding_changes_by_what_it_says_not_by_its_times() -> None:
    one = Funding("A/USDT:USDT", "0.0001", "8", 10, None, 1, 1)
    assert changed(None, one)
    assert not changed(one, Funding("A/USDT:USDT", "0.0001", "8", 10, None, 2, 2))
    assert changed(one, Funding("A/USDT:USDT", "0.0002", "8", 10, None, 2, 2))
    assert changed(one, Funding("A/USDT:USDT", "0.0001", "4", 10, None, 2, 2))
