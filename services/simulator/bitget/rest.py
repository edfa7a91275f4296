"""Bitget's REST answers: `{"code":"00000","msg":"success","requestTime":ms,"data":…}`, 20 a second for each path."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.simulator.bitget import frames
from services.simulator.book import picture
from services.simulator.listing import Listed
from services.simulator.market import Market
from services.simulator.options import Rules
from services.simulator.wire import Reply

Query = Mapping[str, str]
SPOT, MIX, UNIFIED = "/api/v2/spot", "/api/v2/mix/market", "/api/v3/market"
DAYS = 30
#: fields of a ticker that only the socket has
SOCKET_ONLY = frozenset({"instId", "nextFundingTime", "symbolType", "deliveryPrice"})


class Refusal(Exception):
    """A request that the venue answers with a code of its own."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Bodies:
    """Answers over the venue's rows."""

    def __init__(self, rows: Sequence[Listed], market: Market, levels: int, rules: Rules) -> None:
        self.rows, self.market, self.levels = rows, market, levels
        self._most = rules.of("bitget.requests_per_s", 20)
        self._asked: dict[str, deque[float]] = {}
        self.paths: dict[str, Callable[[Query, float], object]] = {
            "/api/v2/public/time": lambda query, t: {"serverTime": str(int(t * 1000))},
            f"{SPOT}/public/symbols": lambda query, t: [frames.symbol(row) for row in self.listed(query, "SPOT")],
            f"{SPOT}/market/tickers": lambda query, t: self.tickers(query, "SPOT", t),
            f"{SPOT}/market/orderbook": self.spot_book,
            f"{MIX}/contracts": lambda query, t: [frames.contract(row) for row in self.listed(query)],
            f"{MIX}/tickers": lambda query, t: self.tickers(query, "", t),
            f"{MIX}/ticker": lambda query, t: self.tickers(self._with_symbol(query), "", t),
            f"{MIX}/merge-depth": self.merged_book,
            f"{MIX}/current-fund-rate": self.rates,
            f"{MIX}/history-fund-rate": self.payments,
            f"{MIX}/open-interest": self.interest,
            f"{MIX}/symbol-price": self.prices,
            f"{UNIFIED}/instruments": lambda query, t: [frames.kind(row) for row in self.listed(query)],
            f"{UNIFIED}/tickers": self.unified_tickers,
        }

    def answer(self, path: str, query: Query, t: float) -> Reply:
        if path not in self.paths:
            return body("40404", "Request URL NOT FOUND", None, t, 404)
        asked = self._asked.setdefault(path, deque())
        while asked and asked[0] <= t - 1.0:
            asked.popleft()
        if len(asked) >= self._most:
            return body("429", "Too Many Requests", None, t, 429)
        asked.append(t)
        try:
            return body("00000", "success", self.paths[path](query, t), t)
        except Refusal as refusal:
            return body(refusal.code, refusal.text, None, t, 400)
        except ValueError:
            return body("400172", "Parameter verification failed", None, t, 400)

    # -- what is asked ---------------------------------------------------------------------------------------------

    @staticmethod
    def _with_symbol(query: Query) -> Query:
        if not query.get("symbol"):
            raise Refusal("400172", "Parameter symbol cannot be empty")
        return query

    def listed(self, query: Query, product: str = "") -> list[Listed]:
        """The rows of a product, narrowed to a symbol where one is given."""
        named = product or (query.get("productType") or query.get("category") or "").upper()
        if not named:
            raise Refusal("400172", "Parameter productType cannot be empty")
        if named not in frames.PRODUCTS:
            raise Refusal("40020", "Parameter productType error")
        rows = [row for row in self.rows if frames.product(row) == named and row.status != "unlisted"]
        if query.get("symbol"):
            rows = [row for row in rows if row.native == query["symbol"]]
            if not rows:
                raise Refusal("40034", f"Parameter {query['symbol']} does not exist")
        return rows

    def one(self, query: Query, product: str = "") -> Listed:
        return self.listed(self._with_symbol(query), product)[0]

    def tickers(self, query: Query, product: str, t: float) -> object:
        rows = [row for row in self.listed(query, product) if row.status in ("trading", "halted")]
        made = []
        for row in rows:
            fields = frames.ticker(row, self.market, t)
            fields["symbol"] = row.native
            made.append({name: value for name, value in fields.items() if name not in SOCKET_ONLY})
        return made

    def unified_tickers(self, query: Query, t: float) -> object:
        rows = [row for row in self.listed(query) if row.status in ("trading", "halted")]
        made = []
        for row in rows:
            fields = frames.unified_ticker(row, self.market, t)
            fields.pop("nextFundingTime", None)
            made.append({"category": frames.product(row), "symbol": row.native, "ts": str(row.ms), **fields})
        return made

    def spot_book(self, query: Query, t: float) -> object:
        """Levels are texts."""
        row, depth = self.one(query, "SPOT"), min(150, int(query.get("limit", "150")))
        state = picture(row, min(depth, self.levels))
        return {
            "asks": list(frames.texts(row, state.asks)),
            "bids": list(frames.texts(row, state.bids)),
            "ts": str(state.ms),
        }

    def merged_book(self, query: Query, t: float) -> object:
        """Levels are JSON numbers."""
        row, limit = self.one(query), query.get("limit", "100")
        state = picture(row, min(1000 if limit == "max" else int(limit), self.levels))
        sides = {
            name: [[msgspec.Raw(part.encode()) for part in pair] for pair in frames.texts(row, side)]
            for name, side in (("asks", state.asks), ("bids", state.bids))
        }
        return {**sides, "ts": str(state.ms), "scale": frames.step(row.price_decimals), "precision": "scale0"}

    def rates(self, query: Query, t: float) -> object:
        rows = [row for row in self.listed(query) if row.market in ("perp", "inverse")]
        return [frames.rate(row, self.market, t) for row in rows if row.status == "trading"]

    def payments(self, query: Query, t: float) -> object:
        row, size, page = self.one(query), min(100, int(query.get("pageSize", "20"))), int(query.get("pageNo", "1"))
        return frames.payments(row, self.market, t, DAYS)[(page - 1) * size : page * size]

    def interest(self, query: Query, t: float) -> object:
        row = self.one(query)
        size = frames.plain(self.market.open_interest(row) / row.units, 4)
        return {"openInterestList": [{"symbol": row.native, "size": size}], "ts": str(int(t * 1000))}

    def prices(self, query: Query, t: float) -> object:
        row = self.one(query)
        now = frames.terms(row, self.market, t)
        prices = {name: now[name] for name in ("markPrice", "indexPrice")}
        return [{"symbol": row.native, "price": row.price_text(row.last), **prices, "ts": str(int(t * 1000))}]


def body(code: str, text: str, data: object, t: float, status: int = 200) -> Reply:
    fields = {"code": code, "msg": text, "requestTime": int(t * 1000), "data": data}
    return Reply(msgspec.json.encode(fields), status)
