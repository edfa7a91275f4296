"""ccxt.pro as users run it: one loop per channel, one XADD for each update, pointed at a loopback exchange.

Run by the interpreter that has ccxt: `python ccxt_client.py WS_BASE REST_BASE REDIS_PORT SYMBOLS`.
"""

import asyncio
import sys

import ccxt.pro
import redis.asyncio


async def quotes(exchange: ccxt.pro.binanceusdm, db: redis.asyncio.Redis, symbols: list[str]) -> None:
    while True:
        for symbol, ticker in (await exchange.watch_bids_asks(symbols)).items():
            await db.xadd(
                f"ticker-{symbol}",
                {"bid": ticker["bid"], "ask": ticker["ask"], "timestamp": ticker["timestamp"] or 0},
                maxlen=100_000,
            )


async def trades(exchange: ccxt.pro.binanceusdm, db: redis.asyncio.Redis, symbols: list[str]) -> None:
    while True:
        for trade in await exchange.watch_trades_for_symbols(symbols):
            await db.xadd(
                f"trades-{trade['symbol']}",
                {"price": trade["price"], "amount": trade["amount"], "side": trade["side"], "id": trade["id"]},
                maxlen=100_000,
            )


async def main() -> None:
    ws_base, rest_base, redis_port, names = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
    symbols = [f"{name}/USDT:USDT" for name in names]
    exchange = ccxt.pro.binanceusdm({"newUpdates": True, "options": {"fetchMarkets": ["linear"]}})
    api = exchange.urls["api"]
    for key, url in list(api.items()):
        if isinstance(url, str) and "fapi.binance.com" in url:
            api[key] = url.replace("https://fapi.binance.com", rest_base)
    api["ws"] = _rewritten(api["ws"], ws_base)
    db = redis.asyncio.Redis(port=redis_port)
    try:
        # the venue takes 200 streams a connection from ccxt's users
        await asyncio.gather(
            *(quotes(exchange, db, symbols[at : at + 200]) for at in range(0, len(symbols), 200)),
            *(trades(exchange, db, symbols[at : at + 200]) for at in range(0, len(symbols), 200)),
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
