from services.simulator.okx.frames import plain, trim
from services.simulator.options import Options
from services.simulator.server import Simulator
from tests.simulator.client import asked, rest

PUBLIC, MARKET = "www.okx.com/api/v5/public", "openapi.okx.com/api/v5/market"


async def test_listings_hold_the_kinds_that_a_collector_must_tell_apart() -> None:
    async with Simulator(Options(venues=("okx",), instruments=200)) as sim:
        _, body, _ = await rest(sim, f"{PUBLIC}/instruments?instType=SWAP")
        assert body["code"] == "0"
        swaps = {row["instId"]: row for row in body["data"]}
        assert swaps["BTC-USDT-SWAP"]["ctVal"] == "0.01"
        assert swaps["BTC-USD-SWAP"]["ctType"] == "inverse"
        assert swaps["TSLA-USDT-SWAP"]["instCategory"] == "3"
        assert swaps["NEWCO-USDT-SWAP"]["state"] == "preopen"
        assert swaps["PEPE-USDT-SWAP"]["baseCcy"] == ""
        _, body, _ = await rest(sim, f"{PUBLIC}/instruments?instType=SPOT")
        spots = {row["instId"]: row for row in body["data"]}
        assert {"BTC-USDT", "BTC-USDC", "BTC-USD", "ETH-BTC", "ETH-EUR"} <= set(spots)
        assert spots["OLDCO-USDT"]["state"] == "suspend"
        assert spots["BTC-USDT"]["baseCcy"] == "BTC"


async def test_one_call_tells_all_fundings_marks_interests_and_indices() -> None:
    async with Simulator(Options(venues=("okx",), instruments=200)) as sim:
        for path in (
            f"{PUBLIC}/funding-rate?instId=ANY",
            f"{PUBLIC}/mark-price?instType=SWAP",
            f"{PUBLIC}/open-interest?instType=SWAP",
            f"{MARKET}/tickers?instType=SWAP",
            f"{MARKET}/index-tickers?quoteCcy=USDT",
        ):
            status, body, _ = await rest(sim, path)
            assert (status, body["code"]) == (200, "0")
            assert len(body["data"]) > 50, path
        _, body, _ = await rest(sim, f"{PUBLIC}/funding-rate-history?instId=BTC-USDT-SWAP&limit=5")
        times = [int(row["fundingTime"]) for row in body["data"]]
        assert len(times) == 5
        assert times == sorted(times, reverse=True)
        _, older, _ = await rest(sim, f"{PUBLIC}/funding-rate-history?instId=BTC-USDT-SWAP&limit=5&after={times[-1]}")
        assert max(int(row["fundingTime"]) for row in older["data"]) < times[-1]


async def test_wrong_questions_get_the_venues_codes() -> None:
    async with Simulator(Options(venues=("okx",), instruments=20)) as sim:
        assert (await rest(sim, f"{MARKET}/tickers"))[1]["code"] == "50014"
        assert (await rest(sim, f"{MARKET}/tickers?instType=SHOP"))[1]["code"] == "51000"
        assert (await rest(sim, f"{MARKET}/books?instId=NO-WAY"))[1]["code"] == "51001"
        assert (await rest(sim, f"{MARKET}/books?instId=BTC-USDT&sz=x"))[1]["code"] == "51000"
        assert (await rest(sim, f"{PUBLIC}/nothing"))[0] == 404


async def test_too_many_requests_in_two_seconds_are_turned_away() -> None:
    async with Simulator(Options(venues=("okx",), instruments=5)) as sim:
        exchange, t = sim.exchanges["okx"], 1_795_000_000.0
        answers = [exchange.answer(asked(f"{PUBLIC}/time"), t + number * 0.1) for number in range(14)]
        assert [answer.status for answer in answers] == [200] * 10 + [429] * 4
        assert b'"50011"' in answers[-1].body
        assert exchange.answer(asked(f"{PUBLIC}/time"), t + 2.0).status == 200


def test_numbers_are_written_without_exponent_and_without_trailing_zeros() -> None:
    assert trim("30227.50") == "30227.5"
    assert trim("100") == "100"
    assert plain(1e-7, 16) == "0.0000001"
    assert plain(0.0) == "0"
