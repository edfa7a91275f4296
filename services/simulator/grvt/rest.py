"""GRVT's REST answers: every call is a POST of a JSON object, the answer `{"result": …}` or `{"code", "message"}`."""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from services.simulator.book import picture
from services.simulator.grvt import frames
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.options import Rules
from services.simulator.wire import Reply, Request

Asked = dict[str, object]
DEPTHS = (10, 50, 100, 500)
DAY_MS = 24 * HOUR_MS
COOKIE = "gravity=MTc5NTAwMDAwMA; Domain=grvt.io; Path=/; HttpOnly; Secure; SameSite=None"


class Refusal(Exception):
    """A request that the venue answers with a code of its own."""

    def __init__(self, code: int, text: str, status: int) -> None:
        super().__init__(text)
        self.reply = Reply(msgspec.json.encode({"code": code, "message": text, "status": status}), status)


def malformed() -> Refusal:
    return Refusal(1003, "Request could not be processed due to malformed syntax", 400)


class Bodies:
    """Answers over the venue's rows, so many in a minute."""

    def __init__(self, rows: Sequence[Listed], market: Market, levels: int, rules: Rules) -> None:
        self.rows, self.market, self.levels, self.rules = rows, market, levels, rules
        self._by_id = {row.native: row for row in rows}
        self._asked: deque[float] = deque()
        self.paths: dict[str, Callable[[Asked, float], object]] = {
            "all_instruments": self.instruments,
            "instruments": self.instruments,
            "instrument": lambda asked, t: frames.instrument(self.one(asked)),
            "mini": lambda asked, t: self.timed(frames.mini(self.one(asked), self.market, t), t),
            "ticker": lambda asked, t: self.timed(frames.ticker(self.one(asked), self.market, t), t),
            "book": self.book,
            "trade": lambda asked, t: [frames.trade(self.one(asked), self.market, True, t)],
            "funding": self.funding,
        }

    def answer(self, request: Request, t: float) -> Reply:
        head, _, name = request.path.rpartition("/")
        if head != "/full/v1" or name not in self.paths or request.method != "POST":
            return Refusal(1004, "Data Not Found", 404).reply
        while self._asked and self._asked[0] <= t - 60.0:
            self._asked.popleft()
        if len(self._asked) >= self.rules.of("grvt.requests", 1200):
            return Refusal(1006, "You have surpassed the allocated rate limit for your tier", 429).reply
        self._asked.append(t)
        try:
            asked = msgspec.json.decode(request.body, type=Asked)
            return Reply(msgspec.json.encode({"result": self.paths[name](asked, t)}))
        except Refusal as refusal:
            return refusal.reply
        except (msgspec.DecodeError, ValueError):
            return malformed().reply

    def login(self, request: Request) -> Reply:
        """A key that begins with `good` opens a session; any other is answered without one, with 200."""
        try:
            key = str(msgspec.json.decode(request.body, type=Asked).get("api_key", ""))
        except (msgspec.DecodeError, ValueError):
            key = ""
        if request.method != "POST" or "rm=true" not in request.headers.get("cookie", ""):
            return malformed().reply
        if not key.startswith("good"):
            return Reply(b'{"code":1008,"message":"IP not whitelisted","status":401}')
        account = {"Set-Cookie": COOKIE, "X-Grvt-Account-Id": "0x5af3"}
        return Reply(b'{"status":"success","sub_account_id":"4860249204328359"}', 200, account)

    @staticmethod
    def timed(fields: frames.Fields, t: float) -> frames.Fields:
        return {"event_time": frames.nanos(t), **fields}

    def one(self, asked: Asked) -> Listed:
        row = self._by_id.get(str(asked.get("instrument", "")))
        if row is None or row.status not in ("trading", "halted"):
            raise Refusal(3000, "Instrument is invalid", 400)
        return row

    def instruments(self, asked: Asked, t: float) -> list[frames.Fields]:
        """Only what is active where that is asked for."""
        states = ("trading",) if asked.get("is_active") is True else ("trading", "halted", "closed")
        return [frames.instrument(row) for row in self.rows if row.status in states]

    def book(self, asked: Asked, t: float) -> frames.Fields:
        row, depth = self.one(asked), asked.get("depth")
        if depth not in DEPTHS:
            raise Refusal(3031, "Depth is invalid", 400)
        state = picture(row, self.levels)
        return frames.book(row, state.bids, state.asks, state, int(str(depth)))

    def funding(self, asked: Asked, t: float) -> list[frames.Fields]:
        """Payments, newest first; times are nanoseconds in text."""
        row = self.one(asked)
        times = {name: asked.get(name, "") for name in ("start_time", "end_time")}
        if not all(isinstance(each, str) and (each.isdigit() or not each) for each in times.values()):
            raise malformed()
        now = int(t * 1000)
        since, until = (int(str(times[name]) or 0) // 10**6 for name in ("start_time", "end_time"))
        limit = min(1000, int(str(asked.get("limit", 500))))
        if asked.get("agg_type", "FUNDING_INTERVAL") != "FUNDING_INTERVAL":
            raise malformed()
        ends = max(since or now - 90 * DAY_MS, now - 90 * DAY_MS), min(until or now, now)
        return frames.payments(row, self.market, frames.due(row, *ends)[:limit])
