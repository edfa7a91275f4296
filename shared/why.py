"""Why a coin gives a signal or none: its last evaluation, step by step. Made by the scanner, msgpack maps.

Whoever wants to know puts the coin into `demand:_scanner:why` (a sorted set, score: until when in ms of Redis) and
reads `why:<coin>`, which the owner of its partition writes within a quarter of a second or so.
"""

import msgspec

from shared.signals import Kind, LegState


class LegWhy(msgspec.Struct, frozen=True, kw_only=True):
    """One market: how it stands, why (a quarantine's or an exclusion's reason), and the age of its quote."""

    venue: str
    market: str
    symbol: str
    native: str
    state: LegState
    reason: str | None = None
    age_ms: int | None = None
    turnover: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One condition. `ok` None: it could not be looked at, a step before it stands in the way. `why` is the reason by
    which a candidate is counted that fails here; `value` and `limit` are text with their unit."""

    name: str
    ok: bool | None
    why: str
    value: str | None = None
    limit: str | None = None


class RouteWhy(msgspec.Struct, frozen=True, kw_only=True):
    """One route: buy and sell are `venue|market|native`. `verdict` is `good`, or the reason by which it is held back:
    that of the first step that failed, or the harder one where both legs are bad; a pair that makes no route is told
    where its edge reaches enter_bps. `stage` is where its life stands:
    idle, pend, open, fade or cool; `samples` good ones of `wanted`."""

    kind: Kind
    buy: str
    sell: str
    edge_bps: str
    verdict: str
    steps: tuple[Step, ...]
    stage: str
    samples: int = 0
    wanted: int = 0
    until_ms: int | None = None
    signal: str | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `at` is event time in ns, `answered_ms` Redis's clock (0: from a checkpoint). `routes` are the first
    of `routes_total`, the largest edge first. `held_back` counts the coin's candidates by reason since the scanner took
    the partition over."""

    asset: str
    at: int
    answered_ms: int
    legs: tuple[LegWhy, ...]
    routes: tuple[RouteWhy, ...]
    routes_total: int
    held_back: dict[str, int]
