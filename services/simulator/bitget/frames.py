"""Bitget's rows and frames, of both versions.

Spot pairs and perpetuals share their ids: every frame and every request names the product. v2 writes prices and sizes
with all their decimals, v3 without zeros at the end; the names of the fields differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, zip_longest
from zlib import crc32

from services.simulator.book import Levels, Picture
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market

PRODUCTS = ("SPOT", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")
SPOT_STATUS = {"trading": "online", "halted": "halt", "pre": "gray", "closed": "offline"}
STATUS = {"trading": "normal", "halted": "maintain", "pre": "listed", "closed": "off"}
KINDS = {"crypto": "crypto", "equity": "stock", "commodity": "commodity", "fx": "forex"}
FEES = {"spot": ("0.001", "0.001"), "perp": ("0.0002", "0.0006")}
CHECKED = 25
Fields = dict[str, object]
#: (id, price, size, bought, ms) of a trade, as texts
Print = tuple[str, str, str, bool, str]


def product(row: Listed) -> str:
    if row.market == "spot":
        return "SPOT"
    return "COIN-FUTURES" if row.quote == "USD" else f"{row.quote}-FUTURES"


def trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(value: float, digits: int = 8) -> str:
    """A number as text without an exponent."""
    return trim(f"{value:.{digits}f}")


def push(row: Listed, channel: str, action: str, data: str, ms: str) -> bytes:
    """A frame of v2."""
    return (
        f'{{"action":"{action}","arg":{{"instType":"{product(row)}","channel":"{channel}","instId":"{row.native}"}},'
        f'"data":[{data}],"ts":{ms}}}'
    ).encode()


def unified(row: Listed, topic: str, action: str, data: str, ms: str) -> bytes:
    """A frame of v3, whose keys come in another order."""
    return (
        f'{{"data":[{data}],"arg":{{"instType":"{product(row).lower()}","symbol":"{row.native}","topic":"{topic}"}},'
        f'"action":"{action}","ts":{ms}}}'
    ).encode()


def best(row: Listed, u: str = "", ms: str = "") -> bytes:
    """`u` and `ms` replace the instrument's own where given."""
    ms = ms or str(row.ms)
    sides = (
        f'"asks":[["{row.price_text(row.ask)}","{row.size_text(row.ask_size)}"]],'
        f'"bids":[["{row.price_text(row.bid)}","{row.size_text(row.bid_size)}"]]'
    )
    return push(row, "books1", "snapshot", f'{{{sides},"seq":{u or row.u},"pseq":0,"ts":"{ms}"}}', ms)


def unified_best(row: Listed, u: str = "", ms: str = "") -> bytes:
    ms = ms or str(row.ms)
    sides = (
        f'"a":[["{trim(row.price_text(row.ask))}","{trim(row.size_text(row.ask_size))}"]],'
        f'"b":[["{trim(row.price_text(row.bid))}","{trim(row.size_text(row.bid_size))}"]]'
    )
    return unified(row, "books1", "snapshot", f'{{{sides},"checksum":0,"seq":{u or row.u},"pseq":0,"ts":"{ms}"}}', ms)


def texts(row: Listed, side: Levels, *, short: bool = False) -> Iterable[tuple[str, str]]:
    for steps, lots in side.items():
        price, size = row.price_text(steps), row.size_text(lots) if lots else "0"
        yield (trim(price), trim(size)) if short else (price, size)


def levels(pairs: Iterable[tuple[str, str]]) -> str:
    return "[" + ",".join(f'["{price}","{size}"]' for price, size in pairs) + "]"


def book(row: Listed, channel: str, action: str, bids: Levels, asks: Levels, state: Picture, before: int) -> bytes:
    """v2 sends no checksums any more."""
    data = (
        f'{{"asks":{levels(texts(row, asks))},"bids":{levels(texts(row, bids))},"seq":{state.u},"pseq":{before},'
        f'"ts":"{state.ms}"}}'
    )
    return push(row, channel, action, data, str(state.ms))


def unified_book(row: Listed, action: str, bids: Levels, asks: Levels, state: Picture, before: int) -> bytes:
    """v3 sends one with every change, over the best levels of the book that it leads to."""
    proof = checksum(row, state) if action == "update" else 0
    data = (
        f'{{"a":{levels(texts(row, asks, short=True))},"b":{levels(texts(row, bids, short=True))},"checksum":{proof},'
        f'"seq":{state.u},"pseq":{before},"ts":"{state.ms}"}}'
    )
    return unified(row, "books", action, data, str(state.ms))


def checksum(row: Listed, state: Picture) -> int:
    parts: list[str] = []
    sides = (islice(texts(row, side, short=True), CHECKED) for side in (state.bids, state.asks))
    for bid, ask in zip_longest(*sides, fillvalue=()):
        parts += (*bid, *ask)
    proof = crc32(":".join(parts).encode())
    return proof - (1 << 32) if proof >= 1 << 31 else proof


def ticker(row: Listed, market: Market, t: float) -> Fields:
    """v2's; over REST without the fields of the socket alone."""
    coins, last = market.volume(row) / row.units, row.price_text(row.last)
    opened = row.price_text(row.last * 99 // 100)
    fields: Fields = {
        "instId": row.native,
        "lastPr": last,
        "open24h": opened,
        "high24h": row.price_text(max(row.last, row.ask) * 103 // 100),
        "low24h": row.price_text(row.last * 97 // 100),
        "change24h": "0.0101",
        "bidPr": row.price_text(row.bid),
        "askPr": row.price_text(row.ask),
        "bidSz": row.size_text(row.bid_size),
        "askSz": row.size_text(row.ask_size),
        "baseVolume": plain(coins, 4),
        "quoteVolume": plain(coins * row.last / 10**row.price_decimals, 4),
        "openUtc": opened,
    }
    if row.market == "spot":
        return {**fields, "changeUtc24h": "0.0101", "ts": str(row.ms)}
    return {
        **fields,
        **terms(row, market, t),
        "holdingAmount": plain(market.open_interest(row) / row.units, 4),
        "symbolType": "2" if row.market == "dated" else "1",
        "symbol": row.native,
        "deliveryPrice": "0",
        "ts": str(int(t * 1000)),
    }


def terms(row: Listed, market: Market, t: float) -> Fields:
    """Mark, index and funding, which dated contracts do not pay."""
    pays = row.market != "dated"
    return {
        "fundingRate": plain(market.funding_rate(row, t), 6) if pays else "0",
        "nextFundingTime": str(market.next_funding_ms(row, t)) if pays else "0",
        "markPrice": f"{market.mark(row, t):.{row.price_decimals}f}",
        "indexPrice": plain(market.index(row, t), row.price_decimals + 8),
    }


def unified_ticker(row: Listed, market: Market, t: float) -> Fields:
    coins = market.volume(row) / row.units
    fields: Fields = {
        "lastPrice": trim(row.price_text(row.last)),
        "bid1Price": trim(row.price_text(row.bid)),
        "ask1Price": trim(row.price_text(row.ask)),
        "bid1Size": trim(row.size_text(row.bid_size)),
        "ask1Size": trim(row.size_text(row.ask_size)),
        "volume24h": plain(coins, 4),
        "turnover24h": plain(coins * row.last / 10**row.price_decimals, 4),
        "price24hPcnt": "0.0101",
    }
    if row.market == "spot":
        return fields
    return {**fields, **terms(row, market, t), "openInterest": plain(market.open_interest(row) / row.units, 4)}


def printed(row: Listed, buys: bool, ms: str = "", number: str = "") -> Print:
    size = row.size_text(row.last_size)
    return number or str(row.trade_id), row.price_text(row.last), size, buys, ms or str(row.ms)


def trades(row: Listed, action: str, prints: Sequence[Print]) -> bytes:
    """Newest first."""
    data = ",".join(
        f'{{"ts":"{ms}","price":"{price}","size":"{size}","side":"{"buy" if buys else "sell"}","tradeId":"{number}"}}'
        for number, price, size, buys, ms in prints
    )
    return push(row, "trade", action, data, prints[0][4])


def unified_trades(row: Listed, action: str, prints: Sequence[Print]) -> bytes:
    data = ",".join(
        f'{{"i":"{number}","p":"{trim(price)}","v":"{trim(size)}","S":"{"buy" if buys else "sell"}","T":"{ms}",'
        f'"L":"{number}1","isRPI":"no"}}'
        for number, price, size, buys, ms in prints
    )
    return unified(row, "publicTrade", action, data, prints[0][4])


def liquidation(row: Listed, side: str, lots: int, t: float) -> Fields:
    """`side` is the position's; the price is off the tick, the amount in the quote currency and cut."""
    price = (row.bid * 0.995 if side == "buy" else row.ask * 1.005) / 10**row.price_decimals
    text = f"{price:.12f}"
    numerator = int(text.replace(".", "")) * lots // 10**row.size_decimals
    digits = str(numerator).rjust(13, "0")
    return {
        "symbol": row.native,
        "side": side,
        "price": trim(text),
        "amount": trim(f"{digits[:-12]}.{digits[-12:]}"),
        "ts": str(int(t * 1000)),
    }


def symbol(row: Listed) -> Fields:
    """A row of v2's spot pairs."""
    maker, taker = FEES["spot"]
    return {
        "symbol": row.native,
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "minTradeAmount": "0",
        "maxTradeAmount": "10000000000",
        "takerFeeRate": taker,
        "makerFeeRate": maker,
        "pricePrecision": str(row.price_decimals),
        "quantityPrecision": str(row.size_decimals),
        "quotePrecision": "8",
        "status": SPOT_STATUS[row.status],
        "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "openTime": str(row.listed_ms),
        "offTime": "",
    }


def step(places: int) -> str:
    return f"{10**-places:.{places}f}"


def contract(row: Listed) -> Fields:
    """A row of v2's contracts."""
    maker, taker = FEES["perp"]
    lot, coin = step(row.size_decimals), row.quote == "USD"
    return {
        "symbol": row.native,
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": maker,
        "takerFeeRate": taker,
        "openCostUpRatio": "0.01",
        "supportMarginCoins": ["BTC", "ETH", "USDC"] if coin else [row.quote],
        "minTradeNum": lot,
        "priceEndStep": "1",
        "volumePlace": str(row.size_decimals),
        "pricePlace": str(row.price_decimals),
        "sizeMultiplier": lot,
        "symbolType": "delivery" if row.market == "dated" else "perpetual",
        "minTradeUSDT": "5",
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": "1000",
        "maxPositionNum": "150",
        "symbolStatus": STATUS[row.status],
        "offTime": "-1",
        "limitOpenTime": "-1",
        "deliveryTime": str(row.end_ms) if row.market == "dated" else "",
        "deliveryStartTime": "",
        "deliveryPeriod": "",
        "launchTime": "",
        "fundInterval": str(row.interval_h),
        "minLever": "1",
        "maxLever": "125",
        "posLimit": "0.1",
        "maintainTime": "",
    }


def kind(row: Listed) -> Fields:
    """A row of v3's instruments."""
    fields: Fields = {
        "symbol": row.native,
        "category": product(row),
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "pricePrecision": str(row.price_decimals),
        "quantityPrecision": str(row.size_decimals),
        "status": "online" if row.status == "trading" else "limit_open",
        "maintainTime": "",
    }
    if row.market == "spot":
        return {**fields, "minOrderQty": step(row.size_decimals), "minOrderAmount": "1", "areaSymbol": "no"}
    maker, taker = FEES["perp"]
    return {
        **fields,
        "isRwa": "NO" if row.category == "crypto" else "YES",
        "makerFeeRate": maker,
        "takerFeeRate": taker,
        "minOrderQty": step(row.size_decimals),
        "priceMultiplier": step(row.price_decimals),
        "quantityMultiplier": step(row.size_decimals),
        "type": "delivery" if row.market == "dated" else "perpetual",
        "symbolType": KINDS[row.category],
        "minOrderAmount": "5",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "launchTime": "0",
        "fundInterval": str(row.interval_h),
    }


def rate(row: Listed, market: Market, t: float) -> Mapping[str, str]:
    return {
        "symbol": row.native,
        "fundingRate": plain(market.funding_rate(row, t), 6),
        "fundingRateInterval": str(row.interval_h),
        "nextUpdate": str(market.next_funding_ms(row, t)),
        "minFundingRate": "-0.003",
        "maxFundingRate": "0.003",
    }


def payments(row: Listed, market: Market, t: float, days: int) -> list[Fields]:
    """Newest first."""
    span = row.interval_h * HOUR_MS
    newest = int(t * 1000) // span * span
    return [
        {
            "symbol": row.native,
            "fundingRate": plain(market.funding_rate(row, at / 1000 - 1), 6),
            "fundingTime": str(at),
        }
        for at in range(newest, newest - days * 24 * HOUR_MS, -span)
    ]
