"""What a venue lists, under one set of names.

`asset` is the coin itself, upper case, multiplier removed; `symbol` is ccxt's unified form over assets; `native` is
the venue's own id and is only ever looked up, never cut up.
"""

from typing import Final, Literal

import msgspec

Market = Literal["spot", "perp"]
Category = Literal["crypto", "equity", "commodity", "fx", "index", "unknown"]
Status = Literal["trading", "halted", "pre", "delisting", "quarantined", "unknown"]
QuoteMode = Literal["on_change", "periodic"]

#: Reasons of quarantine that the collectors give themselves: a name that looks like a multiple of a coin and is in no
#: reviewed table, until a price check has confirmed it; and a symbol that another instrument of the venue has.
UNCONFIRMED: Final = "multiplier_unconfirmed"
COLLISION: Final = "collision"

#: The quote currencies whose instruments are collected. Others stay in the lookup table only.
COLLECTED_QUOTES: Final = frozenset({"USDT", "USDC", "USD"})


class Instrument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """One spot pair or linear perpetual of one venue.

    Prices, ticks and sizes are decimal text in normalised units (price per one base asset in quote, size in base
    assets). `multiplier` is how many assets one native base unit stands for ("1000" for 1000PEPE), `contract_size`
    how many native base units one contract holds ("1" where sizes are not in contracts). Fees are in basis points,
    None where the venue does not publish them per instrument. Times are nanoseconds. `trusted`: a user vouches that it
    is the coin it is read as.
    """

    venue: str
    market: Market
    symbol: str
    native: str
    base: str
    quote: str
    settle: str | None = None
    aliases: tuple[str, ...] = ()
    category: Category = "unknown"
    multiplier: str = "1"
    contract_size: str = "1"
    tick_size: str | None = None
    lot_size: str | None = None
    min_size: str | None = None
    min_notional: str | None = None
    funding_interval_h: str | None = None
    funding_cap: str | None = None
    funding_floor: str | None = None
    taker_fee_bps: str | None = None
    maker_fee_bps: str | None = None
    fee_ccy: str | None = None
    status: Status = "unknown"
    quarantine_reason: str | None = None
    quote_mode: QuoteMode = "on_change"
    quote_period_ms: int | None = None
    listed_ts: int | None = None
    delist_ts: int | None = None
    trusted: bool = False

    @property
    def asset(self) -> str:
        """The coin that this instrument is compared by; the same as `base`."""
        return self.base

    @property
    def collected(self) -> bool:
        """Whether the plan may select it: it trades, against a dollar quote."""
        return self.status == "trading" and self.quote in COLLECTED_QUOTES


def unified_symbol(base: str, quote: str, settle: str | None = None) -> str:
    """`BTC/USDT` for spot, `BTC/USDT:USDT` for a perpetual settled in USDT."""
    return f"{base}/{quote}" if settle is None else f"{base}/{quote}:{settle}"


def asset_of(symbol: str) -> str:
    """The asset of one of *our own* unified symbols (never of a venue's native id)."""
    return symbol.partition("/")[0]
