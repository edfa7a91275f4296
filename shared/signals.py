"""What the scanner writes: board rows and the life cycle of an opportunity.

All are msgpack maps. Positive is good for us in every edge, net and carry. Basis-point figures are decimal text with
two decimals, rounded half-even; prices and sizes keep the digits of the quote they came from. What a board holds by the
ten thousand is kept from the garbage collector (`gc=False`): it cannot be part of a cycle.
"""

from typing import Literal

import msgspec

from shared.instruments import Market
from shared.routes.fx import Fx

#: Bought first: `perp-spot` sells borrowed coins.
Kind = Literal["perp-perp", "spot-perp", "spot-spot", "perp-spot"]
CloseReason = Literal[
    "converged",
    "net",
    "stale",
    "feed",
    "crossed",
    "halted",
    "quarantined",
    "excluded",
    "delisted",
    "fx",
    "size",
    "max_edge",
    "config",
    "restart",
]
LegState = Literal[
    "ok",
    "quiet",
    "stale",
    "down",
    "gap",
    "crossed",
    "one_sided",
    "halted",
    "quarantined",
    "excluded",
    "delisted",
    "unconfirmed",
]


class Leg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One market of an asset as the scanner sees it. Text as the venue wrote it, times in nanoseconds.

    `reason` says why it is quarantined: a word, and where there is more to say a colon and a sentence.
    """

    venue: str
    market: Market
    symbol: str
    native: str
    state: LegState
    bid: str | None = None
    bid_size: str | None = None
    ask: str | None = None
    ask_size: str | None = None
    last: str | None = None
    ts: int | None = None
    recv: int | None = None
    source: str | None = None
    mark: str | None = None
    index: str | None = None
    funding_rate: str | None = None
    funding_interval_h: str | None = None
    next_funding_ts: int | None = None
    volume: str | None = None
    turnover: str | None = None
    open_interest: str | None = None
    reason: str | None = None


class RouteFunding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a route's funding brings (positive) or costs: sold leg less bought leg, in basis points and percent.

    `apr_percent` is of the notional, simple; `apr_equity_percent` of the money tied up at 1x on both sides. `next_ts`
    (ns) and `next_bps`: the earliest settlement ahead. `even_ts` (ns): when the payments will have covered what the
    round trip costs (`cost_bps`, rounded up to a whole one), after `even_payments` of them; `even_stays_ts`: from when
    on they always will have; None where 30 days do not.
    """

    carry_8h_bps: str
    apr_percent: str
    apr_equity_percent: str
    next_ts: int | None = None
    next_bps: str | None = None
    cost_bps: str | None = None
    even_ts: int | None = None
    even_payments: int | None = None
    even_stays_ts: int | None = None


class RouteDepth(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What both books hold below their best levels. Dollars are what the bought side costs.

    `edge_bps`, `net_bps` are the averages over `usd` (the setting `trade_usd`, or what the books hold). `pays_usd` is
    the largest size whose last unit still pays its fees, `pays_size` the same in base units, `profit_usd` what it would
    leave; `keeps_usd` the largest whose last unit still nets `min_net_bps`. `at_least`: a book ended first.
    """

    usd: str
    edge_bps: str | None
    net_bps: str | None
    pays_usd: str
    pays_size: str
    profit_usd: str
    keeps_usd: str
    at_least: bool
    recv: tuple[int, int]


class RouteStats(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A route's spread beside its own past, by minutes. None where too little of it is known.

    `z` and `robust_z`: over 1 h, 12 h, 7 d. `half_life_s`: None also where the spread does not come back for sure.
    `exit_bps`: the median exit edge of a day; `net_rt_bps` = edge + that - all four fees.
    """

    z: tuple[float | None, float | None, float | None]
    robust_z: tuple[float | None, float | None, float | None]
    percentile: float | None
    half_life_s: int | None
    convergences_24h: int | None
    exit_bps: str | None
    net_rt_bps: str | None
    minutes: int


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Buy at A's ask, sell at B's bid. A and B are `(venue, market, native)`.

    `net_open_bps` is the edge less both taker fees; `net_cash_bps` is that less the funding due soon;
    `net_in_out_bps` is the edge less all four fees: what is left once the prices have met. `net_now_bps` is the edge
    plus the exit edge of this moment less all four fees: what entering and leaving at once would leave. For spot
    against spot both are `net_open_bps`. `size` is in base units, by the lot rule. `funding` where both legs' is known,
    `depth` where both books are collected, `stats` where the pair has come near a signal within a day.
    """

    kind: Kind
    buy: tuple[str, Market, str]
    sell: tuple[str, Market, str]
    buy_price: str
    sell_price: str
    edge_bps: str
    net_open_bps: str
    net_in_out_bps: str
    net_now_bps: str
    net_cash_bps: str
    size: str
    size_usd: str
    flags: tuple[str, ...] = ()
    funding: RouteFunding | None = None
    depth: RouteDepth | None = None
    stats: RouteStats | None = None


class BoardRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The current picture of one asset. `at` is event time in ns; readers drop a lower (fence, ver).

    Without `legs`: no venue lists the asset any more, and it has no row from here on.

    `best` is the route with the highest net_open_bps among those whose legs are all good, None without one (`why`
    then says why). `signals` are the ids of the asset's open signals.

    What a reader needs to judge the other routes as the scanner does: `doubtful` are pairs of `legs`, by their places,
    that are in doubt to be one coin or that the user keeps apart: no route goes between them; `fx` is the rate in force
    and `fx_at` (ns) when it was taken; `usual`, of each of `legs`, the median of the rates that it settled within seven
    days (a fraction per its interval; a float: an estimate), None where it settled none, empty where none of them did.
    """

    asset: str
    fence: int
    ver: int
    at: int
    legs: tuple[Leg, ...]
    best: Route | None
    why: str | None = None
    signals: tuple[str, ...] = ()
    doubtful: tuple[tuple[int, int], ...] = ()
    fx: Fx | None = None
    fx_at: int = 0
    usual: tuple[float | None, ...] = ()


class SignalLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a signal as it stood when the record was made."""

    venue: str
    market: Market
    symbol: str
    native: str
    price: str
    size: str
    age_ms: int
    funding_rate: str | None = None
    funding_interval_h: str | None = None
    next_funding_ts: int | None = None


class PlanOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One of two orders: a limit order at `worst_price` that is filled at once or not at all. `size` in base units,
    whole lots of both markets; the fee is the taker's, in dollars at the prices that stood."""

    side: Literal["buy", "sell"]
    venue: str
    market: Market
    symbol: str
    native: str
    size: str
    worst_price: str
    fee_bps: str
    fee_usd: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must be true when the orders go out: `least`, `most`, and how it stood. `both_trading`: neither market is
    halted, quarantined, excluded. `funding_due_ts` (ns): a payment that was reckoned with falls due then.
    `borrow_apr_percent`: the coins that are sold can be borrowed at the rate that was reckoned with."""

    name: Literal[
        "edge_bps",
        "net_cash_bps",
        "size_usd",
        "quote_age_ms",
        "both_trading",
        "usdc_usdt",
        "funding_due_ts",
        "borrow_apr_percent",
    ]
    least: str | None = None
    most: str | None = None
    now: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to take it: both orders at once. `gain_usd` is what the prices that stood leave after the fees of entering,
    `least_gain_usd` what is left with both orders filled at their worst; leaving costs `exit_fees_usd` more. Between
    two spot markets that is moving the coins, where the user says what it costs."""

    orders: tuple[PlanOrder, PlanOrder]
    size_usd: str
    fees_usd: str
    exit_fees_usd: str
    gain_usd: str
    least_gain_usd: str
    holds: tuple[Condition, ...]


class ScoreTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Points gained, `of` so many at most, or lost (negative, of 0), and what they were given for."""

    name: str
    points: str
    of: int
    value: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """0 to 100: the sum of the terms' points, within these bounds."""

    points: str
    terms: tuple[ScoreTerm, ...]


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One opportunity; every life-cycle record carries the whole of it. Times in event time, nanoseconds.

    `edge_bps`, `net_open_bps`, `net_cash_bps`, `size`, `size_usd` and both legs are those of the last good sample;
    peaks are taken at samples, `samples` counts the good ones; `plan` and `score` are of the last record that was sent
    while it was open. `open_ages_ms` are the ages of the two quotes when it opened, bought leg first.
    """

    id: str
    rev: int
    event: Literal["open", "update", "close"]
    at: int
    asset: str
    kind: Kind
    key: str
    buy: SignalLeg
    sell: SignalLeg
    first_at: int
    opened_at: int
    ended_at: int | None = None
    closed_at: int | None = None
    close_reason: CloseReason | None = None
    edge_bps: str
    net_open_bps: str
    net_cash_bps: str
    open_edge_bps: str
    open_net_bps: str
    open_size_usd: str
    open_ages_ms: tuple[int, int]
    peak_edge_bps: str
    peak_net_bps: str
    peak_size_usd: str
    peak_at: int
    size: str
    size_usd: str
    updates: int = 0
    duration_ms: int | None = None
    config_version: int = 0
    flags: tuple[str, ...] = ()
    samples: int = 0
    plan: Plan | None = None
    score: Score | None = None
