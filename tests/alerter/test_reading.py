"""What is read from Redis."""

from typing import Any

import msgspec

from services.alerter.reading import Reading, open_signal
from shared import streams
from shared.bus import Redis
from tests.api.market import instrument, put_board, put_health, put_instruments, put_signals, row, signal


async def test_a_start_without_a_past_knows_the_open_signals_and_goes_on_behind_them(redis_client: Redis) -> None:
    await put_signals(redis_client, signal("a"), signal("b"))
    both: Any = {"a": msgspec.json.encode(signal("a")), "b": msgspec.json.encode(signal("b", rev=2, event="close"))}
    await redis_client.hset(streams.open_signals(0), mapping=both)
    reading = Reading(redis_client, 2)
    positions, standing = await reading.begin()
    assert [one.id for one in standing] == ["a"]
    assert await reading.signals(positions) == (positions, [])
    await put_signals(redis_client, signal("c"))
    after, found = await reading.signals(positions)
    assert ([one.id for one in found], after != positions) == (["c"], True)
    assert open_signal(found[0]).text == "WIF: binance perp 2.1450 → okx perp 2.1604"


async def test_a_beat_is_as_old_as_its_record_has_lived(redis_client: Redis) -> None:
    await put_health(redis_client, "alpha", subscribed="5")
    await redis_client.pexpire(streams.health("alpha", "m1"), 9_000)
    await put_health(redis_client, "beta")
    found = dict(await Reading(redis_client, 1).health())
    assert int(found["alpha"]["beat_age_ms"]) >= 1_000
    assert (found["alpha"]["subscribed"], found["beta"]["beat_age_ms"]) == ("5", "0")


async def test_what_cannot_be_read_is_counted_and_left_out(redis_client: Redis) -> None:
    await put_board(redis_client, row("BTC"))
    await redis_client.hset(streams.BOARD, "ETH", b"\xc1")
    await redis_client.xadd(streams.signals(0), {"v2": "newer"})
    reading = Reading(redis_client, 1)
    assert [one.asset for one in await reading.board()] == ["BTC"]
    assert [one.asset for one in await reading.coins(["ETH", "BTC", "NONE"])] == ["BTC"]
    assert await reading.coins([]) == []
    assert (await reading.signals({}))[1] == []
    assert reading.rejected == {"board row": 2, "signal": 1}


async def test_listings_are_read_when_their_collector_says_so(redis_client: Redis) -> None:
    await put_instruments(
        redis_client,
        instrument("okx", funding_interval_h="8", funding_cap="0.02"),
        instrument("okx", "spot"),
        instrument("okx", base="OLD", native="OLD", status="halted"),
    )
    await redis_client.hset(streams.META_LISTINGS, "okx", "1")
    reading = Reading(redis_client, 1)
    assert [await reading.relisted(), await reading.relisted()] == [["okx"], []]
    found = await reading.terms("okx")
    assert {symbol: (one.interval_h, one.cap) for symbol, one in found.items()} == {"BTC/USDT:USDT": ("8", "0.02")}
