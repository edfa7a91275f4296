"""Bybit's REST answers: `{"retCode": 0, "retMsg": "OK", "result": {…}, "time": ms}`.

More than 600 requests in 5 s from one address are answered with 403 for ten minutes.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, quote

import msgspec

from services.simulator.book import picture
from services.simulator.bybit import frames
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.options import Rules
from services.simulator.wire import Reply

Query = Mapping[str, str]
Result = dict[str, object]
PAGE, PAGE_MOST = 500, 1000
DAYS = 90


class Refusal(Exception):
    """A request that the venue answers with a code of its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Bodies:
    """Answers over the venue's rows."""

    def __init__(self, rows: Sequence[Listed], market: Market, levels: int, rules: Rules) -> None:
        self.rows, self.market, self.levels = rows, market, levels
        self._most = rules.of("bybit.requests", 600)
        self._ban_s = rules.of("bybit.ban_s", 600.0)
        self._asked: deque[float] = deque()
        self._banned = 0.0
        self.paths: dict[str, Callable[[Query, float], Result]] = {
            "/v5/market/time": lambda query, t: {"timeSecond": str(int(t)), "timeNano": str(int(t * 1e9))},
            "/v5/market/instruments-info": self.instruments,
            "/v5/market/tickers": self.tickers,
            "/v5/market/orderbook": self.book,
            "/v5/market/funding/history": self.funding_history,
        }

    def answer(self, path: str, query: Query, t: float) -> Reply:
        while self._asked and self._asked[0] <= t - 5.0:
            self._asked.popleft()
        self._asked.append(t)
        if len(self._asked) > self._most:
            self._banned = t + self._ban_s
        if t < self._banned:
            return Reply(b'{"retCode":10018,"retMsg":"access too frequent","result":{}}', 403)
        if path not in self.paths:
            return Reply(b"{}", 404)
        try:
            return body(0, "OK", self.paths[path](query, t), t)
        except Refusal as refusal:
            return body(refusal.code, refusal.text, {}, t)
        except ValueError:
            return body(10001, "params error", {}, t)

    # -- what is asked ---------------------------------------------------------------------------------------------

    def listed(self, query: Query) -> tuple[str, list[Listed]]:
        """The category asked for and its rows, narrowed to a symbol where one is given."""
        category = query.get("category", "")
        if category not in ("spot", "linear", "inverse", "option"):
            raise Refusal(10001, "Illegal category")
        rows = [row for row in self.rows if frames.CATEGORIES[row.market] == category and row.status != "unlisted"]
        if "symbol" in query:
            rows = [row for row in rows if row.native == query["symbol"]]
        return category, rows

    def one(self, query: Query) -> tuple[str, Listed]:
        category, rows = self.listed(query)
        if "symbol" not in query or not rows:
            raise Refusal(10001, "Not supported symbols" if "symbol" in query else "params error: symbol")
        return category, rows[0]

    def instruments(self, query: Query, t: float) -> Result:
        """What trades, or has the status asked for; pages for all but spot."""
        category, rows = self.listed(query)
        status = query.get("status", "Trading")
        rows = [row for row in rows if frames.STATUS[row.status] == status]
        if category == "spot":
            return {"category": category, "list": [frames.instrument(row) for row in rows]}
        first = 0
        if query.get("cursor"):
            last = parse_qs(query["cursor"]).get("last", [""])[0]
            first = next((n + 1 for n, row in enumerate(rows) if row.native == last), len(rows))
        page = rows[first : first + min(PAGE_MOST, int(query.get("limit", str(PAGE))))]
        cursor = f"first={page[0].native}&last={page[-1].native}" if page and page[-1] is not rows[-1] else ""
        listed = [frames.instrument(row) for row in page]
        return {"category": category, "list": listed, "nextPageCursor": quote(cursor, safe="")}

    def tickers(self, query: Query, t: float) -> Result:
        category, rows = self.listed(query)
        rows = [row for row in rows if row.status == "trading"]
        if category == "spot":
            found = [{**frames.spot_ticker(row, self.market), **frames.top(row)} for row in rows]
        else:
            found = [frames.ticker(row, self.market, t) for row in rows]
        return {"category": category, "list": found}

    def book(self, query: Query, t: float) -> Result:
        category, row = self.one(query)
        depth = min(PAGE_MOST, int(query.get("limit", "1" if category == "spot" else "25")))
        state = picture(row, min(depth, self.levels))
        sides: dict[str, object] = {
            name: [[frames.price(row, p), frames.size(row, lots)] for p, lots in list(side.items())[:depth]]
            for name, side in (("b", state.bids), ("a", state.asks))
        }
        return {"s": row.native, **sides, "ts": int(t * 1000), "u": state.u, "seq": row.u, "cts": state.ms}

    def funding_history(self, query: Query, t: float) -> Result:
        """Settled payments, the newest first; a start needs an end."""
        category, row = self.one(query)
        if category == "spot" or ("startTime" in query and "endTime" not in query):
            raise Refusal(10001, "params error")
        span, limit = row.interval_h * HOUR_MS, min(200, int(query.get("limit", "200")))
        newest = min(int(t * 1000), int(query.get("endTime", str(int(t * 1000))))) // span * span
        oldest = int(query.get("startTime", str(newest - DAYS * 24 * HOUR_MS)))
        paid = [
            {
                "symbol": row.native,
                "fundingRate": frames.plain(self.market.funding_rate(row, at / 1000 - 1), 8),
                "fundingRateTimestamp": str(at),
            }
            for at in list(range(newest, oldest - 1, -span))[:limit]
        ]
        return {"category": category, "list": paid}


def body(code: int, text: str, result: Result, t: float) -> Reply:
    fields = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": int(t * 1000)}
    return Reply(msgspec.json.encode(fields))
