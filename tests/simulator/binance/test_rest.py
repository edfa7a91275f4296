import pytest

from services.simulator.binance.rest import step
from services.simulator.options import Options, Rules
from services.simulator.server import Simulator
from tests.simulator.client import asked, rest

API, FAPI = "api.binance.com/api/v3", "fapi.binance.com/fapi/v1"
MINUTE = 1_795_000_020.0


async def test_listings_and_tickers_speak_of_the_same_instruments() -> None:
    async with Simulator(Options(venues=("binance",), instruments=200)) as sim:
        _, spot, headers = await rest(sim, f"{API}/exchangeInfo?showPermissionSets=false")
        assert headers["X-MBX-USED-WEIGHT-1M"] == "20"
        _, futures, _ = await rest(sim, f"{FAPI}/exchangeInfo")
        listed = {row["symbol"] for row in spot["symbols"]}
        contracts = {row["symbol"]: row for row in futures["symbols"]}
        _, quotes, _ = await rest(sim, f"{API}/ticker/bookTicker")
        assert {row["symbol"] for row in quotes} <= listed
        assert "time" not in quotes[0]
        _, quotes, _ = await rest(sim, f"{FAPI}/ticker/bookTicker")
        assert {row["symbol"] for row in quotes} <= set(contracts)
        assert {"BTCUSDT_270326", "TSLAUSDT", "1000PEPEUSDT"} <= set(contracts)
        assert not any("USD_" in name for name in contracts)
        kinds = {row["contractType"] for row in contracts.values()}
        assert kinds == {"PERPETUAL", "CURRENT_QUARTER", "TRADIFI_PERPETUAL"}
        assert {"TRADING", "PENDING_TRADING", "SETTLING", "TRADING_HALT"} <= {r["status"] for r in contracts.values()}
        only = (await rest(sim, f"{API}/exchangeInfo?symbolStatus=TRADING"))[1]["symbols"]
        assert {row["status"] for row in only} == {"TRADING"}


async def test_funding_is_the_same_in_every_answer() -> None:
    async with Simulator(Options(venues=("binance",), instruments=200)) as sim:
        _, info, _ = await rest(sim, f"{FAPI}/fundingInfo")
        hours = {row["symbol"]: row["fundingIntervalHours"] for row in info}
        _, rows, _ = await rest(sim, f"{FAPI}/premiumIndex")
        assert len(info) < len(rows)
        for row in rows:
            if row["nextFundingTime"]:
                assert row["nextFundingTime"] % (hours.get(row["symbol"], 8) * 3_600_000) == 0
            else:
                assert row["lastFundingRate"] == ""
        _, history, _ = await rest(sim, f"{FAPI}/fundingRate?symbol=ETHUSDT&limit=10")
        times = [row["fundingTime"] for row in history]
        assert len(times) == 10
        assert times == sorted(times)
        _, all_, _ = await rest(sim, f"{FAPI}/fundingRate")
        assert len(all_) == 200
        assert {"symbol", "fundingRate", "fundingTime", "markPrice", "rateType"} == set(all_[0])


async def test_wrong_questions_get_the_venues_errors() -> None:
    async with Simulator(Options(venues=("binance",), instruments=20)) as sim:
        status, body, _ = await rest(sim, f"{API}/depth?symbol=NOPE")
        assert (status, body["code"]) == (400, -1121)
        status, body, _ = await rest(sim, f"{API}/depth?symbol=BTCUSDT&limit=many")
        assert (status, body["code"]) == (400, -1100)
        status, body, _ = await rest(sim, f"{FAPI}/fundingRate?limit=x")
        assert (status, body["code"]) == (400, -1100)
        status, _, _ = await rest(sim, f"{API}/nothing")
        assert status == 404
        status, body, _ = await rest(sim, "api.nobody.com/api/v3/time")
        assert status == 404


async def test_weights_count_by_the_minute() -> None:
    async with Simulator(Options(venues=("binance",), instruments=20, rules=Rules(futures_weight=6))) as sim:
        exchange = sim.exchanges["binance"]
        for path, t, status, used in (
            ("exchangeInfo", MINUTE, 200, "1"),
            ("ticker/bookTicker", MINUTE + 59.9, 200, "6"),
            ("time", MINUTE + 59.9, 429, "7"),
            ("ticker/bookTicker", MINUTE + 60.0, 200, "5"),
        ):
            reply = exchange.answer(asked(f"{FAPI}/{path}"), t)
            assert (reply.status, reply.headers["X-MBX-USED-WEIGHT-1M"]) == (status, used), path


async def test_weight_runs_out_and_says_when_to_come_back() -> None:
    async with Simulator(Options(venues=("binance",), instruments=20, rules=Rules(spot_weight=100))) as sim:
        answers = [await rest(sim, f"{API}/ticker/24hr") for _ in range(3)]  # a minute may turn over in between
        body, headers = next((body, headers) for status, body, headers in answers if status in (418, 429))
        assert body["code"] == -1003
        assert 1 <= int(headers["Retry-After"]) <= 60
        status, _, _ = await rest(sim, f"{FAPI}/time")
        assert status == 200


@pytest.mark.parametrize(
    ("decimals", "width", "text"), [(0, None, "1"), (1, None, "0.1"), (0, 8, "1.00000000"), (5, 8, "0.00001000")]
)
def test_steps_are_written_as_the_venue_writes_them(decimals: int, width: int | None, text: str) -> None:
    assert step(decimals, width) == text
