"""Binance's REST answers: bodies by path, with the weight each costs."""

from collections.abc import Callable, Mapping, Sequence

from services.simulator.binance import frames
from services.simulator.book import picture
from services.simulator.listing import PERPETUAL_END_MS, Listed
from services.simulator.market import HOUR_MS, Market
from services.simulator.wire import Reply, json_reply

SPOT_STATUS = {"trading": "TRADING", "halted": "HALT", "pre": "BREAK", "closed": "BREAK"}
FUTURES_STATUS = {"trading": "TRADING", "halted": "TRADING_HALT", "pre": "PENDING_TRADING", "closed": "SETTLING"}
Query = Mapping[str, str]
Row = dict[str, object]

INVALID_SYMBOL = Reply(b'{"code":-1121,"msg":"Invalid symbol."}', 400)


def step(decimals: int, width: int | None = None) -> str:
    """10**-decimals as text, padded to `width` decimals where given."""
    text = f"{10**-decimals:.{decimals}f}" if decimals else "1"
    if width is None or width <= decimals:
        return text
    return f"{text}{'' if decimals else '.'}{'0' * (width - decimals)}"


def depth_weight(limit: int, market: str) -> int:
    bounds = ((100, 5), (500, 25), (1000, 50)) if market == "spot" else ((50, 2), (100, 5), (500, 10))
    return next((weight for most, weight in bounds if limit <= most), 250 if market == "spot" else 20)


class Bodies:
    """Answers of one market (`spot` or `futures`) over its rows."""

    def __init__(self, kind: str, rows: Sequence[Listed], market: Market, levels: int) -> None:
        self.kind, self.rows, self.market, self.levels = kind, rows, market, levels
        prefix = "/api/v3" if kind == "spot" else "/fapi/v1"
        self.paths: dict[str, tuple[int, Callable[[Query, float], Reply]]] = {
            f"{prefix}/ping": (1, lambda query, t: Reply(b"{}")),
            f"{prefix}/time": (1, lambda query, t: json_reply({"serverTime": int(t * 1000)})),
            f"{prefix}/exchangeInfo": (20 if kind == "spot" else 1, self.exchange_info),
            f"{prefix}/ticker/bookTicker": (4 if kind == "spot" else 5, self.per_symbol(self.book_row)),
            f"{prefix}/ticker/price": (4, self.per_symbol(self.price_row)),
            f"{prefix}/ticker/24hr": (80 if kind == "spot" else 40, self.per_symbol(self.day_row)),
            f"{prefix}/depth": (5, self.depth),
            f"{prefix}/aggTrades": (4, self.agg_trades),
        }
        if kind != "spot":
            self.paths |= {
                f"{prefix}/premiumIndex": (10, self.per_symbol(self.premium_row)),
                f"{prefix}/fundingInfo": (0, self.funding_info),
                f"{prefix}/fundingRate": (0, self.funding_history),
                f"{prefix}/openInterest": (1, self.open_interest),
            }

    def listed(self) -> list[Listed]:
        return [row for row in self.rows if row.status != "unlisted" and row.market != "inverse"]

    def find(self, symbol: str) -> Listed | None:
        return next((row for row in self.listed() if row.native == symbol), None)

    def weight(self, path: str, query: Query) -> int:
        """What a call costs: single symbols are cheap, deep books dear."""
        if path.endswith("/depth"):
            limit = query.get("limit", "100")
            return depth_weight(int(limit) if limit.isdigit() else 100, self.kind)
        if "symbol" in query and not path.endswith("exchangeInfo"):
            return min(2, self.paths[path][0])
        return self.paths[path][0]

    def per_symbol(self, make: Callable[[Listed, float], Row]) -> Callable[[Query, float], Reply]:
        """All rows as a list, or the one that `symbol` names as an object."""

        def answer(query: Query, t: float) -> Reply:
            if "symbol" not in query:
                return json_reply([make(row, t) for row in self.listed() if row.status != "closed"])
            row = self.find(query["symbol"])
            return INVALID_SYMBOL if row is None else json_reply(make(row, t))

        return answer

    # -- listings --------------------------------------------------------------------------------------------------

    def exchange_info(self, query: Query, t: float) -> Reply:
        spot = self.kind == "spot"
        rows = self.listed()
        if spot and "symbolStatus" in query:
            rows = [row for row in rows if SPOT_STATUS[row.status] == query["symbolStatus"]]
        minute = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        body: Row = {"timezone": "UTC", "serverTime": int(t * 1000), "rateLimits": [{**minute, "limit": 6000}]}
        if not spot:
            body |= {"futuresType": "U_MARGINED", "rateLimits": [{**minute, "limit": 2400}], "assets": []}
        body["exchangeFilters"] = []
        body["symbols"] = [self.spot_row(row) if spot else self.futures_row(row) for row in rows]
        return json_reply(body)

    def spot_row(self, row: Listed) -> Row:
        tick, lot = step(row.price_decimals, 8), step(row.size_decimals, 8)
        return {
            "symbol": row.native,
            "status": SPOT_STATUS[row.status],
            "baseAsset": row.base,
            "baseAssetPrecision": 8,
            "quoteAsset": row.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
            "icebergAllowed": True,
            "isSpotTradingAllowed": row.status != "closed",
            "isMarginTradingAllowed": row.rank < 50,
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
                {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000000.00000000", "stepSize": lot},
                {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True, "avgPriceMins": 5},
            ],
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }

    def futures_row(self, row: Listed) -> Row:
        tick, lot = step(row.price_decimals), step(row.size_decimals)
        traditional = row.category != "crypto"
        contract = "TRADIFI_PERPETUAL" if traditional else "PERPETUAL" if row.market == "perp" else "CURRENT_QUARTER"
        kind = {"equity": "EQUITY", "commodity": "COMMODITY"}.get(row.category, "COIN")
        return {
            "symbol": row.native,
            "pair": frames.pair(row),
            "contractType": contract,
            "deliveryDate": row.end_ms if row.market == "dated" else PERPETUAL_END_MS,
            "onboardDate": row.listed_ms,
            "status": FUTURES_STATUS[row.status],
            "baseAsset": row.base,
            "quoteAsset": row.quote,
            "marginAsset": row.quote,
            "pricePrecision": row.price_decimals,
            "quantityPrecision": row.size_decimals,
            "underlyingType": kind,
            "underlyingSubType": ["TradFi"] if traditional else [],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000", "tickSize": tick},
                {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "100000000", "stepSize": lot},
                {"filterType": "MIN_NOTIONAL", "notional": "100" if row.rank == 0 else "5"},
            ],
            "orderTypes": ["LIMIT", "MARKET", "STOP"],
            "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        }

    # -- rows ------------------------------------------------------------------------------------------------------

    def book_row(self, row: Listed, t: float) -> Row:
        body: Row = {
            "symbol": row.native,
            "bidPrice": frames.price(row, row.bid),
            "bidQty": frames.size(row, row.bid_size),
            "askPrice": frames.price(row, row.ask),
            "askQty": frames.size(row, row.ask_size),
        }
        if self.kind != "spot":
            body |= {"time": row.ms, "lastUpdateId": frames.update_id(row, row.u)}
        return body

    def price_row(self, row: Listed, t: float) -> Row:
        body: Row = {"symbol": row.native, "price": frames.price(row, row.last)}
        return body if self.kind == "spot" else {**body, "time": row.ms}

    def day_row(self, row: Listed, t: float) -> Row:
        opened, high, low, volume, turnover = frames.day(row, self.market)
        ms = int(t * 1000)
        body: Row = {
            "symbol": row.native,
            "priceChange": "0.0",
            "priceChangePercent": "1.010",
            "weightedAvgPrice": frames.price(row, row.last),
            "lastPrice": frames.price(row, row.last),
            "lastQty": frames.size(row, row.last_size),
            "openPrice": opened,
            "highPrice": high,
            "lowPrice": low,
            "volume": volume,
            "quoteVolume": turnover,
            "openTime": ms - 86_400_000,
            "closeTime": ms,
            "firstId": 1,
            "lastId": row.trade_id,
            "count": row.trade_id,
        }
        return {**body, **self.book_row(row, t)} if self.kind == "spot" else body

    def premium_row(self, row: Listed, t: float) -> Row:
        perpetual = row.market == "perp"
        return {
            "symbol": row.native,
            "markPrice": f"{self.market.mark(row, t):.8f}",
            "indexPrice": f"{self.market.index(row, t):.8f}",
            "estimatedSettlePrice": f"{self.market.index(row, t):.8f}",
            "lastFundingRate": f"{self.market.funding_rate(row, t):.8f}" if perpetual else "",
            "interestRate": "0.00010000" if perpetual else "",
            "nextFundingTime": self.market.next_funding_ms(row, t) if perpetual else 0,
            "time": int(t * 1000),
        }

    # -- single endpoints ------------------------------------------------------------------------------------------

    def depth(self, query: Query, t: float) -> Reply:
        row = self.find(query.get("symbol", ""))
        limit = query.get("limit", "100")
        if row is None:
            return INVALID_SYMBOL
        if not limit.isdigit() or not int(limit):
            return Reply(b'{"code":-1100,"msg":"Illegal characters found in parameter \'limit\'."}', 400)
        return Reply(frames.depth_body(row, picture(row, self.levels), int(limit)))

    def agg_trades(self, query: Query, t: float) -> Reply:
        row = self.find(query.get("symbol", ""))
        if row is None:
            return INVALID_SYMBOL
        text = {"a": row.trade_id, "f": row.trade_id, "l": row.trade_id, "T": row.ms, "m": False}
        return json_reply([{"p": frames.price(row, row.last), "q": frames.size(row, row.last_size), **text}])

    def funding_info(self, query: Query, t: float) -> Reply:
        """Only instruments that were ever adjusted; the others have 8 hours."""
        rows = [row for row in self.listed() if row.market == "perp" and (row.interval_h != 8 or row.rank % 5 == 0)]
        return json_reply(
            [
                {
                    "symbol": row.native,
                    "adjustedFundingRateCap": "0.02000000",
                    "adjustedFundingRateFloor": "-0.02000000",
                    "fundingIntervalHours": row.interval_h,
                    "disclaimer": False,
                    "updateTime": row.listed_ms,
                }
                for row in rows
            ]
        )

    def funding_history(self, query: Query, t: float) -> Reply:
        """Settled payments, oldest first: of one symbol, or the newest 200 over all."""
        limit = min(1000, int(query.get("limit", "100")))
        end = min(int(query.get("endTime", int(t * 1000))), int(t * 1000))
        rows = [row for row in self.listed() if row.market == "perp" and row.status == "trading"]
        if "symbol" in query:
            rows = [row for row in rows if row.native == query["symbol"]]
            if not rows:
                return INVALID_SYMBOL
        found = [item for row in rows for item in self.settlements(row, query, end, limit)]
        found.sort(key=lambda item: item[0])
        kept = found[:limit] if "startTime" in query else found[-limit if "symbol" in query else -200 :]
        return json_reply([body for _, body in kept])

    def settlements(self, row: Listed, query: Query, end: int, limit: int) -> list[tuple[int, Row]]:
        span = row.interval_h * HOUR_MS
        last = end // span * span
        deepest = 1000 if "symbol" in query else 30
        start = int(query["startTime"]) if "startTime" in query else last - (min(limit, deepest) - 1) * span
        first = max(-(-start // span) * span, last - deepest * span)
        return [
            (
                at,
                {
                    "symbol": row.native,
                    "fundingTime": at + row.key % 7,
                    "fundingRate": f"{self.market.funding_rate(row, at / 1000 - 1):.8f}",
                    "markPrice": f"{self.market.mark(row, at / 1000):.8f}",
                    "rateType": "Regular",
                },
            )
            for at in range(first, last + 1, span)
        ]

    def open_interest(self, query: Query, t: float) -> Reply:
        row = self.find(query.get("symbol", ""))
        if row is None:
            return INVALID_SYMBOL
        held = self.market.open_interest(row) / row.units
        return json_reply({"symbol": row.native, "openInterest": f"{held:.3f}", "time": int(t * 1000)})
