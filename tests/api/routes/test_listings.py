"""Exchanges, markets, coverage, symbols: what is listed and how it is."""

import pytest

from services.api.metrics import escaped
from shared.bus import Redis
from tests.api.conftest import Api
from tests.api.market import instrument, leg, put_board, put_health, put_instruments, row


@pytest.fixture
async def filled(api: Api, redis_client: Redis) -> Api:
    await put_health(
        redis_client, "binance", "a", frames_per_s=10, lag_ms_p50=40, subscribed=7, connections_json='[{"x":1}]'
    )
    await put_health(redis_client, "binance", "b", frames_per_s=5, lag_ms_p50=-1, subscribed=3, state="starting")
    await put_health(redis_client, "okx", state="blocked", detail="HTTP 451: not served from this region.")
    await put_health(redis_client, "_scanner", "m1", **{"held_back_total:max_edge": 7})
    await put_instruments(
        redis_client,
        *[instrument("binance"), instrument("binance", "spot"), instrument("binance", base="WIF", status="halted")],
        instrument("okx", native="BTC-USDT-SWAP", tick_size="0.1"),
    )
    await put_board(redis_client, row(legs=(leg("binance"), leg("okx", state="down"))))
    await api.until(
        lambda: (
            api.context.state.directory.generation and set(api.context.state.directory.by_venue) == {"binance", "okx"}
        )
    )
    await api.until(lambda: len(api.context.state.processes) == 4 and api.context.state.board.rows)
    await api.until(lambda: "WIF" in api.context.state.directory.assets)
    return api


async def test_exchanges_are_the_terminals_array(filled: Api) -> None:
    found = (await filled.http.get("/api/exchanges")).json()
    assert [one["name"] for one in found] == ["binance", "binancef", "okxf"]
    okx = found[2]
    assert (okx["symbols"], okx["capabilities"]["trades"], okx["state"]) == (["BTCUSDT"], True, "blocked")
    assert okx["symbolDetails"]["BTCUSDT"]["tickSize"] == "0.1"
    older = (await filled.http.get("/api/exchanges?shape=object")).json()
    assert [one["id"] for one in older["exchanges"]] == ["binance", "binancef", "okxf"]
    assert (await filled.http.get("/api/features")).json()["news"] is False


async def test_venues_say_how_they_are_over_all_their_collectors(filled: Api) -> None:
    binance, okx = (await filled.http.get("/api/venues")).json()["venues"]
    assert (binance["state"], binance["members"], binance["frames_per_s"], binance["lag_ms_p50"]) == ("live", 2, 15, 40)
    assert (binance["spot"], binance["perp"], binance["listed"]) == (1, 1, 3)
    assert (binance["quarantined"], binance["quarantine"]) == (0, [])
    assert (okx["state"], okx["detail"][:8], okx["lag_ms_p50"]) == ("blocked", "HTTP 451", None)


async def test_markets_symbols_and_coverage(filled: Api, redis_client: Redis) -> None:
    report = (await filled.http.get("/api/markets")).json()["market_report"]
    assert report["exchanges"]["binance"] == {
        "spot": ["BTCUSDT"],
        "futures": ["BTCUSDT"],
        "spot_count": 1,
        "futures_count": 1,
        "quarantined": [],
    }
    stats = (await filled.http.get("/api/coverage")).json()["coverage_stats"]
    assert stats["total_symbols"] == 2
    assert stats["exchange_stats"]["binance"] == {
        "spot_symbols": 1,
        "futures_symbols": 1,
        "coverage_percent": 50.0,
        "listed": 3,
        "trading": 2,
        "subscribed": 10,
        "fresh": 1,
    }
    assert stats["exchange_stats"]["okx"]["fresh"] == 0
    symbols = (await filled.http.get("/api/symbols")).json()
    assert symbols["assets"] == ["BTC", "WIF"]
    assert [(one["symbol"], one["enabled"]) for one in symbols["symbols"]] == [("BTCUSDT", True), ("WIFUSDT", False)]
    assert symbols["symbols"][0]["venues"] == {"binance": ["spot", "futures"], "okx": ["futures"]}
    assert [one["symbol"] for one in (await filled.http.get("/api/symbols?q=wi")).json()["symbols"]] == ["WIFUSDT"]
    answer = await filled.http.post("/api/markets/refresh", json={})
    assert answer.json()["venues"] == ["binance", "okx"]
    assert await redis_client.zscore("demand:okx:instruments", "*")


async def test_the_status_has_the_older_words_and_every_process(filled: Api) -> None:
    found = (await filled.http.get("/api/system/status")).json()
    binance = found["connections"]["websocket_status"]["binance"]
    assert (binance["connected"], binance["updates_per_s"], binance["avg_latency_ms"], binance["heartbeat_age"]) == (
        True,
        15,
        40,
        None,
    )
    assert found["connections"]["websocket_status"]["okx"]["connected"] is False
    assert {one["id"] for one in found["system"]["processes"]} == {"_scanner:m1", "binance:a", "binance:b", "okx:m1"}
    assert found["system"]["processes"][1]["connection_list"] == [{"x": 1}]
    assert found["redis"]["connected"] is True
    assert found["system"]["memory_usage_mb"] > 10


async def test_metrics_are_every_known_figure_that_was_measured(filled: Api) -> None:
    answer = await filled.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'parallax_frames_per_s{service="binance",member="a"} 10.0' in lines
    assert 'parallax_lag_ms_p50{service="binance",member="a"} 40.0' in lines
    assert not [line for line in lines if line.startswith("parallax_lag_ms_p50{") and 'member="b"' in line]
    assert 'parallax_up{service="okx",member="m1"} 0' in lines
    assert all(line.startswith(("# HELP parallax_", "# TYPE parallax_", "parallax_")) for line in lines)
    held_back = 'parallax_held_back_total{service="_scanner",member="m1",reason="max_edge"} 7.0'
    assert held_back in lines
    assert escaped('a"b\\c\n') == 'a\\"b\\\\c\\n'


async def test_ready_says_which_exchanges_are_live(filled: Api) -> None:
    found = (await filled.http.get("/readyz")).json()
    assert (found["status"], found["venues"]["okx"]["state"], found["scanner"], found["recorder"]) == (
        "ready",
        "blocked",
        True,
        False,
    )
