"""Another coin of a ticker, and a multiple that nobody reviewed: from the exchange's list to what a user is told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.bus import connect
from tests.pipeline.stack import SERVICES, Stack, exchanging

SCENARIO = """
[[event]]
kind = "list"
venue = "okx"
coin = "WIF of another chain"
name = "WIF"
price = 4.7

[[event]]
kind = "list"
venue = "binance"
coin = "ARB"
name = "1000ARB"
multiplier = 1000

[[event]]
kind = "delist"
venue = "binance"
coin = "ARB"
name = "ARB"
market = "perp"
"""
ANOTHER = "[[instrument]]\nvenue = 'okx'\nnative = 'WIF-USDT-SWAP'\nasset = 'WIFX'\n"


@pytest.fixture
def stack(database: tuple[str, str], tmp_path: Path) -> Iterator[Stack]:
    scenario, overrides = tmp_path / "strangers.toml", tmp_path / "overrides.toml"
    scenario.write_text(SCENARIO)
    overrides.write_text("")
    found = Stack.over(tmp_path, *database, MODE="demo", OVERRIDES=str(overrides))
    services = {name: SERVICES[name] for name in ("scanner", "api")}
    with exchanging(found, services, scenario=str(scenario), instruments=120):
        yield found


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def quarantine(stack: Stack, venue: str) -> dict[str, str]:
    found = (await stack.get("/api/markets"))["market_report"]["exchanges"]
    return {one["symbol"]: one["reason"] for one in found.get(venue, {}).get("quarantined", [])}


async def legs(stack: Stack, coin: str) -> dict[tuple[str, str], Any]:
    found = (await stack.get("/api/data", symbol=coin))["realtime_data"]
    return {(venue, market): both[market] for venue, both in found.items() for market in ("spot", "futures")}


async def test_both_are_shown_with_their_reasons_and_then_confirmed_or_read_as_another_coin(stack: Stack) -> None:
    async def waits() -> Any:
        return (await quarantine(stack, "binance")).get("1000ARBUSDT", "").startswith("multiplier_unconfirmed: ")

    await stack.until(waits, "the multiple waits for its price check")
    await stack.configure(pair_warmup_ms=0)

    async def doubted() -> Any:
        return (await quarantine(stack, "okx")).get("WIF-USDT-SWAP", "").startswith("other_coin: its price is ")

    await stack.until(doubted, "the other coin is quarantined")
    assert (await legs(stack, "WIF"))["okx", "futures"]["state"] == "quarantined"

    async def confirmed() -> Any:
        one = (await legs(stack, "ARB"))["binance", "futures"]
        return one.get("symbol") == "1000ARBUSDT" and one["state"] in ("ok", "quiet")

    await stack.until(confirmed, "the multiple trades normally")
    async with connect(stack.environment["REDIS_URL"]) as client:
        said = await client.hget("overrides:binance", "1000ARBUSDT")
    assert json.loads(said or b"{}") | {"at": 0} == {"multiplier": "1000", "asset": "ARB", "by": "scanner", "at": 0}
    write(Path(stack.environment["OVERRIDES"]), ANOTHER)

    async def renamed() -> Any:
        return "WIFX" in (await stack.get("/api/board", columns="asset"))["order"]

    async def trades() -> Any:
        return (await legs(stack, "WIF"))["okx", "spot"].get("state") in ("ok", "quiet")

    await stack.until(renamed, "the other coin has its own row")
    await stack.until(trades, "the coin itself trades on")
