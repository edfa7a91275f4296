"""Runtime settings: validated, versioned, followed."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from shared import settings_store, streams
from shared.bus import Redis, connect
from shared.config import BorrowRate, Exclusion, Fees, Runtime, SettingError, Transfer
from shared.settings_store import RuntimeStore, VersionConflict
from tests.shared.proxy import FaultProxy
from tests.shared.tools import until


async def test_without_anything_stored_the_defaults_stand(redis_client: Redis) -> None:
    assert await RuntimeStore(redis_client).load() == Runtime()


async def test_a_write_is_read_back_with_the_next_version_and_told_to_followers(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    changes = {"enter_bps": 80, "fees": {"okx": {"perp": 4.5}}, "exclusions": [{"asset": "X", "reason": "scam"}]}
    written = await store.write(changes, 0)
    assert (written.version, written.enter_bps) == (1, 80.0)
    assert written.fees == {"okx": Fees(perp=4.5)}
    assert written.exclusions == (Exclusion(asset="X", reason="scam"),)
    assert await RuntimeStore(redis_client).load() == written
    rows = await redis_client.xrange(streams.CONFIG_CHANGES)
    assert rows is not None
    assert json.loads(rows[0][1][b"v1"]) == {  # type: ignore[index]
        "version": 1,
        "enter_bps": 80.0,
        "fees": {"okx": {"spot": None, "perp": 4.5}},
        "exclusions": [{"asset": "X", "venue": None, "against": None, "reason": "scam", "until_ms": None}],
    }


async def test_settings_that_contradict_each_other_or_say_nothing_are_refused_before_they_are_written(
    redis_client: Redis,
) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"max_edge_bps": 80}, 0)
    refused: list[tuple[dict[str, Any], str, str]] = [
        ({"enter_bps": 90}, "enter_bps", "at most max_edge_bps, which is 80"),
        ({"max_edge_bps": 50}, "max_edge_bps", "at least enter_bps, which is 60"),
        ({"exclusions": [{"reason": "r"}]}, "exclusions", "an asset, a venue, or both"),
        ({"exclusions": [{"asset": "X", "against": "b", "reason": "r"}]}, "exclusions", "a venue beside against"),
        ({"exclusions": [{"asset": "X", "until": 5, "reason": "r"}]}, "exclusions", "a list of {asset, venue"),
        ({"fees": {"okx": {"perps": 4}}}, "fees", "an object: exchange to {spot, perp}"),
        ({"borrow_rates": [{"apr_percent": 3}]}, "borrow_rates", "an asset, a venue, or both in each"),
        ({"borrow_rates": [{"asset": " ", "apr_percent": 3}]}, "borrow_rates", "an asset, a venue, or both in each"),
        (
            {"borrow_rates": [{"asset": "X", "apr_percent": -1}]},
            "borrow_rates",
            "a list of {asset, venue, apr_percent}",
        ),
        ({"borrow_rates": [{"asset": "X"}]}, "borrow_rates", "percent a year from 0 to 10000"),
        (
            {"borrow_rates": [{"asset": "X", "apr_percent": 3}, {"asset": "x ", "apr_percent": 4}]},
            "borrow_rates",
            "each coin and exchange once",
        ),
        ({"transfers": [{"usd": 4}]}, "transfers", "a list of {asset, venue, to, bps}"),
        ({"transfers": [{"venue": "okx", "to": "OKX", "bps": 4}]}, "transfers", "two exchanges"),
        ({"transfers": [{"bps": 4}, {"bps": 5}]}, "transfers", "each coin and exchange once"),
        ({"min_size_usd": float("inf")}, "min_size_usd", "at most 1e+15"),
        ({"min_size_usd": float("nan")}, "min_size_usd", "at least 0"),
    ]
    for changes, field, expected in refused:
        with pytest.raises(SettingError) as caught:
            await store.write(changes, 1)
        assert caught.value.field == field
        assert expected in caught.value.expected
    assert await store.load() == Runtime(version=1, max_edge_bps=80)


async def test_names_are_written_as_they_are_looked_up(redis_client: Redis) -> None:
    changes = {
        "exclusions": [{"asset": " pepe", "venue": "OKX", "against": "Binance", "reason": "r"}],
        "fees": {"OKX": {"perp": 3}},
        "borrow_rates": [{"asset": " pepe", "venue": "OKX", "apr_percent": 4.5}],
        "transfers": [{"asset": "", "venue": " OKX", "to": "Bybit", "bps": 3}],
        "pins": ["wif"],
        "watch": ["btc "],
    }
    written = await RuntimeStore(redis_client).write(changes, 0)
    assert written.exclusions == (Exclusion(asset="PEPE", venue="okx", against="binance", reason="r"),)
    assert written.borrow_rates == (BorrowRate(asset="PEPE", venue="okx", apr_percent=4.5),)
    assert written.transfers == (Transfer(venue="okx", to="bybit", bps=3.0),)
    assert (written.fees, written.pins, written.watch) == ({"okx": Fees(perp=3.0)}, ("WIF",), ("BTC",))


async def test_the_last_good_value_stands_where_somebody_wrote_another_past_us(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"enter_bps": 80, "samples": 5}, 0)
    await redis_client.hset(streams.CONFIG, mapping={"enter_bps": "-4", "samples": "7"})
    assert await store.load() == Runtime(version=1, enter_bps=80, samples=7)
    assert store.refused.keys() == {"enter_bps"}
    assert store.refused["enter_bps"].value == "-4"
    assert store.refused["enter_bps"].expected.startswith("a number, more than 0")
    await redis_client.hset(streams.CONFIG, "enter_bps", "9000")
    assert await store.load() == Runtime(version=1, enter_bps=80, samples=7)
    assert store.refused["enter_bps"].expected == "at most max_edge_bps, which is 500: no edge would be both"
    await redis_client.hset(streams.CONFIG, "enter_bps", "90")
    assert (await store.load()).enter_bps == 90
    assert store.refused == {}


async def test_who_starts_later_goes_by_the_same_last_good_value(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"enter_bps": 80, "samples": 5}, 0)
    await redis_client.hset(streams.CONFIG, "enter_bps", "70")  # past us, and good
    assert (await store.load()).enter_bps == 70
    await redis_client.hset(streams.CONFIG, mapping={"enter_bps": "-4", "trade_usd": "nothing"})
    await redis_client.hset(streams.CONFIG_GOOD, mapping={"trade_usd": "of another version", "unknown": "1"})
    later = RuntimeStore(redis_client)
    assert await later.load() == await store.load() == Runtime(version=1, enter_bps=70, samples=5)
    assert later.refused == store.refused
    assert later.refused.keys() == {"enter_bps", "trade_usd"}
    written = await later.write({"samples": 6}, 1)  # which leaves the others as they are
    assert (written.enter_bps, written.samples) == (70, 6)
    await later.write({"enter_bps": None}, 2)
    await redis_client.hset(streams.CONFIG, "enter_bps", "-4")
    assert (await RuntimeStore(redis_client).load()).enter_bps == 60  # the default was the last good one


async def test_of_two_that_contradict_each_other_both_stay_and_each_says_so(redis_client: Redis) -> None:
    await RuntimeStore(redis_client).write({"enter_bps": 80, "max_edge_bps": 300}, 0)
    await redis_client.hset(streams.CONFIG, mapping={"enter_bps": "400", "max_edge_bps": "350"})
    store = RuntimeStore(redis_client)
    assert await store.load() == Runtime(version=1, enter_bps=80, max_edge_bps=300)
    assert {name: one.value for name, one in store.refused.items()} == {"enter_bps": "400", "max_edge_bps": "350"}
    assert store.refused["max_edge_bps"].expected == "at least enter_bps, which is 400.0"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("exclusions", '[{"reason": "names nothing"}]'),
        ("alert_channels", '{"ops": {"time_zone": "Nowhere/Land"}}'),
        ("enter_bps", "9000"),
        ("max_edge_bps", "1"),
    ],
)
async def test_what_contradicts_or_says_nothing_keeps_no_other_setting_from_changing(
    field: str, wrong: str, redis_client: Redis
) -> None:
    store = RuntimeStore(redis_client)
    before = await store.write({"samples": 5, "enter_bps": 80}, 0)
    await redis_client.hset(streams.CONFIG, mapping={field: wrong, "cooldown_ms": "7000"})
    standing = await store.load()
    assert (standing.cooldown_ms, getattr(standing, field)) == (7000, getattr(before, field))
    assert store.refused.keys() == {field}
    assert (await store.write({"samples": 9}, 1)).samples == 9


@pytest.mark.parametrize("version", ["three", "-3", "1.5", "5.0", "1e2", "0x10", "010", "1e400", "9" * 30, ""])
async def test_a_version_that_is_no_number_counts_as_none_and_can_be_written_over(
    version: str, redis_client: Redis
) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"samples": 5}, 0)
    await redis_client.hset(streams.CONFIG, "version", version)
    assert await store.load() == Runtime(version=0, samples=5)
    assert await store.write({"samples": 6}, 0) == Runtime(version=1, samples=6)


async def test_none_restores_the_default(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"samples": 5, "watch": ["BTC"]}, 0)
    assert await store.write({"samples": None}, 1) == Runtime(version=2, watch=("BTC",))


async def test_a_write_on_an_old_version_is_refused_and_changes_nothing(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"samples": 5}, 0)
    with pytest.raises(VersionConflict) as refused:
        await store.write({"samples": 7}, 0)
    assert (refused.value.expected, refused.value.standing) == (0, 1)
    assert (await store.load()).samples == 5
    assert await redis_client.xlen(streams.CONFIG_CHANGES) == 1


async def test_of_writers_at_the_same_time_one_wins(redis_client: Redis) -> None:
    store = RuntimeStore(redis_client)
    results = await asyncio.gather(
        *(store.write({"samples": number}, 0) for number in range(1, 9)), return_exceptions=True
    )
    (won,) = [result for result in results if isinstance(result, Runtime)]
    assert all(isinstance(result, VersionConflict) for result in results if result is not won)
    assert await store.load() == won


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"enter_bps": "much"}, ["enter_bps", "much", "a number"]),
        ({"samples": 0}, ["samples", "0", "at least 1"]),
        ({"entr_bps": 5}, ["entr_bps", "one of these settings", "enter_bps"]),
        ({"version": 9}, ["version"]),
        ({"fees": {"okx": {"perp": 5000}}}, ["fees", "1000"]),
        ({"exclusions": [{"asset": "X", "reason": ""}]}, ["exclusions"]),
    ],
)
async def test_a_bad_value_is_named_and_nothing_is_written(
    changes: dict[str, object], words: list[str], redis_client: Redis
) -> None:
    with pytest.raises(SettingError) as refused:
        await RuntimeStore(redis_client).write({"samples": 4, **changes}, 0)
    assert all(word in str(refused.value) for word in words)
    assert await redis_client.exists(streams.CONFIG) == 0


async def test_a_field_that_somebody_broke_keeps_its_default_and_spoils_no_other(
    redis_client: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    store = RuntimeStore(redis_client)
    await store.write({"samples": 5}, 0)
    await redis_client.hset(streams.CONFIG, mapping={"enter_bps": "not json", "symbol": b'"\xff"', "from_later": "1"})
    for _ in range(3):
        assert await store.load() == Runtime(version=1, samples=5)
    assert store.refused.keys() == {"enter_bps", "symbol"}
    assert caplog.text.count("enter_bps") == 1


async def test_followers_are_told_at_once_and_each_state_once(redis_client: Redis, redis_url: str) -> None:
    seen: list[Runtime] = []
    async with connect(redis_url) as client:
        following = asyncio.create_task(RuntimeStore(client).follow(seen.append))
        await until(lambda: seen)
        store = RuntimeStore(redis_client)
        await store.write({"samples": 5}, 0)
        await until(lambda: len(seen) == 2)
        await store.write({"samples": 6}, 1)
        await until(lambda: len(seen) == 3)
        following.cancel()
        await asyncio.wait([following])
    assert [runtime.version for runtime in seen] == [0, 1, 2]


async def test_followers_ride_out_a_redis_that_is_away(
    proxy: FaultProxy, redis_client: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settings_store, "RETRY_S", 0.01)
    seen: list[Runtime] = []
    async with connect(f"redis://127.0.0.1:{proxy.port}/0") as client:
        following = asyncio.create_task(RuntimeStore(client).follow(seen.append))
        await until(lambda: seen)
        await proxy.refuse()
        await RuntimeStore(redis_client).write({"samples": 5}, 0)
        await until(lambda: "not being followed" in caplog.text)
        await proxy.listen()
        await until(lambda: len(seen) == 2)
        following.cancel()
        await asyncio.wait([following])
    assert seen[-1].samples == 5
    assert caplog.text.count("not being followed") == 1


async def test_bytes_that_are_no_text_are_no_setting(redis_client: Redis) -> None:
    bad: Any = {b"\xff": b"1", b"symbol": b'"\xff"', b"pins": b"[" * 100_000, b"samples": b"4"}
    await redis_client.hset(streams.CONFIG, mapping=bad)
    store = RuntimeStore(redis_client)
    assert await store.load() == Runtime(samples=4)
    assert store.refused.keys() == {"symbol", "pins"}


def test_every_setting_has_a_json_form_that_comes_back() -> None:
    runtime = Runtime(exclusions=(Exclusion(venue="sim", reason="r"),), fees={"sim": Fees(spot=1.0)}, watch=("A",))
    assert msgspec.json.decode(msgspec.json.encode(runtime), type=Runtime) == runtime
