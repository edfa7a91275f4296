"""What health records and the board say of an exchange."""

from typing import Any

from services.alerter.health import LEAST, SAMPLE_S, SAMPLES, Health, connected, feeds_of
from services.alerter.picture import Row
from tests.alerter.parts import T0, S, leg, row

OLD = {"started_ms": str(T0 // 1_000_000 - 600_000)}


def fields(**given: Any) -> dict[str, str]:
    return {"state": "live", "subscribed": "5", "frames_per_s": "10", "lag_ms_p50": "40", **OLD, **given}


def test_the_members_of_an_exchange_are_one() -> None:
    records = [("alpha", fields()), ("alpha", fields(frames_per_s="2.5", lag_ms_p50="80"))]
    (one,) = Health().look(records, None, T0)
    assert (one.rate, one.latency_ms, one.connected, one.usual_ms) == (12.5, 80.0, True, None)


def test_an_exchange_is_missed_only_once_it_was_met() -> None:
    health = Health()
    assert health.look([], None, T0) == []
    health.look([("alpha", fields())], None, T0)
    (one,) = health.look([], None, T0 + 31 * S)
    assert (one.beat_age_s, one.connected, one.rate) == (31.0, None, None)


def test_a_record_that_is_not_renewed_is_no_beat() -> None:
    health = Health()
    health.look([("alpha", fields())], None, T0)
    (one,) = health.look([("alpha", fields(beat_age_ms="9500"))], None, T0 + 9 * S)
    assert one.beat_age_s == 9.0, "it was seen at its last beat"
    two = [("alpha", fields(beat_age_ms="9500")), ("alpha", fields(beat_age_ms="500"))]
    assert health.look(two, None, T0 + 9 * S)[0].beat_age_s == 0.5


def test_it_is_not_connected_when_no_topic_is_live_and_it_had_time_to() -> None:
    assert connected([fields(subscribed="0", state="degraded")], T0) is False
    assert connected([fields(subscribed="0", state="starting", started_ms=str(T0 // 1_000_000 - 5_000))], T0) is None
    assert connected([fields(subscribed="0", state="live")], T0) is True, "nothing to collect"
    assert connected([fields(subscribed="0", state="degraded"), fields()], T0) is True


def test_the_usual_latency_is_the_median_of_an_hour_and_outlives_a_restart() -> None:
    health = Health()
    for number in range(SAMPLES + 100):
        health.look(
            [("alpha", fields(lag_ms_p50=str(100 if number < SAMPLES else 300)))], None, T0 + number * SAMPLE_S * S
        )
    (one,) = Health(health.latencies).look([("alpha", fields())], None, T0)
    assert one.usual_ms == 100
    assert len(health.latencies["alpha"]) == SAMPLES
    few = Health({"alpha": [5.0] * (LEAST - 2)})
    assert few.look([("alpha", fields(lag_ms_p50="-1"))], None, T0)[0].usual_ms is None


def test_the_board_tells_the_newest_quote_and_the_stale_markets() -> None:
    rows: list[Row] = [
        row(leg(recv=T0 - 3 * S), leg("beta", recv=T0 - 60 * S, state="stale")),
        row(leg(base="ETH", state="stale", recv=T0 - 9 * S), leg(base="ETH", recv=None, state="halted"), asset="ETH"),
    ]
    alpha, beta = Health().look([("alpha", fields()), ("beta", fields())], feeds_of(rows), T0)
    assert (alpha.quote_age_s, alpha.markets, alpha.stale) == (3.0, 2, ("ETH/USDT:USDT",))
    assert (beta.quote_age_s, beta.stale) == (60.0, ("BTC/USDT:USDT",))
    (away,) = Health().look([("alpha", fields())], None, T0)
    assert (away.quote_age_s, away.markets) == (None, 0)
