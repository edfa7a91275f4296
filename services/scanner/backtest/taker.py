"""What somebody had kept who takes every signal: both legs at once, so long after it opened, at the prices that stand
then. Floats: it is a report, no decision hangs on it.

    in    at `opened + latency`: buy at A's ask, sell at B's bid, as much as is at the top of both, at most the
          signal's size
    out   `latency` after the route's edge has fallen to `exit_bps` (the prices have met), or after `hold_s`, or at the
          end of the range: sell at A's bid, buy at B's ask
    kept  (bid_B − ask_A) + (bid_A' − ask_B') − taker fees of all four, + funding that fell due between, over ask_A;
          a loan of the coins sold counts as funding

Spot against spot has no way back: it is kept once it is in, less what moving the coins costs. A leg that is not good at
the moment of going in (halted, stale, one-sided, …) is a miss; on the way out it is waited for.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Final, Literal

from services.scanner.fold import Fold
from services.scanner.market import MS, SECOND, Asset, Leg
from shared.routes.costs import owing
from shared.routes.edge import factors
from shared.routes.funding import settlements
from shared.routes.fx import crosses
from shared.routes.size import top_size
from shared.signals import Signal

BPS: Final = 10_000

Fate = Literal["missed", "kept", "held", "left"]


@dataclass(frozen=True)
class Terms:
    """How a taker acts. Times in ms and s, the exit in basis points of the route's edge."""

    latency_ms: int
    hold_s: float
    exit_bps: float


@dataclass(eq=False)
class Trade:
    """One taking of one signal. Prices are in common dollars; `usd` is what the bought leg cost."""

    signal: Signal
    terms: Terms
    partition: int
    buy: Leg
    sell: Leg
    fate: Fate = "missed"
    why: str = ""
    usd: float = 0.0
    #: edge at the moment of going in, and that less both fees, in bps
    edge_bps: float = 0.0
    in_bps: float = 0.0
    kept_bps: float = 0.0
    in_at: int = 0
    out_at: int = 0
    out_why: str = ""
    funding_bps: float = 0.0
    fees_bps: float = 0.0
    ask: float = 0.0
    bid: float = 0.0
    leaving: bool = False

    @property
    def kept_usd(self) -> float:
        return self.kept_bps * self.usd / BPS


class Taker:
    """All takings of one partition's signals, by one set of terms."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.trades: list[Trade] = []
        self._due: list[tuple[int, int, Trade]] = []
        self._number = count()
        self._open: dict[Asset, list[Trade]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is on its way or held."""
        return bool(self._due)

    def take(self, partition: int, fold: Fold, signal: Signal) -> None:
        """A signal has opened: an order is on its way."""
        natives = fold.natives
        buy, sell = (natives[leg.venue][leg.market, leg.native] for leg in (signal.buy, signal.sell))
        trade = Trade(signal, self.terms, partition, buy, sell)
        self.trades.append(trade)
        self._at(signal.opened_at + self.terms.latency_ms * MS, trade)

    def look(self, fold: Fold, now: int, touched: Iterable[Asset]) -> None:
        """Time is `now`, and nothing has changed since it was reached: what is due is done, in the order of time."""
        for asset in touched:
            for trade in self._open.get(asset, ()):
                if not trade.leaving and (edge := _edge(trade, fold)) is not None and edge <= self.terms.exit_bps:
                    self._leave(trade, now, "met")
        while self._due and self._due[0][0] <= now:
            due, _, trade = heapq.heappop(self._due)
            if trade.fate == "missed":
                self._go_in(trade, fold, due)
            elif trade.fate == "held" and not trade.leaving:
                self._leave(trade, due, "time")
            elif trade.fate == "held":
                self._go_out(trade, fold, due, force=False)

    def end(self, fold: Fold, now: int) -> None:
        """Nothing is known of what follows: what is held is valued at what stands."""
        self._due.clear()
        for trade in [trade for trades in self._open.values() for trade in trades]:
            trade.out_why = "end"
            self._go_out(trade, fold, now, force=True)

    def _at(self, due: int, trade: Trade) -> None:
        heapq.heappush(self._due, (due, next(self._number), trade))

    def _leave(self, trade: Trade, at: int, why: str) -> None:
        trade.leaving, trade.out_why = True, why
        self._at(at + self.terms.latency_ms * MS, trade)

    def _go_in(self, trade: Trade, fold: Fold, at: int) -> None:
        buy, sell = trade.buy, trade.sell
        why = _trouble(buy, sell, fold)
        size, power = top_size(buy, sell)
        if why is not None or not size:
            trade.why = why or "size"
            return
        q_buy, q_sell = map(float, factors(buy, sell, fold.judge.rate))
        buy.numbers()
        sell.numbers()
        trade.ask, trade.bid = buy.ask * q_buy, sell.bid * q_sell
        fees = _fees(trade)
        trade.usd = min(size / power, float(trade.signal.size)) * trade.ask
        trade.edge_bps = (trade.bid / trade.ask - 1) * BPS
        trade.fees_bps = fees[0] + fees[1] * trade.bid / trade.ask
        trade.in_bps = trade.kept_bps = trade.edge_bps - trade.fees_bps
        trade.in_at = at
        if trade.signal.kind == "spot-spot":
            moved = float(fold.judge.transfers.bps(buy.asset.name, buy, sell))
            trade.fate, trade.kept_bps, trade.fees_bps = "kept", trade.in_bps - moved, trade.fees_bps + moved
            return
        trade.fate = "held"
        self._open.setdefault(buy.asset, []).append(trade)
        self._at(at + int(self.terms.hold_s * SECOND), trade)

    def _go_out(self, trade: Trade, fold: Fold, at: int, *, force: bool) -> None:
        buy, sell = trade.buy, trade.sell
        buy.numbers()
        sell.numbers()
        if not force and _trouble(sell, buy, fold) is not None:
            self._at(at + SECOND, trade)
            return
        back, again = buy.bid, sell.ask
        if not crosses(buy, sell) or fold.judge.rate.mid is not None:
            q_sell, q_buy = map(float, factors(sell, buy, fold.judge.rate))
            back, again = back * q_buy, again * q_sell
        if not back or not again:  # there is no price at all: as if it had been left where it was entered
            back, again, trade.out_why = trade.ask, trade.bid, "unknown"
        fees = _fees(trade)
        out_fees = (fees[0] * back + fees[1] * again) / trade.ask
        trade.fees_bps += out_fees
        held = at - trade.in_at
        for leg, sign in ((buy, -1), (owing(buy, sell), 1)):
            if leg.funding is not None and leg.market == "perp":
                trade.funding_bps += sign * float(settlements(leg, trade.in_at, held)) * float(leg.funding.rate) * BPS
        trade.kept_bps = trade.in_bps + (back - again) / trade.ask * BPS - out_fees + trade.funding_bps
        trade.fate, trade.out_at = "left", at
        self._open[buy.asset].remove(trade)


def _edge(trade: Trade, fold: Fold) -> float | None:
    """The route's edge as it stands, in bps; None where a leg is not good."""
    buy, sell = trade.buy, trade.sell
    if _trouble(buy, sell, fold) is not None:
        return None
    q_buy, q_sell = map(float, factors(buy, sell, fold.judge.rate))
    buy.numbers()
    sell.numbers()
    return (sell.bid * q_sell / (buy.ask * q_buy) - 1) * BPS if buy.ask else None


def _trouble(buy: Leg, sell: Leg, fold: Fold) -> str | None:
    """Why this route cannot be traded now."""
    why = fold.judge.legs(buy, sell, fold.at)
    if why is None and crosses(buy, sell) and fold.judge.rate.trouble(fold.at) is not None:
        return "fx"
    return why


def _fees(trade: Trade) -> tuple[float, float]:
    """Taker fees of the bought and the sold leg in bps; a signal opens only where they are known."""
    return float(trade.buy.fee or 0), float(trade.sell.fee or 0)
