"""One session of two exchanges, replayed: the same signals, board and history at any speed, and after a kill."""

import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.process import REPOSITORY
from tests.pipeline.conftest import prepare
from tests.pipeline.stack import Stack

CASES = REPOSITORY / "tests" / "venues"
LISTINGS = {"binance": "perp-book-ticker", "okx": "bbo-tbt"}
#: when it was recorded: long ago, and not on a whole second
BEGINS_NS = 1_700_000_000_400_000_000
SECONDS = 13
ASKED = ("/api/arbitrage/signals?limit=1000", "/api/board", "/api/data?symbol=BTC", "/api/history/BTC")


def binance(number: int, at_ms: int, mid: float) -> str:
    sides = {"b": f"{mid - 0.05:.2f}", "B": "12.402", "a": f"{mid + 0.05:.2f}", "A": "3.001"}
    data = {"e": "bookTicker", "u": number, "s": "BTCUSDT", **sides, "T": at_ms, "E": at_ms}
    return json.dumps({"stream": "btcusdt@bookTicker", "data": data})


def okx(number: int, at_ms: int, mid: float) -> str:
    sides = {"asks": [[f"{mid + 0.05:.1f}", "860", "0", "2"]], "bids": [[f"{mid - 0.05:.1f}", "1207.35", "0", "5"]]}
    arg = {"channel": "bbo-tbt", "instId": "BTC-USDT-SWAP"}
    return json.dumps({"arg": arg, "data": [{**sides, "ts": str(at_ms), "seqId": number}]})


def frames(venue: str) -> Iterator[str]:
    """Lines as sessions are recorded; okx stands 95 bps above binance for four seconds, and below it at the end."""
    dice, at = random.Random(venue), BEGINS_NS
    for number in range(1, SECONDS * 40):
        at += dice.randrange(1_000_000, 49_000_000)
        second = (at - BEGINS_NS) / 1e9
        parted = 1.0095 if 2 < second < 6 else 0.9905 if second > SECONDS - 4 else 1.0
        mid = 61_250 * (1 + 0.00001 * dice.random()) * (parted if venue == "okx" else 1.0)
        payload = (okx if venue == "okx" else binance)(number, at // 1_000_000, mid)
        conn = {"binance": "perp_public/0", "okx": "public/0"}[venue]
        yield json.dumps({"recv": at, "conn": conn, "payload": payload})


@pytest.fixture
def session(tmp_path: Path) -> list[str]:
    """The player's arguments: listings and frames of both venues."""
    arguments: list[str] = []
    for venue, case in LISTINGS.items():
        arguments += ["--venue", venue]
        for call, body in json.loads((CASES / venue / case / "instruments.json").read_text()).items():
            (tmp_path / f"{venue}-{call}.json").write_text(json.dumps(body))
            arguments += ["--instruments", str(tmp_path / f"{venue}-{call}.json")]
        (tmp_path / f"{venue}.jsonl").write_text("\n".join(frames(venue)) + "\n")
        arguments.append(str(tmp_path / f"{venue}.jsonl"))
    return arguments


async def replayed(
    folder: Path, redis_url: str, postgres_url: str, session: list[str], speed: str, *, kill: bool = False
) -> list[Any]:
    """What the API answers after the session has gone through a system of its own."""
    name = f"replayed_{uuid.uuid4().hex[:12]}"
    await prepare(redis_url, postgres_url, name)
    stack = Stack.over(folder, redis_url, f"{postgres_url.rpartition('/')[0]}/{name}", MODE="replay")
    try:
        stack.start_services()
        stack.start("player", "services.collector", "replay", "--speed", speed, *session)

        async def answers() -> list[Any]:
            return [await stack.get(path) for path in ASKED]

        async def first_signal() -> Any:
            return (await stack.get("/api/arbitrage/signals"))["signals"]

        if kill:
            await stack.until(first_signal, "there is a signal")
            stack.processes["scanner"].kill()
            stack.processes["scanner"].wait()
            stack.start("scanner", "services.scanner")

        async def whole() -> Any:
            signals, board, _, history = await answers()
            closed = [one for one in signals["signals"] if one["state"] == "closed"]
            rows = [one for one in board["rows"] if one["asset"] == "BTC"]
            over = len(closed) == 2 and all((one["why"], one["signals"]) == ("down", []) for one in rows)
            # asked once more: the first of these answers may be older than the board that the last ones show
            return await answers() if over and history["count"] == 2 else None

        answered = list(await stack.until(whole, "both signals are closed, also on the board, and both bars stored"))
    finally:
        codes = stack.stop()
    assert codes == dict.fromkeys(codes, 0)
    return answered


def lasting(answers: list[Any]) -> list[Any]:
    """The answers without the API's present: that of the row written last, which follows from the pieces in which the
    scanner happened to read the end."""
    _, board, data, history = answers
    for one in answers:
        one.pop("timestamp", None)
        one.pop("timestamp_ms", None)
    for row in board["rows"]:
        del row["at_ms"]
    for both in data["realtime_data"].values():
        for leg in both.values():
            leg.pop("age_ms", None)
    del history["from"], history["to"]
    return answers


async def test_speed_and_a_kill_change_nothing(
    tmp_path: Path, redis_url: str, postgres_server_url: str, session: list[str]
) -> None:
    (tmp_path / "run").mkdir()
    fast = await replayed(tmp_path / "run", redis_url, postgres_server_url, session, "max")
    slow = await replayed(tmp_path / "run", redis_url, postgres_server_url, session, "3")
    killed = await replayed(tmp_path / "run", redis_url, postgres_server_url, session, "3", kill=True)
    signals, _, data, _ = fast
    assert [one["close_reason"] for one in signals["signals"]] == ["feed", "converged"]
    assert all(one["opened_at"].startswith("2023-11-14T22:13:") for one in signals["signals"])
    assert data["timestamp"].startswith("2023-11-14T22:1")
    assert lasting(slow) == lasting(fast)
    assert lasting(killed) == fast
