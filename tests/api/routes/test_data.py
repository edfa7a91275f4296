import json
from decimal import Decimal
from typing import Any

import pytest

from shared.bus import Redis
from tests.api.conftest import Api, Start
from tests.api.market import T0, instrument, leg, put_board, put_health, put_instruments, row


@pytest.fixture
async def filled(api: Api, redis_client: Redis) -> Api:
    perp = leg(
        "binance",
        mark="43251.30",
        index="43250.00",
        funding_rate="0.00010000",
        funding_interval_h="8",
        next_funding_ts=1_795_276_800_000_000_000,
        bid="43293.40",
        ask="43293.40",
    )
    legs = (leg("binance", "spot"), perp, leg("okx", bid=None, bid_size=None, ask=None, ask_size=None, state="down"))
    await put_health(redis_client, "_scanner")
    await put_health(redis_client, "okx")
    await put_instruments(redis_client, instrument("binance"), instrument("okx"), instrument("binance", base="NEW"))
    await put_board(redis_client, row(legs=legs, best=None, why="one venue"), row("WIF"))
    await api.until(
        lambda: len(api.context.state.board.rows) == 2 and api.context.state.directory.pending == frozenset()
    )
    await api.until(lambda: api.context.state.feed == "live" and not api.context.state.directory.empty)
    return api


async def data(api: Api, query: str) -> Any:
    answer = await api.http.get(f"/api/data?{query}")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.content, parse_float=Decimal)


async def test_one_coin_in_the_vocabulary_of_the_older_monitors(filled: Api) -> None:
    found = await data(filled, "symbol=btcusdt")
    spot, futures = (found["realtime_data"]["binance"][name] for name in ("spot", "futures"))
    assert (spot["price"], spot["price_text"], spot["price_kind"]) == (Decimal("43250.15"), "43250.15", "mid")
    assert (spot["timestamp"], spot["timestamp_ms"]) == ("2026-11-21T08:03:41.120+00:00", T0 // 1_000_000)
    assert (spot["symbol"], spot["state"]) == ("BTCUSDT", "ok")
    assert (futures["funding_rate"], futures["funding_rate_text"]) == (Decimal("0.0001"), "0.00010000")
    assert futures["next_funding_time"] == "2026-11-21T16:00:00.000+00:00"
    assert (futures["mark_price"], futures["index_price"]) == (Decimal("43251.30"), Decimal("43250.00"))
    assert found["realtime_data"]["binance"]["funding_rate"]["interval_hours"] == 8
    assert found["premium_data"] == {
        "binance": {
            "premium_percent": Decimal("0.100000"),
            "spot_price": Decimal("43250.15"),
            "spot_price_text": "43250.15",
            "futures_price": Decimal("43293.40"),
            "futures_price_text": "43293.40",
            "mark_premium_bps": Decimal("0.30"),
            "deviation_bps": Decimal("5.00"),
        }
    }
    assert found["realtime_data"]["okx"] == {"spot": {}, "futures": {}, "funding_rate": {}}
    assert (found["symbol"], found["exchange_order"], found["mode"]) == ("BTC", ["binance", "okx"], "live")


async def test_without_a_symbol_it_is_the_chosen_one_and_exchanges_can_be_chosen(filled: Api) -> None:
    assert (await data(filled, ""))["symbol"] == "BTC"
    for name in ("venues", "exchange", "exchanges"):
        assert list((await data(filled, f"{name}=OKX"))["realtime_data"]) == ["okx"]
    assert (await filled.http.post("/api/switch_symbol", json={"symbol": "wif/usdt"})).status_code == 404
    answer = await filled.http.post("/api/switch_symbol", json={"symbol": "wif"})
    assert answer.json()["status"] == "success"
    assert (await data(filled, ""))["symbol"] == "WIF"
    refused = await filled.http.post("/api/switch_symbol", json={"symbol": "NOSUCH"})
    assert (refused.status_code, refused.json()["status"]) == (404, "error")
    assert "NOSUCH" in refused.json()["message"]


async def test_a_listed_coin_without_prices_yet_is_warming(filled: Api) -> None:
    found = await data(filled, "symbol=NEW")
    assert (found["state"], found["realtime_data"]["binance"]["futures"]) == ("warming", {})


async def test_before_anything_has_come_every_coin_is_warming(start: Start) -> None:
    api = await start()
    found = await data(api, "symbol=anything")
    assert (found["symbol"], found["state"], found["realtime_data"]) == ("ANYTHING", "warming", {})


async def test_every_coin_in_one_body(filled: Api) -> None:
    answer = await filled.http.get("/api/data/all")
    assert answer.headers["content-encoding"] == "gzip"
    found = answer.json()
    assert found["supported_symbols"] == ["BTC", "WIF"]
    assert found["all_realtime_data"]["BTC"] == (await filled.http.get("/api/data?symbol=BTC")).json()[
        "realtime_data"
    ] | {"binance": found["all_realtime_data"]["BTC"]["binance"]}
    assert found["current_symbol"] == "BTC"


async def test_the_newest_figures_as_a_history_row(filled: Api) -> None:
    found = (await filled.http.get("/api/latest/btc")).json()["latest_data"]
    assert list(found) == ["binance"]
    assert (found["binance"]["spot_price"], found["binance"]["premium_percent"]) == (43250.15, 0.1)
    found = (await filled.http.get("/api/latest/btc?text=1&exchange=binance")).json()["latest_data"]["binance"]
    assert (found["spot_price_text"], found["funding_rate_text"]) == ("43250.15", "0.00010000")
    assert (await filled.http.get("/api/latest/btc?venues=okx")).json()["latest_data"] == {}


async def test_digits_are_asked_for_wherever_there_are_figures(filled: Api) -> None:
    asked = await data(filled, "symbol=BTC&text=1")
    assert asked["realtime_data"]["binance"]["spot"]["price_text"] == "43250.15"
    found = (await filled.http.get("/api/data/all?venues=okx&text=1")).json()
    assert found["exchange_order"] == list(found["all_realtime_data"]["BTC"]) == ["okx"]
    assert (await filled.http.get("/api/data/all")).json()["exchange_order"] == ["binance", "okx"]


async def test_a_one_sided_market_shows_its_last_price_and_several_markets_the_usual_one(
    api: Api, redis_client: Redis
) -> None:
    one_sided = leg("okx", bid=None, last="43000.5", state="one_sided")
    legs = (leg("binance", quote="USDC", bid="1", ask="1"), leg("binance"), one_sided)
    await put_board(redis_client, row(legs=legs, best=None))
    await api.until(lambda: api.context.state.board.rows)
    found = await data(api, "symbol=BTC")
    assert found["realtime_data"]["binance"]["futures"]["unified_symbol"] == "BTC/USDT:USDT"
    okx = found["realtime_data"]["okx"]["futures"]
    assert (okx["price"], okx["price_kind"], okx["bid"]) == (Decimal("43000.5"), "last", None)
