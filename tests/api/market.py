"""Rows, instruments, trades and signals as the other services write them, put into Redis the way they do it."""

from typing import Any

import msgspec

from shared import streams
from shared.bus import Redis
from shared.codec import encode_batch
from shared.events import Event, Trade
from shared.instruments import Instrument
from shared.signals import BoardRow, Leg, Route, Signal, SignalLeg

NS = 1_000_000_000
#: A moment of the tests: 2026-11-21T08:03:41.120Z.
T0 = 1_795_248_221_120_000_000


def leg(venue: str, market: str = "perp", base: str = "BTC", quote: str = "USDT", **fields: Any) -> Leg:
    symbol = f"{base}/{quote}" if market == "spot" else f"{base}/{quote}:{quote}"
    known: dict[str, Any] = {
        "native": f"{base}{quote}",
        "state": "ok",
        "bid": "43250.10",
        "bid_size": "1.500",
        "ask": "43250.20",
    }
    known |= {"ask_size": "2.0", "recv": T0, "ts": T0 - 5_000_000, "source": "ws"}
    return Leg(**{"venue": venue, "market": market, "symbol": symbol, **known, **fields})


def route(buy: Leg, sell: Leg, edge: str = "71.80", net: str = "50.80", **fields: Any) -> Route:
    known: dict[str, Any] = {
        "kind": "perp-perp",
        "buy": (buy.venue, buy.market, buy.native),
        "sell": (sell.venue, sell.market, sell.native),
        "buy_price": buy.ask,
        "sell_price": sell.bid,
        "edge_bps": edge,
        "net_open_bps": net,
        "net_in_out_bps": "30.00",
        "net_now_bps": "25.00",
        "net_cash_bps": "50.80",
        "size": "1.500",
        "size_usd": "4200.00",
    }
    return Route(**{**known, **fields})


def row(asset: str = "BTC", ver: int = 1, legs: tuple[Leg, ...] | None = None, **fields: Any) -> BoardRow:
    if legs is None:
        legs = (leg("binance", base=asset), leg("okx", base=asset, native=f"{asset}-USDT-SWAP"))
    known: dict[str, Any] = {"fence": 1, "ver": ver, "at": T0 + 1, "best": route(legs[0], legs[-1])}
    return BoardRow(**{"asset": asset, "legs": legs, **known, **fields})


def gone(asset: str = "BTC", ver: int = 1) -> BoardRow:
    """What the scanner says of a coin that nobody lists any more."""
    return BoardRow(asset=asset, fence=1, ver=ver, at=T0 + 1, legs=(), best=None, why="delisted")


def signal(signal_id: str = "s1", rev: int = 1, event: str = "open", asset: str = "WIF", **fields: Any) -> Signal:
    buy = SignalLeg(
        venue="binance",
        market="perp",
        symbol=f"{asset}/USDT:USDT",
        native=f"{asset}USDT",
        price="2.1450",
        size="10",
        age_ms=20,
    )
    sell = SignalLeg(
        venue="okx",
        market="perp",
        symbol=f"{asset}/USDT:USDT",
        native=f"{asset}-USDT-SWAP",
        price="2.1604",
        size="10",
        age_ms=30,
    )
    known: dict[str, Any] = {
        "at": T0,
        "kind": "perp-perp",
        "key": f"{asset}|binance|okx",
        "buy": buy,
        "sell": sell,
        "first_at": T0 - 2 * NS,
        "opened_at": T0,
        "edge_bps": "71.80",
        "net_open_bps": "50.80",
        "open_edge_bps": "71.80",
        "open_net_bps": "50.80",
        "peak_edge_bps": "80.00",
        "peak_net_bps": "59.00",
        "net_cash_bps": "50.80",
        "open_ages_ms": (20, 30),
        "peak_size_usd": "4200.00",
        "peak_at": T0,
        "size": "10",
        "size_usd": "4200.00",
        "open_size_usd": "4200.00",
    }
    if event == "close":
        known |= {"ended_at": T0 + NS, "closed_at": T0 + 3 * NS, "close_reason": "converged", "duration_ms": 3000}
    return Signal(**{"id": signal_id, "rev": rev, "event": event, "asset": asset, **known, **fields})


def instrument(venue: str, market: str = "perp", base: str = "BTC", quote: str = "USDT", **fields: Any) -> Instrument:
    settle = quote if market == "perp" else None
    symbol = f"{base}/{quote}" + (f":{settle}" if settle else "")
    known: dict[str, Any] = {"native": f"{base}{quote}", "status": "trading", "tick_size": "0.10", "category": "crypto"}
    return Instrument(
        **{
            "venue": venue,
            "market": market,
            "symbol": symbol,
            "base": base,
            "quote": quote,
            "settle": settle,
            **known,
            **fields,
        }
    )


def trade(
    symbol: str, price: str, size: str, side: str = "buy", trade_id: str = "1", at: int = T0, **fields: Any
) -> Trade:
    return Trade(symbol=symbol, price=price, size=size, side=side, id=trade_id, ts=at, recv=at, **fields)  # type: ignore[arg-type]


_packed = msgspec.msgpack.encode


async def put_board(client: Redis, *rows: BoardRow) -> None:
    """What the scanner does with the rows of a turn."""
    for one in rows:
        await client.hset(streams.BOARD, one.asset, _packed(one))
    await client.xadd(streams.BOARD_CHANGES, {streams.FIELD: _packed(list(rows))})


async def put_changes(client: Redis, *rows: BoardRow) -> None:
    """The stream alone."""
    await client.xadd(streams.BOARD_CHANGES, {streams.FIELD: _packed(list(rows))}, maxlen=100)


async def put_signals(client: Redis, *records: Signal) -> None:
    for one in records:
        await client.xadd(streams.signals(0), {streams.FIELD: _packed(one)})


async def put_instruments(client: Redis, *listed: Instrument) -> None:
    """All at once: nobody finds a part of them and takes it for the whole."""
    async with client.pipeline(transaction=True) as pipe:
        for one in listed:
            pipe.hset(streams.instruments(one.venue), f"{one.market}:{one.native}", _packed(one))
        await pipe.execute()


async def put_trades(client: Redis, venue: str, seq: int, *events: Event, producer: str = "p1") -> None:
    key = streams.market_data(0, venue, "trade")
    await client.xadd(key, {streams.FIELD: encode_batch(producer, seq, list(events))})


async def put_health(client: Redis, name: str, member: str = "m1", **fields: Any) -> None:
    known: dict[Any, Any] = {"pid": 7, "started_ms": T0 // 1_000_000, "rss_bytes": 52_428_800, "state": "live"}
    known |= {"detail": "", **fields}
    await client.hset(streams.health(name, member), mapping=known)
