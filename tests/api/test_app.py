"""The walking whole: rows and trades in Redis, answers and frames out."""

import json
from decimal import Decimal

from shared.bus import Redis
from tests.api.conftest import Api, message
from tests.api.market import T0, instrument, put_board, put_health, put_instruments, put_trades, row, trade


async def test_a_row_in_redis_is_served_with_the_venues_own_digits(api: Api, redis_client: Redis) -> None:
    await put_health(redis_client, "_scanner")
    await put_board(redis_client, row())
    await api.until(lambda: api.context.state.feed == "live")
    answer = await api.http.get("/api/data?symbol=btc")
    assert answer.status_code == 200
    assert b'"bid":43250.10,' in answer.content
    found = json.loads(answer.content, parse_float=Decimal)
    futures = found["realtime_data"]["binance"]["futures"]
    assert futures["price"] == Decimal("43250.15")
    assert str(futures["bid"]) == "43250.10"
    assert found["realtime_data"]["binance"]["spot"] == {}
    assert found["state"] == "live"


async def test_a_change_of_the_board_reaches_a_push_client(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row())
    await api.until(lambda: api.context.state.board.rows)
    async with api.socket("/push") as socket:
        assert (await message(socket))["type"] == "hello"
        await socket.send(json.dumps({"op": "subscribe", "id": 1, "channel": "board", "params": {"rate": 0}}))
        snapshot = await message(socket, "snapshot")
        assert [one["id"] for one in snapshot["rows"]] == ["BTC"]
        await put_board(redis_client, row(ver=2, why="moved"))
        delta = await message(socket, "delta")
        assert (delta["seq"], delta["id"]) == (snapshot["seq"] + 1, 1)
        assert delta["changed"][0]["why"] == "moved"


async def test_a_terminal_gets_the_trades_it_asked_for(api: Api, redis_client: Redis) -> None:
    await put_instruments(redis_client, instrument("binance"))
    await api.until(lambda: not api.context.state.directory.empty)
    async with api.socket("/ws") as socket:
        await socket.send('{"type":"ping"}')
        assert await message(socket) == {"type": "pong"}
        config = {"symbol": "btcusdt", "exchanges": ["binancef"]}
        await socket.send(json.dumps({"type": "stream_subscribe", "stream": "trade", "config": config}))
        assert await message(socket) == {"type": "subscribed", "stream": "trade", "config": config}
        await api.until(lambda: api.context.tail.reading)
        await put_trades(redis_client, "binance", 0, trade("BTC/USDT:USDT", "100001.0", "1.50", trade_id="7"))
        assert (await message(socket))["data"] == {
            "exchange": "binancef",
            "symbol": "BTCUSDT",
            "price": 100001.0,
            "quantity": 1.5,
            "qty": 1.5,
            "quoteQty": 150001.5,
            "quote_qty": 150001.5,
            "isBuyerMaker": False,
            "timestamp": T0 // 1_000_000,
            "id": "7",
        }
        assert await redis_client.zscore("demand:binance:trade", "BTC/USDT:USDT")
