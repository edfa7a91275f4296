"""Payloads of Binance's streams, as of 2026: futures rows carry `st` (1 USD-M, 2 COIN-M) and `ps`.

Spot prices and sizes are written with eight decimals, futures ones with the instrument's own.
"""

from services.simulator.book import Levels, Picture
from services.simulator.listing import Listed
from services.simulator.market import Market


def price(row: Listed, steps: int) -> str:
    return f"{steps / 10**row.price_decimals:.8f}" if row.market == "spot" else row.price_text(steps)


def size(row: Listed, lots: int) -> str:
    return f"{lots / 10**row.size_decimals:.8f}" if row.market == "spot" else row.size_text(lots)


def universe(row: Listed) -> int:
    return 2 if row.market == "inverse" else 1


def pair(row: Listed) -> str:
    return row.native.partition("_")[0]


def update_id(row: Listed, u: int) -> int:
    """Futures number their updates with holes: U is never the last u + 1 there."""
    return u if row.market == "spot" else 3 * u


def book_ticker(row: Listed, u: str = "", ms: str = "") -> bytes:
    """`u` and `ms` replace the instrument's own where given."""
    u = u or str(update_id(row, row.u))
    ms = ms or str(row.ms)
    quote = (
        f'"b":"{price(row, row.bid)}","B":"{size(row, row.bid_size)}",'
        f'"a":"{price(row, row.ask)}","A":"{size(row, row.ask_size)}"'
    )
    if row.market == "spot":
        return f'{{"u":{u},"s":"{row.native}",{quote}}}'.encode()
    return (
        f'{{"e":"bookTicker","u":{u},"s":"{row.native}","ps":"{pair(row)}",{quote},'
        f'"T":{ms},"E":{ms},"st":{universe(row)}}}'
    ).encode()


def trade(row: Listed, buys: bool) -> bytes:
    end = ',"M":true}' if row.market == "spot" else f',"X":"MARKET","st":{universe(row)}}}'
    return (
        f'{{"e":"trade","E":{row.ms},"s":"{row.native}","t":{row.trade_id},"p":"{price(row, row.last)}",'
        f'"q":"{size(row, row.last_size)}","T":{row.ms},"m":{"false" if buys else "true"}{end}'
    ).encode()


def agg_trade(row: Listed, buys: bool, trade_id: str = "", ms: str = "") -> bytes:
    number, ms = trade_id or str(row.trade_id), ms or str(row.ms)
    quantity = size(row, row.last_size)
    start = f'{{"e":"aggTrade","E":{ms},"s":"{row.native}","a":{number},"p":"{price(row, row.last)}","q":"{quantity}"'
    middle = f'"f":{number},"l":{number},"T":{ms},"m":{"false" if buys else "true"}'
    if row.market == "spot":
        return f'{start},{middle},"M":true}}'.encode()
    return f'{start},"nq":"{quantity}",{middle},"st":{universe(row)}}}'.encode()


def levels(row: Listed, side: Levels, limit: int | None = None) -> str:
    items = list(side.items())[:limit]
    return "[" + ",".join(f'["{price(row, p)}","{size(row, lots)}"]' for p, lots in items) + "]"


def depth_update(row: Listed, before: int, book: Picture, bids: Levels, asks: Levels) -> bytes:
    """A diff from update `before` to the picture's."""
    sides = f'"b":{levels(row, bids)},"a":{levels(row, asks)}'
    u = update_id(row, book.u)
    if row.market == "spot":
        head = f'"e":"depthUpdate","E":{book.ms},"s":"{row.native}","U":{before + 1},"u":{u}'
        return f"{{{head},{sides}}}".encode()
    head = f'"e":"depthUpdate","E":{book.ms},"T":{book.ms},"s":"{row.native}","ps":"{pair(row)}"'
    pu = update_id(row, before)
    return f'{{{head},"U":{pu + 2},"u":{u},"pu":{pu},{sides},"st":{universe(row)}}}'.encode()


def partial_depth(row: Listed, before: int, book: Picture, limit: int) -> bytes:
    """The best levels whole: on spot a body without symbol or time."""
    if row.market != "spot":
        bids, asks = dict(list(book.bids.items())[:limit]), dict(list(book.asks.items())[:limit])
        return depth_update(row, before, book, bids, asks)
    sides = f'"bids":{levels(row, book.bids, limit)},"asks":{levels(row, book.asks, limit)}'
    return f'{{"lastUpdateId":{book.u},{sides}}}'.encode()


def depth_body(row: Listed, book: Picture, limit: int) -> bytes:
    """The REST snapshot."""
    times = "" if row.market == "spot" else f'"E":{book.ms},"T":{book.ms},'
    sides = f'"bids":{levels(row, book.bids, limit)},"asks":{levels(row, book.asks, limit)}'
    return f'{{"lastUpdateId":{update_id(row, book.u)},{times}{sides}}}'.encode()


def mark_price(row: Listed, market: Market, t: float) -> bytes:
    mark, index = market.mark(row, t), market.index(row, t)
    perpetual = row.market != "dated" and not row.native.partition("_")[2].isdigit()
    rate = f"{market.funding_rate(row, t):.8f}" if perpetual else ""
    next_ms = market.next_funding_ms(row, t) if perpetual else 0
    return (
        f'{{"e":"markPriceUpdate","E":{int(t * 1000)},"s":"{row.native}","p":"{mark:.8f}","ap":"{mark:.8f}",'
        f'"P":"{index:.8f}","i":"{index:.8f}","r":"{rate}","T":{next_ms},"st":{universe(row)}}}'
    ).encode()


def day(row: Listed, market: Market) -> tuple[str, str, str, str, str]:
    """Open, high, low, base volume and quote volume of 24 hours, as texts."""
    last = row.last
    low, high = min(last, row.bid) * 97 // 100, max(last, row.ask) * 103 // 100
    volume = market.volume(row) / row.units
    turnover = volume * last / 10**row.price_decimals
    return price(row, last * 99 // 100), price(row, high), price(row, low), f"{volume:.3f}", f"{turnover:.2f}"


def mini_ticker(row: Listed, market: Market, t: float) -> bytes:
    opened, high, low, volume, turnover = day(row, market)
    end = "" if row.market == "spot" else f',"ps":"{pair(row)}","st":{universe(row)}'
    return (
        f'{{"e":"24hrMiniTicker","E":{int(t * 1000)},"s":"{row.native}","c":"{price(row, row.last)}","o":"{opened}",'
        f'"h":"{high}","l":"{low}","v":"{volume}","q":"{turnover}"{end}}}'
    ).encode()


def ticker(row: Listed, market: Market, t: float) -> bytes:
    """The 24 h ticker: with bid and ask on spot, without them on futures."""
    opened, high, low, volume, turnover = day(row, market)
    ms = int(t * 1000)
    quote, end = "", f',"ps":"{pair(row)}","st":{universe(row)}'
    if row.market == "spot":
        end = ""
        quote = (
            f'"b":"{price(row, row.bid)}","B":"{size(row, row.bid_size)}",'
            f'"a":"{price(row, row.ask)}","A":"{size(row, row.ask_size)}",'
        )
    return (
        f'{{"e":"24hrTicker","E":{ms},"s":"{row.native}","p":"{price(row, row.last - row.last * 99 // 100)}",'
        f'"P":"1.010","w":"{price(row, row.last)}","c":"{price(row, row.last)}","Q":"{size(row, row.last_size)}",'
        f'{quote}"o":"{opened}","h":"{high}","l":"{low}","v":"{volume}","q":"{turnover}",'
        f'"O":{ms - 86_400_000},"C":{ms},"F":1,"L":{row.trade_id},"n":{row.trade_id}{end}}}'
    ).encode()


def force_order(row: Listed, side: str, lots: int, t: float) -> bytes:
    """A liquidation: SELL closes a long below the bid."""
    steps = row.bid * 998 // 1000 if side == "SELL" else row.ask * 1002 // 1000
    ms = int(t * 1000)
    quantity = size(row, lots)
    return (
        f'{{"e":"forceOrder","E":{ms},"o":{{"s":"{row.native}","S":"{side}","o":"LIMIT","f":"IOC","q":"{quantity}",'
        f'"p":"{price(row, steps)}","ap":"{price(row, row.bid if side == "SELL" else row.ask)}","X":"FILLED",'
        f'"l":"{quantity}","z":"{quantity}","T":{ms}}},"ps":"{pair(row)}","st":{universe(row)}}}'
    ).encode()


def contract_info(row: Listed, status: str, t: float) -> bytes:
    kind = {"dated": "CURRENT_QUARTER"}.get(row.market, "PERPETUAL")
    return (
        f'{{"e":"contractInfo","E":{int(t * 1000)},"s":"{row.native}","ps":"{pair(row)}","ct":"{kind}",'
        f'"dt":{row.end_ms},"ot":{row.listed_ms},"cs":"{status}","st":{universe(row)}}}'
    ).encode()
