"""Trades on demand: the past of a watched instrument beside what comes live."""

import asyncio
from decimal import Decimal

from services.api.tail import Key, TradeTail
from shared.bus import Redis
from shared.events import Trade
from tests.api.market import put_trades
from tests.shared.tools import until

KEY: Key = ("binance", "BTC/USDT:USDT")


def trade(name: str, tail: TradeTail) -> Trade:
    now_ns = tail.now_s() * 1_000_000_000
    return Trade(KEY[1], "100", "2", "buy", name, now_ns, now_ns)


async def test_a_print_that_went_out_before_the_past_was_asked_for_is_summed_too(redis_client: Redis) -> None:
    tail, heard = TradeTail(redis_client, 1), list[str]()
    await put_trades(redis_client, "binance", 0, trade("old", tail))
    await tail.watch(KEY, lambda key, one, notional: heard.append(one.id))
    await until(lambda: tail.reading)
    await put_trades(redis_client, "binance", 1, trade("live", tail), trade("live", tail))
    await until(lambda: heard)
    found = await tail.tally(KEY)
    assert heard == ["live"]
    assert sum((volumes.buy for volumes in found.seconds.values()), Decimal(0)) == 400
    for task in tail.tasks():
        task.cancel()
    await asyncio.gather(*tail.tasks(), return_exceptions=True)
