import asyncio
from time import sleep
from typing import Any

import pytest

from services.api.shared_body import SharedBodies
from shared.bus import Redis
from tests.api.conftest import Api
from tests.api.market import instrument, leg, put_board, put_health, put_instruments, route, row


def coin(asset: str, net: str | None, edge: str = "50.00", **fields: Any) -> Any:
    legs = (
        leg("binance", base=asset, funding_rate=fields.get("low", "0.0001"), funding_interval_h="8", turnover="10"),
        leg("okx", base=asset, funding_rate=fields.get("high", "0.0001"), funding_interval_h=fields.get("hours", "8")),
    )
    best = None if net is None else route(*legs, edge=edge, net=net)
    return row(asset, 1, legs, best=best, why=None if best else "no route")


@pytest.fixture
async def filled(api: Api, redis_client: Redis) -> Api:
    await put_health(redis_client, "_scanner")
    third = row("C", 1, (leg("bybit", base="C", turnover="99"),), best=None, why="one venue")
    await put_board(
        redis_client,
        coin("A", "10.00", high="0.0002"),
        coin("B", "30.00", edge="600.00", high="0.0001", hours="1"),
        third,
    )
    await api.until(lambda: len(api.context.state.board.rows) == 3)
    return api


async def order(api: Api, query: str) -> Any:
    answer = await api.http.get(f"/api/aggregated_data?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["order"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["B", "A", "C"]),
        ("sort=spread&order=asc", ["A", "B", "C"]),
        ("sort=symbol", ["A", "B", "C"]),
        ("sort=symbol&order=desc", ["C", "B", "A"]),
        ("sort=funding", ["B", "A", "C"]),
        ("sort=volume", ["C", "A", "B"]),
        ("min_net_bps=20", ["B"]),
        ("max_edge_bps=500", ["A", "C"]),
        ("limit=1", ["B"]),
        ("venues=bybit", ["C"]),
        ("exchange=binance,okx", ["B", "A"]),
    ],
)
async def test_sorted_and_filtered(filled: Api, query: str, expected: list[str]) -> None:
    assert await order(filled, query) == expected


async def test_each_coin_has_its_markets_and_its_best_route(filled: Api) -> None:
    found = (await filled.http.get("/api/aggregated_data?text=1")).json()
    coin_a = found["aggregated_data"]["A"]
    assert set(coin_a) == {"binance", "okx", "spread"}
    assert coin_a["okx"]["spot"] == {}
    assert coin_a["okx"]["futures"]["price_text"] == "43250.15"
    assert (coin_a["spread"]["long"], coin_a["spread"]["short"], coin_a["spread"]["net_open_bps"]) == (
        "binance",
        "okx",
        10,
    )
    assert found["aggregated_data"]["C"]["spread"]["edge_bps"] is None
    assert found["aggregated_data"]["C"]["spread"]["why"] == "one venue"
    assert found["supported_symbols"] == ["A", "B", "C"]
    assert (
        "price_text"
        not in (await filled.http.get("/api/aggregated_data")).json()["aggregated_data"]["A"]["okx"]["futures"]
    )


async def test_the_exchanges_that_are_asked_for_choose_the_route(filled: Api, redis_client: Redis) -> None:
    legs = (
        leg("binance", base="A", bid="99.90", ask="100.00"),
        leg("bybit", base="A", bid="100.50", ask="100.60"),
        leg("okx", base="A", bid="101.00", ask="101.10"),
    )
    await put_board(redis_client, row("A", 2, legs, best=route(legs[0], legs[2], edge="100.00", net="90.00")))
    for venue in ("binance", "bybit", "okx"):
        await put_instruments(redis_client, instrument(venue, base="A", taker_fee_bps="5"))
    await filled.until(lambda: len(filled.context.state.directory.instruments) == 3)
    await filled.until(lambda: filled.context.state.board.rows["A"].ver == 2)

    async def spread(query: str) -> Any:
        return (await filled.http.get(f"/api/aggregated_data?{query}")).json()["aggregated_data"]["A"]["spread"]

    found = await spread("venues=binance,bybit")
    assert (found["long"], found["short"], found["edge_bps"], found["net_open_bps"]) == ("binance", "bybit", 50.0, 40.0)
    assert (found["net_in_out_bps"], found["why"]) == (30.0, None)
    assert (await spread("venues=binance,bybit,okx"))["short"] == "okx"
    alone = await spread("venues=bybit")
    assert (alone["long"], alone["edge_bps"], alone["why"]) == (None, None, "single")
    flat = (await filled.http.get("/api/board?venues=bybit,okx&columns=buy_venue,sell_venue,net_open_bps")).json()
    assert flat["rows"] == [{"buy_venue": "bybit", "sell_venue": "okx", "net_open_bps": 29.76}]
    assert (await filled.http.get("/api/board?kind=spot-perp")).json()["rows"] == []
    assert len((await filled.http.get("/api/board?venues=all")).json()["rows"]) == 3
    error = (await filled.http.get("/api/board?kind=perp")).json()["error"]
    assert (error["field"], error["value"]) == ("kind", "perp")


async def test_the_body_is_shared_and_compressed_for_those_who_take_that(filled: Api) -> None:
    packed = await filled.http.get("/api/aggregated_data")
    plain = await filled.http.get("/api/aggregated_data", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json()["order"] == plain.json()["order"]
    assert packed.headers["cache-control"] == "no-store"


async def test_who_asks_alike_within_a_moment_gets_the_same_body() -> None:
    bodies, made = SharedBodies(), list[int]()

    def make() -> bytes:
        made.append(1)
        return b"x" * 2_000

    first, second = await bodies.get("a", make), await bodies.get("a", make)
    assert first is second
    assert first.packed is not None
    assert len(made) == 1
    await bodies.get("b", make)
    assert len(made) == 2


async def test_bodies_are_made_one_after_the_other() -> None:
    bodies, running, most = SharedBodies(), list[int](), list[int]()

    def make() -> bytes:
        running.append(1)
        most.append(len(running))
        sleep(0.001)
        running.pop()
        return b"x"

    await asyncio.gather(*(bodies.get(name, make) for name in "abcd"))
    assert most == [1, 1, 1, 1]


async def test_a_failure_is_not_shared() -> None:
    bodies = SharedBodies()

    def fail() -> bytes:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await bodies.get("a", fail)
    assert (await bodies.get("a", lambda: b"well")).plain == b"well"


async def test_the_board_is_a_flat_table(filled: Api) -> None:
    found = (await filled.http.get("/api/board?columns=asset,net_open_bps,why,buy_age_ms&limit=3")).json()
    assert found["columns"] == ["asset", "net_open_bps", "why", "buy_age_ms"]
    assert [one["asset"] for one in found["rows"]] == ["B", "A", "C"]
    assert found["rows"][0]["buy_age_ms"] >= 0
    assert found["rows"][2] == {"asset": "C", "net_open_bps": None, "why": "one venue", "buy_age_ms": None}
    whole = (await filled.http.get("/api/board?min_net_bps=20")).json()
    assert [set(one) for one in whole["rows"]] == [set(whole["columns"])]
    assert (await filled.http.get("/api/board?columns=nope")).json()["error"]["code"] == "unknown_column"
    texts = (await filled.http.get("/api/board?columns=asset,net_open_bps&text=1&limit=3")).json()["rows"]
    assert [one.get("net_open_bps_text") for one in texts] == [
        *(f"{one['net_open_bps']:.2f}" for one in texts[:2]),
        None,
    ]
