"""cryptofeed (2.4.1 or 3.0.1) with its own Redis stream back-end, pointed at a loopback exchange.

Run by the interpreter that has cryptofeed: `python cryptofeed_client.py WS_BASE REST_BASE REDIS_PORT SYMBOLS`.
Quotes and trades are two feeds, because the exchange serves them under two addresses and 2.4.1 knows only one. In
3.x the back-end is told to block when it is full (its default drops what it cannot write).
"""

import sys
from collections.abc import Callable
from importlib.metadata import version

from cryptofeed import FeedHandler, connection
from cryptofeed.backends.redis import TickerStream, TradeStream
from cryptofeed.connection import RestEndpoint, Routes, WebsocketEndpoint
from cryptofeed.defines import TICKER, TRADES
from cryptofeed.exchanges import BinanceFutures

#: it names its topics in the address, which may not be too long
PART = 120


def feed(channel: str, callback: object, address: str, rest: str, symbols: list[str]) -> BinanceFutures:
    routes = Routes("/fapi/v1/exchangeInfo", l2book="/fapi/v1/depth?symbol={}&limit={}")
    made = type(
        "Feed",
        (BinanceFutures,),
        {
            "websocket_endpoints": [WebsocketEndpoint(address, options={"compression": None})],
            "rest_endpoints": [RestEndpoint(rest, routes=routes)],
        },
    )
    return made(symbols=symbols, channels=[channel], callbacks={channel: callback})


def plain(connect: Callable[..., object]) -> Callable[..., object]:
    """It insists on wss:// addresses; the loopback exchange has no certificate."""
    return lambda address, *rest, **options: connect(address.replace("wss://", "ws://", 1), *rest, **options)


def main() -> None:
    connection.connect = plain(connection.connect)
    ws_base, rest, redis_port = sys.argv[1].replace("ws://", "wss://", 1), sys.argv[2], int(sys.argv[3])
    symbols = [f"{symbol}-USDT-PERP" for symbol in sys.argv[4].split(",")]
    newer = not version("cryptofeed").startswith("2.")
    options = {"overflow": "block"} if newer else {}
    public, market = (ws_base, ws_base) if newer else (f"{ws_base}/public", f"{ws_base}/market")
    handler = FeedHandler(config={"uvloop": True, "log": {"filename": "/dev/null", "level": "ERROR"}})
    for at in range(0, len(symbols), PART):
        part = symbols[at : at + PART]
        handler.add_feed(feed(TICKER, TickerStream(port=redis_port, **options), public, rest, part))
        handler.add_feed(feed(TRADES, TradeStream(port=redis_port, **options), market, rest, part))
    handler.run()


if __name__ == "__main__":
    main()
