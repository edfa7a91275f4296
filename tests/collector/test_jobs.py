"""What is asked over REST, against a server that notes it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from aiohttp import web

from services.collector import jobs as jobs_module
from services.collector.jobs import Jobs, spanned
from services.collector.messages import Message, Refused
from services.collector.table import Table
from services.collector.venue import Call, Span
from shared.instruments import Instrument
from tests.collector.fakes import instrument, venue
from tests.collector.live import LIMIT_S
from tests.collector.test_rest import served

SECOND = 1_000_000_000
SINGLE = Call("quote", "quotes", "rest", "/quote", "perp", makes=("quote",), symbol_param="id")


def history(span: Span | None) -> Call:
    return Call("paid", "settlements", "rest", "/paid", "perp", symbol_param="id", span=span)


async def noted(calls: tuple[Call, ...], work: Callable[[Jobs], Awaitable[Any]], count: int, **other: Any) -> list[str]:
    """The paths asked for by what `work` does; `count` of them are waited for."""
    async with served() as (server, rest):
        counted = asyncio.Semaphore(0)

        def answer() -> web.Response:
            counted.release()
            return web.Response(body=b"[]")

        server.answer = answer
        one = replace(venue(calls=calls), **other)
        jobs = Jobs(one, Table(), rest, lambda *_: None, lambda _: None, Random(1))
        task = asyncio.ensure_future(work(jobs))
        async with asyncio.timeout(LIMIT_S):
            for _ in range(count):
                await counted.acquire()
        await asyncio.wait([task], timeout=0.1)  # for whatever would be asked too much
        task.cancel()
        return server.asked


@pytest.mark.parametrize(
    ("span", "params"),
    [
        (None, {}),
        (Span("from"), {"from": 1_000}),
        (Span("from", "to"), {"from": 1_000, "to": 7_000}),
        (Span("from", "to", digits=0), {"from": 1, "to": 7}),
        (Span("from", digits=9, text=True), {"from": "1000000000"}),
    ],
)
def test_a_call_is_told_the_time_it_is_asked_for_in_its_own_unit(span: Span | None, params: dict[str, Any]) -> None:
    assert spanned(history(span), 1 * SECOND, 7 * SECOND) == params


async def test_quotes_that_only_come_singly_are_asked_for_the_symbols_that_need_one_and_not_twice_a_minute() -> None:
    rows = [instrument("BTC"), instrument("ETH")]
    asked = await noted((SINGLE,), lambda jobs: jobs.fill_in(lambda _: rows), 2, rest_quotes="single")
    assert asked == ["/rest.test/quote?id=BTC-USDT-perp", "/rest.test/quote?id=ETH-USDT-perp"]


async def test_a_venue_without_rest_quotes_is_never_asked() -> None:
    jobs_done = await noted((SINGLE,), lambda jobs: jobs.fill_in(lambda _: [instrument("BTC")]), 0, rest_quotes="none")
    assert jobs_done == []


async def test_history_is_asked_for_a_week_at_first() -> None:
    call = history(Span("from", "to", digits=0))
    asked = await noted((call,), lambda jobs: jobs.settle(call, lambda _: [instrument("BTC")], lambda _: None), 1)
    query = dict(part.split("=") for part in asked[0].partition("?")[2].split("&"))
    assert int(query["to"]) - int(query["from"]) == 7 * 86_400


class Later:
    """Instruments that are mine from the second look on."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, call: Call) -> list[Instrument]:
        self.looks += 1
        return [instrument("BTC")] if self.looks > 1 else []


async def test_a_call_that_is_made_rarely_does_not_wait_a_turn_for_what_becomes_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs_module, "LISTING_FIRST_WAIT_S", 0.01)
    rare = Call("rare", "poll", "rest", "/rare", "perp", every_s=3600.0, makes=("stats",))
    assert await noted((rare,), lambda jobs: jobs.poll(rare, Later()), 1) == ["/rest.test/rare"]
    paid = history(None)
    assert len(await noted((paid,), lambda jobs: jobs.settle(paid, Later(), lambda _: None), 1)) == 1


async def test_a_book_is_asked_of_the_product_that_the_perpetual_settles_in() -> None:
    calls = tuple(
        Call(name, "book", "rest", f"/{name}", "perp", symbol_param="id", settle=name) for name in ("USDC", "USDT")
    )
    asked = await noted(calls, lambda jobs: jobs.book(instrument("BTC", settle="USDT")), 1)
    assert asked == ["/rest.test/USDT?id=BTC-USDT-perp"]


async def test_a_call_that_spells_instruments_in_its_own_way_asks_so() -> None:
    paid = replace(history(None), spelled=lambda one: one.symbol)
    asked = await noted((paid,), lambda jobs: jobs.settle(paid, lambda _: [instrument("BTC")], lambda _: None), 1)
    assert asked == ["/rest.test/paid?id=BTC%2FUSDT%3AUSDT"]


PAGED = Call("all", "listing", "rest", "/all", "perp", next_page=lambda body: {"at": body.decode()} if body else None)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_list_is_asked_for_page_by_page_and_half_of_it_is_none(broken: bool) -> None:
    read: list[list[str]] = []

    def listing(bodies: Mapping[str, bytes]) -> list[Instrument]:
        read.append(list(bodies))
        return []

    pages = iter([b"x", b"y z", b""])

    def answer() -> web.Response:
        page = next(pages)
        return web.Response(status=503) if broken and not page else web.Response(body=page)

    async with served() as (server, rest):
        server.answer = answer
        one = replace(venue(calls=(PAGED,)), listing=listing)
        listed = await Jobs(one, Table(), rest, lambda *_: None, lambda _: None, Random(1)).listing()
        assert server.asked == ["/rest.test/all", "/rest.test/all?at=x", "/rest.test/all?at=y+z"]
    assert read == ([] if broken else [["all", "all#2", "all#3"]])
    assert listed.failed == ({"perp"} if broken else set())


@pytest.mark.parametrize(("busy", "kind"), [(False, "bad"), (True, "limited")])
async def test_a_call_that_is_refused_in_its_body_has_failed_until_it_is_answered(busy: bool, kind: str) -> None:
    call = history(None)
    answers: Iterator[list[Message]] = iter([[Refused(None, None, "7", "not now", busy)], []])
    taken: list[list[Message]] = []
    async with served() as (server, rest):
        server.answer = lambda: web.Response(body=b"{}")
        one = replace(venue(calls=(call,)), decoder=lambda *_: lambda *_: next(answers))
        jobs = Jobs(one, Table(), rest, lambda _source, _body, made: taken.append(made), lambda _: None, Random(1))
        assert not await jobs.ask(call)
        assert (jobs.failing["paid"].kind, jobs.failing["paid"].sentence) == (kind, "/paid is refused: 7 not now")
        if busy:  # nothing is asked of the host for a while
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await jobs.ask(call)
            return
        assert await jobs.ask(call)
        assert jobs.failing == {}
    assert [len(made) for made in taken] == [1, 0]
