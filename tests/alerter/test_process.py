"""The process, from what the other services write to what the channels get; killed in the middle of it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from deploy.local.process import REPOSITORY
from shared import streams
from shared.alerts import Alert
from shared.bus import Redis
from shared.settings_store import RuntimeStore
from tests.alerter.fakes import PATIENCE_S, Far, far_end, until
from tests.api.market import instrument, leg, put_board, put_health, put_instruments, put_signals, row
from tests.api.market import signal as record

KEY = "kKkKkKkKkKkKkKkKkKkK"
DOWN = {"kind": "venue", "name": "away", "severity": "critical", "checks": ["down"], "for_s": 0, "recover_s": 0}
SIGNALS = {"kind": "signal", "name": "any", "cooldown_s": 0}


@contextmanager
def alerter(redis_url: str, log: Path, **more: str) -> Iterator["subprocess.Popen[bytes]"]:
    env = {**os.environ, "REDIS_URL": redis_url, "LOG_LEVEL": "debug", **more}
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "services.alerter"], cwd=REPOSITORY, env=env, stderr=out)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def ops(far: Far) -> dict[str, str]:
    return {"ALERT_CHANNELS": f"ops={far.url}/hush-path#{KEY}"}


async def records(client: Redis) -> list[Alert]:
    entries: Any = await client.xrange(streams.ALERTS)
    return [msgspec.msgpack.decode(fields[streams.FIELD], type=Alert) for _, fields in entries]


async def working(client: Redis) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await client.hexists(streams.ALERTS_STATE, "state"):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


async def test_an_exchange_that_goes_down_is_told_with_its_end(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    await RuntimeStore(redis_client).write({"alert_rules": [DOWN]}, 0)
    await put_health(redis_client, "alpha", subscribed="12")
    log = tmp_path / "log"
    async with far_end() as far:
        with alerter(redis_url, log, **ops(far)) as process:
            await working(redis_client)
            await put_health(redis_client, "alpha", subscribed="0", state="degraded", detail="No route.", started_ms=1)
            await far.until(1)
            await put_health(redis_client, "alpha", subscribed="12")
            first, second = (one.json for one in await far.until(2))
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0
    assert first["title"] == "✗ alpha: not connected"
    assert (first["mode"], first["alerts"][0]["about"]) == ("live", {"detail": "No route."})
    assert second["title"].startswith("✓ alpha: not connected · over, lasted ")
    fire, end = await records(redis_client)
    assert (fire.event, end.event, fire.id) == ("fire", "end", end.id)
    assert await redis_client.hgetall(streams.ALERTS_ACTIVE) == {}
    said = log.read_text(encoding="utf-8")
    assert KEY not in said
    assert "hush-path" not in said


async def test_a_kill_in_the_middle_neither_loses_nor_doubles_an_alert(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    """Killed again and again while signals open and close and the channel refuses: each is raised and ended once, and
    each message arrives under its one id."""
    rules = [{**SIGNALS, "severity": "critical"}]
    manners = {"ops": {"per_minute": 60, "quiet_lets": None}}
    await RuntimeStore(redis_client).write({"alert_rules": rules, "alert_channels": manners}, 0)
    coins = [f"C{number}" for number in range(3)]
    async with far_end() as far:
        for coin in coins:
            far.answers.append((503, {}, {}))
            with alerter(redis_url, tmp_path / "log", **ops(far)) as process:
                await working(redis_client)
                await put_signals(redis_client, record(f"s{coin}", asset=coin))
                if coin == coins[1]:
                    await until(lambda: coins[1] in far.told)
                process.kill()
                process.wait()
            await redis_client.hset(streams.ALERTS_STATE, "until", 0)  # the lease's time has run out
            await put_signals(redis_client, record(f"s{coin}", rev=2, event="close", asset=coin))
        with alerter(redis_url, tmp_path / "log", **ops(far)):

            def told() -> set[str]:
                return {
                    name for got in far.got for one in got.json["alerts"] for name in [f"{one['id']}.{one['event']}"]
                }

            async with asyncio.timeout(PATIENCE_S):
                while sum(one.event == "end" for one in await records(redis_client)) < len(coins):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                found = await records(redis_client)
                ends = {f"{one.id}.end" for one in found if one.event == "end"}
                while not ends <= told() or await redis_client.hlen(streams.ALERTS_DUE):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    assert sorted((one.subject, one.event) for one in found) == sorted(
        (coin, event) for coin in coins for event in ("fire", "end")
    )
    bodies: dict[str, set[str]] = {}
    for got in far.got:
        bodies.setdefault(got.headers["X-Parallax-Delivery"], set()).add(str(got.json["alerts"]))
    assert all(len(one) == 1 for one in bodies.values()), "a message that is sent again is the same"


async def test_of_two_one_works_and_the_other_takes_over(redis_url: str, redis_client: Redis, tmp_path: Path) -> None:
    await RuntimeStore(redis_client).write({"alert_rules": [SIGNALS]}, 0)
    async with far_end() as far:
        with alerter(redis_url, tmp_path / "1", **ops(far)) as first:
            await working(redis_client)
            with alerter(redis_url, tmp_path / "2", **ops(far)):
                await put_signals(redis_client, record("s1", asset="ONE"))
                await until(lambda: "ONE" in far.told)
                first.send_signal(signal.SIGTERM)
                await put_signals(redis_client, record("s2", asset="TWO"))
                await until(lambda: "TWO" in far.told)
    assert [one.subject for one in await records(redis_client)] == ["ONE", "TWO"]


async def test_a_test_is_answered_and_the_states_hold_no_address(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    await RuntimeStore(redis_client).write({"alert_rules": []}, 0)
    async with far_end() as far:
        channels = ops(far)
        channels["ALERT_CHANNELS"] += " bad=https://example.org/nokey-hush-path"
        with alerter(redis_url, tmp_path / "log", MODE="demo", **channels):
            await working(redis_client)
            far.answers.append((500, {}, {}))
            for expected in (False, True):
                await redis_client.delete(streams.ALERTS_TESTED)
                await redis_client.zadd(streams.demand(streams.ALERTER, "test"), {"ops": 1e15})
                told: Any = None
                async with asyncio.timeout(PATIENCE_S):
                    while told is None:
                        told = await redis_client.hget(streams.ALERTS_TESTED, "ops")
                        await asyncio.sleep(0.02)
                assert msgspec.json.decode(told)["delivered"] is expected
            assert far.got[0].json["title"] == "DEMO · Test of the channel ops"

            async def states() -> dict[str, str]:
                stored: Any = await redis_client.hgetall(streams.ALERTS_CHANNELS)
                return {name.decode(): msgspec.json.decode(data)["state"] for name, data in stored.items()}

            async with asyncio.timeout(PATIENCE_S):
                while await states() != {"ops": "ok", "bad": "unusable"}:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            every = str([await redis_client.hgetall(key) for key in (streams.ALERTS_CHANNELS, streams.ALERTS_STATE)])
            health: Any = await redis_client.keys("health:_alerter:*")
            every += str(await redis_client.hgetall(health[0]))
            assert "hush-path" not in every
            assert KEY not in every


async def test_without_a_channel_alerts_stand_in_the_stream(
    redis_url: str, redis_client: Redis, tmp_path: Path
) -> None:
    await RuntimeStore(redis_client).write({"alert_rules": [DOWN]}, 0)
    with alerter(redis_url, tmp_path / "log", ALERT_CHANNELS=""):
        await working(redis_client)
        await put_health(redis_client, "alpha", subscribed="0", state="blocked", started_ms=1)
        count = 0
        async with asyncio.timeout(PATIENCE_S):
            while not count:
                count = await redis_client.hlen(streams.ALERTS_ACTIVE)
                await asyncio.sleep(0.05)
    (alert,) = await records(redis_client)
    assert (alert.rule, alert.subject, alert.severity) == ("away", "alpha down", "critical")


async def test_channels_that_hang_do_not_keep_the_process(redis_url: str, redis_client: Redis, tmp_path: Path) -> None:
    await RuntimeStore(redis_client).write({"alert_rules": [SIGNALS]}, 0)
    async with far_end() as far:
        far.hold = asyncio.Event()
        phone = "phone=tgram://123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr/99887766"
        channels = {"ALERT_CHANNELS": f"{phone} {ops(far)['ALERT_CHANNELS']}", "ALERT_GATEWAY": far.url}
        with alerter(redis_url, tmp_path / "log", **channels) as process:
            await working(redis_client)
            await put_signals(redis_client, record("s1", asset="ONE"))
            await far.until(2)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0
            assert len(far.got) == 2
    assert await redis_client.hlen(streams.ALERTS_DUE) == 2, "they are sent after the next start"


async def test_the_board_and_the_listings_are_looked_at(redis_url: str, redis_client: Redis, tmp_path: Path) -> None:
    rules = [
        {"kind": "price", "name": "level", "asset": "BTC", "level": 50_000},
        {"kind": "funding", "name": "funding", "above": 20, "for_s": 0},
        {"kind": "premium", "name": "premium", "above_bps": 90, "for_s": 0},
        {"kind": "venue", "name": "health", "checks": ["stale"], "assets": ["ETH"], "for_s": 0},
        {"kind": "change", "name": "terms", "severity": "critical"},
    ]
    await RuntimeStore(redis_client).write({"alert_rules": rules}, 0)
    await put_health(redis_client, "_scanner")
    await put_health(redis_client, "okx", subscribed="9")
    listed = instrument("okx", funding_interval_h="8", funding_cap="0.02")
    await put_instruments(redis_client, listed)
    await redis_client.hset(streams.META_LISTINGS, "okx", "1")
    good = {"funding_rate": "0.0003", "funding_interval_h": "8", "mark": "101", "index": "100"}
    await put_board(redis_client, row("BTC", legs=(leg("okx", bid="49000", ask="49002", **good),)))
    await put_board(redis_client, row("ETH", legs=(leg("okx", base="ETH", state="stale"),)))
    with alerter(redis_url, tmp_path / "log"):
        async with asyncio.timeout(PATIENCE_S):
            while len(await records(redis_client)) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        changed = msgspec.structs.replace(listed, funding_interval_h="4")
        await put_instruments(redis_client, changed)
        await redis_client.hset(streams.META_LISTINGS, "okx", "2")
        await put_board(redis_client, row("BTC", ver=2, legs=(leg("okx", bid="51000", ask="51002", **good),)))
        async with asyncio.timeout(PATIENCE_S):
            while len(await records(redis_client)) < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    found = {(one.rule, one.event, one.subject, one.value) for one in await records(redis_client)}
    assert found == {
        ("funding", "fire", "okx BTC/USDT:USDT", "32.85"),
        ("premium", "fire", "okx BTC/USDT:USDT", "100"),
        ("health", "fire", "okx stale", "1"),
        ("level", "fire", "BTC above 50000", "51001"),
        ("terms", "note", "okx BTC/USDT:USDT interval", "4 h"),
    }
