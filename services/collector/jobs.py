"""What is asked over REST, and when: listing, quotes that fill in, polls, settlements, books.

Every body goes through the venue's decoder like a frame. A call that fails is said once (`Trouble`) and tried again;
nothing here ends the process.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random
from time import time_ns
from typing import Final

from services.collector.backoff import delays
from services.collector.messages import Message, Refused
from services.collector.pacing import SECOND
from services.collector.rest import Body, Kind, Rest, RestError
from services.collector.table import Table
from services.collector.venue import Call, Decode, DecoderOptions, Unreadable, Venue
from services.collector.wants import quote_channels
from shared.instruments import Instrument, Market

LISTING_S: Final = 900.0
#: after a listing in which a call failed, and between listings that the venue itself asks for
LISTING_AGAIN_S: Final = 60.0
LISTING_FIRST_WAIT_S: Final = 2.0
#: a list of more pages than this goes on for ever
PAGES_MAX: Final = 20
QUOTES_S: Final = 5.0
SETTLEMENTS_S: Final = 3600.0
#: one symbol is not asked for its quote again before this, where each is asked for alone
SINGLE_S: Final = 60.0
#: how far back funding history is asked for at first, and how far before the last time it was
HISTORY: Final = 7 * 86_400 * SECOND
OVERLAP: Final = 3600 * SECOND
#: how often payments that fell due are looked for, and how long after a payment its row is asked for
SETTLE_LOOK_S: Final = 30.0
PAID_AFTER: Final = 60 * SECOND

Params = dict[str, str | int]

log = logging.getLogger(__name__)


class RestSource:
    """Where a REST body's events come from, as the desk sees it: it never owns a feed."""

    generation = 0

    def __init__(self, call: Call) -> None:
        self.name = call.name


class Listed:
    """What one round of listing calls brought: fresh instruments, ids out of scope, the markets that failed."""

    __slots__ = ("errors", "failed", "instruments", "outside")

    def __init__(self) -> None:
        self.instruments: list[Instrument] = []
        self.outside: frozenset[str] = frozenset()
        self.failed: set[Market | None] = set()
        self.errors: list[RestError] = []


class Jobs:
    """The REST calls of one venue. `taken` gets each decoded body, `tap` each raw one."""

    def __init__(
        self,
        venue: Venue,
        table: Table,
        rest: Rest,
        taken: Callable[[RestSource, Body, list[Message]], None],
        tap: Callable[[Body], None],
        rng: Random,
    ) -> None:
        self._venue, self._rest, self._taken, self._tap, self._rng = venue, rest, taken, tap, rng
        best = quote_channels(venue)
        self._decoders: dict[str, Decode] = {
            call.name: venue.decoder(table, DecoderOptions(None, call.market, best)) for call in venue.calls
        }
        self._sources = {call.name: RestSource(call) for call in venue.calls}
        #: the newest failure of each call that fails just now
        self.failing: dict[str, RestError] = {}
        #: when the listing is asked for again, in nanoseconds
        self.next_listing = 0

    def calls(self, job: str) -> list[Call]:
        return [call for call in self._venue.calls if call.job == job]

    async def ask(self, call: Call, params: Params | None = None, *, backfill: bool = False) -> bool:
        """Make a call and hand on what its body holds. False where it failed, or the venue refused it in the body."""
        body = await self._body(call, params, backfill=backfill)
        if body is None:
            return False
        messages = self._decoders[call.name](body.data, body.recv, body.request)
        self._taken(self._sources[call.name], body, messages)
        refused = next((message for message in messages if isinstance(message, Refused)), None)
        if refused is None:
            self._answers(call)
            return True
        if refused.busy:
            self._rest.hold(call)
        kind: Kind = "limited" if refused.busy else "bad"
        self._fails(call, RestError(kind, f"{call.path} is refused: {refused.code or ''} {refused.reason}".rstrip()))
        return False

    async def _body(self, call: Call, params: Params | None = None, *, backfill: bool = False) -> Body | None:
        try:
            body = await self._rest.fetch(call, params, backfill=backfill)
        except RestError as error:
            self._fails(call, error)
            return None
        self._tap(body)
        return body

    def _fails(self, call: Call, error: RestError) -> None:
        if call.name not in self.failing:
            log.warning("%s: REST call %s fails: %s", self._venue.name, call.name, error.sentence)
        self.failing[call.name] = error

    def _answers(self, call: Call) -> None:
        if self.failing.pop(call.name, None) is not None:
            log.info("%s: REST call %s answers again", self._venue.name, call.name)

    # ---- the listing

    async def listing(self) -> Listed:
        """One round of all listing calls, parsed together."""
        calls = self.calls("listing")
        books = await asyncio.gather(*(self._pages(call) for call in calls))
        listed = Listed()
        found = {name: page for pages in books if pages is not None for name, page in pages.items()}
        listed.failed = {call.market for call, pages in zip(calls, books, strict=True) if pages is None}
        listed.errors = [self.failing[call.name] for call in calls if call.name in self.failing]
        if found:
            try:
                listed.instruments = self._venue.listing(found)
                listed.outside = self._venue.outside(found)
            except Unreadable as error:
                log.warning("%s: the listing cannot be read: %s", self._venue.name, error)
                listed.errors.append(RestError("bad", f"The listing cannot be read: {error}"))
                listed.failed = {None}
        return listed

    async def _pages(self, call: Call) -> dict[str, bytes] | None:
        """All pages of a list, by name; None where one of them failed: half a list would delist the other half."""
        pages: dict[str, bytes] = {}
        params: Mapping[str, str] | None = {}
        while params is not None and len(pages) < PAGES_MAX:
            body = await self._body(call, dict(params))
            if body is None:
                return None
            self._answers(call)
            pages[f"{call.name}#{len(pages) + 1}" if pages else call.name] = body.data
            params = call.next_page(body.data) if call.next_page is not None else None
        return pages

    async def keep_listing(self, listed: Callable[[Listed], None], again: asyncio.Event) -> None:
        """Listings for ever: each 15 minutes or as the calls say, sooner after a failure or when `again` is set."""
        every = min((call.every_s or LISTING_S for call in self.calls("listing")), default=LISTING_S)
        waits = delays(self._rng, LISTING_FIRST_WAIT_S, LISTING_AGAIN_S)
        while True:
            result = await self.listing()
            listed(result)
            if not result.errors:
                waits = delays(self._rng, LISTING_FIRST_WAIT_S, LISTING_AGAIN_S)
            wait = next(waits) if result.errors else every * self._rng.uniform(0.9, 1.1)
            self.next_listing = time_ns() + int(wait * SECOND)
            again.clear()
            try:
                async with asyncio.timeout(wait):
                    await again.wait()
                    await asyncio.sleep(LISTING_FIRST_WAIT_S)  # such notices come in bursts
            except TimeoutError:
                continue

    # ---- quotes, polls, settlements, books

    async def fill_in(self, needed: Callable[[Market], list[Instrument]]) -> None:
        """Tickers of a market while any of its quotes is down: all at once, or one by one for those that need it."""
        if self._venue.rest_quotes == "none":
            return
        asked: dict[str, int] = {}
        while True:
            for call in self.calls("quotes"):
                down = needed(call.market) if call.market is not None else []
                if call.symbol_param is not None:
                    await self._fill_in_singly(call, down, asked)
                elif down:
                    await self.ask(call)
            await asyncio.sleep(QUOTES_S)

    async def compare(self, every_s: float) -> None:
        """All tickers now and then while all is well: they tell topics that have frozen."""
        while True:
            await asyncio.sleep(every_s * self._rng.uniform(0.8, 1.0))
            for call in self.calls("quotes"):
                if call.symbol_param is None:
                    await self.ask(call, backfill=True)

    async def _fill_in_singly(self, call: Call, down: Iterable[Instrument], asked: dict[str, int]) -> None:
        """`asked`: when each symbol was asked for last."""
        for instrument in down:
            if time_ns() - asked.get(instrument.symbol, 0) >= SINGLE_S * SECOND:
                asked[instrument.symbol] = time_ns()
                await self.ask(call, call.naming(instrument), backfill=True)

    async def poll(self, call: Call, mine: Callable[[Call], Iterable[Instrument]]) -> None:
        """One poll for ever: as a whole, or spread over the instruments that are mine."""
        every = call.every_s or SETTLEMENTS_S
        while True:
            instruments = list(mine(call))
            if call.symbol_param is None:
                if instruments:
                    await self.ask(call)
                # at the start nothing may be mine yet, and a poll may be an hour apart
                await asyncio.sleep(every if instruments else min(every, LISTING_FIRST_WAIT_S))
                continue
            pause = every / max(1, len(instruments))
            for instrument in instruments:
                await self.ask(call, call.naming(instrument), backfill=True)
                await asyncio.sleep(pause)
            if not instruments:
                await asyncio.sleep(LISTING_FIRST_WAIT_S)

    async def settle(
        self, call: Call, mine: Callable[[Call], Iterable[Instrument]], next_ts: Callable[[str], int | None]
    ) -> None:
        """Funding history, symbol by symbol: all of it at the start, then each after its next payment is due.

        Where another call brings the newest payments of all symbols at once, only the start is left for this one.
        """
        repeated = any(
            other.symbol_param is None and other.market == call.market for other in self.calls("settlements")
        )
        ahead: dict[str, int | None] = {}  # the payment that was ahead of a symbol when it was asked for
        known: dict[str, int] = {}  # until when its history is known
        while True:
            instruments = list(mine(call))
            for instrument in instruments:
                symbol, now = instrument.symbol, time_ns()
                due = ahead.get(symbol, 0)
                if symbol not in ahead or (due is not None and now >= due + PAID_AFTER and not repeated):
                    params = spanned(call, known.get(symbol, now - HISTORY), now) | call.naming(instrument)
                    if not await self.ask(call, params, backfill=True):
                        continue
                    due, known[symbol] = None, now - OVERLAP
                if due is None:
                    coming = next_ts(symbol)
                    ahead[symbol] = coming if coming is not None and coming > now else None
            await asyncio.sleep(SETTLE_LOOK_S if instruments else LISTING_FIRST_WAIT_S)

    async def book(self, instrument: Instrument) -> bool:
        """One snapshot of a book. False where it did not come."""
        for call in self.calls("book"):
            if call.symbol_param is not None and call.concerns(instrument):
                return await self.ask(call, call.naming(instrument))
        return False


def spanned(call: Call, since: int, until: int) -> Params:
    """The parameters of a call that is told which time it is asked for, in nanoseconds here."""
    span = call.span
    if span is None:
        return {}
    params: Params = {}
    for name, at in ((span.since, since), (span.until, until)):
        if name is not None:
            number = at // 10 ** (9 - span.digits)
            params[name] = str(number) if span.text else number
    return params
