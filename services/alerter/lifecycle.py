"""When readings become alerts: pending, firing, recovering, cooling. Pure, on event time.

    idle       over                    -> pending (fires at once where the rule waits for nothing)
    pending    over for `for_s`        -> firing: record `fire`
               not over                -> idle
    firing     under                   -> recovering
               no reading for LOST_S   -> record `end` (gone), idle
    recovering under for `recover_s`   -> cooling: record `end`; it ended when it was first under
               not under               -> firing, the same alert
    cooling    until `cooldown_s`      -> idle; each time it is over meanwhile is counted in the next alert's `repeats`

Between a limit and where it ends nothing changes. A subject without a reading is unknown: what pends waits, what fires
goes on. Price levels fire only once they were under since the rule was made.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from services.alerter.picture import Change, Reading
from shared.alerts import Alert, AlertRule, ChangeRule, PriceRule, SignalRule

SECOND: Final = 1_000_000_000
#: A subject that fires and of which nothing is known for so long is gone.
LOST_S: Final = 600.0
#: Subjects that are followed at once; further ones are not begun, and counted.
MOST: Final = 5_000

Stage = Literal["idle", "pending", "firing", "recovering", "cooling"]
Key = tuple[str, str]


class Watch(msgspec.Struct, kw_only=True):
    """One subject of one rule. `since` is when the stage began, `first` when the condition began to hold; times in ns.

    `armed`: it was under since the rule was made. `above`: it was over at the last reading, while cooling."""

    rule: str
    subject: str
    stage: Stage = "idle"
    since: int = 0
    first: int = 0
    seen: int = 0
    armed: bool = False
    above: bool = False
    repeats: int = 0
    fired: Alert | None = None
    size: float = 0.0

    @property
    def key(self) -> Key:
        return self.rule, self.subject


def alert_id(rule: str, subject: str, at: int) -> str:
    return blake2b(f"{rule}|{subject}|{at}".encode(), digest_size=10).hexdigest()


class LifeCycle:
    """Every subject that is not at rest. `changed` says that there is something new to keep."""

    def __init__(self, watches: Iterable[Watch] = (), at: int = 0) -> None:
        self.watches: dict[Key, Watch] = {one.key: one for one in watches}
        self.at = at
        self.changed = False
        self.repeated = self.unbegun = 0

    @property
    def active(self) -> list[Alert]:
        return [one.fired for one in self.watches.values() if one.stage in ("firing", "recovering") and one.fired]

    def retain(self, rules: Sequence[AlertRule], at: int) -> list[Alert]:
        """End what belongs to no rule any more."""
        names = {rule.name for rule in rules if rule.enabled}
        over: list[Alert] = []
        for watch in [one for one in self.watches.values() if one.rule not in names]:
            del self.watches[watch.key]
            self.changed = True
            if watch.fired is not None and watch.stage in ("firing", "recovering"):
                over.append(ended(watch.fired, at, at, "rule"))
        return over

    def step(self, rule: AlertRule, readings: Sequence[Reading], at: int, version: int) -> list[Alert]:
        """Take what a rule has found, all of its subjects at once."""
        at = self.at = max(self.at, at)
        found: list[Alert] = []
        told = set()
        for reading in readings:
            told.add(reading.subject)
            found += self._take(rule, reading, at, version)
        for watch in [one for one in self.watches.values() if one.rule == rule.name and one.subject not in told]:
            # a coin without an open signal is known to have none
            level: Literal["under", "unknown"] = "under" if isinstance(rule, SignalRule) else "unknown"
            found += self._take(rule, Reading(watch.subject, level), at, version)
        return found

    def note(self, rule: ChangeRule, change: Change, at: int, version: int) -> Alert:
        """A change is told once and has no end."""
        at = self.at = max(self.at, at)
        subject = f"{change.venue} {change.symbol} {change.term}"
        return Alert(
            id=alert_id(rule.name, f"{subject} {change.before} {change.after}", at),
            rev=1,
            event="note",
            rule=rule.name,
            kind="change",
            severity=rule.severity,
            subject=subject,
            measure=change.term,
            unit="",
            limit=None,
            value=change.after,
            peak=None,
            peak_at=None,
            at=at,
            began_at=at,
            fired_at=at,
            ended_at=at,
            duration_ms=0,
            asset=change.asset,
            venue=change.venue,
            about={"before": change.before, "after": change.after, "symbol": change.symbol},
            config_version=version,
        )

    def _take(self, rule: AlertRule, reading: Reading, at: int, version: int) -> list[Alert]:
        key = (rule.name, reading.subject)
        watch = self.watches.get(key)
        if watch is None:
            arms = isinstance(rule, PriceRule)
            if reading.level != "over" and not (arms and reading.level == "under"):
                return []
            if len(self.watches) >= MOST:
                self.unbegun += 1
                return []
            watch = self.watches[key] = Watch(rule=rule.name, subject=reading.subject, since=at, seen=at)
            self.changed = True
        if reading.level != "unknown":
            watch.seen = at
        if reading.level == "under" and not watch.armed and isinstance(rule, PriceRule):
            watch.armed = self.changed = True
        match watch.stage:
            case "idle" | "pending":
                found = self._rise(rule, watch, reading, at, version)
            case "firing" | "recovering":
                found = self._fall(rule, watch, reading, at)
            case "cooling":
                found = self._cool(rule, watch, reading, at, version)
        lost = at - watch.seen >= LOST_S * SECOND
        if (watch.stage == "idle" and (lost or not isinstance(rule, PriceRule))) or (watch.stage == "pending" and lost):
            del self.watches[key]
            self.changed = True
        return found

    def _rise(self, rule: AlertRule, watch: Watch, reading: Reading, at: int, version: int) -> list[Alert]:
        if reading.level == "unknown":
            return []
        if reading.level != "over" or (isinstance(rule, PriceRule) and not watch.armed):
            self._go(watch, "idle", at)
            watch.repeats = 0
            return []
        if watch.stage == "idle":
            self._go(watch, "pending", at)
            watch.first = at
        if at - watch.first < rule.for_s * SECOND:
            return []
        self._go(watch, "firing", at)
        watch.fired, watch.size = fired(rule, watch, reading, at, version), reading.size
        watch.repeats = 0
        return [watch.fired]

    def _fall(self, rule: AlertRule, watch: Watch, reading: Reading, at: int) -> list[Alert]:
        assert watch.fired is not None
        if reading.level == "unknown":
            if at - watch.seen < LOST_S * SECOND:
                return []
            return self._end(watch, watch.seen, at, "gone")
        if reading.value is not None and reading.level != "under":
            watch.fired = self._worse(watch, reading, at)
        if reading.level != "under":
            self._go(watch, "firing", at)
            return []
        if watch.stage == "firing":
            self._go(watch, "recovering", at)
        if at - watch.since < rule.recover_s * SECOND:
            return []
        return self._end(watch, watch.since, at, "recovered")

    def _worse(self, watch: Watch, reading: Reading, at: int) -> Alert:
        assert watch.fired is not None
        latest = msgspec.structs.replace(watch.fired, value=reading.value)
        if reading.size <= watch.size:
            return latest
        watch.size, self.changed = reading.size, True
        return msgspec.structs.replace(latest, peak=reading.value, peak_at=at)

    def _end(self, watch: Watch, since: int, at: int, reason: Literal["recovered", "gone"]) -> list[Alert]:
        assert watch.fired is not None
        record = ended(watch.fired, since, at, reason)
        self._go(watch, "cooling", at)
        watch.fired, watch.above = None, False
        return [record]

    def _cool(self, rule: AlertRule, watch: Watch, reading: Reading, at: int, version: int) -> list[Alert]:
        over = reading.level == "over"
        if at - watch.since >= rule.cooldown_s * SECOND:
            self._go(watch, "idle", at)
            return self._rise(rule, watch, reading, at, version)
        if over and not watch.above:
            watch.repeats += 1
            self.repeated += 1
            self.changed = True
        if reading.level != "unknown":
            watch.above = over
        return []

    def _go(self, watch: Watch, stage: Stage, at: int) -> None:
        if watch.stage != stage:
            watch.stage, watch.since, self.changed = stage, at, True


def fired(rule: AlertRule, watch: Watch, reading: Reading, at: int, version: int) -> Alert:
    """The first record of an alert."""
    return Alert(
        id=alert_id(rule.name, watch.subject, at),
        rev=1,
        event="fire",
        rule=rule.name,
        kind=type(rule).__struct_config__.tag,  # type: ignore[arg-type]  # each rule's tag is its kind
        severity=rule.severity,
        subject=watch.subject,
        measure=reading.measure,
        unit=reading.unit,
        limit=reading.limit,
        value=reading.value,
        peak=reading.value,
        peak_at=at,
        at=at,
        began_at=watch.first,
        fired_at=at,
        asset=reading.asset,
        venue=reading.venue,
        about=reading.about,
        repeats=watch.repeats,
        config_version=version,
    )


def ended(alert: Alert, since: int, at: int, reason: Literal["recovered", "gone", "rule"]) -> Alert:
    """The last record of an alert that ceased to hold at `since`."""
    duration_ms = (since - alert.began_at) // 1_000_000
    return msgspec.structs.replace(
        alert, rev=2, event="end", at=at, ended_at=since, end_reason=reason, duration_ms=duration_ms
    )
