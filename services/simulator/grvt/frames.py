"""GRVT's rows: the same in a push's `feed` and in a REST answer. Numbers are text, times nanoseconds in text."""

from collections.abc import Iterable, Mapping

import msgspec

from services.simulator.book import Levels, Picture
from services.simulator.grvt.listing import RFQ_ONLY
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market

Fields = dict[str, object]
NS = "000000"


def number(text: str) -> str:
    """A number as the exchange writes it: no trailing zeros, one decimal at least."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def price(row: Listed, steps: int) -> str:
    return number(row.price_text(steps))


def size(row: Listed, lots: int) -> str:
    return number(row.size_text(lots))


def nanos(t: float) -> str:
    return f"{int(t * 1000)}{NS}"


def mini(row: Listed, market: Market, t: float) -> Fields:
    """Everything a mini ticker holds, without its time."""
    digits = max(9, row.price_decimals)
    half = (row.bid + row.ask) / 2 / 10**row.price_decimals
    return {
        "instrument": row.native,
        "mark_price": number(f"{market.mark(row, t):.{digits}f}"),
        "index_price": number(f"{market.index(row, t):.{digits}f}"),
        "last_price": price(row, row.last),
        "last_size": size(row, row.last_size),
        "mid_price": number(f"{half:.{row.price_decimals + 1}f}"),
        "best_bid_price": price(row, row.bid),
        "best_bid_size": size(row, row.bid_size),
        "best_ask_price": price(row, row.ask),
        "best_ask_size": size(row, row.ask_size),
    }


def ticker(row: Listed, market: Market, t: float) -> Fields:
    """A mini ticker with funding, in percent per interval, and 24 h figures, takers' purchases and sales apart."""
    coins = market.volume(row) / row.size_units
    worth = row.last / 10**row.price_decimals
    rate = percent(market.funding_rate(row, t))
    return {
        **mini(row, market, t),
        "funding_rate_8h_curr": rate,
        "funding_rate_8h_avg": rate,
        "interest_rate": "0.0",
        "forward_price": "0.0",
        "buy_volume_24h_b": number(f"{coins * 0.52:.3f}"),
        "sell_volume_24h_b": number(f"{coins * 0.48:.3f}"),
        "buy_volume_24h_q": number(f"{coins * 0.52 * worth:.4f}"),
        "sell_volume_24h_q": number(f"{coins * 0.48 * worth:.4f}"),
        "high_price": price(row, row.last * 103 // 100),
        "low_price": price(row, row.last * 97 // 100),
        "open_price": price(row, row.last * 99 // 100),
        "open_interest": number(f"{market.open_interest(row) / row.size_units:.9f}"),
        "long_short_ratio": "1.472543",
        "funding_rate": rate,
        "funding_interval_hours": row.interval_h,
        "next_funding_time": f"{market.next_funding_ms(row, t)}{NS}",
    }


def percent(rate: float) -> str:
    return number(f"{rate * 100:.6f}")


def trade(row: Listed, market: Market, buys: bool, t: float, u: str = "", time: str = "") -> Fields:
    """The instrument's last trade. `u` and `time` replace its own where given."""
    return {
        "event_time": time or f"{row.ms}{NS}",
        "instrument": row.native,
        "is_taker_buyer": buys,
        "size": size(row, row.last_size),
        "price": price(row, row.last),
        "mark_price": number(f"{market.mark(row, t):.9f}"),
        "index_price": number(f"{market.index(row, t):.9f}"),
        "interest_rate": "0.0",
        "forward_price": "0.0",
        "trade_id": f"{u or row.trade_id}-1",
        "venue": "ORDERBOOK",
        "is_rpi": False,
    }


def levels(row: Listed, side: Levels, limit: int | None = None) -> list[Fields]:
    items = list(side.items())[:limit]
    return [{"price": price(row, p), "size": size(row, lots), "num_orders": min(lots, 3)} for p, lots in items]


def book(row: Listed, bids: Levels, asks: Levels, state: Picture, limit: int | None = None) -> Fields:
    sides = {"bids": levels(row, bids, limit), "asks": levels(row, asks, limit)}
    return {"event_time": f"{state.ms}{NS}", "instrument": row.native, **sides}


def push(stream: str, selector: str, seq: int | str, before: int | str, feed: Mapping[str, object]) -> bytes:
    """A push: its stream's name first, as the exchange has it."""
    head = {"stream": stream, "selector": selector, "sequence_number": str(seq)}
    return msgspec.json.encode({**head, "feed": feed, "prev_sequence_number": str(before)})


def instrument(row: Listed) -> Fields:
    """A row of the instruments list."""
    dated = row.market == "dated"
    tick, lot = f"{10**-row.price_decimals:.{row.price_decimals}f}", f"{10**-row.size_decimals:.{row.size_decimals}f}"
    return {
        "instrument": row.native,
        "instrument_hash": f"0x{row.key % (1 << 24):06x}",
        "base": row.base,
        "quote": row.quote,
        "kind": "FUTURE" if dated else "PERPETUAL",
        "venues": ["RFQ"] if row.native in RFQ_ONLY else ["ORDERBOOK", "RFQ"],
        "settlement_period": "QUARTERLY" if dated else "PERPETUAL",
        "base_decimals": 9,
        "quote_decimals": 6,
        "tick_size": number(tick),
        "min_size": number(lot),
        "create_time": f"{row.listed_ms}{NS}",
        "max_position_size": "1000000.0",
        "funding_interval_hours": 0 if dated else row.interval_h,
        "adjusted_funding_rate_cap": "2.0",
        "adjusted_funding_rate_floor": "-2.0",
        "min_notional": "5.0",
        "asset_class": "UNSPECIFIED",
        "status": "ACTIVE",
    }


def payments(row: Listed, market: Market, times: Iterable[int]) -> list[Fields]:
    """Funding payments at these times, in ms."""
    return [
        {
            "instrument": row.native,
            "funding_rate": percent(market.funding_rate(row, at / 1000 - 1)),
            "funding_time": f"{at}{NS}",
            "mark_price": number(f"{market.mark(row, at / 1000):.9f}"),
            "funding_rate_8_h_avg": percent(market.funding_rate(row, at / 1000 - 1)),
            "funding_interval_hours": row.interval_h,
        }
        for at in times
    ]


def due(row: Listed, since_ms: int, until_ms: int) -> list[int]:
    """When an instrument paid in a stretch of time, newest first."""
    span = row.interval_h * HOUR_MS
    return list(range(until_ms // span * span, since_ms - 1, -span))
