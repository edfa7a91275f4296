"""`/api/why/{asset}`, answered by what a scanner does with a question."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.scanner.asked import answer
from services.scanner.fold import Fold
from shared import asking, streams
from shared.bus import Redis
from tests.api.conftest import Api
from tests.api.market import leg, put_board, row
from tests.scanner.tape import Tape, hold
from tests.scanner.tape import row as listed

SYMBOL = "WIF/USDT:USDT"


def fold() -> Fold:
    """WIF, 700 bps apart on two exchanges: too good to be true."""
    tape = Tape().begin({"alpha": [listed("WIF")], "beta": [listed("WIF")]})
    tape.quote("alpha", SYMBOL, "1.9990", "2.0000", "1000").quote("beta", SYMBOL, "2.1400", "2.1420", "1000")
    return hold(tape, ("alpha", "beta"), 1500).fold()[0]


@pytest.fixture
async def known(api: Api, redis_client: Redis) -> Api:
    await put_board(redis_client, row("WIF", legs=(leg("alpha"), leg("beta"))), row("BTC"))
    await api.until(lambda: set(api.context.state.board.rows) == {"WIF", "BTC"})
    return api


@pytest.fixture
async def answering(redis_client: Redis) -> AsyncIterator[None]:
    """A scanner's rounds."""

    done = asyncio.Event()

    async def rounds() -> None:
        while not done.is_set():
            seconds, micros = await redis_client.time()
            await answer(redis_client, fold(), 0, 1, int(seconds) * 1000 + int(micros) // 1000)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(rounds())
    yield
    done.set()
    await task


async def test_every_route_is_explained_step_by_step(known: Api, answering: None) -> None:
    found = (await known.http.get("/api/why/wif")).json()
    assert [(one["venue"], one["state"]) for one in found["legs"]] == [("alpha", "ok"), ("beta", "ok")]
    best = found["routes"][0]
    assert (best["edge_bps"], best["verdict"], best["stage"]) == (700.0, "max_edge", "idle")
    assert {"name": "believable edge", "ok": False, "why": "max_edge", "value": "700.00 bps"}.items() <= next(
        step for step in best["steps"] if step["name"] == "believable edge"
    ).items()
    assert (found["held_back"], found["routes_total"]) == ({"max_edge": 1}, 2)


async def test_a_coin_that_the_scanner_does_not_know_has_no_legs(known: Api, answering: None) -> None:
    found = (await known.http.get("/api/why/BTC")).json()
    assert (found["symbol"], found["legs"], found["routes"]) == ("BTC", [], [])


async def test_an_unknown_coin_is_told_as_such(known: Api) -> None:
    answer = await known.http.get("/api/why/NOSUCH")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_symbol")
    assert answer.json()["error"]["field"] == "asset"


async def test_without_a_scanner_it_is_said_that_none_answers(known: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "ANSWER_S", 0.2)
    answer = await known.http.get("/api/why/WIF")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "scanner_away")
    assert answer.headers["retry-after"] == "5"


async def test_a_question_is_answered_once_and_by_the_owner_of_its_partition(redis_client: Redis) -> None:
    key = streams.demand(streams.SCANNER, "why")
    await redis_client.zadd(key, {"WIF": 2_000, "OLD": 500})
    owner = streams.partition_of("WIF", 2)
    assert await answer(redis_client, fold(), 1 - owner, 2, 1_000) == 0
    assert await answer(redis_client, fold(), owner, 2, 1_000) == 1
    assert await redis_client.zcard(key) == 0
    assert 0 < await redis_client.pttl(streams.why("WIF")) <= 10_000
