import asyncio
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import msgspec
import pytest

from deploy.local.process import free_port, start_server, stop_server
from services.api import follow
from services.api.follow import before, stepped_back
from shared import bus, streams
from shared.bus import Redis
from tests.api.conftest import Api, Start, message
from tests.api.market import instrument, put_board, put_changes, put_health, put_instruments, put_signals, row, signal


def test_entry_ids_are_compared_as_numbers() -> None:
    assert before("9-0", "10-0")
    assert before("10-1", "10-2")
    assert not before("10-2", "10-2")
    assert stepped_back("5000-7", 2000) == "3000-0"
    assert stepped_back("0-0", 2000) == "0-0"


async def test_rows_written_before_and_while_it_joins_are_all_there(start: Start, redis_client: Redis) -> None:
    await put_board(redis_client, *[row(f"A{number}") for number in range(50)])

    async def keep_writing() -> None:
        for ver in range(2, 60):
            for number in range(0, 50, 7):
                await put_board(redis_client, row(f"A{number}", ver))

    writing = asyncio.create_task(keep_writing())
    api = await start()
    await writing
    await api.until(lambda: len(api.context.state.board.rows) == 50)
    await api.until(lambda: all(api.context.state.board.rows[f"A{number}"].ver == 59 for number in range(0, 50, 7)))


async def test_who_reads_late_takes_what_the_stream_has_lost_from_the_hash(
    start: Start, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "OVERTAKEN_S", 0.0)
    api = await start()
    board = api.context.state.board
    await put_board(redis_client, row("FIRST"))
    await api.until(lambda: "FIRST" in board.rows)
    await redis_client.hset(streams.BOARD, "LOST", msgspec.msgpack.encode(row("LOST")))
    await put_board(redis_client, row("SEEN"))
    await api.until(lambda: set(board.rows) == {"FIRST", "LOST", "SEEN"})


async def test_signals_are_read_back_and_the_newest_revision_stands(start: Start, redis_client: Redis) -> None:
    await put_signals(redis_client, *[signal(f"s{number}", rev) for number in range(20) for rev in (1, 2)])
    await put_signals(redis_client, signal("s3", 3, "close"))
    api = await start()
    book = api.context.state.signals
    await api.until(lambda: len(book.open) == 19)
    assert {one.rev for one in book.open.values()} == {2}
    await put_signals(redis_client, signal("new"))
    await api.until(lambda: "new" in book.open)


async def test_what_cannot_be_read_is_counted_and_passed_over(api: Api, redis_client: Redis) -> None:
    await redis_client.xadd(streams.BOARD_CHANGES, {"v1": b"\xc1"})
    await redis_client.xadd(streams.BOARD_CHANGES, {"v2": b"?"})
    await redis_client.xadd(streams.BOARD_CHANGES, {"v1": b"\x91\x81\xa5asset\xa1\xff"})
    await redis_client.xadd(streams.BOARD_CHANGES, {"v1": b"\x91\x81\xa1x" + b"\x91" * 100_000})
    await redis_client.hset(b"instruments:\xff", b"\xff", b"\xa1\xff")
    await redis_client.hset("health:okx:m", b"\xff", b"\xff")
    # together: a listing that grows is read again, and what is wrong in it counted again
    listed: Any = {"perp:X": {"venue": "okx"}, "perp:BTCUSDT": instrument("okx")}
    mapping: Any = {name: msgspec.msgpack.encode(one) for name, one in listed.items()}
    await redis_client.hset(streams.instruments("okx"), mapping=mapping)
    await put_changes(redis_client, row())
    await api.until(lambda: api.context.state.board.rows and not api.context.state.directory.empty)
    await api.until(lambda: api.context.state.members("okx"))
    assert api.context.followers.rejected.count == 5


async def test_a_status_counts_as_soon_as_its_collector_tells_of_it(start: Start, redis_client: Redis) -> None:
    await put_instruments(redis_client, instrument("okx"), instrument("bybit"))
    api = await start()
    await api.until(lambda: set(api.context.state.directory.by_venue) == {"okx", "bybit"})
    other = api.context.state.directory.by_venue["bybit"][0]
    await put_instruments(redis_client, msgspec.structs.replace(instrument("okx"), status="halted"))
    await redis_client.hset(streams.META_LISTINGS, "okx", "1")
    await api.until(lambda: [one.status for one in api.context.state.directory.by_venue["okx"]] == ["halted"])
    assert api.context.state.directory.by_venue["bybit"][0] is other  # nothing else is read
    await redis_client.delete(streams.instruments("bybit"))
    await api.until(lambda: set(api.context.state.directory.by_venue) == {"okx"})


async def test_processes_come_and_go_with_their_health(api: Api, redis_client: Redis) -> None:
    await put_health(redis_client, "okx", state="live")
    await api.until(lambda: api.context.state.members("okx"))
    assert api.context.state.venues() == ["okx"]
    await redis_client.delete(streams.health("okx", "m1"))
    await api.until(lambda: not api.context.state.members("okx"))


async def test_a_wiped_redis_is_noticed_and_its_new_rows_are_taken(api: Api, redis_client: Redis) -> None:
    await put_board(redis_client, row("BTC", 900), row("WIF", 900))
    await api.until(lambda: len(api.context.state.board.rows) == 2)
    async with api.socket("/push") as socket:
        await socket.send('{"op": "subscribe", "id": 1, "channel": "board"}')
        await message(socket, "snapshot")
        await redis_client.flushall()
        await put_board(redis_client, row("BTC", 1, why="after"))
        shown: dict[str, str] = {}
        gone: set[str] = set()
        while shown.get("BTC") != "after" or "WIF" not in gone:
            delta = await message(socket, "delta")
            shown |= {one["id"]: one["why"] for one in delta["changed"]}
            gone |= set(delta["removed"])


@pytest.fixture
def own_redis(tmp_path: Path) -> int:
    return free_port()


async def test_it_serves_on_while_redis_is_away_and_goes_on_after(start: Start, own_redis: int, tmp_path: Path) -> None:
    arguments = ["deploy.local.redis_server", "--data", str(tmp_path), "--port", str(own_redis), "--memory-mb", "64"]
    server = start_server(arguments, own_redis, tmp_path / "redis.log")
    client = bus.connect(f"redis://127.0.0.1:{own_redis}/0")
    api = await start(redis_url=f"redis://127.0.0.1:{own_redis}/0")
    try:
        await put_board(client, row())
        await put_health(client, "_scanner")
        await api.until(lambda: api.context.state.feed == "live")
        stop_server(server, SIGKILL)
        await api.until(lambda: not api.context.state.redis_up)
        answer = (await api.http.get("/api/data?symbol=BTC")).json()
        assert (answer["state"], answer["reason"]) == ("stale", "Redis cannot be reached")
        assert answer["realtime_data"]["binance"]["futures"]["state"] == "stale"
        ready = await api.http.get("/readyz")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "2")
        assert (await api.http.get("/healthz")).status_code == 200
        for path in ("/api/config", "/api/switch_symbol", "/api/markets/refresh"):
            refused = await api.http.post(path, json={"symbol": "BTC"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "redis_away"), path
        assert (await api.http.get("/api/system/status")).json()["redis"]["connected"] is False
        server = start_server(arguments, own_redis, tmp_path / "redis.log")
        await api.until(lambda: api.context.state.redis_up)
        await put_board(client, row(ver=2, why="back"))
        await api.until(lambda: api.context.state.board.rows["BTC"].why == "back")
    finally:
        stop_server(server, SIGTERM)
        await client.aclose()
