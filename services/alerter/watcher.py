"""The work of the owner: look, decide, write, hand on. What was decided is written before it is handed on."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from services.alerter import texts
from services.alerter.courier import Courier
from services.alerter.desk import Desk
from services.alerter.health import Feeds, Health, feeds_of
from services.alerter.keeper import Keeper
from services.alerter.message import Message
from services.alerter.picture import Picture, Row
from services.alerter.reading import Reading, open_signal
from services.alerter.routing import BEHIND, Delivery
from services.alerter.rules.change import Terms
from services.alerter.state import Kept, State
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
#: Without news the state is written this often.
WRITE_S: Final = 5.0
#: Reads of signals in one turn, of 500 entries at most each.
READS: Final = 20


class Write(msgspec.Struct, frozen=True):
    """What one turn has decided: written as a whole, tried again as it is."""

    state: State
    records: Sequence[Alert]
    active: Sequence[Alert]
    due: Sequence[Delivery]
    terms: Mapping[str, Mapping[str, Terms]]
    now_ms: int


class Watcher:
    """See the module. `message` makes what a courier brings."""

    def __init__(self, redis: Redis, settings: Settings, keeper: Keeper, kept: Kept, runtime: Runtime) -> None:
        self._mode, self._keeper = settings.mode, keeper
        self._reading = Reading(redis, settings.partitions)
        self.desk = Desk(kept)
        self.desk.set(runtime)
        self._health = Health(kept.state.latencies)
        self._positions = dict(kept.state.positions)
        self._feeds: Feeds | None = None
        self._due: dict[str, float] = {}
        self._pending: Write | None = None
        self._records: list[Alert] = []
        self._couriers: dict[str, Courier] = {}
        self._lost = 0

    def message(self, delivery: Delivery) -> Message:
        return texts.message(delivery, self.desk.manners(delivery.channel), self._mode)

    def trial(self, delivery_id: str, channel: str) -> Message:
        return texts.trial(delivery_id, channel, self.desk.manners(channel), self._mode)

    async def begin(self) -> None:
        """Without a past: from now on, with the signals that are open."""
        if not self._positions:
            self._positions, standing = await self._reading.begin()
            self.desk.signals = {one.id: open_signal(one) for one in standing}

    async def resume(self, due: Sequence[Delivery], couriers: dict[str, Courier]) -> None:
        """Take up the messages that a predecessor left on their way."""
        self._couriers = couriers
        for one in due:
            if one.channel in couriers:
                couriers[one.channel].take(one)
            else:
                LOG.warning("the message %s goes nowhere: there is no channel %s any more", one.id, one.channel)
                self._lost += 1
                await self._keeper.done(one.id)

    async def turn(self, couriers: dict[str, Courier]) -> None:
        """One look. Raises one of `shared.bus.AWAY`: nothing is lost by it, the next turn goes on."""
        if self._pending is not None:
            await self._put(couriers)
        now_ms = await self._reading.now_ms()
        at = now_ms * MS
        await self._hear()
        self._records += self.desk.look(await self._picture(at))
        await self._terms(at)
        behind = {name for name, one in couriers.items() if len(one) >= (1 if one.state.state == "failing" else BEHIND)}
        due = self.desk.route(self._records, couriers, behind, at)
        if self._records or due or self._is_due("write", WRITE_S):
            self._decide(due, now_ms)
            await self._put(couriers)

    async def write(self, couriers: dict[str, Courier]) -> None:
        """The last write before a stop."""
        if self._pending is not None:
            await self._put(couriers)
        self._decide([], await self._reading.now_ms())
        await self._put(couriers)

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
            self._feeds = None
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
        changed = await self._reading.relisted()
        for venue in sorted(
            {*changed, *(name for name in self.desk.terms if self._is_due(f"listing {name}", LISTING_S))}
        ):
            self._records += self.desk.relisted(venue, await self._reading.terms(venue), at)

    def _decide(self, due: Sequence[Delivery], now_ms: int) -> None:
        desk = self.desk
        self._pending = Write(
            state=desk.state(self._positions, self._health.latencies),
            records=self._records,
            active=desk.cycle.active,
            due=due,
            terms={venue: desk.terms[venue] for venue in desk.told},
            now_ms=now_ms,
        )
        self._records = []
        desk.told.clear()

    async def _put(self, couriers: dict[str, Courier]) -> None:
        """Write what was decided, then hand it on."""
        one = self._pending
        assert one is not None
        await self._keeper.commit(one.state, one.records, one.active, one.due, one.terms, one.now_ms)
        self._pending = None
        for alert in one.records:
            LOG.info("%s %s: %s", alert.severity, alert.event, title(alert, "en"))
        for delivery in one.due:
            couriers[delivery.channel].take(delivery)

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
