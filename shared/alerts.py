"""Alerts: the rules as the user writes them, how each channel is to be treated, and the record of an alert.

Rules and channel manners live in the runtime settings (`alert_rules`, `alert_channels`); addresses and keys of the
channels do not (`ALERT_CHANNELS`). Records are msgpack maps on the stream `alerts`. Times of records are nanoseconds
of event time; seconds, percent and basis points in rules are what their names say.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from shared.instruments import Market
from shared.signals import Kind

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
Check = Literal["silent", "down", "quote", "rate", "stale", "latency"]
Term = Literal["interval", "cap"]
Side = Literal["either", "positive", "negative"]

RULE_NAME: Final = "^[a-z0-9][a-z0-9-]{0,39}$"
CLOCK: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
RuleName = Annotated[str, Meta(pattern=RULE_NAME)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(ge=0, le=0.9)]
Percent = Annotated[float, Meta(gt=0, le=100)]
Positive = Annotated[float, Meta(gt=0, le=1e15)]
Bps = Annotated[float, Meta(ge=-1e6, le=1e6)]
Clock = Annotated[str, Meta(pattern=CLOCK)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every rule has. It fires after its condition has held for `for_s`, ends after it has not for `recover_s`,
    and is silent about the same subject for `cooldown_s` after that. `channels` empty: all that take its severity;
    `assets`, `venues` empty: any."""

    name: RuleName
    enabled: bool = True
    severity: Severity = "warning"
    channels: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    for_s: Seconds = 0.0
    recover_s: Seconds = 0.0
    cooldown_s: Seconds = 60.0


class SignalRule(Rule, tag="signal", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal of the scanner is open and has at least this edge, net and size. One alert a coin, however many of its
    routes are open. `venues`: both sides are among them; `routes`: (bought at, sold at)."""

    min_edge_bps: Bps | None = None
    min_net_bps: Bps | None = None
    min_size_usd: Positive | None = None
    kinds: tuple[Kind, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()


class FundingRule(Rule, tag="funding", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Funding beyond `above`: of one market, or (`differential_…`) between the two of a coin that are furthest apart.
    Ends below `above` less the share `hysteresis` of it."""

    measure: Literal["apr_percent", "rate_8h_bps", "differential_apr_percent", "differential_8h_bps"] = "apr_percent"
    above: Positive
    side: Side = "either"
    hysteresis: Share = 0.2
    for_s: Seconds = 60.0
    recover_s: Seconds = 60.0
    cooldown_s: Seconds = 600.0


class PremiumRule(Rule, tag="premium", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A perpetual away from its index (`mark`), or from the spot market of the same venue (`basis`)."""

    measure: Literal["mark", "basis"] = "mark"
    above_bps: Positive
    side: Side = "either"
    hysteresis: Share = 0.2
    for_s: Seconds = 10.0
    recover_s: Seconds = 10.0
    cooldown_s: Seconds = 300.0


class PriceRule(Rule, tag="price", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price crosses `level`: it was on the other side, further away than `hysteresis_bps`, before. `venue` None:
    the median mid of all. In the quote currency, dollars of any kind."""

    asset: Annotated[str, Meta(min_length=1, max_length=40)]
    market: Market = "perp"
    venue: str | None = None
    crosses: Literal["above", "below", "either"] = "either"
    level: Positive
    hysteresis_bps: Annotated[float, Meta(ge=0, le=5_000)] = 20.0
    cooldown_s: Seconds = 60.0


class VenueRule(Rule, tag="venue", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The health of an exchange, each check an alert of its own. `silent`: no collector has beaten for `silent_s`;
    `down`: none of its topics is live; `quote`: its newest quote is older than `quote_s`; `rate`: fewer frames than
    `rate_per_s`; `stale`: more than `stale_percent` of its markets are stale while it is connected; `latency`: the
    median delay is above `latency_ms` and above `latency_times` the venue's own median of an hour. What a graver check
    explains is not told beside it. `assets` counts for `stale` alone: any stale market of these coins."""

    checks: tuple[Check, ...] = ("silent", "down", "quote", "rate", "stale", "latency")
    silent_s: Annotated[float, Meta(ge=5, le=86_400)] = 30.0
    quote_s: Annotated[float, Meta(ge=1, le=86_400)] = 10.0
    rate_per_s: Annotated[float, Meta(ge=0, le=1e6)] = 0.1
    stale_percent: Percent = 5.0
    latency_ms: Annotated[float, Meta(ge=1, le=1e6)] = 200.0
    latency_times: Annotated[float, Meta(ge=1, le=100)] = 3.0
    for_s: Seconds = 10.0
    recover_s: Seconds = 15.0
    cooldown_s: Seconds = 300.0


class ChangeRule(Rule, tag="change", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An exchange changes how often a market's funding is paid, or the bounds of its rate. Told once, has no end."""

    severity: Severity = "info"
    of: tuple[Term, ...] = ("interval", "cap")


AlertRule = SignalRule | FundingRule | PremiumRule | PriceRule | VenueRule | ChangeRule
RULE_KINDS: Final[dict[str, type[Rule]]] = {
    "signal": SignalRule,
    "funding": FundingRule,
    "premium": PremiumRule,
    "price": PriceRule,
    "venue": VenueRule,
    "change": ChangeRule,
}
MOST_RULES: Final = 200
#: What every rule has and a kind has no use for: a level has an asset and a venue, a change is told once, at once.
UNUSED: Final[dict[str, tuple[str, ...]]] = {
    "price": ("assets", "venues"),
    "change": ("for_s", "recover_s", "cooldown_s"),
}

#: Every exchange's health and the terms of funding: they cost little, and go to the stream and the console at least.
DEFAULT_RULES: Final[tuple[AlertRule, ...]] = (
    VenueRule(name="exchange-away", severity="critical", checks=("silent", "down"), for_s=5.0),
    VenueRule(name="exchange-health", checks=("quote", "rate", "stale", "latency"), for_s=20.0, recover_s=30.0),
    ChangeRule(name="funding-terms"),
)


class ChannelManners(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one channel is treated. From `quiet_from` to `quiet_to` in `time_zone` only `quiet_lets` and graver goes
    through (None: nothing), the rest is told together afterwards; so is what exceeds `per_minute` messages. `ends`:
    also tell when an alert is over."""

    min_severity: Severity = "warning"
    per_minute: Annotated[int, Meta(ge=1, le=60)] = 6
    quiet_from: Clock | None = None
    quiet_to: Clock | None = None
    time_zone: Annotated[str, Meta(min_length=1, max_length=60)] = "UTC"
    quiet_lets: Severity | None = "critical"
    ends: bool = True
    lang: Literal["en", "zh"] = "en"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert; each record carries the whole of it. `rev` 1 when it is raised (`fire`; `note`: it has no end), 2 at
    its end.

    `began_at` is when the condition began to hold, `ended_at` when it ceased to. `value` is the latest, `peak` the
    worst, `limit` the rule's, each as text in `unit`. `repeats`: how often the subject was back within the rule's
    cool-down before this. `end_reason`: `recovered`; `gone`: there is nothing to measure any more; `rule`: the rule
    was removed or switched off.
    """

    id: str
    rev: int
    event: Literal["fire", "end", "note"]
    rule: str
    kind: Literal["signal", "funding", "premium", "price", "venue", "change"]
    severity: Severity
    subject: str
    measure: str
    unit: str
    limit: str | None
    value: str | None
    peak: str | None
    peak_at: int | None
    at: int
    began_at: int
    fired_at: int
    ended_at: int | None = None
    end_reason: Literal["recovered", "gone", "rule"] | None = None
    duration_ms: int | None = None
    asset: str | None = None
    venue: str | None = None
    about: dict[str, str] = {}
    repeats: int = 0
    config_version: int = 0


def folded(rule: AlertRule) -> AlertRule:
    """The rule as it is meant: coins in capitals, venues and channels in small letters."""
    changes: dict[str, object] = {
        "assets": tuple(name.strip().upper() for name in rule.assets),
        "venues": tuple(name.strip().lower() for name in rule.venues),
        "channels": tuple(name.strip().lower() for name in rule.channels),
    }
    if isinstance(rule, SignalRule):
        changes["routes"] = tuple((buy.strip().lower(), sell.strip().lower()) for buy, sell in rule.routes)
    if isinstance(rule, PriceRule):
        changes["asset"] = rule.asset.strip().upper()
        changes["venue"] = rule.venue.strip().lower() if rule.venue else None
    return msgspec.structs.replace(rule, **changes)


def contradiction(rules: Sequence[AlertRule], channels: Mapping[str, ChannelManners]) -> tuple[str, object, str] | None:
    """What no type can judge: the first (field, value, what was expected) that cannot be meant."""
    for number, rule in enumerate(rules):
        if any(rule.name == other.name for other in rules[:number]):
            return f"alert_rules[{number}].name", rule.name, "a name that no other rule has"
        named = [field for field in UNUSED["price"] if getattr(rule, field)]
        if isinstance(rule, PriceRule) and named:
            field = named[0]
            return f"alert_rules[{number}].{field}", getattr(rule, field), "nothing: a level has an asset and a venue"
    for name, one in channels.items():
        if (one.quiet_from is None) != (one.quiet_to is None):
            missing = "quiet_to" if one.quiet_to is None else "quiet_from"
            return f"alert_channels.{name}.{missing}", None, "HH:MM, beside the other end of the quiet hours"
        try:
            ZoneInfo(one.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return f"alert_channels.{name}.time_zone", one.time_zone, "a time zone such as Asia/Shanghai, UTC"
    return None


def view(alert: Alert) -> dict[str, Any]:
    """An alert as JSON carries it: times in milliseconds."""
    found: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(alert).items():
        if name in _TIMES:
            found[f"{name}_ms"] = None if value is None else value // 1_000_000
        else:
            found[name] = value
    return found


_TIMES: Final = frozenset({"at", "began_at", "fired_at", "ended_at", "peak_at"})
HINTS: Final = {kind: get_type_hints(struct, include_extras=True) for kind, struct in RULE_KINDS.items()}
