"""Hyperliquid's REST: `POST /info`, a JSON object whose `type` says what is asked. Weights count by the minute."""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from services.simulator.book import picture
from services.simulator.hyperliquid import frames
from services.simulator.hyperliquid.listing import COLLATERAL, DEXES, TOKENS, dex_of
from services.simulator.listing import Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.wire import Reply

LIGHT = frozenset({"l2Book", "allMids", "exchangeStatus"})
PAGE = 500
#: tokens with the places that the real ones have; the others follow
FIXED = {"USDC": 0, "USDT0": 268, "USDH": 360}
FIRST_TOKEN = 1000
CATEGORIES = {"equity": "stocks", "index": "indices", "commodity": "commodities", "crypto": "crypto"}
UNREADABLE = Reply(b"Failed to deserialize the JSON body into the target type", 422, {"Content-Type": "text/plain"})


class Question(msgspec.Struct):
    """A request's body."""

    type: str
    coin: str = ""
    dex: str = ""
    startTime: int = 0  # noqa: N815 - the venue's name
    endTime: int | None = None  # noqa: N815 - the venue's name


class Bodies:
    """Answers over the venue's rows; `trades(row)` are an instrument's newest prints."""

    def __init__(
        self, rows: Sequence[Listed], market: Market, weight: float, trades: Callable[[Listed], Sequence[str]]
    ) -> None:
        self.rows, self.market, self._most, self._trades = rows, market, weight, trades
        self._spent: deque[tuple[float, float]] = deque()
        self._tokens = self._named()
        self._by_name = {row.native: row for row in rows}
        self.kinds: dict[str, Callable[[Question, float], object]] = {
            "meta": lambda asked, t: self.meta(asked.dex),
            "allPerpMetas": lambda asked, t: [self.meta(dex) for dex in DEXES],
            "perpDexs": lambda asked, t: [{"name": dex, "fullName": dex} if dex else None for dex in DEXES],
            "perpCategories": lambda asked, t: self.categories(),
            "spotMeta": lambda asked, t: self.spot_meta(),
            "metaAndAssetCtxs": lambda asked, t: [self.meta(asked.dex), self.contexts(asked.dex, t)],
            "spotMetaAndAssetCtxs": lambda asked, t: [self.spot_meta(), self.spot_contexts(t)],
            "allMids": self.mids,
            "l2Book": self.book,
            "fundingHistory": self.history,
            "recentTrades": self.recent,
            "exchangeStatus": lambda asked, t: {"specialStatuses": None, "time": int(t * 1000)},
        }

    def answer(self, body: bytes, t: float) -> Reply:
        try:
            asked = msgspec.json.decode(body, type=Question)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return UNREADABLE
        make = self.kinds.get(asked.type)
        if make is None:
            return UNREADABLE
        while self._spent and self._spent[0][0] <= t - 60.0:
            self._spent.popleft()
        weight = 2.0 if asked.type in LIGHT else 20.0
        if sum(spent for _, spent in self._spent) + weight > self._most:
            return Reply(b"null", 429)
        made = make(asked, t)
        if asked.type in ("fundingHistory", "recentTrades") and isinstance(made, list):
            weight += len(made) / 20
        self._spent.append((t, weight))
        return Reply(made if isinstance(made, bytes) else msgspec.json.encode(made))

    # -- what is listed --------------------------------------------------------------------------------------------

    def perps(self, dex: str) -> list[Listed]:
        """In their places, whatever their status."""
        return [row for row in self.rows if row.market == "perp" and dex_of(row) == dex]

    def pairs(self) -> list[Listed]:
        return [row for row in self.rows if row.market == "spot" and row.status != "unlisted"]

    def meta(self, dex: str) -> dict[str, object] | None:
        if dex not in DEXES:
            return None
        token = self._tokens[COLLATERAL[dex]]
        universe = [frames.perp_row(row) for row in self.perps(dex)]
        return {"universe": universe, "marginTables": [], "collateralToken": token}

    def _named(self) -> dict[str, int]:
        names = dict(FIXED)
        for row in self.rows:
            if row.market == "spot":
                names.setdefault(row.base, FIRST_TOKEN + len(names))
        return names

    def token(self, row: Listed) -> tuple[int, int]:
        """The places of a pair's tokens."""
        return self._tokens[row.base], self._tokens[TOKENS.get(row.quote, row.quote)]

    def spot_meta(self) -> dict[str, object]:
        decimals = {row.base: row.size_decimals for row in self.rows if row.market == "spot"}
        tokens = [
            {
                "name": name,
                "szDecimals": decimals.get(name, 2),
                "weiDecimals": 8,
                "index": index,
                "tokenId": f"0x{index:032x}",
                "isCanonical": index < 2,
                "evmContract": None,
                "fullName": None,
            }
            for name, index in self._tokens.items()
        ]
        universe = [
            {"tokens": self.token(row), "name": row.native, "index": place, "isCanonical": "/" in row.native}
            for place, row in enumerate(self.pairs())
        ]
        return {"universe": universe, "tokens": tokens}

    def categories(self) -> list[tuple[str, str]]:
        """Of builders' perpetuals alone."""
        return [
            (row.native, CATEGORIES.get(row.category, "other"))
            for row in self.rows
            if row.market == "perp" and dex_of(row)
        ]

    # -- what they are at ------------------------------------------------------------------------------------------

    def contexts(self, dex: str, t: float) -> list[dict[str, object]]:
        return [frames.context(row, self.market, t) for row in self.perps(dex)]

    def spot_contexts(self, t: float) -> list[dict[str, object]]:
        return [frames.spot_context(row, self.market, t) for row in self.pairs()]

    def mids(self, asked: Question, t: float) -> dict[str, str]:
        rows = self.perps(asked.dex) if asked.dex else [*self.perps(""), *self.pairs()]
        return {row.native: middle for row in rows if (middle := frames.mid(row)) is not None}

    def book(self, asked: Question, t: float) -> bytes:
        row = self._by_name.get(asked.coin)
        return b"null" if row is None else frames.book(row, picture(row, frames.DEEP), frames.DEEP, t).encode()

    def recent(self, asked: Question, t: float) -> list[msgspec.Raw]:
        row = self._by_name.get(asked.coin)
        return [] if row is None else [msgspec.Raw(one.encode()) for one in reversed(self._trades(row))]

    def history(self, asked: Question, t: float) -> list[dict[str, object]] | None:
        """Payments from `startTime` on, oldest first, a page at a time; a payment is made some time after the hour."""
        row = self._by_name.get(asked.coin)
        if row is None or row.market != "perp":
            return None
        end = min(int(t * 1000), asked.endTime if asked.endTime is not None else int(t * 1000))
        first = -(-asked.startTime // HOUR_MS) * HOUR_MS
        made: list[dict[str, object]] = []
        for at in range(first, end, HOUR_MS)[:PAGE]:
            rate = frames.number(self.market.funding_rate(row, at / 1000 - 1), 10)
            made.append({"coin": row.native, "fundingRate": rate, "premium": "0.0", "time": at + row.key % 90})
        return made
