"""ccxt.pro as users run it: one loop per channel, one XADD for each update it hands out, on a loopback exchange.

Run by the interpreter that has ccxt: `python ccxt_client.py WS_BASE REST_BASE REDIS_PORT SYMBOLS`.

Its `watch…` calls hand out what came last: before it gives control back, it parses everything that its socket has
buffered, and of the quotes parsed in between all but one are gone for its user. So two things are counted: the frames
that it has turned into its own objects (hash `taken`: `frames`, and `last_ms`, when the last of them was), and
the entries that its loops could write.
"""

import asyncio
import sys
import time

import ccxt.pro
import redis.asyncio

#: the exchange takes 200 streams a connection from ccxt's users
PART = 200
REPORT_S = 0.05


class Counted(ccxt.pro.binanceusdm):  # type: ignore[misc]  # another environment's package, unknown here
    """ccxt's own class; what it has parsed is counted."""

    frames = 0
    last_ms = 0

    def handle_bids_asks(self, client: object, message: object) -> None:
        super().handle_bids_asks(client, message)
        self._count()

    def handle_trade(self, client: object, message: dict[str, object]) -> None:
        super().handle_trade(client, message)
        self._count()

    def _count(self) -> None:
        self.frames += 1
        self.last_ms = time.time_ns() // 1_000_000


async def quotes(exchange: Counted, db: redis.asyncio.Redis, symbols: list[str]) -> None:
    while True:
        for symbol, ticker in (await exchange.watch_bids_asks(symbols)).items():
            await db.xadd(
                f"ticker-{symbol}",
                {"bid": ticker["bid"], "ask": ticker["ask"], "timestamp": ticker["timestamp"] or 0},
                maxlen=100_000,
            )


async def trades(exchange: Counted, db: redis.asyncio.Redis, symbols: list[str]) -> None:
    while True:
        for trade in await exchange.watch_trades_for_symbols(symbols, params={"name": "aggTrade"}):
            await db.xadd(
                f"trades-{trade['symbol']}",
                {"price": trade["price"], "amount": trade["amount"], "side": trade["side"], "id": trade["id"]},
                maxlen=100_000,
            )


async def report(exchange: Counted, db: redis.asyncio.Redis) -> None:
    """Tells how many frames it has parsed since the bench looked last: the bench deletes the key."""
    told = 0
    while True:
        await asyncio.sleep(REPORT_S)
        if (frames := exchange.frames) != told:
            await db.hincrby("taken", "frames", frames - told)
            await db.hset("taken", "last_ms", exchange.last_ms)
            told = frames


async def main() -> None:
    ws_base, rest_base, redis_port, names = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
    symbols = [f"{name}/USDT:USDT" for name in names]
    exchange = Counted({"newUpdates": True, "options": {"fetchMarkets": ["linear"]}})
    api = exchange.urls["api"]
    for key, url in list(api.items()):
        if isinstance(url, str) and "fapi.binance.com" in url:
            api[key] = url.replace("https://fapi.binance.com", rest_base)
    api["ws"] = _rewritten(api["ws"], ws_base)
    db = redis.asyncio.Redis(port=redis_port)
    parts = [symbols[at : at + PART] for at in range(0, len(symbols), PART)]
    try:
        await asyncio.gather(
            *(quotes(exchange, db, part) for part in parts),
            *(trades(exchange, db, part) for part in parts),
            report(exchange, db),
        )
    finally:
        await exchange.close()
        await db.aclose()


def _rewritten(urls: object, base: str) -> object:
    if isinstance(urls, dict):
        return {key: _rewritten(value, base) for key, value in urls.items()}
    if isinstance(urls, str):
        return urls.replace("wss://fstream.binance.com", base)
    return urls


if __name__ == "__main__":
    asyncio.run(main())
