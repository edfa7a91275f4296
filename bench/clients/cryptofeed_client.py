"""cryptofeed (2.4.1 or 3.0.1) with its own Redis stream back-end, pointed at a loopback exchange.

Run by the interpreter that has cryptofeed: `python cryptofeed_client.py WS_BASE REST_BASE REDIS_PORT SYMBOLS [tuned]`.
`tuned` (3.x only) asks its back-end to block when it is full instead of dropping what it cannot write.
"""

import sys

from cryptofeed import FeedHandler
from cryptofeed.backends.redis import TickerStream, TradeStream
from cryptofeed.connection import RestEndpoint, Routes, WebsocketEndpoint
from cryptofeed.defines import TICKER, TRADES
from cryptofeed.exchanges import BinanceFutures


def main() -> None:
    ws_base, rest_base, redis_port, symbols = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
    options = {"overflow": "block"} if "tuned" in sys.argv[5:] else {}
    BinanceFutures.websocket_endpoints = [WebsocketEndpoint(ws_base, options={"compression": None})]
    BinanceFutures.rest_endpoints = [
        RestEndpoint(rest_base, routes=Routes("/fapi/v1/exchangeInfo", l2book="/fapi/v1/depth?symbol={}&limit={}"))
    ]
    handler = FeedHandler(config={"uvloop": True, "log": {"filename": "/dev/null", "level": "ERROR"}})
    handler.add_feed(
        BinanceFutures(
            symbols=[f"{symbol}-USDT-PERP" for symbol in symbols],
            channels=[TICKER, TRADES],
            callbacks={
                TICKER: TickerStream(port=redis_port, **options),
                TRADES: TradeStream(port=redis_port, **options),
            },
        )
    )
    handler.run()


if __name__ == "__main__":
    main()
