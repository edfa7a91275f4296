"""GRVT's rules as a client meets them. Times are shortened, orders and counts are the venue's."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from services.simulator.options import Options, Rules
from services.simulator.server import Simulator
from tests.simulator.client import closed, next_that, rest, say, socket

FULL = "market-data.grvt.io/ws/full"
REST = "market-data.grvt.io/full/v1"
BTC = "BTC_USDT_Perp"


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(Options(venues=("grvt",), instruments=40, rate=2000)) as sim:
        yield sim


def ask(stream: str, *selectors: str, method: str = "subscribe", number: int = 1) -> dict[str, object]:
    params = {"stream": stream, "selectors": selectors}
    return {"jsonrpc": "2.0", "method": method, "params": params, "id": number}


def pushed(stream: str, number: str | None = None) -> Any:
    return lambda m: m.get("stream") == stream and number in (None, m["sequence_number"])


def answered(message: Any) -> bool:
    return "jsonrpc" in message


@pytest.mark.parametrize("path", [FULL, "market-data.grvt.io/ws"])
async def test_the_answer_tells_the_first_delta_after_the_picture(sim: Simulator, path: str) -> None:
    async with socket(sim, path) as ws:
        await say(ws, ask("v1.mini.d", f"{BTC}@0"))
        answer = await next_that(ws, answered)
        result = answer["result"]
        assert (answer["id"], answer["method"]) == (1, "subscribe")
        assert (result["subs"], result["unsubs"], result["num_snapshots"]) == ([f"{BTC}@0"], [], [1])
        first, latest = (int(result[f"{name}_sequence_number"][0]) for name in ("first", "latest"))
        assert first == latest + 1
        picture = await next_that(ws, pushed("v1.mini.d"))
        assert (picture["sequence_number"], picture["selector"]) == ("0", f"{BTC}@0")
        assert set(picture["feed"]) >= {"best_bid_price", "best_ask_size", "mark_price", "index_price"}
        for expected in range(first, first + 5):
            delta = await next_that(ws, pushed("v1.mini.d"))
            assert (int(delta["sequence_number"]), int(delta["prev_sequence_number"])) == (expected, expected - 1)
            assert set(delta["feed"]) <= set(picture["feed"])
            assert len(delta["feed"]["event_time"]) == 19


async def test_deltas_say_what_changed_and_nothing_else(sim: Simulator) -> None:
    async with socket(sim, FULL) as ws:
        await say(ws, ask("v1.mini.d", f"{BTC}@0"))
        kept = (await next_that(ws, pushed("v1.mini.d", "0")))["feed"]
        for _ in range(50):
            feed = (await next_that(ws, pushed("v1.mini.d")))["feed"]
            changed = {name: value for name, value in feed.items() if name not in ("event_time", "instrument")}
            assert changed
            assert all(kept[name] != value for name, value in changed.items())
            kept |= feed


@pytest.mark.parametrize(
    ("stream", "secondary", "fields"),
    [
        ("v1.mini.s", "200", {"best_bid_price", "mark_price"}),
        ("v1.ticker.s", "500", {"funding_rate", "next_funding_time", "open_interest", "buy_volume_24h_b"}),
        ("v1.ticker.d", "100", {"event_time", "instrument"}),
        ("v1.book.s", "500-10", {"bids", "asks"}),
        ("v1.book.d", "50", {"bids", "asks"}),
        ("v1.trade", "50", {"is_taker_buyer", "price", "size", "trade_id", "venue"}),
    ],
)
async def test_each_stream_begins_with_a_picture_and_goes_on(
    sim: Simulator, stream: str, secondary: str, fields: set[str]
) -> None:
    async with socket(sim, FULL, max_size=None) as ws:
        await say(ws, ask(stream, f"{BTC}@{secondary}"))
        frames = [await next_that(ws, pushed(stream)) for _ in range(3)]
    assert [frame["sequence_number"] == "0" for frame in frames] == [True, False, False]
    assert int(frames[2]["prev_sequence_number"]) == int(frames[1]["sequence_number"])
    assert all(set(frame["feed"]) >= fields for frame in frames)
    if stream == "v1.book.s":
        assert all(len(frame["feed"]["bids"]) <= 10 for frame in frames)


@pytest.mark.parametrize(
    ("stream", "selector", "code"),
    [
        ("v1.mini.d", "NOPE_USDT_Perp@0", 3000),
        ("v1.mini.d", "BTC_USDT_Fut_25Dec26@0", 3000),
        ("v1.mini.d", BTC, 1101),
        ("v1.mini.s", f"{BTC}@0", 3030),
        ("v1.book.s", f"{BTC}@500", 1101),
        ("v1.book.s", f"{BTC}@500-11", 3031),
        ("v1.nothing", f"{BTC}@0", 1200),
    ],
)
async def test_a_request_is_refused_as_a_whole(sim: Simulator, stream: str, selector: str, code: int) -> None:
    async with socket(sim, FULL) as ws:
        good = f"{BTC}@500-10" if stream == "v1.book.s" else f"{BTC}@200"
        await say(ws, ask(stream, good, selector, number=9))
        answer = await next_that(ws, answered)
        assert (answer["error"]["code"], answer["id"]) == (code, 9)
        assert not next(iter(sim.exchanges["grvt"].feed.sockets)).topics


@pytest.mark.parametrize(("text", "code"), [("{", 1003), ('{"method":"subscribe"}', 1003)])
async def test_nonsense_is_malformed(sim: Simulator, text: str, code: int) -> None:
    async with socket(sim, FULL) as ws:
        await ws.send(text)
        assert (await next_that(ws, answered))["error"]["code"] == code


async def test_another_rate_of_the_same_stream_replaces_the_first(sim: Simulator) -> None:
    async with socket(sim, FULL) as ws:
        await say(ws, ask("v1.mini.s", f"{BTC}@200"))
        await next_that(ws, answered)
        await say(ws, ask("v1.mini.s", f"{BTC}@500", number=2))
        result = (await next_that(ws, answered))["result"]
        assert (result["subs"], result["unsubs"]) == ([f"{BTC}@500"], [f"{BTC}@200"])
        await say(ws, ask("v1.mini.s", f"{BTC}@500", method="unsubscribe", number=3))
        answer = await next_that(ws, answered)
        assert (answer["method"], answer["result"]["unsubs"]) == ("unsubscribe", [f"{BTC}@500"])
        assert not next(iter(sim.exchanges["grvt"].feed.sockets)).topics


async def test_a_book_kept_from_changes_is_the_venues_book(sim: Simulator) -> None:
    async with socket(sim, FULL, max_size=None) as ws:
        await say(ws, ask("v1.book.d", f"{BTC}@50"))
        picture = (await next_that(ws, pushed("v1.book.d", "0")))["feed"]
        sides = {name: {level["price"]: level["size"] for level in picture[name]} for name in ("bids", "asks")}
        for _ in range(10):
            change = (await next_that(ws, pushed("v1.book.d")))["feed"]
            for name, side in sides.items():
                side |= {level["price"]: level["size"] for level in change[name]}
    for name, side in sides.items():
        left = {float(price) for price, size in side.items() if float(size)}
        assert len(left) == 100
        best = max(left) if name == "bids" else min(left)
        assert abs(best / float(picture["bids"][0]["price"]) - 1) < 0.01


async def test_the_lite_encoding_is_not_played(sim: Simulator) -> None:
    with pytest.raises(InvalidStatus, match="404"):
        await socket(sim, "market-data.grvt.io/ws/lite")


async def test_connects_are_limited_and_silence_closes() -> None:
    rules = Rules(own={"grvt.connects": 2, "grvt.idle_s": 0.3})
    async with Simulator(Options(venues=("grvt",), instruments=8, rules=rules)) as sim:
        async with socket(sim, FULL) as ws:
            assert (await closed(ws))[0] == 1000
        async with socket(sim, FULL):
            with pytest.raises(InvalidStatus, match="429"):
                await socket(sim, FULL)


async def test_rest_is_asked_by_post_and_refuses_by_code(sim: Simulator) -> None:
    for path, asked, status, code in (
        ("ticker", None, 404, 1004),
        ("ticker", {"instrument": "NOPE"}, 400, 3000),
        ("book", {"instrument": BTC, "depth": 7}, 400, 3031),
        ("funding", {"instrument": BTC, "start_time": 5}, 400, 1003),
        ("nothing", {}, 404, 1004),
    ):
        found, body, _ = await rest(sim, f"{REST}/{path}", asked)
        assert (found, body["code"]) == (status, code), path


async def test_rest_answers_have_the_venues_fields(sim: Simulator) -> None:
    _, listed, _ = await rest(sim, f"{REST}/all_instruments", {"is_active": True})
    natives = {row["instrument"]: row for row in listed["result"]}
    assert {"KPEPE_USDT_Perp", "BTC_USDT_Fut_25Dec26", "XPD_USDT_Perp"} <= set(natives)
    assert "OLDCO_USDT_Perp" not in natives
    assert (natives["KPEPE_USDT_Perp"]["base"], natives["XPD_USDT_Perp"]["venues"]) == ("KPEPE", ["RFQ"])
    _, every, _ = await rest(sim, f"{REST}/all_instruments", {})
    assert "OLDCO_USDT_Perp" in {row["instrument"] for row in every["result"]}
    _, book, _ = await rest(sim, f"{REST}/book", {"instrument": BTC, "depth": 10})
    assert len(book["result"]["bids"]) == 10
    asked = {"instrument": BTC, "agg_type": "FUNDING_INTERVAL", "limit": 3, "start_time": "1700000000000000000"}
    _, paid, _ = await rest(sim, f"{REST}/funding", asked)
    times = [int(row["funding_time"]) for row in paid["result"]]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)


async def test_too_many_calls_are_refused() -> None:
    rules = Rules(own={"grvt.requests": 1})
    async with Simulator(Options(venues=("grvt",), instruments=8, rules=rules)) as sim:
        assert (await rest(sim, f"{REST}/mini", {"instrument": BTC}))[0] == 200
        status, body, _ = await rest(sim, f"{REST}/mini", {"instrument": BTC})
        assert (status, body["code"]) == (429, 1006)
