"""Lighter's frames and rows.

Keys stand in the order of the alphabet, as the venue writes them; numbers are texts with all their decimals, or JSON
numbers for figures of the day. Times are milliseconds and microseconds.
"""

from collections.abc import Iterable, Sequence

import msgspec

from services.simulator.book import Levels, Picture
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market

STATUS = {"trading": "active", "pre": "active", "halted": "inactive", "closed": "settled"}
LISTS = {"perp": "order_book_details", "spot": "spot_order_book_details", "dated": "order_book_details"}
#: every so many trades one is a forced one
FORCED_EVERY = 20


def side(row: Listed, steps: int, lots: int) -> str:
    return f'{{"price":"{row.price_text(steps)}","size":"{row.size_text(lots)}"}}'


def ticker(row: Listed, u: str = "", ms: str = "", kind: str = "update") -> bytes:
    """The best bid and offer; `u` stands as the nonce, `ms` as the time, where given."""
    us, at, nonce = f"{ms or row.ms}123", ms or row.ms, u or row.u
    best = f'"a":{side(row, row.ask, row.ask_size)},"b":{side(row, row.bid, row.bid_size)}'
    return (
        f'{{"channel":"ticker:{row.native}","last_updated_at":{us},"nonce":{nonce},'
        f'"ticker":{{"s":"{row.base}",{best},"last_updated_at":{us}}},"timestamp":{at},"type":"{kind}/ticker"}}'
    ).encode()


def forced(row: Listed) -> bool:
    return row.trade_id % FORCED_EVERY == 0


def trade(row: Listed, buys: bool, u: str = "", ms: str = "") -> str:
    """The last trade of a row; forced ones are those with a round number."""
    kind = "liquidation" if forced(row) else "trade"
    price, size, at = row.price_text(row.last), row.size_text(row.last_size), ms or row.ms
    return (
        f'{{"trade_id":{u or row.trade_id},"tx_hash":"00","type":"{kind}","market_id":{row.number},"size":"{size}",'
        f'"price":"{price}","usd_amount":"1.000000","ask_id":1,"bid_id":2,"ask_account_id":3,"bid_account_id":4,'
        f'"is_maker_ask":{"true" if buys else "false"},"block_height":300000000,"timestamp":{at},'
        f'"transaction_time":{at}456}}'
    )


def trades(row: Listed, made: Iterable[str], kind: str = "update") -> bytes:
    """A push of trades, forced ones apart."""
    ones = list(made)
    plain = ",".join(one for one in ones if '"type":"trade"' in one)
    others = ",".join(one for one in ones if '"type":"trade"' not in one)
    return (
        f'{{"channel":"trade:{row.native}","liquidation_trades":[{others}],"nonce":{row.u},'
        f'"trades":[{plain}],"type":"{kind}/trade"}}'
    ).encode()


def book(row: Listed, bids: Levels, asks: Levels, state: Picture, begin: int, kind: str = "update") -> bytes:
    """A whole book, or what changed since the number `begin`."""
    sells = ",".join(side(row, steps, lots) for steps, lots in asks.items())
    buys = ",".join(side(row, steps, lots) for steps, lots in bids.items())
    us, offset = f"{state.ms}123", state.u % 1_000_000
    return (
        f'{{"channel":"order_book:{row.native}","last_updated_at":{us},"offset":{offset},"order_book":{{"code":0,'
        f'"asks":[{sells}],"bids":[{buys}],"offset":{offset},"nonce":{state.u},"last_updated_at":{us},'
        f'"begin_nonce":{begin}}},"timestamp":{state.ms + 9},"type":"{kind}/order_book"}}'
    ).encode()


def percent(rate: float) -> str:
    """A fraction as the venue writes rates."""
    return f"{rate * 100:.4f}"


def paid_rate(row: Listed, market: Market, hour_ms: int) -> float:
    """What was paid at a full hour."""
    return market.funding_rate(row, hour_ms / 1000 - 1)


def figures(row: Listed, market: Market, t: float) -> dict[str, object]:
    """A row of the figures of one market."""
    places, spot = row.price_decimals, row.market == "spot"
    price = market.mark(row, t)
    units = market.volume(row) / row.units
    common: dict[str, object] = {
        "symbol": row.base,
        "market_id": row.number,
        "index_price": f"{market.index(row, t):.{places}f}",
        "mid_price": f"{(row.bid + row.ask) / 2 / 10**places:.{places}f}",
        "last_trade_price": row.price_text(row.last),
        "daily_base_token_volume": round(units, row.size_decimals),
        "daily_quote_token_volume": round(units * price, 6),
        "daily_price_low": round(price * 0.98, places),
        "daily_price_high": round(price * 1.02, places),
        "daily_price_change": -1.29,
    }
    if spot:
        return common
    hour = int(t * 1000) // HOUR_MS * HOUR_MS
    return common | {
        "mark_price": f"{price:.{places}f}",
        "best_ask_price": row.price_text(row.ask),
        "best_bid_price": row.price_text(row.bid),
        "open_interest": f"{market.open_interest(row) / row.units * price:.6f}",
        "open_interest_limit": "72057594037927936.000000",
        "funding_clamp_small": "0.0500",
        "funding_clamp_big": "4.0000",
        "current_funding_rate": percent(market.funding_rate(row, t)),
        "funding_rate": percent(paid_rate(row, market, hour)),
        "funding_timestamp": hour + 1,
        "base_interest_rate": "0.0100",
    }


def statistics(channel: str, name: str, content: object, t: float, kind: str = "update") -> bytes:
    """A push of figures: of one market, or of several by number."""
    made = {"channel": f"{channel}:{name}", channel: content, "timestamp": int(t * 1000), "type": f"{kind}/{channel}"}
    return msgspec.json.encode(made)


def details(row: Listed, market: Market, t: float) -> dict[str, object]:
    """A row of the listing."""
    price = market.mark(row, t)
    units = market.volume(row) / row.units
    made: dict[str, object] = {
        "symbol": row.base,
        "market_id": row.number,
        "market_type": "binary_options" if row.market == "dated" else row.market,
        "base_asset_id": row.rank if row.market == "spot" else 0,
        "quote_asset_id": 3 if row.market == "spot" else 0,
        "status": STATUS[row.status],
        "taker_fee": "0.0000",
        "is_taker_fee_enabled": True,
        "maker_fee": "0.0000",
        "is_maker_fee_enabled": True,
        "liquidation_fee": "1.0000",
        "min_base_amount": row.size_text(5),
        "min_quote_amount": "10.000000",
        "order_quote_limit": "281474976.710655",
        "supported_size_decimals": row.size_decimals,
        "supported_price_decimals": row.price_decimals,
        "supported_quote_decimals": 6,
        "created_at": str(row.listed_ms),
        "multiplier": "1.000000000000000000",
        "size_decimals": row.size_decimals,
        "price_decimals": row.price_decimals,
        "last_trade_price": float(row.price_text(row.last)),
        "daily_trades_count": 1000,
        "daily_base_token_volume": round(units, row.size_decimals),
        "daily_quote_token_volume": round(units * price, 6),
        "daily_price_low": round(price * 0.98, row.price_decimals),
        "daily_price_high": round(price * 1.02, row.price_decimals),
        "daily_price_change": -1.29,
        "daily_chart": {},
        "market_config": {"force_reduce_only": False, "trading_hours": "", "hidden": row.status == "pre"},
    }
    if row.market != "spot":
        made |= {"quote_multiplier": 1, "open_interest": round(market.open_interest(row) / row.units, 4)}
    return made


def order(row: Listed, steps: int, lots: int, number: int) -> dict[str, object]:
    size = row.size_text(lots)
    return {
        "order_index": number,
        "order_id": str(number),
        "owner_account_index": 5,
        "initial_base_amount": size,
        "remaining_base_amount": size,
        "price": row.price_text(steps),
        "order_expiry": row.ms + 60_000,
    }


def orders(row: Listed, levels: Levels, most: int) -> Sequence[dict[str, object]]:
    """Resting orders, best first: those of the first levels come in two."""
    made: list[dict[str, object]] = []
    for place, (steps, lots) in enumerate(levels.items()):
        parts = (lots // 3, lots - lots // 3) if lots > 2 and place < 3 else (lots,)
        made += [order(row, steps, part, place * 2 + number) for number, part in enumerate(parts)]
    return made[:most]
