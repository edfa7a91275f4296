"""What people read."""

import pytest

from services.alerter import texts
from services.alerter.routing import Delivery
from shared.alert_words import lasted, title
from shared.alerts import Alert, ChannelManners, view
from tests.alerter.parts import T0, alert


def delivery(*alerts: Alert, more: int = 0) -> Delivery:
    return Delivery(id="d", channel="ops", made_at=T0, alerts=alerts, digest=len(alerts) > 1, more=more)


def test_an_alert_says_what_how_much_and_since_when() -> None:
    one = alert(measure="latency", unit="ms", value="412", limit="200", about={"usual_ms": "45"}, repeats=3)
    found = texts.message(delivery(one), ChannelManners(), "live")
    assert found.title == "▲ alpha: latency 412 ms"
    assert found.body.splitlines() == [
        "usually 45 ms",
        "limit 200 ms",
        "since 2026-11-21 08:00:00 UTC",
        "back 3 times during its cool-down",
        "rule exchange-away",
    ]


def test_an_end_says_how_long_and_how_bad_it_was() -> None:
    one = alert(event="end", measure="latency", unit="ms", value="190", peak="530")
    found = texts.message(delivery(one), ChannelManners(lang="zh", time_zone="Asia/Shanghai"), "demo")
    assert found.title == "模拟 · ✓ alpha：延迟 530 毫秒 · 已结束, 持续 1 min 30 s"
    assert "峰值 530 ms" in found.body
    assert "2026-11-21 16:00:00 Asia/Shanghai" in found.body


def test_a_digest_is_as_grave_as_the_gravest_and_counts_what_it_does_not_name() -> None:
    found = texts.message(delivery(alert("a", "info"), alert("b", "critical"), more=7), ChannelManners(), "live")
    assert (found.title, found.severity) == ("9 alerts", "critical")
    assert found.body.splitlines()[-1] == "and 7 more"
    assert len(found.payload["alerts"]) == 2


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "measure",
    [
        *("net", "funding", "funding differential", "premium", "basis", "price", "silent", "down", "quote", "rate"),
        *("stale", "latency", "interval", "cap", "stale markets"),
    ],
)
def test_every_measure_has_words(measure: str, lang: str) -> None:
    about = {"symbol": "A/USDT:USDT", "before": "8 h", "after": "4 h", "buy": "x", "detail": "y {0}"}
    for event in ("fire", "end"):
        one = alert(event=event, measure=measure, about=about)
        assert "{" not in title(one, lang)
        assert "y {0}" in texts.body(one, lang, "UTC")


def test_times_are_milliseconds_for_programs() -> None:
    found = view(alert(event="end"))
    assert (found["fired_at_ms"], found["ended_at_ms"]) == (T0 // 1_000_000, T0 // 1_000_000 + 90_000)
    assert not [name for name, value in found.items() if isinstance(value, int) and value > 2**53]


def test_spans_are_told_in_their_largest_units() -> None:
    assert [lasted(ms) for ms in (900, 59_999, 61_000, 3_700_000)] == ["0.9 s", "60.0 s", "1 min 1 s", "1 h 1 min"]
