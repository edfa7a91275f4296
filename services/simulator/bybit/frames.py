"""Bybit's rows: what the pushes of both markets and the REST answers hold.

The keys of a push have another order on spot, where numbers also lose their trailing zeros.
"""

from services.simulator.book import Levels
from services.simulator.listing import PERPETUAL_END_MS, Listed
from services.simulator.market import Market

STATUS = {"trading": "Trading", "halted": "Delivering", "pre": "PreLaunch", "closed": "Closed"}
CATEGORIES = {"spot": "spot", "perp": "linear", "dated": "linear", "inverse": "inverse"}
CONTRACTS = {"perp": "LinearPerpetual", "dated": "LinearFutures", "inverse": "InversePerpetual"}
TYPES = {"crypto": "", "equity": "stock", "commodity": "commodity", "fx": "forex"}
Row = dict[str, object]
Fields = dict[str, str]


def trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(row: Listed, steps: int) -> str:
    return trim(row.price_text(steps)) if row.market == "spot" else row.price_text(steps)


def size(row: Listed, lots: int) -> str:
    return trim(row.size_text(lots)) if row.market == "spot" else row.size_text(lots)


def plain(value: float, digits: int) -> str:
    """A number as text without an exponent."""
    return trim(f"{value:.{digits}f}")


def push(row: Listed, topic: str, kind: str, ts: str, data: str, more: str = "") -> bytes:
    """A push in the order of its market."""
    if row.market == "spot":
        return f'{{"topic":"{topic}","ts":{ts},"type":"{kind}","data":{data}{more}}}'.encode()
    return f'{{"topic":"{topic}","type":"{kind}","ts":{ts},"data":{data}{more}}}'.encode()


def sides(row: Listed, side: Levels, limit: int | None = None) -> str:
    items = list(side.items())[:limit]
    return ",".join(f'["{price(row, p)}","{size(row, lots)}"]' for p, lots in items)


def book(row: Listed, topic: str, kind: str, bids: str, asks: str, u: str, seq: str, ts: str, cts: str) -> bytes:
    data = f'{{"s":"{row.native}","b":[{bids}],"a":[{asks}],"u":{u},"seq":{seq}}}'
    return push(row, topic, kind, ts, data, f',"cts":{cts}')


def best(row: Listed, u: str = "", ms: str = "", ts: str = "") -> bytes:
    """The best bid and offer; `u` and `ms` replace the instrument's own where given, `ts` is when it is sent."""
    number, cts = u or str(row.u), ms or str(row.ms)
    bids = f'["{price(row, row.bid)}","{size(row, row.bid_size)}"]'
    asks = f'["{price(row, row.ask)}","{size(row, row.ask_size)}"]'
    topic = f"orderbook.1.{row.native}"
    return book(row, topic, "snapshot", bids, asks, number, number, ts or cts, cts)


def trade(row: Listed, buys: bool, u: str = "", ms: str = "") -> bytes:
    """Ids are numbers on spot, else the form of a UUID."""
    number, at = u or str(row.trade_id), ms or str(row.ms)
    side = "Buy" if buys else "Sell"
    p, v = price(row, row.last), size(row, row.last_size)
    if row.market == "spot":
        data = f'[{{"i":"{number}","T":{at},"p":"{p}","v":"{v}","S":"{side}","s":"{row.native}","BT":false}}]'
    else:
        name = u or f"{row.key & 0xFFFFFFFF:08x}-0000-5000-8000-{row.trade_id:012d}"
        data = (
            f'[{{"T":{at},"s":"{row.native}","S":"{side}","v":"{v}","p":"{p}","L":"PlusTick","i":"{name}","BT":false,'
            f'"RPI":false,"seq":{row.u}}}]'
        )
    return push(row, f"publicTrade.{row.native}", "snapshot", at, data)


def liquidation(row: Listed, side: str, t: float) -> bytes:
    """`side` is that of the position."""
    ms = str(int(t * 1000))
    p, v = price(row, row.bid if side == "Buy" else row.ask), size(row, max(1, row.bid_size // 10))
    data = f'[{{"T":{ms},"s":"{row.native}","S":"{side}","v":"{v}","p":"{p}"}}]'
    return push(row, f"allLiquidation.{row.native}", "snapshot", ms, data)


def figures(row: Listed, market: Market) -> Fields:
    """24 h figures of any market."""
    last, scale = row.last, 10**row.price_decimals
    units = market.volume(row) / row.size_units
    return {
        "lastPrice": price(row, last),
        "highPrice24h": price(row, max(last, row.ask) * 103 // 100),
        "lowPrice24h": price(row, last * 97 // 100),
        "prevPrice24h": price(row, last * 99 // 100),
        "volume24h": plain(units, 4),
        "turnover24h": plain(units * last / scale, 4),
        "price24hPcnt": "0.0101",
    }


def top(row: Listed) -> Fields:
    return {
        "bid1Price": price(row, row.bid),
        "bid1Size": size(row, row.bid_size),
        "ask1Price": price(row, row.ask),
        "ask1Size": size(row, row.ask_size),
    }


def ticker(row: Listed, market: Market, t: float) -> Fields:
    """Everything of a perpetual's ticker: open interest counts both sides, and one."""
    mark, one = market.mark(row, t), market.open_interest(row) / row.size_units
    funds = row.market != "dated"
    return {
        "symbol": row.native,
        "tickDirection": "PlusTick",
        **figures(row, market),
        "prevPrice1h": price(row, row.last),
        "markPrice": f"{mark:.{row.price_decimals}f}",
        "indexPrice": f"{market.index(row, t):.{row.price_decimals}f}",
        "openInterest": plain(2 * one, 3),
        "openInterestValue": plain(2 * one * mark, 2),
        "singleOpenInterest": plain(one, 3),
        "singleOpenInterestValue": plain(one * mark, 2),
        "fundingIntervalHour": str(row.interval_h) if funds else "",
        "fundingCap": "0.005" if funds else "",
        "nextFundingTime": str(market.next_funding_ms(row, t)) if funds else "",
        "fundingRate": plain(market.funding_rate(row, t), 8) if funds else "",
        **top(row),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


def spot_ticker(row: Listed, market: Market) -> Fields:
    """A spot pair's ticker over the socket: no bid, no ask."""
    return {"symbol": row.native, **figures(row, market), "usdIndexPrice": ""}


def instrument(row: Listed) -> Row:
    tick, step = row.price_text(1), row.size_text(1)
    common: Row = {
        "symbol": row.native,
        "symbolId": row.number,
        "status": STATUS[row.status],
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "symbolType": TYPES[row.category],
    }
    if row.market == "spot":
        lot: Row = {"basePrecision": step, "quotePrecision": "0.0000001", "minOrderQty": step, "minOrderAmt": "5"}
        return {**common, "innovation": "0", "stTag": "0", "lotSizeFilter": lot, "priceFilter": {"tickSize": tick}}
    pre = row.status == "pre"
    return {
        **common,
        "contractType": CONTRACTS[row.market],
        "launchTime": str(row.listed_ms),
        "deliveryTime": "0" if row.end_ms == PERPETUAL_END_MS else str(row.end_ms),
        "deliveryFeeRate": "",
        "priceScale": str(row.price_decimals),
        "priceFilter": {"minPrice": tick, "maxPrice": "1999999.80", "tickSize": tick},
        "lotSizeFilter": {"minOrderQty": step, "qtyStep": step, "maxOrderQty": "1190000", "minNotionalValue": "5"},
        "fundingInterval": row.interval_h * 60 if row.market != "dated" else 0,
        "settleCoin": row.base if row.market == "inverse" else row.quote,
        "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375",
        "isPreListing": pre,
        "preListingInfo": {"curAuctionPhase": "CallAuction", "phases": []} if pre else None,
    }
