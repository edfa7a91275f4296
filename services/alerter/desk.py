"""One partitionless whole: what is seen goes in, records and messages come out. Pure, on event time.

Every input is a value with its time; the same inputs in the same order give the same alerts and the same messages.
"""

from collections.abc import Collection, Mapping, Sequence

from services.alerter.lifecycle import LifeCycle
from services.alerter.picture import Change, OpenSignal, Picture
from services.alerter.routing import Delivery, Routing
from services.alerter.rules import readings
from services.alerter.rules.change import Terms, changes, merged, wanted
from services.alerter.state import Kept, State
from shared.alerts import Alert, AlertRule, ChangeRule, ChannelManners, SignalRule
from shared.config import Runtime


class Desk:
    """`signals` are the open ones; `terms` what is known of each venue's funding, `told` which venues changed since the
    last write."""

    def __init__(self, kept: Kept) -> None:
        state = kept.state
        self.cycle = LifeCycle(state.watches, state.at)
        self.routing = Routing(state.lanes)
        self.signals: dict[str, OpenSignal] = dict(state.signals)
        self.terms: dict[str, dict[str, Terms]] = {venue: dict(known) for venue, known in kept.terms.items()}
        self.told: set[str] = set()
        self.runtime = Runtime()
        self.raised = 0

    @property
    def rules(self) -> list[AlertRule]:
        return [rule for rule in self.runtime.alert_rules if rule.enabled]

    def set(self, runtime: Runtime) -> None:
        """Other settings: they count from the next look on."""
        self.runtime = runtime

    def hear(self, signal_id: str, signal: OpenSignal | None, at: int) -> list[Alert]:
        """A signal is as given, or (None) is over."""
        if signal is None:
            self.signals.pop(signal_id, None)
        else:
            self.signals[signal_id] = signal
        picture = Picture(at, signals=self.signals)
        found: list[Alert] = []
        for rule in self.rules:
            if isinstance(rule, SignalRule):
                found += self._step(rule, picture)
        return self._count(found)

    def look(self, picture: Picture) -> list[Alert]:
        """Everything that is seen at one instant; what no rule is about any more ends."""
        found = self.cycle.retain(self.rules, picture.at)
        for rule in self.rules:
            found += self._step(rule, picture)
        return self._count(found)

    def _step(self, rule: AlertRule, picture: Picture) -> list[Alert]:
        seen = readings(rule, picture)
        return [] if seen is None else self.cycle.step(rule, seen, picture.at, self.runtime.version)

    def relisted(self, venue: str, terms: Mapping[str, Terms], at: int) -> list[Alert]:
        """A venue's terms as they are now."""
        before = self.terms.get(venue, {})
        known = merged(before, terms)
        if known != before:
            self.terms[venue] = known
            self.told.add(venue)
        return self._count([note for change in changes(venue, before, terms) for note in self._notes(change, at)])

    def _notes(self, change: Change, at: int) -> list[Alert]:
        asking = (rule for rule in self.rules if isinstance(rule, ChangeRule) and wanted(rule, change))
        return [self.cycle.note(rule, change, at, self.runtime.version) for rule in asking]

    def route(
        self, alerts: Sequence[Alert], channels: Collection[str], behind: Collection[str], at: int
    ) -> list[Delivery]:
        """The messages that go out now, to the channels that there are."""
        manners = {name: self.manners(name) for name in channels}
        rules = {rule.name: rule for rule in self.runtime.alert_rules}
        return self.routing.route(alerts, rules, manners, behind, at)

    def manners(self, channel: str) -> ChannelManners:
        return self.runtime.alert_channels.get(channel) or ChannelManners()

    def _count(self, alerts: list[Alert]) -> list[Alert]:
        self.raised += sum(one.event != "end" for one in alerts)
        return alerts

    @property
    def changed(self) -> bool:
        """Whether there is something to keep since `state` was asked for."""
        return self.cycle.changed or self.routing.changed

    def state(self, positions: Mapping[str, str]) -> State:
        """What a successor goes on from."""
        self.cycle.changed = self.routing.changed = False
        return State(
            at=self.cycle.at,
            watches=list(self.cycle.watches.values()),
            lanes=self.routing.lanes,
            positions=dict(positions),
            signals=self.signals,
        )
