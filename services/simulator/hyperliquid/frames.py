"""Hyperliquid's rows: data of socket channels and REST answers are the same. Numbers are texts with a decimal at least.

`n` counts the orders of a level. Nothing has a number of its own but trades.
"""

import base64
import zlib
from collections.abc import Iterable, Mapping

import msgspec

from services.simulator.book import Levels, Picture
from services.simulator.listing import Listed
from services.simulator.market import Market

FAST, DEEP = 5, 20
#: who traded is public; nobody did
USERS = '["0x0000000000000000000000000000000000000001","0x0000000000000000000000000000000000000002"]'


def text(value: str) -> str:
    """A number without trailing zeros, but with a decimal."""
    whole, _, fraction = value.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def number(value: float, decimals: int) -> str:
    return text(f"{value:.{decimals}f}")


def level(row: Listed, steps: int, lots: int, count: str) -> str:
    return f'{{"px":"{text(row.price_text(steps))}","sz":"{text(row.size_text(lots))}","n":{count}}}'


def bbo(row: Listed, u: str = "", ms: str = "") -> bytes:
    """`u` stands as the number of the bid's orders, `ms` as the time, where given."""
    bid, ask = level(row, row.bid, row.bid_size, u or "3"), level(row, row.ask, row.ask_size, "2")
    data = f'{{"coin":"{row.native}","time":{ms or row.ms},"bbo":[{bid},{ask}]}}'
    return f'{{"channel":"bbo","data":{data}}}'.encode()


def trade(row: Listed, buys: bool, u: str = "", ms: str = "") -> str:
    tid = u or str(row.trade_id)
    return (
        f'{{"coin":"{row.native}","side":"{"B" if buys else "A"}","px":"{text(row.price_text(row.last))}",'
        f'"sz":"{text(row.size_text(row.last_size))}","time":{ms or row.ms},"hash":"0x{row.trade_id:064x}","tid":{tid},'
        f'"users":{USERS}}}'
    )


def trades(rows: Iterable[str]) -> bytes:
    return f'{{"channel":"trades","data":[{",".join(rows)}]}}'.encode()


def side(row: Listed, levels: Levels, most: int) -> str:
    return ",".join(level(row, steps, lots, str(min(lots, 9))) for steps, lots in list(levels.items())[:most])


def book(row: Listed, state: Picture, most: int, t: float) -> str:
    """A whole book; one that nobody makes a market of is empty."""
    empty = row.status not in ("trading", "pre")
    bids, asks = ("", "") if empty else (side(row, state.bids, most), side(row, state.asks, most))
    return f'{{"coin":"{row.native}","time":{int(t * 1000)},"levels":[[{bids}],[{asks}]]}}'


def mid(row: Listed) -> str | None:
    """Null where one side is missing."""
    if row.status != "trading":
        return None
    return number((row.bid + row.ask) / 2 / 10**row.price_decimals, row.price_decimals + 1)


def mark(row: Listed, market: Market, t: float) -> str:
    return number(market.mark(row, t), row.price_decimals + 1)


def context(row: Listed, market: Market, t: float) -> dict[str, object]:
    """A perpetual's context; a delisted one keeps its mark."""
    coins = market.volume(row)
    price, index = market.mark(row, t), market.index(row, t)
    middle = mid(row)
    return {
        "funding": number(market.funding_rate(row, t), 10),
        "openInterest": number(market.open_interest(row) / row.units, row.size_decimals),
        "prevDayPx": number(price * 0.99, row.price_decimals),
        "dayNtlVlm": number(coins / row.units * price, 10),
        "premium": None if middle is None else number((price - index) / index, 10),
        "oraclePx": number(index, row.price_decimals + 1),
        "markPx": mark(row, market, t),
        "midPx": middle,
        "impactPxs": None if middle is None else [text(row.price_text(row.bid)), text(row.price_text(row.ask))],
        "dayBaseVlm": number(coins / row.units, row.size_decimals),
    }


def spot_context(row: Listed, market: Market, t: float) -> dict[str, object]:
    coins = market.volume(row)
    price = market.mark(row, t)
    return {
        "prevDayPx": number(price * 0.99, row.price_decimals),
        "dayNtlVlm": number(coins * price, 8),
        "markPx": mark(row, market, t),
        "midPx": mid(row),
        "circulatingSupply": "999989835.0",
        "coin": row.native,
        "totalSupply": "999989835.0",
        "dayBaseVlm": number(coins, row.size_decimals),
    }


def active(row: Listed, market: Market, t: float) -> bytes:
    """The context of one perpetual, or, under another name, of one pair."""
    spot = row.market == "spot"
    made = spot_context(row, market, t) if spot else context(row, market, t)
    channel = "activeSpotAssetCtx" if spot else "activeAssetCtx"
    return msgspec.json.encode({"channel": channel, "data": {"coin": row.native, "ctx": made}})


def compressed(changed: Mapping[str, Mapping[str, str | None]]) -> bytes:
    """Marks and mids by coin: JSON, raw DEFLATE, base64."""
    engine = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = engine.compress(msgspec.json.encode(changed)) + engine.flush()
    return b'{"channel":"fastAssetCtxs","data":"%b"}' % base64.b64encode(data)


def perp_row(row: Listed) -> dict[str, object]:
    """A row of a universe. What is gone stays in its place."""
    made: dict[str, object] = {"szDecimals": row.size_decimals, "name": row.native, "maxLeverage": 10}
    made["marginTableId"] = 10
    if ":" in row.native:
        made |= {"onlyIsolated": True, "marginMode": "strictIsolated", "growthMode": "enabled"}
    if row.status in ("closed", "unlisted"):
        made["isDelisted"] = True
    return made
