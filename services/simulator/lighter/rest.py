"""Lighter's REST: `GET /api/v1/…`, sixty requests in a rolling minute for an address."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from services.simulator.book import picture
from services.simulator.lighter import frames
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.wire import Reply, json_reply

PREFIX = "/api/v1/"
ORDERS_MOST = 250
PAID_MOST = 750
LIMITED = {"code": 23000, "message": "Too Many Requests!"}
INVALID = {"code": 20001, "message": "invalid param"}

Query = Mapping[str, str]


class Bodies:
    """Answers over the venue's rows; `prints(row)` are an instrument's newest trades, oldest first."""

    def __init__(
        self, rows: Sequence[Listed], market: Market, most: float, prints: Callable[[Listed], Sequence[str]]
    ) -> None:
        self.rows, self.market, self._most, self._prints = rows, market, most, prints
        self._by_id = {row.native: row for row in rows}
        self._asked: deque[float] = deque()
        self.paths: dict[str, Callable[[Query, float], object]] = {
            "orderBookDetails": self.details,
            "orderBooks": self.books,
            "orderBookOrders": self.orders,
            "recentTrades": self.trades,
            "fundings": self.fundings,
            "funding-rates": self.rates,
            "assetDetails": lambda query, t: {"code": 200, "asset_details": [{"asset_id": 3, "symbol": "USDC"}]},
        }

    def answer(self, path: str, query: Query, t: float) -> Reply:
        make = self.paths.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        if make is None:
            return json_reply({"code": 404, "message": "not found"}, 404)
        while self._asked and self._asked[0] <= t - 60.0:
            self._asked.popleft()
        if len(self._asked) >= self._most:
            return json_reply(LIMITED, 429)
        self._asked.append(t)
        made = make(query, t)
        return json_reply(INVALID, 400) if made is None else wrapped(made)

    def _here(self, query: Query) -> list[Listed]:
        wanted = query.get("market_id")
        return [row for row in self.rows if row.status != "unlisted" and wanted in (None, row.native)]

    def details(self, query: Query, t: float) -> dict[str, object]:
        made: dict[str, list[object]] = {"order_book_details": [], "spot_order_book_details": []}
        for row in self._here(query):
            made[frames.LISTS[row.market]].append(frames.details(row, self.market, t))
        return {"code": 200, **made}

    def books(self, query: Query, t: float) -> dict[str, object]:
        return {"code": 200, "order_books": [frames.details(row, self.market, t) for row in self._here(query)]}

    def orders(self, query: Query, t: float) -> dict[str, object] | None:
        row, limit = self._by_id.get(query.get("market_id", "")), query.get("limit", "")
        if row is None or not limit.isdigit() or not 1 <= int(limit) <= ORDERS_MOST:
            return None
        state = picture(row, int(limit))
        empty = row.status not in ("trading", "pre")
        bids, asks = ([], []) if empty else (frames.orders(row, s, int(limit)) for s in (state.bids, state.asks))
        return {"code": 200, "total_asks": len(asks), "asks": asks, "total_bids": len(bids), "bids": bids}

    def trades(self, query: Query, t: float) -> bytes | None:
        row, limit = self._by_id.get(query.get("market_id", "")), query.get("limit", "")
        if row is None or not limit.isdigit() or not 1 <= int(limit) <= 100:
            return None
        newest = list(reversed(self._prints(row)))[: int(limit)]
        return f'{{"code":200,"trades":[{",".join(newest)}]}}'.encode()

    def fundings(self, query: Query, t: float) -> dict[str, object] | None:
        """Payments between two times in seconds, oldest first."""
        row = self._by_id.get(query.get("market_id", ""))
        times = [query.get(name, "") for name in ("start_timestamp", "end_timestamp", "count_back")]
        if row is None or row.market != "perp" or query.get("resolution") != "1h" or not all(map(str.isdigit, times)):
            return None
        start, end, _ = map(int, times)
        hour = HOUR_MS // 1000
        first, last = -(-start // hour) * hour, min(end, int(t))
        rows = []
        for at in range(first, last + 1, hour)[-PAID_MOST:]:
            rate = frames.percent(frames.paid_rate(row, self.market, at * 1000))
            direction = "short" if rate.startswith("-") else "long"
            rows.append({"timestamp": at, "value": "0.0012", "rate": rate.removeprefix("-"), "direction": direction})
        return {"code": 200, "resolution": "1h", "fundings": rows}

    def rates(self, query: Query, t: float) -> dict[str, object]:
        """Fractions per 8 hours, other exchanges' among them."""
        rows: list[dict[str, object]] = []
        for row in self._here(query):
            if row.market == "perp":
                named = {"market_id": row.number, "symbol": row.base}
                rows.append({**named, "exchange": "lighter", "rate": self.market.funding_rate(row, t) * 8})
                rows.append({**named, "exchange": "binance", "rate": 0.0001})
        return {"code": 200, "funding_rates": rows}


def wrapped(made: object) -> Reply:
    return Reply(made) if isinstance(made, bytes) else json_reply(made)
