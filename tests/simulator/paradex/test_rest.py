import asyncio
import json

from services.simulator.options import Options, Rules
from services.simulator.paradex.frames import NULL, fixed
from services.simulator.paradex.recorded import RECORDED
from services.simulator.recorded import Answer
from services.simulator.server import Simulator
from tests.simulator.client import rest

API = "api.prod.paradex.trade/v1"


async def test_the_listing_holds_the_kinds_that_a_collector_must_tell_apart() -> None:
    async with Simulator(Options(venues=("paradex",), instruments=200)) as sim:
        _, body, _ = await rest(sim, f"{API}/markets")
    rows = {row["symbol"]: row for row in body["results"]}
    assert rows["BTC-USD-PERP"]["asset_kind"] == "PERP"
    assert rows["BTC-USD-PERP"]["settlement_currency"] == "USDC"
    assert rows["BTC-USD"]["asset_kind"] == "SPOT"
    assert "funding_period_hours" not in rows["BTC-USD"]
    assert rows["kPEPE-USD-PERP"]["base_currency"] == "kPEPE"
    assert rows["BTC-USD-96000-C"]["asset_kind"] == "PERP_OPTION"
    assert rows["BTC-USD-27NOV26-100000-P"]["expiry_at"] > 0
    assert rows["OLDCO-USD-PERP"]["trading_mode"] == "RFQ_ONLY"
    assert rows["TSLA-USD-PERP"]["tags"] == ["RWA"]
    assert "GONE-USD-PERP" not in rows


async def test_one_call_tells_the_figures_of_all_markets() -> None:
    async with Simulator(Options(venues=("paradex",), instruments=100)) as sim:
        _, body, _ = await rest(sim, f"{API}/markets/summary?market=ALL")
        rows = {row["symbol"]: row for row in body["results"]}
        assert len(rows) > 100
        assert float(rows["BTC-USD-PERP"]["bid"]) < float(rows["BTC-USD-PERP"]["ask"])
        assert rows["BTC-USD"]["funding_rate"] == ""
        _, body, _ = await rest(sim, f"{API}/markets/summary?market=BTC-USD")
        assert len(body["results"]) == 1
        _, book, _ = await rest(sim, f"{API}/orderbook/BTC-USD-PERP?depth=5")
        assert (len(book["bids"]), book["market"]) == (5, "BTC-USD-PERP")
        _, best, _ = await rest(sim, f"{API}/bbo/BTC-USD-PERP")
        assert float(best["bid"]) < float(best["ask"])
        _, trades, _ = await rest(sim, f"{API}/trades?market=BTC-USD-PERP")
        assert trades["results"][0]["trade_type"] == "FILL"
        _, rates, _ = await rest(sim, f"{API}/funding/data?market=BTC-USD-PERP")
        times = [row["created_at"] for row in rates["results"]]
        assert times == sorted(times, reverse=True)
        assert (await rest(sim, f"{API}/system/state"))[1] == {"status": "ok"}


async def test_wrong_questions_get_the_venues_errors() -> None:
    async with Simulator(Options(venues=("paradex",), instruments=5)) as sim:
        assert (await rest(sim, f"{API}/markets/summary"))[1]["error"] == "INVALID_REQUEST_PARAMETER"
        assert (await rest(sim, f"{API}/orderbook/NO-WAY"))[0] == 404
        assert (await rest(sim, f"{API}/markets?market=NO-WAY"))[1]["error"] == "INVALID_SYMBOL"
        assert (await rest(sim, f"{API}/nothing"))[0] == 404


async def test_too_many_requests_in_a_minute_are_turned_away() -> None:
    rules = Rules(own={"paradex.requests_per_minute": 4})
    async with Simulator(Options(venues=("paradex",), instruments=5, rules=rules)) as sim:
        answers = await asyncio.gather(*(rest(sim, f"{API}/system/time") for _ in range(6)))
    assert sorted(status for status, _, _ in answers) == [200] * 4 + [429] * 2


def test_amounts_beyond_64_bits_are_cut() -> None:
    assert fixed(1e12) == -NULL - 1
    assert fixed(-1e12) == NULL + 1
    assert fixed(82000.1) == 8200010000000


def test_a_recorded_frame_tells_its_family_and_its_connection_whose_trades_it_has() -> None:
    trade = bytes.fromhex(
        "320001000100000040c227dafe5b060007000000000000007b0000000000000001804011397507000040420f000000000058be27dafe5b"
        "0600010c4254432d5553442d50455250"
    )
    assert RECORDED.family("public/1", trade) == ("trades:BTC-USD-PERP", trade)
    assert RECORDED.family("forced/2", trade) == ("trades:ALL", trade)
    assert RECORDED.family("", trade[:-3]) is None
    assert RECORDED.family("", b'{"jsonrpc":"2.0","result":{"channel":"bbo.X"},"id":1}') is None
    assert [(row.market, row.native) for row in RECORDED.instruments("trades:ETH-USD")] == [("spot", "ETH-USD")]
    assert not RECORDED.instruments("trades:ALL")


def test_a_recorded_listing_gives_its_markets() -> None:
    markets = [{"symbol": "BTC-USD-PERP", "base_currency": "BTC", "asset_kind": "PERP"}, {"asset_kind": "OPTION"}]
    body = json.dumps({"results": markets}).encode()
    rows = RECORDED.listed(Answer(0.0, "paradex", "", "/v1/markets", frozenset(), body))
    assert [(row.market, row.native, row.base) for row in rows] == [("perp", "BTC-USD-PERP", "BTC")]
