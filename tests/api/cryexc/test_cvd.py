from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.api.cryexc import cvd
from services.api.cryexc.cvd import CvdView, Tally, history_frames, live_frames
from services.api.cryexc.protocol import CvdShape
from services.api.symbols import Directory, Target
from tests.api.market import instrument

DIRECTORY = Directory({"binance": [instrument("binance")], "okx": [instrument("okx", native="BTC-USDT-SWAP")]})
PRINTS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from(["buy", "sell"]), st.decimals(1, 1000, places=3)), max_size=40
)


def target(exchange: str = "binancef") -> Target:
    return DIRECTORY.targets("BTCUSDT", [exchange])[0]


def view(interval: int = 60, start: int = 0, pointwise: bool = False) -> CvdView:
    return CvdView(CvdShape(interval, 3600, pointwise), start)


def test_history_is_a_running_sum_by_bars_and_empty_bars_are_absent() -> None:
    tally = Tally(0)
    tally.add(5_000, "buy", Decimal("100.5"))
    tally.add(65_999, "sell", Decimal(30))
    tally.add(190_000, "buy", Decimal(1))
    bars = view()
    bars.follow(target(), tally)
    (frame,) = history_frames(bars, "BTCUSDT", "cvd-1")
    found = msgspec.json.decode(frame)
    assert found == {
        "type": "cvd_historical",
        "instanceId": "cvd-1",
        "symbol": "BTCUSDT",
        "coverageStart": 0,
        "data": [
            {"exchange": "binancef", "timestamp": 0, "value": 100.5, "buyVolume": 100.5, "sellVolume": 0},
            {"exchange": "binancef", "timestamp": 60_000, "value": 70.5, "buyVolume": 0, "sellVolume": 30},
            {"exchange": "binancef", "timestamp": 180_000, "value": 71.5, "buyVolume": 1, "sellVolume": 0},
        ],
    }


def test_live_bars_carry_every_name_and_only_what_changed() -> None:
    bars = view()
    bars.follow(target(), Tally(0))
    bars.add(target().key, 5_000, "buy", Decimal(10))
    assert bars.live() == []
    assert [point["value"] for point in bars.history()] == [msgspec.Raw(b"10")]
    bars.add(target().key, 61_000, "sell", Decimal(4))
    (frame,) = live_frames(bars.live(), None)
    assert msgspec.json.decode(frame) == {
        "type": "cvd",
        "data": {
            "exchange": "binancef",
            "symbol": "BTCUSDT",
            "timestamp": 60_000,
            "value": 6,
            "cvd": 6,
            "delta": -4,
            "buyVolume": 0,
            "sellVolume": 4,
            "buy_volume": 0,
            "sell_volume": 4,
            "interval_seconds": 60,
        },
    }
    assert bars.live() == []
    bars.add(target("okxf").key, 61_000, "sell", Decimal(4))
    assert bars.live() == []


def test_the_older_window_form_is_one_frame_a_point() -> None:
    tally = Tally(0)
    tally.add(1_000, "buy", Decimal(5))
    tally.add(301_000, "sell", Decimal(2))
    bars = view(300, pointwise=True)
    bars.follow(target(), tally)
    found = [msgspec.json.decode(frame)["data"] for frame in history_frames(bars, "BTCUSDT", None)]
    assert [(point["timestamp"], point["cvd"], point["delta"]) for point in found] == [(0, 5, 5), (300_000, 3, -2)]
    assert set(found[0]) == {"timestamp", "cvd", "delta", "buyVolume", "sellVolume", "exchange", "symbol"}


@given(PRINTS, st.integers(0, 40), st.sampled_from([1, 30, 60, 300]))
def test_history_then_live_is_the_same_series_as_all_at_once(
    prints: list[tuple[int, str, Decimal]], cut: int, interval: int
) -> None:
    tally, whole = Tally(0), Tally(0)
    for second, side, worth in prints[:cut]:
        tally.add(second * 1000, side, worth)
    for second, side, worth in prints:
        whole.add(second * 1000, side, worth)
    bars, all_at_once = view(interval), view(interval)
    bars.follow(target(), tally)
    all_at_once.follow(target(), whole)
    shown = {point["timestamp"]: point for point in bars.history()}
    for second, side, worth in prints[cut:]:
        bars.add(target().key, second * 1000, side, worth)
        shown.update((point["timestamp"], point) for point in bars.live())
    expected = {point["timestamp"]: point for point in all_at_once.history()}
    assert {at: (point["buyVolume"], point["sellVolume"]) for at, point in shown.items()} == {
        at: (point["buyVolume"], point["sellVolume"]) for at, point in expected.items()
    }
    if shown:
        last = max(shown)
        assert [point["value"] for point in bars.history()][-1] == expected[last]["value"]


def test_old_bars_are_folded_so_that_memory_is_bounded_and_the_sum_goes_on() -> None:
    bars = view(1)
    bars.follow(target(), Tally(0))
    list(bars.history())
    count = cvd.MAX_BARS + 10
    for second in range(count):
        bars.add(target().key, second * 1000, "buy", Decimal(1))
    held = bars.series[target().key].bars
    assert len(held) < cvd.MAX_BARS
    assert list(bars.history())[-1]["value"] == msgspec.Raw(str(count).encode())
    bars.add(target().key, 0, "buy", Decimal(5))
    assert list(bars.history())[-1]["value"] == msgspec.Raw(str(count + 5).encode())


def test_a_tally_says_from_when_on_it_is_complete() -> None:
    tally = Tally(10)
    tally.add(5_000, "buy", Decimal(1))
    tally.add(25_000, "buy", Decimal(1))
    tally.trim(20)
    assert (list(tally.seconds), tally.since_s) == ([25], 20)
    bars = view(start=0)
    bars.follow(target(), tally)
    assert bars.coverage_start_ms() == 20_000
