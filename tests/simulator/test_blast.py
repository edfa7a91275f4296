import asyncio
import json
import re
import struct
import time
from collections import Counter
from typing import Any

import pytest

from services.simulator import wire
from services.simulator.blast import BASE, CHUNK, MAX_FRAMES, Chunk, Mark, marks
from services.simulator.hub import Topic
from services.simulator.options import Options
from services.simulator.server import Simulator
from tests.simulator.client import LIMIT_S, rest, say, socket, until

PUBLIC, MARKET = "fstream.binance.com/public/stream", "fstream.binance.com/market/stream"
COINS = ("btcusdt", "ethusdt", "solusdt")


def calm(*venues: str) -> Options:
    return Options(venues=venues or ("binance",), instruments=20, rate=0)


async def collect(ws: Any, count: int) -> list[str]:
    async with asyncio.timeout(LIMIT_S):
        return [str(await ws.recv()) for _ in range(count)]


def numbers(texts: list[str]) -> list[int]:
    return [int(re.findall(r'"(?:u|a)":(9\d{14})', text)[0]) - BASE for text in texts]


def test_binary_frames_carry_their_number_and_time_where_they_were_made_to() -> None:
    def frame(n: int) -> tuple[bytes, tuple[Mark, ...]]:
        payload = b"head%b" % bytes(n % 3) + struct.pack("<qqh", stand_in(n), 8_888_888_888_888_000, n)
        return wire.frame(payload, wire.BINARY), marks(wire.frame(payload, wire.BINARY), stand_in(n) - BASE)

    def stand_in(n: int) -> int:
        return 999_999_999_999_000 + n

    topic = Topic("k", "name", "bbo", None, wire.BINARY)
    frames = [frame(n) for n in range(CHUNK)]
    chunk = Chunk([framed for framed, _ in frames], [topic] * CHUNK, [places for _, places in frames])
    before = time.time_ns() // 1000
    for first, end in ((0, CHUNK), (0, 7), (998, 999)):
        data, offset = chunk.fresh(12, first, end), 0
        for n in range(first, end):
            size = len(chunk.frames[n])
            number, us, end_mark = struct.unpack("<qqh", data[offset + size - 18 : offset + size])
            assert (number, end_mark) == (BASE + 12_000 + n, n)
            assert before - 1000 <= us <= time.time_ns() // 1000
            offset += size
        assert offset == len(data)


@pytest.mark.parametrize("rate", [0, 4000])
async def test_every_frame_has_its_number_and_its_stamp(rate: int) -> None:
    async with Simulator(calm()) as sim, socket(sim, PUBLIC) as ws:
        await say(ws, {"method": "SUBSCRIBE", "params": [f"{coin}@bookTicker" for coin in COINS], "id": 1})
        await ws.recv()
        order = {"venue": "binance", "frames": 2500, "rate": rate, "chunks": 2}
        status, _, _ = await rest(sim, "_sim/blast", order)
        assert status == 200
        got = await collect(ws, 2500)
        assert numbers(got) == list(range(2500))
        for text in got[::100]:
            data = json.loads(text)["data"]
            assert float(data["b"]) < float(data["a"])
            assert data["T"] > 1_700_000_000_000
        _, table, _ = await rest(sim, "_sim/stamps")
        assert table["base"] == BASE
        stamped = [n for first, count, *_ in table["stamps"] for n in range(first, first + count)]
        assert stamped == list(range(2500))
        monotonic = [row[2] for row in table["stamps"]]
        assert monotonic == sorted(monotonic)
        assert len((await rest(sim, "_sim/stamps?after=2000"))[1]["stamps"]) < len(table["stamps"])
        await until(lambda: sim.blasting is not None and sim.blasting.state == "done")
        _, report, _ = await rest(sim, "_sim/blast")
        assert (report["state"], report["sent"]) == ("done", 2500)
        _, state, _ = await rest(sim, "_sim/state")
        sent = Counter(json.loads(text)["stream"] for text in got)
        assert state["venues"]["binance"]["topics"] == {
            f"fstream.binance.com/public/{name}": count for name, count in sent.items()
        }


async def test_quotes_and_trades_share_the_frames_as_asked() -> None:
    async with Simulator(calm()) as sim, socket(sim, PUBLIC) as quotes, socket(sim, MARKET) as trades:
        await say(quotes, {"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
        await say(trades, {"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 1})
        for ws in (quotes, trades):
            await ws.recv()
        await rest(sim, "_sim/blast", {"venue": "binance", "frames": 1000, "trades": 0.2, "chunks": 2})
        seen = numbers(await collect(quotes, 800)) + numbers(await collect(trades, 200))
        assert len(set(seen)) == 1000


async def test_the_other_venue_can_be_blasted_too() -> None:
    async with Simulator(calm("okx")) as sim, socket(sim, "ws.okx.com/ws/v5/public") as ws:
        await say(ws, {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "BTC-USDT"}]})
        await collect(ws, 2)
        await rest(sim, "_sim/blast", {"venue": "okx", "frames": 500, "chunks": 1})
        rows = [json.loads(text)["data"][0] for text in await collect(ws, 500)]
        assert [row["seqId"] - BASE for row in rows] == list(range(500))


async def test_a_slow_reader_slows_the_blast_and_loses_nothing() -> None:
    async with Simulator(calm()) as sim, socket(sim, PUBLIC, max_queue=4) as ws:
        await say(ws, {"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
        await ws.recv()
        await rest(sim, "_sim/blast", {"venue": "binance", "frames": MAX_FRAMES, "chunks": 1})
        blast = sim.blasting
        assert blast is not None
        socket_ = blast.lanes[0].socket
        await until(lambda: not socket_.room.is_set())
        assert blast.sent < MAX_FRAMES
        assert numbers(await collect(ws, 5000)) == list(range(5000))
        status, _, _ = await rest(sim, "_sim/blast", {"venue": "binance", "frames": 1})
        assert status == 400
        await rest(sim, "_sim/blast", method="DELETE")
        await until(lambda: blast.state == "done")


async def test_there_must_be_something_to_blast() -> None:
    async with Simulator(calm()) as sim:
        for order in ({"venue": "binance"}, {"venue": "mars"}, {"venue": "binance", "frames": 0}):
            status, body, _ = await rest(sim, "_sim/blast", order)
            assert status == 400
            assert body["error"]
        assert (await rest(sim, "_sim/stamps"))[0] == 400
