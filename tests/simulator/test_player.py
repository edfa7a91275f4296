import json
from pathlib import Path

import pytest

from services.simulator.options import Options
from services.simulator.server import Simulator
from tests.simulator.client import next_that, rest, say, socket, until

LISTING = {"symbols": [{"symbol": "AAAUSDT", "status": "TRADING"}, {"symbol": "BBBUSDT", "status": "TRADING"}]}


def spot(n: int, symbol: str = "AAAUSDT") -> str:
    data = f'{{"u":{n},"s":"{symbol}","b":"1.{n}","B":"2","a":"3.{n}","A":"4"}}'
    return f'{1_700_000_000 + n / 100:.2f}: {{"stream":"{symbol.lower()}@bookTicker","data":{data}}}'


def okx(n: int) -> str:
    text = f'{{"arg":{{"channel":"bbo-tbt","instId":"AAA-USDT"}},"data":[{{"seqId":{n}}}]}}'
    return f"{1_700_000_000 + n / 100:.2f}: {text}"


def session(path: Path, *lines: str) -> Path:
    file = path / f"session{len(lines)}"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, ...]:
    binance = session(
        tmp_path,
        f"https://api.binance.com/api/v3/exchangeInfo -> 1699999990.0: {json.dumps(LISTING)}",
        "wss://stream.binance.com:9443/stream <-> 1699999999.0",
        *(spot(n) for n in range(100)),
        *(spot(n, "BBBUSDT") for n in range(100, 110)),
    )
    return binance, session(tmp_path, *(okx(n) for n in range(50)))


@pytest.mark.parametrize("speed", [0.0, 10.0])
async def test_a_subscriber_gets_the_recorded_frames_of_its_topics_in_order(
    files: tuple[Path, ...], speed: float
) -> None:
    options = Options(venues=("binance", "okx"), replay=files, speed=speed, settle_s=0.2)
    async with Simulator(options) as sim:
        async with socket(sim, "stream.binance.com/stream") as ws, socket(sim, "ws.okx.com/ws/v5/public") as other:
            await say(ws, {"method": "SUBSCRIBE", "params": ["aaausdt@bookTicker"], "id": 1})
            await say(other, {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "AAA-USDT"}]})
            got = [await next_that(ws, lambda m: "data" in m) for _ in range(100)]
            assert got == [json.loads(spot(n).partition(": ")[2]) for n in range(100)]
            seen = [(await next_that(other, lambda m: "data" in m))["data"][0]["seqId"] for _ in range(50)]
            assert seen == list(range(50))
            assert sim.player is not None
            await until(lambda: sim.player is not None and sim.player.state == "done")
        _, state, _ = await rest(sim, "_sim/state")
    replay = state["replay"]
    assert (replay["sent"], replay["unwanted"]) == ({"binance": 100, "okx": 50}, {"binance": 10})
    assert replay["frames"] == replay["played"] == 160


async def test_recorded_answers_are_given_and_missing_ones_are_empty(files: tuple[Path, ...]) -> None:
    async with Simulator(Options(venues=("binance", "okx"), replay=files)) as sim:
        assert (await rest(sim, "api.binance.com/api/v3/exchangeInfo?showPermissionSets=false"))[1] == LISTING
        assert (await rest(sim, "fapi.binance.com/fapi/v1/premiumIndex"))[1] == []
        assert (await rest(sim, "www.okx.com/api/v5/public/time"))[1] == {"code": "0", "data": [], "msg": ""}


async def test_nothing_is_played_before_somebody_subscribes_and_a_loop_starts_again(files: tuple[Path, ...]) -> None:
    async with Simulator(Options(replay=files[1:], venues=("okx",), speed=0, settle_s=0.1, loop=True)) as sim:
        assert sim.player is not None
        assert sim.player.state == "waiting"
        async with socket(sim, "ws.okx.com/ws/v5/public") as ws:
            await say(ws, {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "AAA-USDT"}]})
            seen = [(await next_that(ws, lambda m: "data" in m))["data"][0]["seqId"] for _ in range(120)]
    assert seen == [*range(50), *range(50), *range(20)]


async def test_what_was_not_recorded_does_not_exist(files: tuple[Path, ...]) -> None:
    async with (
        Simulator(Options(replay=files[1:], venues=("okx",))) as sim,
        socket(sim, "ws.okx.com/ws/v5/public") as ws,
    ):
        await say(ws, {"op": "subscribe", "args": [{"channel": "bbo-tbt", "instId": "ZZZ-USDT"}]})
        assert (await next_that(ws, lambda m: "event" in m))["code"] == "60018"


async def test_the_recorded_sessions_play_without_a_frame_lost_uncounted(captures: Path) -> None:
    names = ("binance/cryptofeed__BINANCE_FUTURES.ws.1.0", "okx/cryptofeed__OKX.ws.1.0", "okx/cryptofeed__OKX.0")
    async with Simulator(
        Options(venues=("binance", "okx"), replay=tuple(captures / name for name in names), speed=0, settle_s=0.1)
    ) as sim:
        assert sim.player is not None
        async with socket(sim, "fstream.binance.com/public/stream", max_queue=None) as ws:
            await say(ws, {"method": "SUBSCRIBE", "params": ["sushiusdt@bookTicker", "sushiusdt@depth@100ms"], "id": 1})
            await until(lambda: sim.player is not None and sim.player.state == "done")
        report = sim.player.report()
    recorded = [frame for frame in sim.player.recording.frames if frame.family.startswith("futures/sushiusdt@")]
    wanted = [frame for frame in recorded if frame.family.endswith(("@bookTicker", "@depth"))]
    assert report["sent"] == {"binance": len(wanted)}
    assert len(wanted) > 500
    assert len(wanted) + sum(sim.player.unwanted.values()) == report["frames"]
