"""What the owner of a partition does beside the turns: tells the control stream what decides about signals (streams,
instruments, settings, the USDC rate, the passing of time), and clears up.

None of it changes the fold by itself: everything goes out through the control stream and counts when it is read back.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from services.scanner import lease
from services.scanner.asked import answer
from services.scanner.books import Books
from services.scanner.control import Config, ControlEvent, Join, Listing, Row, Seed, Tick, encode
from services.scanner.detectors.price_check import unconfirmed
from services.scanner.idle import Idle
from services.scanner.market import MS
from services.scanner.resume import RECORD, Hold, pairs, readable
from services.scanner.wire import Wire
from shared import decoding, streams
from shared.bus import Redis
from shared.codec import decode_event
from shared.config import Runtime
from shared.cursor import START
from shared.instruments import UNCONFIRMED, Instrument, Market
from shared.routes import fx

LOG: Final = logging.getLogger(__name__)
KINDS: Final = ("quote", "mark", "funding", "stats", "book")
ROWS_PER_ENTRY: Final = 200
ROUND_S: Final = 0.25
SETTINGS_S: Final = 1.0
VENUES_S: Final = 2.0
LISTING_S: Final = 30.0
LISTINGS_S: Final = 0.5
#: How soon a listing is read again when events name symbols that are not known.
UNLISTED_S: Final = 3.0
CONFIRMED_S: Final = 5.0
CLEAR_S: Final = 30.0
BOOKS_S: Final = 2.0
IDLE_MS: Final = 1000
#: The control stream is never silent for longer: so the last entry that was folded is always still in it.
PULSE_S: Final = 10.0
CLOSED_KEPT_NS: Final = 120_000 * MS

Load = Callable[[], Awaitable[Runtime]]


class Steward:
    """Rounds of the owner's duties. `load` reads the runtime settings. `recorded`: the market data is a replay's."""

    def __init__(
        self,
        hold: Hold,
        client: Redis,
        wire: Wire,
        partitions: int,
        load: Load,
        *,
        recorded: bool = False,
    ) -> None:
        self.hold, self._client, self._wire = hold, client, wire
        self._partitions, self._load, self._recorded = partitions, load, recorded
        self._seq = 0
        self._books = Books()
        self._idle = Idle()
        self._told = 0.0
        self._written = hold.fold.judge.runtime
        self._venues = {source.venue for source in hold.fold.sources.values()}
        #: of a checkpoint from before a kind was read
        self._unread = [(venue, kind) for venue in sorted(self._venues) for kind in self._lacking(venue)]
        self._rows: dict[str, dict[tuple[Market, str], Row]] = {
            venue: {(leg.market, leg.native): leg.row for leg in legs.values() if not leg.gone}
            for venue, legs in hold.fold.natives.items()
        }
        self._raw: dict[str, dict[bytes, bytes]] = {}
        self._due: dict[str, float] = {}
        #: when each collector last changed its listing
        self._said: dict[bytes, bytes] = {}
        self._unlisted = hold.fold.unlisted
        self._clock = (hold.fold.at, 0)
        self._rate: tuple[fx.Fx, int] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Raises `Fenced` when the partition is no longer ours."""
        while not stop.is_set():
            await self._round()
            await asyncio.sleep(ROUND_S)

    async def _round(self) -> None:
        if self._is_due("config", SETTINGS_S):
            await self._follow_settings()
        if self._is_due("venues", 0.0 if self._recorded else VENUES_S):
            await self._find_venues()
        if not self._recorded and self._is_due("listings", LISTINGS_S):
            await self._hear_of_listings()
        for venue in sorted(self._venues):
            if self._is_due(f"listing {venue}", LISTING_S):
                await self._read_listing(venue)
        if self.hold.fold.unlisted > self._unlisted and self._is_due("unlisted", UNLISTED_S):
            self._unlisted = self.hold.fold.unlisted
            for venue in sorted(self._venues):
                await self._read_listing(venue)
        if self._is_due("rate", 1.0):
            await self._tell_rate()
        await self._tick()
        hold = self.hold
        await answer(self._client, hold.fold, hold.partition, self._partitions, await self._now_ms(), self._idle)
        if not self._recorded and self._is_due("confirmed", CONFIRMED_S):
            await self._write_confirmed()
        if not self._recorded and self._is_due("books", BOOKS_S):
            await self._books.ask(self._client, self.hold.fold.memory.interest.books(), await self._now_ms())
        if self._is_due("clear", CLEAR_S):
            await self._clear_up()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    async def _tell(self, *events: ControlEvent) -> bytes:
        batch = encode(f"scanner-{self.hold.fence}", self._seq, list(events))
        self._seq += 1
        self._told = time.monotonic()
        return await lease.write_control(self._client, self.hold.partition, self.hold.fence, batch)

    async def _now_ms(self) -> int:
        seconds, micros = await self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def _follow_settings(self) -> None:
        runtime = await self._load()
        if runtime != self._written:
            await self._tell(Config(runtime))
            self._written = runtime

    async def _find_venues(self) -> None:
        if self._recorded:
            await self._find_recorded()
            return
        for venue, kind in self._unread:
            key = self._keys(venue)[kind]
            self.hold.feed.add(key, f"{await self._now_ms()}-0")
            await self._tell(Join(key, venue, kind))
        self._unread.clear()
        for venue in await self._listed_venues():
            if venue not in self._venues:
                await self._join(venue)

    async def _listed_venues(self) -> list[str]:
        prefix = streams.instruments("")
        return sorted(
            [key.decode(errors="replace").removeprefix(prefix) async for key in self._client.scan_iter(f"{prefix}*")]
        )

    async def _find_recorded(self) -> None:
        """Join a replay's venues, all that have begun at once, and read them from their first entries.

        Whatever is read of one, what has to be known of all others is known by then: a replay writes every listing
        before its first entries, and these together. So what was seen begun is listed anew before it is joined.
        """
        if not await self._begun():
            return
        joined = await self._begun()
        for venue in joined:
            await self._tell(*(Join(key, venue, kind) for kind, key in self._keys(venue).items()))
            self._venues.add(venue)
            await self._read_listing(venue)
        for venue in joined:
            for key in self._keys(venue).values():
                self.hold.feed.add(key, START)

    async def _begun(self) -> list[str]:
        """The listed venues that are not read yet and of which there is an entry."""
        fresh = [venue for venue in await self._listed_venues() if venue not in self._venues]
        async with self._client.pipeline(transaction=True) as pipe:
            for venue in fresh:
                pipe.exists(*self._keys(venue).values())
            return [venue for venue, found in zip(fresh, await pipe.execute(), strict=True) if found]

    def _keys(self, venue: str) -> dict[str, str]:
        return {kind: streams.market_data(self.hold.partition, venue, kind) for kind in KINDS}

    def _lacking(self, venue: str) -> list[str]:
        return [kind for kind, key in self._keys(venue).items() if key not in self.hold.fold.sources]

    async def _join(self, venue: str) -> None:
        """Start to read the venue's streams, say so, then list it and bring its last values."""
        partition, keys = self.hold.partition, self._keys(venue)
        start = f"{await self._now_ms()}-0"
        for key in keys.values():
            self.hold.feed.add(key, start)
        await self._tell(*(Join(key, venue, kind) for kind, key in keys.items()))
        self._venues.add(venue)
        await self._read_listing(venue)
        for kind in streams.LAST_KINDS:
            found = pairs(await self._wire.one("HGETALL", streams.last(partition, venue, kind)))
            events = readable(found.values(), decode_event)
            for at in range(0, len(events), ROWS_PER_ENTRY):
                await self._tell(Seed(venue, kind, events[at : at + ROWS_PER_ENTRY]))
        LOG.info("partition %d reads %s", partition, venue)

    async def _hear_of_listings(self) -> None:
        """A collector says when its listing has changed: a halt must not wait until its turn comes."""
        said: Any = await self._client.hgetall(streams.META_LISTINGS)
        for venue in sorted(self._venues):
            if said.get(venue.encode()) != self._said.get(venue.encode()):
                self._due[f"listing {venue}"] = 0.0
        self._said = said

    async def _read_listing(self, venue: str) -> None:
        self._due[f"listing {venue}"] = time.monotonic() + LISTING_S
        raw = pairs(await self._wire.one("HGETALL", streams.instruments(venue)))
        if raw == self._raw.get(venue):
            return
        before = self._raw.get(venue, {})
        known = self._rows.setdefault(venue, {})
        changed: list[Row] = []
        elsewhere: set[tuple[Market, str]] = set()
        for field, data in raw.items():
            if before.get(field) == data:
                continue
            key, row = native_of(field), row_of(data)
            if row is None or known.get(key) == row:
                continue
            if streams.partition_of(row.base, self._partitions) != self.hold.partition:
                elsewhere.add(key)  # read as another coin, it may have been here before
                self._idle.note(venue, key, None)
            elif row.status == "trading" or row.reason == UNCONFIRMED or key in known:
                changed.append(row)
                known[key] = row
                self._idle.note(venue, key, None)
            else:
                self._idle.note(venue, key, row)
        listed = {native_of(field) for field in raw} - elsewhere
        gone = [key for key in known if key not in listed] if raw else []
        for key in gone:
            del known[key]
        for field in before.keys() - raw.keys():
            self._idle.note(venue, native_of(field), None)
        for at in range(0, len(changed), ROWS_PER_ENTRY):
            await self._tell(Listing(venue, changed[at : at + ROWS_PER_ENTRY], []))
        if gone:
            await self._tell(Listing(venue, [], gone))
        self._raw[venue] = raw

    async def _write_confirmed(self) -> None:
        """Tell the collectors which readings of multipliers the prices have confirmed, and look for their answer."""
        for venue, legs in list(self.hold.fold.natives.items()):
            for leg in list(legs.values()):
                if not leg.standing.confirmed or not unconfirmed(leg) or leg.gone:
                    continue
                self._due[f"listing {venue}"] = 0.0
                row = leg.row
                said = {"multiplier": row.multiplier, "asset": row.base, "by": "scanner", "at": await self._now_ms()}
                data = msgspec.json.encode(said).decode()
                if await self._client.hsetnx(streams.overrides(venue), leg.native, data):
                    LOG.info("%s: its price confirms %s times %s", leg.part, row.multiplier, row.base)

    async def _tell_rate(self) -> None:
        """USDC in USDT, if its markets are in this partition, to every partition: when it changed, or is ageing. Raises
        `Fenced` before it tells anybody: one who was stopped must not tell the others a rate from before."""
        fold = self.hold.fold
        coin = fold.assets.get(fx.BASE)
        if coin is None:
            return
        rate = fold.judge.measure(coin.legs, fold.at)
        if rate.mid is None or (self._rate and self._rate[0] == rate and fold.at - self._rate[1] < fx.RATE_AGAIN_NS):
            return
        self._rate = (rate, fold.at)
        if not self._recorded:  # a replay works it out by its own time
            await self._tell(rate)
        batch = encode(f"rate-{self.hold.fence}", self._seq, [rate])
        for partition in range(self._partitions):
            if partition != self.hold.partition:
                await self._client.xadd(streams.control(partition), {streams.FIELD: batch})

    async def _tick(self) -> None:
        """Let event time pass while nothing moves it."""
        now, (at, since) = await self._now_ms(), self._clock
        if self.hold.fold.at != at or since == 0:
            self._clock = (self.hold.fold.at, now)
        elif at and now - since >= IDLE_MS and not self._recorded:
            await self._tell(Tick(at + (now - since) * MS))
        elif time.monotonic() - self._told >= PULSE_S:
            await self._tell(Tick(at))

    async def _clear_up(self) -> None:
        """Closed signals leave `open:{P}` after two minutes; control and signal streams keep their time."""
        partition, now = self.hold.partition, await self._now_ms()
        for name, data in pairs(await self._wire.one("HGETALL", streams.open_signals(partition))).items():
            for record in readable([data], RECORD.decode):
                if record.closed_at is not None and record.closed_at < self.hold.fold.at - CLOSED_KEPT_NS:
                    await self._client.hdel(streams.open_signals(partition), name)
        await self._client.xtrim(streams.control(partition), minid=now - streams.CONTROL_RETENTION_MS)
        await self._client.xtrim(streams.signals(partition), minid=now - streams.SIGNALS_RETENTION_MS)


_instrument: Final[decoding.Decoder[Instrument]] = decoding.msgpack(Instrument)


def row_of(data: bytes) -> Row | None:
    """What a listed instrument is; None where it cannot be read."""
    try:
        one = _instrument.decode(data)
    except msgspec.DecodeError as error:
        LOG.warning("an instrument cannot be read: %s", error)
        return None
    return Row(
        market=one.market,
        symbol=one.symbol,
        native=one.native,
        base=one.base,
        quote=one.quote,
        category=one.category,
        status=one.status,
        quote_mode=one.quote_mode,
        lot_size=one.lot_size,
        min_size=one.min_size,
        min_notional=one.min_notional,
        taker_fee_bps=one.taker_fee_bps,
        funding_interval_h=one.funding_interval_h,
        multiplier=one.multiplier,
        reason=one.quarantine_reason,
        trusted=one.trusted,
        tick_size=one.tick_size,
    )


def native_of(field: bytes) -> tuple[Market, str]:
    market, _, native = field.decode(errors="replace").partition(":")
    return ("spot" if market == "spot" else "perp"), native
