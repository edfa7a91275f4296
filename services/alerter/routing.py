"""Which channel is told what, and when: severity, quiet hours, pace, digests. Deterministic, on event time.

A channel takes at most `per_minute` messages in any minute. What is more, what falls into its quiet hours,
and what comes while it fails is held, and told together in one digest when there is room again. The end of an alert is
told where its beginning was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from services.alerter.quiet import grave, is_quiet
from shared.alerts import Alert, AlertRule, ChannelManners

MINUTE: Final = 60_000_000_000
#: Alerts that a digest tells by name, and that a channel holds by name; the others are counted.
NAMED: Final = 20
HELD: Final = 200
#: What is older was raised while nobody looked: it is recorded, and a digest counts it.
LATE: Final = 60 * MINUTE
#: Messages on their way to a channel from which on it is behind, and more is held.
BEHIND: Final = 4
#: Alerts whose beginning a channel was told, and whose end it is owed.
TOLD: Final = 2_000

Why = Literal["pace", "quiet", "behind"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one channel: an alert, or a digest of several and of `more` that are not named."""

    id: str
    channel: str
    made_at: int
    alerts: tuple[Alert, ...]
    digest: bool = False
    more: int = 0


class Lane(msgspec.Struct, kw_only=True):
    """What is remembered of a channel. `sent`: when its last messages went out, of the present minute."""

    sent: list[int] = []
    number: int = 0
    held: dict[str, Alert] = {}
    more: int = 0
    told: list[str] = []


class Routing:
    """All channels. `held` counts by reason, `merged` what digests do not name."""

    def __init__(self, lanes: Mapping[str, Lane] | None = None) -> None:
        self.lanes: dict[str, Lane] = dict(lanes or {})
        self.held: dict[Why, int] = {"pace": 0, "quiet": 0, "behind": 0}
        self.merged = 0
        self.changed = False

    def route(
        self,
        alerts: Iterable[Alert],
        rules: Mapping[str, AlertRule],
        channels: Mapping[str, ChannelManners],
        behind: Collection[str],
        at: int,
    ) -> list[Delivery]:
        """What is to be sent now. `behind`: channels with much on its way. Then what was held, where there is room."""
        found: list[Delivery] = []
        for alert in alerts:
            for name, manners in channels.items():
                if wants(alert, rules.get(alert.rule), name, manners):
                    found += self._give(name, manners, alert, name in behind, at)
        busy = {one.channel for one in found}
        for name, manners in channels.items():
            if name not in busy and name not in behind:
                found += self._digest(name, manners, at)
        return found

    def _lane(self, name: str, at: int) -> Lane:
        lane = self.lanes.setdefault(name, Lane())
        lane.sent = [one for one in lane.sent if at - one < MINUTE]
        return lane

    def _give(self, name: str, manners: ChannelManners, alert: Alert, behind: bool, at: int) -> list[Delivery]:
        lane = self._lane(name, at)
        if alert.event == "end":
            if alert.id in lane.held:
                lane.held[alert.id], self.changed = alert, True
                return []
            if alert.id not in lane.told:
                return []
            lane.told.remove(alert.id)
            self.changed = True
            if not manners.ends:
                return []
        elif at - alert.at > LATE:
            lane.more += 1
            self.merged += 1
            self.changed = True
            return []
        why = self._why(lane, manners, alert, behind, at)
        if why is not None:
            self._hold(lane, alert, why)
            return []
        return [self._deliver(lane, name, [alert], at)]

    def _why(self, lane: Lane, manners: ChannelManners, alert: Alert, behind: bool, at: int) -> Why | None:
        """Why the alert is not sent now."""
        if is_quiet(manners, alert.severity, at):
            return "quiet"
        if behind:
            return "behind"
        return "pace" if len(lane.sent) >= manners.per_minute else None

    def _hold(self, lane: Lane, alert: Alert, why: Why) -> None:
        self.held[why] += 1
        self.changed = True
        lane.held[alert.id] = alert
        while len(lane.held) > HELD:
            del lane.held[next(iter(lane.held))]
            lane.more += 1
            self.merged += 1

    def _digest(self, name: str, manners: ChannelManners, at: int) -> list[Delivery]:
        lane = self.lanes.get(name)
        if lane is None or not lane.held:
            return []
        if len(self._lane(name, at).sent) >= manners.per_minute:
            return []
        due = [one for one in lane.held.values() if not is_quiet(manners, one.severity, at)]
        due.sort(key=lambda one: (-grave(one.severity), one.event == "end"))  # the first are told by name
        if not due:
            return []
        for one in due:
            del lane.held[one.id]
        if len(due) == 1 and not lane.more:
            return [self._deliver(lane, name, due, at)]
        more, lane.more = lane.more + max(0, len(due) - NAMED), 0
        self.merged += max(0, len(due) - NAMED)
        return [self._deliver(lane, name, due, at, more=more, digest=True)]

    def _deliver(
        self, lane: Lane, name: str, alerts: Sequence[Alert], at: int, *, more: int = 0, digest: bool = False
    ) -> Delivery:
        self.changed = True
        lane.sent.append(at)
        alerts = alerts[:NAMED]
        lane.told = [*lane.told, *(one.id for one in alerts if one.event == "fire")][-TOLD:]
        lane.number += 1
        name_of = f"{name}|{lane.number}|{at}|{'|'.join(f'{one.id}.{one.rev}' for one in alerts)}"
        found = blake2b(name_of.encode(), digest_size=10).hexdigest()
        return Delivery(id=found, channel=name, made_at=at, alerts=tuple(alerts), digest=digest, more=more)


def wants(alert: Alert, rule: AlertRule | None, name: str, manners: ChannelManners) -> bool:
    """Whether a channel is to be told of an alert: the rule names it, or takes all and is grave enough."""
    if rule is not None and rule.channels:
        return name in rule.channels
    return grave(alert.severity) >= grave(manners.min_severity)
