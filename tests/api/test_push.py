import asyncio
import json
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from services.api import server, sockets
from services.api.push import SUBPROTOCOL
from services.api.within import Routes
from shared.bus import Redis
from tests.api.conftest import Api, message
from tests.api.market import (
    gone,
    instrument,
    leg,
    put_board,
    put_changes,
    put_health,
    put_instruments,
    put_signals,
    route,
    row,
    signal,
)


async def ask(socket: ClientConnection, **fields: Any) -> dict[str, Any]:
    """Send a request and return its answer."""
    await socket.send(json.dumps(fields))
    while True:
        found = await message(socket)
        if found["type"] not in ("hello", "heartbeat"):
            return found


async def subscribed(socket: ClientConnection, channel: str, **params: Any) -> dict[str, Any]:
    return await ask(socket, op="subscribe", id=1, channel=channel, params={"rate": 0, **params})


async def test_the_server_speaks_first_and_then_beats(api: Api) -> None:
    async with api.socket("/push") as socket:
        hello = await message(socket)
        assert (hello["type"], hello["mode"], hello["state"]) == ("hello", "live", "warming")
        assert hello["server_time_ms"] > 1_700_000_000_000
        assert (await message(socket, "heartbeat"))["server_time_ms"] >= hello["server_time_ms"]
        assert (await ask(socket, op="ping", id=9))["type"] == "pong"


async def test_the_board_comes_as_columns_that_were_asked_for(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row("BTC"), row("WIF", best=None, why="one venue"))
    await api.until(lambda: len(api.context.state.board.rows) == 2)
    async with api.socket("/push") as socket:
        found = await subscribed(socket, "board", columns=["net_open_bps", "why"])
        assert sorted(found["rows"], key=lambda one: one["id"]) == [
            {"id": "BTC", "net_open_bps": 50.8, "why": None},
            {"id": "WIF", "net_open_bps": None, "why": "one venue"},
        ]


async def test_rows_that_leave_a_filter_or_the_best_few_are_removed(api: Api, redis_client: Redis) -> None:
    def with_net(asset: str, net: str, ver: int = 1) -> Any:
        legs = (leg("binance", base=asset), leg("okx", base=asset))
        return row(asset, ver, legs, best=route(*legs, net=net))

    await put_board(redis_client, with_net("A", "30.00"), with_net("B", "20.00"), with_net("C", "10.00"))
    await api.until(lambda: len(api.context.state.board.rows) == 3)
    async with api.socket("/push") as filtered, api.socket("/push") as best:
        first = await subscribed(filtered, "board", filter={"min_net_bps": 15})
        assert {one["id"] for one in first["rows"]} == {"A", "B"}
        first = await subscribed(best, "board", sort="-net_open_bps", top_n=2, columns=["net_open_bps"])
        assert [one["id"] for one in first["rows"]] == ["A", "B"]
        await put_board(redis_client, with_net("C", "40.00", 2))
        delta = await message(filtered, "delta")
        assert ([one["id"] for one in delta["changed"]], delta["removed"]) == (["C"], [])
        delta = await message(best, "delta")
        assert (delta["changed"], delta["removed"]) == ([{"id": "C", "net_open_bps": 40.0}], ["B"])
        await put_board(redis_client, with_net("A", "5.00", 2))
        assert (await message(filtered, "delta"))["removed"] == ["A"]
        delta = await message(best, "delta")
        assert ([one["id"] for one in delta["changed"]], delta["removed"]) == (["B"], ["A"])


def three(asset: str, okx_bid: str = "101.00", ver: int = 1) -> Any:
    """A coin on three exchanges: best from binance to okx, second best from binance to bybit."""
    legs = (
        leg("binance", base=asset, bid="99.90", ask="100.00"),
        leg("bybit", base=asset, bid="100.50", ask="100.60"),
        leg("okx", base=asset, bid=okx_bid, ask="101.10"),
    )
    return row(asset, ver, legs, best=route(legs[0], legs[2], edge="100.00", net="90.00"))


async def listed_three(api: Api, redis_client: Redis, *assets: str) -> None:
    """With their instruments, without which nothing but the scanner's choice is known."""
    await put_board(redis_client, *[three(asset) for asset in assets])
    for venue in ("binance", "bybit", "okx"):
        listed = [instrument(venue, base=asset, taker_fee_bps="5") for asset in assets]
        await put_instruments(redis_client, *listed)
    await api.until(lambda: len(api.context.state.board.rows) == len(assets))
    await api.until(lambda: len(api.context.state.directory.instruments) == 3 * len(assets))


async def test_a_filter_shows_the_best_of_the_routes_that_it_leaves(api: Api, redis_client: Redis) -> None:
    await listed_three(api, redis_client, "A")
    columns = ["buy_venue", "sell_venue", "net_open_bps"]
    async with api.socket("/push") as socket:
        all_of_them = await subscribed(socket, "board", columns=columns)
        assert all_of_them["rows"] == [{"id": "A", "buy_venue": "binance", "sell_venue": "okx", "net_open_bps": 90.0}]
        some = await subscribed(socket, "board", columns=columns, filter={"venues": ["bybit", "binance"]})
        assert some["rows"] == [{"id": "A", "buy_venue": "binance", "sell_venue": "bybit", "net_open_bps": 40.0}]
        best = await subscribed(
            socket, "board", columns=columns, filter={"venues": ["bybit", "okx"]}, sort="-net_open_bps", top_n=5
        )
        assert [(one["buy_venue"], one["sell_venue"]) for one in best["rows"]] == [("bybit", "okx")]
        assert (await subscribed(socket, "board", filter={"kind": "spot-perp"}))["rows"] == []
        assert (await subscribed(socket, "board", filter={"venues": ["okx"]}))["rows"] == []
        alone = await subscribed(socket, "board", columns=["why"], filter={"venues": ["okx"], "unrouted": True})
        assert alone["rows"] == [{"id": "A", "why": "single"}]
        elsewhere: dict[str, Any] = {"venues": ["paradex"], "unrouted": True}
        assert (await subscribed(socket, "board", filter=elsewhere))["rows"] == []


async def test_a_filtered_row_follows_prices_fees_and_listings(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, three("A"))
    await api.until(lambda: len(api.context.state.board.rows) == 1)
    async with api.socket("/push") as socket:
        chosen: dict[str, Any] = {"columns": ["net_open_bps"], "filter": {"venues": ["bybit", "okx"]}}
        assert (await subscribed(socket, "board", **chosen))["rows"] == []
        await put_instruments(redis_client, instrument("bybit", base="A", taker_fee_bps="5"))
        await put_instruments(redis_client, instrument("okx", base="A", taker_fee_bps="5"))
        assert (await message(socket, "delta"))["changed"] == [{"id": "A", "net_open_bps": 29.76}]
        await put_board(redis_client, three("A", "101.20", 2))
        assert (await message(socket, "delta"))["changed"] == [{"id": "A", "net_open_bps": 49.64}]
        body = {"fees": {"okx": {"perp": 15.0}}}
        assert (await api.http.post("/api/config", json=body)).status_code == 200
        assert (await message(socket, "delta"))["changed"] == [{"id": "A", "net_open_bps": 39.64}]


async def test_a_filter_is_worked_out_once_however_many_look_through_it(
    api: Api, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"A{number}" for number in range(20)]
    await listed_three(api, redis_client, *names)
    judged: list[str] = []
    plain = Routes.within

    def counted(self: Routes, one: Any, wanted: Any) -> Any:
        judged.append(one.asset)
        return plain(self, one, wanted)

    monkeypatch.setattr(Routes, "within", counted)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(api.socket("/push")) for _ in range(15)]
        orders = (["bybit", "binance"], ["binance", "bybit", "bybit"])
        for place, socket in enumerate(sockets):
            await subscribed(socket, "board", columns=["net_open_bps"], filter={"venues": orders[place % 2]})
        assert len(api.context.hub) == 1
        assert sorted(judged) == sorted(names)
        judged.clear()
        await put_board(redis_client, *[three(name, ver=2) for name in names[:5]], three(names[5], "100.95", 2))
        await api.until(lambda: len(judged) >= 6)
        await ask(sockets[0], op="ping", id=9)
    assert sorted(judged) == sorted(names[:6])


async def test_a_coin_that_nobody_lists_any_more_is_removed_everywhere(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row("BTC"), row("OLD", 2))
    await put_instruments(redis_client, instrument("binance", base="BTC"))
    await api.until(lambda: len(api.context.state.board.rows) == 2 and not api.context.state.directory.empty)
    async with api.socket("/push") as board, api.socket("/push") as coin:
        await subscribed(board, "board")
        legs = {one["id"] for one in (await subscribed(coin, "asset", symbol="OLD"))["rows"]}
        await put_changes(redis_client, gone("OLD", 3))
        assert (await message(board, "delta"))["removed"] == ["OLD"]
        assert set((await message(coin, "delta"))["removed"]) == legs
    assert [one["asset"] for one in (await api.http.get("/api/board")).json()["rows"]] == ["BTC"]
    assert list((await api.http.get("/api/aggregated_data")).json()["aggregated_data"]) == ["BTC"]
    assert (await api.http.get("/api/data?symbol=OLD")).status_code == 404


async def test_a_coin_comes_with_every_market_and_changes_by_market(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row(), row("WIF"))
    await api.until(lambda: len(api.context.state.board.rows) == 2)
    async with api.socket("/push") as socket:
        found = await subscribed(socket, "asset", symbol="btc")
        assert [one["id"] for one in found["rows"]] == ["BTC", "binance:perp:BTCUSDT", "okx:perp:BTC-USDT-SWAP"]
        legs = (leg("binance", bid="43251.00"), leg("okx", native="BTC-USDT-SWAP"))
        await put_board(redis_client, row("WIF", 2), row("BTC", 2, legs, best=row().best, at=row().at))
        delta = await message(socket, "delta")
        assert [one["id"] for one in delta["changed"]] == ["binance:perp:BTCUSDT"]
        assert delta["changed"][0]["bid"] == 43251.0


async def test_the_page_of_a_market_comes_with_its_listing(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row())
    await api.until(lambda: len(api.context.state.board.rows) == 1)
    async with api.socket("/push") as socket:
        found = await subscribed(socket, "asset", symbol="btc")
        assert [one.get("trade_url") for one in found["rows"]] == [None, None, None]
        await put_instruments(redis_client, instrument("binance"))
        delta = await message(socket, "delta")
        assert [(one["id"], one["trade_url"]) for one in delta["changed"]] == [
            ("binance:perp:BTCUSDT", "https://www.binance.com/en/futures/BTCUSDT")
        ]


async def test_signals_and_health_are_pushed_as_they_change(api: Api, redis_client: Redis) -> None:
    await put_signals(redis_client, signal())
    await api.until(lambda: api.context.state.signals.open)
    async with api.socket("/push") as socket:
        found = await subscribed(socket, "signals", state="open")
        assert [(one["id"], one["state"]) for one in found["rows"]] == [("s1", "open")]
        await put_signals(redis_client, signal(rev=2, event="close"))
        assert (await message(socket, "delta"))["removed"] == ["s1"]
        found = await ask(socket, op="subscribe", id="h", channel="health", params={"rate": 0})
        assert found["rows"] == []
        await put_health(redis_client, "okx", state="blocked", detail="HTTP 451")
        delta = await message(socket, "delta")
        assert (delta["id"], delta["changed"][0]["detail"]) == ("h", "HTTP 451")


async def test_msgpack_carries_the_digits_as_text(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row())
    await api.until(lambda: api.context.state.board.rows)
    async with api.socket("/push", subprotocols=[SUBPROTOCOL]) as socket:
        assert socket.subprotocol == SUBPROTOCOL
        assert (await message(socket))["type"] == "hello"
        await socket.send(msgspec.msgpack.encode({"op": "subscribe", "id": 1, "channel": "board", "params": {}}))
        found = await message(socket, "snapshot")
        assert found["rows"][0]["buy_price"] == "43250.20"
        await socket.send(b"\xc1")
        assert (await message(socket, "error"))["code"] == "invalid_msgpack"


async def test_resume_says_that_nothing_is_missing_or_sends_everything(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row())
    await api.until(lambda: api.context.state.board.rows)
    async with api.socket("/push") as socket:
        seq = (await subscribed(socket, "board"))["seq"]
        assert await ask(socket, op="resume", id=1, seq=seq) == {"id": 1, "type": "resumed", "seq": seq}
        assert (await ask(socket, op="resume", id=1, seq=seq - 1))["type"] == "snapshot"
        assert (await ask(socket, op="resume", id=2, seq=5))["code"] == "unknown_subscription"
        again = await ask(socket, op="resume", id=2, seq=5, channel="board")
        assert (again["type"], again["seq"]) == ("snapshot", 1)
        assert (await ask(socket, op="unsubscribe", id=2))["type"] == "unsubscribed"
    await api.until(lambda: not api.context.push.clients and not len(api.context.hub))


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ("{", "invalid_json", "message"),
        ("[]", "invalid_value", "message"),
        ("5", "invalid_value", "message"),
        ('{"op": "dance"}', "unknown_op", "op"),
        ('{"op": "subscribe", "id": 1}', "unknown_channel", "channel"),
        ('{"op": "subscribe", "id": 1, "channel": "wat"}', "unknown_channel", "channel"),
        (
            '{"op": "subscribe", "id": 1, "channel": "board", "params": {"columns": ["x"]}}',
            "unknown_column",
            "params.columns",
        ),
        ('{"op": "subscribe", "id": 1, "channel": "board", "params": {"sort": "x"}}', "invalid_value", "params.sort"),
        (
            '{"op": "subscribe", "id": 1, "channel": "board", "params": {"filter": {"kind": "perp"}}}',
            "invalid_value",
            "params.filter.kind",
        ),
        (
            '{"op": "subscribe", "id": 1, "channel": "board", "params": {"filter": {"venues": ["okx", "mtgox"]}}}',
            "unknown_exchange",
            "params.filter.venues",
        ),
        ('{"op": "subscribe", "id": 1, "channel": "board", "params": {"rate": -1}}', "invalid_value", "params.rate"),
        ('{"op": "subscribe", "id": 1, "channel": "asset", "params": {}}', "missing_value", "params.symbol"),
        (
            '{"op": "subscribe", "id": 1, "channel": "asset", "params": {"symbol": "no"}}',
            "unknown_symbol",
            "params.symbol",
        ),
        ('{"op": "ping", "id": {}}', "invalid_value", "id"),
        ('{"op": "ping", "more": 1}', "unknown_field", "more"),
        (" " * 70_000, "too_large", "message"),
        ("[" * 5_000, "invalid_json", "message"),
    ],
)
async def test_wrong_messages_are_told_and_the_socket_stays(
    api: Api, redis_client: Redis, sent: str, code: str, field: str
) -> None:
    await put_instruments(redis_client, instrument("binance"))
    await api.until(lambda: not api.context.state.directory.empty)
    async with api.socket("/push") as socket:
        await socket.send(sent)
        error = await message(socket, "error")
        assert (error["code"], error["field"]) == (code, field)
        assert error["expected"]
        assert error["message"]
        assert (await ask(socket, op="ping", id=1))["type"] == "pong"


async def test_a_slow_client_gets_the_latest_rows_and_nobody_else_notices(
    api: Api, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets.send_all, "__defaults__", (3_600.0,))  # slow it is, but never taken for gone
    names = [f"A{number}" for number in range(300)]
    await put_board(redis_client, *[row(name) for name in names])
    await api.until(lambda: len(api.context.state.board.rows) == 300)
    async with api.socket("/push", max_queue=1, compression=None, max_size=None) as slow, api.socket("/push") as quick:
        await subscribed(slow, "board")
        (behind,) = [one for client in api.context.push.clients for one in client._subscriptions.values()]
        await subscribed(quick, "board", columns=["why"])
        last = 1

        def read() -> bool:
            return all(one.ver == last for one in api.context.state.board.rows.values())

        async with asyncio.timeout(60):
            while not behind.conflated:
                last += 1
                await put_changes(redis_client, *[row(name, last, why=str(last)) for name in names])
                await api.until(read)
        seen: dict[str, str] = {}
        while set(seen.values()) != {str(last)} or len(seen) < 300:
            seen |= {one["id"]: one["why"] for one in (await message(quick, "delta"))["changed"]}
        rows: dict[str, str] = {}
        conflated, seqs = 0, [1]
        while set(rows.values()) != {str(last)} or len(rows) < 300:
            delta = await message(slow, "delta")
            conflated += delta.get("conflated", 0)
            seqs.append(delta["seq"])
            rows |= {one["id"]: one["why"] for one in delta["changed"]}
        assert seqs == list(range(1, len(seqs) + 1))
        assert conflated > 0
        assert len(seqs) < last


async def test_a_client_that_does_not_read_is_closed_with_a_reason(
    api: Api, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets.send_all, "__defaults__", (0.3,))
    monkeypatch.setattr(server, "CUT_OFF_S", 3_600.0)  # this one reads at last, however long that takes
    names = [f"A{number}" for number in range(300)]
    async with api.socket("/push", max_queue=1, compression=None, max_size=None) as socket:
        await subscribed(socket, "board")
        ver = 0
        async with asyncio.timeout(60):
            while api.context.push.clients:
                ver += 1
                await put_changes(redis_client, *[row(name, ver, why=str(ver)) for name in names])
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
        assert (socket.close_code, "does not read" in str(socket.close_reason)) == (1013, True)
