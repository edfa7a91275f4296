"""OKX's REST answers: `{"code":"0","msg":"","data":[…]}` around the rows of frames.py."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from services.simulator.book import picture
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.okx import frames
from services.simulator.wire import Reply

Query = Mapping[str, str]
PUBLIC, MARKET = "/api/v5/public", "/api/v5/market"


class Refusal(Exception):
    """A request that the venue answers with a code of its own."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(msgspec.json.encode({"code": code, "msg": text, "data": []}))


def missing(name: str) -> Refusal:
    return Refusal("50014", f"Parameter {name} can not be empty.")


class Bodies:
    """Answers over the venue's rows; each path allows so many requests in two seconds."""

    def __init__(self, rows: Sequence[Listed], market: Market, levels: int) -> None:
        self.rows, self.market, self.levels = rows, market, levels
        self._asked: dict[str, deque[float]] = {}
        self.paths: dict[str, tuple[int, Callable[[Query, float], str]]] = {
            f"{PUBLIC}/time": (10, lambda query, t: f'{{"ts":"{int(t * 1000)}"}}'),
            f"{PUBLIC}/instruments": (20, self.instruments),
            f"{PUBLIC}/funding-rate": (10, self.funding),
            f"{PUBLIC}/funding-rate-history": (10, self.funding_history),
            f"{PUBLIC}/mark-price": (10, self.marks),
            f"{PUBLIC}/open-interest": (20, self.open_interest),
            f"{MARKET}/tickers": (20, self.tickers),
            f"{MARKET}/ticker": (20, self.ticker),
            f"{MARKET}/index-tickers": (20, self.indices),
            f"{MARKET}/books": (40, self.book),
            f"{MARKET}/trades": (100, self.trades),
        }

    def answer(self, path: str, query: Query, t: float) -> Reply:
        if path not in self.paths:
            return Reply(b'{"code":"404","msg":"Not Found","data":[]}', 404)
        most, make = self.paths[path]
        asked = self._asked.setdefault(path, deque())
        while asked and asked[0] <= t - 2.0:
            asked.popleft()
        if len(asked) >= most:
            return Reply(b'{"code":"50011","msg":"Too Many Requests","data":[]}', 429)
        asked.append(t)
        try:
            rows = make(query, t)
        except Refusal as refusal:
            return refusal.reply
        except ValueError:
            return Refusal("51000", "Parameter error").reply
        return Reply(f'{{"code":"0","data":[{rows}],"msg":""}}'.encode())

    def listed(self, query: Query) -> list[Listed]:
        """Rows of the instType asked for, narrowed to instId where given."""
        kind = query.get("instType")
        if kind is None:
            raise missing("instType")
        if kind not in ("SPOT", "SWAP", "FUTURES", "OPTION", "MARGIN"):
            raise Refusal("51000", "Parameter instType error")
        rows = [row for row in self.rows if frames.TYPES[row.market] == kind and row.status != "unlisted"]
        if "instId" in query:
            rows = [row for row in rows if row.native == query["instId"]]
            if not rows:
                raise Refusal("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
        return rows

    def one(self, query: Query) -> Listed:
        if "instId" not in query:
            raise missing("instId")
        for row in self.rows:
            if row.native == query["instId"] and row.status != "unlisted":
                return row
        raise Refusal("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")

    def swaps(self) -> list[Listed]:
        return [row for row in self.rows if row.market in ("perp", "inverse") and row.status == "trading"]

    def instruments(self, query: Query, t: float) -> str:
        rows = [frames.instrument(row) for row in self.listed(query) if row.status != "closed"]
        return msgspec.json.encode(rows).decode()[1:-1]

    def tickers(self, query: Query, t: float) -> str:
        rows = [row for row in self.listed(query) if row.status in ("trading", "halted")]
        return ",".join(frames.ticker(row, self.market) for row in rows)

    def ticker(self, query: Query, t: float) -> str:
        return frames.ticker(self.one(query), self.market)

    def marks(self, query: Query, t: float) -> str:
        return ",".join(frames.mark(row, self.market, t) for row in self.listed(query))

    def indices(self, query: Query, t: float) -> str:
        if "quoteCcy" not in query and "instId" not in query:
            raise missing("quoteCcy or instId")
        found = {frames.family(row): row for row in self.rows if row.status == "trading"}
        return ",".join(
            frames.index(row, self.market, t)
            for name, row in found.items()
            if query.get("quoteCcy", row.quote) == row.quote and query.get("instId", name) == name
        )

    def open_interest(self, query: Query, t: float) -> str:
        return ",".join(frames.open_interest(row, self.market, t) for row in self.listed(query))

    def funding(self, query: Query, t: float) -> str:
        if query.get("instId") == "ANY":
            return ",".join(frames.funding(row, self.market, t) for row in self.swaps())
        return frames.funding(self.one(query), self.market, t)

    def funding_history(self, query: Query, t: float) -> str:
        """Settled payments, newest first; `before` and `after` bound fundingTime from below and above."""
        row = self.one(query)
        span = row.interval_h * HOUR_MS
        limit = min(400, int(query.get("limit", "400")))
        newest = int(t * 1000) // span * span
        after, before = int(query.get("after", newest + 1)), int(query.get("before", newest - 90 * 24 * HOUR_MS))
        times = [at for at in range(newest, newest - 90 * 24 * HOUR_MS, -span) if before < at < after][:limit]
        rows = []
        for at in times:
            rate = frames.plain(self.market.funding_rate(row, at / 1000 - 1), 16)
            rows.append(
                f'{{"formulaType":"withRate","fundingRate":"{rate}","fundingTime":"{at}","instId":"{row.native}",'
                f'"instType":"SWAP","method":"current_period","realizedRate":"{rate}"}}'
            )
        return ",".join(rows)

    def book(self, query: Query, t: float) -> str:
        row = self.one(query)
        depth = min(400, int(query.get("sz", "1")))
        state = picture(row, self.levels)
        return (
            f'{{"asks":[{frames.levels(row, state.asks, depth)}],"bids":[{frames.levels(row, state.bids, depth)}],'
            f'"ts":"{state.ms}","seqId":{state.u}}}'
        )

    def trades(self, query: Query, t: float) -> str:
        row = self.one(query)
        return (
            f'{{"instId":"{row.native}","tradeId":"{row.trade_id}","px":"{frames.price(row, row.last)}",'
            f'"sz":"{frames.size(row, row.last_size)}","side":"buy","source":"0","ts":"{row.ms}"}}'
        )
