"""OKX's rows: data of socket channels and REST answers are the same, in texts without trailing zeros.

Sizes of swaps and futures count contracts. `checksum` is always 0 (deprecated), continuity is in seqId.
"""

from services.simulator.book import Levels, Picture
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market

STATE = {"trading": "live", "halted": "suspend", "pre": "preopen", "closed": "suspend"}
TYPES = {"spot": "SPOT", "perp": "SWAP", "inverse": "SWAP", "dated": "FUTURES"}
CATEGORIES = {"crypto": "1", "equity": "3", "commodity": "4", "fx": "5"}
Row = dict[str, object]


def trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(row: Listed, steps: int) -> str:
    return trim(row.price_text(steps))


def size(row: Listed, lots: int) -> str:
    return trim(row.size_text(lots))


def family(row: Listed) -> str:
    """The index that the instrument follows: BTC-USDT."""
    return f"{row.base}-{row.quote}"


def plain(value: float, digits: int = 10) -> str:
    """A number as text without an exponent, `digits` significant."""
    if value == 0:
        return "0"
    return trim(f"{value:.{max(0, digits)}f}")


def data(channel: str, inst_id: str, rows: str) -> bytes:
    return f'{{"arg":{{"channel":"{channel}","instId":"{inst_id}"}},"data":[{rows}]}}'.encode()


def bbo(row: Listed, u: str = "", ms: str = "") -> bytes:
    """`u` and `ms` replace the instrument's own where given."""
    return data(
        "bbo-tbt",
        row.native,
        f'{{"asks":[["{price(row, row.ask)}","{size(row, row.ask_size)}","0","3"]],'
        f'"bids":[["{price(row, row.bid)}","{size(row, row.bid_size)}","0","2"]],'
        f'"ts":"{ms or row.ms}","seqId":{u or row.u}}}',
    )


def ticker(row: Listed, market: Market) -> str:
    last, scale = row.last, 10**row.price_decimals
    coins = market.volume(row)
    volume = coins / row.size_units
    turnover = coins if row.market != "spot" else coins * last / scale
    opened = price(row, last * 99 // 100)
    return (
        f'{{"instType":"{TYPES[row.market]}","instId":"{row.native}","last":"{price(row, last)}",'
        f'"lastSz":"{size(row, row.last_size)}","askPx":"{price(row, row.ask)}","askSz":"{size(row, row.ask_size)}",'
        f'"bidPx":"{price(row, row.bid)}","bidSz":"{size(row, row.bid_size)}","open24h":"{opened}",'
        f'"high24h":"{price(row, max(last, row.ask) * 103 // 100)}","low24h":"{price(row, last * 97 // 100)}",'
        f'"sodUtc0":"{opened}","sodUtc8":"{opened}","volCcy24h":"{plain(turnover, 4)}","vol24h":"{plain(volume, 4)}",'
        f'"ts":"{row.ms}"}}'
    )


def trade(row: Listed, buys: bool, u: str = "", ms: str = "") -> bytes:
    side = "buy" if buys else "sell"
    return data(
        "trades",
        row.native,
        f'{{"instId":"{row.native}","tradeId":"{u or row.trade_id}","px":"{price(row, row.last)}",'
        f'"sz":"{size(row, row.last_size)}","side":"{side}","ts":"{ms or row.ms}","count":"1","source":"0",'
        f'"seqId":{u or row.u}}}',
    )


def levels(row: Listed, side: Levels, limit: int | None = None) -> str:
    items = list(side.items())[:limit]
    return ",".join(f'["{price(row, p)}","{size(row, lots)}","0","{min(lots, 3)}"]' for p, lots in items)


def book(row: Listed, action: str, bids: Levels, asks: Levels, state: Picture, before: int) -> bytes:
    """A frame of `books`: snapshot (before = -1) or update."""
    return (
        f'{{"arg":{{"channel":"books","instId":"{row.native}"}},"action":"{action}","data":[{{'
        f'"asks":[{levels(row, asks)}],"bids":[{levels(row, bids)}],"ts":"{state.ms}","checksum":0,'
        f'"prevSeqId":{before},"seqId":{state.u}}}]}}'
    ).encode()


def book5(row: Listed, state: Picture) -> bytes:
    return data(
        "books5",
        row.native,
        f'{{"asks":[{levels(row, state.asks, 5)}],"bids":[{levels(row, state.bids, 5)}],"instId":"{row.native}",'
        f'"ts":"{state.ms}","seqId":{state.u}}}',
    )


def mark(row: Listed, market: Market, t: float) -> str:
    value = plain(market.mark(row, t), row.price_decimals + 1)
    inst_type = TYPES[row.market]
    return f'{{"instType":"{inst_type}","instId":"{row.native}","markPx":"{value}","ts":"{int(t * 1000)}"}}'


def index(row: Listed, market: Market, t: float) -> str:
    value = plain(market.index(row, t), row.price_decimals + 1)
    return (
        f'{{"instId":"{family(row)}","idxPx":"{value}","high24h":"{value}","low24h":"{value}","open24h":"{value}",'
        f'"sodUtc0":"{value}","sodUtc8":"{value}","ts":"{int(t * 1000)}"}}'
    )


def funding(row: Listed, market: Market, t: float) -> str:
    rate = plain(market.funding_rate(row, t), 16)
    due = market.next_funding_ms(row, t)
    settled = plain(market.funding_rate(row, due / 1000 - row.interval_h * 3600 - 1), 16)
    return (
        f'{{"formulaType":"withRate","fundingRate":"{rate}","fundingTime":"{due}","impactValue":"20000",'
        f'"instId":"{row.native}","instType":"SWAP","interestRate":"0.0001","maxFundingRate":"0.015",'
        f'"method":"current_period","minFundingRate":"-0.015","nextFundingRate":"",'
        f'"nextFundingTime":"{due + row.interval_h * HOUR_MS}","premium":"{rate}","settFundingRate":"{settled}",'
        f'"settState":"settled","ts":"{int(t * 1000)}"}}'
    )


def open_interest(row: Listed, market: Market, t: float) -> str:
    coins = market.open_interest(row)
    value = coins * market.fair(row.coin, t)
    return (
        f'{{"instId":"{row.native}","instType":"{TYPES[row.market]}","oi":"{plain(coins / row.size_units, 2)}",'
        f'"oiCcy":"{plain(coins, 6)}","oiUsd":"{plain(value, 2)}","ts":"{int(t * 1000)}"}}'
    )


def liquidation(row: Listed, side: str, lots: int, t: float) -> bytes:
    position = "long" if side == "sell" else "short"
    steps = row.bid * 995 // 1000 if side == "sell" else row.ask * 1005 // 1000
    return (
        f'{{"arg":{{"channel":"liquidation-orders","instType":"{TYPES[row.market]}"}},"data":[{{"details":[{{'
        f'"bkLoss":"0","bkPx":"{price(row, steps)}","ccy":"","posSide":"{position}","side":"{side}",'
        f'"sz":"{size(row, lots)}","ts":"{int(t * 1000)}"}}],"instFamily":"{family(row)}","instId":"{row.native}",'
        f'"instType":"{TYPES[row.market]}","uly":"{family(row)}"}}]}}'
    ).encode()


def instrument(row: Listed) -> Row:
    """A row of the instruments list."""
    spot = row.market == "spot"
    tick, lot = f"{10**-row.price_decimals:.{row.price_decimals}f}", f"{10**-row.size_decimals:.{row.size_decimals}f}"
    inverse = row.market == "inverse"
    return {
        "alias": "next_quarter" if row.market == "dated" else "",
        "auctionEndTime": "",
        "baseCcy": row.base if spot else "",
        "category": "1",
        "contTdSwTime": "",
        "ctMult": "" if spot else "1",
        "ctType": "" if spot else "inverse" if inverse else "linear",
        "ctVal": "" if spot else row.contract,
        "ctValCcy": "" if spot else row.quote if inverse else row.base,
        "expTime": str(row.end_ms) if row.market == "dated" else "",
        "futureSettlement": False,
        "groupId": "1",
        "instCategory": CATEGORIES[row.category],
        "instFamily": "" if spot else family(row),
        "instId": row.native,
        "instIdCode": row.key % 1_000_000,
        "instType": TYPES[row.market],
        "lever": "10",
        "listTime": str(row.listed_ms),
        "lotSz": lot,
        "maxLmtSz": "99999999999",
        "maxMktSz": "1000000",
        "minSz": lot,
        "openType": "",
        "optType": "",
        "quoteCcy": row.quote if spot else "",
        "ruleType": "pre_market" if row.status == "pre" else "normal",
        "settleCcy": "" if spot else row.base if inverse else row.quote,
        "state": STATE[row.status],
        "stk": "",
        "tickSz": tick,
        "tradeQuoteCcyList": [row.quote] if spot else [],
        "uly": "" if spot else family(row),
        "upcChg": [],
    }
