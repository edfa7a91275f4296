"""Paradex's REST answers: `{"results": [...]}`, or one object for a book and a best bid and offer."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from services.simulator.book import Levels, picture
from services.simulator.listing import Listed
from services.simulator.market import Market
from services.simulator.options import Rules
from services.simulator.wire import Reply, json_reply

Query = Mapping[str, str]
CATEGORIES = frozenset({"crypto"})


def refusal(code: str, text: str, status: int = 400) -> Reply:
    return json_reply({"error": code, "message": text, "data": None}, status)


def plain(value: float, places: int = 8) -> str:
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


class Bodies:
    """Answers over the venue's rows; an address has so many requests a minute."""

    def __init__(self, rows: Sequence[Listed], market: Market, levels: int, rules: Rules) -> None:
        self._rows, self._market, self._levels = rows, market, levels
        self._most = int(rules.of("paradex.requests_per_minute", 1500))
        self._asked: deque[float] = deque()
        self._lists: dict[str, Callable[[Query, float], list[object] | Reply]] = {
            "/v1/markets": self.markets,
            "/v1/markets/summary": self.summaries,
            "/v1/trades": self.trades,
            "/v1/funding/data": self.funding,
        }

    def answer(self, path: str, query: Query, t: float) -> Reply:
        while self._asked and self._asked[0] <= t - 60.0:
            self._asked.popleft()
        if len(self._asked) >= self._most:
            return refusal("RATE_LIMIT_EXCEEDED", "too many requests", 429)
        self._asked.append(t)
        if path in self._lists:
            found = self._lists[path](query, t)
            return found if isinstance(found, Reply) else json_reply({"results": found})
        head, _, name = path.rpartition("/")
        if head in ("/v1/orderbook", "/v1/bbo"):
            row = self.named(name)
            if row is None:
                return refusal("INVALID_SYMBOL", f"market {name} does not exist", 404)
            return json_reply(self.book(row, query) if head == "/v1/orderbook" else self.best(row))
        if path == "/v1/system/time":
            return json_reply({"server_time": str(int(t * 1000))})
        return json_reply({"status": "ok"}) if path == "/v1/system/state" else refusal("NOT_FOUND", path, 404)

    def listed(self) -> list[Listed]:
        return [row for row in self._rows if row.status in ("trading", "halted")]

    def named(self, name: str) -> Listed | None:
        return next((row for row in self.listed() if row.native == name), None)

    def markets(self, query: Query, t: float) -> list[object] | Reply:
        wanted = query.get("market")
        if wanted is not None and self.named(wanted) is None:
            return refusal("INVALID_SYMBOL", f"market {wanted} does not exist", 404)
        return [terms(row) for row in self.listed() if wanted in (None, row.native)]

    def summaries(self, query: Query, t: float) -> list[object] | Reply:
        wanted = query.get("market")
        if not wanted:
            return refusal("INVALID_REQUEST_PARAMETER", "market is required")
        rows = [row for row in self.listed() if wanted in ("ALL", row.native)]
        return [self.summary(row, t) for row in rows]

    def summary(self, row: Listed, t: float) -> object:
        market, perp = self._market, row.market == "perp"
        turnover = market.volume(row) * market.fair(row.coin, t)
        return {
            "symbol": row.native,
            "mark_price": plain(market.mark(row, t)),
            "underlying_price": plain(market.index(row, t)),
            "last_traded_price": trim(row.price_text(row.last)),
            "bid": trim(row.price_text(row.bid)),
            "bid_size": trim(row.size_text(row.bid_size)),
            "ask": trim(row.price_text(row.ask)),
            "ask_size": trim(row.size_text(row.ask_size)),
            "volume_24h": plain(turnover),
            "total_volume": plain(turnover * 100),
            "open_interest": plain(market.open_interest(row) / row.units) if perp else "0",
            "funding_rate": plain(market.funding_rate(row, t), 14) if perp else "",
            "price_change_rate_24h": "0.0123",
            "created_at": int(t * 1000),
        }

    def trades(self, query: Query, t: float) -> list[object] | Reply:
        row = self.named(query.get("market", ""))
        if row is None:
            return refusal("INVALID_REQUEST_PARAMETER", "market is required")
        return [
            {
                "id": str(row.trade_id),
                "market": row.native,
                "side": "BUY",
                "size": trim(row.size_text(row.last_size)),
                "price": trim(row.price_text(row.last)),
                "created_at": row.ms,
                "trade_type": "FILL",
            }
        ]

    def funding(self, query: Query, t: float) -> list[object] | Reply:
        """Observations of the last minute, newest first."""
        row = self.named(query.get("market", ""))
        if row is None:
            return refusal("INVALID_REQUEST_PARAMETER", "market is required")
        made: list[object] = []
        for at in (t - 5 * n for n in range(12)):
            rate = self._market.funding_rate(row, at)
            made.append(
                {
                    "market": row.native,
                    "funding_rate": plain(rate, 14),
                    "funding_rate_8h": plain(rate * 8 / row.interval_h),
                    "funding_index": plain(rate * at, 17),
                    "funding_premium": plain(rate * self._market.index(row, at), 17),
                    "funding_period_hours": row.interval_h,
                    "created_at": int(at * 1000),
                }
            )
        return made

    def best(self, row: Listed) -> object:
        return {
            "market": row.native,
            "seq_no": row.u,
            "last_updated_at": row.ms,
            "bid": trim(row.price_text(row.bid)),
            "bid_size": trim(row.size_text(row.bid_size)),
            "ask": trim(row.price_text(row.ask)),
            "ask_size": trim(row.size_text(row.ask_size)),
        }

    def book(self, row: Listed, query: Query) -> object:
        asked = query.get("depth", "20")
        state, depth = picture(row, self._levels), int(asked) if asked.isdigit() else 20
        return {
            "market": row.native,
            "seq_no": state.u,
            "last_updated_at": state.ms,
            "bids": levels(row, state.bids, depth),
            "asks": levels(row, state.asks, depth),
        }


def levels(row: Listed, side: Levels, depth: int) -> list[list[str]]:
    return [[trim(row.price_text(p)), trim(row.size_text(s))] for p, s in list(side.items())[:depth]]


def terms(row: Listed) -> object:
    """A market as listed. Options stand among the perpetuals."""
    perp = row.market == "perp"
    kind = "PERP" if perp else "SPOT" if row.market == "spot" else "OPTION" if "NOV" in row.native else "PERP_OPTION"
    made: dict[str, object] = {
        "symbol": row.native,
        "base_currency": row.base,
        "quote_currency": row.quote,
        "settlement_currency": "USDC",
        "order_size_increment": trim(f"{10.0**-row.size_decimals:.{row.size_decimals}f}"),
        "price_tick_size": trim(f"{10.0**-row.price_decimals:.{row.price_decimals}f}"),
        "min_notional": "10",
        "open_at": row.listed_ms,
        "expiry_at": row.end_ms if kind == "OPTION" else 0,
        "asset_kind": kind,
        "market_kind": "cross",
        "max_open_orders": 150,
        "trading_mode": "STANDARD" if row.status == "trading" else "RFQ_ONLY",
        "tags": ["MEME"] if row.category in CATEGORIES else ["RWA"],
    }
    if kind != "SPOT":
        made |= {"max_funding_rate": "0.05", "funding_period_hours": row.interval_h, "interest_rate": "0.0001"}
    if kind.endswith("OPTION"):
        made |= {"option_type": "CALL" if row.native.endswith("C") else "PUT", "strike_price": "96000"}
    return made
