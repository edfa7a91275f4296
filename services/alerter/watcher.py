"""The work of the owner: look, decide, write, hand on. What was decided is written before it is handed on."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from services.alerter import texts
from services.alerter.courier import Courier
from services.alerter.desk import Desk
from services.alerter.health import Feeds, Health, feeds_of
from services.alerter.keeper import LATENCIES, STATE, Keeper, Write, terms_field
from services.alerter.message import Message
from services.alerter.picture import Picture, Row
from services.alerter.reading import Reading, open_signal
from services.alerter.routing import BEHIND, Delivery
from services.alerter.state import Kept
from shared import streams
from shared.alert_words import title
from shared.alerts import Alert, ChangeRule, PriceRule, SignalRule, VenueRule
from shared.bus import Redis
from shared.config import Runtime, Settings

LOG: Final = logging.getLogger(__name__)
MS: Final = 1_000_000
#: The whole board is looked at this often, the coins of price levels at each turn.
BOARD_S: Final = 5.0
#: A listing is read again when its collector says so, and this often.
LISTING_S: Final = 60.0
#: Without an alert the state is written this often, the usual latencies that often.
WRITE_S: Final = 5.0
LATENCIES_S: Final = 60.0
#: Reads of signals in one turn, of 500 entries at most each.
READS: Final = 20


class Decided(msgspec.Struct, frozen=True):
    """What one turn has decided: written as a whole, tried again as it is, handed on then."""

    write: Write
    records: Sequence[Alert]
    due: Sequence[Delivery]


class Watcher:
    """See the module. `message` makes what a courier brings."""

    def __init__(self, redis: Redis, settings: Settings, keeper: Keeper, kept: Kept, runtime: Runtime) -> None:
        self._mode, self._keeper = settings.mode, keeper
        self._reading = Reading(redis, settings.partitions)
        self.desk = Desk(kept)
        self.desk.set(runtime)
        self._health = Health(kept.latencies)
        self._positions = dict(kept.state.positions)
        self._written = dict(self._positions)
        self._feeds: Feeds | None = None
        self._due: dict[str, float] = {}
        self._decided: Decided | None = None
        self._records: list[Alert] = []
        self._couriers: Mapping[str, Courier] = {}
        self._lost = 0

    def message(self, delivery: Delivery) -> Message:
        return texts.message(delivery, self.desk.manners(delivery.channel), self._mode)

    def trial(self, delivery_id: str, channel: str) -> Message:
        return texts.trial(delivery_id, channel, self.desk.manners(channel), self._mode)

    async def begin(self, due: Sequence[Delivery], couriers: Mapping[str, Courier]) -> None:
        """Take up what a predecessor left on its way. Without a past: from now on, with the signals that are open."""
        self._couriers = couriers
        if not self._positions:
            self._positions, standing = await self._reading.begin()
            self.desk.signals = {one.id: open_signal(one) for one in standing}
        for one in due:
            if one.channel in couriers:
                couriers[one.channel].take(one)
            else:
                LOG.warning("the message %s goes nowhere: there is no channel %s any more", one.id, one.channel)
                self._lost += 1
                await self._keeper.done(one.id)

    async def turn(self) -> None:
        """One look. Raises one of `shared.bus.AWAY`: nothing is lost by it, the next turn goes on."""
        await self._put()
        now_ms = await self._reading.now_ms()
        await self._hear()
        self._records += self.desk.look(await self._picture(now_ms * MS))
        await self._terms(now_ms * MS)
        self._decide(now_ms)
        await self._put()

    async def finish(self) -> None:
        """The last write before a stop. Raises one of `shared.bus.AWAY`."""
        await self._put()
        self._due.clear()
        self._decide(await self._reading.now_ms())
        await self._put()

    async def _hear(self) -> None:
        """The signals since the last turn, each at its own time."""
        for _ in range(READS):
            after, records = await self._reading.signals(self._positions)
            for one in records:
                standing = None if one.event == "close" else open_signal(one)
                self._records += self.desk.hear(one.id, standing, one.at)
            if after == self._positions:
                return
            self._positions = after

    async def _picture(self, at: int) -> Picture:
        kinds = {type(rule) for rule in self.desk.rules}
        health = await self._reading.health()
        kept_up = any(name == streams.SCANNER and fields.get("state") == "live" for name, fields in health)
        rows: list[Row] | None = None
        if not kept_up:
            self._feeds, rows = None, []  # nothing is known, and what fires is lost in time
        elif kinds - {SignalRule, PriceRule, ChangeRule} and self._is_due("board", BOARD_S):
            rows = await self._reading.board()
            self._feeds = feeds_of(rows)
        elif PriceRule in kinds:
            rows = await self._reading.coins(rule.asset for rule in self.desk.rules if isinstance(rule, PriceRule))
        collectors = [(name, fields) for name, fields in health if not name.startswith("_")]
        exchanges = self._health.look(collectors, self._feeds, at)
        return Picture(at, rows, exchanges if VenueRule in kinds else None, self.desk.signals)

    async def _terms(self, at: int) -> None:
        if not any(isinstance(rule, ChangeRule) for rule in self.desk.rules):
            return
        overdue = [venue for venue in self.desk.terms if self._is_due(f"listing {venue}", LISTING_S)]
        for venue in sorted({*await self._reading.relisted(), *overdue}):
            self._records += self.desk.relisted(venue, await self._reading.terms(venue), at)

    def _decide(self, now_ms: int) -> None:
        """What is to be written now, if anything is."""
        desk, couriers = self.desk, self._couriers
        behind = {name for name, one in couriers.items() if len(one) >= (1 if one.state.state == "failing" else BEHIND)}
        due = desk.route(self._records, couriers, behind, now_ms * MS)
        pressing = bool(self._records or due)
        if not pressing and not self._is_due("write", WRITE_S):
            return
        fields: dict[str, Any] = {terms_field(venue): desk.terms[venue] for venue in desk.told}
        if pressing or desk.changed or self._positions != self._written:
            fields[STATE], self._written = desk.state(self._positions), self._positions
        if self._is_due("latencies", LATENCIES_S):
            fields[LATENCIES] = self._health.latencies
        write = self._keeper.prepared(fields, self._records, desk.cycle.active, due, now_ms)
        self._decided, self._records = Decided(write, self._records, due), []
        desk.told.clear()

    async def _put(self) -> None:
        """Write what was decided, then hand it on."""
        one = self._decided
        if one is None:
            return
        await self._keeper.commit(one.write)
        self._decided = None
        for alert in one.records:
            LOG.info("%s %s: %s", alert.severity, alert.event, title(alert, "en"))
        for delivery in one.due:
            self._couriers[delivery.channel].take(delivery)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def held(self, channel: str) -> int:
        """Alerts that wait for a digest."""
        lane = self.desk.routing.lanes.get(channel)
        return 0 if lane is None else len(lane.held) + lane.more

    def figures(self) -> dict[str, str | int | float]:
        routing, couriers = self.desk.routing, self._couriers.values()
        return {
            "alerts_active": len(self.desk.cycle.active),
            "alerts_raised_total": self.desk.raised,
            "alerts_repeated_total": self.desk.cycle.repeated,
            **{f"alerts_held_total:{why}": count for why, count in routing.held.items()},
            "alerts_merged_total": routing.merged,
            "deliveries_total": sum(one.state.delivered_total for one in couriers),
            "deliveries_failed_total": sum(one.state.failed_total for one in couriers),
            "deliveries_lost_total": self._lost + sum(one.state.lost_total for one in couriers),
            "deliveries_waiting": sum(map(len, couriers)),
            "dropped_total": self.desk.cycle.unbegun,
            "rejected_total": self._reading.rejected.total(),
        }
