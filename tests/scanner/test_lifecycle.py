"""The life of a signal, told event by event."""

from services.scanner.control import Config, Listing, Row
from shared.config import Exclusion, Runtime
from shared.signals import Signal
from tests.scanner.tape import MS, T0, Tape, hold, row

SYMBOL = "WIF/USDT:USDT"
VENUES = ("alpha", "beta")


def tape(runtime: Runtime | None = None, first: Row | None = None) -> Tape:
    return Tape().begin({"alpha": [first or row("WIF")], "beta": [row("WIF")]}, runtime)


def apart(one: Tape, bps: int = 100) -> Tape:
    """alpha asks 2.0000, beta bids `bps` above it."""
    bid = 20_000 * (10_000 + bps)
    one.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000")
    return one.quote("beta", SYMBOL, f"{bid / 1e8:.6f}", f"{bid / 1e8 + 0.002:.6f}", "1000")


def brief(records: list[Signal]) -> list[tuple[str, int, str | None]]:
    return [(one.event, one.rev, one.close_reason) for one in records]


def test_three_good_instants_open_a_signal_at_the_third() -> None:
    one = hold(apart(tape()), VENUES, 3500)
    _, records = one.fold()
    assert brief(records) == [("open", 1, None)]
    opened = records[0]
    assert (opened.first_at, opened.opened_at) == ((T0 + 1000) * MS, (T0 + 3000) * MS)
    assert (opened.edge_bps, opened.net_open_bps, opened.size_usd) == ("100.00", "90.00", "2000.00")
    assert (opened.buy.venue, opened.sell.venue, opened.kind) == ("alpha", "beta", "perp-perp")
    assert (opened.buy.price, opened.sell.price) == ("2.0000", "2.020000")


def test_two_good_instants_and_a_bad_one_open_nothing() -> None:
    one = apart(hold(apart(hold(apart(tape()), VENUES, 2500), 0), VENUES, 100), 100)
    _, records = hold(one, VENUES, 2300).fold()
    assert records == []


def test_a_bad_event_between_two_good_instants_starts_the_count_again() -> None:
    one = apart(hold(apart(hold(apart(tape()), VENUES, 1300), 10), VENUES, 100))
    _, records = hold(one, VENUES, 3000).fold()
    assert [(r.event, r.opened_at) for r in records] == [("open", (T0 + 4000) * MS)]


def test_a_signal_closes_after_lingering_and_says_when_it_really_ended() -> None:
    one = hold(apart(hold(apart(tape()), VENUES, 3500), 20), VENUES, 3000)
    _, records = one.fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "converged")]
    closed = records[1]
    assert closed.ended_at == (T0 + 3501) * MS
    assert closed.closed_at == (T0 + 6000) * MS
    assert closed.duration_ms == 2501


def test_a_signal_that_recovers_while_it_lingers_is_the_same_signal() -> None:
    one = hold(apart(hold(apart(tape()), VENUES, 3500), 20), VENUES, 1000)
    _, records = hold(apart(one), VENUES, 6000).fold()
    assert brief(records)[:2] == [("open", 1, None), ("update", 2, None)]
    assert {record.id for record in records} == {records[0].id}


def test_a_peak_of_five_basis_points_more_is_an_update() -> None:
    _, records = hold(apart(hold(apart(tape()), VENUES, 3500), 130), VENUES, 700).fold()
    assert brief(records) == [("open", 1, None), ("update", 2, None)]
    assert (records[1].peak_edge_bps, records[1].peak_at) == ("130.00", (T0 + 4000) * MS)


def test_a_print_between_instants_is_no_peak() -> None:
    one = apart(hold(apart(hold(apart(tape()), VENUES, 3200), 200), VENUES, 100), 100)
    _, records = hold(one, VENUES, 1000).fold()
    assert all(record.peak_edge_bps == "100.00" for record in records)


def test_a_closed_route_cools_down_before_it_may_open_again() -> None:
    one = hold(apart(hold(apart(tape()), VENUES, 3500), 0), VENUES, 3000)
    _, records = hold(apart(one), VENUES, 40_000).fold()
    assert [r.event for r in records if r.event != "update"] == ["open", "close", "open"]
    again = [r for r in records if r.event == "open"][1]
    assert again.first_at == (T0 + 36_000) * MS


def test_an_edge_on_the_threshold_enters_and_one_just_below_does_not() -> None:
    for bid, opens in (("2.01200000", 1), ("2.01199999", 0)):
        one = tape().quote("alpha", SYMBOL, "1.9990", "2.0000", "1000").quote("beta", SYMBOL, bid, "2.02", "1000")
        _, records = hold(one, VENUES, 3500).fold()
        assert len(records) == opens


def test_an_edge_too_good_to_be_true_gives_nothing() -> None:
    _, records = hold(apart(tape(), 700), VENUES, 5000).fold()
    assert records == []


def test_a_size_too_small_gives_nothing() -> None:
    one = tape().quote("alpha", SYMBOL, "1.9990", "2.0000", "100").quote("beta", SYMBOL, "2.0300", "2.04", "1000")
    _, records = hold(one, VENUES, 5000).fold()
    assert records == []


def test_an_unknown_fee_gives_nothing() -> None:
    _, records = hold(apart(tape(first=row("WIF", taker_fee_bps=None))), VENUES, 5000).fold()
    assert records == []


def test_funding_that_is_due_soon_takes_the_edge_away() -> None:
    one = tape().funding("beta", SYMBOL, "-0.0095", T0 + 90_000)
    _, records = hold(apart(one), VENUES, 5000).fold()
    assert records == []
    one = tape().funding("beta", SYMBOL, "-0.0095", T0 + 3_600_000)
    _, records = hold(apart(one), VENUES, 3500).fold()
    assert [record.net_cash_bps for record in records] == ["90.00"]


def test_a_silent_producer_closes_its_signals_as_feed() -> None:
    one = hold(apart(tape()), VENUES, 3500)
    _, records = hold(one, ("alpha",), 8000).fold()
    assert brief(records)[-1] == ("close", records[-1].rev, "feed")


def test_a_channel_that_goes_down_ends_a_signal_and_only_a_new_quote_brings_it_back() -> None:
    one = hold(apart(tape()), VENUES, 3500).state("beta", SYMBOL, "down").wait(100).state("beta", SYMBOL, "up")
    one.wait(10).quote("beta", SYMBOL, "2.020000", "2.022", "1000", source="repeat")
    _, records = hold(one, VENUES, 4000).fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "feed")]


def test_missed_batches_put_a_producers_legs_in_doubt_until_they_quote_again() -> None:
    one = hold(apart(tape()), VENUES, 3500).wait(10).put("beta", "quote", [], skip=1)
    fold, records = hold(one, VENUES, 3000).fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "feed")]
    assert (fold.jumps, fold.missed) == (1, 1)


def test_a_quiet_quote_on_a_live_feed_stays_good() -> None:
    _, records = hold(apart(tape()), VENUES, 50_000).fold()
    assert [r.event for r in records if r.event != "update"] == ["open"]


def test_a_quote_older_than_quiet_max_is_stale_and_a_repeat_renews_it() -> None:
    def run(*, repeat: bool) -> list[Signal]:
        one = hold(apart(tape()), VENUES, 40_000)
        if repeat:
            first = (T0 + 1) * MS
            for venue, bid, ask in (("alpha", "1.9990", "2.0000"), ("beta", "2.020000", "2.022000")):
                one.quote(venue, SYMBOL, bid, ask, "1000", source="repeat", recv=first, ts=first)
        return hold(one, VENUES, 25_000).fold()[1]

    assert run(repeat=False)[-1].close_reason == "stale"
    assert run(repeat=True)[-1].event == "update"


def test_an_exclusion_closes_at_once() -> None:
    one = hold(apart(tape()), VENUES, 3500)
    one.ctl(Config(Runtime(version=2, exclusions=(Exclusion(asset="WIF", reason="test"),))))
    _, records = hold(one, VENUES, 100).fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "excluded")]


def test_a_halt_closes_at_once() -> None:
    one = hold(apart(tape()), VENUES, 3500).ctl(Listing("beta", [row("WIF", status="halted")], []))
    assert brief(one.fold()[1]) == [("open", 1, None), ("close", 2, "halted")]


def test_a_delisting_closes_at_once() -> None:
    one = hold(apart(tape()), VENUES, 3500).ctl(Listing("beta", [], [("perp", "WIFUSDTP")]))
    assert brief(one.fold()[1]) == [("open", 1, None), ("close", 2, "delisted")]


def test_a_higher_threshold_ends_signals_as_config() -> None:
    one = hold(apart(tape()), VENUES, 3500).ctl(Config(Runtime(version=2, enter_bps=200)))
    _, records = hold(one, VENUES, 4000).fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "config")]


def test_raw_mode_opens_at_the_first_good_instant() -> None:
    _, records = hold(apart(tape(Runtime(version=1, samples=1, hold_ms=0))), VENUES, 1100).fold()
    assert brief(records) == [("open", 1, None)]


def test_crossed_quotes_end_a_signal() -> None:
    one = hold(apart(tape()), VENUES, 3500).quote("beta", SYMBOL, "2.0200", "2.0100", "1000")
    _, records = hold(one, VENUES, 4000).fold()
    assert brief(records) == [("open", 1, None), ("close", 2, "crossed")]


def test_ids_follow_from_key_first_instant_and_settings() -> None:
    first, second = (hold(apart(tape()), VENUES, 3500).fold()[1][0] for _ in range(2))
    assert first.id == second.id
    other = hold(apart(tape(Runtime(version=9))), VENUES, 3500).fold()[1][0]
    assert other.id != first.id
